"""Defects of pySigma-backend-splunk 2.1.0 with its pipeline for Windows, one test each, and how ours does without.

As in test_upstream_defects.py: where an upgrade has mended one, the test fails and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from events.sysmon_in_splunk import splunk_event
from oracles.spl_engine import SplEngine
from reference.events import Event
from sigma.backends.splunk.splunk import SplunkBackend
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.pipelines.splunk.splunk import splunk_windows_pipeline
from sigma.processing.pipeline import ProcessingPipeline

from conformance.splunk import to_spl
from conformance.test_upstream_defects import GONE, PROCESS, event, rule

NOW = datetime(2025, 6, 15, 12)


def upstream(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """The searches that upstream makes of rules."""
    collection = SigmaCollection.from_dicts([dict(document) for document in documents])
    pipeline: ProcessingPipeline = splunk_windows_pipeline()  # type: ignore[no-untyped-call]
    converted: list[str] = SplunkBackend(pipeline).convert(collection)
    return converted


def found(spl: str, events: Sequence[Event]) -> set[str]:
    """The names of the events that a search finds."""
    rows = spl.rpartition("\n| table ")[0] or spl
    return {str(row["_cd"]) for row in SplEngine(map(splunk_event, events)).query(rows, NOW)}


def test_a_question_mark_becomes_an_asterisk() -> None:
    document = rule(PROCESS, {"Image": "a?c"})
    events = [event(PROCESS, name, Image=name) for name in ("abc", "abbc", "ac")]
    (wrong,) = upstream([document])
    assert found(wrong, events) == {"abc", "abbc", "ac"}, GONE
    (right,) = to_spl([document])
    assert found(right, events) == {"abc"}


def test_a_rule_of_a_category_names_no_source_and_no_event_code() -> None:
    document = rule(PROCESS, {"Image|endswith": "\\curl.exe"})
    (wrong,) = upstream([document])
    assert "source" not in wrong, GONE
    assert "EventCode" not in wrong, GONE
    (right,) = to_spl([document])
    assert "source IN (" in right
    assert "EventCode=1" in right


def test_expressions_joined_by_or_begin_with_rex_and_search_nothing() -> None:
    document = {
        **rule(PROCESS, {}),
        "detection": {"a": {"Image|re": "x"}, "b": {"CommandLine|re": "y"}, "condition": "a or b"},
    }
    (wrong,) = upstream([document])
    assert wrong.strip().startswith("| rex"), GONE
    (right,) = to_spl([document])
    assert found(right, [event(PROCESS, name, Image=name) for name in ("x", "y")]) == {"x"}


def _correlation(kind: str, **more: Any) -> list[dict[str, Any]]:
    rules = [{**rule(PROCESS, {"Image": name}), "name": name} for name in ("a", "b")]
    section = {"type": kind, "rules": ["a", "b"], "group-by": ["Computer"], "timespan": "5m", **more}
    return [*rules, {"title": "Both", "correlation": section}]


def test_rules_in_order_are_refused() -> None:
    with pytest.raises((SigmaError, NotImplementedError)):
        upstream(_correlation("temporal_ordered"))
    assert "streamstats" in to_spl(_correlation("temporal_ordered"))[-1]


def test_windows_are_the_bins_of_the_clock_so_that_a_pair_across_an_edge_is_missed() -> None:
    documents = _correlation("event_count", condition={"gte": 2})
    (wrong,) = [spl for spl in upstream(documents) if "event_count" in spl]
    assert "bin _time span=5m" in wrong, GONE
    assert "multisearch" in wrong, GONE
    edge = 1_749_985_500_000
    events = [
        Event("first", edge - 1000, {"Computer": "pc", "Image": "a"}, PROCESS, "windows"),
        Event("second", edge + 1000, {"Computer": "pc", "Image": "b"}, PROCESS, "windows"),
    ]
    rows = SplEngine(map(splunk_event, events)).query(to_spl(documents)[-1], NOW)
    assert [(row["Computer"], row["EventCount"]) for row in rows] == [("pc", 2)]
