"""`check --preflight`: a query that shows whether a workspace has what the rules test.

It is run where the rules will run. Each row is a column that they use: how many events of its log source the look-back
holds, and how many of them have the column filled. A group-by key that is empty kills a correlation in silence, since a
null or empty key joins nothing; the query says so.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sigma.backends.t1020.common.time_frame import DEFAULT_LOOKBACK

from sigma_t1020.convert import Options, convert

if TYPE_CHECKING:
    from sigma.backends.t1020.common.log_model import Column, LogModel
    from sigma.backends.t1020.kusto.query import Query

    from sigma_t1020.problems import Problem
    from sigma_t1020.rules.loading import Loaded, LoadedRule
    from sigma_t1020.targets import Target

#: Titles of the rules that a row names; of the others it says how many.
MAX_TITLES = 3

_HEAD = """\
// Preflight for {title}: run it where the {rules} rule{s} will run; it looks back {lookback}.
// A row is a column that they use: Rows are the events of its log source, Filled those that have the column.
// Role: time (whether the table holds rows), field (a rule tests it), key (a correlation groups by it), value (it
// counts its values).
// EMPTY comes first. A correlation whose key is EMPTY finds nothing, and no error will ever say so.
// Should a name be refused here, your table lacks a column by which the log source is told from others."""

# A call such as tolower(…), or datetime_part("minute", …), and what it is of.
_CALL = re.compile(r'\w+\((?:"\w+", )?(.*)\)', re.DOTALL)

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


@dataclass(frozen=True)
class Preflight:
    """The query for one target (None where no rule could be converted), and what could not be converted."""

    query: str | None
    problems: tuple[Problem, ...]


def preflight(
    loaded: Loaded,
    target: Target,
    pipelines: Sequence[str] = (),
    lookback: str = DEFAULT_LOOKBACK,
    wanted: Collection[LoadedRule] | None = None,
) -> Preflight:
    """What the rules use, asked of a workspace; the arguments are those of convert.Options. Raises PipelineProblem."""
    # Combined queries come as objects, before they become text.
    done = convert(loaded, None, target, Options(pipelines=pipelines, lookback=lookback, combine=True, wanted=wanted))
    uses = _Uses()
    for item in done.converted:
        for _alert, query in item.parts:
            _add_query(uses, query, str(item.rule.title))
    if not uses.sources:
        return Preflight(None, done.problems)
    from sigma.backends.t1020.common.time_frame import seconds, timespan

    rules = len(done.converted)
    head = _HEAD.format(title=target.title, rules=rules, s="s" * (rules != 1), lookback=lookback)
    return Preflight(f"{head}\n{_query(uses, timespan(seconds(lookback)))}", done.problems)


def _add_query(uses: _Uses, query: Query, title: str) -> None:
    """What a query uses; of a correlation to which another refers, what that one uses."""
    from sigma.backends.t1020.kusto.ordered import Ordered
    from sigma.backends.t1020.kusto.query import Search
    from sigma.backends.t1020.kusto.windows import Windows

    if isinstance(query, Ordered):
        for step in query.steps:
            if step.search.fired:
                _add_query(uses, step.search.fired, title)
                continue
            _add_tests(uses, step.model, [step.search.condition], title)
            _add_columns(uses, step.model, "key", step.keys.values(), title)
    elif isinstance(query, Windows):
        for source in query.sources:
            if source.fired:
                _add_query(uses, source.fired, title)
                continue
            _add_tests(uses, source.model, source.conditions.values(), title)
            _add_columns(uses, source.model, "key", source.keys.values(), title)
            _add_columns(uses, source.model, "value", [source.value] if source.value else [], title)
    elif isinstance(query, Search):
        _add_tests(uses, query.model, [query.condition], title)


def _add_tests(uses: _Uses, model: LogModel, conditions: Iterable[Any], title: str) -> None:
    from sigma.backends.t1020.kusto.predicates import EVERY_COLUMN
    from sigma.backends.t1020.kusto.text import name

    uses.add(_Source(model.table, name(model.time_column)), _Column(model.time_column, "time", ""), title)
    for predicate in (predicate for condition in conditions for predicate in _predicates(condition)):
        if predicate.operator != "raw" and predicate.subject != EVERY_COLUMN:
            _add(uses, model, "field", predicate.subject, title)
            for column in predicate.computed:
                _add(uses, model, "field", name(column), title)


def _add_columns(uses: _Uses, model: LogModel, role: str, columns: Iterable[Column], title: str) -> None:
    for column in columns:
        if column.text:  # none: the correlation has no group-by
            _add(uses, model, role, column.text, title)


def _add(uses: _Uses, model: LogModel, role: str, text: str, title: str) -> None:
    from sigma.backends.t1020.kusto.text import name

    source = _Source(model.table, name(model.time_column), tuple(model.source_filters))
    column = _plain(_unwrapped(text))
    value = _if_exists(column, model)
    if column in model.expressions:
        uses.expressions.setdefault(source, {})[column] = model.expressions[column]
        value = name(column)
    uses.add(source, _Column(column, role, value), title)


def _predicates(node: Any) -> Iterator[Any]:
    """The tests of a condition, in the order that the rule has them."""
    from sigma.backends.t1020.common.expression import Not, Test

    if isinstance(node, Test):
        yield node.what
    elif isinstance(node, Not):
        yield from _predicates(node.arg)
    else:
        for arg in node.args:
            yield from _predicates(arg)


def _unwrapped(text: str) -> str:
    """A column's text without the functions that the backend puts around it, none of which fills or empties it."""
    while call := _CALL.fullmatch(text):
        text = call[1]
    return text


def _plain(text: str) -> str:
    """The name that Kusto text such as Name, ["a name"] or [@"a\\name"] stands for."""
    if not text.startswith("["):
        return text
    literal = text[1:-1]
    if literal.startswith("@"):
        return literal[2:-1].replace('""', '"')
    # What the backend escapes, JSON escapes alike.
    return str(json.loads(literal))


def _if_exists(column: str, model: LogModel) -> str:
    """The column, or nothing where a workspace's table lacks it: the query must run all the same."""
    from sigma.backends.t1020.kusto.text import string

    kind = model.columns.get(column, "string")
    default = '""' if kind == "string" else f"{kind}(null)"
    return f"column_ifexists({string(column)}, {default})"


def _query(uses: _Uses, lookback: str) -> str:
    from sigma.backends.t1020.kusto.text import string

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
    from sigma.backends.t1020.kusto.text import name

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
