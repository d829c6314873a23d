"""Defects of pySigma-backend-kusto 1.0.1 with its pipeline for Defender XDR, one test each, and how ours does without.

Both convert the same rule, and the same engine or Microsoft's own parser judges both. Each test first shows that the
defect is still there: where an upgrade has mended it, the test fails and says so (`GONE`), and is to be taken out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from duckdb_kql import KqlError
from oracles.kusto_engine import KustoEngine
from reference.events import Event
from sigma.backends.kusto.kusto import KustoBackend
from sigma.backends.t1020 import T1020KustoBackend
from sigma.backends.t1020.common.losses import Unsupported
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.pipelines.kusto_common.errors import InvalidHashAlgorithmError
from sigma.pipelines.microsoftxdr.microsoftxdr import microsoft_xdr_pipeline
from sigma.processing.pipeline import ProcessingPipeline
from sigma_t1020.convert import Options, convert
from sigma_t1020.kusto_language.language import kusto_language
from sigma_t1020.resources import load_pipeline
from sigma_t1020.rules.loading import load as load_rules
from sigma_t1020.targets import TARGETS

from conformance.kusto import load, milliseconds, to_kql

GONE = "upstream does not show this defect any more: take the test out, and what is said of it"
PROCESS, CONNECTION = "process_creation", "network_connection"
NOW = datetime(2025, 6, 15, 12)
#: Of hash values, which no query looks into.
DIGITS = "0123456789ABCDEF" * 4


def rule(category: str, items: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of one selection."""
    return {
        "title": "Defect",
        "logsource": {"category": category, "product": "windows"},
        "detection": {"selection": dict(items), "condition": "selection"},
    }


def event(category: str, name: str, **fields: Any) -> Event:
    """An event of the last hour, on a host of its own name."""
    return Event(name, milliseconds(NOW) - 60_000, {"HostId": name, **fields}, category, "windows")


def upstream_of_all(
    documents: Sequence[Mapping[str, Any]], pipeline: ProcessingPipeline | None = None
) -> list[str] | Exception:
    """The queries that upstream makes of rules, or why it makes none. Its own pipeline is that for Defender XDR."""
    collection = SigmaCollection.from_dicts([dict(document) for document in documents])
    try:
        converted: list[str] = KustoBackend(pipeline or microsoft_xdr_pipeline()).convert(collection)
    except (SigmaError, InvalidHashAlgorithmError) as error:
        return error
    return converted


def upstream(document: Mapping[str, Any], pipeline: ProcessingPipeline | None = None) -> list[str]:
    """The queries of one rule, which upstream converts, though some it should refuse."""
    made = upstream_of_all([document], pipeline)
    assert not isinstance(made, Exception), f"{GONE}; it refuses the rule: {made}"
    return made


def found(queries: Sequence[str], events: Sequence[Event]) -> set[str]:
    """The names of the events that queries find."""
    assert queries
    with KustoEngine("sentinel") as engine:
        load(engine, events)
        return {str(row["DeviceId"]) for query in queries for row in engine.query(query, NOW)}


def errors(queries: Sequence[str]) -> set[str]:
    """What Microsoft's parser refuses in queries, by its codes."""
    assert queries
    complaints = (each for query in queries for each in kusto_language().diagnostics(query, "sentinel"))
    return {each.code for each in complaints if each.severity == "Error"}


def test_initiated_is_dropped_so_that_incoming_connections_are_found_as_outgoing() -> None:
    document = rule(CONNECTION, {"Initiated": "true", "DestinationPort": 443})
    events = [
        event(CONNECTION, "outgoing", Initiated="true", DestinationPort=443),
        event(CONNECTION, "incoming", Initiated="false", SourcePort=443, DestinationPort=443),
    ]
    assert found(upstream(document), events) == {"outgoing", "incoming"}, GONE
    assert found(to_kql([document]), events) == {"outgoing"}


def test_a_rule_of_only_initiated_becomes_no_query_at_all() -> None:
    document = rule(CONNECTION, {"Initiated": "false"})
    events = [event(CONNECTION, direction, Initiated=direction) for direction in ("true", "false")]
    assert not any(upstream(document)), GONE
    assert found(to_kql([document]), events) == {"false"}


def test_a_list_of_numbers_becomes_a_list_of_texts_that_microsofts_parser_refuses() -> None:
    document = rule(CONNECTION, {"DestinationPort": [80, 443]})
    events = [event(CONNECTION, str(port), DestinationPort=port) for port in (79, 80, 443, 444)]
    assert errors(upstream(document)) == {"KS107"}, GONE
    assert not errors(to_kql([document]))
    assert found(to_kql([document]), events) == {"80", "443"}


@pytest.mark.parametrize(
    ("loses", "value", "hits", "misses", "wrongly"),
    [
        ("case", "curl*upload", ["curl upload", "CURL x UPLOAD"], ["upload curl"], {"curl upload"}),
        ("anchors", "curl*upload", ["curl upload"], ["my curl uploads"], {"curl upload", "my curl uploads"}),
        ("order", ["curl*upload", "x"], ["curl upload"], ["upload curl"], {"curl upload", "upload curl"}),
        ("anchors", ["curl*upload", "x"], ["curl upload"], ["my curl uploads"], {"curl upload", "my curl uploads"}),
    ],
    ids=["case", "anchors", "order in a list", "anchors in a list"],
)
def test_a_wildcard_within_a_value_loses_case_insensitivity_anchors_or_order(
    loses: str, value: Any, hits: Sequence[str], misses: Sequence[str], wrongly: set[str]
) -> None:
    document = rule(PROCESS, {"CommandLine": value})
    events = [event(PROCESS, text, CommandLine=text) for text in (*hits, *misses)]
    assert found(upstream(document), events) == wrongly != set(hits), f"{loses}: {GONE}"
    assert found(to_kql([document]), events) == set(hits)


