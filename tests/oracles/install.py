"""Install what the tests need and pip cannot bring: `python tests/oracles/install.py`, once the project is installed.

It is Microsoft's Kusto parser, where `sigma-t1020 check` looks for it too. Nothing happens where it is there already.
"""

from __future__ import annotations

import sys

from sigma_t1020.kusto_language.install import ParserMissing, install

if __name__ == "__main__":
    try:
        print(install())
    except (OSError, ParserMissing) as error:
        sys.exit(str(error))
