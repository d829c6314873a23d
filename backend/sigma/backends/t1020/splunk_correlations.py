"""Correlations as SPL: which rules, keys and values they are made of, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule, SigmaRuleReference

from .correlating import (
    AT_CONDITION,
    AT_RULES,
    OPERATORS,
    CorrelatingConditions,
    counted_fields,
    losses_of,
    searches_of,
)
from .expression import any_of
from .losses import Unsupported
from .splunk_conditions import SplunkConditions, instead
from .splunk_legs import MAX_STREAM_WINDOW, Leg, Legs
from .splunk_ordered import Ordered
from .splunk_query import Search, SplunkFrame
from .splunk_windows import MAX_OVERLAPPING, Count, Temporal


class SplunkCorrelations(CorrelatingConditions, SplunkConditions):
    """Conditions, and the correlations of their rules."""

    language = "SPL"
    #: Which events are read; set by the backend.
    frame: SplunkFrame

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
        count = len(legs.legs)
        later = range(2, count + 1)
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
        numbers = range(1, len(legs.legs) + 1)
        for number in numbers:
            same = [other for other in numbers if not legs.apart(number, other)]
            if len(same) > MAX_OVERLAPPING:
                table = legs.legs[number - 1].search.model.table
                raise Unsupported(
                    f"{len(same)} rules of the correlation read {table}, of which an event may meet several; name at "
                    f"most {MAX_OVERLAPPING}",
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
        if condition.count >= MAX_STREAM_WINDOW:
            raise Unsupported(
                f"Splunk carries at most {MAX_STREAM_WINDOW:,} events at a time, so it cannot count to "
                f"{condition.count:,}; use a smaller number",
                at=AT_CONDITION,
            )
        return Count(legs, rule.timespan.seconds, operator, condition.count, of_values)

    # --- Its rules --------------------------------------------------------------------------------------

    def _legs(self, correlation: SigmaCorrelationRule, called: str, least: int = 1) -> Legs:
        """The rules of a correlation. Raises Unsupported for what has none, or lacks a field."""
        searches = [_search(reference) for reference in correlation.referenced_rules]
        if len(searches) < least:
            raise Unsupported("the correlation has a single rule; name two or more", at=AT_RULES)
        legs = []
        for search in searches:
            keys = search.keys[id(correlation)]
            if keys.refusal is not None:
                raise keys.refusal
            if search.model.data_model:
                raise Unsupported(
                    "data models share no stable identity of a host, so that no correlation can group by it; "
                    f"{instead(search.model, 'name rules of events')}",
                    at=("correlation", "type"),
                )
            if not search.model.event_id:
                raise Unsupported(
                    f"the pipeline names no event_id for {search.model.table}; set it to the fields that tell one "
                    "event from another",
                    at=AT_RULES,
                )
            own = {field: column.text for field, column in keys.by.items()}
            leg = Leg(search, own, keys.value.text if keys.value else "")
            if leg.overwritten:
                raise Unsupported(
                    f"the search of a correlation has fields of its own called {', '.join(leg.overwritten)}, as events "
                    f"of {search.model.table} have; give those another name in Splunk (FIELDALIAS) and in the pipeline",
                    at=AT_RULES,
                )
            legs.append(leg)
        _refuse_two_readings(legs)
        return Legs(legs, called)


def _refuse_two_readings(legs: Sequence[Leg]) -> None:
    """An event of two rules has one key and one value."""
    for at, leg in enumerate(legs):
        for other in legs[at + 1 :]:
            if not leg.apart_from(other) and (leg.keys, leg.value) != (other.keys, other.value):
                raise Unsupported(
                    f"two rules of the correlation read {leg.search.model.table} and take a field from different "
                    "columns; use one for both",
                    at=("correlation", "aliases"),
                )


def _search(reference: SigmaRuleReference) -> Search:
    if isinstance(reference.rule, SigmaCorrelationRule):
        raise Unsupported(
            f"its rule {reference.reference} is a correlation, which SPL cannot correlate again; name rules",
            at=AT_RULES,
        )
    found = [search for search in searches_of(reference) if isinstance(search, Search)]
    # An event that meets several conditions of a rule is one event.
    return replace(found[0], condition=any_of(search.condition for search in found), losses=losses_of(found))
