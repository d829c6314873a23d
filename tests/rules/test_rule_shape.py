"""Bad rules become problems with a place and a next step, and never cost the good file beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from rule_texts import (
    FILTER,
    GOOD,
    HEAD,
    correlation,
    detection,
    load_beside_good,
    of_condition,
    value,
)
from sigma_t1020.problems import Problem


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
    "no Sigma": ("version: 3\nservices: {}\n", 1, "not a Sigma rule"),
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
    "number as key": (value("4688: x"), 5, "does not read the key '4688' as text"),
    "null as key": ("~: x\n", 1, "does not read the key '~' as text"),
    "list as key": ("? [a]\n: b\n", 1, "a list or mapping as a key"),
    "impossible date": (HEAD + "date: 2024-13-45\n", 3, "not a valid date"),
    "bare equals sign": (value("Image: ="), 5, "a bare ="),
    "not a number": (value("Image: .nan"), 5, "not a number a log can hold"),
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
    "nameless selection": (detection("  '': {A: b}\n  condition: 1 of x*\n"), 5, "matches no selection"),
    "timeframe": (detection("  s: {A: b}\n  timeframe: 5m\n  condition: s\n"), 5, "`timeframe`"),
    "no condition": (detection("  s: {A: b}\n"), 3, "no condition"),
    "null condition": (of_condition(""), 3, "no condition"),
    "condition a number": (of_condition("5"), 6, "the condition is a number"),
    "condition list with a number": (of_condition("[selection, 5]"), 6, "the condition is a number"),
    "condition a mapping": (of_condition("{}"), 6, "the condition is a mapping"),
    "broken condition": (of_condition("selection and (filter_a"), 6, "broken condition"),
    "two operators": (of_condition("selection and and"), 6, "broken condition"),
    "undefined selection": (of_condition("selecton"), 6, "'selecton', which is not a selection"),
    "selector of nothing": (of_condition("selection and not 1 of filter_main_*"), 6, "matches no selection"),
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
    "filter with a broken condition": (FILTER.replace("not s", "not t"), 6, "'t', which is not a selection"),
}


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


def test_unknown_modifier_and_selection_name_the_nearest(tmp_path: Path) -> None:
    _, [modifier] = load_beside_good(tmp_path, value("Image|contain: x"))
    _, [selection] = load_beside_good(tmp_path, of_condition("selecton"))
    assert (modifier.hint, selection.hint) == ("did you mean contains?", "did you mean selection?")


def test_one_rule_reports_several_faults(tmp_path: Path) -> None:
    text = "logsource: x\nlevel: extreme\ndetection:\n  s:\n    A|bad: x\n    B|worse: x\n"
    _, problems = load_beside_good(tmp_path, text)
    assert [problem.line for problem in problems] == [1, 1, 2, 3, 5, 6]


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
