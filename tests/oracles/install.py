"""Install what the tests need and pip cannot bring by itself: `python tests/oracles/install.py`, once the project is
installed.

It is Microsoft's Kusto parser, where `sigma-t1020 check` looks for it too; Elastic's grammar of ES|QL, PyPI's
esql-parser, which pins another release of the ANTLR runtime than duckdb-kql does and runs on either; and the SQLite
backend, in an environment of its own. Nothing happens where they are there already.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sigma_t1020.kusto_language.install import ParserMissing, install

ESQL_PARSER = ("esql-parser", "9.1.3")
SQLITE_VERSION = "2.1.1"
SQLITE_HOME = Path(__file__).parents[2] / "build" / "sqlite-oracle"


def install_esql_parser() -> str:
    """What was done, in words. Raises CalledProcessError where pip fails."""
    name, wanted = ESQL_PARSER
    try:
        found = version(name)
    except PackageNotFoundError:
        found = ""
    if found == wanted:
        return f"{name} {wanted} is installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, f"{name}=={wanted}"], check=True)
    return f"{name} {wanted} was installed"


def sqlite_interpreter(home: Path = SQLITE_HOME) -> Path:
    """The Python of the SQLite oracle's environment."""
    return home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def has_sqlite_oracle() -> bool:
    """Whether the environment has the version that the tests are written for."""
    return any(SQLITE_HOME.glob(f"**/pysigma_backend_sqlite-{SQLITE_VERSION}.dist-info"))


def install_sqlite_oracle() -> str:
    """Make the SQLite oracle's environment if it is not there. Returns what was done, in words.

    It is made under another name and then renamed, so that two runs at once do not meet. Raises CalledProcessError if
    a command fails.
    """
    package = f"pysigma-backend-sqlite=={SQLITE_VERSION}"
    if has_sqlite_oracle():
        return f"{package} is installed"
    making = SQLITE_HOME.with_name(f"{SQLITE_HOME.name}-{os.getpid()}")
    try:
        subprocess.run([sys.executable, "-m", "venv", str(making)], check=True)
        pip = [str(sqlite_interpreter(making)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, package], check=True)
        shutil.rmtree(SQLITE_HOME, ignore_errors=True)
        with contextlib.suppress(OSError):
            making.rename(SQLITE_HOME)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return f"{package} was installed in {SQLITE_HOME}"


if __name__ == "__main__":
    try:
        print(install())
        print(install_esql_parser())
        print(install_sqlite_oracle())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)}: pip failed; see above")
    except (OSError, ParserMissing) as error:
        sys.exit(str(error))
