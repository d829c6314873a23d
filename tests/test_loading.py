"""Bad rule files become problems with a place and a next step, and never cost the good ones beside them."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigma_t1020.loading import Loaded, load
from sigma_t1020.problems import Problem
from sigma_t1020.rule_yaml import MAX_BYTES

HEAD = "title: Rule\nlogsource: {product: windows, category: process_creation}\n"
GOOD = HEAD + "name: good\nid: 00000000-0000-4000-8000-00000000000a\ndetection: {s: {Image: x}, condition: s}\n"
PLAIN = HEAD + "name: plain\ndetection: {s: {Image: x}, condition: s}\n---\n"
CORRELATION = "title: Both\nname: both\ncorrelation:\n  type: temporal\n  timespan: 5m\n"
FILTER = "title: F\nlogsource: {product: windows}\nfilter:\n  rules: any\n  s: {Image: x}\n  condition: not s\n"


def detection(text: str) -> str:
    """A rule whose detection is `text`, which begins on line 4."""
    return HEAD + "detection:\n" + text


def of_condition(condition: str) -> str:
    """A rule with selections `selection` and `filter_a`, whose condition stands on line 6."""
    return detection(f"  selection: {{Image: x}}\n  filter_a: {{Image: y}}\n  condition: {condition}\n")


def correlation(text: str) -> str:
    """A rule named plain, and a correlation whose further keys begin on line 11."""
    return PLAIN + CORRELATION + text


def value(item: str) -> str:
    """A rule with one detection item, on line 5."""
    return detection(f"  s:\n    {item}\n  condition: s\n")


def bomb() -> str:
    rows = [f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(9)]
    return "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(rows)


# What the file holds, the line of its first problem, and words of the message.
BAD: dict[str, tuple[str | bytes, int | None, str]] = {
    "empty file": ("", None, "the file is empty"),
    "only comments": ("# nothing\n", None, "the file is empty"),
    "only null documents": ("---\n---\n", None, "the file is empty"),
    "binary file": (b"\x7fELF\x00\x01\x02\xff", None, "binary"),
    "NUL in text": ("title: a\0b\n", None, "binary"),
    "not UTF-8": (b"title: x\nauthor: M\xfcller\n", 2, "not UTF-8"),
    "control character": ("title: x\nauthor: \x1b[31m\n", 2, "U+001B"),
    "list": ("- a\n- b\n", 1, "a list, not a Sigma rule"),
    "scalar": ("hello\n", 1, "a text, not a Sigma rule"),
    "number": ("5\n", 1, "a number, not a Sigma rule"),
    "no Sigma": ("version: 3\nservices: {}\n", 1, "no Sigma rule"),
    "syntax error": (HEAD + "detection:\n  s: [a\n", 4, "not valid YAML"),
    "colon in a value": (HEAD + "description: a: b\n", 3, "mapping values are not allowed"),
    "tab": (detection("\ts:\n\t\tImage: b\n"), 4, "a tab in the indentation"),
    "tab after spaces": (detection("  s:\n\t  Image: b\n"), 5, "a tab in the indentation"),
    "escape in double quotes": (value('Image: "C:\\Users\\x"'), 5, "not valid YAML"),
    "duplicate key": (GOOD + "title: again\n", 6, "duplicate key 'title', first on line 1"),
    "duplicate field": (value("Image: a\n    Image: b"), 6, "duplicate key 'Image', first on line 5"),
    "alias bomb": (bomb(), 4, "aliases that expand"),
    "alias of itself": ("a: &a [*a]\n", 1, "contains itself"),
    "unquoted wildcard": (value("Image: *curl"), 5, "alias *curl is not defined"),
    "Python tag": ("a: !!python/object/apply:os.system ['ls']\n", 1, "tag !!python/object/apply:os.system"),
    "number as key": (value("4688: x"), 5, "key '4688' is not text"),
    "null as key": ("~: x\n", 1, "key '~' is not text"),
    "list as key": ("? [a]\n: b\n", 1, "a list or mapping as a key"),
    "impossible date": (HEAD + "date: 2024-13-45\n", 3, "no valid date"),
    "bare equals sign": (value("Image: ="), 5, "a bare ="),
    "not a number": (value("Image: .nan"), 5, "no number a log can hold"),
    "no title": (GOOD.split("\n", 1)[1], 1, "must have a title"),
    "long title": (GOOD.replace("Rule", "x" * 300), 1, "title length"),
    "no logsource": (GOOD.replace("logsource", "log"), 1, "no logsource"),
    "logsource a text": ("title: x\nlogsource: x\ndetection: {s: {A: b}, condition: s}\n", 2, "logsource is a text"),
    "logsource a list": ("title: x\nlogsource: []\ndetection: {s: {A: b}, condition: s}\n", 2, "logsource is a list"),
    "logsource empty": ("title: x\nlogsource: {}\ndetection: {s: {A: b}, condition: s}\n", 2, "no category"),
    "logsource of a number": ("title: x\nlogsource: {product: 0}\ndetection: {s: {A: b}, condition: s}\n", 2, "number"),
    "id a number": (HEAD + "id: 5\ndetection: {s: {A: b}, condition: s}\n", 3, "the id is a number"),
    "id no UUID": (HEAD + "id: five\ndetection: {s: {A: b}, condition: s}\n", 3, "must be an UUID"),
    "tags a number": (GOOD + "tags: 3\n", 6, "tags"),
    "tag without a dot": (GOOD + "tags: [exfiltration]\n", 6, "namespace"),
    "date nonsense": (GOOD + "date: nonsense\n", 6, "date 'nonsense' is invalid"),
    "level": (GOOD + "level: extreme\n", 6, "'extreme' is not a valid"),
    "level a list": (GOOD + "level: [high]\n", 6, "level must be a string"),
    "status a list": (GOOD + "status: []\n", 6, "status"),
    "related": (GOOD + "related: [5]\n", 6, "related"),
    "related with numbers": (GOOD + "related: [{id: 5, type: 5}]\n", 6, "related"),
    "fields of a number": (GOOD + "fields: [Image, 5]\n", 6, "`fields`"),
    "name a number": (HEAD + "name: 5\ndetection: {s: {A: b}, condition: s}\n", 1, "name must be a string"),
    "no detection": (HEAD, 1, "no detection"),
    "detection a list": (HEAD + "detection: []\n", 3, "`detection` is a list"),
    "detection a number": (HEAD + "detection: 5\n", 3, "`detection` is a number"),
    "detection nothing": (HEAD + "detection:\n", 3, "`detection` is nothing"),
    "no selection": (detection("  condition: s\n"), 3, "no selection"),
    "empty selection": (detection("  s: {}\n  condition: s\n"), 4, "`s` is empty"),
    "null selection": (detection("  s:\n  condition: s\n"), 4, "`s` is empty"),
    "empty mapping in a list": (detection("  s:\n    - A: b\n    - {}\n  condition: s\n"), 6, "is empty"),
    "value a mapping": (value("Image: {a: b}"), 5, "is a mapping"),
    "value a date": (value("Image: 2024-01-01"), 5, "is a date"),
    "unknown modifier": (value("Image|contain: x"), 5, "unknown modifier 'contain'"),
    "second item": (value("Image: x\n    CommandLine|ends: x"), 6, "unknown modifier 'ends'"),
    "broken regex": (value("Image|re: '(('"), 5, "'Image|re'"),
    "regex a number": (value("Image|re: 5"), 5, "regular expression"),
    "regex repetition": (value("Image|re: a{99999999999}"), 5, "'Image|re'"),
    "regex nested deep": (value(f"Image|re: '{'(' * 4000}{')' * 4000}'"), 5, "'Image|re'"),
    "modifier and value": (value("Image|contains: 5"), 5, "'Image|contains'"),
    "cidr": (value("DestinationIp|cidr: nonsense"), 5, "'DestinationIp|cidr'"),
    "windash": (value(f"CommandLine|windash|contains: '{' -a' * 20}'"), 3, "too much to expand"),
    "nameless selection": (detection("  '': {A: b}\n  condition: 1 of x*\n"), 5, "stands for no selection"),
    "timeframe": (detection("  s: {A: b}\n  timeframe: 5m\n  condition: s\n"), 5, "`timeframe`"),
    "no condition": (detection("  s: {A: b}\n"), 3, "no condition"),
    "null condition": (of_condition(""), 3, "no condition"),
    "condition a number": (of_condition("5"), 6, "the condition is a number"),
    "condition list with a number": (of_condition("[selection, 5]"), 6, "the condition is a number"),
    "condition a mapping": (of_condition("{}"), 6, "the condition is a mapping"),
    "broken condition": (of_condition("selection and (filter_a"), 6, "broken condition"),
    "two operators": (of_condition("selection and and"), 6, "broken condition"),
    "undefined selection": (of_condition("selecton"), 6, "'selecton', which is no selection"),
    "selector of nothing": (of_condition("selection and not 1 of filter_main_*"), 6, "stands for no selection"),
    "aggregation": (of_condition("selection | count() > 5"), 6, "aggregation"),
    "condition of brackets": (
        of_condition("(" * 2000 + "selection" + ")" * 2000),
        6,
        "brackets nested more than 30 deep",
    ),
    "condition of nots": (of_condition("not " * 1200 + "selection"), 6, "nested too deep"),
    "condition too long": (of_condition(" or ".join(["selection"] * 50_000)), 3, "too much to expand"),
    "unknown action": ("action: merge\n" + GOOD, 1, "unknown action 'merge'"),
    "only a global document": ("action: global\n" + HEAD, None, "only a global document"),
    "correlation a number": ("title: x\ncorrelation: 5\n", 2, "`correlation` is a number"),
    "correlation empty": ("title: x\ncorrelation: {}\n", 2, "correlation"),
    "correlation with detection": (GOOD + "correlation: {}\n", 6, "both correlation and detection"),
    "correlation type": (correlation("  rules: [plain]\n").replace("temporal", "temporary"), 9, "'temporary'"),
    "rules a mapping": (correlation("  rules: {}\n"), 11, "`rules`"),
    "rules of numbers": (correlation("  rules: [5]\n"), 11, "`rules`"),
    "no rules": (correlation("  rules: []\n"), 11, "`rules`"),
    "timespan a number": (correlation("  rules: [plain]\n").replace("5m", "5"), 10, "Timespan '5'"),
    "group-by a mapping": (correlation("  rules: [plain]\n  group-by: {}\n"), 12, "`group-by`"),
    "group_by": (correlation("  rules: [plain]\n  group_by: [User]\n"), 12, "unknown key 'group_by'"),
    "aliases a list": (correlation("  rules: [plain]\n  aliases: [a]\n"), 12, "`aliases`"),
    "alias of an unknown rule": (correlation("  rules: [plain]\n  aliases: {u: {other: User}}\n"), 12, "'other'"),
    "count no number": (
        correlation("  rules: [plain]\n  condition: {gte: x}\n").replace("temporal", "event_count"),
        12,
        "`gte` is not a whole number",
    ),
    "value count without a field": (
        correlation("  rules: [plain]\n  condition: {gte: 5}\n").replace("temporal", "value_count"),
        12,
        "without field",
    ),
    "extended condition": (correlation("  condition: plain and (\n"), 11, "extended condition"),
    "extended condition of an unknown rule": (correlation("  condition: plain and other\n"), 11, "'other'"),
    "dangling reference": (correlation("  rules: [plain, other]\n"), 11, "'other', which is not among"),
    "dangling id": (correlation("  rules: [00000000-0000-4000-8000-0000000000ff]\n"), 11, "is not among"),
    "reference to itself": (correlation("  rules: [plain, both]\n"), 11, "refers to itself"),
    "filter a list": ("title: f\nlogsource: {product: windows}\nfilter: []\n", 3, "`filter` is a list"),
    "filter without rules": (FILTER.replace("  rules: any\n", ""), 3, "`rules`"),
    "filter with rules of numbers": (FILTER.replace("any", "[5]"), 4, "`rules`"),
    "filter without condition": (FILTER.replace("condition", "con"), 3, "no condition"),
    "filter with a broken condition": (FILTER.replace("not s", "not t"), 6, "'t', which is no selection"),
}

# Inputs made to cost time or memory; whether they load is not the point.
HOSTILE: dict[str, str] = {
    "brackets": "[" * 100_000,
    "nested blocks": "".join(" " * n + "a:\n" for n in range(400)),
    "number of a million digits": "a: 1" + ":59" * 1_000_000,
    "documents": "---\n5\n" * 400_000,
    "empty documents": "---\n" * 400_000,
    "empty lists": "[" + "[]," * 1_000_000 + "]",
    "list items": "- a\n" * 1_000_000,
    "anchors": "".join(f"a{n}: &a{n} x\n" for n in range(150_000)),
    "key of a million characters": "a" * 1_000_000 + ": x",
    "directives": "%a\n" * 1_000_000,
    "broken documents": "---\n[\n" * 100_000,
    "value of wildcards": value("Image|contains: '" + "*\\" * 400_000 + "'"),
    "value of a million letters": value("Image|base64offset|contains: '" + "x" * 1_000_000 + "'"),
    "long regex": value("Image|re: '" + "(a|b)?" * 400_000 + "'"),
    "wildcards in a selector": detection(f"  {'a' * 900}: {{A: b}}\n  condition: 1 of {'*a' * 30}*b\n"),
    "condition that multiplies": detection(
        "".join(f"  s{n}: {{A: b}}\n" for n in range(3000)) + f"  condition: {' and '.join(['1 of them'] * 300)}\n"
    ),
    "variants": value("A|windash:\n" + "      - ' -a -b -c -d'\n" * 30),
    "many rules of variants": "---\n".join([value("A|windash: ' -a -b -c -d -e -f'")] * 4000),
    "many long conditions": "---\n".join([of_condition(" or ".join(["selection"] * 300))] * 1500),
    "many regexes": "---\n".join([value("A|re: '" + "(a|b)?" * 1500 + "'")] * 500),
    "many aliases": "---\n".join(["a: &a [" + "x," * 99 + "]\nb: [" + "*a," * 99 + "]\n"] * 4000),
    "global document of many values": "action: global\ndetection:\n  s:\n    A:\n"
    + "      - x\n" * 20_000
    + "".join(f"---\ntitle: x{n}\nlogsource: {{product: x}}\ndetection: {{condition: s}}\n" for n in range(4000)),
    "repeated document": of_condition("selection") + "".join(f"---\naction: repeat\nx{n}: y\n" for n in range(4000)),
    "correlations that double": "---\n".join(
        [PLAIN[:-4].replace("plain", "c0")]
        + [f"title: c\nname: c{n}\ncorrelation: {{type: temporal, timespan: 5m, rules: [c{n - 1}, c{n - 1}]}}\n"
           for n in range(1, 2000)]
    ),
    "chain of correlations": "---\n".join(
        f"title: c\nname: c{n}\ncorrelation: {{type: temporal, timespan: 5m, rules: [c{n + 1}]}}\n" for n in range(4000)
    ),
    "merges": "".join(
        f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: x}}\n" if n else "a0: &a0 {k: x}\n" for n in range(30)
    ),
}  # fmt: skip


def load_beside_good(tmp_path: Path, content: str | bytes) -> tuple[Loaded, list[Problem]]:
    """Load a file with that content beside a good one; the good one loads, within five seconds."""
    bad, good = tmp_path / "bad.yml", tmp_path / "good.yml"
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    good.write_text(GOOD.replace("00a", "00b").replace("name: good", "name: beside"))
    start = time.process_time()  # others may use this machine too
    loaded = load([bad, good])
    assert time.process_time() - start < 5
    assert str(good) in [rule.path for rule in loaded.rules]
    assert [problem.path for problem in loaded.problems if problem.path != str(bad)] == []
    loaded.collection()
    assert time.process_time() - start < 5
    return loaded, list(loaded.problems)


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_reported_with_its_place_and_costs_no_other_file(name: str, tmp_path: Path) -> None:
    content, line, words = BAD[name]
    _, problems = load_beside_good(tmp_path, content)
    assert problems, "no problem was reported"
    matching = [problem for problem in problems if words in problem.message]
    assert matching, [str(problem) for problem in problems]
    assert matching[0].line == line, str(matching[0])
    place = f"{tmp_path / 'bad.yml'}{'' if line is None else f':{line}'}: "
    assert str(matching[0]).startswith(place)
    assert matching[0].hint
    assert str(matching[0]).isprintable()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_ends_within_five_seconds(name: str, tmp_path: Path) -> None:
    load_beside_good(tmp_path, HOSTILE[name])


def test_unknown_modifier_and_selection_name_the_nearest(tmp_path: Path) -> None:
    _, [modifier] = load_beside_good(tmp_path, value("Image|contain: x"))
    _, [selection] = load_beside_good(tmp_path, of_condition("selecton"))
    assert (modifier.hint, selection.hint) == ("did you mean contains?", "did you mean selection?")


def test_one_rule_reports_several_faults(tmp_path: Path) -> None:
    text = "logsource: x\nlevel: extreme\ndetection:\n  s:\n    A|bad: x\n    B|worse: x\n"
    _, problems = load_beside_good(tmp_path, text)
    assert [problem.line for problem in problems] == [1, 1, 2, 3, 5, 6]


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


def test_circular_correlations_are_named(tmp_path: Path) -> None:
    text = "---\n".join(
        f"title: {name}\nname: {name}\ncorrelation:\n  type: temporal\n  timespan: 5m\n  rules: [{other}]\n"
        for name, other in (("a", "b"), ("b", "c"), ("c", "b"))
    )
    _, problems = load_beside_good(tmp_path, text)
    assert [(problem.line, problem.message.split(": ")[1]) for problem in problems] == [
        (6, "a → b → c → b"),
        (13, "b → c → b"),
        (20, "c → b → c"),
    ]


def test_correlation_of_a_broken_rule_says_so(tmp_path: Path) -> None:
    text = HEAD + "name: broken\n---\n" + CORRELATION + "  rules: [broken]\n---\n"
    text += CORRELATION.replace("both", "above") + "  rules: [both]\n"
    loaded, problems = load_beside_good(tmp_path, text)
    assert [problem.line for problem in problems] == [1, 10, 17]
    assert problems[1].message == f"refers to 'broken', which cannot be used ({tmp_path / 'bad.yml'}:1)"
    assert "cannot be used" in problems[2].message
    assert len(loaded.rules) == 1


def test_duplicate_id_is_reported_and_the_first_is_kept(tmp_path: Path) -> None:
    loaded, [problem] = load_beside_good(
        tmp_path, GOOD + "---\n" + GOOD.replace("Rule", "Second").replace("000a", "000A")
    )
    assert problem.line == 10
    assert problem.message.endswith(f"first in {tmp_path / 'bad.yml'}:1")
    assert [rule.rule.title for rule in loaded.rules] == ["Rule", "Rule"]


def test_name_that_two_rules_have_cannot_be_referred_to(tmp_path: Path) -> None:
    _, [problem] = load_beside_good(tmp_path, PLAIN + PLAIN + CORRELATION + "  rules: [plain]\n")
    assert (problem.line, "several rules" in problem.message) == (16, True)


def test_files_that_cannot_be_read_are_reported_at_once(tmp_path: Path) -> None:
    good = tmp_path / "good.yml"
    good.write_text(GOOD)
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "dangling.yml").symlink_to("nowhere.yml")
    (tmp_path / "loop.yml").symlink_to("loop.yml")
    (tmp_path / "empty").mkdir()
    paths = {
        str(tmp_path / "missing.yml"): "No such file",
        str(tmp_path / "dangling.yml"): "No such file",
        str(tmp_path / "loop.yml"): "symbolic links",
        str(good / "x.yml"): "Not a directory",
        str(tmp_path / ("x" * 300)): "too long",
        str(tmp_path / "nul\0.yml"): "null",
        str(tmp_path / "pipe.yml"): "a pipe",
        "/dev/zero": "device",
        str(tmp_path / "empty"): "no .yml or .yaml files",
    }
    start = time.monotonic()
    loaded = load([*paths, good])
    assert time.monotonic() - start < 5
    assert [rule.path for rule in loaded.rules] == [str(good)]
    found = {problem.path: problem for problem in loaded.problems}
    assert {path: words in found[path].message for path, words in paths.items()} == dict.fromkeys(paths, True)
    assert [problem for problem in loaded.problems if not problem.hint or not str(problem).isprintable()] == []


def test_unreadable_entries_of_a_folder_are_reported_and_the_rest_loads(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "dangling.yml").symlink_to("nowhere.yml")
    (tmp_path / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.yaml")
    loaded = load([tmp_path])
    assert len(loaded.rules) == 1
    assert [problem.path for problem in loaded.problems] == [
        str(tmp_path / "dangling.yml"),
        str(tmp_path / "pipe.yaml"),
    ]


def test_unreadable_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not stop root, so the refusal is the system call's."""
    (tmp_path / "good.yml").write_text(GOOD)
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    loaded = load([tmp_path])
    assert len(loaded.rules) == 1
    assert [str(problem) for problem in loaded.problems] == [
        f"{tmp_path / 'locked'}: cannot be read: Permission denied; check its permissions"
    ]


