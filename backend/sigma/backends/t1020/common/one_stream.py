"""Correlations for dialects without a suitable join: all rules are read as one stream of events, flagged by rule."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Generic, TypeVar

from sigma.correlations import SigmaCorrelationRule

from .backend import QueryBackend
from .columns import Column
from .correlations import AT_CONDITION, AT_RULES, refuse_overlapping
from .log_model import LogModel
from .losses import Loss, Unsupported
from .query import Leg, PipedQuery, Query, RuleSearch, Search, losses_of
from .time_frame import TimeFrame

Frame = TypeVar("Frame", bound=TimeFrame)


@dataclass(frozen=True)
class FlaggedLegs(Generic[Search]):
    """All rules of a correlation, numbered from 1. A flag is named `called` (Step or Rule) and the rule's number."""

    legs: Sequence[Leg[Search]]
    called: str

    def flag(self, number: int) -> str:
        """The column that is 1 in events of this rule."""
        return f"{self.called}{number}"

    def model(self, number: int) -> LogModel:
        """The log source of this rule."""
        return self.legs[number - 1].model

    def apart(self, one: int, other: int) -> bool:
        """Whether no event can match both rules."""
        return bool(self.model(one).apart_from(self.model(other)))

    @property
    def keys(self) -> dict[str, str]:
        """The column for each group-by field: the events' own column if it is the same in all rules."""
        found: dict[str, str] = {}
        for field in self.legs[0].keys:
            columns = [leg.keys[field] for leg in self.legs]
            own = len({column.text for column in columns}) == 1 and not columns[0].halves
            found[field] = columns[0].text if own else f"Key{field}"
        return found

    @property
    def made_keys(self) -> dict[str, str]:
        """The keys whose columns the query computes."""
        return {field: column for field, column in self.keys.items() if column == f"Key{field}"}

    @property
    def numbers(self) -> range:
        """The numbers of the rules."""
        return range(1, len(self.legs) + 1)

    def needed_sets(self, number: int) -> list[tuple[int, ...]]:
        """The sets of other rules that must each find at least as many events as the set has rules.

        If they do, each of these rules has an event of its own (Hall's theorem). Sets that fall apart into rules
        without common events are left out, because their parts already imply them.
        """
        others = [other for other in self.numbers if other != number]
        return [
            chosen
            for size in range(1, len(others) + 1)
            for chosen in combinations(others, size)
            if size == 1 or self._connected(chosen)
        ]

    def _connected(self, chosen: tuple[int, ...]) -> bool:
        """Whether possible common events link all these rules."""
        seen, pending = {chosen[0]}, [chosen[0]]
        while pending:
            at = pending.pop()
            for other in chosen:
                if other not in seen and not self.apart(at, other):
                    seen.add(other)
                    pending.append(other)
        return len(seen) == len(chosen)


