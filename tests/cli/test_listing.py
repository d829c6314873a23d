"""list, pack, and what every command says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
import yaml
from sigma.backends.t1020.common.time_frame import DEFAULT_DELAY, DEFAULT_LOOKBACK
from sigma_t1020.cli import cli
from sigma_t1020.pack import filter_paths, load_pack, rule_paths
from sigma_t1020.targets import TARGETS

from cli.runner import REPOSITORY, process, queries, run

LISTS = {
    "rules": ["id", "title", "level", "kind", "branch", "log source", "used by"],
    "targets": ["target", "title", "dialect", "backend", "pipeline"],
    "pipelines": ["pipeline", "target", "dialects", "file", "log sources"],
    "state-keys": ["key", "takes", "meaning", "default", "example", "read by"],
    "filters": ["path", "title", "id", "description"],
}


# --- list -----------------------------------------------------------------------------------------------


def test_the_table_of_pipelines_is_the_matrix_of_log_source_and_pipeline() -> None:
    known = {row["pipeline"]: row["log sources"] for row in run("list", "pipelines", "--format", "json").json()}
    head, *lines = run("list", "pipelines").stdout.splitlines()
    assert head.split() == ["log", "source", *(pipeline.removeprefix("t1020_") for pipeline in known)]
    assert [line.split()[0] for line in lines] == sorted({name for found in known.values() for name in found})
    for line in lines:
        category = line.split()[0]
        marked = [pipeline for pipeline in known if line[head.index(pipeline.removeprefix("t1020_")) :][:1] == "x"]
        assert marked == [pipeline for pipeline, found in known.items() if category in found]


@pytest.mark.parametrize("what", [what for what in LISTS if what != "pipelines"])
def test_json_and_table_list_the_same_rows(what: str) -> None:
    found, table = run("list", what, "--format", "json"), run("list", what)
    assert (found.status, found.stderr, table.status, table.stderr) == (0, "", 0, "")
    rows = found.json()
    assert rows
    assert all(list(row) == LISTS[what] for row in rows)
    lines = table.stdout.splitlines()
    assert len(lines) == len(rows) + 1, "through a pipe a row is a line"
    for row, line in zip(rows, lines[1:], strict=True):
        assert line.startswith(str(row[LISTS[what][0]]))
        assert str(next(row[name] for name in ("title", "target", "meaning") if name in row)) in line


def test_the_rules_listed_are_the_packs_with_what_uses_them() -> None:
    rows = {row["id"]: row for row in run("list", "rules", "--format", "json").json()}
    assert list(rows) == [str(item.rule.id) for item in load_pack().rules]
    hidden = {name for item in load_pack().rules for name in item.references}
    for item in load_pack().rules:
        row = rows[str(item.rule.id)]
        assert bool(row["used by"]) == (item.rule.name in hidden)
        assert row["branch"]
        assert row["kind"] == ("correlation" if item.is_correlation else "rule")


def test_what_the_lists_name_can_be_given_to_convert() -> None:
    for row in run("list", "filters", "--format", "json").json():
        assert run("convert", "-t", "sentinel", "--filter", row["path"]).status == 0
    for row in run("list", "pipelines", "--format", "json").json():
        for dialect in row["dialects"]:
            spoken = ["--dialect", dialect] if len(TARGETS[row["target"]].others) else []
            rule = "t1020_archive_sensitive_path"
            assert run("convert", rule, "-t", row["target"], *spoken, "-p", row["pipeline"]).status == 0
    rows = run("list", "targets", "--format", "json").json()
    assert list(dict.fromkeys(row["target"] for row in rows)) == list(TARGETS)
    for row in rows:
        spoken = ["--dialect", row["dialect"]] if TARGETS[row["target"]].others else []
        (found,) = queries("t1020_archive_sensitive_path", *spoken, target=row["target"])
        assert (found["dialect"], found["pipeline"]) == (row["dialect"], row["pipeline"])


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_table_fits_the_terminal_and_folds_no_id(what: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    lines = run("list", what, COLUMNS=str(width)).stdout.splitlines()
    assert max(map(len, lines)) <= width
    for row in run("list", what, "--format", "json").json() if what != "pipelines" else ():
        first = str(row[LISTS[what][0]])
        assert any(line == first or line.startswith(f"{first} ") for line in lines), first


def test_the_list_of_rules_is_short_at_100_columns() -> None:
    lines = run("list", "rules", COLUMNS="100").stdout.splitlines()
    assert lines[0].split() == ["id", "title", "level"]
    assert len(lines) <= 2 * len(load_pack().rules) + 1


# --- pack -----------------------------------------------------------------------------------------------


def test_the_pack_is_one_file_of_all_rules_correlations_last(tmp_path: Path) -> None:
    done = run("pack")
    assert (done.status, done.stderr) == (0, "")
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    assert [document["id"] for document in documents] == [str(item.rule.id) for item in load_pack().rules]
    kinds = ["correlation" in document for document in documents]
    assert kinds == sorted(kinds)
    for path in (path for folder in rule_paths() for path in folder.rglob("*.yml")):
        assert path.read_text(encoding="utf-8").strip("\n") in done.stdout
    assert not any(path.read_text(encoding="utf-8") in done.stdout for path in filter_paths())
    assert run("pack", "-o", tmp_path / "p.yml").stdout == ""
    assert (tmp_path / "p.yml").read_text(encoding="utf-8") == done.stdout


def test_the_pack_converts_to_what_its_files_convert_to() -> None:
    text = run("pack").stdout.encode()
    from_files = run("convert", "-t", "all", "--format", "json").json()
    from_pack = run("convert", "-t", "all", "--format", "json", "-", stdin=text).json()
    assert from_pack == from_files


# --- Help and usage ---------------------------------------------------------------------------------------


def commands() -> list[list[str]]:
    group = cli.commands["list"]
    assert isinstance(group, click.Group)
    return [[], *([name] for name in cli.commands), *(["list", name] for name in group.commands)]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_help_names_what_is_built_and_nothing_else(command: list[str]) -> None:
    done, short = run(*command, "--help"), run(*command, "-h")
    assert (done.status, done.stderr) == (0, "")
    assert short.stdout == done.stdout
    for planned in ("local", "native", "hunt", "coverage", "--release"):
        assert planned not in done.stdout.lower(), planned
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_help_of_convert_has_each_option_and_each_target() -> None:
    text = run("convert", "--help").stdout
    options = "--target --pipeline --format --lookback --schedule --delay --filter --dialect --index --combine --strict"
    assert [option for option in [*options.split(), "--output"] if option not in text] == []
    assert f"[{'|'.join([*TARGETS, 'all'])}]" in text
    assert "[query|json]" in text


def test_help_names_the_defaults_of_time_spans_each_time_it_is_asked() -> None:
    for _time in range(2):
        text = " ".join(run("convert", "--help").stdout.split())
        assert text.count(f"[default: {DEFAULT_LOOKBACK}]") == text.count(f"[default: {DEFAULT_DELAY}]") == 1
        assert f"[default: {DEFAULT_LOOKBACK}]" in " ".join(run("check", "--help").stdout.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert"],
        ["convert", "-t"],
        ["convert", "-t", "local"],
        ["convert", "-t", "elastic", "--combine"],
        ["convert", "-t", "elastic", "--dialect", "spl"],
        ["convert", "-t", "splunk", "--dialect", "esql"],
        ["convert", "-t", "sentinel", "--index", "main"],
        ["convert", "-t", "splunk", "--index", "a b"],
        ["convert", "-t", "splunk", "--dialect", "kql"],
        ["convert", "-t", "splunk", "--dialect", "tstats", "--index", "main"],
        ["convert", "-t", "sentinel", "--format", "native"],
        ["convert", "-t", "sentinel", "--dialect", "kql"],
        ["convert", "-t", "sentinel", "--lookbak", "1h"],
        ["hunt"],
        ["list"],
        ["list", "dialects"],
        ["list", "rules", "--format", "csv"],
        ["check", "--strict"],
        ["check", "--format", "xml"],
        ["check", "--fail-on", "note"],
        ["check", "--lookback", "1h"],
        ["check", "--preflight", "splunk"],
        ["check", "--preflight", "sentinel", "--format", "json"],
        ["check", "--preflight", "sentinel", "--target", "sentinel"],
        ["check", "--install-parser", "rule.yml"],
        ["check", "-o", ""],
        ["check", "-o", "folder/"],
        ["pack", "rule.yml"],
        ["build", "--release"],
        ["build", "-o", ""],
        ["--nonsense"],
        [],
    ],
    ids=" ".join,
)
def test_wrong_usage_has_status_2_and_says_why_on_stderr(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith(("Usage: ", "Error: "))


def test_the_version_is_the_packages() -> None:
    done = run("--version")
    assert done.stdout.startswith("sigma-t1020, version ")


def test_help_in_an_ascii_locale_is_no_traceback() -> None:
    done = process("convert", "--help", environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"})
    assert (done.status, done.stderr) == (0, "")
    assert json.dumps(done.stdout)