def test_null_of_a_text_becomes_isnull_which_holds_for_no_text() -> None:
    """Microsoft's page 'Null values': a string cannot be null."""
    document = rule(PROCESS, {"CommandLine": None})
    events = [event(PROCESS, "without"), event(PROCESS, "with", CommandLine="x")]
    assert found(upstream(document), events) == set(), GONE
    assert found(to_kql([document]), events) == {"without"}


def test_an_ipv6_network_is_asked_of_a_function_for_ipv4_which_never_holds() -> None:
    """Microsoft's page 'ipv4_is_in_range()': null where an argument is no IPv4 address."""
    document = rule(CONNECTION, {"DestinationIp|cidr": "2001:db8::/32"})
    events = [event(CONNECTION, address, DestinationIp=address) for address in ("2001:db8::1", "2001:db9::1")]
    assert found(upstream(document), events) == set(), GONE
    assert found(to_kql([document]), events) == {"2001:db8::1"}


def test_a_look_ahead_is_passed_on_to_an_engine_that_cannot_run_it() -> None:
    document = rule(PROCESS, {"CommandLine|re": "curl(?! --help)"})
    events = [event(PROCESS, "upload", CommandLine="curl -T a")]
    queries = upstream(document)
    assert "(?!" in queries[0], GONE
    assert not errors(queries), "Microsoft's parser does not look into regular expressions"
    with pytest.raises(KqlError, match="lookaround"):
        found(queries, events)
    with pytest.raises(Unsupported, match=r"^CommandLine: .*look-ahead"):
        to_kql([document])


def to_own_table(column: str) -> ProcessingPipeline:
    """Our pipeline, with a table of the user's own that has the command line in a column of that name."""
    state = {
        "query_table": "Own_CL",
        "columns": {"datetime": ["TimeGenerated"], "string": ["DeviceId", column]},
        "base_names": {},
        "source_filters": [],
        "event_id": ["DeviceId"],
        "projection": ["TimeGenerated", "DeviceId", column],
    }
    transformations: list[dict[str, Any]] = [{"type": "set_state", "key": key, "val": state[key]} for key in state]
    transformations.append({"type": "field_name_mapping", "mapping": {"ProcessCommandLine": column}})
    own = {"name": "own table", "priority": 30, "transformations": transformations}
    return load_pipeline("t1020_sentinel") + ProcessingPipeline.from_dict(own)


@pytest.mark.parametrize("column", ["Command Line", "command-line", "process.command_line"])
def test_a_column_of_an_odd_name_becomes_a_text_literal_that_is_compared_with_the_value(column: str) -> None:
    document = rule(PROCESS, {"CommandLine|contains": "upload"})
    theirs = ProcessingPipeline.from_dict(
        {
            "name": "own table",
            "transformations": [{"type": "field_name_mapping", "mapping": {"CommandLine": column}}],
            "postprocessing": [{"type": "embed", "prefix": "Own_CL | where "}],
        }
    )
    (wrong,) = upstream(document, theirs)
    (right,) = T1020KustoBackend(to_own_table(column)).convert(SigmaCollection.from_dicts([document]))
    schema = {"Own_CL": {"TimeGenerated": "datetime", "DeviceId": "string", column: "string"}}
    with KustoEngine(schema) as engine:
        engine.load("Own_CL", [{"TimeGenerated": milliseconds(NOW) - 1, "DeviceId": "host", column: "an upload"}])
        assert engine.query(wrong, NOW) == [], GONE
        assert [row["DeviceId"] for row in engine.query(right, NOW)] == ["host"]


def test_an_imphash_ends_the_conversion_of_all_rules_or_is_dropped_without_a_word(tmp_path: Path) -> None:
    """The tables have no IMPHASH, so ours cannot find one either: it says so of that rule, and converts the others."""
    alone = rule(PROCESS, {"Hashes|contains": f"IMPHASH={DIGITS[:32]}"})
    beside = rule(PROCESS, {"Hashes|contains": [f"IMPHASH={DIGITS[:32]}", f"SHA256={DIGITS}"]})
    healthy = rule(PROCESS, {"CommandLine|contains": "upload"})
    assert isinstance(upstream_of_all([alone, healthy]), InvalidHashAlgorithmError), GONE
    assert DIGITS in upstream(beside)[0]
    assert f'"{DIGITS[:32]}"' not in upstream(beside)[0], GONE
    for number, document in enumerate([alone, beside, healthy]):
        (tmp_path / f"{number}.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    done = convert(load_rules([tmp_path]), None, TARGETS["sentinel"], Options())
    assert ['contains "upload"' in query.text for query in done.queries] == [True]
    assert ["no IMPHASH" in problem.message and "Hashes" in problem.message for problem in done.problems] == [True] * 2
    assert all(problem.hint for problem in done.problems)
