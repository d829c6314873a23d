"""Defects of pySigma-backend-elasticsearch 2.1.1 with its pipeline for Windows, one test each, and how ours does.

As in test_upstream_defects.py: where an upgrade has mended one, the test fails and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from oracles import eql_grammar, esql_grammar
from oracles.eql_tokens import EqlError
from oracles.esql_grammar import EsqlError
from reference.events import Event
from sigma.backends.elasticsearch.elasticsearch_eql import EqlBackend
from sigma.backends.elasticsearch.elasticsearch_esql import ESQLBackend
from sigma.backends.t1020.common.losses import Unsupported
from sigma.collection import SigmaCollection
from sigma.pipelines.elasticsearch.windows import ecs_windows

from conformance.elastic import (
    WINLOGBEAT,
    eql_engine,
    esql_engine,
    ids_by_eql,
    ids_by_esql,
    to_eql,
    to_esql,
)
from conformance.test_upstream_defects import CONNECTION, GONE, PROCESS, event, rule

NOW = datetime(2026, 1, 1)


def upstream(backend: type[Any], *documents: Mapping[str, Any]) -> list[str]:
    """The queries that upstream makes of rules."""
    collection = SigmaCollection.from_dicts([dict(document) for document in documents])
    converted: list[str] = backend(ecs_windows()).convert(collection)
    return converted


def by_esql(queries: Sequence[str], events: Sequence[Event]) -> set[str]:
    """The names of the events that ES|QL finds in Winlogbeat's documents."""
    return ids_by_esql(esql_engine(events, WINLOGBEAT), queries, NOW)


def by_eql(queries: Sequence[str], events: Sequence[Event]) -> set[str]:
    """The same in EQL."""
    return ids_by_eql(eql_engine(events, WINLOGBEAT), queries)


def ours(document: Mapping[str, Any], *events: Event) -> list[set[str]]:
    """What the queries of ours find, in EQL and in ES|QL."""
    return [
        by_eql(to_eql([document], WINLOGBEAT), events),
        by_esql(to_esql([document], WINLOGBEAT, lookback="9999d"), events),
    ]


# --- EQL ----------------------------------------------------------------------------------------------


def test_a_rule_of_processes_is_a_query_of_any_event() -> None:
    document = rule(PROCESS, {"CommandLine": "x"})
    (wrong,) = upstream(EqlBackend, document)
    # None is any.
    assert eql_grammar.steps(wrong)[0].category is None, GONE
    (right,) = to_eql([document], WINLOGBEAT)
    assert eql_grammar.steps(right)[0].category == "process"


@pytest.mark.parametrize("value", ["a\\*b", "a\\?b"])
def test_a_literal_asterisk_or_question_mark_is_an_invalid_escape(value: str) -> None:
    document = rule(PROCESS, {"CommandLine|contains": value})
    (wrong,) = upstream(EqlBackend, document)
    with pytest.raises(EqlError):
        eql_grammar.parse(wrong)
    plain = value.replace("\\", "")
    hit, miss = event(PROCESS, "hit", CommandLine=f"x{plain}x"), event(PROCESS, "miss", CommandLine="axb aXXb")
    assert ours(document, hit, miss) == [{"hit"}, {"hit"}]


def test_a_cased_substring_is_compared_with_asterisks() -> None:
    document = rule(PROCESS, {"CommandLine|contains|cased": "Foo"})
    (wrong,) = upstream(EqlBackend, document)
    hit, miss = event(PROCESS, "hit", CommandLine="a Foo b"), event(PROCESS, "miss", CommandLine="a foo b")
    assert by_eql([wrong], [hit, miss]) == set(), GONE
    assert ours(document, hit, miss) == [{"hit"}, {"hit"}]


def test_a_look_ahead_is_passed_through() -> None:
    document = rule(PROCESS, {"CommandLine|re": "a(?=b)"})
    for backend in (EqlBackend, ESQLBackend):
        assert "(?=" in upstream(backend, document)[0], GONE
    for convert in (to_eql, to_esql):
        with pytest.raises(Unsupported, match="uses a look-ahead"):
            convert([document])


def test_a_flag_is_passed_into_lucenes_expression_and_anchors_it() -> None:
    document = rule(PROCESS, {"CommandLine|re|i": "ab+c"})
    for backend in (EqlBackend, ESQLBackend):
        assert '"(?i)ab+c"' in upstream(backend, document)[0], GONE
    hit, miss = event(PROCESS, "hit", CommandLine="x aBBc"), event(PROCESS, "miss", CommandLine="ac")
    assert ours(document, hit, miss) == [{"hit"}, {"hit"}]


