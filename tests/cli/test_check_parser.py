"""check with its parts missing or broken, the parser's installation, and the hook: each run starts its own parser."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from sigma.plugins import InstalledSigmaPlugins
from sigma_t1020.kusto_language import language
from sigma_t1020.kusto_language.install import FOLDER_VARIABLE

from cli.rules import put, rule
from cli.runner import REPOSITORY, Run, process, run

CLEAN = (
    REPOSITORY / "sigma" / "rules" / "windows" / "process_creation" / "proc_creation_win_script_host_file_upload.yml"
)


def without_validators(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the extra were not installed."""
    discover = InstalledSigmaPlugins.autodiscover

    def some(*arguments: Any, **options: Any) -> InstalledSigmaPlugins:
        found = discover(*arguments, **options)
        found.validators = {name: each for name, each in found.validators.items() if not name.startswith("sigmahq_")}
        return found

    monkeypatch.setattr(InstalledSigmaPlugins, "autodiscover", some)


# --- What is not installed --------------------------------------------------------------------------------


def test_a_clean_rule_passes_without_validators_and_parser_and_both_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_validators(monkeypatch)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "none"))
    done = run("check", CLEAN)
    assert done.status == 0
    parser, validators = done.stdout.splitlines()
    assert parser.startswith("info[parser-absent]: queries were not checked: @kusto/language-service-next 12.4.1 is ")
    assert parser.endswith("; run: sigma-t1020 check --install-parser")
    assert validators.startswith("info[validators-absent]: SigmaHQ's conventions were not checked: ")
    assert validators.endswith("; pip install 'sigma-t1020[check]'")
    assert done.complaints == ["1 rules, 0 filters: 2 infos"]


def test_without_the_validators_all_else_is_still_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_validators(monkeypatch)
    path = put(tmp_path / "b.yml", rule(2, detection="{s: {Imag: a}, condition: s}"))
    done = run("check", path)
    assert done.status == 1
    assert f"{path}:5: error[convert]: Imag is not a field" in done.stdout


def test_a_parser_that_does_not_run_is_an_error_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = put(tmp_path / "bin" / "node", "#!/bin/sh\necho 'SyntaxError: too old' >&2\nexit 1\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    done = run("check")
    assert done.status == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith("error[parser-failed]: Microsoft's parser does not run: ")
    assert "SyntaxError: too old" in line or "Broken pipe" in line


def test_node_is_started_once_for_all_queries_and_never_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[language.KustoLanguage] = []
    start = language.KustoLanguage.__init__

    def counted(self: language.KustoLanguage) -> None:
        started.append(self)
        start(self)

    monkeypatch.setattr(language.KustoLanguage, "__init__", counted)
    assert run("check", CLEAN.parent).status == 0
    assert len(started) == 1
    assert run("check", put(tmp_path / "bad.yml", "- a\n")).status == 1
    assert len(started) == 1


# --- The parser's installation ----------------------------------------------------------------------------


def test_installing_the_parser_again_says_where_it_is() -> None:
    done = run("check", "--install-parser")
    assert (done.status, done.stdout) == (0, "")
    assert "@kusto/language-service-next 12.4.1 is in " in done.stderr


def test_an_installation_that_fails_says_why_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = put(tmp_path / "file", "")
    monkeypatch.setenv(FOLDER_VARIABLE, str(blocked / "below"))
    done = run("check", "--install-parser")
    assert (done.status, done.stdout) == (1, "")
    assert "the parser cannot be installed: Not a directory; set SIGMA_T1020_DATA to " in done.stderr
    npm = put(tmp_path / "bin" / "npm", "#!/bin/sh\necho 'npm error E404' >&2\nexit 1\n")
    npm.chmod(0o755)
    put(tmp_path / "bin" / "node", "#!/bin/sh\nexit 1\n").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    done = run("check", "--install-parser")
    assert done.status == 1
    assert done.complaints == [
        "npm could not install @kusto/language-service-next 12.4.1: npm error E404; check npm's registry and proxy"
    ]


# --- pre-commit -------------------------------------------------------------------------------------------


def hook(*files: Path) -> Run:
    """The pre-commit hook's entry on files, as pre-commit runs it: from the root, with the names behind."""
    (definition,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert definition["language"] == "python"
    program, *arguments = definition["entry"].split()
    return process(*arguments, *definition.get("args", []), *files, program=program, cwd=REPOSITORY)


def test_the_pre_commit_hook_passes_clean_files_and_fails_others(tmp_path: Path) -> None:
    clean = [Path("sigma/rules/windows/process_creation") / CLEAN.name, Path("sigma/filters/filter_log_shippers.yml")]
    assert hook(*clean).status == 0
    # No query, and so no parser to start.
    done = hook(put(tmp_path / "bad.yml", "- a\n"))
    assert done.status == 1
    assert "error[load]: a list, not a Sigma rule" in done.stdout


def test_the_pre_commit_hook_takes_the_rules_and_no_other_yaml() -> None:
    (definition,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    taken = re.compile(definition["files"])
    yes = ["rules/windows/a.yml", "rules-threat-hunting/a.yaml", "sigma/rules/linux/x/a.yml", "correlations/c.yml"]
    no = [".github/workflows/ci.yml", "sigma/metadata.yml", "docker-compose.yml", "rules/readme.md", "myrules/a.yml"]
    assert [name for name in yes if not taken.search(name)] == []
    assert [name for name in no if taken.search(name)] == []
