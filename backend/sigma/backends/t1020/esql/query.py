"""Whole ES|QL queries: the documents that one rule finds, many rules as one, and what correlations are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..common.correlations import RuleSearch
from ..common.expression import All, Node, Not, Test, all_of, any_of
from ..common.losses import Loss, LossCode
from ..common.time_frame import Alert, TimeFrame, seconds
from ..elastic.layout import INDENT, WIDTH
from ..elastic.lowering import METADATA, source_tests
from ..elastic.predicates import Predicate, merge
from .predicates import conjuncts, expression, where_lines
from .text import name, string

#: Elasticsearch's `esql.query.result_truncation_max_size`: without LIMIT it is 1,000 rows, and never more than this.
MAX_ROWS = 10_000
BOUND = Loss(LossCode.BOUND, f"Elasticsearch returns at most {MAX_ROWS:,} rows of a query")
TIME = "@timestamp"
_UNITS = (("d", "days"), ("h", "hours"), ("m", "minutes"), ("s", "seconds"))


def timespan(total: int) -> str:
    """A time span of so many seconds in ES|QL's words, in the largest unit that divides them (a day is 24 hours)."""
    for unit, word in _UNITS:
        size = seconds(f"1{unit}")
        if total % size == 0 and (total > size or unit == "s"):
            return f"{total // size} {word}"
    raise ValueError(f"{total} is no number of seconds")


@dataclass(frozen=True)
class EsqlFrame(TimeFrame):
    """A time frame in ES|QL's words."""

    def filters(self, earlier: int = 0) -> list[str]:
        """The time filter of a search; `earlier` is how long before its completion a match may begin."""
        if not self.period:
            return [f"| WHERE {TIME} > NOW() - {timespan(self.lookback)}"]
        until = f"NOW() - {timespan(self.delay)}" if self.delay else "NOW()"
        start = timespan(self.period + self.delay + earlier)
        return [f"| WHERE {TIME} > NOW() - {start} AND {TIME} <= {until}"]

    @property
    def since(self) -> str:
        """After which time, in ms, a match must be complete."""
        return f"TO_LONG(NOW() - {timespan(self.period + self.delay)})"

    def completed(self, ms: str) -> list[str]:
        """The filter on the time, an expression in ms, that completed a match."""
        return [f"| WHERE {ms} > {self.since}"] if self.scheduled else []


@dataclass(frozen=True)
class EsqlAlert(Alert):
    """An alert in ES|QL's words."""

    def assignments(self) -> list[str]:
        """The constant columns, as items of an EVAL."""
        return [f"{column} = {string(value)}" for column, value in zip(self.COLUMNS, self.values, strict=True)]


def source(searches: Iterable[Search]) -> str:
    """FROM the indices of all searches, with what tells a document from others."""
    indices = dict.fromkeys(index for search in searches for index in search.model.indices)
    return f"FROM {', '.join(map(index_pattern, indices))} METADATA _id, _index, _version"


def index_pattern(index: str) -> str:
    """An index pattern, quoted where it has to be."""
    plain = index.isascii() and index.replace("-", "").replace("*", "").replace(".", "").replace("_", "").isalnum()
    return index if plain else string(index)


def command(word: str, items: Sequence[str]) -> str:
    """`| KEEP a, b, c`, wrapped between items."""
    flat = f"| {word} {', '.join(items)}"
    if len(flat) <= WIDTH:
        return flat
    rows: list[str] = []
    for item in items:
        if rows and len(rows[-1]) + len(item) + 2 <= WIDTH - len(INDENT):
            rows[-1] += f", {item}"
        else:
            rows.append(item)
    return f"| {word}\n" + ",\n".join(INDENT + row for row in rows)


def assigned(items: Sequence[str]) -> str:
    """`| EVAL a = 1, b = 2`, one assignment a line where they do not fit."""
    flat = f"| EVAL {', '.join(items)}"
    return flat if len(flat) <= WIDTH else "| EVAL " + f",\n{INDENT}".join(items)


def keep(columns: Iterable[str]) -> list[str]:
    """The fixed projection of a result, and as many rows as there may be."""
    found = list(dict.fromkeys(columns))
    return [*([command("KEEP", list(map(name, found)))] if found else []), f"| LIMIT {MAX_ROWS}"]


