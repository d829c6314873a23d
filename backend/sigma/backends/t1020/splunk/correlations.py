"""Correlations in SPL: the query class of each type, and the limits."""

from __future__ import annotations

from collections.abc import Sequence

from sigma.correlations import SigmaCorrelationRule

from ..common.correlations import AT_TYPE
from ..common.losses import Unsupported
from ..common.one_stream import FlaggedLegs, OneStream, refuse_nameless
from ..common.query import Leg
from .counts import Count
from .legs import MAX_STREAM_WINDOW, Legs, overwritten
from .lowering import instead
from .ordered import Ordered
from .query import Search, SplunkFrame
from .temporal import Temporal


class SplunkCorrelations(OneStream[SplunkFrame]):
    """Makes the search of each correlation type."""

    language = "SPL"
    search_class = Search
    legs_class = Legs
    ordered_class = Ordered
    temporal_class = Temporal
    count_class = Count
    count_below = MAX_STREAM_WINDOW
    count_bound = f"Splunk carries at most {MAX_STREAM_WINDOW:,} events at a time"

    def _overwritten(self, leg: Leg[Search]) -> list[str]:
        return overwritten(leg)

    def _legs(self, rule: SigmaCorrelationRule, searches: Sequence[Search], called: str) -> FlaggedLegs[Search]:
        for search in searches:
            if search.model.data_model:
                raise Unsupported(
                    "data models do not share a stable identity of a host, so a correlation cannot group by it; "
                    f"{instead(search.model, 'name rules that search events')}",
                    at=AT_TYPE,
                )
            refuse_nameless(search)
        return super()._legs(rule, searches, called)
