"""The target elastic: its two dialects, its two log models, and what each leaves to the other."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracles import eql_grammar, esql_grammar
from sigma_t1020.targets import TARGETS

from cli.rules import CONNECTION, GOOD, correlation, put, rule
from cli.runner import queries, run


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A file of one good rule, rule_1."""
    return put(tmp_path / "good.yml", GOOD)


def test_eql_is_the_usual_dialect_and_says_that_the_time_is_the_searchs(good: Path) -> None:
    (found,) = queries(good, target="elastic")
    assert (found["dialect"], found["pipeline"]) == ("eql", "t1020_elastic_defend")
    assert eql_grammar.steps(str(found["query"]))[0].category == "process"
    assert found["losses"] == [
        {
            "code": "time",
            "cause": "service",
            "message": "EQL has no time range in its text; give the search or the rule a range of 24h",
        }
    ]
    (later,) = queries(good, "--schedule", "15m", target="elastic")
    assert later["query"] == found["query"]
    assert "run it every 15m over more than that plus 5m of delay" in later["losses"][0]["message"]


def test_esql_has_time_indices_and_the_cap_on_rows(good: Path) -> None:
    (found,) = queries(good, "--dialect", "esql", "--lookback", "7d", target="elastic")
    text = str(found["query"])
    assert list(esql_grammar.source(text).patterns) == ["logs-endpoint.events.process-*"]
    assert "| WHERE @timestamp > NOW() - 7 days" in text
    assert text.endswith("| LIMIT 10000")
    assert [loss["code"] for loss in found["losses"]] == ["bound"]


@pytest.mark.parametrize("dialect", ["eql", "esql"])
def test_another_log_model_takes_the_place_of_the_targets_own(dialect: str, good: Path, tmp_path: Path) -> None:
    pipeline = "t1020_elastic_winlogbeat"
    (found,) = queries(good, "--dialect", dialect, "-p", pipeline, target="elastic")
    assert found["pipeline"] == pipeline
    assert 'event.code == "1"' in str(found["query"])
    assert "host.os.type" not in str(found["query"])
    state = "transformations: [{type: set_state, key: indices, val: [ours-*]}]"
    own = put(tmp_path / "own.yml", f"name: own\npriority: 30\n{state}\n")
    (found,) = queries(good, "--dialect", dialect, "-p", own, "-p", pipeline, target="elastic")
    assert found["pipeline"] == f"{pipeline}, {own}"


def test_a_log_model_of_elastic_is_for_no_other_target(good: Path) -> None:
    done = run("convert", "-t", "splunk", good, "-p", "t1020_elastic_winlogbeat")
    assert done.status == 1
    assert "the pipeline of the target elastic; use --target elastic" in done.stderr


def test_what_eql_cannot_say_is_refused_on_its_line_and_points_to_the_dialect_that_can(tmp_path: Path) -> None:
    detection = "{selection: {CommandLine|fieldref: Image}, condition: selection}"
    path = put(tmp_path / "r.yml", rule(1, detection=detection))
    done = run("convert", "-t", "elastic", path)
    assert (done.status, done.stdout) == (1, "")
    assert done.complaints == [f"{path}:5: CommandLine: EQL cannot compare two fields; use --dialect esql"]
    assert len(queries(path, "--dialect", "esql", target="elastic")) == 1


def test_a_correlation_without_order_is_refused_in_eql_by_name(tmp_path: Path, good: Path) -> None:
    path = put(tmp_path / "r.yml", f"{CONNECTION}---\n{correlation(3, ['rule_1', 'rule_2'], kind='temporal')}")
    done = run("convert", "-t", "elastic", good, path)
    assert done.status == 1
    (line,) = done.complaints
    assert "EQL does not support the correlation type temporal: a sequence has one order; use --dialect esql" in line
    assert len(queries(good, path, "--dialect", "esql", target="elastic")) == 1


def test_combined_queries_of_all_targets_are_esql_for_elastic(good: Path) -> None:
    refused = run("convert", "-t", "elastic", "--combine", good)
    assert refused.status == 2
    assert "EQL cannot join several rules into one query: add --dialect esql" in refused.stderr
    found = {each["target"]: each["dialect"] for each in queries(good, "--combine", target="all")}
    assert found == {name: "esql" if name == "elastic" else target.dialect.name for name, target in TARGETS.items()}


def test_a_title_cannot_end_the_comment_above_its_query(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", rule(1, title="evil \u2028 any where true"))
    for dialect in ("eql", "esql"):
        text = run("convert", "-t", "elastic", "--dialect", dialect, path).stdout
        assert text.splitlines()[0].startswith("// evil")
        if dialect == "eql":
            assert len(eql_grammar.steps(text)) == 1
        else:
            assert esql_grammar.commands(text)[0].name == "from"
