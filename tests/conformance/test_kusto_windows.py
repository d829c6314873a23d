"""Correlations by sliding windows as KQL, run on an engine: the rows are those of the reference.

Both targets in turn; every operator of a count, keys of one and two fields, aliases, two and three rules that overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import volumes
from events.defender_tables import report_id
from oracles.kusto_engine import KustoEngine
from reference.correlation import CountMatch, OrderedMatch, TemporalMatch, correlate, timespan_ms
from reference.generators import CorrelationCase, correlation_cases, logs, nested_cases, sample
from sigma.backends.t1020.common.losses import Unsupported
from sigma_t1020.kusto_language.schemas import SchemaName

from conformance.kusto import load, milliseconds, to_kql
from conformance.many_logs import (
    LOGS_EACH,
    REPLAYED_LOGS,
    SIGNATURES,
    first_completed,
    of_five_minutes,
    over_many_logs,
    replayable,
)
from conformance.replay import DELAY, PERIOD, KustoSystem, arrivals, replayed, runs

NOW = datetime(2025, 6, 15, 20, 0)
#: Of each type so many correlations of another one, each over half of LOGS_EACH.
NESTED = volumes.of(20, least=10)

#: Where a row has a group-by field of the generated correlations.
KEYS = {"HostId": "DeviceId", "device": "DeviceId", "Computer": "DeviceName", "User": "User"}


def _tell(case: CorrelationCase, row: Mapping[str, Any], product: str) -> tuple[Any, ...]:
    """What is compared of a row: the event and its time, or the key, the time of the window and the count."""
    section = case.correlation["correlation"]
    time = milliseconds(row["TimeGenerated" if product == "sentinel" else "Timestamp"])
    if section["type"] == "temporal":
        return row["ReportId"], time
    count = row["EventCount" if section["type"] == "event_count" else "ValueCount"]
    return tuple(row[KEYS[field]] for field in section["group-by"]), time, count


def _expected(case: CorrelationCase) -> Iterator[tuple[Any, ...]]:
    for match in correlate(case.correlation, case.rules, case.log):
        if isinstance(match, TemporalMatch):
            yield report_id(match.event_id), match.time
        elif isinstance(match, CountMatch):
            yield match.key, match.time, match.count


@pytest.mark.parametrize("kind", ["temporal", "event_count", "value_count"])
def test_generated_logs_give_the_tuples_of_the_reference(kind: str) -> None:
    differing: list[str] = []
    expected_rows = 0
    seen: Counter[str] = Counter()
    for number, group in enumerate(over_many_logs(kind)):
        case = group[0]
        section = case.correlation["correlation"]
        product: SchemaName = "defender" if number % 2 else "sentinel"
        kql = to_kql([*case.rules.values(), case.correlation], product, lookback="14d")[-1]
        with KustoEngine(product) as engine:
            load(engine, [event for one in group for event in one.log], product)
            found = [_tell(case, row, product) for row in engine.query(kql, NOW)]
        expected = {row for one in group for row in _expected(one)}
        expected_rows += len(expected)
        seen.update([f"{len(section['rules'])} rules", *section.get("condition", ())])
        if len(found) != len(set(found)) or set(found) != expected:
            differing.append(f"{section}: {sorted(expected ^ set(found), key=repr)[:3]}")
    assert not differing
    assert expected_rows > SIGNATURES * LOGS_EACH // 2
    wanted = (
        ["2 rules", "3 rules"] if kind == "temporal" else ["1 rules", "2 rules", "gt", "gte", "lt", "lte", "eq", "neq"]
    )
    assert not [what for what in wanted if not seen[what]]


# --- Correlations of correlations ---------------------------------------------------------------------------


def _tell_nested(case: CorrelationCase, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is compared of a row of a correlation of another: key, time, and what was counted."""
    section = case.correlation["correlation"]
    names = {**KEYS, "host": "DeviceId", "User": "KeyUser" if "KeyUser" in row else "User"}
    key = tuple(row[names[field]] for field in section["group-by"])
    time = milliseconds(row["TimeGenerated"])
    if section["type"] == "temporal_ordered":
        return key, time, row["Step2Count"], milliseconds(row["Step2First"]), milliseconds(row["Step2Last"])
    counted = {"event_count": "EventCount", "value_count": "ValueCount"}.get(section["type"])
    return (key, time, row[counted]) if counted else (key, time)


def _expected_nested(case: CorrelationCase) -> Iterator[tuple[Any, ...]]:
    for match in correlate(case.correlation, case.rules, case.log):
        if isinstance(match, OrderedMatch):
            (step,) = match.steps
            yield match.key, match.time, step.count, step.first, step.last
        elif isinstance(match, CountMatch):
            yield match.key, match.time, match.count
        else:
            yield match.key, match.time


