"""The options of the target splunk: the index, the dialect, and what it has no log source for."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigma_t1020.targets import TARGETS

from cli.rules import GOOD, put
from cli.runner import queries, query, run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return put(tmp_path / "good.yml", GOOD)


@pytest.mark.parametrize(
    ("index", "begins"),
    [
        ("wineventlog", 'index="wineventlog" earliest=-24h\n'),
        ("win*", 'index="win*" earliest=-24h\n'),
        ("`sysmon`", "`sysmon` earliest=-24h\n"),
        ("*", "index=* earliest=-24h\n"),
    ],
)
def test_the_index_or_macro_begins_the_search(index: str, begins: str, good: Path) -> None:
    assert query(good, "--index", index, target="splunk").startswith(begins)


def test_without_an_index_any_is_searched(good: Path) -> None:
    assert query(good, target="splunk").startswith("index=* ")


def test_a_lookback_is_in_the_base_search_and_a_schedule_is_not(good: Path) -> None:
    assert "index=* earliest=-7d\n" in query(good, "--lookback", "7d", target="splunk")
    scheduled = query(good, "--schedule", "5m", target="splunk")
    assert "earliest" not in scheduled
    assert "| where round(_time*1000)>=(RunEnd-600)*1000 AND round(_time*1000)<(RunEnd-300)*1000" in scheduled
    assert scheduled.count("now()") == 1, "only where the range has no end"


def test_the_dialect_tstats_has_single_rules_and_refuses_correlations_by_name() -> None:
    done = run("convert", "-t", "splunk", "--dialect", "tstats", "--format", "json")
    assert done.status == 1
    assert len(done.complaints) == 2
    assert all("data models do not share a stable identity of a host" in line for line in done.complaints)
    found = done.json()
    assert {(each["dialect"], each["pipeline"]) for each in found} == {("tstats", "t1020_splunk_cim")}
    assert all(str(each["query"]).startswith("| tstats ") for each in found)
    # Data models have processes of macOS too.
    assert any("MacOS" in str(each["title"]) for each in found)


def test_a_dialect_of_splunk_leaves_the_other_targets_alone(good: Path) -> None:
    found = queries(good, "--dialect", "tstats", target="all")
    assert {each["target"]: each["dialect"] for each in found} == {
        name: "tstats" if name == "splunk" else target.dialect.name for name, target in TARGETS.items()
    }


def test_macos_is_searched_in_the_data_models_and_refused_where_these_have_nothing(tmp_path: Path) -> None:
    (found,) = queries("302e1222-4dce-42b9-9c5c-72172d131120", target="splunk")
    assert (found["dialect"], found["pipeline"]) == ("spl", "t1020_splunk_sysmon")
    assert str(found["query"]).startswith("| tstats ")
    text = GOOD.replace("product: windows", "product: macos").replace(
        "category: process_creation", "category: file_event"
    )
    done = run("convert", "-t", "splunk", put(tmp_path / "r.yml", text))
    assert (done.status, done.stdout) == (1, "")
    assert "no events of the product macos" in done.stderr


def test_a_pipeline_that_names_no_events_is_refused(good: Path, tmp_path: Path) -> None:
    text = "name: ours\npriority: 30\ntransformations:\n"
    text += "  - {type: set_state, key: sources, val: []}\n  - {type: set_state, key: source_values, val: {}}\n"
    done = run("convert", "-t", "splunk", good, "-p", put(tmp_path / "ours.yml", text))
    assert (done.status, done.stdout) == (1, "")
    assert "the pipeline does not say which events are Sysmon event 1, " in done.stderr


def test_a_title_cannot_end_the_comment_above_its_search(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", GOOD.replace("title: ", "title: evil ``` | delete ", 1))
    first = run("convert", "-t", "splunk", path).stdout.splitlines()[0]
    assert first.count("```") == 2
    assert first.endswith(" ```")
