"""Scheduled runs replayed: a job that runs every PERIOD on what has come in by then."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol, TypeVar

from events.sysmon_in_splunk import splunk_event
from oracles.kusto_engine import KustoEngine
from oracles.spl_engine import SplEngine
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


class System(Protocol):
    """A SIEM in which one job runs."""

    def load(self, events: Sequence[Event]) -> None:
        """Take in events."""

    def run(self, now: datetime) -> Sequence[Mapping[str, Any]]:
        """The rows of the job's query, run at that time."""


class KustoSystem:
    """The tables of Sentinel. Use it as a context manager."""

    def __init__(self, kql: str) -> None:
        self._kql = kql
        self._engine = KustoEngine("sentinel")

    def __enter__(self) -> KustoSystem:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def load(self, events: Sequence[Event]) -> None:
        """See System."""
        load(self._engine, events)

    def run(self, now: datetime) -> Sequence[Mapping[str, Any]]:
        """See System."""
        return self._engine.query(self._kql, now)


class SplunkSystem:
    """The index of a Splunk."""

    def __init__(self, spl: str) -> None:
        self._spl = spl
        self._events: list[dict[str, object]] = []

    def load(self, events: Sequence[Event]) -> None:
        """See System."""
        self._events.extend(map(splunk_event, events))

    def run(self, now: datetime) -> Sequence[Mapping[str, Any]]:
        """See System."""
        return SplEngine(self._events).query(self._spl, now)


def runs(
    system: System, coming: Sequence[tuple[datetime, Event]], tell: Callable[[Mapping[str, Any]], T]
) -> list[tuple[datetime, list[T]]]:
    """What each run reports: its time, and what `tell` makes of its rows."""
    found: list[tuple[datetime, list[T]]] = []
    pending = list(coming)
    now = pending[0][0]
    end = pending[-1][0] + DELAY + PERIOD
    while now < end + PERIOD:
        system.load([event for at, event in pending if at <= now])
        pending = [(at, event) for at, event in pending if at > now]
        found.append((now, [tell(row) for row in system.run(now)]))
        now += PERIOD
    return found


def replayed(kql: str, coming: Sequence[tuple[datetime, Event]]) -> Counter[int]:
    """How often each first event is reported."""
    with KustoSystem(kql) as system:
        reports: list[tuple[datetime, list[int]]] = runs(system, coming, lambda row: int(row["ReportId"]))
    return Counter(report for _now, found in reports for report in found)
