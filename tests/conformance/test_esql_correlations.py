"""Correlations as ES|QL, run by the oracle: the rows are those of the reference.

In turn under every reading of what Elastic's documentation leaves open, on both log models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import volumes
from oracles.esql_grammar import commands
from oracles.esql_values import ALL_READINGS
from reference.correlation import CountMatch, OrderedMatch, TemporalMatch, correlate
from reference.generators import CorrelationCase, correlation_cases, sample
from reference.meaning import matches

from conformance.elastic import DEFEND, HOST_NAME, IDENTITY, WINLOGBEAT, KibanaRule, esql_engine, to_esql
from conformance.many_logs import (
    LOGS_EACH,
    SIGNATURES,
    first_completed,
    of_five_minutes,
    over_many_logs,
    replayable,
)
from conformance.replay import DELAY, JITTER, PERIOD, arrivals, moment, runs

NOW = datetime(2025, 6, 15, 20, 0)
#: A range that reaches back to the first event.
TO_SEE_ALL = timedelta(days=1)
EVIDENCE = {"process_creation": "process.command_line", "network_connection": "destination.ip"}
COMMANDS = {"from", "where", "eval", "stats", "mv_expand", "keep", "limit"}


def _set(value: object) -> frozenset[str]:
    """The values of a column that may be missing or have one."""
    held = value if isinstance(value, list) else [] if value is None else [value]
    return frozenset(map(str, held))


def _name(event_id: object) -> str:
    """The event's id without its index."""
    return str(event_id).rpartition("/")[2]


def _tell(case: CorrelationCase, row: Mapping[str, Any], model: str) -> tuple[Any, ...]:
    """What is compared of a row."""
    section = case.correlation["correlation"]
    time = row["@timestamp"]
    if section["type"] == "temporal":
        return _name(row["EventId"]), time
    if section["type"] == "temporal_ordered":
        categories = [case.rules[name]["logsource"]["category"] for name in section["rules"][1:]]
        steps = tuple(
            (
                row[f"Step{number}Count"],
                _set(row.get(f"Step{number}.{EVIDENCE[category]}")),
                row[f"Step{number}First"],
                row[f"Step{number}Last"],
            )
            for number, category in enumerate(categories, start=2)
        )
        return _name(row["EventId"]), time, steps
    count = row["EventCount" if section["type"] == "event_count" else "ValueCount"]
    keys = {"HostId": IDENTITY[model], "device": IDENTITY[model], "Computer": HOST_NAME[model], "User": "KeyUser"}
    return tuple(row[keys.get(field, field)] for field in section["group-by"]), time, count


def _with_domains(case: CorrelationCase) -> CorrelationCase:
    """The case with users as Sysmon writes them: without a domain, the ingest pipeline drops them."""
    log = []
    for event in case.log:
        user = event.fields.get("User")
        log.append(replace(event, fields={**event.fields, "User": f"CORP\\{user}"}) if user else event)
    return replace(case, log=log)


def _expected(case: CorrelationCase) -> Iterator[tuple[Any, ...]]:
    for match in correlate(case.correlation, case.rules, case.log, case.evidence):
        if isinstance(match, TemporalMatch):
            yield match.event_id, match.time
        elif isinstance(match, CountMatch):
            yield match.key, match.time, match.count
        else:
            steps = tuple((step.count, step.values, step.first, step.last) for step in match.steps)
            yield match.event_id, match.time, steps


@pytest.mark.parametrize("kind", ["temporal_ordered", "temporal", "event_count", "value_count"])
def test_generated_logs_give_the_tuples_of_the_reference(kind: str) -> None:
    differing: list[str] = []
    expected_rows = 0
    seen: Counter[str] = Counter()
    for number, group in enumerate(over_many_logs(kind)):
        model = (DEFEND, WINLOGBEAT)[number % 2]
        group = list(map(_with_domains, group)) if model == WINLOGBEAT else group
        case = group[0]
        section = case.correlation["correlation"]
        esql = to_esql([*case.rules.values(), case.correlation], model, lookback="14d")[-1]
        assert {command.name for command in commands(esql)} <= COMMANDS
        events = [event for one in group for event in one.log]
        engine = esql_engine(events, model, ALL_READINGS[number % len(ALL_READINGS)])
        found = [_tell(case, row, model) for row in engine.query(esql, NOW)]
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


