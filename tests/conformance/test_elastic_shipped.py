"""What dist/ makes people download for Elastic: it parses, has allowed commands alone, finds the events of the pack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from events.ecs_documents import MODELS, NotHeld
from oracles import eql_grammar, esql_grammar
from oracles.lucene_regexp import MAX_REGEX_LENGTH
from pack import test_events
from reference.events import Event, Value
from sigma.backends.t1020.common.losses import Cause
from sigma_t1020.convert import Options, convert
from sigma_t1020.output import ConvertedQuery
from sigma_t1020.pack import load_pack
from sigma_t1020.targets import TARGETS

from conformance.elastic import DEFEND, WINLOGBEAT, eql_engine, esql_engine

START = 1_750_000_200_000
NOW = datetime.fromtimestamp(START / 1000, tz=timezone.utc).replace(tzinfo=None) + timedelta(hours=1)
FIVE_MINUTES = 300_000
COMMANDS = {"from", "where", "eval", "stats", "mv_expand", "keep", "limit"}
EQL, ESQL = TARGETS["elastic"], TARGETS["elastic"].spoken("esql")
MACOS = "302e1222-4dce-42b9-9c5c-72172d131120"


def _shipped(esql: bool, options: Options | None = None) -> list[ConvertedQuery]:
    done = convert(load_pack(), None, ESQL if esql else EQL, options or Options())
    assert not done.problems
    return list(done.queries)


def _by_winlogbeat(esql: bool) -> list[ConvertedQuery]:
    done = convert(load_pack(), None, ESQL if esql else EQL, Options(pipelines=(WINLOGBEAT,)))
    # Sysmon is not to be had for macOS, nor does the ingest pipeline keep its name for anything.
    assert all("no events of the product macos" in str(problem) for problem in done.problems)
    assert len(done.problems) == 1
    return list(done.queries)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (Options(), 10),
        (Options(combine=True), 3),
        (Options(schedule="5m"), 10),
        (Options(schedule="1h", delay="0s", combine=True), 3),
    ],
    ids=["look-back", "combined", "scheduled", "scheduled, combined"],
)
def test_each_esql_query_parses_and_has_no_other_command(options: Options, count: int) -> None:
    queries = _shipped(True, options)
    assert len(queries) == count
    for query in queries:
        assert {command.name for command in esql_grammar.commands(query.text)} <= COMMANDS
        source = esql_grammar.source(query.text)
        assert set(source.metadata) == {"_id", "_index", "_version"}
        assert all(pattern.startswith("logs-endpoint.events.") for pattern in source.patterns)
        # The service chooses the documents of a scheduled query without STATS.
        assert ("| WHERE @timestamp >" in query.text) is (not options.schedule or "| STATS" in query.text)
        assert query.text.endswith("\n| LIMIT 10000")


@pytest.mark.parametrize("queries", [_shipped, _by_winlogbeat], ids=[DEFEND, WINLOGBEAT])
def test_each_eql_query_parses_and_asks_for_one_event_category(queries: Any) -> None:
    found = queries(False)
    assert len(found) in (9, 10)
    for query in found:
        for step in eql_grammar.steps(query.text):
            assert step.category in ("process", "network"), query.text
        assert Cause.RULE not in {loss.code.cause for loss in query.losses}


def test_no_expression_is_too_long_for_elasticsearch() -> None:
    texts = [text for query in _shipped(False) for text in eql_grammar.string_literals(query.text)]
    texts += [text for query in _shipped(True) for text in esql_grammar.string_literals(query.text)]
    assert len(texts) > 400
    assert max(map(len, texts)) <= MAX_REGEX_LENGTH


def _stems() -> dict[str, str]:
    return {str(item.rule.id): item.path.rpartition("/")[2].removesuffix(".yml") for item in load_pack().rules}


@pytest.mark.parametrize("model", [DEFEND, WINLOGBEAT])
@pytest.mark.parametrize("esql", [False, True], ids=["EQL", "ES|QL"])
def test_the_packs_rules_find_its_events_and_no_other(esql: bool, model: str) -> None:
    """Each rule of the pack that stands alone, on the process starts of the pack's own tests."""
    started: list[tuple[test_events.Started, Event]] = []
    for case in test_events.STARTED:
        event = Event(str(len(started)), START, {"Computer": "pc", **case.fields()}, "process_creation", case.product)
        try:
            MODELS[model](event)
        except NotHeld:
            continue
        if model == DEFEND or case.product != "macos":
            started.append((case, event))
    assert len(started) > 40
    log = [event for _case, event in started]
    stems, wrong = _stems(), []
    for query in _shipped(esql) if model == DEFEND else _by_winlogbeat(esql):
        if query.kind != "rule":
            continue
        if esql:
            found = {str(row["_id"]) for row in esql_engine(log, model).query(query.text, NOW)}
        else:
            found = {str(alert[0]["_id"]) for alert in eql_engine(log, model).query(query.text)}
        expected = {event.id for case, event in started if stems[str(query.id)] in case.rules}
        if found != expected:
            wrong.append((query.title, [started[int(one)][0].command_line for one in found ^ expected]))
    assert not wrong


