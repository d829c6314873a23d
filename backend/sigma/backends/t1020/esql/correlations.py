"""Correlations as ES|QL: which query each type becomes."""

from __future__ import annotations

from ..common.one_stream import OneStream
from ..common.query import Leg
from .counts import Count
from .legs import MAX_EVENTS, Legs, overwritten
from .ordered import Ordered
from .query import EsqlFrame, Search
from .temporal import Temporal


class EsqlCorrelations(OneStream[EsqlFrame]):
    """Which query each type of correlation becomes."""

    language = "ES|QL"
    search_class = Search
    legs_class = Legs
    ordered_class = Ordered
    temporal_class = Temporal
    count_class = Count
    # Of so many events in two time spans one has at least half of them.
    count_below = MAX_EVENTS // 2
    count_bound = f"a query compares {MAX_EVENTS:,} events of twice the time span at most"

    def _overwritten(self, leg: Leg[Search]) -> list[str]:
        return overwritten(leg)
