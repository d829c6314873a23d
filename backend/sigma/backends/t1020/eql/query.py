"""EQL queries: event queries for single rules, and sequences for correlations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..common.expression import Node, conjuncts
from ..common.layout import INDENT
from ..common.losses import Loss, LossCode
from ..common.query import RuleSearch, losses_of
from ..common.time_frame import Alert, TimeFrame, timespan
from ..elastic.lowering import source_tests
from ..elastic.predicates import Predicate, merge
from .predicates import expression
from .text import name

#: Elastic's EQL syntax reference, '`with runs` statement'.
MAX_RUNS = 100
ONE_PENDING = Loss(
    LossCode.BOUND,
    "a sequence keeps one pending match for each key, so several first events may give one alert; events with the same "
    "time are taken in the order in which they arrive",
)


@dataclass(frozen=True)
class EqlFrame(TimeFrame):
    """A time frame; EQL leaves it to the search or the rule that runs the query."""

    @property
    def loss(self) -> Loss:
        """The loss that says which time range the search or the rule must set."""
        if self.period:
            when = f"run it every {timespan(self.period)} over more than that plus {timespan(self.delay)} of delay"
        else:
            when = f"give the search or the rule a range of {timespan(self.lookback)}"
        return Loss(LossCode.TIME, f"EQL has no time range in its text; {when}")


@dataclass(frozen=True)
class Search(RuleSearch):
    """The event query of one rule."""

    @property
    def tests(self) -> Sequence[Node[Predicate]]:
        """All tests that an event must meet, those of the log source first."""
        return [*source_tests(self.model), *conjuncts(merge(self.condition))]

    @property
    def category(self) -> str:
        """The event category of EQL."""
        return self.model.event_category or "any"

    def text(self, indent: str = "") -> str:
        """`process where …`, with further lines below `indent`."""
        clauses = [expression(test, indent + INDENT, "and") for test in self.tests]
        return f"{self.category} where " + f"\n{indent}{INDENT}and ".join(clauses)

    def render(self, frame: EqlFrame, alert: Alert | None = None) -> str:
        """Return the query's text, which has neither a time range nor the alert's columns."""
        return self.text()


@dataclass(frozen=True)
class EventSequence:
    """A sequence of events with one key within `span` seconds or, with `runs`, that many events of its single step.

    `steps` has each search with its key columns, in the order of the group-by.
    """

    steps: Sequence[tuple[Search, Sequence[str]]]
    span: int
    runs: int = 0

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses of its rules, and the one of Elasticsearch's sequences."""
        return (*losses_of(search for search, _keys in self.steps), ONE_PENDING)

    def render(self, frame: EqlFrame, alert: Alert | None = None) -> str:
        """Return the query's text, which has neither a time range nor the alert's columns."""
        keys = {tuple(own) for _search, own in self.steps}
        common = ", ".join(map(name, next(iter(keys)))) if len(keys) == 1 else ""
        lines = [f"sequence{f' by {common}' if common else ''} with maxspan={timespan(self.span)}"]
        for search, own in self.steps:
            by = "" if common or not own else f" by {', '.join(map(name, own))}"
            runs = f" with runs={self.runs}" if self.runs else ""
            lines.append(f"{INDENT}[{search.text(INDENT)}]{by}{runs}")
        return "\n".join(lines)
