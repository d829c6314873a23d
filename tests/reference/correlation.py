"""The meaning of Sigma correlations: plain, exact, on logs of up to some dozens of events a key.

Source: Sigma correlation rules specification 2.x, made precise where it is open: windows slide and are inclusive at
both ends, events are distinct, and an empty value is like a missing one: it joins nothing as a key, and is neither
evidence nor a value to count. Times and spans are in ms.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from reference.chains import Chains, all_there
from reference.events import Event, scalars, text
from reference.meaning import compile_rule, in_log_source
from reference.modifiers import Placeholders

Key: TypeAlias = tuple[str, ...]
EvidenceOf: TypeAlias = str | Callable[[Event], str | None]
"""What a step's evidence is: a field name, or a function that gives the value of an event (None: it has
none)."""

# Seconds, as pySigma reads them: a month is a twelfth of a year, a year is 365.2425 days.
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2629746, "y": 31556952}
OPERATORS: Mapping[str, Callable[[int, int], bool]] = {
    "gt": lambda count, limit: count > limit,
    "gte": lambda count, limit: count >= limit,
    "lt": lambda count, limit: count < limit,
    "lte": lambda count, limit: count <= limit,
    "eq": lambda count, limit: count == limit,
    "neq": lambda count, limit: count != limit,
}
_SECTION = frozenset(("type", "rules", "group-by", "timespan", "condition", "aliases", "generate"))


@dataclass(frozen=True)
class Evidence:
    """The distinct events that take part as one later step: how many, their values without the missing ones,
    the first and the last time in ms."""

    count: int
    values: frozenset[str]
    first: int
    last: int


@dataclass(frozen=True)
class OrderedMatch:
    """One first event e1 of a temporal_ordered correlation. `steps` has the evidence of steps 2 to n;
    `completed` is the smallest time at which a chain from e1 is complete."""

    event_id: str
    time: int
    key: Key
    steps: tuple[Evidence, ...]
    completed: int


@dataclass(frozen=True)
class TemporalMatch:
    """One event, of any rule, that begins a window with an event for each rule; `completed` is the smallest
    time at which all are there."""

    event_id: str
    time: int
    key: Key
    completed: int


@dataclass(frozen=True)
class CountMatch:
    """The first window of a key that satisfies the condition: `time` anchors it, `count` is of the whole
    window. `completed` is the time of the event with which gt or gte first holds; None for other
    operators."""

    key: Key
    time: int
    count: int
    completed: int | None


Match: TypeAlias = OrderedMatch | TemporalMatch | CountMatch


@dataclass(frozen=True)
class _Hits:
    """The events of each rule of a correlation, in log order, by group-by key; `timespan` in ms."""

    timespan: int
    by_key: Mapping[Key, Sequence[Sequence[Event]]]


def timespan_ms(value: str) -> int:
    """`5m` and the like: a number and one of s, m, h, d, w, M (month), y. Raises ValueError."""
    if value[-1:] not in _UNITS or not value[:-1].isdecimal():
        raise ValueError(f"no time span: {value}")
    return int(value[:-1]) * _UNITS[value[-1]] * 1000


def correlate(
    correlation: Mapping[str, Any],
    rules: Mapping[str, Mapping[str, Any]],
    log: Sequence[Event],
    evidence: Mapping[str, EvidenceOf] | None = None,
    placeholders: Placeholders | None = None,
) -> list[Match]:
    """The rows of a correlation over a log in any order, sorted by time, key and event.

    `correlation` is a document with a `correlation` section, or that section; `rules` are its rules under the
    name or id by which it refers to them; `evidence` says, under the same, what a later step of
    temporal_ordered shows. Raises NotImplementedError, naming it, for what is not part of the project's
    meaning, ValueError for what is wrong.
    """
    section = correlation.get("correlation", correlation)
    for name in section:
        if name not in _SECTION:
            raise NotImplementedError(f"correlation: {name}")
    kind = section["type"]
    if kind in ("temporal", "temporal_ordered") and "condition" in section:
        raise NotImplementedError(f"a condition in a {kind} correlation")
    hits = _hits(section, rules, log, placeholders or {})
    rows: Iterable[Match]
    if kind == "temporal_ordered":
        rows = _ordered(hits, [(evidence or {}).get(name) for name in section["rules"]])
    elif kind == "temporal":
        rows = _temporal(hits)
    elif kind in ("event_count", "value_count"):
        rows = _counted(hits, section, rules)
    else:
        raise NotImplementedError(f"the correlation type {kind}")
    return sorted(rows, key=lambda row: (row.time, row.key, getattr(row, "event_id", "")))


def _hits(
    section: Mapping[str, Any],
    rules: Mapping[str, Mapping[str, Any]],
    log: Sequence[Event],
    placeholders: Placeholders,
) -> _Hits:
    names = section["rules"]
    found: dict[Key, list[list[Event]]] = defaultdict(lambda: [[] for _ in names])
    for step, name in enumerate(names):
        fields = [_field(section, rules, name, field) for field in section.get("group-by", ())]
        for event in sorted(_events(name, rules, log, placeholders), key=lambda event: event.time):
            key = tuple(_key_part(event, field) for field in fields)
            if all(key):
                found[key][step].append(event)
    return _Hits(timespan_ms(section["timespan"]), found)


def _events(
    name: str, rules: Mapping[str, Mapping[str, Any]], log: Sequence[Event], placeholders: Placeholders
) -> list[Event]:
    """The events of a rule, or those that a correlation is to the one that refers to it."""
    rule = rules[name]
    if "correlation" in rule:
        return fired(name, rule["correlation"], rules, log, placeholders)
    judge = compile_rule(rule, placeholders)
    return [event for event in log if in_log_source(rule, event) and any(judge(event))]


def fired(
    name: str,
    section: Mapping[str, Any],
    rules: Mapping[str, Mapping[str, Any]],
    log: Sequence[Event],
    placeholders: Placeholders,
) -> list[Event]:
    """The events that a correlation is to another one: its group-by fields, at each time at which it has come true.

    A count has at an event at whose time the window that ends there satisfies the condition; temporal has at an event
    of one of its rules if each other rule has one in the window that ends there; temporal_ordered has when the chain of
    a first event is complete. (The specification says nothing of it. A key that a count reports once may come true
    again and again, and what follows upon it must not be missed.)
    """
    hits = _hits(section, rules, log, placeholders)
    times: set[tuple[Key, int]] = set()
    if section["type"] == "temporal_ordered":
        times = {(match.key, match.completed) for match in _ordered(hits, [None] * len(section["rules"]))}
    elif section["type"] == "temporal":
        back = {
            key: [[replace(e, time=-e.time) for e in events] for events in steps] for key, steps in hits.by_key.items()
        }
        times = {(match.key, -match.time) for match in _temporal(_Hits(hits.timespan, back))}
    else:
        for key, ordered, adds, operator, limit in _additions(hits, section, rules):
            for end in ordered:
                window = [event for event in ordered if end.time - hits.timespan <= event.time <= end.time]
                if OPERATORS[operator](_number(window, adds), limit):
                    times.add((key, end.time))
    fields = section.get("group-by", ())
    return [Event(f"{name} {key} {time}", time, dict(zip(fields, key, strict=True))) for key, time in sorted(times)]


def _field(section: Mapping[str, Any], rules: Mapping[str, Mapping[str, Any]], name: str, field: str) -> str:
    """The field of the named rule's events that a group-by or condition field means there."""
    alias = section.get("aliases", {}).get(field)
    if alias is None:
        return field
    for each in (name, rules[name].get("name"), rules[name].get("id")):
        if each in alias:
            return str(alias[each])
    raise ValueError(f"the alias {field} says nothing of {name}")