@pytest.mark.parametrize("number", range(volumes.of(3, least=2)))
@pytest.mark.parametrize("kind", ["temporal_ordered", "temporal"])
def test_overlapping_runs_report_each_match_once(kind: str, number: int) -> None:
    many = replayable(kind, number)
    esql = to_esql([*many[0].rules.values(), many[0].correlation], schedule="5m", delay="3m")[-1]
    coming = arrivals([event for one in many for event in one.log], number)
    reports = runs(KibanaRule(esql, TO_SEE_ALL), coming, lambda row: _name(row["EventId"]))
    reported = Counter(event for _now, found in reports for event in found)
    expected = {
        match.event_id
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
    esql = to_esql([*many[0].rules.values(), many[0].correlation], schedule="5m", delay="3m")[-1]
    coming = arrivals([event for one in many for event in one.log], number)
    reports = runs(KibanaRule(esql, TO_SEE_ALL), coming, lambda row: ((str(row["host.id"]),), int(row["@timestamp"])))
    total = 0
    for now, found in reports:
        end = now - DELAY
        expected = [row for one in many for row in first_completed(one, end - PERIOD, end)]
        assert sorted(found) == sorted(expected)
        total += len(expected)
    assert total > 20


def test_overlapping_runs_report_each_event_of_a_rule_once() -> None:
    case = sample(correlation_cases(("temporal_ordered",)), 1, 5)[0]
    rule = next(iter(case.rules.values()))
    log = [event for one in of_five_minutes(case, 60, 9) for event in one.log]
    (esql,) = to_esql([rule], schedule="5m", delay="3m")
    expected = {event.id for event in log if matches(rule, event)}
    assert len(expected) > 20
    # A range of one period more than a run needs also covers a skipped run.
    rule_of_kibana = KibanaRule(esql, 2 * PERIOD + DELAY + JITTER, on_time=False)
    reports = runs(rule_of_kibana, arrivals(log, 1), lambda row: str(row["_id"]))
    reported = Counter(event for _now, found in reports for event in found)
    assert reported == Counter(dict.fromkeys(expected, 1))


@pytest.mark.parametrize("kind", ["temporal_ordered", "temporal"])
def test_late_runs_miss_and_repeat_only_what_the_loss_schedule_names(kind: str) -> None:
    """A window by NOW() is as late as its run, and nobody makes up for a skipped one."""
    many = replayable(kind, 1)
    esql = to_esql([*many[0].rules.values(), many[0].correlation], schedule="5m", delay="3m")[-1]
    coming = arrivals([event for one in many for event in one.log], 1)
    reports = runs(KibanaRule(esql, TO_SEE_ALL, on_time=False), coming, lambda row: _name(row["EventId"]))
    reported = Counter(event for _now, found in reports for event in found)
    completed = {
        match.event_id: moment(match.completed)
        for one in many
        for match in correlate(one.correlation, one.rules, one.log)
        if isinstance(match, OrderedMatch | TemporalMatch)
    }
    times = [scheduled for scheduled, _found in reports]
    (skipped,) = (later for earlier, later in pairwise(times) if later < earlier)
    ends = [time - DELAY for time in times]
    wrong = [time for event, time in completed.items() if reported[event] != 1]
    assert wrong
    assert reported.keys() <= completed.keys()
    named = [
        time
        for time in wrong
        if skipped - DELAY - PERIOD <= time <= skipped - DELAY or any(end <= time <= end + JITTER for end in ends)
    ]
    assert named == wrong
