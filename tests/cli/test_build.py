"""build: the same bytes on any machine, and what --check finds in a folder that differs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sigma_t1020 import building
from sigma_t1020.targets import TARGETS, Target

from cli.rules import put
from cli.runner import REPOSITORY, process, queries, run, tree


@pytest.fixture(scope="module", autouse=True)
def files_are_made_once() -> Iterator[None]:
    """For all builds of this process: what is tested of these is what they do with a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "build_files", cache(building.build_files))
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("built")
    done = run("build", "-o", folder)
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    return tree(folder)


@pytest.fixture
def dist(built: dict[str, bytes], tmp_path: Path) -> Path:
    for name, content in built.items():
        path = tmp_path / "dist" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "dist"


@cache
def _queries(target: Target, *arguments: str) -> list[dict[str, Any]]:
    """What convert gives for a target in that dialect."""
    dialect = ["--dialect", target.dialect.name] if target.dialect is not TARGETS[target.name].dialect else []
    return queries(*dialect, *arguments, target=target.name)


def test_it_holds_the_pack_each_query_the_combined_ones_and_their_sums(built: dict[str, bytes]) -> None:
    pack = "pack/t1020_automated_exfiltration.yml"
    names = {pack, "SHA256SUMS"}
    for target in TARGETS.values():
        for spoken in target.languages:
            own = {n for n in built if n.startswith(f"{target.name}/") and n.endswith(spoken.dialect.suffix)}
            combined = {name for name in own if name.startswith(f"{target.name}/combined")}
            assert len(own - combined) == len(_queries(spoken))
            assert len(combined) == (len(_queries(spoken, "--combine")) if spoken.dialect.combines else 0)
            names |= own
    assert set(built) == names
    assert built[pack].decode() == run("pack").stdout
    lines = built["SHA256SUMS"].decode().splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    assert sums == {
        name: hashlib.sha256(content).hexdigest() for name, content in built.items() if name != "SHA256SUMS"
    }


def test_each_query_is_what_convert_gives(built: dict[str, bytes]) -> None:
    for target in (spoken for each in TARGETS.values() for spoken in each.languages):
        for query in [*_queries(target), *(_queries(target, "--combine") if target.dialect.combines else [])]:
            text = f"\n{query['query']}\n".encode()
            assert any(content.endswith(text) for name, content in built.items() if name.startswith(target.name))


def test_every_file_is_text_with_lf_and_one_final_newline(built: dict[str, bytes]) -> None:
    for name, content in built.items():
        assert b"\r" not in content, name
        assert content.endswith(b"\n"), name
        assert not content.endswith(b"\n\n"), name
        content.decode("utf-8")


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati"},
        {"LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "TZ": "America/Caracas", "PYTHONCOERCECLOCALE": "0"},
        {"LANG": "", "LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1", "PYTHONHASHSEED": "0", "COLUMNS": "20"},
    ],
)
def test_any_environment_and_folder_give_the_same_bytes(
    environment: dict[str, str], built: dict[str, bytes], tmp_path: Path
) -> None:
    done = process("build", "-o", "out", cwd=tmp_path, environment=environment)
    assert (done.status, done.stdout, done.stderr) == (0, "", "")
    assert tree(tmp_path / "out") == built


def test_check_agrees_in_another_environment_and_folder(dist: Path) -> None:
    environment = {"LC_ALL": "C", "PYTHONHASHSEED": "3", "TZ": "Pacific/Kiritimati"}
    assert process("build", "--check", "-o", dist.name, cwd=dist.parent, environment=environment).status == 0


def test_a_second_build_changes_nothing(dist: Path) -> None:
    before = tree(dist)
    assert run("build", "-o", dist).status == 0
    assert tree(dist) == before


def test_check_finds_what_is_missing_changed_and_orphaned_and_writes_nothing(dist: Path) -> None:
    assert run("build", "--check", "-o", dist).status == 0
    (dist / "sentinel" / "combined.kql").unlink()
    put(dist / "SHA256SUMS", "changed")
    put(dist / "sentinel" / "retired.kql", "orphaned")
    (dist / "defender" / "lost").symlink_to("nowhere")
    (dist / "defender" / "combined.kql").unlink()
    (dist / "defender" / "combined.kql").symlink_to("nowhere")
    before = tree(dist)
    done = run("build", "--check", "-o", dist)
    assert (done.status, done.stdout) == (1, "")
    assert done.complaints == [
        f"{dist}/SHA256SUMS: changed",
        f"{dist}/defender/combined.kql: changed",
        f"{dist}/defender/lost: orphaned; remove it",
        f"{dist}/sentinel/combined.kql: missing",
        f"{dist}/sentinel/retired.kql: orphaned; remove it",
        f"{dist} is out of date: run `sigma-t1020 build -o {dist}`",
    ]
    assert tree(dist) == before


def test_build_mends_what_is_missing_or_changed(built: dict[str, bytes], dist: Path) -> None:
    (dist / "sentinel" / "combined.kql").unlink()
    put(dist / "defender" / "combined.kql", "changed")
    assert run("build", "-o", dist).status == 0
    assert tree(dist) == built


def test_build_removes_what_an_earlier_build_made_and_nothing_of_anybody_else(
    built: dict[str, bytes], dist: Path, tmp_path: Path
) -> None:
    outside = put(tmp_path / "outside.kql", "mine")
    put(dist / "sentinel" / "retired.kql", "made")
    put(dist / "sentinel" / "edited.kql", "made, then changed by hand")
    put(dist / "notes.txt", "mine")
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in (("m", "made"), ("o", "mine"))}
    with (dist / "SHA256SUMS").open("a") as sums:
        sums.write(f"{digests['m']}  sentinel/retired.kql\n{digests['m']}  sentinel/edited.kql\n")
        sums.write(f"{digests['o']}  ../outside.kql\n{digests['o']}  {outside}\nnonsense\n\n")
    assert run("build", "-o", dist).status == 0
    assert tree(dist) == {
        **built,
        "notes.txt": b"mine",
        "sentinel/edited.kql": b"made, then changed by hand",
    }
    assert outside.read_text() == "mine"


def test_a_folder_full_of_other_things_loses_none_of_them(built: dict[str, bytes], tmp_path: Path) -> None:
    put(tmp_path / "home" / "letter.txt", "dear")
    assert run("build", "-o", tmp_path / "home").status == 0
    assert tree(tmp_path / "home") == {**built, "letter.txt": b"dear"}


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_a_place_that_cannot_be_built_in_is_said(check: list[str], tmp_path: Path) -> None:
    taken = put(tmp_path / "taken", "mine")
    for output in (taken, f"{tmp_path}/{'n' * 300}", "/proc/nothing"):
        done = run("build", *check, "-o", output)
        assert (done.status, done.stdout) == (1, "")
        assert str(output) in done.stderr
    assert tree(tmp_path) == {"taken": b"mine"}


def test_the_committed_files_are_what_the_sources_make() -> None:
    done = run("build", "--check", "-o", REPOSITORY / "dist")
    assert done.stderr == ""
