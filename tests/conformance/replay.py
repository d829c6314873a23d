"""Scheduled runs replayed: a job that runs every PERIOD on what has come in by then."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from oracles.kusto_engine import KustoEngine
from reference.events import Event

from conformance.kusto import load

T = TypeVar("T")
PERIOD, DELAY = timedelta(minutes=5), timedelta(minutes=3)


def moment(milliseconds: int) -> datetime:
    """A time in ms since the epoch as the engine's `now` is given."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc).replace(tzinfo=None)


def arrivals(log: Sequence[Event], seed: int) -> list[tuple[datetime, Event]]:
    """Each event with the time at which it can be read: late by at most DELAY, some by exactly that."""
    rng = random.Random(seed)
    late = [rng.choice((0.0, 1.0, rng.random())) for _ in log]
    return sorted(
        ((moment(event.time) + part * DELAY, event) for part, event in zip(late, log, strict=True)),
        key=lambda pair: pair[0],
    )


def runs(
    kql: str, coming: Sequence[tuple[datetime, Event]], tell: Callable[[Mapping[str, Any]], T]
) -> list[tuple[datetime, list[T]]]:
    """What each run reports: its time, and what `tell` makes of its rows."""
    found: list[tuple[datetime, list[T]]] = []
    pending = list(coming)
    now = pending[0][0]
    end = pending[-1][0] + DELAY + PERIOD
    with KustoEngine("sentinel") as engine:
        while now < end + PERIOD:
            load(engine, [event for at, event in pending if at <= now])
            pending = [(at, event) for at, event in pending if at > now]
            found.append((now, [tell(row) for row in engine.query(kql, now)]))
            now += PERIOD
    return found


def replayed(kql: str, coming: Sequence[tuple[datetime, Event]]) -> Counter[int]:
    """How often each first event is reported."""
    reports: list[tuple[datetime, list[int]]] = runs(kql, coming, lambda row: int(row["ReportId"]))
    return Counter(report for _now, found in reports for report in found)
