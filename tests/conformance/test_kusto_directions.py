"""Connections in both directions as KQL, run on an engine: Remote is the peer there, Source who began in Sigma."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import product
from typing import Any

import pytest
from oracles.kusto_complaints import complaints
from oracles.kusto_engine import KustoEngine
from reference.correlation import CountMatch, correlate
from reference.events import Event
from reference.meaning import matches

from conformance.kusto import load, to_kql

NOW = datetime(2025, 6, 15, 12, 0)
TIME = 1_749_985_200_000
PEER, OWN = "203.0.114.7", "10.1.2.3"
ENDS: Mapping[bool, Mapping[str, Any]] = {
    True: {"SourceIp": OWN, "SourcePort": 50000, "DestinationIp": PEER, "DestinationPort": 4444},
    False: {"SourceIp": PEER, "SourcePort": 50000, "DestinationIp": OWN, "DestinationPort": 4444},
}
#: Connections of each direction and of none, to the same port and to another one.
LOG = [
    Event(
        f"{initiated} {port} {swapped}",
        TIME,
        {
            "HostId": f"{initiated} {port} {swapped}",
            "Computer": "pc",
            "Image": "C:\\nc.exe",
            **ENDS[swapped],
            "DestinationPort": port,
            "Initiated": initiated,
        },
        "network_connection",
        "windows",
    )
    for initiated, port, swapped in product((True, False, None), (4444, 443), (True, False))
]
PORT: Mapping[str, Any] = {"DestinationPort": 4444}
RULES: Mapping[str, Mapping[str, Any]] = {
    "of no direction": {"s": PORT, "condition": "s"},
    "inbound": {"s": {**PORT, "Initiated": "false"}, "condition": "s"},
    "outbound": {"s": {**PORT, "Initiated": True}, "condition": "s"},
    "not outbound": {"s": PORT, "out": {"Initiated": "true"}, "condition": "s and not out"},
    "not inbound": {"s": PORT, "in": {"Initiated": "false"}, "condition": "s and not in"},
    "one of each": {
        "out": {**PORT, "Initiated": "true"},
        "in": {"SourceIp|cidr": "203.0.114.0/24", "Initiated": "false"},
        "condition": "1 of them",
    },
    "source and destination": {
        "s": {"SourceIp|startswith": "203.", "DestinationIp|cidr": "10.0.0.0/8", "SourcePort|gte": 50000},
        "condition": "s",
    },
    "negated": {"s": {"Image|endswith": "\\nc.exe"}, "f": {"DestinationIp": OWN}, "condition": "s and not f"},
    "regular expression": {"s": {"DestinationIp|re": "^10[.]"}, "condition": "s"},
    "presence": {"s": {"SourceIp|exists": True, "DestinationIp": [OWN, None]}, "condition": "s"},
    "two fields": {"s": {"SourceIp|fieldref|neq": "DestinationIp", "DestinationPort": 443}, "condition": "s"},
}


def _rule(detection: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": "Connection",
        "name": "connection",
        "logsource": {"category": "network_connection", "product": "windows"},
        "detection": detection,
    }


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_the_connections_of_either_direction_as_the_reference_does(name: str) -> None:
    rule = _rule(RULES[name])
    (kql,) = to_kql([rule])
    assert complaints([kql], "sentinel") == []
    with KustoEngine("sentinel") as engine:
        load(engine, LOG)
        found = {str(row["DeviceId"]) for row in engine.query(kql, NOW)}
    expected = {event.id for event in LOG if matches(rule, event)}
    assert 0 < len(expected) < len(LOG)
    assert found == expected


@pytest.mark.parametrize(("direction", "column"), [("true", "RemotePort"), ("false", "LocalPort")])
def test_a_rule_of_one_direction_tests_its_column_once(direction: str, column: str) -> None:
    (kql,) = to_kql([_rule({"s": {**PORT, "Initiated": direction}, "condition": "s"})])
    assert f"\n| where {column} == 4444\n" in kql
    assert " or " not in kql
    assert kql.partition("\n| project")[0].count("ActionType") == 1


def test_a_column_that_a_rule_names_by_itself_is_that_column_in_either_direction() -> None:
    (kql,) = to_kql([_rule({"s": {"RemoteIP": PEER, "RemotePort": 4444}, "condition": "s"})])
    assert "ActionType" not in kql.partition("\n| project")[0]
    assert "Local" not in kql.partition("\n| project")[0]


def test_a_correlation_groups_and_counts_by_the_ends_that_sigma_means() -> None:
    rule = _rule({"s": {"Image|endswith": "\\nc.exe"}, "condition": "s"})
    section: dict[str, Any] = {
        "type": "value_count",
        "rules": ["connection"],
        "group-by": ["SourceIp"],
        "timespan": "5m",
    }
    section["condition"] = {"gte": 2, "field": "DestinationPort"}
    correlation = {"title": "Ports", "correlation": section}
    kql = to_kql([rule, correlation])[-1]
    assert complaints([kql], "sentinel") == []
    with KustoEngine("sentinel") as engine:
        load(engine, LOG)
        found = {(str(row["SourceIp"]), row["ValueCount"]) for row in engine.query(kql, NOW)}
    rows = correlate(correlation, {"connection": rule}, LOG)
    assert found == {(str(row.key[0]), row.count) for row in rows if isinstance(row, CountMatch)}
    assert found == {(OWN, 2), (PEER, 2)}
