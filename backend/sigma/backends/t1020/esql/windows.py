"""The base of the ES|QL correlations with sliding windows: event_count, value_count and temporal."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.one_stream import StreamQuery
from .legs import BIN, BUCKET, CROWDED, MS, Legs
from .query import BOUND, Piped


@dataclass(frozen=True)
class Windows(Piped, StreamQuery):
    """A correlation with sliding windows, whose events are collected in buckets of time."""

    legs: Legs
    bounds = (CROWDED, BOUND)

    def _into_buckets(self) -> list[str]:
        """The lines that put each event into the bucket of its time and the one before."""
        return [f"| EVAL {BUCKET} = MV_APPEND({BIN}, {BIN} - 1)", f"| MV_EXPAND {BUCKET}"]

    def _within(self, start: str) -> str:
        return f"{MS} >= {start} AND {MS} <= {start} + {self.span * 1000}"