@dataclass(frozen=True)
class Search(RuleSearch):
    """The documents of one log source that meet a rule's condition."""

    @property
    def tests(self) -> Sequence[Node[Predicate]]:
        """All that a document must meet, the log source first."""
        return [*source_tests(self.model), *conjuncts(merge(self.condition))]

    @property
    def projection(self) -> list[str]:
        """The columns of a result."""
        return [*self.model.projection, *sorted(METADATA - {*self.model.projection})] if self.model.projection else []

    def render(self, frame: EsqlFrame, alert: EsqlAlert | None = None) -> str:
        """The query; with `alert`, its columns come first."""
        lines = [source([self]), *frame.filters(), *where_lines(self.tests, True)]
        columns = self.projection
        if alert:
            lines.append(assigned(alert.assignments()))
            columns = [*Alert.COLUMNS, *columns]
        return "\n".join([*lines, *keep(columns)])


def any_of_searches(searches: Sequence[Search]) -> list[Node[Predicate]]:
    """The documents of any of the searches: what all ask for, then the alternatives."""
    every = [list(one.tests) for one in searches]
    common = [test for test in every[0] if all(test in tests for tests in every)]
    rest = [all_of(test for test in tests if test not in common) for tests in every]
    return [*common, *([] if All(()) in rest else [any_of(rest)])]


def selected(searches: Sequence[Search]) -> list[str]:
    """The WHERE lines of any of the searches."""
    nodes = any_of_searches(searches)
    # The operator `:` stands at the top alone; within alternatives arrays are tested as text.
    return [line for node in nodes for line in where_lines([node], not _has_several(node))]


def _has_several(node: Node[Predicate]) -> bool:
    return not isinstance(node, Test) and not (isinstance(node, Not) and isinstance(node.arg, Test))


class Correlation(ABC):
    """A query of several rules."""

    @property
    @abstractmethod
    def losses(self) -> tuple[Loss, ...]:
        """What the query gives up."""

    @abstractmethod
    def rows(self, frame: EsqlFrame) -> tuple[list[str], list[str]]:
        """The query's lines up to its result, and the result's columns."""

    def render(self, frame: EsqlFrame, alert: EsqlAlert | None = None) -> str:
        """The query."""
        lines, columns = self.rows(frame)
        if alert:
            lines = [*lines, assigned(alert.assignments())]
            columns = [*Alert.COLUMNS, *columns]
        return "\n".join([*lines, *keep(columns)])


Query = Search | Correlation


def combine(queries: Sequence[tuple[EsqlAlert, Query]], frame: EsqlFrame) -> list[str]:
    """One query of all rules, with a row for each alert, and one for each correlation."""
    rules = [(alert, query) for alert, query in queries if isinstance(query, Search)]
    found = [_combined(rules, frame)] if rules else []
    return [*found, *(query.render(frame, alert) for alert, query in queries if isinstance(query, Correlation))]


def _combined(rules: Sequence[tuple[EsqlAlert, Search]], frame: EsqlFrame) -> str:
    searches = [search for _alert, search in rules]
    # A rule with several conditions is one alert of an event.
    by_rule: dict[EsqlAlert, list[Node[Predicate]]] = {}
    for alert, search in rules:
        by_rule.setdefault(alert, []).append(all_of(search.tests))
    fired = [
        f'CASE({expression(any_of(conditions), indent=INDENT)}, "{number}\\n", "")'
        for number, conditions in enumerate(by_rule.values())
    ]
    told = {
        column: [f'Fired == "{number}", {string(alert.values[place])}' for number, alert in enumerate(by_rule)]
        for place, column in enumerate(Alert.COLUMNS)
    }
    columns = [column for search in searches for column in search.projection]
    return "\n".join(
        [
            source(searches),
            *frame.filters(),
            *selected(searches),
            f"| EVAL Fired = CONCAT({_listed([*fired, chr(34) * 2])})",
            '| EVAL Fired = SPLIT(Fired, "\\n")',
            "| MV_EXPAND Fired",
            '| WHERE Fired != ""',
            *(f"| EVAL {column} = CASE({_listed(told[column])})" for column in Alert.COLUMNS),
            *keep([*Alert.COLUMNS, *columns]),
        ]
    )


def _listed(arguments: Sequence[str]) -> str:
    return f"\n{INDENT}" + f",\n{INDENT}".join(arguments)
