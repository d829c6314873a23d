"""convert: which rules it takes, which it prints, and in what form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sigma_t1020.pack import load_pack
from sigma_t1020.targets import TARGETS

from cli.rules import CONNECTION, GOOD, GOOD_LINE, correlation, put, rule, uuid
from cli.runner import queries, query, run

KEYS = ["id", "title", "kind", "part", "level", "target", "dialect", "pipeline", "query", "losses"]


def titles(found: list[dict[str, object]]) -> list[object]:
    return [each["title"] for each in found]


# --- Which rules --------------------------------------------------------------------------------------


def test_without_rule_the_pack_is_converted_less_what_its_correlations_hide() -> None:
    hidden = {name for item in load_pack().rules for name in item.references}
    expected = [str(item.rule.id) for item in load_pack().rules if item.rule.name not in hidden]
    assert [each["id"] for each in queries()] == expected
    assert len(expected) == len(load_pack().rules) - len(hidden)
    assert sum(each["kind"] == "correlation" for each in queries()) == 2


def test_every_shipped_rule_can_be_asked_for_by_id_the_hidden_ones_too() -> None:
    for item in load_pack().rules:
        (found,) = queries(str(item.rule.id))
        assert (found["id"], found["title"]) == (str(item.rule.id), item.rule.title)


def test_a_hidden_rule_can_be_asked_for_by_name_and_an_id_in_any_case_of_letters() -> None:
    hidden = next(item for item in load_pack().rules if item.rule.name == "t1020_archive_sensitive_path")
    by_name = queries("t1020_archive_sensitive_path")
    assert by_name == queries(str(hidden.rule.id).upper())
    assert [each["kind"] for each in by_name] == ["rule"]


def test_an_unknown_name_is_reported_and_the_known_one_still_converts() -> None:
    done = run("convert", "-t", "sentinel", "t1020_archive_sensitive_path", "t1020_archive_sensitiv_path")
    assert done.status == 1
    assert done.complaints == [
        "t1020_archive_sensitiv_path: no such file or folder, and no rule in the pack has that id or name; "
        "see `sigma-t1020 list rules` for those of the pack"
    ]
    assert done.stdout.count("// ") == 1


@pytest.mark.parametrize("name", ["None", "nothing", uuid(7)])
def test_a_name_that_no_rule_has_converts_nothing(name: str) -> None:
    done = run("convert", "-t", "sentinel", name)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{name}: no such file or folder")


def test_files_and_folders_in_the_order_given_each_once(tmp_path: Path) -> None:
    second = put(tmp_path / "b" / "second.yml", rule(2))
    put(tmp_path / "b" / "deep" / "third.yaml", rule(3))
    put(tmp_path / "b" / "notes.txt", "no rule")
    put(tmp_path / "b" / ".git" / "fourth.yml", rule(4))
    first = put(tmp_path / "a.yml", rule(1))
    assert titles(queries(second, first, tmp_path / "b", second)) == ["Rule 2", "Rule 1", "Rule 3"]


def test_standard_input_alone_and_among_files(tmp_path: Path) -> None:
    path = put(tmp_path / "a.yml", rule(2))
    assert titles(queries("-", stdin=GOOD.encode())) == ["Rule 1"]
    assert titles(queries(path, "-", stdin=GOOD.encode())) == ["Rule 2", "Rule 1"]


def test_ids_and_names_choose_among_the_files_given(tmp_path: Path) -> None:
    put(tmp_path / "r" / "1.yml", rule(1))
    put(tmp_path / "r" / "2.yml", CONNECTION)
    put(tmp_path / "r" / "3.yml", correlation(3, ["rule_1", "rule_2"]))
    put(tmp_path / "r" / "4.yml", rule(4, detection="{s: {NoSuchField: a}, condition: s}"))
    assert titles(queries(tmp_path / "r", "rule_1")) == ["Rule 1"]
    assert titles(queries("rule_3", uuid(2), tmp_path / "r")) == ["Rule 2", "Correlation 3"]
    done = run("convert", "-t", "sentinel", tmp_path / "r", "rule_9")
    assert done.status == 1
    assert "rule_9: no such file or folder, and no rule among the files given has that id or name" in done.stderr
    assert "// Correlation 3" in done.stdout, "one wrong name does not stop the others"


# --- What a correlation hides ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ["Correlation 3"]),
        (", generate: false", ["Correlation 3"]),
        (", generate: true", ["Rule 1", "Rule 2", "Correlation 3"]),
    ],
)
def test_a_correlation_hides_its_rules_unless_it_says_generate(more: str, expected: list[str], tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", "---\n".join([GOOD, CONNECTION, correlation(3, ["rule_1", "rule_2"], more=more)]))
    assert titles(queries(path)) == expected
    assert [each["kind"] for each in queries(path)][-1] == "correlation"


def test_a_correlation_before_its_rules_in_the_file_keeps_its_place(tmp_path: Path) -> None:
    text = "---\n".join([correlation(3, ["rule_1", "rule_2"], more=", generate: true"), CONNECTION, GOOD])
    assert titles(queries(put(tmp_path / "r.yml", text))) == ["Correlation 3", "Rule 2", "Rule 1"]


def test_a_nested_correlation_is_hidden_by_the_one_above_it(tmp_path: Path) -> None:
    inner, outer = correlation(3, ["rule_1", "rule_2"]), correlation(4, ["rule_3", "rule_2"])
    path = put(tmp_path / "r.yml", "---\n".join([GOOD, CONNECTION, inner, outer, rule(5)]))
    done = run("convert", "-t", "sentinel", path)
    assert (done.status, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if line.startswith("//")] == [
        f"// Correlation 4 ({uuid(4)})",
        f"// Rule 5 ({uuid(5)})",
    ]
    assert titles(queries(path, "rule_3")) == ["Correlation 3"]


def test_with_generate_a_nested_correlation_is_printed(tmp_path: Path) -> None:
    inner = correlation(3, ["rule_1", "rule_2"])
    outer = correlation(4, ["rule_3", "rule_2"], more=", generate: true")
    done = run("convert", "-t", "sentinel", put(tmp_path / "r.yml", "---\n".join([GOOD, CONNECTION, inner, outer])))
    assert [line[:16] for line in done.stdout.splitlines() if line.startswith("//")] == [
        "// Rule 2 (00000",
        "// Correlation 3",
        "// Correlation 4",
    ]


def test_an_outer_correlation_asks_for_the_keys_of_the_inner_one(tmp_path: Path) -> None:
    inner = correlation(3, ["rule_1", "rule_2"])
    outer = correlation(4, ["rule_3", "rule_2"]).replace("group-by: [Computer]", "group-by: [Computer, User]")
    path = put(tmp_path / "r.yml", "---\n".join([GOOD, CONNECTION, inner, outer, rule(5)]))
    done = run("convert", "-t", "sentinel", path)
    # That the outer one can't be converted costs neither the rest, nor is the inner one printed in its place.
    said = "User is not in the group-by of the correlation rule_3, which has Computer; add it there"
    assert (done.status, done.complaints) == (1, [f"{path}:24: {said}"])
    assert [line for line in done.stdout.splitlines() if line.startswith("//")] == [f"// Rule 5 ({uuid(5)})"]


def test_a_correlation_is_refused_with_the_rule_that_it_needs(tmp_path: Path) -> None:
    broken = rule(1, detection="{selection: {NoSuchField: a}, condition: selection}")
    text = "---\n".join([broken, CONNECTION, correlation(3, ["rule_1", "rule_2"]), rule(4)])
    path = put(tmp_path / "r.yml", text)
    done = run("convert", "-t", "sentinel", path)
    assert done.status == 1
    assert [line.split(": ")[0] for line in done.complaints] == [f"{path}:5", f"{path}:18"]
    assert "the rule rule_1 was not converted; correct it, or put it before this one" in done.stderr
    assert done.stdout.count("// ") == 1


# --- Form -----------------------------------------------------------------------------------------------


def test_json_has_exactly_the_documented_keys_and_kinds() -> None:
    for each in queries(target="all"):
        assert list(each) == KEYS
        assert each["kind"] in ("rule", "correlation")
        target = TARGETS[each["target"]]
        assert (each["part"], each["dialect"], each["pipeline"]) == (1, target.dialect.name, target.pipeline)
        assert {loss["cause"] for loss in each["losses"]} <= {"engine", "service"}
        assert each["level"] in ("informational", "low", "medium", "high", "critical")
        assert str(each["query"]).strip()


def test_what_a_rule_lacks_is_null_in_json(tmp_path: Path) -> None:
    text = "title: Bare\nlogsource: {category: process_creation, product: windows}\n"
    text += "detection: {s: {Image: a}, condition: s}\n"
    (found,) = queries(put(tmp_path / "r.yml", text))
    assert (found["id"], found["level"], found["kind"]) == (None, None, "rule")


def test_all_targets_are_the_built_ones_each_once() -> None:
    found = queries("t1020_archive_sensitive_path", target="all")
    assert [each["target"] for each in found] == list(TARGETS)
    done = run("convert", "-t", "defender", "-t", "sentinel", "-t", "defender", "t1020_archive_sensitive_path")
    assert done.stdout.count("| where TimeGenerated >") == done.stdout.count("| where Timestamp >") == 1
    assert done.stdout.index("Timestamp >") < done.stdout.index("TimeGenerated >")


def test_conditions_of_one_rule_are_numbered_parts(tmp_path: Path) -> None:
    detection = "{a: {Image: a}, b: {Image: b}, condition: [a, b and not a]}"
    path = put(tmp_path / "r.yml", rule(1, detection=detection))
    found = queries(path)
    assert [(each["part"], each["title"], each["id"]) for each in found] == [
        (1, "Rule 1", uuid(1)),
        (2, "Rule 1", uuid(1)),
    ]
    comments = [line for line in run("convert", "-t", "sentinel", path).stdout.splitlines() if line.startswith("//")]
    assert comments == [f"// Rule 1 ({uuid(1)}), part 1 of 2", f"// Rule 1 ({uuid(1)}), part 2 of 2"]


def test_text_and_json_hold_the_same_queries_and_the_text_nothing_else(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", f"{rule(1)}---\n{rule(2)}")
    found = queries(path)
    expected = [f"// {each['title']} ({each['id']})\n{each['query']}\n" for each in found]
    assert run("convert", "-t", "sentinel", path).stdout == "\n".join(expected)


@pytest.mark.parametrize(
    "title", ['He said "hi" \\ it\'s', "two\nlines", "tab\tand\r\nreturn", "separator\u2028here\x85there", "日本 é"]
)
def test_no_title_can_end_the_comment(title: str, tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", rule(1, title=json.dumps(title, ensure_ascii=True)))
    lines = run("convert", "-t", "sentinel", path).stdout.split("\n")
    assert lines[0].startswith("// ")
    assert lines[0].isprintable()
    assert lines[1] == "DeviceProcessEvents"
    assert GOOD_LINE in lines
    assert titles(queries(path)) == [title]


# --- Time -----------------------------------------------------------------------------------------------


def test_the_look_back_is_a_day_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    assert "| where TimeGenerated > ago(24h)\n" in query(path)
    assert query(path) == query(path, "--lookback", "24h") == query(path, "--lookback", "1d")
    assert "| where TimeGenerated > ago(90m)\n" in query(path, "--lookback", "90m")
    assert "| where Timestamp > ago(14d)\n" in query(path, "--lookback", "2w", target="defender")


def test_a_scheduled_query_reads_the_period_before_the_delay(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    scheduled = query(path, "--schedule", "5m")
    assert "| where TimeGenerated > ago(10m)\n| where TimeGenerated <= ago(5m)\n" in scheduled
    assert scheduled == query(path, "--schedule", "300s", "--delay", "5m")
    at_once = query(path, "--schedule", "5m", "--delay", "0s")
    assert "| where TimeGenerated > ago(5m)\n| where TimeGenerated <= now()\n" in at_once


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lookback", "24"], "'24' is not a time span"),
        (["--lookback", "1 h"], "'1 h' is not a time span"),
        (["--lookback", "1h30m"], "'1h30m' is not a time span"),
        (["--lookback", "-1h"], "'-1h' is not a time span"),
        (["--lookback", "\u0661h"], "is not a time span"),
        (["--lookback", ""], "'' is not a time span"),
        (["--lookback", "0h"], "longer than zero"),
        (["--lookback", "999999999w"], "longer than a hundred years"),
        (["--schedule", "soon"], "'soon' is not a time span"),
        (["--schedule", "0m"], "longer than zero"),
        (["--schedule", "5m", "--delay", "later"], "'later' is not a time span"),
        (["--schedule", "5m", "--lookback", "1h"], "exclude each other"),
        (["--delay", "5m"], "--delay needs --schedule"),
    ],
)
def test_misused_times_are_wrong_usage(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = run("convert", "-t", "sentinel", put(tmp_path / "r.yml", GOOD), *arguments)
    assert (done.status, done.stdout) == (2, "")
    assert message in done.stderr


# --- Combined -------------------------------------------------------------------------------------------


def test_the_pack_combined_is_one_query_that_names_every_rule() -> None:
    single, (combined,) = queries(), queries("--combine")
    assert list(combined) == KEYS
    assert (combined["id"], combined["kind"], combined["part"], combined["level"]) == (None, "combined", 1, None)
    assert combined["title"] == f"{len(single)} rules in one query"
    text = str(combined["query"])
    assert text.count("RuleId = ") == text.count("RuleTitle = ") == text.count("Branch = ") == len(single)
    assert text.count('Branch = ""') == 0
    for each in single:
        assert f'RuleId = "{each["id"]}", RuleTitle = "{each["title"]}"' in " ".join(text.split())


def test_combined_titles_cannot_break_out_of_their_literal(tmp_path: Path) -> None:
    evil = 'x" | take 1 //\nDeviceEvents \\'
    path = put(tmp_path / "r.yml", rule(1, title=json.dumps(evil)))
    text = query(path, "--combine")
    assert 'RuleTitle = "x\\" | take 1 //\\nDeviceEvents \\\\"' in text
    assert "\nDeviceEvents" not in text


def test_a_combined_rule_of_somebody_has_the_branch_it_names_or_none(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", f"{rule(1)}branch: my branch\n---\n{rule(2)}")
    text = " ".join(query(path, "--combine").split())
    assert f'RuleId = "{uuid(1)}", RuleTitle = "Rule 1", Branch = "my branch"' in text
    assert f'RuleId = "{uuid(2)}", RuleTitle = "Rule 2", Branch = ""' in text


def test_combined_queries_take_each_target_and_what_can_be_converted(tmp_path: Path) -> None:
    bad = rule(2, detection="{selection: {NoSuchField: a}, condition: selection}")
    done = run("convert", "-t", "all", "--combine", put(tmp_path / "r.yml", f"{GOOD}---\n{bad}"))
    assert done.status == 1
    comments = [line for line in done.stdout.splitlines() if line.startswith(("//", "```"))]
    assert comments == ["1 rule in one query".join(target.dialect.comment) for target in TARGETS.values()]


def test_a_group_by_that_a_rule_lacks_costs_the_correlation_alone(tmp_path: Path) -> None:
    put(tmp_path / "rules.yml", f"{rule(1)}---\n{rule(2)}")
    both = put(tmp_path / "both.yml", correlation(3, ["rule_1", "rule_2"], more=", generate: true"))
    both.write_text(both.read_text().replace("Computer", "NoSuchField"))
    done = run("convert", "-t", "sentinel", tmp_path)
    assert [line.partition(": ")[0].rpartition(":")[0] for line in done.complaints] == [str(both)]
    assert "NoSuchField" in done.stderr
    assert done.stdout.count("// Rule ") == 2