@dataclass(frozen=True)
class StreamQuery(PipedQuery):
    """The query of a correlation; `span` is its time span in seconds."""

    legs: Any
    span: int

    #: The losses that come from limits of the engine.
    bounds: ClassVar[tuple[Loss, ...]]

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses of its rules and of the engine."""
        return (*losses_of(leg.search for leg in self.legs.legs), *self.bounds)


@dataclass(frozen=True)
class CountQuery(StreamQuery):
    """A count of events, or of values of a field, in the window [t, t + span] that begins with an event at t.

    The result has one row for each key, for the first window that satisfies the condition.
    """

    operator: str
    limit: int

    @property
    def counted(self) -> list[Column]:
        """The columns whose values are counted, one for each rule; empty if events are counted."""
        return [leg.value for leg in self.legs.legs if leg.value]

    @property
    def least(self) -> int:
        """The number of values at which a window first meets the condition."""
        return max(self.limit + (self.operator == ">"), 1)

    @property
    def places(self) -> list[int]:
        """The numbers k > 1 for which the query must know whether a window has k events; every window has one."""
        limit = self.limit
        wanted = {">=": (limit,), ">": (limit + 1,), "<": (limit,), "<=": (limit + 1,)}
        return [number for number in wanted.get(self.operator, (limit, limit + 1)) if number > 1]

    def holds(self, reached: Callable[[int], str], never: str) -> str:
        """The condition on a window's number of events, as an expression of the dialect.

        `reached(k)` is the dialect's expression for "at least k events", `never` the one for false.
        """
        limit = self.limit
        match self.operator:
            case ">=":
                return reached(limit)
            case ">":
                return reached(limit + 1)
            case "<":
                return f"NOT {reached(limit)}"
            case "<=":
                return f"NOT {reached(limit + 1)}" if limit else never
        exactly = f"{reached(limit)} AND NOT {reached(limit + 1)}" if limit else never
        return exactly if self.operator == "==" else f"NOT ({exactly})"


class OneStream(QueryBackend[Frame]):
    """A backend whose correlations read one stream of events."""

    legs_class: ClassVar[type[FlaggedLegs[Any]]]
    ordered_class: ClassVar[type[StreamQuery]]
    temporal_class: ClassVar[type[StreamQuery]]
    count_class: ClassVar[type[CountQuery]]
    #: A count must stay below this number; `count_bound` says why, and begins the message.
    count_below: ClassVar[int]
    count_bound: ClassVar[str]

    @abstractmethod
    def _overwritten(self, leg: Leg[Any]) -> list[str]:
        """The columns of the events that the query would overwrite before it reads them."""

    def _legs(self, rule: SigmaCorrelationRule, searches: Sequence[Any], called: str) -> FlaggedLegs[Any]:
        """The rules of a correlation. Raises Unsupported if the query would mix up their columns."""
        legs = [leg_of(search, rule) for search in searches]
        for leg in legs:
            if names := self._overwritten(leg):
                raise Unsupported(
                    f"the query of a correlation makes columns called {', '.join(names)}, which {leg.model.table} has "
                    "too; rename them in the data and in the pipeline",
                    at=AT_RULES,
                )
        found = self.legs_class(legs, called)
        refuse_two_readings(found)
        return found

    def _ordered(self, rule: SigmaCorrelationRule, searches: Sequence[Any]) -> Query:
        legs = self._legs(rule, searches, "Step")
        later = legs.numbers[1:]
        if any(not legs.apart(one, other) for one in later for other in later if other > one + 1):
            raise Unsupported(
                "steps of the correlation that are not next to each other read the same log source, so one event "
                "could match both; split it into correlations of three steps",
                at=AT_RULES,
            )
        return self.ordered_class(legs, rule.timespan.seconds)

    def _temporal(self, rule: SigmaCorrelationRule, searches: Sequence[Any]) -> Query:
        legs = self._legs(rule, searches, "Rule")
        for number in legs.numbers:
            same = [other for other in legs.numbers if not legs.apart(number, other)]
            refuse_overlapping(len(same), legs.model(number).table)
        return self.temporal_class(legs, rule.timespan.seconds)

    def _counted(self, rule: SigmaCorrelationRule, searches: Sequence[Any], operator: str, limit: int) -> Query:
        legs = self._legs(rule, searches, "Rule")
        if limit >= self.count_below:
            raise Unsupported(
                f"{self.count_bound}, so it cannot count to {limit:,}; use a number below {self.count_below:,}",
                at=AT_CONDITION,
            )
        return self.count_class(legs, rule.timespan.seconds, operator, limit)


def leg_of(search: Search, correlation: SigmaCorrelationRule) -> Leg[Search]:
    """The rule with the fields that the correlation needs. Raises Unsupported for a field that may hold an array."""
    keys = search.keys[id(correlation)]
    for field, column in (*keys.by.items(), ("the counted field", keys.value)):
        if column and column.many:
            raise Unsupported(
                f"{field} may hold several values in {search.model.table}, so a correlation cannot group by it or "
                "count it; choose another field",
                at=("correlation", "group-by" if field in keys.by else "condition"),
            )
    return Leg(search, keys.by, keys.value)


def refuse_two_readings(legs: FlaggedLegs[Any]) -> None:
    """Raise Unsupported if an event that matches two rules could have two keys or two counted values."""
    for one, other in combinations(legs.numbers, 2):
        mine, others = legs.legs[one - 1], legs.legs[other - 1]
        if not legs.apart(one, other) and (mine.keys, mine.value) != (others.keys, others.value):
            raise Unsupported(
                f"two rules of the correlation read {legs.model(one).table} and take a field from different columns; "
                "use the same column in both",
                at=("correlation", "aliases"),
            )


def refuse_nameless(search: RuleSearch) -> None:
    """Raise Unsupported if the pipeline names no fields that identify an event."""
    if not search.model.event_id:
        raise Unsupported(
            f"the pipeline sets no event_id for {search.model.table}; set it to the fields that identify an event",
            at=AT_RULES,
        )
