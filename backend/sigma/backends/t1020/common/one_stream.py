"""Correlations of rules that are read as one stream of events (legs.py), in dialects without a join. No dialect."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule

from .correlations import AT_CONDITION, AT_RULES, OPERATORS, CorrelatingConditions, counted_fields
from .legs import FlaggedLegs
from .losses import Unsupported

#: Rules of one log source in `temporal`: an event may be of several, so that each set of them is looked at.
MAX_OVERLAPPING = 5


class OneStreamCorrelations(CorrelatingConditions):
    """Which rules, keys and values a correlation is made of, and what is refused; subclasses make the query."""

    #: Which events are read, a TimeFrame; set by the backend.
    frame: Any
    #: What a count must stay below, and why, in words that begin a sentence.
    count_below: ClassVar[int]
    count_bound: ClassVar[str]

    @abstractmethod
    def _legs(self, correlation: SigmaCorrelationRule, called: str, least: int = 1) -> Any:
        """The rules of a correlation, as FlaggedLegs. Raises Unsupported for what has none, or lacks a field."""

    @abstractmethod
    def _ordered(self, legs: Any, span: int) -> Any:
        """The query of rules in order within a span in seconds."""

    @abstractmethod
    def _temporal(self, legs: Any, span: int) -> Any:
        """The query of rules in any order."""

    @abstractmethod
    def _counted(self, legs: Any, span: int, operator: str, limit: int, of_values: bool) -> Any:
        """The query of a number of events or values."""

    def convert_correlation_temporal_ordered_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Rules in order on one key within the time span."""
        legs: FlaggedLegs[Any] = self._legs(rule, "Step", least=2)
        if not legs.legs[0].keys:
            raise Unsupported(
                "the correlation has no group-by; name the field that its rules share, such as Computer",
                at=("correlation", "type"),
            )
        later = legs.numbers[1:]
        if any(not legs.apart(one, other) for one in later for other in later if other > one + 1):
            raise Unsupported(
                "steps of the correlation that are not next to each other read the same log source, so that one event "
                "could be both; split it into correlations of three steps",
                at=AT_RULES,
            )
        return [self._ordered(legs, rule.timespan.seconds)]

    def convert_correlation_temporal_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Rules in any order on one key within the time span."""
        legs: FlaggedLegs[Any] = self._legs(rule, "Rule", least=2)
        for number in legs.numbers:
            same = [other for other in legs.numbers if not legs.apart(number, other)]
            if len(same) > MAX_OVERLAPPING:
                raise Unsupported(
                    f"{len(same)} rules of the correlation read {legs.model(number).table}, of which an event may meet "
                    f"several; name at most {MAX_OVERLAPPING}",
                    at=AT_RULES,
                )
        return [self._temporal(legs, rule.timespan.seconds)]

    def convert_correlation_event_count_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """A number of events on one key within the time span."""
        return [self._count(rule, of_values=False)]

    def convert_correlation_value_count_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """A number of values of a field on one key within the time span."""
        if len(counted_fields(rule)) != 1:
            raise Unsupported("value_count counts the values of one field; name it as condition field", at=AT_CONDITION)
        return [self._count(rule, of_values=True)]

    def _count(self, rule: SigmaCorrelationRule, of_values: bool) -> Any:
        condition = rule.condition
        assert isinstance(condition, SigmaCorrelationCondition)
        legs, operator = self._legs(rule, "Rule"), OPERATORS[condition.op]
        if operator not in (">", ">=") and self.frame.period:
            raise Unsupported(
                f"a count with {condition.op.name.lower()} is never complete, so no scheduled run can report it; use "
                "gt or gte",
                at=AT_CONDITION,
            )
        if condition.count >= self.count_below:
            raise Unsupported(
                f"{self.count_bound}, so it cannot count to {condition.count:,}; use a number below "
                f"{self.count_below:,}",
                at=AT_CONDITION,
            )
        return self._counted(legs, rule.timespan.seconds, operator, condition.count, of_values)


def places(operator: str, limit: int) -> list[int]:
    """The numbers of events of which must be known whether a window has so many; that it has one always is."""
    wanted = {">=": (limit,), ">": (limit + 1,), "<": (limit,), "<=": (limit + 1,)}
    return [number for number in wanted.get(operator, (limit, limit + 1)) if number > 1]


def holds(operator: str, limit: int, reached: Callable[[int], str], never: str) -> str:
    """Whether a window's number of events meets the condition, in the dialect's words for having so many."""
    match operator:
        case ">=":
            return reached(limit)
        case ">":
            return reached(limit + 1)
        case "<":
            return f"NOT {reached(limit)}"
        case "<=":
            return f"NOT {reached(limit + 1)}" if limit else never
    exactly = f"{reached(limit)} AND NOT {reached(limit + 1)}" if limit else never
    return exactly if operator == "==" else f"NOT ({exactly})"
