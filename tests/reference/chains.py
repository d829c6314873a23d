"""Chains and sets of distinct events: the combinatorial part of temporal_ordered and temporal. Times are in ms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from reference.events import Event

_State: TypeAlias = tuple[int, frozenset[str]]
"""Where a chain stands: its latest time, and the ids of its events at exactly that time. Only these could be
met again, since times never fall."""


class Chains:
    """The chains that start at one event, over the events of each later step within its window."""

    def __init__(self, first: Event, later: Sequence[Sequence[Event]]) -> None:
        self.start: _State = (first.time, frozenset((first.id,)))
        self.later = later
        self.known: dict[tuple[int, _State], int | None] = {}

    def place(self, state: _State, event: Event) -> _State | None:
        time, used = state
        if event.time < time or event.id in used:
            return None
        return event.time, used | {event.id} if event.time == time else frozenset((event.id,))

    def completed(self, step: int, state: _State) -> int | None:
        """The smallest time at which the steps from this one on can be complete, None if they cannot."""
        if step == len(self.later):
            return state[0]
        if (step, state) not in self.known:
            placed = (self.place(state, event) for event in self.later[step])
            ends = (self.completed(step + 1, one) for one in placed if one is not None)
            self.known[step, state] = min((end for end in ends if end is not None), default=None)
        return self.known[step, state]

    def parts(self) -> list[list[Event]]:
        """The events of each later step that take part in a full chain."""
        states = {self.start}
        found: list[list[Event]] = []
        for step, events in enumerate(self.later):
            moves = {event.id: [self.place(state, event) for state in states] for event in events}
            good = {
                name: [one for one in after if one is not None and self.completed(step + 1, one) is not None]
                for name, after in moves.items()
            }
            found.append([event for event in events if good[event.id]])
            states = {one for after in good.values() for one in after}
        return found


def all_there(first: Event, others: Sequence[Sequence[Event]], timespan: int) -> int | None:
    """The smallest time, from the first event on and within its window, at which there is an event for each
    other rule, all distinct; None if there never is."""
    window = [
        [event for event in events if 0 <= event.time - first.time <= timespan and event.id != first.id]
        for events in others
    ]
    for limit in sorted({first.time, *(event.time for events in window for event in events)}):
        if _assigned([[event.id for event in events if event.time <= limit] for events in window], frozenset()):
            return limit
    return None


def _assigned(choices: Sequence[Sequence[str]], used: frozenset[str]) -> bool:
    """Whether each rule can have an event of its own."""
    if not choices:
        return True
    return any(_assigned(choices[1:], used | {one}) for one in choices[0] if one not in used)
