"""Ordered correlations as KQL, run on an engine: the rows are those of the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import volumes
from events.defender_tables import report_id
from oracles.kusto_engine import KustoEngine
from reference.correlation import OrderedMatch, correlate
from reference.events import Event, Value
from reference.generators import CorrelationCase, correlation_cases, sample
from reference.meaning import matches
from sigma_t1020.kusto_language.schemas import SchemaName
from sigma_t1020.pack import load_pack

from conformance.kusto import load, query_tuples, reference_tuples, to_kql
from conformance.many_logs import FIVE_MINUTES, LOGS_EACH, REPLAYED_LOGS, SIGNATURES, of_five_minutes, over_many_logs
from conformance.replay import arrivals, replayed

EVIDENCE = {"process_creation": "ProcessCommandLine", "network_connection": "RemoteIP"}
NOW = datetime(2025, 6, 15, 20, 0)


def _tuples(engine: KustoEngine, case: CorrelationCase, product: str) -> list[Any]:
    """The rows of a case's correlation, over all that is loaded."""
    names: Sequence[str] = case.correlation["correlation"]["rules"]
    kql = to_kql([*case.rules.values(), case.correlation], product, lookback="14d")[-1]
    columns = [EVIDENCE[case.rules[name]["logsource"]["category"]] for name in names[1:]]
    time = "TimeGenerated" if product == "sentinel" else "Timestamp"
    return query_tuples(engine.query(kql, NOW), columns, time)


def _expected(case: CorrelationCase) -> set[Any]:
    """The tuples of the reference, where a connection's evidence is the peer, as in the tables: whoever began."""
    evidence = {name: _peer if shown == "DestinationIp" else shown for name, shown in case.evidence.items()}
    return reference_tuples(correlate(case.correlation, case.rules, case.log, evidence))


def _peer(event: Event) -> str | None:
    found = event.fields.get("SourceIp" if event.fields.get("Initiated") is False else "DestinationIp")
    return None if found is None else str(found)


def test_generated_logs_give_the_tuples_of_the_reference() -> None:
    differing: list[str] = []
    expected_rows = 0
    shapes: Counter[str] = Counter()
    for number, group in enumerate(over_many_logs("temporal_ordered")):
        product: SchemaName = "defender" if number % 2 else "sentinel"
        with KustoEngine(product) as engine:
            load(engine, [event for case in group for event in case.log], product)
            found = _tuples(engine, group[0], product)
        expected = set().union(*(_expected(c) for c in group))
        expected_rows += len(expected)
        section = group[0].correlation["correlation"]
        shapes[f"{len(section['rules'])} steps"] += len(group)
        if len(found) != len(set(found)) or set(found) != expected:
            differing.append(f"{section}: {sorted(expected ^ set(found))[:3]}")
    assert not differing
    assert sum(shapes.values()) == SIGNATURES * LOGS_EACH
    assert min(shapes["2 steps"], shapes["3 steps"]) >= SIGNATURES * LOGS_EACH // 5
    assert expected_rows > SIGNATURES * LOGS_EACH // 2


# --- The shipped correlations, at their edges ---------------------------------------------------------

START = 1_750_000_200_000


def _archive(event_id: str = "archive", time: int = START, **fields: Any) -> Event:
    found: dict[str, Value] = {
        "HostId": "id1",
        "Computer": "pc",
        "Image": "C:\\Program Files\\7-Zip\\7z.exe",
        "CommandLine": "7z a C:\\Users\\anna\\out.7z C:\\Users\\anna\\Documents\\",
    }
    return Event(event_id, time, found | fields, "process_creation", "windows")


def _connection(event_id: str, time: int, **fields: Any) -> Event:
    found: dict[str, Value] = {
        "HostId": "id1",
        "Computer": "pc",
        "Image": "C:\\Windows\\System32\\curl.exe",
        "Initiated": True,
        "DestinationIp": "8.8.8.8",
        "DestinationPort": 443,
    }
    return Event(event_id, time, found | fields, "network_connection", "windows")


@pytest.fixture(scope="module")
def shipped() -> Mapping[str, str]:
    """The KQL of both shipped correlations by file name, as the pack gives it."""
    loaded = load_pack()
    documents = [item.data for item in loaded.rules]
    names = [item.path.rsplit("_connection", 1)[-1] for item in loaded.rules if item.is_correlation]
    return dict(zip(names, to_kql(documents, canonical=False)[-2:], strict=True))


def _shipped_rows(shipped: Mapping[str, str], log: Sequence[Event]) -> dict[str, list[dict[str, Any]]]:
    with KustoEngine("sentinel") as engine:
        load(engine, log)
        now = datetime.fromtimestamp(START / 1000, tz=timezone.utc).replace(tzinfo=None) + timedelta(hours=1)
        return {name: engine.query(kql, now) for name, kql in shipped.items()}


