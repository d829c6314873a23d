"""What dist/ makes people download for Splunk: it parses, has allowed commands alone, finds the events of the pack."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from events.data_models_in_splunk import data_models
from events.sysmon_in_splunk import splunk_event
from oracles.spl_engine import SplEngine
from oracles.spl_grammar import commands, parse
from pack import test_events
from reference.events import Event, Value
from sigma_t1020.convert import Options, convert
from sigma_t1020.output import ConvertedQuery
from sigma_t1020.pack import load_pack
from sigma_t1020.targets import TARGETS

ALLOWED = {
    "addinfo",
    "search",
    "where",
    "eval",
    "regex",
    "rex",
    "sort",
    "streamstats",
    "eventstats",
    "stats",
    "dedup",
    "rename",
}
ALLOWED |= {"fields", "table", "fillnull", "tstats"}
START = 1_750_000_200_000
NOW = datetime.fromtimestamp(START / 1000, tz=timezone.utc) + timedelta(hours=1)
FIVE_MINUTES = 300_000


def _shipped(options: Options | None = None) -> list[ConvertedQuery]:
    done = convert(load_pack(), None, TARGETS["splunk"], options or Options())
    assert not done.problems
    return list(done.queries)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (Options(), 10),
        (Options(combine=True), 4),
        (Options(schedule="5m"), 10),
        (Options(schedule="1h", delay="0s", combine=True), 4),
        (Options(dialect_options={"index": "`sysmon`"}), 10),
    ],
    ids=["look-back", "combined", "scheduled", "scheduled, combined", "macro"],
)
def test_each_search_parses_and_has_no_other_command(options: Options, count: int) -> None:
    queries = _shipped(options)
    assert len(queries) == count
    macros = {"sysmon": "index=main"}
    for query in queries:
        parse(query.text, macros)
        assert set(commands(query.text, macros)) <= ALLOWED
        base = query.text.partition("\n|")[0]
        if base.startswith("| tstats "):
            assert "FROM datamodel=Endpoint.Processes\n" in base
            continue
        assert re.search(r"\bsource(=| IN )", base)
        assert re.search(r"\bEventCode=[0-9]", base)


def test_the_packs_rules_find_its_events_and_no_other() -> None:
    """Each rule of the pack that stands alone, on the process starts of the pack's own tests, one search at a time."""
    loaded = load_pack()
    started = test_events.STARTED
    assert len(started) > 40
    log = [
        Event(str(number), START, {"Computer": "pc", **case.fields()}, "process_creation", case.product)
        for number, case in enumerate(started)
    ]
    stems = {str(item.rule.id): item.path.rpartition("/")[2].removesuffix(".yml") for item in loaded.rules}
    mac = {event.id: event for event in log if event.product == "macos"}
    others = [splunk_event(event) for event in log if event.product != "macos"]
    engine = SplEngine(others, datamodels=data_models(mac))
    wrong = []
    for query in _shipped():
        if query.kind != "rule":
            continue
        rows = query.text.rpartition("\n| table ")[0]
        found = {str(row.get("_cd", row.get("vendor_product"))) for row in engine.query(rows, NOW)}
        expected = {str(number) for number, case in enumerate(started) if stems[str(query.id)] in case.rules}
        if found != expected:
            wrong.append((query.title, [started[int(one)].command_line for one in found ^ expected]))
    assert not wrong


# --- The shipped correlations, at their edges ---------------------------------------------------------


def _archive(event_id: str = "archive", time: int = START, **fields: Any) -> Event:
    found: dict[str, Value] = {
        "Computer": "pc",
        "Image": "C:\\7z.exe",
        "CommandLine": "7z a o C:\\Users\\a\\Documents\\",
    }
    return Event(event_id, time, found | fields, "process_creation", "windows")


def _connection(event_id: str, time: int, **fields: Any) -> Event:
    found: dict[str, Value] = {
        "Computer": "pc",
        "Image": "C:\\Windows\\System32\\curl.exe",
        "Initiated": True,
        "DestinationIp": "8.8.8.8",
    }
    return Event(event_id, time, found | fields, "network_connection", "windows")


def _rows(*log: Event) -> list[list[dict[str, Any]]]:
    """What each of the two correlations gives."""
    engine = SplEngine(map(splunk_event, log))
    return [engine.query(query.text, NOW) for query in _shipped() if query.kind == "correlation"]


def test_one_row_for_an_archive_with_the_set_of_its_addresses() -> None:
    for rows in _rows(
        _archive(),
        _connection("same time", START),
        _connection("later", START + 1000, DestinationIp="1.1.1.1"),
        _connection("again", START + 2000, DestinationIp="1.1.1.1"),
        _connection("six", START + 3000, DestinationIp="2606:4700::1111"),
        _connection("at the end", START + FIVE_MINUTES, DestinationIp="9.9.9.9"),
    ):
        (row,) = rows
        assert row["Step2Count"] == 5
        assert set(row["Step2DestinationIp"]) == {"8.8.8.8", "1.1.1.1", "2606:4700::1111", "9.9.9.9"}
        assert (row["Step2First"] * 1000, row["Step2Last"] * 1000) == (START, START + FIVE_MINUTES)
        assert row["Computer"] == "pc"


def test_archives_with_one_connection_are_a_row_each() -> None:
    for rows in _rows(_archive("one"), _archive("two"), _archive("three", START + 5), _connection("out", START + 10)):
        assert sorted(str(row["EventId"]).rpartition(":")[2] for row in rows) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("why", "connection"),
    [
        ("private address", _connection("c", START + 1, DestinationIp="10.1.2.3")),
        ("mapped private address", _connection("c", START + 1, DestinationIp="::ffff:192.168.1.1")),
        ("IPv6 link-local", _connection("c", START + 1, DestinationIp="fe80::1")),
        ("IPv6 loopback", _connection("c", START + 1, DestinationIp="::1")),
        ("no address", _connection("c", START + 1, DestinationIp=None)),
        ("another host", _connection("c", START + 1, Computer="pc2")),
        ("no host", _connection("c", START + 1, Computer=None)),
        ("1 ms before", _connection("c", START - 1)),
        ("5 minutes and 1 ms after", _connection("c", START + FIVE_MINUTES + 1)),
    ],
)
def test_no_row_for(why: str, connection: Event) -> None:
    assert _rows(_archive(), connection) == [[], []], why


def test_hosts_without_a_name_do_not_join_each_other() -> None:
    for computer in (None, ""):
        assert _rows(_archive(Computer=computer), _connection("c", START + 1, Computer=computer)) == [[], []]


def test_a_connection_without_an_identity_still_counts() -> None:
    """Where Splunk's `_bkt` and `_cd` are not to be had, nothing is missed."""
    log = [splunk_event(_archive()), splunk_event(_connection("c", START + 1))]
    for event in log:
        del event["_bkt"], event["_cd"]
    found = [SplEngine(log).query(query.text, NOW) for query in _shipped() if query.kind == "correlation"]
    assert [len(rows) for rows in found] == [1, 1]
