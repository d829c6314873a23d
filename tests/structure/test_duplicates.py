"""Nothing stands twice: no run of lines in two modules of backend/, and no function with the body of another."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BACKEND = ROOT / "backend"
#: A name and what it is, such as a class declares for its base class.
DECLARED = re.compile(r"\w+(: [\w\[\], .|]+)? = [\w.]+|[\w.]+,|@dataclass\(frozen=True\)|class \w+\(.*\):|#.*|")
#: Functions of so many lines are short enough to look alike by chance.
SHORT = 6


def test_no_four_lines_stand_in_two_modules() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pylint", "--rcfile=/dev/null", "--output-format=json2", "--recursive=y"),
            *("--disable=all", "--enable=duplicate-code", "--min-similarity-lines=4"),
            *("--ignore-imports=y", "--ignore-docstrings=y", "--ignore-signatures=y", "--ignore-comments=y"),
            *sorted(str(path.relative_to(BACKEND)) for path in BACKEND.rglob("*.py")),
        ],
        cwd=BACKEND,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    messages = [found["message"] for found in json.loads(done.stdout)["messages"]]
    assert [message for message in messages if not _declares(message)] == []


def _declares(message: str) -> bool:
    """Whether the lines that a message of pylint's shows are declarations."""
    lines = [line.strip() for line in message.splitlines()[1:] if not line.startswith("==")]
    return all(DECLARED.fullmatch(line) for line in lines)


def test_no_function_has_the_body_of_another() -> None:
    alike: dict[str, list[str]] = defaultdict(list)
    for place, function in _functions():
        alike[_shape(function)].append(place)
    assert [places for places in alike.values() if len(places) > 1] == []


def _functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(BACKEND.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and _lines(node) > SHORT:
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def _body(function: ast.FunctionDef) -> list[ast.stmt]:
    return function.body[ast.get_docstring(function) is not None :]


def _lines(function: ast.FunctionDef) -> int:
    """The lines of a function, its docstring and decorators aside."""
    body = _body(function)
    if not body:
        return 0
    signature = function.body[0].lineno - function.lineno
    return signature + (body[-1].end_lineno or 0) - body[0].lineno + 1


class _Alike(ast.NodeTransformer):
    """Makes all names, literals and types equal."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name("name", node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return ast.Attribute(self.visit(node.value), "name", node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(None)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg("name", None)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        return ast.keyword("name", self.visit(node.value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        value = self.visit(node.value) if node.value else ast.Constant(None)
        return ast.Assign([self.visit(node.target)], value)


def _shape(function: ast.FunctionDef) -> str:
    arguments = _Alike().visit(function.args)
    body = [_Alike().visit(statement) for statement in _body(function)]
    return ast.dump(ast.Module([ast.Expr(ast.Lambda(arguments, ast.Constant(None))), *body], []))
