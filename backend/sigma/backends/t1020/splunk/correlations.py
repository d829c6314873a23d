"""Correlations as SPL: which rules, keys and values they are made of, and what is refused."""

from __future__ import annotations

from sigma.correlations import SigmaCorrelationRule

from ..common.correlations import AT_RULES
from ..common.legs import leg_of, refuse_nameless, refuse_two_readings, searches_by_rule
from ..common.losses import Unsupported
from ..common.one_stream import OneStreamCorrelations
from .legs import MAX_STREAM_WINDOW, Legs, overwritten
from .lowering import SplunkConditions, instead
from .ordered import Ordered
from .query import Search
from .windows import Count, Temporal


class SplunkCorrelations(OneStreamCorrelations, SplunkConditions):
    """Conditions, and the correlations of their rules."""

    language = "SPL"
    count_below = MAX_STREAM_WINDOW
    count_bound = f"Splunk carries at most {MAX_STREAM_WINDOW:,} events at a time"

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
            if search.model.data_model:
                raise Unsupported(
                    "data models share no stable identity of a host, so that no correlation can group by it; "
                    f"{instead(search.model, 'name rules of events')}",
                    at=("correlation", "type"),
                )
            refuse_nameless(search)
            leg = leg_of(search, correlation)
            if names := overwritten(leg):
                raise Unsupported(
                    f"the search of a correlation has fields of its own called {', '.join(names)}, as events of "
                    f"{search.model.table} have; give those another name in Splunk (FIELDALIAS) and in the pipeline",
                    at=AT_RULES,
                )
            legs.append(leg)
        found = Legs(legs, called)
        refuse_two_readings(found)
        return found
