"""How much code a tree has: lines with a token, docstrings aside.

    python tests/bench/code_lines.py [FOLDER | --revision REVISION] [--by-file]

Counts the lines of every .py file below FOLDER (backend/ by default), or below backend/ at a Git revision, that hold at
least one token: no blank lines, no comments. The docstrings of modules, classes and functions are left out. A text over
several lines counts with all of them.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(source: str) -> int:
    """The number of lines with a token outside docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            lines -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(lines)


def in_folder(folder: Path) -> Iterator[tuple[str, str]]:
    """Path and source of each Python file below a folder."""
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def at_revision(revision: str) -> Iterator[tuple[str, str]]:
    """Path and source of each Python file below backend/ at a Git revision."""
    for path in _git("ls-tree", "-r", "--name-only", revision, "backend").splitlines():
        if path.endswith(".py"):
            yield path, _git("show", f"{revision}:{path}")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "backend")
    parser.add_argument("--revision", help="count backend/ at that Git revision")
    parser.add_argument("--by-file", action="store_true", help="print each file's lines too")
    arguments = parser.parse_args()
    found = at_revision(arguments.revision) if arguments.revision else in_folder(arguments.folder)
    counts = {path: code_lines(source) for path, source in found}
    if arguments.by_file:
        for path, count in sorted(counts.items(), key=lambda item: -item[1]):
            print(f"{count:6,}  {path}")
    print(f"{sum(counts.values()):,} code lines in {len(counts)} files")


if __name__ == "__main__":
    main()
