"""Runs SPL on events in memory, as Splunk's public documentation says: an oracle for queries that are made elsewhere.

There is no engine of SPL to be had, so this one is written from the pages alone; each module names those it follows.
Where they are silent or disagree, the construct is refused (SplUnsupported), or is a reading that a test can choose:
`TimeWindow` and `Readings`. It is another engine than Splunk's: no index-time rules, no field extraction, no
permissions, no limit on time or memory, and exact numbers.

The order of events is that of the pages: a search gives the newest first, and events of one time as they were given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from oracles.spl_commands import PLAIN
from oracles.spl_eval import Context, assignments, condition
from oracles.spl_grammar import Command, pipeline
from oracles.spl_search import compiled
from oracles.spl_stats import eventstats, stats, streamstats
from oracles.spl_tstats import tstats
from oracles.spl_values import Event, Events, Number, Readings, Scalar, Step, TimeWindow, epoch, loaded


class SplEngine:
    """Events, data models and macros, on which queries run.

    An event is a mapping of field names to text, numbers or lists of these; None is no field. `_time` is in seconds
    since 1970, exact, or a datetime. `_raw`, the text that keywords are looked for in, is all values unless given. A
    data model is named as in `FROM datamodel=`, and its rows have the names that the query uses. A macro is named
    without its backticks. Raises TypeError for what an event cannot hold, ValueError for a `_time` that is no number.
    """

    def __init__(
        self,
        events: Iterable[Mapping[str, object]] = (),
        *,
        macros: Mapping[str, str] | None = None,
        datamodels: Mapping[str, Iterable[Mapping[str, object]]] | None = None,
        time_window: TimeWindow | None = None,
        readings: Readings | None = None,
        max_stream_window: int = 10_000,
        list_maxsize: int = 100,
    ) -> None:
        self._macros = dict(macros or {})
        self._datamodels = {name: [loaded(row) for row in rows] for name, rows in (datamodels or {}).items()}
        self._time_window = time_window or TimeWindow()
        self._readings = readings or Readings()
        self._max_stream_window = max_stream_window
        self._list_maxsize = list_maxsize
        # Newest first, those without a time last.
        self._events = sorted(map(loaded, events), key=_newest)

    def query(self, spl: str, now: datetime, latest: datetime | None = None) -> list[dict[str, object]]:
        """What a query gives when it starts at `now` (UTC where that names no zone): rows of fields that are not null.

        `latest` is the end of the time range that dispatch sets, which is not in it (Search Manual, 'Specify time
        modifiers in your search'); without it, the range is all time. A scheduled search that starts late has the
        range of its scheduled time ('Prioritize concurrently scheduled reports in Splunk Web').

        Numbers are int or, with a fraction, Decimal; several values are a list. Raises SplError for what is no SPL,
        SplUnsupported for what the documentation leaves open, also when that shows only as the query runs.
        """
        context = Context(epoch(now), self._readings, None if latest is None else epoch(latest))
        steps = [self._step(command, context, first=number == 0) for number, command in enumerate(self._pipeline(spl))]
        events: Events = self._events
        if context.latest is not None:
            events = [event for event in events if _time(event) < context.latest]
        for step in steps:
            events = step(events)
        return [
            {name: list(value) if isinstance(value, tuple) else value for name, value in event.items()}
            for event in events
        ]

    def _in_range(self, latest: Number | None) -> dict[str, Events]:
        """The rows of the data models before the end of the range."""
        if latest is None:
            return self._datamodels
        return {name: [row for row in rows if _time(row) < latest] for name, rows in self._datamodels.items()}

    def _pipeline(self, spl: str) -> tuple[Command, ...]:
        return pipeline(spl, self._macros)

    def _step(self, command: Command, context: Context, *, first: bool) -> Step:
        name, tree = command.name, command.tree
        match name:
            case "search":
                test = compiled(tree, context.readings, context.now, first=first)
                # The first command copies what it passes on, so that the others may change it.
                if first:
                    return lambda events: [{**event} for event in events if test(event)]
                return lambda events: [event for event in events if test(event)]
            case "where":
                (expression,) = (child for child in tree.children if not isinstance(child, str))
                decide = condition(expression, context)
                return lambda events: [event for event in events if decide(event)]
            case "eval":
                return _eval(command, context)
            case "stats":
                return stats(tree, context, self._list_maxsize)
            case "eventstats":
                return eventstats(tree, context, self._list_maxsize)
            case "streamstats":
                return streamstats(tree, context, self._list_maxsize, self._time_window, self._max_stream_window)
            case "tstats":
                return tstats(tree, context, self._list_maxsize, self._in_range(context.latest))
            case "addinfo":
                return _addinfo(context)
        return PLAIN[name](tree)


def _addinfo(context: Context) -> Step:
    """Search Reference, 'addinfo': the boundaries of the search, where the latest of all time is infinite.

    That it is written +Infinity is seen in published results and searches; the page says "+infinity" only in its text.
    """
    told: dict[str, Scalar] = {"info_max_time": "+Infinity" if context.latest is None else context.latest}

    def run(events: Events) -> Events:
        for event in events:
            event.update(told)
        return events

    return run


def _eval(command: Command, context: Context) -> Step:
    targets = assignments(command.tree, context)

    def run(events: Events) -> Events:
        for event in events:
            for name, expression in targets:
                held = expression(event)
                if held is None:
                    event.pop(name, None)
                else:
                    event[name] = held
        return events

    return run


def _newest(event: Event) -> Number:
    return -_time(event)


def _time(event: Event) -> Number:
    at = event.get("_time")
    return float("-inf") if at is None or isinstance(at, str | tuple) else at  # type: ignore[return-value]