def _key_part(event: Event, field: str) -> str:
    """The group-by value, compared exactly; empty for a missing one. A field with several values has no
    meaning here."""
    values = scalars(event, field)
    if len(values) > 1:
        raise ValueError(f"group-by {field} of event {event.id} has several values")
    return text(values[0]) if values else ""


def _values(event: Event, source: EvidenceOf | None) -> set[str]:
    """What an event shows by a field or a function, without missing and empty values."""
    if source is None:
        return set()
    if callable(source):
        return {source(event) or ""} - {""}
    return {text(value) for value in scalars(event, source)} - {""}


def _evidence(events: Collection[Event], source: EvidenceOf | None) -> Evidence:
    values = frozenset().union(*(_values(event, source) for event in events))
    times = [event.time for event in events]
    return Evidence(len(events), values, min(times), max(times))


def _ordered(hits: _Hits, sources: Sequence[EvidenceOf | None]) -> Iterable[OrderedMatch]:
    for key, steps in hits.by_key.items():
        for first in steps[0]:
            end = first.time + hits.timespan
            chains = Chains(
                first,
                [[event for event in events if first.time <= event.time <= end] for events in steps[1:]],
            )
            completed = chains.completed(0, chains.start)
            if completed is not None:
                parts = zip(chains.parts(), sources[1:], strict=True)
                shown = tuple(_evidence(events, source) for events, source in parts)
                yield OrderedMatch(first.id, first.time, key, shown, completed)


