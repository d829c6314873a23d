"""Runs of the command line: in this process where that is faithful, in one of its own where it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner
from processor import processor_seconds
from sigma_t1020.cli import cli

BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """What one run left behind; `seconds` is time of the processor."""

    status: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def complaints(self) -> list[str]:
        """The lines of stderr."""
        return self.stderr.splitlines()

    def json(self) -> list[dict[str, Any]]:
        """stdout as the array that it must be."""
        found = json.loads(self.stdout)
        assert isinstance(found, list)
        return found


def run(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> Run:
    """sigma-t1020 in this process. An exception that would reach the guard of main() fails the test."""
    return _invoked(cli, arguments, stdin, environment)


def sigma_convert(*arguments: str | Path) -> Run:
    """`sigma convert` of sigma-cli in this process: in one of its own it looks for all plugins first."""
    from sigma.cli.convert import convert

    return _invoked(convert, arguments, b"", {})


def _invoked(
    command: click.Command, arguments: Sequence[str | Path], stdin: bytes, variables: Mapping[str, str]
) -> Run:
    started = processor_seconds()
    result = CliRunner(env={"COLUMNS": None, **variables}).invoke(command, list(map(str, arguments)), input=stdin)
    seconds = processor_seconds() - started
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Run(result.exit_code, result.stdout, result.stderr, seconds)


def queries(*arguments: str | Path, target: str = "sentinel", stdin: bytes = b"") -> list[dict[str, Any]]:
    """The JSON of a conversion that has nothing to complain of."""
    done = run("convert", "-t", target, "--format", "json", *arguments, stdin=stdin)
    assert (done.status, [line for line in done.complaints if not line.startswith("note: ")]) == (0, [])
    return done.json()


def query(*arguments: str | Path, target: str = "sentinel") -> str:
    """The text of the one query that a conversion gives."""
    (found,) = queries(*arguments, target=target)
    return str(found["query"])


def process(
    *arguments: str | Path,
    program: str = "sigma-t1020",
    cwd: Path | None = None,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Run:
    """A program that is installed beside this Python, as a process; its output must be UTF-8."""
    command: Sequence[str] = [str(BIN / program), *map(str, arguments)]
    started = processor_seconds()
    done = subprocess.run(
        command, cwd=cwd, input=stdin, capture_output=True, env={**os.environ, **(environment or {})}, check=False
    )
    seconds = processor_seconds() - started
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode(), seconds)


def tree(folder: Path) -> dict[str, bytes]:
    """Relative path to content of all files below a folder, hidden ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
