"""Whole EQL queries: the events that one rule finds, and sequences of them."""

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
    "a sequence keeps one pending match of a key, so that several first events may give one alert; events of one time "
    "are taken in the order in which they come",
)


@dataclass(frozen=True)
class EqlFrame(TimeFrame):
    """A time frame, which EQL leaves to the search or the rule that runs it."""

    @property
    def loss(self) -> Loss:
        """What the text of a query does not say."""
        if self.period:
            when = f"run it every {timespan(self.period)} over more than that and {timespan(self.delay)} of delay"
        else:
            when = f"give the search or the rule a range of {timespan(self.lookback)}"
        return Loss(LossCode.TIME, f"EQL has no time range in its text; {when}")


@dataclass(frozen=True)
class Search(RuleSearch):
    """The events of one log source that meet a rule's condition."""

    @property
    def tests(self) -> Sequence[Node[Predicate]]:
        """All that an event must meet, the log source first."""
        return [*source_tests(self.model), *conjuncts(merge(self.condition))]

    @property
    def category(self) -> str:
        """The event category of EQL."""
        return self.model.event_category or "any"

    def text(self, indent: str = "") -> str:
        """`process where …`, continued below `indent`."""
        clauses = [expression(test, indent + INDENT, "and") for test in self.tests]
        return f"{self.category} where " + f"\n{indent}{INDENT}and ".join(clauses)

    def render(self, frame: EqlFrame, alert: Alert | None = None) -> str:
        """See Query. The text says nothing of time, nor of the rule."""
        return self.text()


@dataclass(frozen=True)
class EventSequence:
    """Events in order on one key within a time span, in seconds; or `runs` events of one kind.

    `steps` are the searches with their keys, in the order of the group-by.
    """

    steps: Sequence[tuple[Search, Sequence[str]]]
    span: int
    runs: int = 0

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Those of its rules, and what the machine of sequences bounds."""
        return (*losses_of(search for search, _keys in self.steps), ONE_PENDING)

    def render(self, frame: EqlFrame, alert: Alert | None = None) -> str:
        """See Query. The text says nothing of time, nor of the rule."""
        keys = {tuple(own) for _search, own in self.steps}
        common = ", ".join(map(name, next(iter(keys)))) if len(keys) == 1 else ""
        lines = [f"sequence{f' by {common}' if common else ''} with maxspan={timespan(self.span)}"]
        for search, own in self.steps:
            by = "" if common or not own else f" by {', '.join(map(name, own))}"
            runs = f" with runs={self.runs}" if self.runs else ""
            lines.append(f"{INDENT}[{search.text(INDENT)}]{by}{runs}")
        return "\n".join(lines)
