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
from events.defender_tables import report_id
from oracles.kusto_engine import KustoEngine
from reference.correlation import CountMatch, TemporalMatch, correlate, timespan_ms
from reference.generators import CorrelationCase, correlation_cases, logs, sample
from sigma_t1020.kusto_language.schemas import SchemaName

from conformance.kusto import load, milliseconds, to_kql

NOW = datetime(2025, 6, 15, 20, 0)
SIGNATURES = 40
LOGS_EACH = 50
FIVE_MINUTES = 300_000

#: Where a row has a group-by field of the generated correlations.
KEYS = {"HostId": "DeviceId", "device": "DeviceId", "Computer": "DeviceName", "User": "User"}


def _cases(kind: str) -> Iterator[list[CorrelationCase]]:
    """The same correlation over many logs, each log under hosts of its own."""
    for number, case in enumerate(sample(correlation_cases((kind,)), SIGNATURES, 11)):
        span = timespan_ms(case.correlation["correlation"]["timespan"])
        drawn = sample(logs(span, 2), LOGS_EACH, 100 + number)
        yield [replace(case, log=log).under(f"c{number}l{i}_") for i, log in enumerate(drawn)]


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
def test_2000_logs_give_the_tuples_of_the_reference(kind: str) -> None:
    differing: list[str] = []
    expected_rows = 0
    seen: Counter[str] = Counter()
    for number, group in enumerate(_cases(kind)):
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
    assert expected_rows > 1000
    wanted = (
        ["2 rules", "3 rules"] if kind == "temporal" else ["1 rules", "2 rules", "gt", "gte", "lt", "lte", "eq", "neq"]
    )
    assert not [what for what in wanted if not seen[what]]
