"""Correlations at their boundaries, and against enumeration of all chains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from reference.correlation import (
    CountMatch,
    Evidence,
    Match,
    OrderedMatch,
    TemporalMatch,
    correlate,
    fired,
    timespan_ms,
)
from reference.events import Event, Value

W = 300_000


def rule(**fields: Any) -> dict[str, Any]:
    return {"detection": {"s": fields, "condition": "s"}}


RULES = {
    "a": rule(**{"A|contains": "a"}),
    "b": rule(**{"A|contains": "b"}),
    "c": rule(**{"A|contains": "c"}),
}


def event(event_id: str, time: int, kinds: str, host: Value = "h1", **fields: Value) -> Event:
    return Event(event_id, time, {"A": kinds, "HostId": host, **fields})


def run(
    kind: str,
    names: str,
    log: Sequence[Event],
    evidence: Any = None,
    **section: Any,
) -> list[Match]:
    document = {"type": kind, "rules": list(names), "group-by": ["HostId"], "timespan": "5m"}
    return correlate({"correlation": {**document, **section}}, RULES, log, evidence)


def starts(rows: Sequence[Match]) -> list[str]:
    return [row.event_id for row in rows if not isinstance(row, CountMatch)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("5m", 300), ("1h", 3600), ("2d", 172800), ("1w", 604800), ("1M", 2629746), ("1y", 31556952)],
)
def test_time_spans(text: str, seconds: int) -> None:
    assert timespan_ms(text) == seconds * 1000


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "-5m", "1.5h", "5 m", "1h30m"])
def test_a_broken_time_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time span"):
        timespan_ms(text)


@pytest.mark.parametrize(
    ("later", "fires"),
    [
        (event("e2", W, "b"), True),
        (event("e2", W + 1, "b"), False),
        (event("e2", 0, "b"), True),
        (event("e2", -1, "b"), False),
        (event("e2", 5, "b", "h2"), False),
        (event("e2", 5, "b", "H1"), False),
        (event("e2", 5, "b", None), False),
        (event("e2", 5, "b", ""), False),
        (event("e2", 5, "c"), False),
    ],
)
def test_ordered_boundaries(later: Event, fires: bool) -> None:
    first = event("e1", 0, "a")
    for log in ([first, later], [later, first]):
        assert starts(run("temporal_ordered", "ab", log)) == (["e1"] if fires else [])


def test_null_and_empty_keys_join_nothing_even_each_other() -> None:
    hosts: list[Value] = [None, "", []]
    for host in hosts:
        log = [event("e1", 0, "a", host), event("e2", 1, "b", host)]
        for kind in ("temporal_ordered", "temporal"):
            assert run(kind, "ab", log) == []
        assert run("event_count", "ab", log, condition={"gte": 1}) == []


def test_one_event_that_matches_both_rules_does_not_fire_alone() -> None:
    assert run("temporal_ordered", "ab", [event("e1", 0, "ab")]) == []
    assert run("temporal", "ab", [event("e1", 0, "ab")]) == []
    two = [event("e1", 0, "ab"), event("e2", 0, "ab")]
    assert starts(run("temporal_ordered", "ab", two)) == ["e1", "e2"]
    assert starts(run("temporal", "ab", two)) == ["e1", "e2"]


def test_three_steps_with_overlap_need_three_events() -> None:
    both = [event("e1", 0, "a"), event("e2", 5, "bc")]
    assert run("temporal_ordered", "abc", both) == []
    assert run("temporal", "abc", both) == []
    three = [*both, event("e3", 5, "bc")]
    (row,) = run("temporal_ordered", "abc", three)
    assert row == OrderedMatch("e1", 0, ("h1",), (Evidence(2, frozenset(), 5, 5), Evidence(2, frozenset(), 5, 5)), 5)
    # The same three at rising times: each step has one place only.
    risen = [event("e1", 0, "abc"), event("e2", 1, "abc"), event("e3", 2, "abc")]
    (row,) = run("temporal_ordered", "abc", risen)
    assert row == OrderedMatch("e1", 0, ("h1",), (Evidence(1, frozenset(), 1, 1), Evidence(1, frozenset(), 2, 2)), 2)


def test_the_evidence_of_a_step_is_of_the_events_that_take_part_in_a_full_chain() -> None:
    log = [
        event("e1", 0, "a", Ip="x"),
        event("e2", 10, "b", Ip="1"),
        event("e3", 20, "b", Ip="1"),
        event("e9", 20, "b"),
        event("e4", 20, "b", Ip=""),
        event("e5", 30, "c", Ip="9"),
        event("e6", 40, "b", Ip="too late, no c after it"),
        event("e7", W + 1, "c", Ip="too late"),
        event("e8", 5, "c", Ip="too early, no b before it"),
    ]
    (row,) = run("temporal_ordered", "abc", log, {"a": "Ip", "b": "Ip", "c": lambda one: str(one.time)})
    steps = (Evidence(4, frozenset({"1"}), 10, 20), Evidence(1, frozenset({"30"}), 30, 30))
    assert row == OrderedMatch("e1", 0, ("h1",), steps, 30)


def test_completed_is_the_smallest_end_of_a_chain() -> None:
    log = [event("e1", 0, "a"), event("e2", 50, "b"), event("e3", 7, "b"), event("e4", 8, "a")]
    rows = run("temporal_ordered", "ab", log)
    assert [(row.completed, *starts([row])) for row in rows] == [(7, "e1"), (50, "e4")]


def test_temporal_is_a_row_for_each_event_that_begins_a_full_window() -> None:
    log = [event("e1", 0, "b"), event("e2", W, "a"), event("e3", W, "b"), event("e4", 2 * W + 1, "a")]
    assert run("temporal", "ab", log) == [
        TemporalMatch("e1", 0, ("h1",), W),
        TemporalMatch("e2", W, ("h1",), W),
        TemporalMatch("e3", W, ("h1",), W),
    ]
    # The window begins with the event: what lies before it does not count.
    assert starts(run("temporal", "abc", [event("e1", 0, "a"), event("e2", 1, "b"), event("e3", 2, "c")])) == ["e1"]
    # e1 can stand for either rule, e2 for the other one only.
    assert starts(run("temporal", "ab", [event("e1", 0, "ab"), event("e2", 1, "a")])) == ["e1"]


def test_group_by_is_a_tuple_of_fields_or_none() -> None:
    log = [event("e1", 0, "a", User="u"), event("e2", 1, "b", User="v"), event("e3", 2, "b", User="u", Port=1)]
    fields = ["HostId", "User"]
    (row,) = run("temporal_ordered", "ab", log, **{"group-by": fields})
    assert row == OrderedMatch("e1", 0, ("h1", "u"), (Evidence(1, frozenset(), 2, 2),), 2)
    assert run("temporal_ordered", "ab", log, **{"group-by": ["HostId", "Port"]}) == []
    (row,) = run("temporal_ordered", "ab", log, **{"group-by": []})
    assert row == OrderedMatch("e1", 0, (), (Evidence(2, frozenset(), 1, 2),), 1)


def test_an_alias_names_the_field_of_each_rule() -> None:
    log = [event("e1", 0, "a", Src="x", Dst="y"), event("e2", 1, "b", Src="y", Dst="x"), event("e3", 1, "b", Src="x")]
    alias = {"aliases": {"peer": {"a": "Src", "b": "Dst"}}, "group-by": ["peer"]}
    (row,) = run("temporal_ordered", "ab", log, **alias)
    assert row == OrderedMatch("e1", 0, ("x",), (Evidence(1, frozenset(), 1, 1),), 1)
    with pytest.raises(ValueError, match="alias peer says nothing of c"):
        run("temporal_ordered", "ac", log, **alias)


def test_rules_see_their_own_log_source_only() -> None:
    rules = {name: {**RULES[name], "logsource": {"category": name}} for name in "ab"}
    section = {"type": "temporal_ordered", "rules": ["a", "b"], "group-by": ["HostId"], "timespan": "5m"}
    log = [Event("e1", 0, {"A": "ab", "HostId": "h"}, "a"), Event("e2", 0, {"A": "ab", "HostId": "h"}, "b")]
    assert starts(correlate(section, rules, log)) == ["e1"]


COUNTED = [event("e1", 0, "a", U="x"), event("e2", W, "a", U="x"), event("e3", W + 1, "a", U="y")]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"gte": 1}, CountMatch(("h1",), 0, 2, 0)),
        ({"gte": 2}, CountMatch(("h1",), 0, 2, W)),
        ({"gt": 1}, CountMatch(("h1",), 0, 2, W)),
        ({"gte": 3}, None),
        ({"eq": 2}, CountMatch(("h1",), 0, 2, None)),
        ({"eq": 1}, CountMatch(("h1",), W + 1, 1, None)),
        ({"neq": 2}, CountMatch(("h1",), W + 1, 1, None)),
        ({"lt": 2}, CountMatch(("h1",), W + 1, 1, None)),
        ({"lte": 1}, CountMatch(("h1",), W + 1, 1, None)),
        ({"lt": 1}, None),
        ({"gte": 2, "field": "U"}, CountMatch(("h1",), W, 2, W + 1)),
        ({"lte": 1, "field": "U"}, CountMatch(("h1",), 0, 1, None)),
        ({"gte": 3, "field": "U"}, None),
    ],
)
def test_counts(condition: dict[str, Any], expected: CountMatch | None) -> None:
    kind = "value_count" if "field" in condition else "event_count"
    rows = run(kind, "a", COUNTED, condition=condition)
    assert rows == ([expected] if expected else [])


def test_an_event_of_two_rules_counts_once_and_empty_values_are_none() -> None:
    log = [event("e1", 0, "ab", U="x"), event("e2", 1, "b", U=""), event("e3", 2, "a", U="X")]
    assert run("event_count", "ab", log, condition={"gte": 3}) == [CountMatch(("h1",), 0, 3, 2)]
    assert run("event_count", "ab", log, condition={"gte": 4}) == []
    assert run("value_count", "ab", log, condition={"gte": 2, "field": "U"}) == [CountMatch(("h1",), 0, 2, 2)]
    assert run("value_count", "ab", log, condition={"gte": 3, "field": "U"}) == []
    assert run("value_count", "b", log, condition={"lt": 1, "field": "U"}) == [CountMatch(("h1",), 1, 0, None)]


@pytest.mark.parametrize(
    ("kind", "section", "named"),
    [
        ("value_sum", {"condition": {"gt": 1, "field": "U"}}, "value_sum"),
        ("value_percentile", {"condition": {"gt": 1, "field": "U"}}, "value_percentile"),
        ("temporal_extended", {}, "temporal_extended"),
        ("temporal", {"condition": "a and not b"}, "condition in a temporal"),
        ("temporal_ordered", {"condition": {"gte": 2}}, "condition in a temporal_ordered"),
        ("event_count", {"condition": {"gt": 1, "lt": 5}}, "the condition"),
        ("event_count", {"condition": {"gte": 1}, "window": "tumbling"}, "window"),
    ],
)
def test_what_is_left_out_is_refused_by_name(kind: str, section: dict[str, Any], named: str) -> None:
    with pytest.raises(NotImplementedError, match=named):
        run(kind, "ab", COUNTED, **section)


def inner(kind: str, rules: str, **section: Any) -> dict[str, Any]:
    """A correlation on a key and the time span of the tests, to which others refer."""
    return {"correlation": {"type": kind, "rules": list(rules), "group-by": ["HostId"], "timespan": "5m", **section}}


@pytest.mark.parametrize(
    ("many", "times"),
    [
        (inner("event_count", "a", condition={"gte": 3}), [20, W + 20]),
        (inner("event_count", "a", condition={"lt": 2}), [0]),
        (inner("value_count", "a", condition={"gte": 2, "field": "U"}), [10, 20, W + 15, W + 20]),
        (inner("temporal", "ab"), [15, 20, 30, W + 15, W + 20]),
        (inner("temporal_ordered", "ab"), [15, 30]),
    ],
)
def test_a_correlation_is_an_event_to_another_when_it_has_come_true(many: dict[str, Any], times: list[int]) -> None:
    log = [
        *(event("a1", 0, "a", U="x"), event("a2", 10, "a", U="y"), event("a3", 20, "a", U="y")),
        *(event("b1", 15, "b"), event("b2", 30, "b")),
        *(event("a4", W + 15, "a", U="x"), event("a5", W + 20, "a", U="x")),
    ]
    found = fired("many", many["correlation"], RULES, log, {})
    assert [one.time for one in found] == times
    assert {one.fields["HostId"] for one in found} == {"h1"}


def test_what_follows_a_count_of_events() -> None:
    rules = {**RULES, "many": inner("event_count", "a", condition={"gte": 2})}
    section = {"type": "temporal_ordered", "rules": ["many", "b"], "group-by": ["HostId"], "timespan": "5m"}
    log = [
        event("a1", 0, "a"),
        event("b1", 5, "b"),
        event("a2", 10, "a"),
        event("b2", W + 10, "b"),
        event("b3", W + 11, "b"),
    ]
    (match,) = correlate(section, rules, log)
    assert isinstance(match, OrderedMatch)
    assert (match.time, match.completed, match.steps[0].count) == (10, W + 10, 1)
