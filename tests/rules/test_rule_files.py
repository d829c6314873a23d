"""Paths become files: each once, in order, and what cannot be read is a problem."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from processor import processor_seconds
from rule_texts import GOOD, PLAIN
from sigma_t1020.rules.loading import load


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
    start = processor_seconds()
    loaded = load([*paths, good])
    assert processor_seconds() - start < 5
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
            raise PermissionError(13, "Permission denied", path)
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


def test_problem_shows_the_path_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "rules" / "bad.yml"
    bad.parent.mkdir()
    bad.write_text("- x\n")
    monkeypatch.chdir(tmp_path)
    given: list[Path | str] = [
        "rules/bad.yml",
        "./rules/bad.yml",
        "rules",
        str(bad),
        bad,
        "../" + tmp_path.name + "/rules/bad.yml",
    ]
    assert [str(load([path]).problems[0]).split(":1: ")[0] for path in given] == [
        *("rules/bad.yml", "./rules/bad.yml", "rules/bad.yml", str(bad), str(bad)),
        "../" + tmp_path.name + "/rules/bad.yml",
    ]
