"""Correlations as ES|QL: which rules, keys and values they are made of, and what is refused."""

from __future__ import annotations

from typing import Any

from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule

from .correlating import AT_CONDITION, AT_RULES, OPERATORS, CorrelatingConditions, counted_fields
from .elastic_conditions import ElasticConditions
from .esql_legs import MAX_EVENTS, Legs, overwritten
from .esql_ordered import Ordered
from .esql_query import EsqlFrame, Search
from .esql_windows import MAX_OVERLAPPING, Count, Temporal
from .legs import leg_of, refuse_two_readings, searches_by_rule
from .losses import Unsupported


class EsqlCorrelations(CorrelatingConditions, ElasticConditions):
    """Conditions, and the correlations of their rules."""

    language = "ES|QL"
    joins_arrays = True
    #: Which events are read; set by the backend.
    frame: EsqlFrame

    def convert_correlation_temporal_ordered_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Rules in order on one key within the time span."""
        legs = self._legs(rule, "Step", least=2)
        if not legs.keys:
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
        return [Ordered(legs, rule.timespan.seconds)]

    def convert_correlation_temporal_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Rules in any order on one key within the time span."""
        legs = self._legs(rule, "Rule", least=2)
        for number in legs.numbers:
            same = [other for other in legs.numbers if not legs.apart(number, other)]
            if len(same) > MAX_OVERLAPPING:
                raise Unsupported(
                    f"{len(same)} rules of the correlation read {legs.model(number).table}, of which an event may meet "
                    f"several; name at most {MAX_OVERLAPPING}",
                    at=AT_RULES,
                )
        return [Temporal(legs, rule.timespan.seconds)]

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

    def _count(self, rule: SigmaCorrelationRule, of_values: bool) -> Count:
        condition = rule.condition
        assert isinstance(condition, SigmaCorrelationCondition)
        legs, operator = self._legs(rule, "Rule"), OPERATORS[condition.op]
        if operator not in (">", ">=") and self.frame.period:
            raise Unsupported(
                f"a count with {condition.op.name.lower()} is never complete, so no scheduled run can report it; use "
                "gt or gte",
                at=AT_CONDITION,
            )
        # Of so many events in two time spans one has at least half of them.
        if condition.count >= MAX_EVENTS // 2:
            raise Unsupported(
                f"a query compares {MAX_EVENTS:,} events of twice the time span at most, so it cannot count to "
                f"{condition.count:,}; use a number below {MAX_EVENTS // 2:,}",
                at=AT_CONDITION,
            )
        return Count(legs, rule.timespan.seconds, operator, condition.count, of_values)

    def _legs(self, correlation: SigmaCorrelationRule, called: str, least: int = 1) -> Legs:
        """The rules of a correlation. Raises Unsupported for what has none, or lacks a field."""
        legs = []
        for search in searches_by_rule(correlation, Search, self.language, least):
            leg = leg_of(search, correlation)
            if names := overwritten(leg):
                raise Unsupported(
                    f"the query of a correlation has columns of its own called {', '.join(names)}, as "
                    f"{search.model.table} have; give those another name in the data and in the pipeline",
                    at=AT_RULES,
                )
            legs.append(leg)
        found = Legs(legs, called)
        refuse_two_readings(found)
        return found
