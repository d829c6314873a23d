"""Bad input, each kind given together with one good rule: what is said, and that the good one still converts."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.rules import CONNECTION, GOOD, GOOD_LINE, correlation, put, rule, uuid
from cli.runner import Run, process, run, tree

HEAD = "title: Bad\nlogsource: {category: process_creation, product: windows}\n"
#: Seconds.
LIMIT = 5


def detection(text: str) -> str:
    return HEAD + "detection:\n" + text


def alias_bomb() -> str:
    layers = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 12))
    return f"x0: &x0 [a, a, a, a, a, a, a, a, a]\n{layers}" + detection("  s: {Image: *x11}\n  condition: s\n")


def circle() -> str:
    return "---\n".join([correlation(3, ["rule_4", "rule_2"]), correlation(4, ["rule_3", "rule_2"]), CONNECTION])


#: Name: content, then what is said of it: line (0: none) and words.
FILES: dict[str, tuple[str | bytes, int, str]] = {
    "empty file": ("", 0, "no Sigma rule: the file is empty"),
    "comments only": ("# nothing\n", 0, "no Sigma rule: the file is empty"),
    "binary file": (bytes(range(256)) * 4, 0, "a binary file, not text"),
    "YAML list": ("- a\n- b\n", 1, "a list, not a Sigma rule"),
    "YAML scalar": ("just text\n", 1, "a text, not a Sigma rule"),
    "another YAML": ("name: compose\nservices: {}\n", 1, "not a Sigma rule"),
    "syntax error": (HEAD + "detection: {s: {Image: 'a}\n", 3, "not valid YAML"),
    "tabs": (detection("\ts:\n\t\tImage: a\n"), 4, "a tab in the indentation"),
    "duplicate keys": (detection("  s:\n    Image: a\n    Image: b\n  condition: s\n"), 6, "duplicate key 'Image'"),
    "alias bomb": (alias_bomb(), 5, "aliases that expand to more than"),
    "no detection": (HEAD, 1, "the rule has no detection"),
    "no condition": (detection("  s: {Image: a}\n"), 3, "`detection` has no condition"),
    "empty condition": (detection("  s: {Image: a}\n  condition: ''\n"), 5, "the condition is"),
    "broken condition": (detection("  s: {Image: a}\n  condition: s and and s\n"), 5, "broken condition"),
    "open bracket": (detection("  s: {Image: a}\n  condition: (s\n"), 5, "broken condition"),
    "unknown selection": (detection("  s: {Image: a}\n  condition: t\n"), 5, "the condition names 't'"),
    "unknown modifier": (detection("  s: {Image|endwith: a}\n  condition: s\n"), 4, "unknown modifier 'endwith'"),
    "unknown field": (detection("  s: {Imag: a}\n  condition: s\n"), 4, "Imag is not a field of DeviceProcessEvents"),
    "unknown category": (
        "title: Bad\nlogsource: {category: process_creatoin, product: windows}\n"
        "detection: {s: {Image: a}, condition: s}\n",
        2,
        "the log source (category process_creatoin, product windows) has no table in the pipeline",
    ),
    "no log source": ("title: Bad\ndetection: {s: {Image: a}, condition: s}\n", 1, "no logsource"),
    "dangling reference": (correlation(3, ["rule_1", "rule_9"]), 4, "refers to 'rule_9', which is not among the rules"),
    "circular reference": (circle(), 4, "a circle of correlations: rule_3 → rule_4 → rule_3"),
    "reference to itself": (correlation(3, ["rule_3", "rule_1"]), 4, "the correlation refers to itself"),
    "no correlation type": (correlation(3, ["rule_1"], kind="in_order"), 4, "'in_order' is not a correlation type"),
    "duplicate id": (rule(1, title="Twin"), 2, f"duplicate id {uuid(1)}"),
    "look-ahead": (detection("  s:\n    Image|re: a(?=b)\n  condition: s\n"), 5, "uses a look-ahead"),
    "placeholder": (detection("  s:\n    Image|expand: '%x%'\n  condition: s\n"), 5, "has the placeholder %x%"),
    "empty keyword": (detection("  s: ['']\n  condition: s\n"), 3, "an empty keyword"),
    "huge number": (detection(f"  s: {{Image: {'9' * 5000}}}\n  condition: s\n"), 4, "a number of 5,000 digits"),
    "deep nesting": (detection(f"  s: {'[' * 5000}{']' * 5000}\n  condition: s\n"), 4, "nested more than"),
    "deep brackets": (detection(f"  s: {{Image: a}}\n  condition: {'(' * 99}s{')' * 99}\n"), 5, "brackets nested"),
    "long condition": (detection(f"  s: {{Image: a}}\n  condition: {'not ' * 20000}s\n"), 5, ""),
    "many dashes": (detection(f"  s: {{Image|windash: {' -a' * 40}}}\n  condition: s\n"), 3, "too much to expand"),
    "lone surrogate": (detection('  s: {Image: "\\ud800"}\n  condition: s\n'), 4, "not valid YAML"),
}


def check(done: Run, path: Path, line: int, words: str) -> None:
    """What is said begins with path and line, has these words and says what to do; the good rule was converted."""
    assert done.status == 1
    said = [text for text in done.complaints if text.startswith(f"{path}:{line}: " if line else f"{path}: ")]
    assert any(words in text for text in said), done.stderr
    for text in done.complaints:
        assert re.match(rf"{re.escape(str(path))}(:[0-9]+)?: [^;]+; \S", text), text
    assert done.stdout.startswith("// Rule 1 (")
    assert GOOD_LINE in done.stdout
    assert done.seconds < LIMIT


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_reported_and_the_good_one_converts(name: str, tmp_path: Path) -> None:
    content, line, words = FILES[name]
    good, bad = put(tmp_path / "good.yml", GOOD), tmp_path / "zbad.yml"
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = tree(tmp_path)
    check(run("convert", "-t", "sentinel", good, bad), bad, line, words)
    assert tree(tmp_path) == before


# A twin is good when it is alone, and the circle has a good rule in its file.
@pytest.mark.parametrize("name", [name for name in FILES if name not in ("duplicate id", "circular reference")])
def test_a_bad_file_alone_writes_no_output(name: str, tmp_path: Path) -> None:
    content, _line, _words = FILES[name]
    bad, output = tmp_path / "bad.yml", tmp_path / "out.kql"
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run("convert", "-t", "all", bad, "-o", output)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{bad}:")
    assert not output.exists()


def test_all_bad_files_at_once_each_get_their_message(tmp_path: Path) -> None:
    put(tmp_path / "all" / "0good.yml", GOOD)
    names = {name: tmp_path / "all" / f"{name.replace(' ', '_')}.yml" for name in FILES}
    for name, path in names.items():
        content = FILES[name][0]
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = process("convert", "-t", "sentinel", tmp_path / "all")
    assert [name for name, path in names.items() if f"{path}:" not in done.stderr] == []
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("// Rule 1 (")
    assert done.status == 1


def folder(path: Path) -> str:
    path.mkdir()
    return f"{path}: no .yml or .yaml files in this folder; "


def below_a_file(path: Path) -> str:
    put(path.parent / "file", "")
    path.symlink_to("file/below")
    return f"{path}: cannot be read: Not a directory; "


def loop(path: Path) -> str:
    path.symlink_to(path.name)
    return f"{path}: cannot be read: Too many levels of symbolic links; "


def dangling(path: Path) -> str:
    path.symlink_to("nowhere")
    return f"{path}: cannot be read: No such file or directory; "


def pipe(path: Path) -> str:
    os.mkfifo(path)
    return f"{path}: a pipe, socket or device, not a file; "


def huge(path: Path) -> str:
    with path.open("wb") as file:
        file.truncate(2**32)
    return f"{path}: the file has more than 5 MiB; "


@pytest.mark.parametrize("make", [folder, below_a_file, loop, dangling, pipe, huge])
def test_what_cannot_be_read_is_reported_and_the_good_rule_converts(
    make: Callable[[Path], str], tmp_path: Path
) -> None:
    good, bad = put(tmp_path / "good.yml", GOOD), tmp_path / "bad"
    expected = make(bad)
    done = run("convert", "-t", "sentinel", bad, good)
    assert done.status == 1
    assert done.stderr.startswith(expected)
    assert len(done.complaints) == 1
    assert done.stdout.startswith("// Rule 1 (")
    assert done.seconds < LIMIT


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/proc/self/mem", ""),
        ("/proc/nothing/rules", "cannot be read: No such file or directory"),
        ("./" + "n" * 300 + ".yml", "cannot be read: File name too long"),
        ("good.yml/rules.yml", "cannot be read: Not a directory"),
        ("/dev/zero", "a pipe, socket or device, not a file"),
        ("folder/none.yml", "cannot be read: No such file or directory"),
        ("no_such_folder", "no such file or folder"),
    ],
)
def test_places_that_even_root_cannot_read(
    path: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "good.yml", GOOD)
    monkeypatch.chdir(tmp_path)
    done = run("convert", "-t", "sentinel", path, "good.yml")
    assert done.status == 1
    assert done.stderr.startswith(f"{path}: {reason}")
    assert "; " in done.stderr
    assert done.stdout.startswith("// Rule 1 (")
    assert done.seconds < LIMIT


def test_a_folder_that_leads_back_to_itself_is_read_once(tmp_path: Path) -> None:
    put(tmp_path / "r" / "good.yml", GOOD)
    (tmp_path / "r" / "again").symlink_to(tmp_path / "r")
    done = run("convert", "-t", "sentinel", tmp_path / "r")
    assert (done.status, done.stderr, done.stdout.count("// ")) == (0, "", 1)


def test_an_empty_standard_input_is_an_error() -> None:
    done = run("convert", "-t", "sentinel", "-")
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith("<stdin>: no Sigma rule: the file is empty; ")


def test_a_file_name_cannot_forge_a_message(tmp_path: Path) -> None:
    bad = tmp_path / "x\n\x1b[31mgood.yml:1: fine.yml"
    bad.write_text("- a\n")
    done = run("convert", "-t", "sentinel", bad, put(tmp_path / "good.yml", GOOD))
    assert done.status == 1
    assert len(done.complaints) == 1
    assert "\x1b" not in done.stderr
    assert "\\n\\x1b[31m" in done.stderr
