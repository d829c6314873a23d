"""Correlations as EQL: sequences, and what is refused and left to ES|QL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule

from ..common.backend import QueryBackend
from ..common.correlation_keys import AT_GROUP_BY, counted_fields
from ..common.correlations import AT_CONDITION, AT_RULES, AT_TYPE
from ..common.expression import Node, Test, all_of, any_of, negate
from ..common.losses import Unsupported
from ..common.one_stream import FlaggedLegs, leg_of, refuse_two_readings
from ..common.query import Leg, Query, losses_of
from ..common.semantic_tests import Present, Texts
from ..elastic.lowering import source_tests
from ..elastic.predicates import Predicate
from .query import MAX_RUNS, EqlFrame, EventSequence, Search

_ELSEWHERE = "use --dialect esql"


class EqlCorrelations(QueryBackend[EqlFrame]):
    """Which query each type of correlation becomes."""

    language = "EQL"
    search_class = Search

    def _ordered(self, rule: SigmaCorrelationRule, searches: Sequence[Search]) -> EventSequence:
        legs = _legs(rule, searches)
        steps = [(_with_keys(leg), leg.columns) for leg in legs]
        return EventSequence(steps, rule.timespan.seconds)

    def _temporal(self, rule: SigmaCorrelationRule, searches: Sequence[Search]) -> NoReturn:
        _refuse_type("temporal", "sequences have one order")

    def _counted(self, rule: SigmaCorrelationRule, searches: Sequence[Search], operator: str, limit: int) -> Query:
        if counted_fields(rule):
            _refuse_type("value_count", "it has no distinct values")
        if operator not in (">", ">="):
            assert isinstance(rule.condition, SigmaCorrelationCondition)
            raise Unsupported(
                f"EQL cannot count with {rule.condition.op.name.lower()}, only with gt and gte; {_ELSEWHERE}",
                at=AT_CONDITION,
            )
        runs = limit + (operator == ">")
        if runs > MAX_RUNS:
            raise Unsupported(f"EQL counts to {MAX_RUNS} at most, not to {runs}; {_ELSEWHERE}", at=AT_CONDITION)
        legs = _legs(rule, searches)
        search = _one_of(legs, runs <= 1)
        return search if runs <= 1 else EventSequence([(search, legs[0].columns)], rule.timespan.seconds, runs)


def _refuse_type(kind: str, why: str) -> NoReturn:
    raise Unsupported(f"EQL has no correlation of the type {kind}: {why}; {_ELSEWHERE}", at=AT_TYPE)


def _legs(rule: SigmaCorrelationRule, searches: Sequence[Search]) -> list[Leg[Search]]:
    """The rules of a correlation. Raises Unsupported for what has a field in two columns."""
    legs = [leg_of(search, rule) for search in searches]
    for leg in legs:
        for field, column in leg.keys.items():
            if column.halves:
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
    needed: list[Node[Predicate]] = []
    for column in leg.keys.values():
        if alone:
            needed.append(Test(Present(column)))
        if column.is_text and "" not in leg.search.model.removed:
            needed.append(negate(Test(Texts(column, ((),), cased=True))))
    return replace(leg.search, condition=all_of([leg.search.condition, *needed])) if needed else leg.search


def _one_of(legs: list[Leg[Search]], alone: bool) -> Search:
    """The events of any of the rules as one search. Raises Unsupported where they have not one category and key."""
    searches = [_with_keys(leg, alone) for leg in legs]
    if len(searches) == 1:
        return searches[0]
    if len({search.category for search in searches}) > 1 or len({tuple(leg.columns) for leg in legs}) > 1:
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
