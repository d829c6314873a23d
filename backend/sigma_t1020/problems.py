"""What can be wrong with a rule file, in words by which its author can put it right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from sigma.exceptions import SigmaRuleLocation
    from sigma.rule import SigmaRule

    from sigma.correlations import SigmaCorrelationRule
    from sigma.filters import SigmaFilter

RuleObject: TypeAlias = "SigmaRule | SigmaCorrelationRule | SigmaFilter"
Place: TypeAlias = "tuple[str | int, ...]"

# pySigma's expression parser needs exponential time in these.
MAX_BRACKETS = 30
MAX_REGEX = 10_000
# What pySigma may trip over, apart from its own SigmaError, which is a ValueError.
TRIPS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RecursionError, TypeError, ValueError)

_SELECTOR = re.compile(r"\b(?:1|any|all)\s+of\s+([A-Za-z0-9*_]+)")
_DASH = re.compile(r"\B[-/]\b")
_TYPES = (
    *("event_count", "value_count", "temporal", "temporal_ordered"),
    *("value_sum", "value_avg", "value_percentile", "value_median"),
)
_CORRELATION_KEYS = ("type", "rules", "generate", "group-by", "timespan", "aliases", "condition")
_NO_SELECTION: dict[str | int, tuple[str, ...]] = {
    "detection": ("condition",),
    "filter": ("condition", "rules"),
}
_CONDITION_HINT = "a condition joins the selections by and, or, not, `1 of x_*`"
_OPERATORS = ("lt", "lte", "gt", "gte", "eq", "neq")
RULE_HINT = "a Sigma rule is a mapping with title, logsource (product, category) and detection (selections, condition)"
# Where pySigma's errors belong, and what to do; by name, so that this module does not import pySigma.
_KEYS = {
    "SigmaTitleError": ("title", "add `title:`, one line of at most 256 characters"),
    "SigmaIdentifierError": ("id", "`python -c 'import uuid; print(uuid.uuid4())'` makes one"),
    "SigmaNameError": ("name", "give a short name, or remove `name`"),
    "SigmaTaxonomyError": ("taxonomy", "remove `taxonomy`"),
    "SigmaRelatedError": ("related", "write a list of `- id: <UUID>` with `type: derived`"),
    "SigmaLevelError": ("level", "use informational, low, medium, high or critical"),
    "SigmaStatusError": ("status", "use stable, test, experimental, deprecated or unsupported"),
    "SigmaTagError": ("tags", "write a list of tags such as attack.exfiltration"),
    "SigmaDateError": ("date", "write it as 2025-01-31"),
    "SigmaModifiedError": ("modified", "write it as 2025-01-31"),
    "SigmaFieldsError": ("fields", "write a list of field names"),
    "SigmaFalsePositivesError": ("falsepositives", "write a list of sentences"),
    "SigmaAuthorError": ("author", "write one line, names separated by commas"),
    "SigmaDescriptionError": ("description", "write a text, in quotes or after `|`"),
    "SigmaReferencesError": ("references", "write a list of links"),
    "SigmaScopeError": ("scope", "write a list"),
    "SigmaLicenseError": ("license", "write the licence's name"),
}


@dataclass(frozen=True)
class Problem:
    """Something that keeps a document from being used; `line` is 1-based, `hint` says what to do next."""

    path: str | None
    line: int | None
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = "" if self.path is None else _printable(self.path) + (f":{self.line}" if self.line else "") + ": "
        return place + _printable(self.message + (f"; {self.hint}" if self.hint else ""))[:600]

    def __lt__(self, other: Problem) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[str, int, str]:
        return self.path or "", self.line or 0, self.message


@dataclass(frozen=True)
class Fault:
    """A problem before its line is known: `at` is the path of keys to the value in question."""

    at: Place
    message: str
    hint: str = ""


def shown(value: object, quote: str = "'", limit: int = 60) -> str:
    """A value of the input for a message: on one line, printable, shortened."""
    text = (
        value if isinstance(value, str) else f"of type {kind(value)}" if isinstance(value, (dict, list)) else str(value)
    )
    text = _printable(text[: limit + 1])
    return quote + (text if len(text) <= limit else text[:limit] + "…") + quote


def kind(value: object) -> str:
    """What YAML calls a value: a mapping, a list, a text…"""
    names: dict[type, str] = {
        dict: "a mapping",
        list: "a list",
        str: "a text",
        bool: "a boolean",
        type(None): "nothing",
    }
    return names.get(type(value), "a number" if isinstance(value, (int, float)) else "a date")


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?`, or the whole list if nothing is near."""
    words = sorted(known)
    near = difflib.get_close_matches(word[:60].lower(), words, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(words)}"


