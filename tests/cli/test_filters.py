"""--filter: which filters are applied, and what is said of those that touch nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.rules import CONNECTION, GOOD, correlation, put, rule, sigma_filter, uuid
from cli.runner import queries, query, run

UNFILTERED = "nothing is converted without a filter that was asked for; correct it, or leave it out"
FILTERED = 'InitiatingProcessFolderPath !startswith @"C:\\Tools\\"'


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return put(tmp_path / "good.yml", GOOD)


def test_a_filter_file_is_applied_to_the_rules_that_it_names(good: Path, tmp_path: Path) -> None:
    named = put(tmp_path / "named.yml", sigma_filter(8, f"[{uuid(1)}]"))
    other = put(tmp_path / "other.yml", rule(2))
    first, second = queries(good, other, "--filter", named)
    assert FILTERED in str(first["query"])
    assert FILTERED not in str(second["query"])
    assert FILTERED not in query(good)


def test_a_filter_reaches_the_rules_below_a_correlation(good: Path, tmp_path: Path) -> None:
    more = put(tmp_path / "more.yml", f"{CONNECTION}---\n{correlation(3, ['rule_1', 'rule_2'])}")
    assert query(good, more, "--filter", put(tmp_path / "f.yml", sigma_filter(8))).count(FILTERED) == 1


def test_a_filter_that_touches_no_rule_is_an_error(good: Path, tmp_path: Path) -> None:
    idle = put(tmp_path / "idle.yml", sigma_filter(8, category="dns_query"))
    done = run("convert", "-t", "all", good, "--filter", idle)
    assert done.status == 1
    assert done.complaints == [
        f"{idle}:1: the filter applies to no rule; check its logsource and the rules that it names",
        UNFILTERED,
    ]
    assert done.stdout == ""


def test_one_of_a_folder_may_touch_nothing(good: Path, tmp_path: Path) -> None:
    put(tmp_path / "filters" / "idle.yml", sigma_filter(8, category="dns_query"))
    put(tmp_path / "filters" / "busy.yml", sigma_filter(9))
    assert FILTERED in query(good, "--filter", tmp_path / "filters")


def test_all_shipped_filters_apply_to_the_pack_and_to_anything(good: Path) -> None:
    before, after = queries(), queries("--filter", "all")
    assert [each["id"] for each in before] == [each["id"] for each in after]
    changed = [str(old["id"]) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) >= 5
    assert any("Veeam" in str(each["query"]) for each in after)
    assert query(good, "--filter", "all") == query(good), "they name the rules of the pack only"


def test_a_filter_among_the_rules_is_applied_and_one_given_twice_is_applied_once(good: Path, tmp_path: Path) -> None:
    path = put(tmp_path / "f.yml", sigma_filter(8))
    assert FILTERED in query(good, path)
    expected = query(good, path)
    assert query(good, path, "--filter", path) == expected
    assert query(good, "--filter", path, "--filter", path) == expected


def test_filters_among_the_rules_and_others_add_up(good: Path, tmp_path: Path) -> None:
    one = put(tmp_path / "f1.yml", sigma_filter(8))
    two = put(tmp_path / "f2.yml", sigma_filter(9).replace("Tools", "Agents"))
    both = query(good, one, "--filter", two)
    assert FILTERED in both
    assert "Agents" in both


def test_only_filters_leave_nothing_to_convert(tmp_path: Path) -> None:
    done = run("convert", "-t", "sentinel", put(tmp_path / "f.yml", sigma_filter(8)))
    assert (done.status, done.stdout) == (1, "")
    assert done.complaints[-1].startswith("nothing to convert")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rule(7), ":1: a rule, not a filter; give rules as RULE"),
        ("title: 'open", ":1: not valid YAML"),
        ("", ": no Sigma rule: the file is empty"),
        (sigma_filter(8).replace("condition: not selection", "condition: not selektion"), ":7: the condition names"),
    ],
)
def test_what_is_no_filter_is_reported_and_no_unfiltered_query_is_printed(
    text: str, message: str, good: Path, tmp_path: Path
) -> None:
    path = put(tmp_path / "bad.yml", text)
    done = run("convert", "-t", "sentinel", good, "--filter", path)
    assert done.status == 1
    assert done.complaints[0].startswith(f"{path}{message}")
    assert done.complaints[-1] == UNFILTERED
    assert done.stdout == ""


def test_a_filter_that_is_not_there_is_reported(good: Path, tmp_path: Path) -> None:
    done = run("convert", "-t", "sentinel", good, "--filter", tmp_path / "none.yml")
    assert (done.status, done.stdout) == (1, "")
    missing = f"{tmp_path / 'none.yml'}: cannot be read: No such file or directory; check the path"
    assert done.complaints == [missing, UNFILTERED]


def test_an_output_file_stays_as_it_was_where_a_filter_cannot_be_read(good: Path, tmp_path: Path) -> None:
    output = put(tmp_path / "deployed.kql", "filtered")
    assert run("convert", "-t", "sentinel", good, "--filter", tmp_path / "none.yml", "-o", output).status == 1
    assert output.read_text(encoding="utf-8") == "filtered"


def test_a_filter_among_the_rules_says_which_rules_it_changes(good: Path, tmp_path: Path) -> None:
    named = put(tmp_path / "named.yml", sigma_filter(8, f"[{uuid(1)}]"))
    idle = put(tmp_path / "idle.yml", sigma_filter(9, category="dns_query"))
    done = run("convert", "-t", "sentinel", good, put(tmp_path / "other.yml", rule(2)), named, idle)
    assert done.status == 0
    assert done.complaints == [
        f"note: {named}:1: the filter Filter 8 changes Rule 1",
        f"note: {idle}:1: the filter Filter 9 changes none of the rules",
    ]