@pytest.mark.parametrize("kind", ["temporal_ordered", "temporal", "event_count", "value_count"])
def test_generated_logs_of_a_correlation_of_another_give_the_tuples_of_the_reference(kind: str) -> None:
    differing: list[str] = []
    expected_rows = 0
    inner: Counter[str] = Counter()
    for number, case in enumerate(sample(nested_cases((kind,)), NESTED, 17)):
        span = timespan_ms(case.correlation["correlation"]["timespan"])
        drawn = sample(logs(span, 2), LOGS_EACH // 2, 300 + number)
        group = [replace(case, log=log).under(f"c{number}l{i}_") for i, log in enumerate(drawn)]
        kql = to_kql([*case.rules.values(), case.correlation], lookback="14d")[-1]
        with KustoEngine("sentinel") as engine:
            load(engine, [event for one in group for event in one.log])
            found = Counter(_tell_nested(case, row) for row in engine.query(kql, NOW))
        expected = Counter(row for one in group for row in _expected_nested(one))
        expected_rows += expected.total()
        inner[case.rules["nested"]["correlation"]["type"]] += 1
        if found != expected:
            sections = case.rules["nested"]["correlation"], case.correlation["correlation"]
            differing.append(f"{sections}: missing {list(expected - found)[:2]}, extra {list(found - expected)[:2]}")
    assert not differing
    assert expected_rows > LOGS_EACH * 2
    assert len(inner) == 4


# --- Scheduled runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(volumes.of(3, least=2)))
def test_overlapping_runs_report_each_temporal_match_once(number: int) -> None:
    many = replayable("temporal", number)
    kql = to_kql([*many[0].rules.values(), many[0].correlation], schedule="5m", delay="3m")[-1]
    reported = replayed(kql, arrivals([event for one in many for event in one.log], number))
    expected = {
        report_id(match.event_id)
        for one in many
        for match in correlate(one.correlation, one.rules, one.log)
        if isinstance(match, TemporalMatch)
    }
    assert len(expected) > 20
    assert reported == Counter(dict.fromkeys(expected, 1))


@pytest.mark.parametrize("number", range(2))
def test_overlapping_runs_report_each_match_of_a_correlation_of_another_once(number: int) -> None:
    case = next(
        one
        for one in sample(nested_cases(("temporal_ordered",)), 600, 5)
        if one.correlation["correlation"]["timespan"] == "5m"
        and one.correlation["correlation"]["group-by"] == ["HostId"]
        and one.rules["nested"]["correlation"]["type"] == ("event_count", "temporal")[number]
        # Of the others no scheduled run can tell when they are complete.
        and one.rules["nested"]["correlation"].get("condition", {"gt": 1}).keys() & {"gt", "gte"}
    )
    many = of_five_minutes(case, REPLAYED_LOGS, 90 + number)
    kql = to_kql([*case.rules.values(), case.correlation], schedule="5m", delay="3m")[-1]
    coming = arrivals([event for one in many for event in one.log], number)
    with KustoSystem(kql) as system:
        reports = runs(system, coming, lambda row: ((str(row["DeviceId"]),), milliseconds(row["TimeGenerated"])))
    expected = Counter(
        (match.key, match.time) for one in many for match in correlate(one.correlation, one.rules, one.log)
    )
    assert expected.total() > 20
    assert Counter(row for _now, found in reports for row in found) == expected


@pytest.mark.parametrize("number", range(volumes.of(2)))
@pytest.mark.parametrize("kind", ["event_count", "value_count"])
def test_each_run_reports_the_windows_that_became_complete(kind: str, number: int) -> None:
    many = replayable(kind, number)[:60]
    kql = to_kql([*many[0].rules.values(), many[0].correlation], schedule="5m", delay="3m")[-1]
    coming = arrivals([event for one in many for event in one.log], number)
    with KustoSystem(kql) as system:
        reports = runs(system, coming, lambda row: ((str(row["DeviceId"]),), milliseconds(row["TimeGenerated"])))
    total = 0
    for now, found in reports:
        begin, end = now - DELAY - PERIOD, now - DELAY
        expected = [row for one in many for row in first_completed(one, begin, end)]
        assert sorted(found) == sorted(expected)
        total += len(expected)
    assert total > 20


def test_a_count_that_no_event_completes_is_refused_of_a_schedule() -> None:
    case = next(
        one
        for one in sample(correlation_cases(("event_count",)), 100, 5)
        if "lt" in one.correlation["correlation"]["condition"]
    )
    with pytest.raises(Unsupported, match="a count with lt is never complete"):
        to_kql([*case.rules.values(), case.correlation], schedule="5m")


def test_a_rule_that_finds_more_than_it_says_is_refused_in_a_count_of_at_most() -> None:
    case = sample(correlation_cases(("event_count",)), 1, 5)[0]
    section = {**case.correlation["correlation"], "rules": ["lossy"], "condition": {"lte": 3}}
    rule = {**next(iter(case.rules.values())), "name": "lossy", "detection": {"s": {"User": ""}, "condition": "s"}}
    with pytest.raises(Unsupported, match="User: '' also finds events without User"):
        to_kql([rule, {**case.correlation, "correlation": section}])
