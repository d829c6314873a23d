"""The meaning of a Sigma rule: which events it matches.

Source: Sigma rules specification 2.x, "Detection" and "Condition". Logic is two-valued: a missing field
matches nothing but `null` and `exists: false`, and NOT of that is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from reference.conditions import Test, parse_condition
from reference.events import Event, Scalar
from reference.modifiers import Item, Placeholders, RuleError, compile_item

Compiled: TypeAlias = Callable[[Event], list[bool]]

_NO_PLACEHOLDERS: Placeholders = {}
_NOT_SELECTIONS = frozenset(("condition", "timeframe"))


def matches(rule: Mapping[str, Any], event: Event, placeholders: Placeholders = _NO_PLACEHOLDERS) -> bool:
    """Whether the rule's detection holds for the event: any of its conditions, where it has a list of them.

    `rule` is the mapping that YAML gives; only its `detection` is looked at (`in_log_source` judges the
    rest). `placeholders` gives the values of each placeholder of `expand`. Raises RuleError, ConditionError
    or UnsupportedRegexError (all ValueError) for a rule that has no meaning.
    """
    return any(conditions(rule, event, placeholders))


def conditions(rule: Mapping[str, Any], event: Event, placeholders: Placeholders = _NO_PLACEHOLDERS) -> list[bool]:
    """Which of the rule's conditions hold for the event, in their order; see `matches`."""
    return compile_rule(rule, placeholders)(event)


def in_log_source(rule: Mapping[str, Any], event: Event) -> bool:
    """Whether the event is of the rule's log source, by category and product where both sides name them."""
    source = rule.get("logsource", {})
    return all(
        source.get(name) is None or value is None or source[name] == value
        for name, value in (("category", event.category), ("product", event.product))
    )


def compile_rule(rule: Mapping[str, Any], placeholders: Placeholders = _NO_PLACEHOLDERS) -> Compiled:
    """`conditions` of one rule for many events."""
    detection = rule.get("detection")
    if not isinstance(detection, Mapping) or "condition" not in detection:
        raise RuleError("a rule needs a detection with a condition")
    selections = {
        str(name): _selection(content, placeholders)
        for name, content in detection.items()
        if name not in _NOT_SELECTIONS
    }
    wanted = detection["condition"]
    tests: list[Test] = [
        parse_condition(condition, list(selections)) for condition in (wanted if isinstance(wanted, list) else [wanted])
    ]

    def judge(event: Event) -> list[bool]:
        holds = {name: selection(event) for name, selection in selections.items()}
        return [test(holds) for test in tests]

    return judge


def _selection(content: object, placeholders: Placeholders) -> Item:
    """A map is AND of its items; a list is OR of its parts, which are maps, lists or keywords."""
    if isinstance(content, Mapping):
        if not content:
            raise RuleError("an empty selection")
        items = [_item(str(key), value, placeholders) for key, value in content.items()]
        return lambda event: all(item(event) for item in items)
    if isinstance(content, list):
        if not content:
            raise RuleError("an empty selection")
        parts = [_selection(part, placeholders) for part in content]
        return lambda event: any(part(event) for part in parts)
    return _item("", content, placeholders)


def _item(key: str, value: object, placeholders: Placeholders) -> Item:
    values: list[Scalar] = []
    for one in value if isinstance(value, list) else [value]:
        if one is not None and not isinstance(one, str | int | float):
            raise RuleError(f"{key}: a value must be a string, a number, a boolean or null, not {one!r}")
        values.append(one)
    return compile_item(key, values, placeholders)
