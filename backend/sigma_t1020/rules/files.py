"""The files that paths stand for, and their bytes."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from sigma_t1020.problems import Problem
from sigma_t1020.rules.yaml_documents import MAX_BYTES

STDIN = "-"

_SUFFIXES = (".yml", ".yaml")


def rule_files(paths: Iterable[str]) -> tuple[list[str], list[Problem]]:
    """Each file once, as given or as it stands below its folder, and a problem for each path that is of no use.

    Folders are searched for .yml and .yaml in order of name, through links too, but not in hidden folders.
    """
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for path in paths:
        if path == STDIN:
            files[path] = path
            continue
        try:
            is_folder = stat.S_ISDIR(Path(path).stat().st_mode)
        except (OSError, ValueError) as error:
            problems.append(unreadable(path, error))
            continue
        found = [path]
        if is_folder:
            refused: list[OSError] = []
            found = sorted(_files_below(path, refused))
            problems += [unreadable(str(error.filename), error) for error in refused]
            if not found and not refused:
                hint = "name a folder of rules; hidden folders below it are skipped"
                problems.append(Problem(path, None, f"no {' or '.join(_SUFFIXES)} files in this folder", hint))
        for file in found:
            files.setdefault(os.path.realpath(file), file)
    return list(files.values()), problems


def _files_below(folder: str, refused: list[OSError]) -> Iterator[str]:
    visited = {os.path.realpath(folder)}
    for parent, folders, names in os.walk(folder, onerror=refused.append, followlinks=True):
        # By its real path, since a link to a folder above it would never end.
        below = {name: os.path.realpath(Path(parent, name)) for name in folders if not name.startswith(".")}
        folders[:] = [name for name, real in below.items() if real not in visited]
        visited.update(below.values())
        yield from (str(Path(parent, name)) for name in names if name.lower().endswith(_SUFFIXES))


def read(path: str, stdin: BinaryIO | None = None) -> bytes:
    """At most MAX_BYTES + 1 bytes of a file, or of standard input for `-`.

    Raises OSError or ValueError, also for what is no regular file and might never end.
    """
    if path == STDIN:
        # Python has no standard input where it was closed before.
        if stdin is None and sys.stdin is None:
            raise io.UnsupportedOperation("standard input is closed")
        return (stdin or sys.stdin.buffer).read(MAX_BYTES + 1)
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise io.UnsupportedOperation("a pipe, socket or device, not a file")
    with Path(path).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def unreadable(path: str, error: Exception) -> Problem:
    """The system's refusal of a path as a problem."""
    if isinstance(error, io.UnsupportedOperation):
        return Problem(path, None, str(error), "pipe it into `-` (standard input)")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    hint = "check its permissions" if isinstance(error, PermissionError) else "check the path"
    return Problem(path, None, f"cannot be read: {reason}", hint)
