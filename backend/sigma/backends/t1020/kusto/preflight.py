"""The preflight query, which shows whether a workspace has the data that other queries test.

Each row is a column that these queries use: the number of events of its log source in the look-back, and the number of
them that have a value in the column. A correlation silently finds nothing if its group-by key is empty, because a null
or empty key never joins; the query reports that.
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

#: The most rule titles that a row lists; it counts the others.
MAX_TITLES = 3

_HEAD = """\
// Preflight for {title}: run it where the {rules} rule{s} will run; it looks back {lookback}.
// A row is a column that they use: Rows are the events of its log source, Filled those that have the column.
// Role: time (whether the table holds rows), field (a rule tests it), key (a correlation groups by it), value (it
// counts its values).
// EMPTY comes first. A correlation whose key is EMPTY finds nothing, and no error will ever say so.
// Should a name be refused here, your table lacks a column by which the log source is told from others."""

# Rows is null if the union leaves out a leg because its table does not exist (Kusto docs, 'union operator', isfuzzy).
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
    """A column that rules use, its role, and the Kusto expression of its value."""

    name: str
    role: str
    value: str


@dataclass(frozen=True)
class _Source:
    """A log source: its table, its time column, and the filters that choose its rows, as Kusto text."""

    table: str
    time: str
    filters: tuple[str, ...] = ()


@dataclass
class _Uses:
    """The columns that are used of each log source, with the titles of the rules that use them."""

    sources: dict[_Source, dict[_Column, dict[str, None]]] = field(default_factory=dict)
    expressions: dict[_Source, dict[str, str]] = field(default_factory=dict)

    def add(self, source: _Source, column: _Column, title: str) -> None:
        self.sources.setdefault(source, {}).setdefault(column, {})[title] = None


def preflight_query(queries: Sequence[tuple[str, Search | Correlation]], title: str, lookback: int) -> str:
    """Make the preflight query of queries, which come with the titles of their rules.

    `title` is the name of the product, `lookback` is in seconds.
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
    """An expression for the column, or for no value if a workspace's table lacks it, so that the query still runs."""
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
            # The last leg is for a workspace that has none of the tables, because an empty union is an error.
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
    """The leg of one log source: a row for each column with its number, all rows, and the rows that have a value."""
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
    """The first titles, and the number of the others."""
    more = f" and {len(titles) - MAX_TITLES} more" if len(titles) > MAX_TITLES else ""
    return ", ".join(titles[:MAX_TITLES]) + more
