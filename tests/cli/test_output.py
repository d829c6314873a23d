"""-o: files are written whole or not at all, and where they cannot be, it is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sigma_t1020.output import ConvertedQuery, files, write
from sigma_t1020.targets import TARGETS

from cli.rules import GOOD, correlation, put, rule, uuid
from cli.runner import run, tree


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return put(tmp_path / "good.yml", GOOD)


def convert(*arguments: str | Path, target: str = "sentinel") -> str:
    done = run("convert", "-t", target, *arguments)
    assert (done.status, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("form", ["query", "json"])
def test_a_file_gets_what_standard_output_would(form: str, good: Path, tmp_path: Path) -> None:
    expected = convert(good, "--format", form)
    output = tmp_path / "new" / "deep" / "out"
    assert convert(good, "--format", form, "-o", output) == ""
    assert output.read_bytes() == expected.encode()
    assert convert(good, "--format", form, "-o", "-") == expected
    assert [path.name for path in output.parent.iterdir()] == ["out"], "no temporary file stays"


def test_a_file_is_replaced_and_keeps_its_mode(good: Path, tmp_path: Path) -> None:
    output = put(tmp_path / "out.kql", "old and longer than anything\n" * 1000)
    output.chmod(0o640)
    convert(good, "-o", output)
    assert output.read_text() == convert(good)
    assert output.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_mode_that_the_umask_gives(good: Path, tmp_path: Path) -> None:
    convert(good, "-o", tmp_path / "out.kql")
    ordinary = put(tmp_path / "ordinary", "")
    assert (tmp_path / "out.kql").stat().st_mode == ordinary.stat().st_mode


def test_through_a_link_what_it_points_to_is_written(good: Path, tmp_path: Path) -> None:
    real, link, dangling = tmp_path / "real.kql", tmp_path / "link.kql", tmp_path / "dangling.kql"
    put(real, "old")
    link.symlink_to("real.kql")
    dangling.symlink_to("later.kql")
    convert(good, "-o", link)
    convert(good, "-o", dangling)
    assert link.is_symlink()
    assert dangling.is_symlink()
    assert real.read_text() == (tmp_path / "later.kql").read_text() == convert(good)


def test_a_folder_gets_a_file_a_query(tmp_path: Path) -> None:
    put(tmp_path / "r" / "one.yml", rule(1))
    put(tmp_path / "r" / "two.yml", rule(2, detection="{a: {Image: a}, b: {Image: b}, condition: [a, b]}"))
    put(tmp_path / "r" / "more.yml", f"{rule(3)}---\n{rule(4)}")
    new, existing = f"{tmp_path}/new/", tmp_path / "existing"
    existing.mkdir()
    convert(tmp_path / "r", "-o", new)
    convert(tmp_path / "r", "-o", existing)
    names = ["one.kql", "rule_3.kql", "rule_4.kql", "two_1.kql", "two_2.kql"]
    assert sorted(tree(Path(new))) == sorted(tree(existing)) == names
    text = tree(existing)["two_2.kql"].decode()
    assert text.startswith(f"// Rule 2 ({uuid(2)}), part 2 of 2\nDeviceProcessEvents\n")
    assert text.endswith("\n")


def test_a_folder_has_one_of_its_own_for_each_of_several_targets(good: Path, tmp_path: Path) -> None:
    convert(good, "-o", f"{tmp_path}/out/", "--format", "json", target="all")
    found = tree(tmp_path / "out")
    assert sorted(found) == sorted(f"{target}/good.json" for target in TARGETS)
    assert [each["target"] for each in json.loads(found["defender/good.json"])] == ["defender"]


def test_no_name_of_a_rule_leaves_the_folder_or_is_too_long(tmp_path: Path) -> None:
    names = ["../../up", "/etc/passwd", ".hidden", "a/b", "nul\\x", "日" * 70, "𝐀" * 120, "x" * 250, "C:con", " "]
    texts = [
        f"title: {json.dumps(name, ensure_ascii=False) if name.strip() else 'blank'}\n"
        "logsource: {category: process_creation, product: windows}\ndetection: {s: {Image: a}, condition: s}\n"
        for name in names
    ]
    convert(put(tmp_path / "r.yml", "---\n".join(texts)), "-o", f"{tmp_path}/out/")
    found = list((tmp_path / "out").rglob("*"))
    assert len(found) == len(names)
    assert all(path.is_file() and path.parent == tmp_path / "out" for path in found)
    assert not any(path.name.startswith(".") for path in found)


def test_queries_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    put(tmp_path / "a" / "same.yml", rule(1))
    put(tmp_path / "b" / "same.yml", rule(2))
    convert(tmp_path / "a", tmp_path / "b", "-o", f"{tmp_path}/out/")
    assert sorted(tree(tmp_path / "out")) == ["same-2.kql", "same.kql"]


def test_a_rule_of_a_long_file_name_and_several_conditions_can_be_written(tmp_path: Path) -> None:
    detection = "{a: {Image: a}, b: {Image: b}, condition: [a, b]}"
    convert(put(tmp_path / f"{'n' * 250}.yml", rule(1, detection=detection)), "-o", f"{tmp_path}/out/")
    assert len(tree(tmp_path / "out")) == 2


UNWRITABLE = [
    ("good.yml/out.kql", "Not a directory"),
    ("folder.kql/x" * 2 + "/" + "n" * 300, "File name too long"),
    ("n" * 300 + ".kql", "File name too long"),
    ("loop.kql", "Too many levels of symbolic links"),
    ("lost.kql", "No such file or directory"),
    ("/proc/nothing.kql", "No such file or directory"),
    ("/proc/self/out/x.kql", "No such file or directory"),
    ("/proc/version", ""),
    ("/dev/full", "No space left on device"),
]


@pytest.mark.parametrize(("name", "reason"), UNWRITABLE)
@pytest.mark.parametrize("command", ["convert", "pack"])
def test_what_cannot_be_written_is_said_and_leaves_nothing(
    command: str, name: str, reason: str, good: Path, tmp_path: Path
) -> None:
    (tmp_path / "loop.kql").symlink_to("loop.kql")
    (tmp_path / "lost.kql").symlink_to("none/lost.kql")
    output = name if name.startswith("/") else f"{tmp_path}/{name}"
    before = tree(tmp_path)
    arguments = ["-t", "sentinel", str(good)] if command == "convert" else []
    done = run(command, *arguments, "-o", output)
    assert (done.status, done.stdout, len(done.complaints)) == (1, "", 1)
    assert done.stderr.startswith(output.rstrip("/"))
    assert f": cannot be written: {reason}" in done.stderr
    assert "; choose another place with -o" in done.stderr or len(done.stderr) > 590
    assert tree(tmp_path) == before
    assert done.seconds < 5


def test_the_pack_is_a_file_and_no_folder(tmp_path: Path) -> None:
    for output in (str(tmp_path), f"{tmp_path}/new/", ""):
        done = run("pack", "-o", output)
        assert (done.status, done.stdout) == (2, "")
        assert "is a folder: name a file in it" in done.stderr
    assert tree(tmp_path) == {}


def test_a_file_in_the_place_of_the_folder_leaves_that_file(good: Path, tmp_path: Path) -> None:
    taken = put(tmp_path / "taken", "mine")
    done = run("convert", "-t", "all", good, "-o", f"{taken}/")
    assert done.status == 1
    assert done.stderr.startswith(f"{taken}/sentinel/good.kql: cannot be written: Not a directory; ")
    assert taken.read_text() == "mine"


def test_a_write_that_fails_midway_leaves_the_old_file(tmp_path: Path) -> None:
    path = put(tmp_path / "out.kql", "old")
    with pytest.raises(UnicodeEncodeError):
        write(path, "new" * 100_000 + "\ud800")
    assert tree(tmp_path) == {"out.kql": b"old"}


def test_the_result_never_takes_the_place_of_a_rule(good: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yml"
    link.symlink_to(good)
    for output in (good, link):
        done = run("convert", "-t", "sentinel", good, "-o", output)
        assert (done.status, done.stdout) == (2, "")
        assert "is one of the rule files, which would be overwritten" in done.stderr
    assert good.read_text() == GOOD


def test_an_empty_output_is_wrong_usage(good: Path) -> None:
    done = run("convert", "-t", "sentinel", good, "-o", "")
    assert (done.status, done.stdout) == (2, "")


def test_no_file_is_made_where_nothing_was_converted(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", correlation(3, ["rule_1", "rule_2"]))
    for output in (tmp_path / "out.kql", f"{tmp_path}/out/"):
        assert run("convert", "-t", "sentinel", path, "-o", output).status == 1
    assert list(tree(tmp_path)) == ["r.yml"]


def test_file_names_of_many_parts_do_not_collide() -> None:
    def named(stem: str, part: int, parts: int) -> ConvertedQuery:
        return ConvertedQuery(None, "t", "rule", part, parts, None, "sentinel", "kql", "p", "q", (), stem)

    found = files([named("a", 1, 2), named("a", 2, 2), named("a_1", 1, 1), named("a", 1, 1), named("a", 1, 1)], "query")
    assert list(found) == ["a_1.kql", "a_2.kql", "a_1-2.kql", "a.kql", "a-2.kql"]
