"""check's reports: JSON, SARIF and JUnit are valid whatever the rules hold, and the same bytes each time."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from sigma_t1020 import __version__
from sigma_t1020.checks.findings import CODES, Severity, finding
from sigma_t1020.checks.reports import Report
from sigma_t1020.problems import Problem

from cli.rules import GOOD, put, rule
from cli.runner import REPOSITORY, process, run

pytestmark = pytest.mark.usefixtures("one_parser")

FORMS = ("json", "sarif", "junit")
#: What XML forbids, ends an attribute, an element or a line, or is no character at all, in a title and in a field.
HOSTILE = "a <b> & \"c\" 'd' ]]> <![CDATA[ {} \x00\x0b\x1b[31m\uffff\u2028\r\n\U0001f600 error[load]: e"


def quoted(text: str) -> str:
    """A double-quoted text of YAML."""
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text) + '"'


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder of rules with findings of all kinds, and names and words that formats trip over."""
    put(tmp_path / "r" / "a <&>\"'.yml", rule(1, title=quoted(HOSTILE)))
    put(tmp_path / "r" / "b\n\x1b.yml", rule(2, detection=f"{{s: {{{quoted(HOSTILE)}: a}}, condition: s}}"))
    put(tmp_path / "r" / os.fsdecode(b"c\xff.yml"), "- a\n")
    put(tmp_path / "r" / "d.yml", "title: \x07\n")
    return tmp_path / "r"


def report(form: str, *arguments: str | Path) -> str:
    """What check prints in a format; nothing else is on standard output."""
    done = run("check", "--format", form, *arguments)
    assert done.complaints[0].endswith(("no findings", "errors", "error", "warnings", "warning", "infos", "info"))
    return done.stdout


def levels(sarif: dict[str, Any]) -> list[str]:
    return [result["level"] for result in sarif["runs"][0]["results"]]


# --- All formats ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", *FORMS])
def test_a_report_is_the_same_each_time_and_in_a_file(form: str, hostile: Path, tmp_path: Path) -> None:
    text = report(form, hostile)
    assert text
    assert report(form, hostile) == text
    output = tmp_path / "report"
    done = run("check", "--format", form, hostile, "-o", output)
    assert (done.status, done.stdout) == (1, "")
    assert output.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("form", FORMS)
