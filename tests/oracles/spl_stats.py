"""The commands `stats`, `eventstats` and `streamstats`. Search Reference, the page of each.

- An event in which a BY field is null is in no row of `stats`. The pages do not say so of `eventstats` and
  `streamstats`, which keep every event: it passes without the new fields.
- `stats` counts an event with several values in a BY field once for each ('stats', dedup_splitvals=false).
  The other two refuse that.
- `stats` without BY gives one row, also of no events; the pages do not promise an order of rows, here it is that of
  the BY fields as text.
- `streamstats` without window and time_window: older pages say all events, newer ones the 10,000 of max_stream_window.
  So a group with more is refused. A larger window= is an error.
- `global` counts where window= is set ('streamstats', global): true, the default, is one window over all groups. An
  event whose BY field is null is then refused, since no page says whether it takes a place.
- `time_window` needs the events in the order of _time, up or down; else the query is refused when it runs. The rest of
  what is open about it is TimeWindow. With window= too, both limits hold.
- `current=false` leaves the event itself out; window=N then is the N events before it.
- `allnum`, `reset_on_change`, `reset_before` and `reset_after` are not in the grammar.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise, product

from oracles.spl_accumulators import Accumulator, Taken
from oracles.spl_aggregates import Aggregate, aggregates, by_fields
from oracles.spl_eval import Context
from oracles.spl_grammar import Node, SplError, SplUnsupported, refuse, tokens_of, trees_of
from oracles.spl_times import span
from oracles.spl_values import Event, Events, Number, Scalar, Step, TimeWindow, single, text, values_of


def stats(tree: Node, context: Context, list_maxsize: int) -> Step:
    """One event for each group."""
    wanted, names = aggregates(tree, context, list_maxsize), by_fields(tree)
    return lambda events: grouped(events, wanted, names)


def grouped(events: Events, wanted: list[Aggregate], names: list[str]) -> Events:
    """One event for each combination of values of the fields, with the aggregates of the events that have it."""
    groups: dict[tuple[str, ...], tuple[tuple[Scalar, ...], list[Accumulator]]] = {}
    if not names:
        groups[()] = ((), [aggregate.new() for aggregate in wanted])
    for event in events:
        taken = [aggregate.take(event) for aggregate in wanted]
        for values in product(*(values_of(event.get(name)) for name in names)):
            key = tuple(map(text, values))
            if key not in groups:
                groups[key] = (values, [aggregate.new() for aggregate in wanted])
            for state, each in zip(groups[key][1], taken, strict=True):
                state.add(each)
    rows = []
    for _, (values, states) in sorted(groups.items(), key=lambda item: item[0]):
        row: Event = dict(zip(names, values, strict=True))
        _write(row, wanted, states)
        rows.append(row)
    return rows


def _write(event: Event, wanted: list[Aggregate], states: list[Accumulator]) -> None:
    for aggregate, state in zip(wanted, states, strict=True):
        result = state.result()
        if result is None:
            event.pop(aggregate.name, None)
        else:
            event[aggregate.name] = result


def _key(event: Event, names: list[str], command: str) -> tuple[str, ...] | None:
    """The group of an event, None where a field is null."""
    key = []
    for name in names:
        alone = single(event.get(name), f"BY of {command}")
        if alone is None:
            return None
        key.append(text(alone))
    return tuple(key)


def eventstats(tree: Node, context: Context, list_maxsize: int) -> Step:
    """Every event, with the aggregates of its group."""
    wanted, names = aggregates(tree, context, list_maxsize), by_fields(tree)

    def run(events: Events) -> Events:
        groups: dict[tuple[str, ...], list[Accumulator]] = {}
        keys = [_key(event, names, "eventstats") for event in events]
        for event, key in zip(events, keys, strict=True):
            if key is not None:
                if key not in groups:
                    groups[key] = [aggregate.new() for aggregate in wanted]
                for aggregate, state in zip(wanted, groups[key], strict=True):
                    state.add(aggregate.take(event))
        results = {key: [state.result() for state in states] for key, states in groups.items()}
        for event, key in zip(events, keys, strict=True):
            if key is not None:
                fields = zip((aggregate.name for aggregate in wanted), results[key], strict=True)
                event.update({name: result for name, result in fields if result is not None})
        return events

    return run


_TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class _Stream:
    """One run of `streamstats`."""

    def __init__(
        self,
        wanted: list[Aggregate],
        names: list[str],
        options: dict[str, str],
        time_window: TimeWindow,
        max_stream_window: int,
    ) -> None:
        self.wanted, self.names, self.reading, self.most = wanted, names, time_window, max_stream_window
        self.current = _truth(options.get("current", "true"))
        self.window = _window(options.get("window", "0"), max_stream_window)
        self.span = span(options["time_window"]) if "time_window" in options else None
        over_all = _truth(options.get("global", "true"))
        self.over_all = over_all if self.window else self.span is not None and not time_window.limit_by_group

    def run(self, events: Events) -> Events:
        states: dict[tuple[str, ...], list[Accumulator]] = {}
        windows: dict[tuple[str, ...], deque[tuple[tuple[str, ...], Number, list[Taken]]]] = {}
        bounded = bool(self.window or self.span)
        counts: dict[tuple[str, ...], int] = {}
        self._check_order(events)
        for event in events:
            key = _key(event, self.names, "streamstats")
            if key is None:
                if self.over_all:
                    raise SplUnsupported("an event whose BY field is null in a window over all groups")
                continue
            own = states.get(key)
            if own is None:
                own = states[key] = [aggregate.new() for aggregate in self.wanted]
            taken = [aggregate.take(event) for aggregate in self.wanted]
            if not bounded:
                counts[key] = counts.get(key, 0) + 1
                if counts[key] > self.most:
                    raise SplUnsupported(f"more than {self.most} events of one group without a window")
                self._step(event, own, taken)
                continue
            held = windows.setdefault(() if self.over_all else key, deque())
            at = self._at(event) if self.span is not None else 0
            while held and self.span is not None and self._outside(held[0][1], at):
                self._leave(states, held)
            if self.current:
                held.append((key, at, taken))
                self._enter(own, taken)
            while len(held) > (self.window or self.most):
                self._leave(states, held)
            _write(event, self.wanted, own)
            if not self.current:
                held.append((key, at, taken))
                self._enter(own, taken)
        return events

    def _step(self, event: Event, own: list[Accumulator], taken: list[Taken]) -> None:
        if self.current:
            self._enter(own, taken)
        _write(event, self.wanted, own)
        if not self.current:
            self._enter(own, taken)

    def _enter(self, own: list[Accumulator], taken: list[Taken]) -> None:
        for state, each in zip(own, taken, strict=True):
            state.add(each)

    def _leave(
        self,
        states: dict[tuple[str, ...], list[Accumulator]],
        held: deque[tuple[tuple[str, ...], Number, list[Taken]]],
    ) -> None:
        key, _, taken = held.popleft()
        for state, each in zip(states[key], taken, strict=True):
            state.remove(each)

    def _at(self, event: Event) -> Number:
        at = event.get("_time")
        if at is None or isinstance(at, str | tuple):
            raise SplUnsupported("time_window with an event without _time")
        return at // 1 if self.reading.whole_seconds else at

    def _outside(self, then: Number, at: Number) -> bool:
        distance = at - then if at >= then else then - at
        limit = self.span or 0
        return distance > limit if self.reading.inclusive else distance >= limit

    def _check_order(self, events: Events) -> None:
        if self.span is None:
            return
        times = [self._at(event) for event in events]
        steps = list(pairwise(times))
        if not (all(a <= b for a, b in steps) or all(a >= b for a, b in steps)):
            raise SplUnsupported("time_window of events that are not in the order of _time")


def streamstats(
    tree: Node, context: Context, list_maxsize: int, time_window: TimeWindow, max_stream_window: int
) -> Step:
    """Every event, with the aggregates of the events of its group up to it."""
    options: dict[str, str] = {}
    for part in trees_of(tree):
        if part.data == "stream_option":
            name, held = (str(token) for token in tokens_of(part))
            if name.rstrip("= \t\n") in options:
                refuse("an option twice", part)
            options[name.rstrip("= \t\n")] = held
    stream = _Stream(aggregates(tree, context, list_maxsize), by_fields(tree), options, time_window, max_stream_window)
    return stream.run


def _truth(word: str) -> bool:
    if word.lower() not in _TRUTH:
        raise SplError(f"{word!r} is not true or false")
    return _TRUTH[word.lower()]


def _window(word: str, most: int) -> int:
    if not word.isdecimal() or int(word) > most:
        raise SplError(f"a window of {word} events; the most is {most}")
    return int(word)
