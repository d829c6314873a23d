"""Converted queries, and how they are written for people and for programs."""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigma_t1020.targets import DIALECTS

if TYPE_CHECKING:
    from sigma.backends.t1020.common.losses import Loss


@dataclass(frozen=True)
class ConvertedQuery:
    """One query of one rule for one target.

    `kind` is rule, correlation or combined; `part` numbers the conditions of a rule that has several, from 1;
    `losses` are what it gives up against its rule; `stem` is the name, less the suffix, of a file of its own.
    """

    id: str | None
    title: str
    kind: str
    part: int
    parts: int
    level: str | None
    target: str
    dialect: str
    pipeline: str
    text: str
    losses: tuple[Loss, ...]
    stem: str

    def as_json(self) -> dict[str, Any]:
        """The object of `--format json`."""
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.kind,
            "part": self.part,
            "level": self.level,
            "target": self.target,
            "dialect": self.dialect,
            "pipeline": self.pipeline,
            "query": self.text,
            "losses": [
                {"code": loss.code.value, "cause": loss.code.cause.value, "message": loss.message}
                for loss in self.losses
            ],
        }

    def as_text(self) -> str:
        """The query below a one-line comment with its title and id, with a final newline."""
        identity = f" ({self.id})" if self.id else ""
        part = f", part {self.part} of {self.parts}" if self.parts > 1 else ""
        # A title could end the comment by a line break of any kind.
        title = " ".join(f"{self.title}{identity}{part}".split())
        printable = "".join(c for c in title if c.isprintable())
        begin, end = DIALECTS[self.dialect].comment
        if end:
            printable = printable.replace(end.strip()[0], "'")
        return f"{begin}{printable}{end}\n{self.text}\n"


def to_json(queries: Iterable[ConvertedQuery]) -> str:
    """An array of objects, with a final newline."""
    return json.dumps([query.as_json() for query in queries], indent=2, ensure_ascii=False) + "\n"


def to_text(queries: Iterable[ConvertedQuery]) -> str:
    """All queries, an empty line between them."""
    return "\n".join(query.as_text() for query in queries)


def files(queries: Sequence[ConvertedQuery], form: str) -> dict[str, str]:
    """A file for each query: relative path to content; a folder for each target where there are several."""
    several = len({query.target for query in queries}) > 1
    found: dict[str, str] = {}
    for query in queries:
        suffix = ".json" if form == "json" else DIALECTS[query.dialect].suffix
        folder = f"{query.target}/" if several else ""
        part = f"_{query.part}" if query.parts > 1 else ""
        path, number = f"{folder}{query.stem}{part}{suffix}", 1
        while path in found:
            number += 1
            path = f"{folder}{query.stem}{part}-{number}{suffix}"
        found[path] = to_json([query]) if form == "json" else query.as_text()
    return found


def write(path: Path, content: str) -> None:
    """Write a file whole or not at all, with LF. Raises OSError."""
    _make_folder(path.parent)
    # A link is followed: what it points to is replaced, not the link. One that leads nowhere raises here.
    mode = _mode(path)
    if mode is not None and not stat.S_ISREG(mode):  # a device or a pipe: nothing to put in its place
        path.write_text(content, encoding="utf-8", newline="\n")
        return
    path = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
        Path(name).chmod(0o666 & ~_umask() if mode is None else stat.S_IMODE(mode))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # it is a file
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None


def _mode(path: Path) -> int | None:
    """Type and permissions of a file, None if there is none. Raises OSError for a circle of links and the like."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _umask() -> int:
    """The process's mask for new files, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