def build(data: dict[str, Any], source: SigmaRuleLocation) -> RuleObject:
    """A new pySigma object that shares nothing with `data`. Raises SigmaError, or what pySigma trips over."""
    from sigma.rule import SigmaRule

    from sigma.correlations import SigmaCorrelationRule
    from sigma.filters import SigmaFilter

    own = unshared(data)
    if "correlation" in data:
        return SigmaCorrelationRule.from_dict(own, False, source)
    if "filter" in data:
        return SigmaFilter.from_dict(own, False, source)
    return SigmaRule.from_dict(own, False, source)


def unshared(value: Any) -> Any:
    """A copy in which no list or mapping occurs twice: YAML aliases share theirs."""
    if isinstance(value, dict):
        return {key: unshared(item) for key, item in value.items()}
    return [unshared(item) for item in value] if isinstance(value, list) else value


def check(data: dict[str, Any], source: SigmaRuleLocation) -> tuple[RuleObject | None, list[Fault]]:
    """The rule, correlation or filter that a document describes, or all that is wrong with it. Never raises.

    pySigma takes the shape of its input for granted and answers others with TypeError, KeyError or UnboundLocalError,
    or ignores them; it parses conditions only at conversion. So the shape is checked first, then everything is built.
    """
    body = next((key for key in ("correlation", "filter") if key in data), "detection")
    if body == "detection" and not {"detection", "title", "logsource", "id"} & data.keys():
        return None, [Fault((), "no Sigma rule: it has neither detection, correlation nor filter", RULE_HINT)]
    faults = [*_head_faults(data, source), *_body_faults(body, data)]
    if faults:
        return None, faults
    try:
        rule = build(data, source)
        return rule, list(_condition_faults(rule, body, data[body]))
    except TRIPS as error:
        located = [] if body == "correlation" else [*_detection_faults(data[body], (body,), locate=True)]
        return None, located or [_fault(error, (body,))]


def _fault(error: Exception, at: Place) -> Fault:
    """pySigma's exception as a Fault at `at`, or where the kind of the exception says."""
    name = type(error).__name__
    message = (str(error.args[0]) if error.args else name).rstrip(".")
    if name in _KEYS:
        return Fault((_KEYS[name][0],), message, _KEYS[name][1])
    if name == "SigmaTimespanError":
        return Fault(("correlation", "timespan"), message, "write a number and one of s, m, h, d, w, M, y: 5m")
    if name == "SigmaValueError" and "tag" in message:
        return Fault(("tags",), message, _KEYS["SigmaTagError"][1])
    if at[:1] == ("correlation",):
        key = next((key for key in _CORRELATION_KEYS if key in message.lower()), "condition")
        return Fault((*at, key), message, "see the Sigma correlation rules specification")
    if "onditionError" in name:
        return Fault((*at, "condition"), message, "a condition joins selections by and, or, not, `1 of x_*`")
    if not name.startswith("Sigma"):
        message = f"not a form that Sigma knows ({name}: {shown(message, '')})"
    return Fault(at, message, "compare it with the Sigma specification")


def _head_faults(data: dict[str, Any], source: SigmaRuleLocation) -> Iterator[Fault]:
    """What is wrong with the keys that all kinds of documents have, and with the log source."""
    from sigma.rule import SigmaRuleBase

    head = {key: value for key, value in data.items() if key != "id" or isinstance(value, str)}
    if data.get("id") is not None and "id" not in head:
        yield Fault(("id",), f"the id is {kind(data['id'])}, not a UUID", _KEYS["SigmaIdentifierError"][1])
    try:
        yield from (_fault(error, ()) for error in SigmaRuleBase.from_dict_common_params(head, True, source)[1])
    except TRIPS as error:
        yield _fault(error, ("title",))
    fields = data.get("fields")
    if isinstance(fields, list) and not all(isinstance(name, str) for name in fields):
        yield Fault(("fields",), "`fields` has an entry that is no text", _KEYS["SigmaFieldsError"][1])
    if "correlation" in data:
        return
    hint = "add `logsource:` with product and category, such as windows and process_creation"
    logsource = data.get("logsource")
    if not isinstance(logsource, dict):
        yield Fault(("logsource",), "no logsource" if logsource is None else f"logsource is {kind(logsource)}", hint)
        return
    named = {key: logsource[key] for key in ("category", "product", "service") if logsource.get(key) is not None}
    for key, value in named.items():
        if not isinstance(value, str) or not value.strip():
            yield Fault(("logsource", key), f"{key} is {kind(value)}, not a name", hint)
    if not named:
        yield Fault(("logsource",), "the logsource has no category, product or service", hint)


