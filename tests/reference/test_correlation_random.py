"""Correlations on random logs, against plain enumeration of all tuples and windows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest
from processor import processor_seconds

from reference.correlation import CountMatch, EvidenceOf, OrderedMatch, correlate, timespan_ms
from reference.events import Event
from reference.generators import correlation_cases, sample
from reference.meaning import in_log_source, matches


def enumerated(correlation: Mapping[str, Any], rules: Mapping[str, Any], log: Sequence[Event]) -> dict[Any, Any]:
    """temporal_ordered and temporal by trying all tuples of events: for each first event and key, per later step the
    ids that take part, and the smallest end."""
    names, span = correlation["rules"], timespan_ms(correlation["timespan"])
    fields = ["HostId" if field == "device" else field for field in correlation["group-by"]]
    found: dict[Any, Any] = {}
    hits = [[one for one in log if in_log_source(rules[name], one) and matches(rules[name], one)] for name in names]
    for chain in itertools.product(*hits):
        keys = {tuple(one.fields.get(field) for field in fields) for one in chain}
        times = [one.time for one in chain]
        if len(keys) > 1 or not all(next(iter(keys))) or len({one.id for one in chain}) < len(chain):
            continue
        if max(times) - min(times) > span:
            continue
        if correlation["type"] == "temporal_ordered" and times != sorted(times):
            continue
        for first in chain if correlation["type"] == "temporal" else chain[:1]:
            if first.time > min(times):
                continue
            parts, end = found.setdefault((first.id, *keys), ([set() for _ in chain[1:]], []))
            for part, one in zip(parts, chain[1:], strict=True):
                part.add(one.id)
            end.append(max(times))
    return found


@pytest.mark.parametrize("kind", ["temporal_ordered", "temporal"])
def test_random_logs_agree_with_the_enumeration_of_all_chains(kind: str) -> None:
    rows_seen = 0
    for case in sample(correlation_cases((kind,)), 300, 7):
        ids: dict[str, EvidenceOf] = {name: lambda one: one.id for name in case.rules}
        rows = correlate(case.correlation, case.rules, case.log, ids)
        expected = enumerated(case.correlation["correlation"], case.rules, case.log)
        got: dict[Any, Any] = {}
        times = {one.id: one.time for one in case.log}
        for row in rows:
            assert not isinstance(row, CountMatch)
            got[row.event_id, row.key] = row.completed
            if isinstance(row, OrderedMatch):
                parts = expected[row.event_id, row.key][0]
                assert [set(step.values) for step in row.steps] == parts
                assert [step.count for step in row.steps] == [len(part) for part in parts]
                assert [(step.first, step.last) for step in row.steps] == [
                    (min(times[one] for one in part), max(times[one] for one in part)) for part in parts
                ]
        assert got == {key: min(ends) for key, (_, ends) in expected.items()}
        rows_seen += len(rows)
    assert rows_seen > 200


@pytest.mark.parametrize("kind", ["event_count", "value_count"])
def test_counts_on_random_logs_agree_with_a_look_at_every_window(kind: str) -> None:
    outcomes = set()
    for case in sample(correlation_cases((kind,)), 300, 8):
        section = case.correlation["correlation"]
        field = section["condition"].get("field", "id")
        ((name, limit),) = ((name, limit) for name, limit in section["condition"].items() if name != "field")
        hits: list[dict[str, Any]] = [
            {**one.fields, "id": one.id, "time": one.time, "device": one.fields.get("HostId")}
            for one in case.log
            if any(in_log_source(rule, one) and matches(rule, one) for rule in case.rules.values())
        ]
        expected: dict[Any, tuple[Any, int]] = {}
        for anchor in sorted(hits, key=lambda hit: int(hit["time"])):
            key = tuple(anchor.get(part) for part in section["group-by"])
            window = [
                hit
                for hit in hits
                if tuple(hit.get(part) for part in section["group-by"]) == key
                and 0 <= hit["time"] - anchor["time"] <= timespan_ms(section["timespan"])
            ]
            count = len({hit[field] for hit in window if hit.get(field)})
            holds = {"gt": count > limit, "gte": count >= limit, "lt": count < limit}
            holds |= {"lte": count <= limit, "eq": count == limit, "neq": count != limit}
            if all(key) and key not in expected and holds[name]:
                expected[key] = (anchor["time"], count)
        rows = correlate(case.correlation, case.rules, case.log)
        assert {row.key: (row.time, row.count) for row in rows if isinstance(row, CountMatch)} == expected
        outcomes.add((name, bool(expected)))
    assert len(outcomes) == 12


def test_sixty_events_a_key_take_little_time() -> None:
    rng = Random(3)
    rules = {name: {"detection": {"s": {"A|contains": name}, "condition": "s"}} for name in "abc"}
    section = {"rules": ["a", "b", "c"], "group-by": ["HostId"], "timespan": "5m"}
    log = [
        Event(f"e{at}", rng.randrange(0, 300_000, 15_000), {"A": rng.choice(("a", "ab", "abc", "c")), "HostId": "h"})
        for at in range(60)
    ]
    start = processor_seconds()
    assert len(correlate({**section, "type": "temporal_ordered"}, rules, log)) > 10
    assert len(correlate({**section, "type": "temporal"}, rules, log)) > 10
    assert processor_seconds() - start < 5
