"""Correlations in EQL: sequences, and refusals of what only ES|QL supports."""

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
    """Makes the query of each correlation type."""

    language = "EQL"
    search_class = Search

    def _ordered(self, rule: SigmaCorrelationRule, searches: Sequence[Search]) -> EventSequence:
        legs = _legs(rule, searches)
        steps = [(_with_keys(leg), leg.columns) for leg in legs]
        return EventSequence(steps, rule.timespan.seconds)

    def _temporal(self, rule: SigmaCorrelationRule, searches: Sequence[Search]) -> NoReturn:
        _refuse_type("temporal", "a sequence has one order")

    def _counted(self, rule: SigmaCorrelationRule, searches: Sequence[Search], operator: str, limit: int) -> Query:
        if counted_fields(rule):
            _refuse_type("value_count", "it cannot count distinct values")
        if operator not in (">", ">="):
            assert isinstance(rule.condition, SigmaCorrelationCondition)
            raise Unsupported(
                f"EQL cannot count with {rule.condition.op.name.lower()}, only with gt and gte; {_ELSEWHERE}",
                at=AT_CONDITION,
            )
        runs = limit + (operator == ">")
        if runs > MAX_RUNS:
            raise Unsupported(f"EQL cannot count to {runs}, only to {MAX_RUNS}; {_ELSEWHERE}", at=AT_CONDITION)
        legs = _legs(rule, searches)
        search = _one_of(legs, runs <= 1)
        return search if runs <= 1 else EventSequence([(search, legs[0].columns)], rule.timespan.seconds, runs)


def _refuse_type(kind: str, why: str) -> NoReturn:
    raise Unsupported(f"EQL does not support the correlation type {kind}: {why}; {_ELSEWHERE}", at=AT_TYPE)


def _legs(rule: SigmaCorrelationRule, searches: Sequence[Search]) -> list[Leg[Search]]:
    """The rules of a correlation. Raises Unsupported for a group-by field that is stored in two columns."""
    legs = [leg_of(search, rule) for search in searches]
    for leg in legs:
        for field, column in leg.keys.items():
            if column.halves:
                raise Unsupported(
                    f"{field} is stored in two fields of {leg.search.model.table}, and an EQL sequence cannot join by "
                    f"both; {_ELSEWHERE}",
                    at=AT_GROUP_BY,
                )
    refuse_two_readings(FlaggedLegs(legs, "Rule"))
    return legs


def _with_keys(leg: Leg[Search], alone: bool = False) -> Search:
    """The search without events whose key is the empty text; such a key never joins.

    A sequence skips events without a key, but a search that stands `alone` must exclude them itself.
    """
    needed: list[Node[Predicate]] = []
    for column in leg.keys.values():
        if alone:
            needed.append(Test(Present(column)))
        if column.is_text and "" not in leg.search.model.removed:
            needed.append(negate(Test(Texts(column, ((),), cased=True))))
    return replace(leg.search, condition=all_of([leg.search.condition, *needed])) if needed else leg.search


def _one_of(legs: list[Leg[Search]], alone: bool) -> Search:
    """Join the rules into one search. Raises Unsupported if they differ in event category or key columns."""
    searches = [_with_keys(leg, alone) for leg in legs]
    if len(searches) == 1:
        return searches[0]
    if len({search.category for search in searches}) > 1 or len({tuple(leg.columns) for leg in legs}) > 1:
        raise Unsupported(
            f"EQL counts events of one category and key, but the rules differ in them; {_ELSEWHERE}", at=AT_RULES
        )
    models = [search.model for search in searches]
    # The tests of the log source that all rules share stand before the alternatives.
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
    """The entries that all the mappings share."""
    return {name: found for name, found in values[0].items() if all(other.get(name) == found for other in values)}
