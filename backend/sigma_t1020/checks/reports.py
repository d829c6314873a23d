"""Reports: how findings are printed, as lines of text, JSON, SARIF for code scanning or JUnit for build servers.

The same findings give the same bytes: no times, and no absolute paths of what lies below the current folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sigma_t1020 import __version__
from sigma_t1020.checks.findings import CODES, Finding, Severity, at_least
from sigma_t1020.problems import printable
from sigma_t1020.resources import near
from sigma_t1020.targets import TARGETS

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_SARIF_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Report:
    """What was checked and what was found. `files` are the rule files; `fail_on` says from what on a file fails."""

    findings: Sequence[Finding]
    files: Sequence[str]
    fail_on: Severity

    def render(self, form: str) -> str:
        """The report as text, json, sarif or junit, empty or with a final newline."""
        render = {"text": self._text, "json": self._json, "sarif": self._sarif, "junit": self._junit}[form]
        return render()

    def _text(self) -> str:
        return "".join(f"{as_line(item)}\n" for item in self.findings)

    def _json(self) -> str:
        return _dumped([_as_json(item) for item in self.findings])

    def _sarif(self) -> str:
        """SARIF 2.1.0 (OASIS). What concerns no file is a notification: code scanning refuses results without one."""
        rules = sorted({item.code: item for item in self.findings if item.path is not None}.items())
        numbers = {code: number for number, (code, _item) in enumerate(rules)}
        of_the_run = [item for item in self.findings if item.path is None]
        run = {
            "tool": {
                "driver": {
                    "name": "sigma-t1020",
                    "version": __version__,
                    "rules": [_sarif_rule(item) for _code, item in rules],
                }
            },
            "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The folder in which the check was run."}}},
            "invocations": [
                {
                    "executionSuccessful": not at_least(of_the_run, Severity.ERROR),
                    "toolExecutionNotifications": [
                        {
                            "descriptor": {"id": item.code},
                            "level": _SARIF_LEVELS[item.severity],
                            "message": {"text": _sentence(item)},
                        }
                        for item in of_the_run
                    ],
                }
            ],
            "results": [
                _sarif_result(item, item.path, numbers[item.code]) for item in self.findings if item.path is not None
            ],
        }
        return _dumped({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})

    def _junit(self) -> str:
        """A test suite with a case for each file, which fails by findings of at least `fail_on`.

        What concerns no file is output of the suite, or where the run fails by it a case of its own.
        """
        by_file: dict[str, list[Finding]] = {file: [] for file in self.files}
        for item in self.findings:
            if item.path is not None:
                by_file.setdefault(item.path, []).append(item)
        cases = [_junit_case(near(path), found, self.fail_on) for path, found in sorted(by_file.items())]
        other = [item for item in self.findings if item.path is None]
        if at_least(other, self.fail_on):
            cases.append(_junit_case("the check itself", other, self.fail_on))
            other = []
        failed = sum("<failure" in case for case in cases)
        counts = f'tests="{len(cases)}" failures="{failed}" errors="0" time="0"'
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<testsuites {counts}>\n"
            f'  <testsuite name="sigma-t1020 check" {counts}>\n'
            f"{''.join(cases)}{_junit_output(other, '    ')}"
            "  </testsuite>\n"
            "</testsuites>\n"
        )


def summary(rules: int, filters: int, findings: Sequence[Finding]) -> str:
    """`13 rules, 0 filters: no findings`, or how many of each severity."""
    words = {Severity.ERROR: "errors", Severity.WARNING: "warnings", Severity.INFO: "infos"}
    counts = {severity: sum(item.severity is severity for item in findings) for severity in Severity}
    found = [f"{count} {words[severity][: -1 if count == 1 else None]}" for severity, count in counts.items() if count]
    return f"{rules} rules, {filters} filters: {', '.join(found) or 'no findings'}"


def as_line(item: Finding) -> str:
    """`path:line: error[code]: message; hint`, on one line and without what a terminal would act upon."""
    place = "" if item.path is None else printable(near(item.path)) + (f":{item.line}" if item.line else "") + ": "
    return f"{place}{item.severity.value}[{item.code}]: {_sentence(item)[:600]}"


def _sentence(item: Finding) -> str:
    """What is wrong, in which query, and what to do."""
    # A refusal by every target needs no names.
    targets = ", ".join(item.targets) if item.excerpt or len(item.targets) < len(TARGETS) else ""
    where = ": ".join(part for part in (targets, item.excerpt) if part)
    return printable(f"{item.message}{f' ({where})' if where else ''}; {item.hint}")


def _as_json(item: Finding) -> dict[str, Any]:
    return {
        "path": None if item.path is None else near(item.path),
        "line": item.line,
        "severity": item.severity.value,
        "code": item.code,
        "message": item.message,
        "hint": item.hint,
        "targets": list(item.targets),
        "excerpt": item.excerpt,
    }


def _dumped(value: Any) -> str:
    """JSON with a final newline. A name that is no UTF-8 has lone surrogates, which only an escape can say."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


