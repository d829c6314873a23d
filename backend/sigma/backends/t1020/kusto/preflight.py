"""A query that shows whether a workspace has what queries test: it is run where they will run.

Each row is a column that they use: how many events of its log source the look-back holds, and how many of them have the
column filled. A group-by key that is empty kills a correlation in silence, since a null or empty key joins nothing; the
query says so.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..common.expression import leaves
from ..common.log_model import LogModel
from ..common.time_frame import timespan
from .query import Correlation, Reading, Search
from .text import name, string

#: Titles of the rules that a row names; of the others it says how many.
MAX_TITLES = 3

_HEAD = """\
// Preflight for {title}: run it where the {rules} rule{s} will run; it looks back {lookback}.
// A row is a column that they use: Rows are the events of its log source, Filled those that have the column.
// Role: time (whether the table holds rows), field (a rule tests it), key (a correlation groups by it), value (it
// counts its values).
// EMPTY comes first. A correlation whose key is EMPTY finds nothing, and no error will ever say so.
// Should a name be refused here, your table lacks a column by which the log source is told from others."""

# Rows is null where a leg of the union is left out, since a table of it does not exist (Kusto docs, 'union
# operator', isfuzzy).
_VERDICTS = """\
| extend Verdict = case(
    isnull(Rows) and Role == "time", "EMPTY: there is no such table",
    isnull(Rows), "EMPTY: this table, or one that the log source is told by, does not exist",
    Rows == 0 and Role == "time", "EMPTY: the table has no rows in the look-back",
    Rows == 0, "EMPTY: no rows of this log source in the look-back",
    Filled == 0 and Role == "key", "EMPTY KEY: these correlations find nothing",
    Filled == 0 and Role == "value", "EMPTY VALUE: these correlations have nothing to count",
    Filled == 0, "EMPTY: in no row, or no column of the table; no test of its value finds anything",
    Filled < Rows and Role == "key", "partly: events without the key take no part in these correlations",
    Filled < Rows, "partly",
    "ok")
| extend Rank = case(Verdict startswith "EMPTY K" or Verdict startswith "EMPTY V", 1, Verdict startswith "EMPTY", 2, 3)
| sort by Rank asc, Number asc
| project Table, Field, Role, Rows, Filled, Share, Verdict, LogSource, Rules
"""


@dataclass(frozen=True)
class _Column:
    """A column that rules use, and Kusto text that gives its value."""

    name: str
    role: str
    value: str


@dataclass(frozen=True)
class _Source:
    """A log source: the table, its time column and the filters that choose its rows, all as Kusto text."""

    table: str
    time: str
    filters: tuple[str, ...] = ()


@dataclass
class _Uses:
    """By log source the columns that are used, and by column the titles of the rules that use it."""

    sources: dict[_Source, dict[_Column, dict[str, None]]] = field(default_factory=dict)
    expressions: dict[_Source, dict[str, str]] = field(default_factory=dict)

    def add(self, source: _Source, column: _Column, title: str) -> None:
        self.sources.setdefault(source, {}).setdefault(column, {})[title] = None


def preflight_query(queries: Sequence[tuple[str, Search | Correlation]], title: str, lookback: int) -> str:
    """The query for what those queries use, each with its rule's title.

    `title` is that of the product, `lookback` in seconds.
    """
    uses = _Uses()
    for rule, query in queries:
        for reading in query.reads():
            _add_reading(uses, reading, rule)
    rules, span = len(dict.fromkeys(rule for rule, _query in queries)), timespan(lookback)
    head = _HEAD.format(title=title, rules=rules, s="s" * (rules != 1), lookback=span)
    return f"{head}\n{_query(uses, span)}"


def _add_reading(uses: _Uses, reading: Reading, title: str) -> None:
    model = reading.model
    uses.add(_Source(model.table, name(model.time_column)), _Column(model.time_column, "time", ""), title)
    for predicate in leaves(reading.condition):
        if predicate.column:
            _add(uses, model, "field", predicate.column.name, title)
            for computed in predicate.computed:
                _add(uses, model, "field", computed, title)
    for role, columns in (("key", reading.keys), ("value", reading.values)):
        for column in columns:
            _add(uses, model, role, column.name, title)


def _add(uses: _Uses, model: LogModel, role: str, column: str, title: str) -> None:
    source = _Source(model.table, name(model.time_column), tuple(model.source_filters))
    value = _if_exists(column, model)
    if column in model.expressions:
        uses.expressions.setdefault(source, {})[column] = model.expressions[column]
        value = name(column)
    uses.add(source, _Column(column, role, value), title)


def _if_exists(column: str, model: LogModel) -> str:
    """The column, or nothing where a workspace's table lacks it: the query must run all the same."""
    kind = model.columns.get(column, "string")
    default = '""' if kind == "string" else f"{kind}(null)"
    return f"column_ifexists({string(column)}, {default})"


def _query(uses: _Uses, lookback: str) -> str:
    expected: list[str] = []
    legs: list[str] = []
    for source, columns in uses.sources.items():
        numbers = range(len(expected) + 1, len(expected) + len(columns) + 1)
        for number, (column, titles) in zip(numbers, columns.items(), strict=True):
            texts = (source.table, column.name, column.role, " and ".join(source.filters), _titles(list(titles)))
            expected.append(f"    {number}, {', '.join(map(string, texts))}")
        legs.append(_leg(source, list(columns), uses.expressions.get(source, {}), numbers, lookback))
    return "\n".join(
        [
            "let Used = datatable(Number: long, Table: string, Field: string, Role: string, "
            "LogSource: string, Rules: string)[",
            ",\n".join(expected),
            "];",
            # The last leg is for a workspace with none of the tables: a union of nothing is an error.
            "let Found = union isfuzzy=true",
            ",\n".join([*legs, "    (datatable(Number: long, Rows: long, Filled: long)[])"]) + ";",
            "Used",
            "| join kind=leftouter Found on Number",
            "| extend Share = iff(Rows > 0, round(100.0 * Filled / Rows, 1), real(null))",
            _VERDICTS,
        ]
    )


def _leg(
    source: _Source, columns: Sequence[_Column], expressions: dict[str, str], numbers: range, lookback: str
) -> str:
    """One row a column of a log source: its number, the rows of the look-back, and those that have the column."""
    counts = ["count()" if column.role == "time" else f"countif(isnotempty({column.value}))" for column in columns]
    filled = [f"Filled{number}" for number in numbers]
    lines = [
        source.table,
        f"| where {source.time} > ago({lookback})",
        *(f"| where {text}" for text in source.filters),
        *(f"| extend {name(column)} = {text}" for column, text in expressions.items()),
        "| summarize",
        ",\n".join(
            ["    Rows = count()"] + [f"    {out} = {count}" for out, count in zip(filled, counts, strict=True)]
        ),
        "| mv-expand",
        f"    Number = dynamic([{', '.join(map(str, numbers))}]) to typeof(long),",
        f"    Filled = pack_array({', '.join(filled)}) to typeof(long)",
        "| project Number, Rows, Filled",
    ]
    body = textwrap.indent("\n".join(lines), "        ")
    return f"    (\n{body}\n    )"


def _titles(titles: Sequence[str]) -> str:
    """The first titles, and how many more."""
    more = f" and {len(titles) - MAX_TITLES} more" if len(titles) > MAX_TITLES else ""
    return ", ".join(titles[:MAX_TITLES]) + more