def test_a_direction_is_compared_with_a_truth_value() -> None:
    document = rule(CONNECTION, {"Initiated": "true"})
    assert 'network.direction:"true"' in upstream(EqlBackend, document)[0], GONE
    assert 'network.direction=="true"' in upstream(ESQLBackend, document)[0], GONE
    out, back = event(CONNECTION, "out", Initiated="true"), event(CONNECTION, "back", Initiated="false")
    assert ours(document, out, back) == [{"out"}, {"out"}]


def test_an_ordered_correlation_is_no_query_at_all() -> None:
    documents = [
        {**rule(PROCESS, {"Image": "a"}), "name": "one"},
        {**rule(PROCESS, {"Image": "b"}), "name": "two"},
        {
            "title": "Ordered",
            "correlation": {
                "type": "temporal_ordered",
                "rules": ["one", "two"],
                "group-by": ["Computer"],
                "timespan": "5m",
            },
        },
    ]
    with pytest.raises(EqlError):
        eql_grammar.parse(upstream(EqlBackend, *documents)[-1])
    with pytest.raises(NotImplementedError):
        upstream(ESQLBackend, *documents)
    first, second = (
        event(PROCESS, name, Computer="pc", HostId="pc", Image=image) for name, image in (("1", "a"), ("2", "b"))
    )
    later = Event("2", second.time + 1000, second.fields, second.category, second.product)
    assert by_eql([to_eql(documents, WINLOGBEAT)[-1]], [first, later]) == {"1", "2"}
    (row,) = esql_engine([first, later], WINLOGBEAT).query(to_esql(documents, WINLOGBEAT, lookback="9999d")[-1], NOW)
    assert row["Step2Count"] == 1


# --- ES|QL --------------------------------------------------------------------------------------------


def test_values_heed_case() -> None:
    for detection in ({"CommandLine": "Foo"}, {"CommandLine|contains": "Foo"}, {"CommandLine": ["Foo", "bar"]}):
        document = rule(PROCESS, detection)
        (wrong,) = upstream(ESQLBackend, document)
        events = [event(PROCESS, "same", CommandLine="Foo"), event(PROCESS, "other", CommandLine="fOO")]
        assert by_esql([wrong.replace("from *", "FROM winlogbeat-*", 1)], events) == {"same"}, GONE
        assert ours(document, *events) == [{"same", "other"}] * 2


def test_a_backslash_is_escaped_once_where_like_reads_it_twice() -> None:
    document = rule(PROCESS, {"CommandLine|contains": "\\a.exe"})
    (wrong,) = upstream(ESQLBackend, document)
    hit = event(PROCESS, "hit", CommandLine="C:\\a.exe")
    with pytest.raises(EsqlError):
        by_esql([wrong.replace("from *", "FROM winlogbeat-*", 1)], [hit])
    assert ours(document, hit, event(PROCESS, "miss", CommandLine="C:/a.exe")) == [{"hit"}, {"hit"}]


def test_all_indices_are_searched() -> None:
    (wrong,) = upstream(ESQLBackend, rule(PROCESS, {"CommandLine": "x"}))
    assert list(esql_grammar.source(wrong).patterns) == ["*"], GONE
    (right,) = to_esql([rule(PROCESS, {"CommandLine": "x"})], WINLOGBEAT)
    assert "*" not in esql_grammar.source(right).patterns


# --- Both ---------------------------------------------------------------------------------------------


def test_a_mapped_network_is_one_that_elasticsearch_refuses() -> None:
    """Its class InetAddresses takes no CIDR notation of an IPv4-mapped address."""
    document = rule(CONNECTION, {"DestinationIp|cidr": ["::ffff:10.0.0.0/104", "10.0.0.0/8"]})
    for backend in (EqlBackend, ESQLBackend):
        # From Python 3.13 on, mapped addresses are written with an IPv4 tail.
        spellings = ("::ffff:a00:0/104", "::ffff:10.0.0.0/104")
        assert any(text in upstream(backend, document)[0] for text in spellings), GONE
    for convert in (to_eql, to_esql):
        (right,) = convert([document], WINLOGBEAT)
        assert "ffff" not in right
        assert '"10.0.0.0/8"' in right