def _body_faults(body: str, data: dict[str, Any]) -> Iterator[Fault]:
    section = data.get(body)
    if body not in data:
        yield Fault((), "the rule has no detection", "add `detection:` with a selection and `condition: selection`")
    elif body != "detection" and "detection" in data:
        yield Fault((body,), f"a document with both {body} and detection", "split it by a `---` line")
    elif not isinstance(section, dict):
        yield Fault((body,), f"`{body}` is {kind(section)}, not a mapping", RULE_HINT)
    elif body == "correlation":
        yield from _correlation_faults(section)
    else:
        yield from _detection_faults(section, (body,))


def _detection_faults(section: dict[str, Any], at: Place, locate: bool = False) -> Iterator[Fault]:
    """Faults in the selections and the form of the conditions; with `locate`, pySigma tries each item for itself."""
    selections = {name: value for name, value in section.items() if name not in _NO_SELECTION[at[0]]}
    if not selections:
        yield Fault(at, f"`{at[0]}` has no selection", "add one, such as `selection:` with a field and a value")
    if "timeframe" in section:
        yield Fault((*at, "timeframe"), "`timeframe` is the old aggregation syntax", "write a correlation rule")
    for name, value in selections.items():
        yield from _selection_faults(value, (*at, name), locate)
    if at == ("filter",) and not _texts(section.get("rules")):
        yield Fault(
            (*at, "rules"),
            "`rules` is not `any` or a list of rule ids",
            "add `rules: any` or `rules:` with ids",
        )
    conditions = section.get("condition")
    if conditions is None or conditions == []:
        yield Fault(at, f"`{at[0]}` has no condition", "add `condition: selection`, with the names of the selections")
        return
    for number, condition in enumerate(conditions if isinstance(conditions, list) else [conditions]):
        here = (*at, "condition", number)
        if not isinstance(condition, str) or not condition.strip():
            yield Fault(here, f"the condition is {kind(condition)}, not a text", "write `condition: selection`")
        elif "|" in condition:
            yield Fault(
                here,
                "an aggregation (|) in a condition, which Sigma has given up",
                "write a correlation rule",
            )
        elif _depth(condition) > MAX_BRACKETS:
            yield Fault(here, f"brackets nested more than {MAX_BRACKETS} deep in a condition", "split the rule")
        else:
            for pattern in _SELECTOR.findall(condition):
                if not _matching(pattern, selections):
                    known = ", ".join(shown(name, "") for name in [*selections][:10])
                    yield Fault(here, f"`of {shown(pattern, '')}` stands for no selection", f"there are: {known}")


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
        if "re" in modifiers and (not isinstance(item, str) or len(item) > MAX_REGEX):
            message = f"the regular expression of {shown(key)} is {kind(item)}, or too long"
            yield Fault((*at, number), message, f"put it in quotes; at most {MAX_REGEX:,} characters")
            return
    if locate:
        try:
            SigmaDetectionItem.from_mapping(key, value)
        except TRIPS as error:
            fault = _fault(error, at)
            yield Fault(at, f"{shown(key or at[-1])}: {fault.message}", "correct the value, or use another modifier")


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _depth(condition: str) -> int:
    depth = deepest = 0
    for character in condition:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Selections that `1 of pattern` stands for, as pySigma decides it: a leading _ hides one."""
    expression = re.compile(".*" if pattern == "them" else re.sub(r"\*+", ".*", pattern))
    return [
        name for name in names if expression.fullmatch(name) and (pattern.startswith("_") or not name.startswith("_"))
    ]


def effort(data: dict[str, Any]) -> int:
    """Microseconds, about, that pySigma will need for a document (measured); far too many if it would never end.

    The size of a file says little: |windash makes five variants of each dash, and `1 of them` stands for all values.
    """
    total = 3 * _size(data)
    for section in (data.get(body) for body in ("detection", "filter", "correlation")):
        selections = section if isinstance(section, dict) else {}
        conditions = selections.get("condition")
        total += sum(map(_effort_of, selections.values()))
        for condition in conditions if isinstance(conditions, list) else [conditions]:
            if isinstance(condition, str):
                total += 6 * len(condition) + 3 * _expansion(condition, selections)
    return total


def _effort_of(value: Any, modifiers: Sequence[str] = ()) -> int:
    if isinstance(value, dict):
        return sum(_effort_of(item, key.split("|")[1:]) for key, item in value.items())
    if isinstance(value, list):
        return sum(_effort_of(item, modifiers) for item in value)
    if not isinstance(value, str):
        return 5
    variants = 5 ** min(len(_DASH.findall(value)), 9) if "windash" in modifiers else 1
    return 20 * variants + len(value) * (4 if "re" in modifiers else 1)


def _expansion(condition: str, selections: dict[str, Any]) -> int:
    """Values that the terms of a condition stand for, and steps to match the wildcards of its selectors."""
    sizes = {name: _size(value) for name, value in selections.items() if name != "condition"}
    longest = max(map(len, sizes), default=0)
    total = sum(sizes.get(word, 0) for word in re.findall(r"[\w-]+", condition))
    for pattern in _SELECTOR.findall(condition):
        steps = int(longest ** min(len(re.findall(r"\*+", pattern)), 9)) * len(sizes)
        # Above a thousandth of a second for each it is made for harm: do not even try to match.
        total += steps if steps > 10**7 else steps // 100 + sum(sizes[name] for name in _matching(pattern, sizes))
    return total


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 1


def _condition_faults(rule: Any, body: str, section: dict[str, Any]) -> Iterator[Fault]:
    """What pySigma finds in the conditions when it parses them, which it would do only at conversion."""
    if body == "correlation":
        return
    detections = rule.detection if body == "detection" else rule.filter
    for number, condition in enumerate(detections.parsed_condition):
        here, text = (body, "condition", number), shown(condition.condition)
        try:
            empty = condition.parsed is None
        except RecursionError:
            yield Fault(here, "the condition is nested too deep", "split the rule")
        except TRIPS as error:
            message = str(error.args[0]) if error.args else type(error).__name__
            if undefined := re.match("Detection '(.*)' not defined", message):
                word = undefined.group(1)
                hint = nearest(word, [name for name in section if name not in _NO_SELECTION[body]])
                if word in ("and", "or", "not", "of", "them", "all", "any"):
                    yield Fault(
                        here, f"broken condition {text}: {word} stands where a selection should", _CONDITION_HINT
                    )
                else:
                    yield Fault(here, f"the condition names {shown(word)}, which is no selection", hint)
            else:
                message = message.split("  (at char")[0]
                yield Fault(here, f"broken condition {text}: {message}", _CONDITION_HINT)
        else:
            if empty:
                yield Fault(here, f"the condition {text} stands for nothing", _CONDITION_HINT)


def _correlation_faults(section: dict[str, Any]) -> Iterator[Fault]:
    """What pySigma would ignore, guess or trip over; it checks the rest itself."""
    at = ("correlation",)
    for key in section:
        if key not in _CORRELATION_KEYS:
            yield Fault((*at, key), f"unknown key {shown(key)} in the correlation", nearest(key, _CORRELATION_KEYS))
    kind_of, condition, rules = section.get("type"), section.get("condition"), section.get("rules")
    if not isinstance(kind_of, str) or kind_of.lower() not in _TYPES:
        message = "the correlation has no type" if kind_of is None else f"{shown(kind_of)} is no correlation type"
        yield Fault((*at, "type"), message, nearest(kind_of if isinstance(kind_of, str) else "", _TYPES))
    if (rules is not None or not isinstance(condition, str)) and not (rules and _texts(rules)):
        yield Fault(
            (*at, "rules"),
            "`rules` is not a list of rule names or ids",
            "list the `name` or `id` of each rule",
        )
    group_by = section.get("group-by")
    if group_by is not None and not _texts(group_by):
        yield Fault((*at, "group-by"), "`group-by` is not a list of field names", "write a list of field names")
    aliases = section.get("aliases")
    if aliases is not None and not (
        isinstance(aliases, dict)
        and all(isinstance(of, dict) and all(isinstance(name, str) for name in of.values()) for of in aliases.values())
    ):
        yield Fault(
            (*at, "aliases"),
            "`aliases` is not a mapping of names to `rule: field`",
            "write `alias: {rule: field}`",
        )
    if isinstance(condition, dict):
        for key, value in condition.items():
            numeric = key in (*_OPERATORS, "percentile")
            if (type(value) is not int or abs(value) > 2**31) if numeric else not _texts(value):
                want = "a whole number" if numeric else "a field name"
                yield Fault((*at, "condition", key), f"`{shown(key, '')}` is not {want}", "write it as in `gte: 10`")
    elif isinstance(condition, str) and _depth(condition) > MAX_BRACKETS:
        yield Fault((*at, "condition"), "brackets nested too deep in a condition", "split the correlation")


def _printable(text: str) -> str:
    """The text with what a terminal would act upon, hide or refuse written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
