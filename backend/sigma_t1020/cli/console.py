"""What reaches the user: text on standard output or in files, problems on stderr, and the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from sigma_t1020.problems import Problem

EXIT_PROBLEMS = 1


def echo(text: str) -> None:
    """Write to standard output as UTF-8 with LF, whatever the locale says."""
    if sys.stdout is None:
        fail("standard output is closed; redirect it to a file")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise  # whoever reads has enough: click ends quietly
    except OSError as error:
        # What is still in the buffer would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        fail(f"standard output cannot be written: {error.strerror}; redirect it to another file")


def put(text: str, output: str | None) -> None:
    """Write to a file, or to standard output for None and `-`."""
    if output is None or output == "-":
        echo(text)
    else:
        write_files({output: text})


def write_files(files: Mapping[str, str], folder: str = "") -> None:
    """Write each file, path to content, whole or not at all; ends the program where one cannot be written."""
    from pathlib import Path

    from sigma_t1020.output import write
    from sigma_t1020.problems import Problem

    for name, content in files.items():
        path = Path(folder, name)
        try:
            write(path, content)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            fail(str(Problem(str(path), None, f"cannot be written: {reason}", "choose another place with -o")))


def report(problems: Iterable[Problem]) -> None:
    """Say on stderr what is wrong, a line a problem, with paths from here."""
    from dataclasses import replace

    from sigma_t1020.resources import near

    for problem in problems:
        click.echo(str(replace(problem, path=problem.path and near(problem.path))), err=True)


def fail(message: str) -> NoReturn:
    """Say it on stderr and end the program with EXIT_PROBLEMS."""
    click.echo(message, err=True)
    sys.exit(EXIT_PROBLEMS)


def names_folder(output: str) -> bool:
    """Whether a place to write to is a folder: one that is there, or a name that ends in a separator."""
    from sigma_t1020.resources import is_folder

    return output.endswith(("/", os.sep)) or is_folder(output)
