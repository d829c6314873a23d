"""Install what the tests need and pip cannot bring by itself: `python tests/oracles/install.py`, once the project is
installed.

It is Microsoft's Kusto parser, where `sigma-t1020 check` looks for it too; and Elastic's grammar of ES|QL, PyPI's
esql-parser, which pins another release of the ANTLR runtime than duckdb-kql does and runs on either. Nothing happens
where they are there already.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

from sigma_t1020.kusto_language.install import ParserMissing, install

ESQL_PARSER = ("esql-parser", "9.1.3")


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


if __name__ == "__main__":
    try:
        print(install())
        print(install_esql_parser())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)}: pip failed; see above")
    except (OSError, ParserMissing) as error:
        sys.exit(str(error))