def _temporal(hits: _Hits) -> Iterable[TemporalMatch]:
    for key, steps in hits.by_key.items():
        rows: dict[str, TemporalMatch] = {}
        for step, events in enumerate(steps):
            others = [*steps[:step], *steps[step + 1 :]]
            for first in events:
                completed = all_there(first, others, hits.timespan)
                known = rows.get(first.id)
                if completed is not None and (known is None or completed < known.completed):
                    rows[first.id] = TemporalMatch(first.id, first.time, key, completed)
        yield from rows.values()


def _number(window: Sequence[Event], adds: Mapping[str, set[str]]) -> int:
    return len(set().union(*(adds[event.id] for event in window)))


def _counted(hits: _Hits, section: Mapping[str, Any], rules: Mapping[str, Mapping[str, Any]]) -> Iterable[CountMatch]:
    for key, ordered, adds, name, limit in _additions(hits, section, rules):
        for start in sorted({event.time for event in ordered}):
            window = [event for event in ordered if start <= event.time <= start + hits.timespan]
            count = _number(window, adds)
            if OPERATORS[name](count, limit):
                completed = _reached(window, adds, limit + (name == "gt")) if name in ("gt", "gte") else None
                yield CountMatch(key, start, count, completed)
                break


def _additions(
    hits: _Hits, section: Mapping[str, Any], rules: Mapping[str, Mapping[str, Any]]
) -> Iterable[tuple[Key, Sequence[Event], Mapping[str, set[str]], str, int]]:
    """For each key its events in order, what each adds to a count, and the condition's operator and number."""
    condition = dict(section["condition"])
    field = condition.pop("field", None)
    if len(condition) != 1 or not set(condition) <= set(OPERATORS):
        raise NotImplementedError(f"the condition {section['condition']}")
    ((name, limit),) = condition.items()
    if (field is None) is (section["type"] == "value_count"):
        raise ValueError("value_count takes a condition field, event_count none")
    fields = [field and _field(section, rules, rule, field) for rule in section["rules"]]
    for key, steps in hits.by_key.items():
        # What each event adds to the count: itself, or the values that it has under any rule it matches.
        adds: dict[str, set[str]] = defaultdict(set)
        events: dict[str, Event] = {}
        for source, matched in zip(fields, steps, strict=True):
            for event in matched:
                events[event.id] = event
                adds[event.id].update([event.id] if source is None else _values(event, source))
        yield key, sorted(events.values(), key=lambda event: event.time), adds, name, limit


def _reached(window: Sequence[Event], adds: Mapping[str, set[str]], wanted: int) -> int:
    """The time at which the count of a window that satisfies the condition reaches the wanted number."""
    seen: set[str] = set()
    for event in window:
        seen |= adds[event.id]
        if len(seen) >= wanted:
            return event.time
    raise ValueError("the window does not reach the count")
