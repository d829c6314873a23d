"""Correlations where counts go wrong: on logs of nothing that counts, and on values that look alike.

A command that aggregates without BY gives one row even of no events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import pytest
from events.sysmon_in_splunk import splunk_event
from oracles.kusto_engine import KustoEngine
from oracles.spl_engine import SplEngine
from reference.events import Event
from reference.logs import TYPES
from sigma.backends.t1020.common.losses import Unsupported

from conformance.elastic import esql_engine, to_esql
from conformance.kusto import load, to_kql
from conformance.splunk import to_spl

NOW = datetime(2025, 6, 15, 12, 0)
START = int(NOW.replace(tzinfo=timezone.utc).timestamp() * 1000) - 600_000
CONDITIONS = {"event_count": {"gte": 2}, "value_count": {"gte": 2, "field": "CommandLine"}}
#: Images by the name of a log; the last one has an event of the rules, but too few.
LOGS: Mapping[str, Sequence[str]] = {
    "nothing": [],
    "another program": ["C:\\other.exe"],
    "one event": ["C:\\one.exe"],
}


def _documents(kind: str, keys: Sequence[str]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = [
        {
            "title": name,
            "name": name,
            "logsource": {"category": "process_creation", "product": "windows"},
            "detection": {"s": {"Image|endswith": f"\\{name}.exe"}, "condition": "s"},
        }
        for name in ("one", "two")
    ]
    section: dict[str, Any] = {"type": kind, "rules": ["one", "two"], "timespan": "1m"}
    if keys:
        section["group-by"] = list(keys)
    if kind in CONDITIONS:
        section["condition"] = CONDITIONS[kind]
    return [*rules, {"title": "Both", "correlation": section}]


def _in_kusto(documents: Sequence[Mapping[str, Any]], log: Sequence[Event], options: Mapping[str, Any]) -> list[Any]:
    kql = to_kql(documents, **options)[-1]
    with KustoEngine("sentinel") as engine:
        load(engine, log)
        return engine.query(kql, NOW)


def _in_splunk(documents: Sequence[Mapping[str, Any]], log: Sequence[Event], options: Mapping[str, Any]) -> list[Any]:
    spl = to_spl(documents, **options)[-1]
    return SplEngine(map(splunk_event, log)).query(
        spl, NOW.replace(tzinfo=timezone.utc), NOW.replace(tzinfo=timezone.utc)
    )


def _in_elastic(documents: Sequence[Mapping[str, Any]], log: Sequence[Event], options: Mapping[str, Any]) -> list[Any]:
    return esql_engine(log).query(to_esql(documents, **options)[-1], NOW)


DIALECTS: Mapping[str, Callable[..., list[Any]]] = {"kql": _in_kusto, "spl": _in_splunk, "esql": _in_elastic}


@pytest.mark.parametrize("options", [{}, {"schedule": "15m"}], ids=["look-back", "scheduled"])
@pytest.mark.parametrize("keys", [("HostId",), ()], ids=["by host", "of all"])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_row_where_nothing_counts(dialect: str, kind: str, keys: Sequence[str], options: Mapping[str, Any]) -> None:
    documents = _documents(kind, keys)
    found = {}
    for name, images in LOGS.items():
        log = [
            Event(f"e{number}", START, {"HostId": "h", "Computer": "pc", "Image": image, "CommandLine": "a"},
                  "process_creation", "windows")
            for number, image in enumerate(images)
        ]  # fmt: skip
        if kind == "temporal_ordered" and not keys:
            with pytest.raises(Unsupported, match="group-by"):
                DIALECTS[dialect](documents, log, options)
            continue
        found[name] = DIALECTS[dialect](documents, log, options)
    assert not any(found.values())


#: Texts that are easily taken for one where they are joined, split or trimmed.
DISTINCT = ("a\nb", "a b", "a  b", "a\tb", "a\r\nb", "ab", "a|b", "a\\nb", "a,b", "=a b", "\na b", "a b\n")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_values_that_differ_in_blanks_and_separators_alone_are_counted_apart(dialect: str) -> None:
    rule, _other, both = _documents("value_count", ("HostId",))
    section = {**both["correlation"], "rules": ["one"], "condition": {"gte": len(DISTINCT), "field": "CommandLine"}}
    fields = {"HostId": "h", "Computer": "pc", "Image": "C:\\one.exe"}
    log = [
        Event(f"e{number}", START + number, {**fields, "CommandLine": text}, "process_creation", "windows")
        for number, text in enumerate(DISTINCT * 2)
    ]
    (row,) = DIALECTS[dialect]([rule, {**both, "correlation": section}], log, {})
    assert row["ValueCount"] == len(DISTINCT)