def test_the_combined_query_gives_each_alert_of_the_single_ones() -> None:
    log = [
        Event(str(number), START, {"Computer": "pc", **case.fields()}, "process_creation", case.product)
        for number, case in enumerate(test_events.STARTED)
    ]
    engine = esql_engine(log)
    single = sorted(
        (str(query.id), str(row["_id"]))
        for query in _shipped(True)
        if query.kind == "rule"
        for row in engine.query(query.text, NOW)
    )
    rows = engine.query(_shipped(True, Options(combine=True))[0].text, NOW)
    assert sorted((str(row["RuleId"]), str(row["_id"])) for row in rows) == single
    assert len(single) > 20


# --- The shipped correlations, at their edges ---------------------------------------------------------


def _archive(event_id: str = "archive", time: int = START, **fields: Any) -> Event:
    found: dict[str, Value] = {
        "HostId": "id",
        "Computer": "pc",
        "Image": "C:\\7z.exe",
        "CommandLine": "7z a o C:\\Users\\a\\Documents\\",
    }
    return Event(event_id, time, found | fields, "process_creation", "windows")


def _connection(event_id: str, time: int, **fields: Any) -> Event:
    found: dict[str, Value] = {
        "HostId": "id",
        "Computer": "pc",
        "Image": "C:\\Windows\\System32\\curl.exe",
        "Initiated": True,
        "DestinationIp": "8.8.8.8",
    }
    return Event(event_id, time, found | fields, "network_connection", "windows")


def _rows(*log: Event) -> list[list[dict[str, Any]]]:
    """What each of the two correlations gives in ES|QL."""
    engine = esql_engine(log)
    return [engine.query(query.text, NOW) for query in _shipped(True) if query.kind == "correlation"]


def _alerts(*log: Event) -> Iterator[list[list[str]]]:
    """The ids of the events of each alert of the two correlations in EQL."""
    engine = eql_engine(log)
    for query in _shipped(False):
        if query.kind == "correlation":
            yield [[str(event["_id"]) for event in alert] for alert in engine.query(query.text)]


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
        assert set(row["Step2.destination.ip"]) == {"8.8.8.8", "1.1.1.1", "2606:4700::1111", "9.9.9.9"}
        assert (row["Step2First"], row["Step2Last"]) == (START, START + FIVE_MINUTES)
        assert (row["host.id"], row["host.name"], row["process.executable"]) == ("id", "pc", "C:\\7z.exe")
        assert str(row["EventId"]).endswith("/archive")


def test_archives_with_one_connection_are_a_row_each() -> None:
    for rows in _rows(_archive("one"), _archive("two"), _archive("three", START + 5), _connection("out", START + 10)):
        assert sorted(str(row["EventId"]).rpartition("/")[2] for row in rows) == ["one", "three", "two"]


def test_the_edge_of_a_bucket_parts_nothing() -> None:
    edge = START - START % FIVE_MINUTES + FIVE_MINUTES
    log = []
    hosts = []
    for first in (edge - 1, edge, edge + 1):
        for span in (0, 1, FIVE_MINUTES - 1, FIVE_MINUTES):
            hosts.append(f"{first - edge} {span}")
            log.append(_archive(f"archive {hosts[-1]}", first, HostId=hosts[-1]))
            log.append(_connection(f"connection {hosts[-1]}", first + span, HostId=hosts[-1]))
    for rows in _rows(*log):
        assert sorted(str(row["host.id"]) for row in rows) == sorted(hosts)
        assert {row["Step2Count"] for row in rows} == {1}
    for alerts in _alerts(*log):
        assert sorted(alerts) == sorted([f"archive {host}", f"connection {host}"] for host in hosts)


@pytest.mark.parametrize(
    ("why", "connection"),
    [
        ("private address", _connection("c", START + 1, DestinationIp="10.1.2.3")),
        ("mapped private address", _connection("c", START + 1, DestinationIp="::ffff:192.168.1.1")),
        ("IPv6 link-local", _connection("c", START + 1, DestinationIp="fe80::1")),
        ("IPv6 loopback", _connection("c", START + 1, DestinationIp="::1")),
        ("no address", _connection("c", START + 1, DestinationIp=None)),
        ("another host of the same name", _connection("c", START + 1, HostId="id2")),
        ("no host", _connection("c", START + 1, HostId=None)),
        ("1 ms before", _connection("c", START - 1)),
        ("5 minutes and 1 ms after", _connection("c", START + FIVE_MINUTES + 1)),
    ],
)
def test_no_row_for(why: str, connection: Event) -> None:
    assert _rows(_archive(), connection) == [[], []], why
    assert list(_alerts(_archive(), connection)) == [[], []], why


def test_hosts_without_an_identity_do_not_join_each_other() -> None:
    for host in (None, ""):
        log = (_archive(HostId=host), _connection("c", START + 1, HostId=host))
        assert _rows(*log) == [[], []]
        assert list(_alerts(*log)) == [[], []]
