"""What has one place in the source is written nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sigma.backends.t1020.common.losses import LossCode
from sigma.backends.t1020.common.time_frame import DEFAULT_DELAY, DEFAULT_LOOKBACK
from sigma_t1020 import targets
from sigma_t1020.targets import DIALECTS, TARGETS, Dialect, Target

BACKEND = Path(__file__).resolve().parents[2] / "backend"


def modules(*besides: str) -> list[Path]:
    """The modules of the program and the plugin, less those whose paths end like that."""
    found = sorted(BACKEND.rglob("*.py"))
    assert len(found) > 50
    kept = [path for path in found if not path.as_posix().endswith(besides)]
    assert len(kept) == len(found) - len(besides), "each of these is there"
    return kept


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Line and value of each string literal of a module, those that are statements (docstrings) aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
            yield node.lineno, node.value


def test_the_default_look_back_and_delay_stand_in_the_time_frame_alone() -> None:
    defaults = {DEFAULT_LOOKBACK, DEFAULT_DELAY}
    written = [
        f"{path.relative_to(BACKEND)}:{line}: {text!r}"
        for path in modules("common/time_frame.py")
        for line, text in texts(path)
        if text in defaults or any(f"default: {default}" in text for default in defaults)
    ]
    assert written == []


def test_what_a_loss_comes_from_is_asked_of_its_code_and_no_module_lists_codes() -> None:
    codes = {code.value for code in LossCode}
    listed = [
        f"{path.relative_to(BACKEND)}:{node.lineno}: {ast.unparse(node)}"
        for path in modules("common/losses.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Compare) and "LossCode" in ast.unparse(node))
        or (
            isinstance(node, ast.Tuple | ast.List | ast.Set)
            and node.elts
            and all(isinstance(item, ast.Constant) and item.value in codes for item in node.elts)
        )
    ]
    assert listed == []


def test_the_program_names_no_target_and_no_dialect_but_in_their_table() -> None:
    names = {*TARGETS, *DIALECTS}
    rows = {name for name, value in vars(targets).items() if isinstance(value, Target | Dialect)}
    assert rows, "the table has rows that a module could import"
    option = re.compile(rf"--(?:target|dialect) (?:{'|'.join(names)})\b")
    named = []
    for path in modules("sigma_t1020/targets.py"):
        if "sigma_t1020" not in path.parts:
            continue
        named += [
            f"{path.relative_to(BACKEND)}:{line}: {text!r}"
            for line, text in texts(path)
            if text.lower() in names or option.search(text)
        ]
        named += [
            f"{path.relative_to(BACKEND)}:{node.lineno}: {ast.unparse(node)}"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if (isinstance(node, ast.ImportFrom) and rows & {alias.name for alias in node.names})
            or (isinstance(node, ast.Attribute) and node.attr in rows)
        ]
    assert named == []
