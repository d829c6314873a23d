"""Selections and conditions of a detection or a filter: what pySigma would trip over, ignore or find too late."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from sigma_t1020.problems import Fault, Place, kind, nearest, shown
from sigma_t1020.rules.pysigma_errors import CONDITION_HINT, TRIPS, fault_of, message_of

SELECTOR = re.compile(r"\b(?:1|any|all)\s+of\s+([A-Za-z0-9*_]+)")
# pySigma's expression parser needs exponential time in these.
MAX_BRACKETS = 30

_NO_SELECTIONS = {"detection": ("condition",), "filter": ("condition", "rules")}


def detection_faults(body: str, section: dict[str, Any], locate: bool = False) -> Iterator[Fault]:
    """Faults in the form of `section`, which stands under `body`; with `locate`, pySigma tries each item for itself."""
    selections = _selections(body, section)
    if not selections:
        yield Fault((body,), f"`{body}` has no selection", "add one, such as `selection:` with a field and a value")
    if "timeframe" in section:
        yield Fault((body, "timeframe"), "`timeframe` is the old aggregation syntax", "write a correlation rule")
    for name, value in selections.items():
        yield from _selection_faults(value, (body, name), locate)
    if body == "filter" and not is_texts(section.get("rules")):
        message = "`rules` is not `any` or a list of rule ids"
        yield Fault((body, "rules"), message, "add `rules: any` or `rules:` with ids")
    conditions = section.get("condition")
    if conditions is None or conditions == []:
        hint = "add `condition: selection`, with the names of the selections"
        yield Fault((body,), f"`{body}` has no condition", hint)
        return
    for number, condition in enumerate(conditions if isinstance(conditions, list) else [conditions]):
        yield from _condition_form_faults(condition, (body, "condition", number), selections)


def _selections(body: str, section: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name not in _NO_SELECTIONS[body]}


def _condition_form_faults(condition: Any, at: Place, selections: dict[str, Any]) -> Iterator[Fault]:
    if not isinstance(condition, str) or not condition.strip():
        yield Fault(at, f"the condition is {kind(condition)}, not a text", "write `condition: selection`")
    elif "|" in condition:
        yield Fault(at, "an aggregation (|) in a condition, which Sigma no longer supports", "write a correlation rule")
    elif bracket_depth(condition) > MAX_BRACKETS:
        yield Fault(at, f"brackets nested more than {MAX_BRACKETS} deep in a condition", "split the rule")
    else:
        for pattern in SELECTOR.findall(condition):
            if not selected(pattern, selections):
                known = ", ".join(shown(name, "") for name in [*selections][:10])
                yield Fault(at, f"`of {shown(pattern, '')}` matches no selection", f"use one of {known}")


def _selection_faults(value: Any, at: Place, locate: bool) -> Iterator[Fault]:
    if value is None or value == {} or value == []:
        yield Fault(at, f"{shown(at[-1], '`')} is empty", "give it a field and a value, or remove it")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _item_faults(key, item, (*at, key), locate)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for number, item in enumerate(value):
            yield from _selection_faults(item, (*at, number), locate)
    else:
        yield from _item_faults(None, value, at, locate)


def _item_faults(key: str | None, value: Any, at: Place, locate: bool) -> Iterator[Fault]:
    from sigma.modifiers import modifier_mapping
    from sigma.rule import SigmaDetectionItem

    modifiers = (key or "").split("|")[1:]
    for modifier in modifiers:
        if modifier not in modifier_mapping:
            yield Fault(at, f"unknown modifier {shown(modifier)} in {shown(key)}", nearest(modifier, modifier_mapping))
            return
    for number, item in enumerate(value if isinstance(value, list) else [value]):
        if item is not None and not isinstance(item, (str, int, float)):
            hint = "values are text, numbers, true, false or null: put a date in quotes"
            yield Fault((*at, number), f"a value of {shown(key or at[-1])} is {kind(item)}", hint)
            return
        if item is None and (odd := [modifier for modifier in modifiers if modifier not in ("all", "neq")]):
            hint = "write the field without it, or quote the text 'null'"
            yield Fault((*at, number), f"a value of {shown(key)} is null, to which |{odd[0]} does not apply", hint)
            return
        if "re" in modifiers and not isinstance(item, str):
            yield Fault((*at, number), f"the regular expression of {shown(key)} is {kind(item)}", "put it in quotes")
            return
    if locate:
        try:
            SigmaDetectionItem.from_mapping(key, value)
        except TRIPS as error:
            message = fault_of(error, at).message
            yield Fault(at, f"{shown(key or at[-1])}: {message}", "correct the value, or use another modifier")


def condition_faults(rule: Any, body: str, section: dict[str, Any]) -> Iterator[Fault]:
    """What pySigma finds in the conditions when it parses them, which it would do only at conversion."""
    for number, condition in enumerate(getattr(rule, body).parsed_condition):
        at, text = (body, "condition", number), shown(condition.condition)
        try:
            empty = condition.parsed is None
        except RecursionError:
            yield Fault(at, "the condition is nested too deep", "split the rule")
        except TRIPS as error:
            message = message_of(error).split("  (at char")[0]
            undefined = re.match("Detection '(.*)' not defined", message)
            if undefined is None:
                yield Fault(at, f"broken condition {text}: {message}", CONDITION_HINT)
            elif (word := undefined.group(1)) in ("and", "or", "not", "of", "them", "all", "any"):
                yield Fault(at, f"broken condition {text}: {word} stands where a selection should", CONDITION_HINT)
            else:
                hint = nearest(word, _selections(body, section))
                yield Fault(at, f"the condition names {shown(word)}, which is not a selection", hint)
        else:
            if empty:
                yield Fault(at, f"the condition {text} tests nothing", CONDITION_HINT)


def selected(pattern: str, names: Iterable[str]) -> list[str]:
    """Names of the selections that `1 of pattern` stands for, as pySigma decides it: a leading _ hides one."""
    expression = re.compile(".*" if pattern == "them" else re.sub(r"\*+", ".*", pattern))
    return [
        name for name in names if expression.fullmatch(name) and (pattern.startswith("_") or not name.startswith("_"))
    ]


def is_texts(value: Any) -> bool:
    """Whether it is a text or a list of texts."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def bracket_depth(condition: str) -> int:
    """How deep round brackets are nested."""
    return max(accumulate((character == "(") - (character == ")") for character in condition), default=0)
