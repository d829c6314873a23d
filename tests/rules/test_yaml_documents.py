"""YAML is read as yaml.safe_load reads it, with lines, and what a rule never needs is refused by name."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import volumes
import yaml
from hypothesis import given
from hypothesis import strategies as st
from processor import processor_seconds
from sigma_t1020.rules.yaml_composer import MAX_ALIASED, MAX_DEPTH
from sigma_t1020.rules.yaml_documents import MAX_DOCUMENTS, RuleYamlError, decode, parse

TEXT = """\
# a comment
title: x
detection:
    selection:
        CommandLine|re: 'a'
        Image|endswith:
            - \\a.exe
            - \\b.exe
    list:
        - {a: 1}
        - b: 2
          c: 3
    condition: selection
---
title: second
"""


def only_problem(text: str) -> tuple[int | None, str, str]:
    """Line, message and hint of the one document of the text."""
    [document] = parse(text, "x.yml")
    assert document.data is None
    assert document.problem is not None
    assert document.problem.path == "x.yml"
    return document.problem.line, document.problem.message, document.problem.hint


def test_lines_of_keys_items_and_documents() -> None:
    first, second = parse(TEXT)
    lines = {
        (): 2,
        ("title",): 2,
        ("detection", "selection"): 4,
        ("detection", "selection", "CommandLine|re"): 5,
        ("detection", "selection", "Image|endswith", 1): 8,
        ("detection", "list", 0, "a"): 10,
        ("detection", "list", 1, "c"): 12,
    }
    assert {path: first.line_of(*path) for path in lines} == lines
    assert {path: first.find(*path) for path in lines} == lines
    assert (first.line, second.line, second.line_of("title")) == (2, 15, 15)


def test_path_that_ends_early_gives_the_line_of_its_last_part() -> None:
    document = parse(TEXT)[0]
    paths: list[tuple[str | int, ...]] = [
        ("none",),
        ("detection", "selection", "none", "x"),
        ("detection", "selection", "Image|endswith", 9),
        ("title", "x"),
    ]
    assert [document.line_of(*path) for path in paths] == [2, 4, 6, 2]
    assert [document.find(*path) for path in paths] == [None] * 4


def test_values_are_those_of_safe_load() -> None:
    text = "a: 1\nb: 1.5\nc: yes\nd: ~\ne: 2024-01-31\nf: '1'\ng: 0x10\nh: 1:30\ni:\nj: !!str 5\nk: |\n  x\n  y\n"
    assert parse(text)[0].data == yaml.safe_load(text)
    assert parse(text)[0].data["e"] == datetime.date(2024, 1, 31)


def test_aliases_and_merges_are_those_of_safe_load() -> None:
    text = "base: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\nagain: *b\nboth:\n  <<: [*b, {z: 1}]\n"
    [document] = parse(text)
    assert document.data == yaml.safe_load(text)
    assert [document.line_of("own", key) for key in ("x", "y")] == [1, 4]


REFUSED = {
    "duplicate key": ("a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a', first on line 1"),
    "duplicate in flow": ("a: {b: 1, b: 2}\n", 1, "duplicate key 'b'"),
    "duplicate deep": ("a:\n  - b:\n      c: 1\n      c: 2\n", 4, "duplicate key 'c', first on line 3"),
    "duplicate merge": ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", 4, "duplicate key '<<'"),
    "merge of a text": ("a:\n  <<: x\n", 2, "expected a mapping"),
    "endless alias": ("a: &a\n  b: *a\n", 2, "contains itself"),
    "endless alias in a list": ("&a [*a]\n", 1, "contains itself"),
    "unknown alias": ("a: *b\n", 1, "*b is not defined"),
    "too deep": ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), 1, "nested more than"),
    "integer key": ("a:\n  1: x\n", 2, "does not read the key '1' as text"),
    "boolean key": ("on: x\n", 1, "does not read the key 'on' as text"),
    "null key": ("a: 1\nnull: x\n", 2, "does not read the key 'null' as text"),
    "date key": ("2024-01-01: x\n", 1, "does not read the key '2024-01-01' as text"),
    "alias of a list as key": ("a: &a [x]\n*a : y\n", 2, "a list or mapping as a key"),
    "mapping as key": ("{a: b}: c\n", 1, "a list or mapping as a key"),
    "Python object": ("a: !!python/object:x.Y {}\n", 1, "!!python/object:x.Y"),
    "Python name": ("a: !!python/name:os.system\n", 1, "!!python/name:os.system"),
    "own tag": ("a: 1\nb: !vault x\n", 2, "!vault"),
    "binary tag": ("a: !!binary aGk=\n", 1, "!!binary"),
    "set": ("a: !!set {x}\n", 1, "!!set"),
    "wrong integer": ("a: !!int x\n", 1, "'x' is not a valid int"),
    "wrong boolean": ("a: !!bool x\n", 1, "'x' is not a valid bool"),
    "wrong date": ("a: 2024-02-31\n", 1, "'2024-02-31' is not a valid date"),
    "infinity": ("a: -.inf\n", 1, "not a number a log can hold"),
    "long number": ("a: " + "1" * 5000 + "\n", 1, "a number of 5,000 digits"),
    "tab": ("a:\n\tb: c\n", 2, "a tab in the indentation"),
    "control character": ("a: 1\nb: \x07\n", 2, "U+0007"),
    "lone surrogate": ("a: \ud800\n", 1, "U+D800"),
    "unclosed quote": ("a: 1\nb: 'x\nc: d\n", 2, "not valid YAML"),
    "unknown directive": ("%YAML 9.9\n---\na: 1\n", 1, "not valid YAML"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_names_the_cause_its_line_and_a_next_step(name: str) -> None:
    text, line, words = REFUSED[name]
    found, message, hint = only_problem(text)
    assert words in message
    assert found == line
    assert hint


def test_aliases_below_the_limit_are_read() -> None:
    items = ", ".join(["x"] * 99)
    text = f"a: &a [{items}]\nb: [{', '.join(['*a'] * (MAX_ALIASED // 100))}]\n"
    assert len(parse(text)[0].data["b"]) == MAX_ALIASED // 100
    assert "aliases that expand" in only_problem(text.replace("*a]", "*a, *a]"))[1]


def test_broken_document_does_not_cost_those_after_it() -> None:
    text = "a: 1\n---\nb: [\n---\n# x\nc: 3\n---\n- d: 1\n  d: 2\n--- e\n...\n---\n|\n text\n---\n"
    documents = parse(text, "x.yml")
    assert [document.data for document in documents] == [{"a": 1}, None, {"c": 3}, None, "e", "text\n", None]
    assert [document.problem.line for document in documents if document.problem] == [4, 9]
    assert documents[2].line_of("c") == 6


def test_directives_belong_to_the_document_that_follows() -> None:
    text = "a: 1\n...\n# x\n%TAG ! tag:yaml.org,2002:\n# y\n---\nb: !str 2\n"
    assert [document.data for document in parse(text)] == [{"a": 1}, {"b": "2"}]
    assert parse(text)[1].line == 7


@pytest.mark.parametrize("line", ["%x", "    %x", "%TAG x", "# x", "  # x"])
def test_line_of_a_quoted_text_is_no_directive(line: str) -> None:
    text = f'--- "a\n{line}"\n--- b\n'
    assert [document.data for document in parse(text)] == [f"a {line.strip()}", "b"]


def test_action_of_a_broken_document_is_known() -> None:
    documents = parse("title: [\naction: 'global'\n---\na: 1\n")
    assert [document.action for document in documents] == ["global", None]


def test_document_limit_ends_the_file() -> None:
    documents = parse("--- x\n" * (MAX_DOCUMENTS + 10))
    assert len(documents) == MAX_DOCUMENTS + 1
    assert documents[-1].problem is not None


def test_texts_of_windows_tools_are_read() -> None:
    text = "title: Ünïcode\r\nb: 1\r\n"
    expected = {"title": "Ünïcode", "b": 1}
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        [document] = parse(decode(text.encode(encoding)))
        assert (document.data, document.line_of("b")) == (expected, 2), encoding


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (b"\x00\x01", None, "binary"),
        (b"MZ\x90\x00\x03", None, "binary"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        (b"\xff\xfea", None, "not UTF-8"),
        (b"a: \x00", None, "binary"),
    ],
)
def test_what_is_no_text_is_refused(raw: bytes, line: int | None, words: str) -> None:
    with pytest.raises(RuleYamlError, match=words) as caught:
        decode(raw)
    assert caught.value.line == line
    assert caught.value.hint


VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=15,
)


@volumes.examples(300)
@given(values=st.lists(VALUES, min_size=1, max_size=3), flow=st.sampled_from([None, False, True]))
def test_what_pyyaml_writes_is_read_back(values: list[Any], flow: bool | None) -> None:
    text = yaml.safe_dump_all(values, default_flow_style=flow, allow_unicode=True, explicit_start=True)
    documents = parse(text)
    assert [document.problem for document in documents if document.problem] == []
    assert [document.data for document in documents] == list(yaml.safe_load_all(text))


@volumes.examples(500)
@given(text=st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!|>'\"%#,? \t\n<=.1", max_size=60))
def test_no_text_raises_and_what_is_accepted_is_what_safe_load_gives(text: str) -> None:
    documents = parse(text)
    if any(document.problem for document in documents):
        assert [document.data for document in documents if document.problem and document.data is not None] == []
    else:
        assert [document.data for document in documents] == list(yaml.load_all(text, yaml.CSafeLoader))


def test_one_rule_is_read_in_a_few_milliseconds() -> None:
    start = processor_seconds()
    for _ in range(100):
        parse(TEXT)
    assert (processor_seconds() - start) / 100 < 0.01