def test_one_row_for_an_archive_with_the_set_of_its_addresses(shipped: Mapping[str, str]) -> None:
    log = [
        _archive(),
        _connection("same time", START),
        _connection("later", START + 1000, DestinationIp="1.1.1.1"),
        _connection("again", START + 2000, DestinationIp="1.1.1.1"),
        _connection("six", START + 3000, DestinationIp="2606:4700::1111"),
        _connection("at the end", START + FIVE_MINUTES, DestinationIp="9.9.9.9"),
    ]
    for name, rows in _shipped_rows(shipped, log).items():
        assert len(rows) == 1, name
        assert rows[0]["Step2Count"] == 5, name
        assert set(rows[0]["Step2RemoteIP"]) == {"8.8.8.8", "1.1.1.1", "2606:4700::1111", "9.9.9.9"}, name
        assert rows[0]["DeviceName"] == "pc"


def test_two_archives_and_one_connection_are_two_rows(shipped: Mapping[str, str]) -> None:
    log = [_archive("one"), _archive("two"), _archive("three", START + 5), _connection("out", START + 10)]
    for name, rows in _shipped_rows(shipped, log).items():
        assert sorted(row["ReportId"] for row in rows) == sorted(map(report_id, ("one", "two", "three"))), name


@pytest.mark.parametrize(
    ("why", "connection"),
    [
        ("private address", _connection("c", START + 1, DestinationIp="10.1.2.3")),
        ("loopback address", _connection("c", START + 1, DestinationIp="127.0.0.1")),
        ("mapped private address", _connection("c", START + 1, DestinationIp="::ffff:192.168.1.1")),
        ("IPv6 link-local", _connection("c", START + 1, DestinationIp="fe80::1")),
        ("IPv6 unique local", _connection("c", START + 1, DestinationIp="fd12::1")),
        ("IPv6 loopback", _connection("c", START + 1, DestinationIp="::1")),
        ("no address", _connection("c", START + 1, DestinationIp=None)),
        ("another host of the same name", _connection("c", START + 1, HostId="id2")),
        ("no host id", _connection("c", START + 1, HostId="")),
        ("1 ms before", _connection("c", START - 1)),
        ("5 minutes and 1 ms after", _connection("c", START + FIVE_MINUTES + 1)),
    ],
)
def test_no_row_for(shipped: Mapping[str, str], why: str, connection: Event) -> None:
    rows = _shipped_rows(shipped, [_archive(), connection])
    assert {name: len(found) for name, found in rows.items()} == dict.fromkeys(rows, 0), why


def test_hosts_without_an_id_do_not_join_each_other(shipped: Mapping[str, str]) -> None:
    rows = _shipped_rows(shipped, [_archive(HostId=""), _connection("c", START + 1, HostId="")])
    assert {name: len(found) for name, found in rows.items()} == dict.fromkeys(rows, 0)


@pytest.mark.parametrize(
    ("connection", "by_tool"),
    [
        (_connection("c", START + 1, Image="C:\\Program Files\\7-Zip\\7z.exe"), 1),
        (_connection("c", START + 1, Image="C:\\Windows\\explorer.exe"), 0),
        (_connection("c", START + 1, Initiated=False), 0),
        (_connection("c", START + 1, Initiated=None), 0),
        (_connection("c", START + 1, DestinationIp="::ffff:8.8.8.8"), 1),
    ],
)
def test_the_wider_correlation_takes_any_process_and_direction(
    shipped: Mapping[str, str], connection: Event, by_tool: int
) -> None:
    rows = _shipped_rows(shipped, [_archive(), connection])
    assert {name: len(found) for name, found in rows.items()} == {".yml": 1, "_by_tool.yml": by_tool}


# --- Scheduled runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(volumes.of(4, least=2)))
def test_overlapping_runs_report_each_ordered_match_once(number: int) -> None:
    """Events on the edges of the runs are in the logs: the time span is the period, and times are its multiples."""
    case = [
        one
        for one in sample(correlation_cases(("temporal_ordered",)), 400, 5)
        if one.correlation["correlation"]["timespan"] == "5m"
        and one.correlation["correlation"]["group-by"] == ["HostId"]
        and len(one.correlation["correlation"]["rules"]) == 2 + number % 2
    ][number]
    many = of_five_minutes(case, REPLAYED_LOGS, 70 + number)
    kql = to_kql([*case.rules.values(), case.correlation], schedule="5m", delay="3m")[-1]
    reported = replayed(kql, arrivals([event for one in many for event in one.log], number))
    expected = {
        report_id(match.event_id)
        for one in many
        for match in correlate(one.correlation, one.rules, one.log)
        if isinstance(match, OrderedMatch)
    }
    assert len(expected) > 20
    assert reported == Counter(dict.fromkeys(expected, 1))


def test_overlapping_runs_report_each_event_of_a_rule_once() -> None:
    case = sample(correlation_cases(("temporal_ordered",)), 1, 5)[0]
    rule = next(iter(case.rules.values()))
    log = [event for one in of_five_minutes(case, 60, 9) for event in one.log]
    (kql,) = to_kql([rule], schedule="5m", delay="3m")
    expected = {report_id(event.id) for event in log if matches(rule, event)}
    assert len(expected) > 20
    assert replayed(kql, arrivals(log, 1)) == Counter(dict.fromkeys(expected, 1))
