"""The last resort: a bug here is told from what is wrong with a rule, and shows no traceback unless asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sigma.backends.t1020 import T1020KustoBackend
from sigma_t1020 import cli

from cli.rules import CONNECTION, GOOD, put, rule
from cli.runner import queries, run


def raising(error: Exception) -> Callable[..., Any]:
    def broken(*_: object, **__: object) -> None:
        raise error

    return broken


@pytest.mark.parametrize("error", [AttributeError("x has no y"), KeyError("column"), TypeError("z"), AssertionError()])
def test_a_bug_in_a_backend_is_not_said_to_be_the_rules(
    error: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    monkeypatch.setattr(T1020KustoBackend, "convert_condition_field_eq_val_str", raising(error))
    monkeypatch.setattr(sys, "argv", ["sigma-t1020", "convert", "-t", "sentinel", str(path)])
    monkeypatch.delenv("SIGMA_T1020_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    assert said.err.startswith("sigma-t1020 failed: ")
    assert said.err.endswith("; please report it, with SIGMA_T1020_TRACEBACK=1 set for the details\n")
    assert said.err.count("\n") == 1
    monkeypatch.setenv("SIGMA_T1020_TRACEBACK", "1")
    with pytest.raises((type(error), IndexError)):
        cli.main()


def test_what_pysigma_says_is_not_supported_is_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    monkeypatch.setattr(
        T1020KustoBackend, "convert_condition_field_eq_val_str", raising(NotImplementedError("no strings"))
    )
    assert run("convert", "-t", "sentinel", path).complaints == [f"{path}:1: no strings"]


@pytest.mark.parametrize("selection", ["[null, a]", "[{'': null}]", "{'|windash': a}"])
def test_what_pysigma_trips_over_is_reported_for_that_rule(selection: str, tmp_path: Path) -> None:
    odd = put(tmp_path / "odd.yml", rule(2, detection=f"{{s: {selection}, condition: s}}"))
    done = run("convert", "-t", "sentinel", odd, put(tmp_path / "good.yml", GOOD))
    assert done.status == 1
    assert len(done.complaints) == 1
    assert done.stderr.startswith(f"{odd}:")
    assert "please report" not in done.stderr
    assert done.stdout.startswith("// Rule 1")
    assert run("check", odd).stdout.count(f"{odd}:") >= 1


def test_strict_makes_a_loss_an_error_on_its_line(tmp_path: Path) -> None:
    wide = put(
        tmp_path / "wide.yml",
        rule(2, detection=f"\n{' ' * 8}".join(["", "  s:", "    CommandLine: ''", "  condition: s"])),
    )
    good = put(tmp_path / "good.yml", GOOD)
    (exact, lossy) = json.loads(run("convert", "-t", "sentinel", "--format", "json", good, wide).stdout)
    assert exact["losses"] == []
    assert [loss["code"] for loss in lossy["losses"]] == ["empty"]
    assert lossy["losses"][0]["message"].startswith("CommandLine: '' also finds events without CommandLine")
    combined = json.loads(run("convert", "-t", "sentinel", "--format", "json", "--combine", good, wide).stdout)
    assert combined[0]["losses"][0]["message"].startswith("Rule 2: CommandLine: ''")
    strict = run("convert", "-t", "sentinel", "--strict", good, wide)
    assert strict.status == 1
    assert strict.stdout.startswith("// Rule 1")
    assert "Rule 2" not in strict.stdout
    line = wide.read_text().splitlines().index("    CommandLine: ''") + 1
    assert strict.stderr.startswith(f"{wide}:{line}: CommandLine: '' also finds")


def test_the_pack_loses_nothing_under_strict() -> None:
    strict = run("convert", "-t", "all", "--strict")
    assert strict.status == 0
    assert all(line.startswith("note: ") for line in strict.complaints)
    assert strict.stdout == run("convert", "-t", "all").stdout


def test_strict_refuses_exactly_the_losses_that_a_rule_causes(tmp_path: Path) -> None:
    rules = [
        put(tmp_path / "empty.yml", rule(1, detection="{s: {CommandLine: ''}, condition: s}")),
        put(tmp_path / "good.yml", rule(2)),
        put(
            tmp_path / "address.yml", CONNECTION.replace("DestinationPort: 443", "DestinationIp|cidr: '::ffff:0:0/96'")
        ),
    ]
    causes = {
        (each["target"], each["title"]): {loss["cause"] for loss in each["losses"]}
        for each in run("convert", "-t", "all", "--format", "json", *rules).json()
    }
    strict = {
        (each["target"], each["title"])
        for each in run("convert", "-t", "all", "--format", "json", "--strict", *rules).json()
    }
    assert set().union(*causes.values()) == {"rule", "service"}
    assert strict == {query for query, found in causes.items() if "rule" not in found}


def test_a_bound_of_an_engine_passes_under_strict() -> None:
    losses = [each["losses"] for each in queries("--strict", target="splunk") if each["kind"] == "correlation"]
    assert [[(loss["code"], loss["cause"]) for loss in each] for each in losses] == [[("bound", "engine")]] * 2
    assert "10,000" in losses[0][0]["message"]
