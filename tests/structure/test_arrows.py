"""What may import what: dialects know common, not each other; common knows no dialect; the program knows the table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

BACKEND = Path(__file__).parents[2] / "backend"
PLUGIN = BACKEND / "sigma" / "backends" / "t1020"
PROGRAM = BACKEND / "sigma_t1020"
PACKAGE = "sigma.backends.t1020"
#: Folder by folder, the other folders of the plugin that its modules may import.
MAY_IMPORT = {
    "common": set[str](),
    "kusto": {"common"},
    "splunk": {"common"},
    "elastic": {"common"},
    "eql": {"common", "elastic"},
    "esql": {"common", "elastic"},
}


def imports(path: Path) -> Iterator[str]:
    """The full names of the modules that a module imports, wherever it does."""
    parts = path.relative_to(BACKEND).with_suffix("").parts
    package = parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join([*base, *([node.module] if node.module else [])])
            # `from ..common import regexes` names a module too.
            yield from (f"{name}.{alias.name}" for alias in node.names)


def folder_of(module: str) -> str:
    """The folder of the plugin that a module is in; empty for one outside, or the plugin's own __init__."""
    below = module.removeprefix(f"{PACKAGE}.") if module.startswith(f"{PACKAGE}.") else ""
    return below.partition(".")[0] if below.partition(".")[0] in MAY_IMPORT else ""


def test_the_plugin_is_a_folder_a_dialect_and_what_they_share() -> None:
    found = {path.name for path in PLUGIN.iterdir() if path.name != "__pycache__"}
    assert found == {"__init__.py", "py.typed", *MAY_IMPORT}


def test_dialects_know_common_and_not_each_other() -> None:
    wrong = [
        f"{path.relative_to(BACKEND)} imports {module}"
        for folder, allowed in MAY_IMPORT.items()
        for path in sorted((PLUGIN / folder).rglob("*.py"))
        for module in imports(path)
        if (other := folder_of(module)) and other != folder and other not in allowed
    ]
    assert wrong == []


def test_the_plugin_does_not_know_the_program() -> None:
    wrong = [
        f"{path.relative_to(BACKEND)} imports {module}"
        for path in sorted(PLUGIN.rglob("*.py"))
        for module in imports(path)
        if module.startswith("sigma_t1020")
    ]
    assert wrong == []


def test_the_program_knows_backends_by_the_table_alone() -> None:
    wrong = [
        f"{path.relative_to(BACKEND)} imports {module}"
        for path in sorted(PROGRAM.rglob("*.py"))
        if path.name != "targets.py"
        for module in imports(path)
        if folder_of(module) not in ("", "common")
    ]
    assert wrong == []


def test_no_module_imports_the_backends_of_other_plugins() -> None:
    wrong = [
        f"{path.relative_to(BACKEND)} imports {module}"
        for path in sorted(BACKEND.rglob("*.py"))
        for module in imports(path)
        if module.startswith("sigma.backends.") and not module.startswith(PACKAGE)
    ]
    assert wrong == []