def test_a_report_is_utf8_in_an_ascii_locale(form: str, hostile: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    # Without a target of KQL, no parser is started.
    done = process("check", "-t", "splunk", "--format", form, hostile, environment=ascii_only)
    assert done.stdout == run("check", "-t", "splunk", "--format", form, hostile).stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("form", FORMS)
def test_a_report_that_cannot_be_written_is_said_and_leaves_what_was_there(form: str, tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    done = run("check", "--format", form, path, "-o", path / "below")
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == f"{path}/below: cannot be written: Not a directory; choose another place with -o\n"
    assert run("check", "--format", form, path, "-o", path).status == 2, "the rules themselves"
    assert path.read_text(encoding="utf-8") == GOOD


def test_what_was_found_is_in_each_format(hostile: Path) -> None:
    found = json.loads(report("json", hostile))
    sarif = json.loads(report("sarif", hostile))
    junit = report("junit", hostile)
    text = report("text", hostile).splitlines()
    assert len(text) == len(found) == len(sarif["runs"][0]["results"])
    assert {item["code"] for item in found} >= {"load", "convert", "SigmahqStatusExistenceIssue"}
    for item, result, line in zip(found, sarif["runs"][0]["results"], text, strict=True):
        assert (item["code"], item["line"]) == (
            result["ruleId"],
            result["locations"][0]["physicalLocation"].get("region", {}).get("startLine"),
        )
        assert f"{item['severity']}[{item['code']}]: " in line
        assert f"[{item['code']}]" in junit


def test_a_clean_run_is_an_empty_report_of_each_kind() -> None:
    clean = REPOSITORY / "sigma" / "rules" / "macos"
    assert report("text", clean) == ""
    assert json.loads(report("json", clean)) == []
    assert levels(json.loads(report("sarif", clean))) == []
    assert "<failure" not in report("junit", clean)


# --- JSON -------------------------------------------------------------------------------------------------


def test_json_has_objects_of_one_shape(hostile: Path) -> None:
    keys = ["path", "line", "severity", "code", "message", "hint", "targets", "excerpt"]
    found = json.loads(report("json", hostile))
    assert {tuple(item) for item in found} == {tuple(keys)}
    assert all(item["hint"] and item["message"] for item in found)
    paths = {os.fsencode(item["path"]) for item in found}
    assert paths == {os.fsencode(path) for path in hostile.iterdir()}


# --- SARIF ------------------------------------------------------------------------------------------------


def check_sarif(log: dict[str, Any]) -> None:
    """The structure that SARIF 2.1.0 requires (OASIS, sarif-v2.1.0, the sections in brackets)."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"  # 3.13.2
    (found,) = log["runs"]
    assert set(found) == {"tool", "originalUriBaseIds", "invocations", "results"}  # all of 3.14
    driver = found["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("sigma-t1020", __version__)  # 3.19.8, 3.19.13
    ids = [each["id"] for each in driver["rules"]]
    assert ids == sorted(set(ids))  # 3.49.3; one descriptor a rule
    for each in driver["rules"]:
        for text in (
            "shortDescription",
            "fullDescription",
            "help",
        ):  # 3.49.9, 3.49.10, 3.49.13; code scanning wants all
            assert each[text]["text"]
        assert each["defaultConfiguration"]["level"] in ("error", "warning", "note")  # 3.50.3
    for base in found["originalUriBaseIds"].values():
        assert set(base) == {"description"}  # 3.14.14: the URI may be left to whoever reads it
    for invocation in found["invocations"]:
        assert invocation["executionSuccessful"] is True  # 3.20.14, required
        for note in invocation["toolExecutionNotifications"]:  # 3.20.21
            assert note["message"]["text"]  # 3.58.5, required
            assert note["descriptor"]["id"] in CODES
    for result in found["results"]:
        assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations"}
        assert ids[result["ruleIndex"]] == result["ruleId"]  # 3.27.6
        assert result["level"] in ("error", "warning", "note")  # 3.27.10
        assert result["message"]["text"]  # 3.27.11
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert set(physical) <= {"artifactLocation", "region"}
        assert physical.get("region", {"startLine": 1})["startLine"] >= 1  # 3.30.5
        uri = physical["artifactLocation"]["uri"]  # 3.4.3: a URI reference, by RFC 3986
        assert uri.isascii()
        assert not set(uri) & set(' <>"{}|\\^`\n')
        assert (urlsplit(uri).scheme == "file") == ("uriBaseId" not in physical["artifactLocation"])
        assert physical["artifactLocation"].get("uriBaseId", "%SRCROOT%") in found["originalUriBaseIds"]


@pytest.mark.parametrize("below", [True, False])
def test_sarif_has_the_structure_of_its_standard(
    below: bool, hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path if below else REPOSITORY)
    log = json.loads(report("sarif", hostile))
    check_sarif(log)
    places = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["runs"][0]["results"]
    ]
    files = {unquote_to_bytes(urlsplit(place).path if not below else place) for place in places}
    start = b"r/" if below else os.fsencode(hostile) + b"/"
    assert files == {start + os.fsencode(path.name) for path in hostile.iterdir()}


def test_sarif_levels_are_those_of_the_findings(hostile: Path) -> None:
    found = json.loads(report("json", hostile))
    names = {"error": "error", "warning": "warning", "info": "note"}
    assert levels(json.loads(report("sarif", hostile))) == [names[item["severity"]] for item in found]


def test_what_concerns_no_file_is_a_notification_in_sarif() -> None:
    absent = finding("parser-absent", Problem(None, None, "no parser", "install it"))
    log = json.loads(Report([absent], [], Severity.WARNING).render("sarif"))
    check_sarif(log)
    (note,) = log["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert note == {
        "descriptor": {"id": "parser-absent"},
        "level": "note",
        "message": {"text": "no parser; install it"},
    }
    assert log["runs"][0]["results"] == []


def test_a_run_that_fails_by_no_file_is_told_in_sarif_and_junit() -> None:
    failed = Report([finding("parser-failed", Problem(None, None, "died"))], ["a.yml"], Severity.WARNING)
    log = json.loads(failed.render("sarif"))
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False
    root = ElementTree.fromstring(failed.render("junit"))
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert root.find(".//testcase[@name='the check itself']/failure") is not None
    absent = Report([finding("parser-absent", Problem(None, None, "no parser"))], ["a.yml"], Severity.WARNING)
    root = ElementTree.fromstring(absent.render("junit"))
    assert (root.get("tests"), root.get("failures")) == ("1", "0")
    assert "info[parser-absent]: no parser; " in (root.findtext(".//testsuite/system-out") or "")


# --- JUnit ------------------------------------------------------------------------------------------------


def test_junit_has_a_case_a_file_which_fails_by_its_findings(hostile: Path, tmp_path: Path) -> None:
    put(tmp_path / "r" / "proc_creation_lnx_good.yml", "title: x\n")
    root = ElementTree.fromstring(report("junit", hostile).encode())
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    cases = list(suite.iter("testcase"))
    assert len(cases) == len(list(hostile.iterdir()))
    failed = [case for case in cases if case.find("failure") is not None]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), str(len(failed)))
    for case in failed:
        failure = case.find("failure")
        assert failure is not None
        assert failure.get("type") in ("error", "warning")
        assert failure.get("message")
        lines = (failure.text or "").splitlines()
        assert all(line.startswith(f"{case.get('name')}:") for line in lines)
    said = "".join(root.itertext())
    assert "\x1b" not in said
    assert (
        "]]> <![CDATA[ {} \\x00\\x0b\\x1b[31m\\uffff\\u2028\\r\\n\U0001f600 error[load]: e); see SigmaHQ's conventions"
        in said
    )


def test_junit_fails_from_the_bar_on_and_keeps_the_rest_as_output(tmp_path: Path) -> None:
    path = put(tmp_path / "proc_creation_win_a.yml", GOOD)
    arguments = ("check", path, "--format", "junit", "--fail-on")
    strict, lax = (ElementTree.fromstring(run(*arguments, bar).stdout) for bar in ("warning", "error"))
    assert strict.get("failures") == "1"
    assert lax.get("failures") == "0"
    assert "warning[SigmahqStatusExistenceIssue]" in (lax.findtext(".//testcase/system-out") or "")


def test_junit_has_a_case_for_each_clean_file() -> None:
    root = ElementTree.fromstring(report("junit"))
    files = {
        path.name for folder in ("rules", "correlations") for path in (REPOSITORY / "sigma" / folder).rglob("*.yml")
    }
    assert {Path(case.get("name", "")).name for case in root.iter("testcase")} == files
    assert root.get("failures") == "0"
