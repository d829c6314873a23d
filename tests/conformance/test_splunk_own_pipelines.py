"""SPL of pipelines that are not ours: hard names of fields, other sources, keys in different fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from oracles.spl_engine import SplEngine
from sigma.backends.t1020 import T1020SplunkBackend
from sigma.backends.t1020.common.losses import Unsupported
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline

NOW = datetime(2025, 6, 15, 12, 0)
START = 1_749_985_200
COLUMNS = ["Computer", "host", "User", "Command Line", "c.ip", "sid", "Image", "Message"]


def _pipeline(**states: Any) -> ProcessingPipeline:
    """Processes are kind 1, connections kind 2, of one source or of those that `states` say."""
    common = {
        "columns": {"string": [*COLUMNS, *states.pop("more_columns", [])]},
        "event_id": ["sid"],
        "projection": ["_time", "Computer", "Command Line", "c.ip"],
        "evidence": ["Command Line", "c.ip"],
        **states.pop("common", {}),
    }
    sources = states.pop("by_category", {"process_creation": {}, "network_connection": {}})
    kinds = {"process_creation": 1, "network_connection": 2}
    items: list[dict[str, Any]] = [{"type": "set_state", "key": key, "val": value} for key, value in common.items()]
    for category, own in sources.items():
        own = {"query_table": category, "source_values": {"kind": [kinds[category]]}, **own}
        conditions = [{"type": "logsource", "category": category}]
        items += [
            {"type": "set_state", "key": key, "val": value, "rule_conditions": conditions} for key, value in own.items()
        ]
    assert not states
    return ProcessingPipeline.from_dict({"name": "ours", "priority": 20, "transformations": items})


def _rule(name: str, category: str, **detection: Any) -> dict[str, Any]:
    return {
        "title": name,
        "name": name,
        "logsource": {"category": category},
        "detection": {"selection": detection, "condition": "selection"},
    }


FIRST = _rule("first", "process_creation", Image="a")
SECOND = _rule("second", "network_connection", Image="b")


def _ordered(*group_by: str, **more: Any) -> dict[str, Any]:
    section = {"type": "temporal_ordered", "rules": ["first", "second"], "timespan": "5m", "group-by": list(group_by)}
    return {"title": "Ordered", "correlation": {**section, **more}}


def _converted(documents: Sequence[Mapping[str, Any]], pipeline: ProcessingPipeline) -> str:
    backend = T1020SplunkBackend(pipeline)
    return str(backend.convert(SigmaCollection.from_dicts([dict(document) for document in documents]))[-1])


def _event(second: int, kind: int, **fields: object) -> dict[str, object]:
    return {"_time": START + second, "index": "main", "kind": kind, "sid": f"{second}", **fields}


def test_names_with_blanks_and_dots_are_quoted_wherever_they_stand() -> None:
    spl = _converted([FIRST, SECOND, _ordered("Command Line")], _pipeline())
    log = [
        _event(0, 1, Image="a", **{"Command Line": "x", "c.ip": "10.0.0.1"}),
        _event(1, 2, Image="b", **{"Command Line": "x", "c.ip": "8.8.8.8"}),
        _event(2, 2, Image="b", **{"Command Line": "y", "c.ip": "9.9.9.9"}),
    ]
    (row,) = SplEngine(log).query(spl, NOW)
    assert (row["Step2Count"], row["Step2c.ip"], row["Step2Command Line"]) == (1, "8.8.8.8", "x")
    assert row["c.ip"] == "10.0.0.1"


def test_a_bar_in_the_identity_of_an_event_parts_nothing() -> None:
    spl = _converted([FIRST, SECOND, _ordered("Computer")], _pipeline())
    first, second = _event(0, 1, Image="a", Computer="pc"), _event(1, 2, Image="b", Computer="pc")
    log = [first, {**second, "sid": "1|2|", "c.ip": "8.8.8.8"}, {**second, "sid": "1|3|", "c.ip": "9.9.9.9"}]
    (row,) = SplEngine(log).query(spl, NOW)
    assert (row["Step2Count"], row["Step2c.ip"]) == (2, ["8.8.8.8", "9.9.9.9"])


@pytest.mark.parametrize("name", ["Ms", "EventId", "Items", "Step2Items", "Rule1", "WindowStart", "Value"])
@pytest.mark.parametrize("used", ["key", "condition", "evidence", "projection"])
def test_a_field_that_the_search_would_write_over_is_refused_by_name(name: str, used: str) -> None:
    common = {used: ["_time", name]} if used in ("evidence", "projection") else {}
    pipeline = _pipeline(more_columns=[name], common=common)
    second = _rule("second", "network_connection", **{name if used == "condition" else "Image": "b"})
    with pytest.raises(Unsupported, match=f"makes columns called {name}, which"):
        _converted([FIRST, second, _ordered(name if used == "key" else "Computer")], pipeline)


def test_a_key_in_different_fields_leaves_the_events_own_fields_as_they_are() -> None:
    """The key is called as a field that one of the log sources has in another meaning."""
    pipeline = _pipeline(
        by_category={
            "process_creation": {"join_keys": {"User": "Computer"}},
            "network_connection": {"join_keys": {"User": "host"}},
        },
        common={"projection": ["_time", "User", "Computer", "host"], "evidence": ["User"]},
    )
    spl = _converted([FIRST, SECOND, _ordered("User")], pipeline)
    log = [
        _event(0, 1, Image="a", Computer="pc", host="other", User="anna"),
        _event(1, 2, Image="b", host="pc", Computer="another", User="bob"),
    ]
    (row,) = SplEngine(log).query(spl, NOW)
    assert (row["User"], row["KeyUser"], row["Step2User"]) == ("anna", "pc", "bob")


def test_sources_with_asterisks_may_be_the_same_events() -> None:
    """An event of both rules is one step, not two, and one event each where there are two."""
    pipeline = _pipeline(
        by_category={
            "process_creation": {"source_values": {"source": ["*Sysmon*"]}},
            "network_connection": {"source_values": {"source": ["*Operational"]}},
        },
    )
    second = _rule("second", "network_connection", Image="a")
    spl = _converted([FIRST, second, _ordered("Computer")], pipeline)
    both = {"source": "Sysmon/Operational", "Image": "a", "Computer": "pc"}
    assert SplEngine([_event(0, 1, **both)]).query(spl, NOW) == []
    (row,) = SplEngine([_event(0, 1, **both), _event(1, 1, **both)]).query(spl, NOW)
    assert row["Step2Count"] == 1


# --- Keywords in events that are XML ------------------------------------------------------------------


def _keyword(keyword: str) -> str:
    rule = {
        "title": "Keyword",
        "logsource": {"category": "process_creation"},
        "detection": {"keywords": [keyword], "condition": "keywords"},
    }
    return _converted([rule], _pipeline())


@pytest.mark.parametrize(
    ("keyword", "raw", "found"),
    [
        ('say "hi" & go', "<Data>say &quot;hi&quot; &amp; go</Data>", True),
        ('say "hi" & go', '<Data>say "hi" &amp; go</Data>', True),
        ('say "hi" & go', 'say "hi" & go', True),
        ("it's <b>", "<Data>it&#39;s &lt;b&gt;</Data>", True),
        ("it's <b>", "<Data>it's &lt;b&gt;</Data>", True),
        ("a?b", "<Data>a&amp;b</Data>", True),
        ("a?b", "<Data>a&amp;&amp;b</Data>", False),
        ("a?b", "a&b", True),
        ("a & b", "<Data>a &amp; c</Data>", False),
    ],
)
def test_a_keyword_is_found_as_xml_writes_it(keyword: str, raw: str, found: bool) -> None:
    event = _event(0, 1, _raw=raw)
    assert bool(SplEngine([event]).query(_keyword(keyword), NOW)) is found
