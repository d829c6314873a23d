"""ES|QL queries of single rules, many rules combined into one query, and the commands that correlations share."""

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

#: Elasticsearch's `esql.query.result_truncation_max_size`; without LIMIT a query returns 1,000 rows.
MAX_ROWS = 10_000
BOUND = Loss(LossCode.BOUND, f"Elasticsearch returns at most {MAX_ROWS:,} rows for a query")
TIME = "@timestamp"
_UNITS = (("d", "days"), ("h", "hours"), ("m", "minutes"), ("s", "seconds"))


def timespan(total: int) -> str:
    """Format seconds as an ES|QL time span in the largest unit that divides them; one day is 24 hours."""
    for unit, word in _UNITS:
        size = seconds(f"1{unit}")
        if total % size == 0 and (total > size or unit == "s"):
            return f"{total // size} {word}"
    raise ValueError(f"{total} is no number of seconds")


@dataclass(frozen=True)
class EsqlFrame(TimeFrame):
    """A time frame as ES|QL writes it.

    Kibana runs a scheduled query over a range of @timestamp of its own, and starts a little late. It reports a document
    once over all runs, by _id, _index and _version, unless the query has STATS (elastic/kibana, security_solution,
    generate_alert_id.ts). So a query of single documents needs no time at all, and one with STATS needs a window.
    """

    @property
    def range(self) -> list[str]:
        """The lines of the time filter of a query without STATS."""
        return [] if self.period else self.filters()

    def filters(self, earlier: int = 0) -> list[str]:
        """The lines of the time filter; `earlier` is how long before its completion a match may begin, in seconds."""
        if not self.period:
            return [f"| WHERE {TIME} > NOW() - {timespan(self.lookback)}"]
        until = f"NOW() - {timespan(self.delay)}" if self.delay else "NOW()"
        start = timespan(self.period + self.delay + earlier)
        return [f"| WHERE {TIME} > NOW() - {start} AND {TIME} <= {until}"]

    @property
    def since(self) -> str:
        """An expression for the time, in ms, after which a match must become complete."""
        return f"TO_LONG(NOW() - {timespan(self.period + self.delay)})"

    @property
    def loss(self) -> Loss:
        """What a scheduled query with STATS may lose, since NOW() is when a run starts."""
        return Loss(
            LossCode.SCHEDULE,
            "Kibana does not tell a query with STATS the end of its range: a match that becomes complete within the "
            "seconds by which a run starts late may be missed or reported twice, a skipped run's matches are missed, "
            "and a run over an old range finds none of them",
        )

    def completed(self, ms: str) -> list[str]:
        """The lines that filter by the time that completed a match, an expression in ms."""
        return [f"| WHERE {ms} > {self.since}"] if self.scheduled else []


def source(searches: Iterable[Search]) -> str:
    """The FROM command for the indices of all searches, with the columns that identify a document."""
    indices = dict.fromkeys(index for search in searches for index in search.model.indices)
    return f"FROM {', '.join(map(index_pattern, indices))} METADATA _id, _index, _version"


def index_pattern(index: str) -> str:
    """An index pattern, quoted if necessary."""
    plain = index.isascii() and index.replace("-", "").replace("*", "").replace(".", "").replace("_", "").isalnum()
    return index if plain else string(index)


def assigned(items: Sequence[str]) -> str:
    """`| EVAL a = 1, b = 2`, with one assignment a line if one line is too long."""
    return assignments("| EVAL", items, WIDTH)


def keep(columns: Iterable[str], leading: Sequence[str] = ()) -> list[str]:
    """The commands that choose the columns of a result and set the largest number of rows."""
    found = list(dict.fromkeys([*leading, *columns]))
    return [*([command("| KEEP", list(map(name, found)), WIDTH)] if found else []), f"| LIMIT {MAX_ROWS}"]


class Piped(PipedQuery):
    """A query with ES|QL's commands."""

    syntax = Syntax(assigned, keep, string, sign=" = ")


@dataclass(frozen=True)
class Search(Piped, RuleSearch):
    """The query of one rule."""

    @property
    def tests(self) -> Sequence[Node[Predicate]]:
        """All tests that a document must meet, those of the log source first."""
        return [*source_tests(self.model), *conjuncts(merge(self.condition))]

    @property
    def projection(self) -> list[str]:
        """The columns of the result."""
        return [*self.model.projection, *sorted(METADATA - {*self.model.projection})] if self.model.projection else []

    def rows(self, frame: EsqlFrame) -> tuple[list[str], list[str]]:
        return [source([self]), *frame.range, *where_lines(self.tests, True)], self.projection


def selected(searches: Sequence[Search]) -> list[str]:
    """The WHERE lines that keep the documents of any of the searches."""
    nodes = common_first([one.tests for one in searches])
    # The operator `:` is allowed at the top level only; inside alternatives, arrays are tested as text.
    return [line for node in nodes for line in where_lines([node], not _has_several(node))]


def _has_several(node: Node[Predicate]) -> bool:
    return not isinstance(node, Test) and not (isinstance(node, Not) and isinstance(node.arg, Test))


def combine(queries: Sequence[tuple[Alert, Query]], frame: EsqlFrame) -> list[str]:
    """One query of all rules, with one row for each alert, and one query for each correlation."""
    rules = [(alert, query) for alert, query in queries if isinstance(query, Search)]
    found = [_combined(rules, frame)] if rules else []
    return [*found, *(query.render(frame, alert) for alert, query in queries if not isinstance(query, Search))]


def _combined(rules: Sequence[tuple[Alert, Search]], frame: EsqlFrame) -> str:
    searches = [search for _alert, search in rules]
    # A rule with several conditions raises one alert for an event.
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
            *frame.range,
            *selected(searches),
            f"| EVAL Fired = CONCAT({one_a_line([*fired, chr(34) * 2])})",
            '| EVAL Fired = SPLIT(Fired, "\\n")',
            "| MV_EXPAND Fired",
            '| WHERE Fired != ""',
            *(f"| EVAL {column} = CASE({one_a_line(told[column])})" for column in Alert.COLUMNS),
            *keep([*Alert.COLUMNS, *columns]),
        ]
    )
