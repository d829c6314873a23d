"""The KQL functions of numbers that duckdb-kql lacks, supplied to its translator."""

from __future__ import annotations

from duckdb_kql.translate.functions import SCALAR_FUNCTIONS, FunctionSpec

# Lower case, and longer than asked for where the number needs it (Kusto docs, 'tohex()').
_DIGITS = "lower(to_hex(CAST({0} AS BIGINT)))"
_TOHEX = f"lpad({_DIGITS}, CAST(greatest({{1}}, length({_DIGITS})) AS INTEGER), '0')"


def supply_hexadecimal() -> None:
    """Make tohex(number, shortest length) known to duckdb-kql. An entry of its own, should it have one, stays."""
    SCALAR_FUNCTIONS.setdefault("tohex", FunctionSpec("tohex", "template", _TOHEX, (2,)))
