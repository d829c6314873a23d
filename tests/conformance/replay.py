"""Scheduled runs replayed: a job that runs every PERIOD on what has come in by then.

A run starts up to a minute late, and one of them is skipped. Where the service makes up for that, the skipped run
follows the next one, and has the time range and the time of its own schedule.
"""

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
#: So late does a run start at most.
JITTER = timedelta(minutes=1)


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

    def run(self, started: datetime, scheduled: datetime) -> Sequence[Mapping[str, Any]]:
        """The rows of the job's query, which starts at another time than it is scheduled for."""


class KustoSystem:
    """The tables of Sentinel. Use it as a context manager.

    Microsoft Learn, 'Scheduled analytics rules in Microsoft Sentinel': a run is held back by five minutes, and now() is
    the time before that. So it does not depend on when the run starts.
    """

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

    def run(self, started: datetime, scheduled: datetime) -> Sequence[Mapping[str, Any]]:
        """See System."""
        return self._engine.query(self._kql, scheduled)


class SplunkSystem:
    """The index of a Splunk.

    Reporting Manual, 'Prioritize concurrently scheduled reports in Splunk Web': a run that starts late has the time
    range of its scheduled time. Search Reference, 'Date and Time functions': now() is when the search started.
    """

    def __init__(self, spl: str) -> None:
        self._spl = spl
        self._events: list[dict[str, object]] = []

    def load(self, events: Sequence[Event]) -> None:
        """See System."""
        self._events.extend(map(splunk_event, events))

    def run(self, started: datetime, scheduled: datetime) -> Sequence[Mapping[str, Any]]:
        """See System."""
        return SplEngine(self._events).query(self._spl, started, scheduled)


def runs(
    system: System, coming: Sequence[tuple[datetime, Event]], tell: Callable[[Mapping[str, Any]], T]
) -> list[tuple[datetime, list[T]]]:
    """What each run reports: the time that it is scheduled for, and what `tell` makes of its rows."""
    found: list[tuple[datetime, list[T]]] = []
    pending = list(coming)
    for started, scheduled in _starts(pending[0][0], pending[-1][0] + DELAY + 2 * PERIOD):
        system.load([event for at, event in pending if at <= started])
        pending = [(at, event) for at, event in pending if at > started]
        found.append((scheduled, [tell(row) for row in system.run(started, scheduled)]))
    return found


def _starts(begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """When each run starts, and when it is scheduled: at whole seconds, as schedules are."""
    rng = random.Random(begin.timestamp())
    first = begin.replace(microsecond=0)
    scheduled = [first + number * PERIOD for number in range((end - first) // PERIOD + 1)]
    starts = [(time + rng.choice((0, rng.random(), 1)) * JITTER, time) for time in scheduled]
    skipped = rng.randrange(len(starts) - 1)
    made_up = starts[skipped + 1][0] + timedelta(seconds=1), scheduled[skipped]
    return [*starts[:skipped], starts[skipped + 1], made_up, *starts[skipped + 2 :]]


def replayed(kql: str, coming: Sequence[tuple[datetime, Event]]) -> Counter[int]:
    """How often each first event is reported."""
    with KustoSystem(kql) as system:
        reports: list[tuple[datetime, list[int]]] = runs(system, coming, lambda row: int(row["ReportId"]))
    return Counter(report for _now, found in reports for report in found)
