"""Generated correlations over many generated logs, each log under hosts of its own so that one query serves all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import volumes
from reference.correlation import CountMatch, correlate, timespan_ms
from reference.events import Event
from reference.generators import CorrelationCase, correlation_cases, logs, sample

from conformance.replay import moment

#: Of each type so many correlations, each over so many logs: 2,000 where all is proved.
SIGNATURES = volumes.of(40, least=16)
LOGS_EACH = volumes.of(50, least=20)
#: A replay of scheduled runs is over so many logs.
REPLAYED_LOGS = volumes.of(180, least=150)
FIVE_MINUTES = 300_000


def over_many_logs(kind: str, fits: Callable[[CorrelationCase], bool] | None = None) -> Iterator[list[CorrelationCase]]:
    """SIGNATURES correlations of that type, each over LOGS_EACH logs; those that `fits` takes, if it is given."""
    cases = sample(correlation_cases((kind,)), SIGNATURES if fits is None else SIGNATURES * 15, 11)
    for number, case in enumerate([one for one in cases if fits is None or fits(one)][:SIGNATURES]):
        span = timespan_ms(case.correlation["correlation"]["timespan"])
        drawn = sample(logs(span, 2), LOGS_EACH, 100 + number)
        yield [replace(case, log=log).under(f"c{number}l{i}_") for i, log in enumerate(drawn)]


def replayable(kind: str, number: int) -> list[CorrelationCase]:
    """A correlation with the period for its time span, over many logs, whose events lie on the edges of the runs."""
    case = [
        one
        for one in sample(correlation_cases((kind,)), 600, 5)
        if one.correlation["correlation"]["timespan"] == "5m"
        and one.correlation["correlation"]["group-by"] == ["HostId"]
        and any(
            one.correlation["correlation"].get("condition", {"gt": 1}).get(name) in (1, 2) for name in ("gt", "gte")
        )
    ][number]
    return of_five_minutes(case, REPLAYED_LOGS, 70 + number)


def of_five_minutes(case: CorrelationCase, count: int, seed: int) -> list[CorrelationCase]:
    """The case over so many logs whose times are about multiples of five minutes."""
    drawn = sample(logs(FIVE_MINUTES, 2), count, seed)
    return [replace(case, log=log).under(f"l{i}_") for i, log in enumerate(drawn)]


def first_completed(case: CorrelationCase, begin: datetime, end: datetime) -> Iterator[tuple[tuple[str, ...], int]]:
    """By key the first window that is first complete in (begin, end]: what one run must report, in plain Python.

    A window is complete when the events up to a time meet the condition, so it is asked of the log up to `begin` and
    up to `end`, window by window.
    """
    span = timespan_ms(case.correlation["correlation"]["timespan"])
    logs: dict[tuple[str, ...], list[Event]] = defaultdict(list)
    for event in case.log:
        logs[(str(event.fields.get("HostId") or ""),)].append(event)
    for key, log in logs.items():
        for start in sorted({event.time for event in log}):
            window = [event for event in log if start <= event.time <= start + span]
            # No other window becomes complete there.
            has_news = any(begin < moment(event.time) <= end for event in window)
            if has_news and _is_complete(case, start, window, end) and not _is_complete(case, start, window, begin):
                yield key, start
                break


def _is_complete(case: CorrelationCase, start: int, window: list[Event], until: datetime) -> bool:
    """Whether the events of a window up to a time meet the condition."""
    seen = [event for event in window if moment(event.time) <= until]
    matches = correlate(case.correlation, case.rules, seen)
    return any(isinstance(match, CountMatch) and match.time == start for match in matches)
