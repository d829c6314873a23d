"""Whole ES|QL queries: the documents that one rule finds, many rules as one, and what correlations are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..common.expression import Node, Not, Test, all_of, any_of, common_first, conjuncts
from ..common.layout import INDENT, assignments, command, one_a_line
from ..common.losses import Loss, LossCode
from ..common.query import PipedQuery, Query, RuleSearch, Syntax
from ..common.time_frame import Alert, TimeFrame, seconds
from ..elastic.layout import WIDTH
from ..elastic.lowering import METADATA, source_tests
from ..elastic.predicates import Predicate, merge
from .predicates import expression, where_lines
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


def source(searches: Iterable[Search]) -> str:
    """FROM the indices of all searches, with what tells a document from others."""
    indices = dict.fromkeys(index for search in searches for index in search.model.indices)
    return f"FROM {', '.join(map(index_pattern, indices))} METADATA _id, _index, _version"


def index_pattern(index: str) -> str:
    """An index pattern, quoted where it has to be."""
    plain = index.isascii() and index.replace("-", "").replace("*", "").replace(".", "").replace("_", "").isalnum()
    return index if plain else string(index)


def assigned(items: Sequence[str]) -> str:
    """`| EVAL a = 1, b = 2`, one assignment a line where they do not fit."""
    return assignments("| EVAL", items, WIDTH)


def keep(columns: Iterable[str], leading: Sequence[str] = ()) -> list[str]:
    """The fixed projection of a result, and as many rows as there may be."""
    found = list(dict.fromkeys([*leading, *columns]))
    return [*([command("| KEEP", list(map(name, found)), WIDTH)] if found else []), f"| LIMIT {MAX_ROWS}"]


class Piped(PipedQuery):
    """A query as ES|QL writes it."""

    syntax = Syntax(assigned, keep, string, sign=" = ")


@dataclass(frozen=True)
class Search(Piped, RuleSearch):
    """The documents of one log source that meet a rule's condition."""

    @property
    def tests(self) -> Sequence[Node[Predicate]]:
        """All that a document must meet, the log source first."""
        return [*source_tests(self.model), *conjuncts(merge(self.condition))]

    @property
    def projection(self) -> list[str]:
        """The columns of a result."""
        return [*self.model.projection, *sorted(METADATA - {*self.model.projection})] if self.model.projection else []

    def rows(self, frame: EsqlFrame) -> tuple[list[str], list[str]]:
        """See PipedQuery."""
        return [source([self]), *frame.filters(), *where_lines(self.tests, True)], self.projection


def selected(searches: Sequence[Search]) -> list[str]:
    """The WHERE lines of any of the searches."""
    nodes = common_first([one.tests for one in searches])
    # The operator `:` stands at the top alone; within alternatives arrays are tested as text.
    return [line for node in nodes for line in where_lines([node], not _has_several(node))]


def _has_several(node: Node[Predicate]) -> bool:
    return not isinstance(node, Test) and not (isinstance(node, Not) and isinstance(node.arg, Test))


def combine(queries: Sequence[tuple[Alert, Query]], frame: EsqlFrame) -> list[str]:
    """One query of all rules, with a row for each alert, and one for each correlation."""
    rules = [(alert, query) for alert, query in queries if isinstance(query, Search)]
    found = [_combined(rules, frame)] if rules else []
    return [*found, *(query.render(frame, alert) for alert, query in queries if not isinstance(query, Search))]


def _combined(rules: Sequence[tuple[Alert, Search]], frame: EsqlFrame) -> str:
    searches = [search for _alert, search in rules]
    # A rule with several conditions is one alert of an event.
    by_rule: dict[Alert, list[Node[Predicate]]] = {}
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
            f"| EVAL Fired = CONCAT({one_a_line([*fired, chr(34) * 2])})",
            '| EVAL Fired = SPLIT(Fired, "\\n")',
            "| MV_EXPAND Fired",
            '| WHERE Fired != ""',
            *(f"| EVAL {column} = CASE({one_a_line(told[column])})" for column in Alert.COLUMNS),
            *keep([*Alert.COLUMNS, *columns]),
        ]
    )
