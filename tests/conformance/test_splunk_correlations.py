"""Correlations as SPL, run by the oracle: the rows are those of the reference.

In turn under every reading of what Splunk's documentation leaves open, of expressions and of `time_window` alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import volumes
from events.sysmon_in_splunk import splunk_event
from oracles.spl_engine import SplEngine
from oracles.spl_grammar import commands
from oracles.spl_values import ALL_READINGS, TIME_WINDOWS
from reference.correlation import CountMatch, OrderedMatch, TemporalMatch, correlate
from reference.events import Event
from reference.generators import CorrelationCase, correlation_cases, sample
from reference.meaning import matches

from conformance.many_logs import (
    LOGS_EACH,
    SIGNATURES,
    first_completed,
    of_five_minutes,
    over_many_logs,
    replayable,
)
from conformance.replay import DELAY, PERIOD, SplunkSystem, arrivals, runs
from conformance.splunk import to_spl

NOW = datetime(2025, 6, 15, 20, 0)
EVIDENCE = {"process_creation": "CommandLine", "network_connection": "DestinationIp"}
KEYS = {"HostId": "host", "device": "host"}
#: The commands that a correlation may use.
COMMANDS = {"search", "where", "eval", "sort", "streamstats", "eventstats", "stats", "table"}


def _milliseconds(seconds: Any) -> int:
    found: int = round(seconds * 1000)
    return found


def _set(value: object) -> frozenset[str]:
    """The values of a field that may be missing or have one."""
    held = value if isinstance(value, list) else [] if value is None else [value]
    return frozenset(map(str, held))


def _tell(case: CorrelationCase, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What is compared of a row."""
    section = case.correlation["correlation"]
    time = _milliseconds(row["_time"])
    if section["type"] == "temporal":
        return row["EventId"], time
    if section["type"] == "temporal_ordered":
        categories = [case.rules[name]["logsource"]["category"] for name in section["rules"][1:]]
        steps = tuple(
            (
                row[f"Step{number}Count"],
                _set(row.get(f"Step{number}{EVIDENCE[category]}")),
                _milliseconds(row[f"Step{number}First"]),
                _milliseconds(row[f"Step{number}Last"]),
            )
            for number, category in enumerate(categories, start=2)
        )
        return row["EventId"], time, steps
    count = row["EventCount" if section["type"] == "event_count" else "ValueCount"]
    return tuple(row[KEYS.get(field, field)] for field in section["group-by"]), time, count


def _event_id(event_id: str) -> str:
    return f"main~1~A:{event_id}"


def _expected(case: CorrelationCase) -> Iterator[tuple[Any, ...]]:
    for match in correlate(case.correlation, case.rules, case.log, case.evidence):
        if isinstance(match, TemporalMatch):
            yield _event_id(match.event_id), match.time
        elif isinstance(match, CountMatch):
            yield match.key, match.time, match.count
        else:
            steps = tuple((step.count, step.values, step.first, step.last) for step in match.steps)
            yield _event_id(match.event_id), match.time, steps


@pytest.mark.parametrize("kind", ["temporal_ordered", "temporal", "event_count", "value_count"])
def test_generated_logs_give_the_tuples_of_the_reference(kind: str) -> None:
    differing: list[str] = []
    expected_rows = 0
    seen: Counter[str] = Counter()
    for number, group in enumerate(over_many_logs(kind)):
        case = group[0]
        section = case.correlation["correlation"]
        spl = to_spl([*case.rules.values(), case.correlation], lookback="14d")[-1]
        assert set(commands(spl)) <= COMMANDS
        engine = SplEngine(
            (splunk_event(event) for one in group for event in one.log),
            readings=ALL_READINGS[number % len(ALL_READINGS)],
            time_window=TIME_WINDOWS[number % len(TIME_WINDOWS)],
        )
        found = [_tell(case, row) for row in engine.query(spl, NOW)]
        expected = {row for one in group for row in _expected(one)}
        expected_rows += len(expected)
        seen.update([f"{len(section['rules'])} rules", *section.get("condition", ())])
        if len(found) != len(set(found)) or set(found) != expected:
            differing.append(f"{section}: {sorted(expected ^ set(found), key=repr)[:3]}")
    assert not differing
    assert expected_rows > SIGNATURES * LOGS_EACH // 2
    assert sum(count for name, count in seen.items() if name.endswith("rules")) * LOGS_EACH == SIGNATURES * LOGS_EACH
    wanted = (
        ["2 rules", "3 rules"]
        if kind.startswith("temporal")
        else ["1 rules", "2 rules", "gt", "gte", "lt", "lte", "eq", "neq"]
    )
    assert not [what for what in wanted if not seen[what]]


# --- Scheduled runs --------------------------------------------------------------------------------------


def _reported(spl: str, log: list[Event], seed: int) -> Counter[str]:
    """How often each event is reported by runs over a log of which events come late."""
    reports = runs(SplunkSystem(spl), arrivals(log, seed), lambda row: str(row["EventId"]))
    return Counter(event for _now, found in reports for event in found)