def test_folders_are_searched_sorted_and_each_file_is_read_once(tmp_path: Path) -> None:
    for name in ("b/z.yml", "a.YAML", "b/a.yaml", "c/.hidden/x.yml", "c/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLAIN)
    (tmp_path / "c" / "link.yml").symlink_to(tmp_path / "b" / "z.yml")
    loaded = load([tmp_path / "b" / "z.yml", tmp_path, tmp_path / "b"])
    assert loaded.problems == ()
    assert [Path(rule.path).relative_to(tmp_path).as_posix() for rule in loaded.rules] == [
        "b/z.yml",
        "a.YAML",
        "b/a.yaml",
    ]


def test_nothing_to_load_is_a_problem() -> None:
    assert [str(problem) for problem in load([]).problems] == [
        "no rules were given; name rule files or folders, or - for stdin"
    ]


def test_stdin_is_read_with_its_own_name() -> None:
    loaded = load(["-"], stdin=io.BytesIO(GOOD.encode() + b"---\n- x\n"))
    assert [rule.path for rule in loaded.rules] == ["<stdin>"]
    assert [str(problem).split(":")[:2] for problem in loaded.problems] == [["<stdin>", "7"]]


def test_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    _, [problem] = load_beside_good(tmp_path, "# " + "x" * MAX_BYTES)
    assert "more than 5 MiB" in problem.message


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


def test_message_shows_no_control_characters_and_no_endless_value(tmp_path: Path) -> None:
    _, [problem] = load_beside_good(tmp_path, GOOD + 'level: "\\e[31m\\u202e' + "x" * 9999 + '"\n')
    assert str(problem).isprintable()
    assert len(str(problem)) < 1000
    assert "\n" not in str(Problem("a\nb.yml", 1, "c\nd"))


def test_problems_sort_by_path_and_line() -> None:
    problems = [
        Problem("b", 1, "x"),
        Problem("a", 10, "x"),
        Problem("a", 9, "x"),
        Problem("a", None, "x"),
        Problem(None, None, "x"),
    ]
    assert [(p.path, p.line) for p in sorted(problems)] == [(None, None), ("a", None), ("a", 9), ("a", 10), ("b", 1)]


def test_importing_does_not_import_pysigma() -> None:
    import subprocess

    code = "import sys, sigma_t1020.loading; print([name for name in sys.modules if name.split('.')[0] == 'sigma'])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"


def test_thousand_rules_load_in_seconds(tmp_path: Path) -> None:
    rule = of_condition("selection and not 1 of filter_*").replace("title: Rule", "title: Rule {n}\nname: r{n}")
    for n in range(1000):
        (tmp_path / f"{n}.yml").write_text(rule.replace("{n}", str(n)))
    start = time.monotonic()
    loaded = load([tmp_path])
    loaded.collection()
    assert time.monotonic() - start < 10
    assert (len(loaded.rules), loaded.problems) == (1000, ())


KEYS = st.sampled_from(
    [
        *(
            "title",
            "id",
            "name",
            "logsource",
            "product",
            "detection",
            "condition",
            "selection",
            "Image|re",
            "Image|cidr",
        ),
        *(
            "A|windash",
            "A|base64offset|contains",
            "|all",
            "correlation",
            "filter",
            "rules",
            "type",
            "timespan",
            "group-by",
        ),
        *(
            "aliases",
            "gte",
            "field",
            "action",
            "tags",
            "date",
            "level",
            "related",
            "status",
            "fields",
            "generate",
            "x",
            "",
            "_x",
        ),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.text(max_size=8),
    st.sampled_from(
        ["selection", "1 of *", "not x", "temporal", "5m", "global", "repeat", "x", "any", "(", "|", "windows"]
    ),
)
STRUCTURES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=5), max_leaves=12
)
RULES = st.fixed_dictionaries(
    {"title": st.just("x") | STRUCTURES, "logsource": st.just({"product": "x"}) | STRUCTURES},
    optional={
        "detection": st.dictionaries(KEYS, STRUCTURES, max_size=4) | STRUCTURES,
        "correlation": st.dictionaries(KEYS, STRUCTURES, max_size=6) | STRUCTURES,
        "filter": st.dictionaries(KEYS, STRUCTURES, max_size=4) | STRUCTURES,
        "action": st.sampled_from(["global", "repeat", "reset"]) | STRUCTURES,
        "name": st.just("x") | STRUCTURES,
        "id": STRUCTURES,
        "tags": STRUCTURES,
        "related": STRUCTURES,
        "date": STRUCTURES,
    },
)


@settings(max_examples=300, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(RULES | STRUCTURES, max_size=4))
def test_no_structure_raises(documents: list[object]) -> None:
    import yaml

    loaded = load(["-"], stdin=io.BytesIO(yaml.safe_dump_all(documents, allow_unicode=True).encode()))
    assert loaded.rules or loaded.filters or loaded.problems
    loaded.collection()
    assert [problem for problem in loaded.problems if not str(problem).isprintable()] == []


@settings(max_examples=300, deadline=5000)
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise(raw: bytes) -> None:
    loaded = load(["-"], stdin=io.BytesIO(raw))
    assert loaded.rules == ()
    assert loaded.problems
