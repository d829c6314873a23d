"""A table between two commands: its columns in order, each with its place in the rows.

A command that only drops or renames columns leaves the rows alone. What has no promised order comes as it was found,
or with `Readings.upside_down` the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from oracles.esql_values import Context, Row
from oracles.esql_verifier import Column


@dataclass(frozen=True)
class Table:
    """Columns by name in their order, and rows. `match` is why the match operator is refused after this command."""

    columns: dict[str, Column]
    rows: list[Row]
    match: str = ""


def with_columns(rows: list[Row], columns: Iterable[tuple[str, Column]], match: str = "") -> Table:
    """A table where of columns with one name the last stays, at its place."""
    held: dict[str, Column] = {}
    for name, column in columns:
        held.pop(name, None)
        held[name] = column
    return Table(held, rows, match or "the match operator cannot be used after STATS or ROW")


def rows_in_any_order(rows: list[Row], context: Context) -> list[Row]:
    """Rows whose order is not promised."""
    return rows[::-1] if context.readings.upside_down else rows
