"""check: what is found, where, how bad, and by which exit status."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sigma_t1020.kusto_language import language
from sigma_t1020.pack import load_pack

from cli.rules import GOOD, correlation, put, rule, sigma_filter, uuid
from cli.runner import run

pytestmark = pytest.mark.usefixtures("one_parser")

#: Meets SigmaHQ's conventions but for what a test changes; its detection begins on line 13.
PROPER = f"""\
title: Curl Process
id: {uuid(1)}
status: test
description: Detects curl, for the tests of this program alone
author: sigma-t1020
date: 2026-01-02
tags:
    - attack.exfiltration
    - attack.t1020
logsource:
    category: process_creation
    product: windows
detection:
    selection:
        Image|endswith: '\\curl.exe'
    condition: selection
falsepositives:
    - Administrators
level: high
"""
NAME = "proc_creation_win_curl_process.yml"
#: A pipeline that narrows its log source by a column that no table has.
WRONG_COLUMN = """
    name: shop
    priority: 30
    transformations:
      - {type: set_state, key: source_filters, val: ['NoSuchColumn == "x"']}
    """
OWN_TABLE = """
    name: shop
    priority: 30
    transformations:
      - {type: set_state, key: query_table, val: Shop_CL}
      - {type: set_state, key: source_filters, val: ['Kind == "process"', 'Host !in ((Retired_CL | distinct Host))']}
    """


def findings(*arguments: str | Path) -> list[dict[str, Any]]:
    """The JSON of check, whatever its exit status."""
    return run("check", *arguments, "--format", "json").json()


# --- What is found ----------------------------------------------------------------------------------------


def test_the_pack_has_no_findings() -> None:
    done = run("check")
    assert (done.status, done.stdout) == (0, "")
    assert done.complaints == [f"{len(load_pack().rules)} rules, 0 filters: no findings"]


def test_a_finding_is_a_line_with_path_line_severity_code_message_and_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "rules" / "proc_creation_win_a.yml", GOOD)
    put(tmp_path / "rules" / "b.yml", rule(2, detection="{s: {Imag: a}, condition: s}"))
    monkeypatch.chdir(tmp_path)
    done = run("check", tmp_path / "rules")
    assert done.status == 1
    for line in done.stdout.splitlines():
        place, finding, rest = line.split(": ", 2)
        path, _, number = place.partition(":")
        assert path in ("rules/proc_creation_win_a.yml", "rules/b.yml"), "as seen from here"
        assert number.isdecimal()
        severity, _, code = finding.partition("[")
        assert severity in ("error", "warning", "info")
        assert code.rstrip("]").isalnum()
        assert all(rest.rpartition("; ")), "what is wrong; what to do"
    assert "rules/b.yml:5: error[convert]: Imag is not a field of DeviceProcessEvents" in done.stdout
    assert "rules/proc_creation_win_a.yml:1: warning[SigmahqStatusExistenceIssue]: " in done.stdout
    errors = done.stdout.count(": error[")
    assert f"2 rules, 0 filters: {errors} errors, {done.stdout.count(': warning[')} warnings" in done.complaints[-1]
    monkeypatch.chdir("/")
    assert str(tmp_path / "rules" / "b.yml")[1:] + ":5: " in run("check", tmp_path / "rules").stdout


def test_each_rule_of_a_file_has_its_own_lines(tmp_path: Path) -> None:
    second = PROPER.replace(uuid(1), uuid(2)).replace("Curl Process", "Curl Process of Another Kind")
    bad = second.replace("attack.t1020", "attack.t1020.x!").replace("Image|endswith", "Imag|endswith")
    path = put(tmp_path / NAME, f"{PROPER}---\n{bad}")
    found = [(item["line"], item["severity"], item["code"]) for item in findings(path)]
    lines = len(PROPER.splitlines()) + 1
    assert (lines + 15, "error", "convert") in found
    assert (lines + 7, "warning", "InvalidTagFormatIssue") in found
    assert all(line > lines for line, _severity, _code in found)


@pytest.mark.parametrize(
    ("old", "new", "line", "severity", "code"),
    [
        ("title: Curl Process", "title: Detects Curl", 1, "warning", "SigmahqTitleStartIssue"),
        ("level: high\n", "", 1, "warning", "SigmahqLevelExistenceIssue"),
        ("condition: selection", "condition: 1 of them", 16, "info", "SigmahqOfthemConditionIssue"),
        ("|endswith: '", ": '*", 15, "info", "WildcardInsteadOfEndswithIssue"),
        ("product: windows", "product: windows\n    Category: x", 10, "error", "FieldnameLogsourceIssue"),
        ("Image|endswith: '\\curl.exe'", "Image|all: [a, b]", 15, "error", "AllWithoutContainsModifierIssue"),
        ("- Administrators", "- none", 17, "warning", "SigmahqFalsepositivesBannedWordIssue"),
    ],
)
def test_a_validators_issue_stands_at_the_part_it_is_about(
    old: str, new: str, line: int, severity: str, code: str, tmp_path: Path
) -> None:
    assert old in PROPER
    found = findings(put(tmp_path / NAME, PROPER.replace(old, new)))
    assert [(item["line"], item["severity"]) for item in found if item["code"] == code] == [(line, severity)]


def test_fields_are_no_finding_since_every_rule_here_has_them(tmp_path: Path) -> None:
    codes = {item["code"] for item in findings(put(tmp_path / "r.yml", GOOD + "fields: [Image]\n"))}
    assert codes
    assert "SigmahqFieldsExistenceIssue" not in codes


def test_check_looks_at_a_rule_by_id_and_at_what_cannot_be_loaded(tmp_path: Path) -> None:
    assert run("check", str(load_pack().rules[0].rule.id)).complaints == ["1 rules, 0 filters: no findings"]
    done = run("check", put(tmp_path / "bad.yml", "- a\n"))
    assert done.status == 1
    assert done.stdout.startswith(f"{tmp_path}/bad.yml:1: error[load]: a list, not a Sigma rule; ")
    done = run("check", "no_such_rule")
    assert done.stdout.startswith("no_such_rule: error[load]: no such file or folder, and no rule in the pack has ")


def test_what_cannot_be_read_is_a_finding_beside_those_of_the_good_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "nowhere.yml").symlink_to("gone")
    good = put(tmp_path / NAME, PROPER)
    done = run("check", tmp_path)
    assert done.status == 1
    assert done.stdout.splitlines() == [
        f"{tmp_path}/nowhere.yml: error[load]: cannot be read: No such file or directory; check the path",
        f"{tmp_path}/pipe.yml: error[load]: a pipe, socket or device, not a file; pipe it into `-` (standard input)",
    ]
    assert done.complaints == ["1 rules, 0 filters: 2 errors"]
    assert run("check", good).stdout == ""


def test_a_filter_among_the_rules_does_not_make_findings_of_its_own(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    alone = run("check", path).stdout
    assert run("check", path, put(tmp_path / "f.yml", sigma_filter(8))).stdout == alone


def test_odd_but_valid_rules_get_through_the_validators(tmp_path: Path) -> None:
    odd = [
        "title: a\nlogsource: {service: x}\ndetection: {s: [a, 1, null], condition: s}\n",
        "title: b\nlogsource: {product: x}\ndetection: {s: {a: null}, condition: 1 of s*}\nstatus: test\n",
        "title: c\nlogsource: {category: x}\ndetection: {s: {a|re: '(', b|cidr: 10.0.0.0/8}, condition: s}\n",
        "title: d\nlogsource: {category: x}\ndetection: {s: {a|cidr: 10.0.0.0/8, '': x}, condition: [s, not s]}\n",
        f"{rule(1)}---\n{correlation(3, ['rule_1'], kind='event_count', more=', condition: {gte: 3}')}",
    ]
    for number, text in enumerate(odd):
        path = put(tmp_path / f"{number}.yml", text)
        done = run("check", path)
        assert done.status == 1
        assert done.stdout.startswith(f"{path}:")


def test_a_control_character_cannot_forge_a_line(tmp_path: Path) -> None:
    path = put(tmp_path / "x\n\x1b[31mgood.yml:1: error[load]: fine.yml", "- a\n")
    (line,) = run("check", path).stdout.splitlines()
    assert "\x1b" not in line
    assert "\\n\\x1b[31m" in line


# --- Exit status ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        (("Image|endswith: '", "Image: '*"), {"info"}),
        (("title: Curl Process", "title: Detects Curl"), {"info", "warning"}),
        (("Image|endswith", "Imag|endswith"), {"info", "warning", "error"}),
        (("", ""), set()),
    ],
    ids=["info", "warning", "error", "clean"],
)
def test_the_exit_status_follows_the_worst_severity(change: tuple[str, str], fails: set[str], tmp_path: Path) -> None:
    path = put(tmp_path / NAME, PROPER.replace(*change) if change[0] else PROPER)
    for fail_on in ("error", "warning", "info"):
        assert run("check", path, "--fail-on", fail_on).status == int(fail_on in fails), fail_on
    assert run("check", path).status == int("warning" in fails), "the default is warning"


# --- Queries ----------------------------------------------------------------------------------------------


def test_a_fault_of_the_query_is_the_rules_with_target_and_excerpt(tmp_path: Path) -> None:
    path = put(tmp_path / NAME, PROPER)
    found = findings(path, "-p", put(tmp_path / "shop.yml", WRONG_COLUMN))
    assert found == [
        {
            "path": str(path),
            "line": 13,
            "severity": "error",
            "code": "KS142",
            "message": "The name 'NoSuchColumn' does not refer to any known column, table, variable or function",
            "hint": "correct the pipeline given with -p; if it is correct, report it with the rule",
            "targets": ["defender", "sentinel"],
            "excerpt": '| where NoSuchColumn == "x"',
        }
    ]
    done = run("check", path, "-t", "sentinel", "-p", tmp_path / "shop.yml")
    assert done.status == 1
    assert f"{path}:13: error[KS142]: The name 'NoSuchColumn' " in done.stdout
    assert '(sentinel: | where NoSuchColumn == "x"); ' in done.stdout


def test_a_fault_of_a_correlations_query_is_the_correlations(tmp_path: Path) -> None:
    text = f"{rule(1)}---\n{rule(2)}---\n{correlation(3, ['rule_1', 'rule_2'])}"
    found = findings(put(tmp_path / "r.yml", text), "-p", put(tmp_path / "shop.yml", WRONG_COLUMN))
    faults = {(item["line"], item["code"]) for item in found if item["code"].startswith("KS")}
    assert faults == {(text.splitlines().index("name: rule_3") + 2, "KS142")}


def test_a_shops_own_tables_are_no_false_alarm_and_their_syntax_is_still_checked(tmp_path: Path) -> None:
    path = put(tmp_path / NAME, PROPER)
    done = run("check", path, "-t", "sentinel", "-p", put(tmp_path / "shop.yml", OWN_TABLE))
    assert done.status == 0
    assert done.stdout.splitlines() == [
        f"{path}:13: info[unknown-name]: {name} is not in the known schema, so what depends on it was not checked "
        "(sentinel); correct the name, or ignore this if it is your own"
        for name in ("Host", "Shop_CL")
    ]
    typed = OWN_TABLE.replace("Kind ==", "Size ==") + "  - {type: set_state, key: columns, val: {long: [Size]}}\n"
    done = run("check", path, "-p", put(tmp_path / "shop.yml", typed))
    assert done.status == 1
    assert "error[SEM0064]: Cannot compare values of types long and string" in done.stdout
    broken = OWN_TABLE.replace('Kind == "process"', 'Kind ==== "process"')
    done = run("check", path, "-p", put(tmp_path / "shop.yml", broken))
    assert done.status == 1
    assert ": error[KS" in done.stdout


def test_a_shops_own_tables_are_no_false_alarm_below_two_correlations(tmp_path: Path) -> None:
    inner = correlation(3, ["rule_1"], kind="event_count", more=", condition: {gte: 3}")
    text = f"{rule(1)}---\n{rule(2)}---\n{inner}---\n{correlation(4, ['rule_3', 'rule_2'])}"
    found = findings(put(tmp_path / "r.yml", text), "-t", "sentinel", "-p", put(tmp_path / "shop.yml", OWN_TABLE))
    codes = {item["code"] for item in found if item["severity"] != "warning" and not item["code"].endswith("Issue")}
    assert codes == {"unknown-name"}


def test_a_rule_of_many_alternatives_is_clean(tmp_path: Path) -> None:
    values = ", ".join(f"a{number}" for number in range(600))
    path = put(tmp_path / NAME, PROPER.replace(r"Image|endswith: '\curl.exe'", f"CommandLine|contains: [{values}]"))
    assert findings(path) == []


def test_a_query_that_is_nested_too_deep_is_told_to_be_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = language.Diagnostic("KS245", "Error", "Too  deep.", 0, 1)
    monkeypatch.setattr(type(language.kusto_language()), "diagnostics", lambda *_: [deep])
    (item,) = findings(put(tmp_path / NAME, PROPER), "-t", "sentinel")
    assert (item["line"], item["message"], item["excerpt"]) == (13, "Too deep", "DeviceProcessEvents")
    assert item["hint"].startswith("split the rule")


def test_a_query_on_which_the_parser_fails_is_an_error_and_the_others_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(self: object, kql: str, *_: object) -> list[object]:
        asked.append(kql)
        raise language.KustoLanguageError("no answer")

    monkeypatch.setattr(type(language.kusto_language()), "diagnostics", fail)
    path = put(tmp_path / NAME, f"{PROPER}---\n{PROPER.replace(uuid(1), uuid(2)).replace('Curl', 'Some Other')}")
    found = findings(path)
    assert len(asked) == 4
    assert [(item["line"], item["code"], item["message"], item["targets"]) for item in found] == [
        (line, "parser-failed", "Microsoft's parser fails on the query: no answer", ["defender", "sentinel"])
        for line in (13, 13 + len(PROPER.splitlines()) + 1)
    ]


def test_a_loss_is_an_info(tmp_path: Path) -> None:
    path = put(tmp_path / NAME, PROPER.replace(r"Image|endswith: '\curl.exe'", "CommandLine: ''"))
    done = run("check", path, "-t", "sentinel", "-t", "defender")
    assert done.status == 0
    assert done.stdout == (
        f"{path}:13: info[loss]: CommandLine: '' also finds events without CommandLine, which the table stores alike "
        "(defender, sentinel); `convert --strict` makes it an error\n"
    )


def test_a_pipeline_that_cannot_be_used_ends_the_run(tmp_path: Path) -> None:
    done = run("check", "-p", tmp_path / "none.yml")
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{tmp_path}/none.yml: no such file or folder, and no pipeline")
