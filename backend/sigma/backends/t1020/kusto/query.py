"""Kusto queries of single rules, the base class of correlations, and many queries combined into one."""

from __future__ import annotations

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..common import layout
from ..common.columns import Column
from ..common.expression import Node, Test
from ..common.layout import INDENT, filled
from ..common.log_model import LogModel
from ..common.losses import Loss
from ..common.query import RuleSearch
from ..common.time_frame import Alert, TimeFrame, timespan
from .predicates import WIDTH, Predicate, merge, where_lines
from .text import name, string


@dataclass(frozen=True)
class KustoFrame(TimeFrame):
    """A time frame as Kusto writes it."""

    def filters(self, time_column: str, earlier: int = 0) -> list[str]:
        """The lines of the time filter; `earlier` is how long before its completion a match may begin, in seconds."""
        if not self.period:
            return [f"| where {time_column} > ago({timespan(self.lookback)})"]
        start = timespan(self.period + self.delay + self.before + earlier)
        return [
            f"| where {time_column} > ago({start})",
            f"| where {time_column} <= {f'ago({timespan(self.delay)})' if self.delay else 'now()'}",
        ]

    def completed(self, column: str) -> list[str]:
        """The lines that filter by the time that completed a match."""
        return [f"| where {column} > ago({timespan(self.period + self.delay)})"] if self.scheduled else []


def alert_columns(alert: Alert | None) -> list[str]:
    """The constant columns of an alert, as items of `project`; empty without an alert."""
    return alert.assigned(string, " = ") if alert else []


def command(word: str, items: Sequence[str]) -> str:
    """`| project a, b, c`, wrapped between items."""
    return layout.command(f"| {word}", items, WIDTH)


def call(function: str, arguments: Sequence[str]) -> str:
    """`arg_min(a, b, c)`, wrapped between arguments."""
    flat = f"{function}({', '.join(arguments)})"
    if len(flat) <= WIDTH - len(INDENT):
        return flat
    return f"{function}(\n" + ",\n".join(INDENT + row for row in filled(arguments, WIDTH - 2 * len(INDENT))) + ")"


def union(tables: Iterable[Sequence[str]]) -> str:
    """A union of tables; each table is a sequence of lines."""
    texts = []
    for lines in tables:
        flat = f"{INDENT}({' '.join(lines)})"
        short = len(flat) <= WIDTH and not any("\n" in line for line in lines)
        texts.append(flat if short else f"{INDENT}(\n{indented(indented(lines).splitlines())}\n{INDENT})")
    return "union\n" + ",\n".join(texts)


def indented(lines: Sequence[str]) -> str:
    return textwrap.indent("\n".join(lines), INDENT)


@dataclass(frozen=True)
class Reading:
    """What a query reads from one log source: its condition, and the columns of its keys and counted values."""

    model: LogModel
    condition: Node[Predicate]
    keys: Sequence[Column] = ()
    values: Sequence[Column] = ()


def source_tests(model: LogModel) -> list[Node[Predicate]]:
    """The tests that choose the rows of a log source from its table."""
    return [Test(Predicate(text, "raw")) for text in model.source_filters]


@dataclass(frozen=True)
class Search(RuleSearch):
    """The search of one rule.

    If `fired` is set, the table has the rows of that correlation, and the query must define it first.
    """

    fired: Correlation | None = None

    @property
    def time(self) -> str:
        """The time column as the query writes it."""
        return name(self.model.time_column)

    def rows(
        self, time_filters: Sequence[str], extra: Sequence[Node[Predicate]] = (), needed: Iterable[str] = ()
    ) -> list[str]:
        """The lines that find the rows; `extra` has further tests, `needed` columns to compute in any case."""
        tests = [*extra, *source_tests(self.model), merge(self.condition)]
        clauses = where_lines(tests, self.model.expressions, needed)
        return [self.model.table, *time_filters, *clauses]

    def render(self, frame: KustoFrame, alert: Alert | None = None) -> str:
        """Return the query's text; with `alert`, its columns come first."""
        lines = self.rows(frame.filters(self.time))
        items = alert_columns(alert) + [name(column) for column in self.model.projection]
        return "\n".join([*lines, *([command("project", items)] if items else [])])

    def reads(self, keys: Iterable[Column] = (), values: Iterable[Column] = ()) -> Iterator[Reading]:
        """Yield what the search reads for a correlation with these keys and values.

        A search of the rows of a correlation yields what that correlation reads.
        """
        if self.fired:
            yield from self.fired.reads()
        else:
            yield Reading(self.model, self.condition, tuple(keys), tuple(values))

    def prefixed(self, prefix: str) -> Search:
        """The same search, with the prefix before the name of its table if the query defines it."""
        return replace(self, model=replace(self.model, table=prefix + self.model.table)) if self.fired else self

    def definition(self, frame: KustoFrame, span: int) -> list[str]:
        """The let statements that define the table if it has a correlation's rows; `span` as in TimeFrame.inner."""
        return self.fired.fired_as(self.model.table, frame.inner(span)) if self.fired else []


class Correlation(ABC):
    """A query of several rules; `fields` has the columns of its group-by fields by their Sigma names."""

    fields: Mapping[str, Column]

    @property
    @abstractmethod
    def time_column(self) -> str:
        """The name of the column that has the time of a row."""

    @abstractmethod
    def fired_as(self, table: str, frame: KustoFrame) -> list[str]:
        """The let statements that define a table of the keys and times at which the correlation came true.

        Another correlation reads this table. All names that the statements define begin with `table`. A count comes
        true at each event whose window, ending there, satisfies it; temporal at each event whose window, ending there,
        has an event of every other rule; temporal_ordered when the chain of a first event is complete.
        """

    @property
    @abstractmethod
    def losses(self) -> tuple[Loss, ...]:
        """The losses of the query, which are those of its rules."""

    @abstractmethod
    def reads(self) -> Iterator[Reading]:
        """Yield what the query reads, by log source."""

    @abstractmethod
    def prefixed(self, prefix: str) -> Correlation:
        """The same query, with the prefix before the names of all tables that it defines."""

    @abstractmethod
    def _parts(self, frame: KustoFrame, alert: Alert | None, prefix: str) -> tuple[list[str], list[str]]:
        """Make the parts of a query whose rules already have the prefix."""

    def parts(self, frame: KustoFrame, alert: Alert | None = None, prefix: str = "") -> tuple[list[str], list[str]]:
        """The let statements, and the lines that use them; `prefix` comes before all names that they define."""
        return self.prefixed(prefix)._parts(frame, alert, prefix)

    def render(self, frame: KustoFrame, alert: Alert | None = None) -> str:
        """Return the query's text; with `alert`, the result has its columns too."""
        lets, body = self.parts(frame, alert)
        return "\n".join([*lets, *body])


def summarize(aggregates: Sequence[str], by: str) -> str:
    rows = ",\n".join(textwrap.indent(aggregate, INDENT) for aggregate in aggregates)
    return f"| summarize\n{rows}\n{INDENT}by {by}"


def combine(alerts: Sequence[tuple[Alert, Search | Correlation]], frame: KustoFrame) -> str:
    """One query of many: a union whose rows have the columns of the alert that they belong to."""
    lets: list[str] = []
    branches: list[Sequence[str]] = []
    for number, (alert, query) in enumerate(alerts, start=1):
        if isinstance(query, Search):
            branches.append([query.render(frame, alert)])
        else:
            own, body = query.parts(frame, alert, f"C{number}")
            lets.extend(own)
            branches.append(body)
    return "\n".join([*lets, union(branches)])
