"""The named losses of the Elastic backends are real, and nothing is lost without one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from reference.events import Event
from sigma.backends.t1020 import T1020EqlBackend, T1020EsqlBackend
from sigma.backends.t1020.common.losses import LossCode, Unsupported
from sigma.backends.t1020.esql import legs as esql_legs
from sigma.collection import SigmaCollection
from sigma_t1020.pack import load_pack
from sigma_t1020.resources import load_pipeline

from conformance.elastic import (
    DEFEND,
    WINLOGBEAT,
    eql_engine,
    esql_engine,
    ids_by_eql,
    ids_by_esql,
    to_eql,
    to_esql,
)

NOW = datetime(2026, 1, 1)
START = 1_750_000_200_000
#: In place of 10,000: with more the oracle would take minutes.
FEW = 20


def _rule(category: str = "process_creation", condition: str = "s", **detections: Any) -> dict[str, Any]:
    source = {"category": category, "product": "windows"}
    return {"title": "Rule", "logsource": source, "detection": {**detections, "condition": condition}}


def _losses(backend: type[Any], document: Mapping[str, Any], model: str) -> dict[LossCode, str]:
    made = backend(load_pipeline(model))
    made.convert(SigmaCollection.from_dicts([dict(document)]))
    found = (loss for losses in made.losses.values() for each in losses.values() for loss in each)
    return {loss.code: loss.message for loss in found}


def _process(name: str, **fields: Any) -> Event:
    return Event(name, START, {"HostId": "h", **fields}, "process_creation", "windows")


def _connection(name: str, address: str) -> Event:
    return Event(name, START, {"HostId": "h", "DestinationIp": address}, "network_connection", "windows")


def _found(document: Mapping[str, Any], model: str, *events: Event) -> list[set[str]]:
    """What EQL and ES|QL find."""
    return [
        ids_by_eql(eql_engine(events, model), to_eql([document], model)),
        ids_by_esql(esql_engine(events, model), to_esql([document], model, lookback="9999d"), NOW),
    ]


@pytest.mark.parametrize("text", ["", "-"])
def test_what_the_ingest_pipeline_removes_is_found_as_missing_and_said(text: str) -> None:
    events = (_process("text", CommandLine=text), _process("none"), _process("other", CommandLine="x"))
    document = _rule(s={"CommandLine": text})
    assert _found(document, WINLOGBEAT, *events) == [{"text", "none"}] * 2
    assert _found(document, DEFEND, *events) == [{"text"}] * 2
    for backend in (T1020EqlBackend, T1020EsqlBackend):
        losses = _losses(backend, document, WINLOGBEAT)
        assert losses[LossCode.EMPTY] == f"CommandLine: {text!r} also finds events without CommandLine"
        assert LossCode.EMPTY not in _losses(backend, document, DEFEND)


@pytest.mark.parametrize("operator", ["lt", "lte", "eq", "neq"])
def test_a_count_that_would_find_less_for_a_loss_of_its_rule_is_refused(operator: str) -> None:
    rule = {**_rule(s={"CommandLine": ""}), "name": "empty"}
    correlation: dict[str, Any] = {
        "title": "Count",
        "correlation": {
            "type": "event_count",
            "rules": ["empty"],
            "group-by": ["Computer"],
            "timespan": "1h",
            "condition": {operator: 3},
        },
    }
    backend = T1020EsqlBackend(load_pipeline(WINLOGBEAT))
    with pytest.raises(Unsupported, match=f"finds more than it says .*, so a count with {operator} would find less"):
        backend.convert(SigmaCollection.from_dicts([rule, correlation]))


def test_beside_null_nothing_is_lost() -> None:
    for condition in ("s", "o and not s"):
        document = _rule(condition=condition, s={"CommandLine": ["", None]}, o={"HostId|exists": True})
        document["detection"]["o"] = {"ProcessId": 1}
        for backend in (T1020EqlBackend, T1020EsqlBackend):
            assert LossCode.EMPTY not in _losses(backend, document, WINLOGBEAT)


def test_not_of_a_removed_text_excludes_nothing_and_says_so() -> None:
    document = _rule(condition="o and not s", s={"CommandLine": ["", "x"]}, o={"ProcessId": 1})
    events = (_process("none", ProcessId=1), _process("x", ProcessId=1, CommandLine="x"), _process("2", ProcessId=2))
    assert _found(document, WINLOGBEAT, *events) == [{"none"}] * 2
    assert "excludes nothing" in _losses(T1020EsqlBackend, document, WINLOGBEAT)[LossCode.EMPTY]


def test_an_address_and_its_mapped_form_are_one_to_elasticsearch() -> None:
    events = [_connection("mapped", "::ffff:10.0.0.1"), _connection("plain", "10.0.0.1"), _connection("six", "fe80::1")]
    mapped = _rule("network_connection", s={"DestinationIp|cidr": "::ffff:10.0.0.0/104"})
    assert _found(mapped, DEFEND, *events) == [{"mapped", "plain"}] * 2
    for backend in (T1020EqlBackend, T1020EsqlBackend):
        assert "also finds IPv4 addresses" in _losses(backend, mapped, DEFEND)[LossCode.ADDRESS]
    both = _rule("network_connection", s={"DestinationIp|cidr": ["::ffff:10.0.0.0/104", "10.0.0.0/8"]})
    assert LossCode.ADDRESS not in _losses(T1020EsqlBackend, both, DEFEND)
    excluded = _rule(
        "network_connection",
        condition="o and not s",
        s={"DestinationIp|cidr": "::ffff:10.0.0.0/104"},
        o={"DestinationIp|exists": True},
    )
    with pytest.raises(Unsupported, match="exclude the IPv4 network as well"):
        to_esql([excluded])


def test_all_of_ipv6_is_nothing_of_ipv4() -> None:
    events = [_connection("plain", "10.0.0.1"), _connection("six", "fe80::1")]
    for network in ("::/0", "::/64"):
        document = _rule("network_connection", s={"DestinationIp|cidr": network})
        expected = {"six"} if network == "::/0" else set()
        assert _found_wide(document, events) == expected


def _found_wide(document: Mapping[str, Any], events: list[Event]) -> set[str]:
    """By ES|QL: the oracle of EQL takes no network of IPv6 that holds the IPv4 ones."""
    return ids_by_esql(esql_engine(events), to_esql([document], lookback="9999d"), NOW)


def test_eql_says_that_its_text_has_no_time() -> None:
    document = _rule(s={"CommandLine": "x"})
    losses = _losses(T1020EqlBackend, document, DEFEND)
    assert losses == {
        LossCode.TIME: "EQL has no time range in its text; give the search or the rule a range of 24h",
    }


def _shipped() -> list[Mapping[str, Any]]:
    loaded = load_pack()
    (item,) = (item for item in loaded.rules if item.path.endswith("then_public_connection.yml"))
    return [*(rule.data for rule in loaded.rules if rule.rule.name in item.references), item.data]


def test_events_beyond_what_a_bucket_holds_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _process(
        "archive", Image="C:\\7z.exe", CommandLine="7z a C:\\Users\\a.7z C:\\Users\\anna\\Documents\\", Computer="pc"
    )
    connections = [
        Event(
            f"c{number}",
            START + 1 + number,
            {"Computer": "pc", "Image": "C:\\curl.exe", "Initiated": True, "DestinationIp": "8.8.8.8"},
            "network_connection",
            "windows",
        )
        for number in range(FEW + 5)
    ]
    backend = T1020EsqlBackend(load_pipeline(DEFEND))
    backend.convert(SigmaCollection.from_dicts([dict(document) for document in _shipped()]))
    losses = {loss for found in backend.losses.values() for each in found.values() for loss in each}
    assert {loss.code for loss in losses} == {LossCode.BOUND}
    assert any(f"the first {esql_legs.MAX_EVENTS:,} events in twice" in loss.message for loss in losses)
    monkeypatch.setattr(esql_legs, "MAX_EVENTS", FEW)
    esql = to_esql(_shipped(), lookback="9999d")[-1]
    (row,) = esql_engine([archive, *connections]).query(esql, NOW)
    assert row["Step2Count"] == FEW


def test_a_sequence_keeps_one_pending_match_of_a_key() -> None:
    """What its loss says: of three archives and one connection there is one alert."""
    archives = [
        Event(
            f"a{number}",
            START + number,
            {"Computer": "pc", "Image": "C:\\7z.exe", "CommandLine": "7z a C:\\Users\\anna\\Documents\\"},
            "process_creation",
            "windows",
        )
        for number in range(3)
    ]
    connection = Event(
        "c",
        START + 10,
        {"Computer": "pc", "Image": "C:\\curl.exe", "Initiated": True, "DestinationIp": "8.8.8.8"},
        "network_connection",
        "windows",
    )
    eql = to_eql(_shipped())[-1]
    (alert,) = eql_engine([*archives, connection]).query(eql)
    assert [str(event["_id"]) for event in alert] == ["a2", "c"]
    backend = T1020EqlBackend(load_pipeline(DEFEND))
    backend.convert(SigmaCollection.from_dicts([dict(document) for document in _shipped()]))
    messages = {loss.message for found in backend.losses.values() for each in found.values() for loss in each}
    assert any("one pending match for each key" in message for message in messages)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"type": "temporal"}, "EQL does not support the correlation type temporal"),
        ({"type": "event_count", "condition": {"lt": 3}}, "EQL cannot count with lt, only with gt and gte"),
        ({"type": "event_count", "condition": {"gte": 101}}, "EQL cannot count to 101, only to 100"),
        (
            {"type": "value_count", "condition": {"gte": 3, "field": "Image"}},
            "EQL does not support the correlation type value_count",
        ),
        (
            {"type": "temporal_ordered", "group-by": ["User"]},
            "User is stored in two fields of Elastic Defend process events",
        ),
    ],
)
def test_what_eql_cannot_correlate_is_refused_and_points_to_esql(section: dict[str, Any], words: str) -> None:
    documents = [{**_rule(s={"Image": name}), "name": name} for name in ("one", "two")]
    correlation: dict[str, Any] = {
        "title": "C",
        "correlation": {"rules": ["one", "two"], "group-by": ["HostId"], "timespan": "5m", **section},
    }
    with pytest.raises(Unsupported, match=r"; use --dialect esql$") as caught:
        to_eql([*documents, correlation])
    assert words in str(caught.value)
    to_esql([*documents, correlation])


# --- Refused, so that nothing is weaker in silence ----------------------------------------------------


def _counting(kind: str, **section: Any) -> list[dict[str, Any]]:
    rule = {
        "title": "Rule",
        "name": "set",
        "logsource": {"category": "registry_set", "product": "windows"},
        "detection": {"s": {"Image": "a"}, "condition": "s"},
    }
    correlation = {"type": kind, "rules": ["set"], "timespan": "5m", "condition": {"gte": 3}, **section}
    return [rule, {"title": "C", "correlation": correlation}]


@pytest.mark.parametrize("convert", [to_eql, to_esql])
def test_an_array_is_no_key_and_nothing_to_count(convert: Any) -> None:
    documents = _counting("event_count", **{"group-by": ["Details"]})
    with pytest.raises(Unsupported, match="Details may hold several values in Elastic Defend registry events"):
        convert(documents)
    if convert is to_esql:
        counted = {"group-by": ["Computer"], "condition": {"gte": 3, "field": "Details"}}
        with pytest.raises(Unsupported, match="may hold several values"):
            convert(_counting("value_count", **counted))


@pytest.mark.parametrize("convert", [to_eql, to_esql])
def test_a_time_span_beyond_the_look_back_is_refused(convert: Any) -> None:
    documents = _counting("event_count", **{"group-by": ["Computer"], "timespan": "30d"})
    with pytest.raises(Unsupported, match="the time span of 30d is longer than the look-back of 24h"):
        convert(documents)
    assert convert(documents, lookback="30d")
    assert convert(documents, schedule="1h")


@pytest.mark.parametrize("model", [DEFEND, WINLOGBEAT])
def test_a_keyword_is_looked_for_in_what_happened_alone(model: str) -> None:
    """Not in what chooses the log source, nor in what tells how an event was collected: the shipped columns."""
    event = _process("e", Image="C:\\x.exe", CommandLine="curl -T a", ProcessId=4412)
    found: dict[str, list[set[str]]] = {}
    for keyword in ("windows", "start", "endpoint", "process", "sysmon", "CURL", "x.exe"):
        document = _rule(condition="k", k=[keyword])
        queries = []
        for backend in (T1020EqlBackend, T1020EsqlBackend):
            queries.append(
                backend(load_pipeline(model), lookback="9999d").convert(SigmaCollection.from_dicts([document]))
            )
        found[keyword] = [
            ids_by_eql(eql_engine([event], model), queries[0]),
            ids_by_esql(esql_engine([event], model), queries[1], NOW),
        ]
    hits = {name for name, sets in found.items() if sets == [{"e"}, {"e"}]}
    assert hits == {"CURL", "x.exe"}
    assert all(not any(sets) for name, sets in found.items() if name not in hits)


def test_a_long_expression_without_regard_to_case_is_short_enough_in_eql() -> None:
    document = _rule(s={"CommandLine|re|i": "foo" * 200})
    (eql,) = to_eql([document])
    assert "regex~" in eql
    with pytest.raises(Unsupported, match="is longer than 1,000 characters"):
        to_esql([document])
