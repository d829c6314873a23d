"""Whether a document is a Sigma rule, correlation or filter that pySigma can use, or all that is wrong with it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeAlias

from sigma_t1020.problems import Fault, kind, nearest, shown
from sigma_t1020.rules.detection_shape import MAX_BRACKETS, bracket_depth, condition_faults, detection_faults, is_texts
from sigma_t1020.rules.pysigma_errors import CORRELATION_KEYS, FIELDS_HINT, ID_HINT, TRIPS, fault_of

if TYPE_CHECKING:
    from sigma.exceptions import SigmaRuleLocation
    from sigma.rule import SigmaRule

    from sigma.correlations import SigmaCorrelationRule
    from sigma.filters import SigmaFilter

RuleObject: TypeAlias = "SigmaRule | SigmaCorrelationRule | SigmaFilter"
RULE_HINT = "a Sigma rule is a mapping with title, logsource (product, category) and detection (selections, condition)"
# More are no help, and to find the line of each takes time.
MAX_FAULTS_A_RULE = 10

_CORRELATION_TYPES = (
    *("event_count", "value_count", "temporal", "temporal_ordered"),
    *("value_sum", "value_avg", "value_percentile", "value_median"),
)
_NUMERIC = ("lt", "lte", "gt", "gte", "eq", "neq", "percentile")


def build(data: dict[str, Any], source: SigmaRuleLocation) -> RuleObject:
    """A new pySigma object that shares nothing with `data`. Raises SigmaError, or what pySigma trips over."""
    from sigma.rule import SigmaRule

    from sigma.correlations import SigmaCorrelationRule
    from sigma.filters import SigmaFilter

    kinds: dict[str, type[SigmaRule | SigmaCorrelationRule | SigmaFilter]] = {
        "correlation": SigmaCorrelationRule,
        "filter": SigmaFilter,
        "detection": SigmaRule,
    }
    return kinds[_body(data)].from_dict(copy.deepcopy(data), False, source)


def check(data: dict[str, Any], source: SigmaRuleLocation) -> tuple[RuleObject | None, list[Fault]]:
    """The rule, correlation or filter that a document describes, or what is wrong with it. Never raises.

    pySigma takes the shape of its input for granted and answers others with TypeError, KeyError or UnboundLocalError,
    or ignores them; it parses conditions only at conversion. So the shape is checked first, then everything is built.
    """
    from sigma.backends.t1020.common.encodings import know_utf16le

    know_utf16le()
    body = _body(data)
    if body == "detection" and not {"detection", "title", "logsource", "id"} & data.keys():
        return None, [Fault((), "not a Sigma rule: it has no detection, correlation or filter", RULE_HINT)]
    faults = _first(chain(_head_faults(data, source), _logsource_faults(data), _body_faults(body, data)))
    if faults:
        return None, faults
    try:
        rule = build(data, source)
        return rule, [] if body == "correlation" else _first(condition_faults(rule, body, data[body]))
    except TRIPS as error:
        located = [] if body == "correlation" else _first(detection_faults(body, data[body], locate=True))
        return None, located or [fault_of(error, (body,))]


def _body(data: dict[str, Any]) -> str:
    return next((key for key in ("correlation", "filter") if key in data), "detection")


def _first(faults: Iterator[Fault]) -> list[Fault]:
    return list(islice(faults, MAX_FAULTS_A_RULE))


def _head_faults(data: dict[str, Any], source: SigmaRuleLocation) -> Iterator[Fault]:
    """What is wrong with the keys that all kinds of documents have."""
    from sigma.rule import SigmaRuleBase

    head = {key: value for key, value in data.items() if key != "id" or isinstance(value, str)}
    if data.get("id") is not None and "id" not in head:
        yield Fault(("id",), f"the id is {kind(data['id'])}, not a UUID", ID_HINT)
    try:
        yield from (fault_of(error, ()) for error in SigmaRuleBase.from_dict_common_params(head, True, source)[1])
    except TRIPS as error:
        yield fault_of(error, ("title",))
    fields = data.get("fields")
    if isinstance(fields, list) and not is_texts(fields):
        yield Fault(("fields",), "`fields` has an entry that is not text", FIELDS_HINT)


def _logsource_faults(data: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with the log source: pySigma lets empty values of any type pass."""
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
        yield from detection_faults(body, section)


def _correlation_faults(section: dict[str, Any]) -> Iterator[Fault]:
    """What pySigma would ignore, guess or trip over; it checks the rest itself."""
    at = ("correlation",)
    for key in section:
        if key not in CORRELATION_KEYS:
            yield Fault((*at, key), f"unknown key {shown(key)} in the correlation", nearest(key, CORRELATION_KEYS))
    type_, condition, rules = section.get("type"), section.get("condition"), section.get("rules")
    if not isinstance(type_, str) or type_.lower() not in _CORRELATION_TYPES:
        message = "the correlation has no type" if type_ is None else f"{shown(type_)} is not a correlation type"
        yield Fault((*at, "type"), message, nearest(type_ if isinstance(type_, str) else "", _CORRELATION_TYPES))
    if (rules is not None or not isinstance(condition, str)) and not (rules and is_texts(rules)):
        message = "`rules` is not a list of rule names or ids"
        yield Fault((*at, "rules"), message, "list the `name` or `id` of each rule")
    group_by = section.get("group-by")
    if group_by is not None and not is_texts(group_by):
        yield Fault((*at, "group-by"), "`group-by` is not a list of field names", FIELDS_HINT)
    aliases = section.get("aliases")
    if aliases is not None and not (
        isinstance(aliases, dict)
        and all(isinstance(fields, dict) and is_texts([*fields.values()]) for fields in aliases.values())
    ):
        message = "`aliases` is not a mapping of names to `rule: field`"
        yield Fault((*at, "aliases"), message, "write `alias: {rule: field}`")
    if isinstance(condition, dict):
        for key, value in condition.items():
            numeric = key in _NUMERIC
            if (type(value) is not int or abs(value) > 2**31) if numeric else not is_texts(value):
                want = "a whole number" if numeric else "a field name"
                yield Fault((*at, "condition", key), f"`{shown(key, '')}` is not {want}", "write it as in `gte: 10`")
    elif isinstance(condition, str) and bracket_depth(condition) > MAX_BRACKETS:
        yield Fault((*at, "condition"), "brackets nested too deep in a condition", "split the correlation")