@pytest.mark.parametrize("number", range(volumes.of(3, least=2)))
@pytest.mark.parametrize("kind", ["temporal_ordered", "temporal"])
def test_overlapping_runs_report_each_match_once(kind: str, number: int) -> None:
    many = replayable(kind, number)
    spl = to_spl([*many[0].rules.values(), many[0].correlation], schedule="5m", delay="3m")[-1]
    reported = _reported(spl, [event for one in many for event in one.log], number)
    expected = {
        _event_id(match.event_id)
        for one in many
        for match in correlate(one.correlation, one.rules, one.log)
        if isinstance(match, OrderedMatch | TemporalMatch)
    }
    assert len(expected) > 20
    assert reported == Counter(dict.fromkeys(expected, 1))


@pytest.mark.parametrize("number", range(volumes.of(2)))
@pytest.mark.parametrize("kind", ["event_count", "value_count"])
def test_each_run_reports_the_windows_that_became_complete(kind: str, number: int) -> None:
    many = replayable(kind, number)[:60]
    spl = to_spl([*many[0].rules.values(), many[0].correlation], schedule="5m", delay="3m")[-1]
    coming = arrivals([event for one in many for event in one.log], number)
    reports = runs(SplunkSystem(spl), coming, lambda row: ((str(row["host"]),), _milliseconds(row["_time"])))
    total = 0
    for now, found in reports:
        # A range of Splunk's does not include its end.
        end = now - DELAY - timedelta(milliseconds=1)
        begin = end - PERIOD
        expected = [row for one in many for row in first_completed(one, begin, end)]
        assert sorted(found) == sorted(expected)
        total += len(expected)
    assert total > 20


@pytest.mark.parametrize("beyond", ["0.0000004", "0.0003", "0.0005", "0.0007", "-0.0003", "-0.0005"])
def test_a_match_completed_a_fraction_of_a_millisecond_beside_the_edge_of_runs_is_reported_once(beyond: str) -> None:
    documents: list[dict[str, Any]] = [
        {
            "title": name,
            "name": name,
            "logsource": {"category": "process_creation", "product": "windows"},
            "detection": {"s": {"Image": name}, "condition": "s"},
        }
        for name in ("one", "two")
    ]
    section = {"type": "temporal_ordered", "rules": ["one", "two"], "group-by": ["Computer"], "timespan": "5m"}
    both = to_spl([*documents, {"title": "Both", "correlation": section}], schedule="5m", delay="3m")[-1]
    (single,) = to_spl([documents[1]], schedule="5m", delay="3m")
    edge = datetime(2025, 6, 15, 12, tzinfo=timezone.utc)
    events = [
        splunk_event(Event(name, 0, {"Computer": "pc", "Image": name}, "process_creation", "windows"))
        | {"_time": Decimal(int(edge.timestamp())) + after}
        for name, after in (("one", Decimal(-10)), ("two", Decimal(beyond)))
    ]
    for spl in (both, single):
        found = [SplEngine(events).query(spl, edge + DELAY + run * PERIOD) for run in (-1, 0, 1, 2)]
        assert sum(map(len, found)) == 1, spl


@pytest.mark.parametrize("delay", ["0s", "3m"])
def test_an_event_at_the_end_of_a_range_is_reported_by_the_next_run_however_late_it_starts(delay: str) -> None:
    (spl,) = to_spl(
        [
            {
                "title": "one",
                "logsource": {"category": "process_creation", "product": "windows"},
                "detection": {"s": {"Image": "one"}, "condition": "s"},
            }
        ],
        schedule="5m",
        delay=delay,
    )
    edge = datetime(2025, 6, 15, 12, tzinfo=timezone.utc)
    event = splunk_event(Event("one", 0, {"Computer": "pc", "Image": "one"}, "process_creation", "windows"))
    engine = SplEngine([event | {"_time": int(edge.timestamp())}])
    held_back = DELAY if delay == "3m" else timedelta()
    for late in (timedelta(), timedelta(seconds=41)):
        ends = [edge + held_back + run * PERIOD for run in (-1, 0, 1, 2)]
        assert [len(engine.query(spl, end + late, end)) for end in ends] == [0, 0, 1, 0]
    # Somebody who pastes the search runs it over all time, or again over an old range.
    assert len(engine.query(spl, edge + held_back + PERIOD)) == 1
    assert len(engine.query(spl, edge + timedelta(days=9), edge + held_back + PERIOD)) == 1


def test_overlapping_runs_report_each_event_of_a_rule_once() -> None:
    case = sample(correlation_cases(("temporal_ordered",)), 1, 5)[0]
    rule = next(iter(case.rules.values()))
    log = [event for one in of_five_minutes(case, 60, 9) for event in one.log]
    (spl,) = to_spl([rule], schedule="5m", delay="3m")
    rows, _, _table = spl.rpartition("\n| table ")
    expected = {_event_id(event.id) for event in log if matches(rule, event)}
    assert len(expected) > 20
    spl = f'{rows}\n| eval EventId=_bkt.":"._cd'
    assert _reported(spl, log, 1) == Counter(dict.fromkeys(expected, 1))