def _sarif_rule(item: Finding) -> dict[str, Any]:
    """A code, by one of its findings. Code scanning wants both descriptions, and help."""
    if item.code in CODES:
        description, help_ = CODES[item.code].description, CODES[item.code].hint
    elif item.targets:
        checkers = (TARGETS[name].fullest.dialect.checker for name in item.targets)
        parser = next(checker.title for checker in checkers if checker)
        description, help_ = f"{item.code} of {parser}", "the message is about a query of the rule"
    else:
        description, help_ = item.message.partition(" (")[0], item.hint
    return {
        "id": item.code,
        "shortDescription": {"text": printable(description)},
        "fullDescription": {"text": printable(f"{description}.")},
        "help": {"text": printable(f"{description}; {help_}.")},
        "defaultConfiguration": {"level": _SARIF_LEVELS[item.severity]},
    }


def _sarif_result(item: Finding, path: str, number: int) -> dict[str, Any]:
    region = {"region": {"startLine": item.line}} if item.line else {}
    return {
        "ruleId": item.code,
        "ruleIndex": number,
        "level": _SARIF_LEVELS[item.severity],
        "message": {"text": _sentence(item)},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(path), **region}}],
    }


def _artifact(path: str) -> Mapping[str, str]:
    """Where a file is: relative to the current folder if it lies below, else with its full path."""
    # Without following links: a file is where the user sees it.
    full = Path(os.path.abspath(path))  # noqa: PTH100
    if full.is_relative_to(Path.cwd()):
        return {"uri": quote(os.fsencode(full.relative_to(Path.cwd()).as_posix())), "uriBaseId": "%SRCROOT%"}
    return {"uri": full.as_uri()}


def _junit_case(name: str, found: Sequence[Finding], fail_on: Severity) -> str:
    failures = at_least(found, fail_on)
    others = [item for item in found if item not in failures]
    body = ""
    if failures:
        worst = min((item.severity for item in failures), key=lambda severity: severity.rank)
        first = f"{failures[0].code}: {failures[0].message}" + (f", and {len(failures) - 1} more" * (len(failures) > 1))
        text = _xml("\n".join(map(as_line, failures)))
        body += f"      <failure type={_attribute(worst.value)} message={_attribute(first)}>{text}</failure>\n"
    body += _junit_output(others, "      ")
    head = f"<testcase classname={_attribute('sigma-t1020.check')} name={_attribute(name)} time={_attribute('0')}"
    return f"    {head}>\n{body}    </testcase>\n" if body else f"    {head}/>\n"


def _junit_output(found: Iterable[Finding], indent: str) -> str:
    text = _xml("\n".join(map(as_line, found)))
    return f"{indent}<system-out>{text}</system-out>\n" if text else ""


def _xml(text: str) -> str:
    """Text as XML; what is not printable, which XML forbids in part, is an escape but for the ends of lines."""
    lines = (printable(line) for line in text.split("\n"))
    return "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(text: str) -> str:
    return '"' + _xml(printable(text)).replace('"', "&quot;") + '"'
