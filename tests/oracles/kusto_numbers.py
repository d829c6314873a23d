"""The KQL functions of numbers that duckdb-kql lacks, supplied to its translator."""

from __future__ import annotations

from duckdb_kql.translate.functions import SCALAR_FUNCTIONS, FunctionSpec

# Lower case, and longer than asked for where the number needs it (Kusto docs, 'tohex()').
_DIGITS = "lower(to_hex(CAST({0} AS BIGINT)))"
_TOHEX = f"lpad({_DIGITS}, CAST(greatest({{1}}, length({_DIGITS})) AS INTEGER), '0')"


# The sum of the values up to and with the row, in the order of the row set (Kusto docs, 'row_cumsum()'). Without an
# ORDER BY of its own DuckDB takes the rows as they come, which after a sort is its order.
_SUM = "CAST(sum({0}) OVER (ROWS UNBOUNDED PRECEDING) AS BIGINT)"


def supply_numbers() -> None:
    """Make tohex(number, shortest length) and row_cumsum(number) known to duckdb-kql.

    row_cumsum is for rows that `sort` has put in order. An entry of duckdb-kql's own, should it have one, stays.
    """
    for name, template, arguments in (("tohex", _TOHEX, 2), ("row_cumsum", _SUM, 1)):
        SCALAR_FUNCTIONS.setdefault(name, FunctionSpec(name, "template", template, (arguments,)))
