"""Correlations as EQL: sequences, and what is refused and left to ES|QL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule

from ..common.correlations import AT_CONDITION, AT_GROUP_BY, AT_RULES, OPERATORS, CorrelatingConditions, losses_of
from ..common.expression import Node, Test, all_of, any_of, negate
from ..common.legs import FlaggedLegs, Leg, leg_of, refuse_two_readings, searches_by_rule
from ..common.losses import Unsupported
from ..elastic.lowering import ElasticConditions, field_of, source_tests
from ..elastic.predicates import Predicate, Present, Texts
from .query import MAX_RUNS, EventSequence, Search

_ELSEWHERE = "use --dialect esql"


class EqlCorrelations(CorrelatingConditions, ElasticConditions):
    """Conditions, and the correlations of their rules."""

    language = "EQL"
    joins_arrays = False

    def convert_correlation_temporal_ordered_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Rules in order on one key within the time span."""
        legs = self._legs(rule, least=2)
        if not legs[0].keys:
            raise Unsupported(
                "the correlation has no group-by; name the field that its rules share, such as Computer",
                at=("correlation", "type"),
            )
        steps = [(_with_keys(leg), list(leg.keys.values())) for leg in legs]
        return [EventSequence(steps, rule.timespan.seconds)]

    def convert_correlation_event_count_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """A number of events on one key within the time span."""
        condition = rule.condition
        assert isinstance(condition, SigmaCorrelationCondition)
        operator = OPERATORS[condition.op]
        if operator not in (">", ">="):
            raise Unsupported(
                f"EQL cannot count with {condition.op.name.lower()}, only with gt and gte; {_ELSEWHERE}",
                at=AT_CONDITION,
            )
        runs = condition.count + (operator == ">")
        if runs > MAX_RUNS:
            raise Unsupported(f"EQL counts to {MAX_RUNS} at most, not to {runs}; {_ELSEWHERE}", at=AT_CONDITION)
        legs = self._legs(rule)
        search = _one_of(legs, runs <= 1)
        if runs <= 1:
            return [search]
        return [EventSequence([(search, list(legs[0].keys.values()))], rule.timespan.seconds, runs)]

    def convert_correlation_temporal_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_type("temporal", "sequences have one order")

    def convert_correlation_value_count_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_type("value_count", "it has no distinct values")

    @staticmethod
    def _refuse_type(kind: str, why: str) -> NoReturn:
        raise Unsupported(f"EQL has no correlation of the type {kind}: {why}; {_ELSEWHERE}", at=("correlation", "type"))

    def _legs(self, correlation: SigmaCorrelationRule, least: int = 1) -> list[Leg[Search]]:
        """The rules of a correlation. Raises Unsupported for what has none, lacks a field, or has it in two."""
        legs = [leg_of(search, correlation) for search in searches_by_rule(correlation, Search, self.language, least)]
        for leg in legs:
            for field, column in leg.keys.items():
                if column in leg.search.model.joined:
                    raise Unsupported(
                        f"{field} is in two fields of {leg.search.model.table}, which no sequence of EQL can be joined "
                        f"by; {_ELSEWHERE}",
                        at=AT_GROUP_BY,
                    )
        refuse_two_readings(FlaggedLegs(legs, "Rule"))
        return legs


def _with_keys(leg: Leg[Search], alone: bool = False) -> Search:
    """The search without events whose key is an empty text, which joins nothing; and `alone`, without a sequence that
    would see to it, without those that have none."""
    model = leg.search.model
    needed: list[Node[Predicate]] = []
    for column in leg.keys.values():
        field = field_of(model, column)
        if alone:
            needed.append(Test(Present(field)))
        if field.is_text and "" not in model.removed:
            needed.append(negate(Test(Texts(field, ((),), cased=True))))
    return replace(leg.search, condition=all_of([leg.search.condition, *needed])) if needed else leg.search


def _one_of(legs: list[Leg[Search]], alone: bool) -> Search:
    """The events of any of the rules as one search. Raises Unsupported where they have not one category and key."""
    searches = [_with_keys(leg, alone) for leg in legs]
    if len(searches) == 1:
        return searches[0]
    if len({search.category for search in searches}) > 1 or len({tuple(leg.keys.values()) for leg in legs}) > 1:
        raise Unsupported(
            f"EQL counts events of one category and key, which the rules have not; {_ELSEWHERE}", at=AT_RULES
        )
    models = [search.model for search in searches]
    # What all of them ask of the log source stands before the alternatives.
    model = replace(
        models[0],
        source_values=_in_all([model.source_values for model in models]),
        unlike=_in_all([model.unlike for model in models]),
    )
    common = source_tests(model)
    conditions = [
        all_of([*(test for test in source_tests(search.model) if test not in common), search.condition])
        for search in searches
    ]
    return replace(searches[0], model=model, condition=any_of(conditions), losses=losses_of(searches))


def _in_all(values: list[Mapping[str, Sequence[str]]]) -> dict[str, Sequence[str]]:
    """What all the mappings have alike."""
    return {name: found for name, found in values[0].items() if all(other.get(name) == found for other in values)}
