"""Correlations in ES|QL: the query class of each type, and the limits."""

from __future__ import annotations

from ..common.one_stream import OneStream
from ..common.query import Leg
from .counts import Count
from .legs import MAX_EVENTS, Legs, overwritten
from .ordered import Ordered
from .query import EsqlFrame, Search
from .temporal import Temporal


class EsqlCorrelations(OneStream[EsqlFrame]):
    """Makes the query of each correlation type."""

    language = "ES|QL"
    search_class = Search
    legs_class = Legs
    ordered_class = Ordered
    temporal_class = Temporal
    count_class = Count
    # If two time spans have MAX_EVENTS events, one of the two has at least half of them.
    count_below = MAX_EVENTS // 2
    count_bound = f"a query compares at most {MAX_EVENTS:,} events in twice the time span"

    def _overwritten(self, leg: Leg[Search]) -> list[str]:
        return overwritten(leg)
