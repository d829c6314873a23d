"""dist/: what people download, made from the sources and nothing else, byte for byte the same everywhere."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sigma_t1020 import pack
from sigma_t1020.convert import Options, convert
from sigma_t1020.output import files
from sigma_t1020.targets import TARGETS

if TYPE_CHECKING:
    from sigma_t1020.problems import Problem

PACK = "pack/t1020_automated_exfiltration.yml"
CHECKSUMS = "SHA256SUMS"


def build_files() -> tuple[dict[str, str], list[Problem]]:
    """Relative path to content of every file, and what went wrong: then the files are not complete."""
    loaded = pack.load_pack()
    problems = list(loaded.problems)
    built = {PACK: pack.one_file()}
    for target in (language for each in TARGETS.values() for language in each.languages):
        for combine in (False, True) if target.dialect.combines else (False,):
            done = convert(loaded, None, target, Options(combine=combine, branches=pack.branches()))
            problems.extend(problem for problem in done.problems if problem not in problems)
            for name, content in files(done.queries, "query").items():
                built[f"{target.name}/{name}"] = content
    sums = (f"{hashlib.sha256(content.encode()).hexdigest()}  {name}\n" for name, content in sorted(built.items()))
    built[CHECKSUMS] = "".join(sums)
    return built, problems


def differences(folder: Path, built: dict[str, str]) -> list[str]:
    """`path: missing`, `path: changed` and `path: orphaned` of a folder against what was built, sorted."""
    found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    lines = [f"{folder / name}: orphaned; remove it" for name in found.keys() - built.keys()]
    for name, content in built.items():
        if name not in found:
            lines.append(f"{folder / name}: missing")
        elif _content(found[name]) != content.encode():
            lines.append(f"{folder / name}: changed")
    return sorted(lines)


def _files(folder: Path) -> Iterator[Path]:
    """Files and links below a folder; none if it cannot be read, so that all of them are missing."""
    for root, folders, names in os.walk(folder):
        yield from (Path(root, name) for name in names)
        yield from (path for name in folders if (path := Path(root, name)).is_symlink())


def outdated(folder: Path, built: dict[str, str]) -> list[Path]:
    """Files that an earlier build put there and this one does not, unchanged since: by the checksums of that build.

    Anything else in the folder was put there by somebody else.
    """
    listed = (_content(folder / CHECKSUMS) or b"").decode("utf-8", "replace")
    found = []
    for line in listed.splitlines():
        digest, _, name = line.partition("  ")
        relative = Path(name)
        if not name or name in built or relative.is_absolute() or ".." in relative.parts:
            continue
        content = _content(folder / relative)
        if content is not None and hashlib.sha256(content).hexdigest() == digest:
            found.append(folder / relative)
    return found


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
