"""Correlations as ES|QL: which rules, keys and values they are made of, and what is refused."""

from __future__ import annotations

from sigma.correlations import SigmaCorrelationRule

from ..common.correlations import AT_RULES
from ..common.legs import leg_of, refuse_two_readings, searches_by_rule
from ..common.losses import Unsupported
from ..common.one_stream import OneStreamCorrelations
from ..elastic.lowering import ElasticConditions
from .legs import MAX_EVENTS, Legs, overwritten
from .ordered import Ordered
from .query import Search
from .windows import Count, Temporal


class EsqlCorrelations(OneStreamCorrelations, ElasticConditions):
    """Conditions, and the correlations of their rules."""

    language = "ES|QL"
    joins_arrays = True
    # Of so many events in two time spans one has at least half of them.
    count_below = MAX_EVENTS // 2
    count_bound = f"a query compares {MAX_EVENTS:,} events of twice the time span at most"

    def _ordered(self, legs: Legs, span: int) -> Ordered:
        return Ordered(legs, span)

    def _temporal(self, legs: Legs, span: int) -> Temporal:
        return Temporal(legs, span)

    def _counted(self, legs: Legs, span: int, operator: str, limit: int, of_values: bool) -> Count:
        return Count(legs, span, operator, limit, of_values)

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
