"""Files become rules with pySigma's objects, the lines of their parts, and a collection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rule_texts import CORRELATION, FILTER, GOOD, HEAD, PLAIN, detection, load_beside_good, of_condition
from sigma_t1020.rules.loading import load


def test_broken_documents_leave_the_others_of_the_file(tmp_path: Path) -> None:
    other = HEAD + "name: other\ndetection: {s: {Image: x}, condition: s}\n"
    text = "---\n".join([GOOD, "a: [\n", "- list\n", of_condition("nothing"), "x: 'y\n", other])
    loaded, problems = load_beside_good(tmp_path, text)
    assert [rule.data["name"] for rule in loaded.rules] == ["good", "other", "beside"]
    assert [problem.line for problem in problems] == [8, 9, 16, 18]
    assert loaded.rules[1].document.line == 20


def test_global_repeat_and_reset_mean_what_pysigma_means(tmp_path: Path) -> None:
    text = (
        "action: global\ntitle: Global\nlogsource: {product: windows}\n---\n"
        "detection: {s: {A|re: '('}, condition: s}\n---\n"
        "detection: {s: {A: b}, condition: s}\n---\n"
        "action: repeat\nlevel: high\n---\naction: reset\n---\n" + GOOD
    )
    loaded, [problem] = load_beside_good(tmp_path, text)
    assert problem.line == 5
    first, repeated, good, _ = (rule.rule for rule in loaded.rules)
    assert [first.title, repeated.title, good.title] == ["Global", "Global", "Rule"]
    assert (first.level, str(repeated.level)) == (None, "high")
    assert (loaded.rules[1].document.line, loaded.rules[1].line_of("title")) == (9, 2)


def test_rule_that_builds_on_an_unreadable_global_document_is_not_used(tmp_path: Path) -> None:
    other = HEAD + "name: other\ndetection: {s: {Image: x}, condition: s}\n"
    text = f"action: global\ntitle: [\n---\n{GOOD}---\naction: reset\n---\n{other}"
    loaded, problems = load_beside_good(tmp_path, text)
    assert [rule.data["name"] for rule in loaded.rules] == ["other", "beside"]
    assert problems[1].message == "this document builds on one that could not be read"


def test_collection_is_fresh_resolved_and_in_order(tmp_path: Path) -> None:
    text = CORRELATION + "  rules: [plain]\n  group-by: [u]\n  aliases: {u: {plain: User}}\n---\n" + PLAIN + FILTER
    loaded, problems = load_beside_good(tmp_path, text)
    assert problems == []
    assert [rule.path for rule in loaded.filters] == [str(tmp_path / "bad.yml")]
    first, second = loaded.collection(), loaded.collection(filters=())
    assert [str(rule.name) for rule in first.rules] == ["plain", "both", "beside"]
    assert {id(rule) for rule in first.rules} & {
        id(rule) for rule in (*second.rules, *(r.rule for r in loaded.rules))
    } == set()
    found = loaded.find(first.rules[1])
    assert found is not None
    assert (found.data["name"], found.document.line) == ("both", 1)
    filtered = [len(rule.detection.detections) for rule in first.rules if hasattr(rule, "detection")]
    assert filtered == [2, 2]
    filters = [list(rule.detection.detections.values())[-1] for rule in first.rules if hasattr(rule, "detection")]
    assert filters[0] is not filters[1]


def test_healthy_rules_are_those_that_pysigma_makes(tmp_path: Path) -> None:
    from sigma.collection import SigmaCollection

    text = PLAIN + of_condition("selection and not 1 of filter_*") + "---\n" + CORRELATION + "  rules: [plain]\n"
    (tmp_path / "rules.yml").write_text(text)
    loaded = load([tmp_path])
    assert loaded.problems == ()
    assert loaded.collection().rules == SigmaCollection.from_yaml(text).rules


def test_lines_of_fields_and_values(tmp_path: Path) -> None:
    text = detection(
        "  s:\n    - Image|endswith:\n        - \\a.exe\n        - \\b.exe\n    - CommandLine: 5\n  condition: s\n"
    )
    loaded, _ = load_beside_good(tmp_path, text)
    rule = loaded.rules[0]
    assert [rule.line_of_field(name) for name in ("Image", "CommandLine", "User")] == [5, 8, None]
    assert [rule.line_of_value(item) for item in ("\\b.exe", 5, "none")] == [7, 8, None]
    assert rule.line_of("detection", "condition") == 9
    assert str(rule.problem("message", line=8)) == f"{rule.path}:8: message"


def test_importing_does_not_import_pysigma() -> None:
    found = "[name for name in sys.modules if name.split('.')[0] == 'sigma']"
    code = f"import sys, sigma_t1020.rules.loading; print({found})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"
