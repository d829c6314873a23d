"""What ES|QL's correlations by sliding windows share: the buckets that events of one window meet in."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.one_stream import StreamQuery
from .legs import BIN, BUCKET, CROWDED, MS, Legs
from .query import BOUND, Piped


@dataclass(frozen=True)
class Windows(Piped, StreamQuery):
    """What all correlations by sliding windows share."""

    legs: Legs
    bounds = (CROWDED, BOUND)

    def _into_buckets(self) -> list[str]:
        """Each event into the bucket of its time and that before."""
        return [f"| EVAL {BUCKET} = MV_APPEND({BIN}, {BIN} - 1)", f"| MV_EXPAND {BUCKET}"]

    def _within(self, start: str) -> str:
        return f"{MS} >= {start} AND {MS} <= {start} + {self.span * 1000}"
