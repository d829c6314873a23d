"""Rules as searches of data models by tstats: what they group by, what they refuse, and what they find."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import volumes
from events.data_models_in_splunk import data_models
from oracles.spl_engine import SplEngine
from oracles.spl_grammar import commands
from oracles.spl_values import ALL_READINGS
from reference.events import Event
from reference.generators import ALL, Pair, pairs, read_by_pysigma, sample
from sigma.backends.t1020 import T1020SplunkBackend
from sigma.backends.t1020.common.losses import Unsupported
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline
from sigma_t1020.pack import load_pack
from sigma_t1020.resources import load_pipeline

from conformance.placeholders import placeholders

NOW = datetime(2032, 1, 1)


def _engine(events: Mapping[str, Event], readings: int = 0) -> SplEngine:
    return SplEngine(datamodels=data_models(events), readings=ALL_READINGS[readings % len(ALL_READINGS)])


def _spl(document: Mapping[str, Any], more: ProcessingPipeline | None = None) -> list[str]:
    pipeline = (more or ProcessingPipeline()) + load_pipeline("t1020_splunk_cim")
    backend = T1020SplunkBackend(pipeline, lookback="36500d")
    converted: list[str] = backend.convert(SigmaCollection.from_dicts([dict(document)]))
    return converted


def _fits(one: Pair) -> bool:
    """Rules that the data models can say: of the others the tests of refusals tell. An empty text is no value there."""
    named = str(one.rule["detection"])
    lacking = ("SourceHostname", "DestinationHostname", "UtcTime")
    events = (one.event, one.match)
    empty = any(value == "" for event in events for value in event.fields.values())
    return (
        read_by_pysigma(one)
        and not empty
        and not any(name in named for name in lacking)
        and not one.features & {"keyword", "empty"}
    )


def test_generated_rules_find_their_events_and_no_near_miss() -> None:
    wrong = []
    outcome: Counter[str] = Counter()
    for number, one in enumerate(one for one in sample(pairs(ALL), volumes.of(4000), 3) if _fits(one)):
        # A path tells the platform; the generated ones tell none.
        rule = {**one.rule, "logsource": {"category": one.rule["logsource"]["category"]}}
        try:
            searches = _spl(rule, placeholders(one))
        except Unsupported as error:
            outcome["refused" if "'unknown'" in str(error) else f"refused: {error}"] += 1
            continue
        events = {"match": one.match, "event": replace(one.event, id="e")}
        engine = _engine(events, number)
        found = {str(row["vendor_product"]) for spl in searches for row in engine.query(spl, NOW)}
        assert all(set(commands(spl)) <= {"tstats", "rename", "where", "table"} for spl in searches)
        for name, label in (("match", True), ("event", one.matches)):
            outcome[f"{label}"] += 1
            if (name in found) is not label:
                wrong.append(f"{'missed' if label else 'found'} {dict(events[name].fields)} by {searches}")
        if outcome["True"] + outcome["False"] >= volumes.of(2000):
            break
    assert not [what for what in outcome if what.startswith("refused: ")]
    assert not wrong, f"{len(wrong)}\n" + "\n\n".join(wrong[:3])
    assert outcome["True"] + outcome["False"] >= volumes.of(2000)
    assert outcome["False"] > volumes.of(400)


def test_each_search_groups_by_all_that_it_shows_and_tests() -> None:
    for item in load_pack().rules:
        if item.is_correlation:
            continue
        (spl,) = _spl(item.data)
        grouped = spl.partition("\n    BY ")[2].partition(" span=1s")[0].replace(",", " ").split()
        shown = spl.rpartition("| table ")[2].replace(",", " ").split()
        assert [field.rpartition(".")[2] for field in grouped] == shown[:-1]
        assert {"dest", "user", "process", "parent_process"} <= set(shown) or {"dvc", "app", "dest_ip"} <= set(shown)
        assert "fillnull_value=unknown" in spl


def _rule(category: str, **detection: Any) -> dict[str, Any]:
    source = {"category": category, "product": "windows"}
    return {"title": "Rule", "logsource": source, "detection": {"s": detection, "condition": "s"}}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            _rule("process_creation", Description="7z"),
            "Description is not a field of the data model Endpoint.Processes; use --dialect spl",
        ),
        (
            _rule("network_connection", **{"DestinationHostname|endswith": ".onion"}),
            "DestinationHostname is not a field of the data model Network_Traffic.All_Traffic; use --dialect spl",
        ),
        (
            _rule("process_creation", Imag="x"),
            "Imag is not a field of the data model Endpoint.Processes; did you mean ",
        ),
        (_rule("process_creation", **{"CommandLine|contains": "know"}), "writes 'unknown' for a missing value"),
        (_rule("process_creation", CommandLine=""), "'' cannot be distinguished from a missing value"),
        (_rule("network_connection", Initiated="maybe"), "Initiated is 'maybe', which these tables do not record"),
        (_rule("file_event", TargetFilename="x"), "has no table in the pipeline; use one of the categories"),
    ],
)
def test_what_a_data_model_lacks_is_refused_by_name(rule: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsupported) as caught:
        _spl(rule)
    assert words in str(caught.value)


def test_a_platform_is_told_by_path_and_system() -> None:
    paths = {"windows": "C:\\Windows\\curl.exe", "linux": "/usr/bin/curl", "macos": "/usr/bin/curl"}
    rows = [
        {"_time": 1, "Processes.process_path": path, "Processes.os": product, "Processes.dest": product}
        for product, path in paths.items()
    ]
    rows.append({"_time": 1, "Processes.process_path": "/usr/bin/curl", "Processes.dest": "nobody knows"})
    found = {}
    for product in paths:
        document = _rule("process_creation", **{"Image|contains": "curl"})
        document["logsource"]["product"] = product
        (spl,) = _spl(document)
        engine = SplEngine(datamodels={"Endpoint.Processes": rows})
        found[product] = {str(row["dest"]) for row in engine.query(spl, datetime(1970, 1, 2))}
    assert found == {
        "windows": {"windows"},
        "linux": {"linux", "nobody knows"},
        "macos": {"macos", "nobody knows"},
    }


def test_the_default_pipeline_has_macos_as_the_data_models_have_it() -> None:
    """Sysmon has no log of macOS. The two pipelines say the same of it, each in its own file."""
    details: list[tuple[str, dict[str, Any]]] = [
        ("process_creation", {"CommandLine|contains": "x", "Image|endswith": "/curl", "ProcessId": 3, "User": None}),
        ("network_connection", {"DestinationIp|cidr": "8.0.0.0/8", "DestinationPort": 443, "Initiated": "true"}),
    ]
    for category, detection in details:
        document = _rule(category, **detection)
        document["logsource"]["product"] = "macos"
        backend = T1020SplunkBackend(load_pipeline("t1020_splunk_sysmon"), lookback="36500d")
        assert backend.convert(SigmaCollection.from_dicts([document])) == _spl(document)


def test_rules_combined_are_one_search_of_each_data_model() -> None:
    rules = [
        _rule("process_creation", **{"CommandLine|contains": "curl"}),
        _rule("process_creation", **{"CommandLine|re": "c.rl"}),
        _rule("network_connection", DestinationPort=443),
    ]
    documents = [{**rule, "title": f"Rule {number}"} for number, rule in enumerate(rules)]
    backend = T1020SplunkBackend(load_pipeline("t1020_splunk_cim"), lookback="36500d")
    searches = backend.convert(SigmaCollection.from_dicts(documents), "combined")
    assert len(searches) == 2
    started = {"CommandLine": "CURL x", "Image": "C:\\a.exe"}
    events = {
        "both": Event("1", 0, {**started, "CommandLine": "curl x"}, "process_creation"),
        "first": Event("2", 0, started, "process_creation"),
        "none": Event("3", 0, {**started, "CommandLine": "wget"}, "process_creation"),
        "connection": Event("4", 0, {"DestinationPort": 443, "Image": "C:\\a.exe"}, "network_connection"),
    }
    found = {
        (row["vendor_product"], str(row["RuleIds"]), row["RuleTitle"])
        for spl in searches
        for row in _engine(events).query(spl, NOW)
    }
    assert found == {
        ("both", "['Rule 0', 'Rule 1']", "Rule 0"),
        ("first", "Rule 0", "Rule 0"),
        ("connection", "Rule 2", "Rule 2"),
    }


def test_correlations_are_refused_and_point_to_the_other_dialect() -> None:
    loaded = load_pack()
    (item,) = (item for item in loaded.rules if item.path.endswith("then_public_connection.yml"))
    rules = [rule.data for rule in loaded.rules if rule.rule.name in item.references]
    backend = T1020SplunkBackend(load_pipeline("t1020_splunk_cim"))
    with pytest.raises(Unsupported, match=r"data models do not share a stable identity of a host.*--dialect spl"):
        backend.convert(SigmaCollection.from_dicts([*rules, item.data]))
