"""Correlations by sliding windows as SPL: event_count, value_count and temporal."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.correlations import losses_of
from ..common.losses import Loss
from ..common.one_stream import holds, places
from .legs import BOUND, EVENT_ID, MS, Legs, ahead, kept, ms, part, within
from .query import Correlation, SplunkFrame, eval_line, table
from .text import eval_name

VALUE = "Value"


@dataclass(frozen=True)
class Windows(Correlation):
    """What all correlations by sliding windows share; `span` in seconds."""

    legs: Legs
    span: int

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Those of its rules, and what Splunk bounds."""
        return (*losses_of(leg.search for leg in self.legs.legs), BOUND)


@dataclass(frozen=True)
class Count(Windows):
    """A number of events, or of values of a field, in a window [t, t + span] that begins with an event.

    Each key once, with the first window that satisfies the condition.
    """

    operator: str
    limit: int
    of_values: bool

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Events are counted by places in order, which nothing bounds but their number itself."""
        return super().losses if self.of_values else losses_of(leg.search for leg in self.legs.legs)

    def lines(self, frame: SplunkFrame) -> list[str]:
        """See Correlation."""
        lines = self.legs.lines(frame, self.span)
        lines.extend(self._values() if self.of_values else self._events())
        if frame.scheduled:
            lines.append(eval_line([f"Good=if(Completed>{frame.since}, Good, null())"]))
        by = self.legs.by
        lines.append(f"| eventstats min(Good) AS WindowStart BY {by}")
        lines.append(f"| where {MS}>=WindowStart AND {MS}<=WindowStart+{self.span * 1000}")
        counted = f"dc({VALUE}) AS ValueCount, values({VALUE}) AS Values" if self.of_values else "count AS EventCount"
        keys = "" if not self.legs.keys else f", {by}"
        lines.append(f"| stats {counted}, min(_time) AS _time, max(_time) AS LastTime BY WindowStart{keys}")
        columns = ["ValueCount", "Values"] if self.of_values else ["EventCount"]
        return [*lines, *table(["_time", "LastTime", *self.legs.keys.values(), *columns])]

    def _events(self) -> list[str]:
        """The k-th event from each one on: if it lies in the window, that has k events."""
        lines = ["| sort 0 -_time"]
        for place in self._places():
            lines += [
                f"| streamstats window={place} global=f count AS Seen, max({MS}) AS Nth BY {self.legs.by}",
                # The window of a time begins with the first of its events, which is the last in this order.
                eval_line([f"Reached=if(Seen={place} AND Nth<={MS}+{self.span * 1000}, Nth, null())"]),
                f"| eventstats min(Reached) AS Reached{place} BY {self.legs.by}, {MS}",
            ]
        return [
            *lines,
            eval_line(
                [
                    f"Good=if({holds(self.operator, self.limit, self._reached, 'false()')}, {MS}, null())",
                    f"Completed={self._completed()}",
                ]
            ),
        ]

    def _places(self) -> list[int]:
        return places(self.operator, self.limit)

    def _reached(self, number: int) -> str:
        return f"isnotnull(Reached{number})" if number > 1 else "true()"

    def _completed(self) -> str:
        places = self._places()
        return f"Reached{places[-1]}" if places else MS

    def _values(self) -> list[str]:
        """The distinct values: those events in the window before which, from its start on, no other has the same."""
        by = self.legs.by
        cases = ", ".join(
            f"{self.legs.flag(number)}=1, {eval_name(leg.value)}" for number, leg in enumerate(self.legs.legs, start=1)
        )
        least = max(self.limit + (self.operator == ">"), 1)
        holds = f"ValueCount{self.operator}{self.limit}"
        previous = part("Items", 2)
        completed = ms(f"mvindex(Items, {least - 1})") if self.limit or self.operator == ">" else MS
        return [
            eval_line([f"{VALUE}=case({cases})"]),
            eval_line([f'{VALUE}=if({VALUE}!="", {VALUE}, null())', f"HasValue=if(isnotnull({VALUE}), 1, 0)"]),
            "| sort 0 _time",
            eval_line([f'Counted=coalesce({VALUE}, "")']),
            f"| streamstats window=1 current=f global=f max({MS}) AS Previous BY {by}, Counted",
            eval_line([f'Item=if(HasValue=1, {MS}."|".{EVENT_ID}."|".coalesce(Previous, 0), null())']),
            *ahead({"Items": "Item"}, self.span, by),
            eval_line([f"Items={within('Items', self.span, without_itself=False)}"]),
            eval_line([f"Items={kept('Items', f'tonumber({previous})<{MS}')}"]),
            eval_line(["ValueCount=coalesce(mvcount(Items), 0)"]),
            eval_line([f"Good=if({holds}, {MS}, null())", f"Completed={completed}"]),
        ]


@dataclass(frozen=True)
class Temporal(Windows):
    """Rules in any order: one row for each event of any of them that begins a window in which each other has one.

    Distinct events: see FlaggedLegs.needed_sets.
    """

    def lines(self, frame: SplunkFrame) -> list[str]:
        """See Correlation."""
        numbers = self.legs.numbers
        lines = self.legs.lines(frame, self.span)
        letters = ".".join(f'if({self.legs.flag(number)}=1, "{_letter(number)}", "")' for number in numbers)
        lines.append(eval_line([f"Rules={letters}"]))
        lines.append(eval_line([f'Item={MS}."|".{EVENT_ID}."|".Rules']))
        lines.extend(ahead({"Items": "Item"}, self.span, self.legs.by))
        lines.append(eval_line([f"Items={within('Items', self.span, without_itself=True)}"]))
        needed = {number: self.legs.needed_sets(number) for number in numbers}
        sets = sorted({chosen for found in needed.values() for chosen in found})
        lines.extend(eval_line([f"{_called(chosen)}={_nth(chosen)}"]) for chosen in sets)
        complete = []
        for number, found in needed.items():
            there = " AND ".join(f"isnotnull({_called(chosen)})" for chosen in found)
            latest = f"max({', '.join(_called(chosen) for chosen in found)})"
            complete.append(f"Completed{number}=if({self.legs.flag(number)}=1 AND {there}, {latest}, null())")
        lines.extend(eval_line([one]) for one in complete)
        earliest = f"mvindex(mvsort(mvappend({', '.join(f'Completed{number}' for number in numbers)})), 0)"
        lines.append(eval_line([f"Completed=tonumber({earliest})"]))
        lines.append("| where isnotnull(Completed)")
        lines.extend(frame.completed("Completed"))
        lines.append(eval_line(["LastTime=Completed/1000"]))
        projection = [name for leg in self.legs.legs for name in leg.search.model.projection]
        return [*lines, *table([*projection, *self.legs.keys.values(), "LastTime", EVENT_ID])]


def _letter(number: int) -> str:
    return chr(ord("A") + number - 1)


def _called(chosen: tuple[int, ...]) -> str:
    return "Nth" + "".join(map(_letter, chosen))


def _nth(chosen: tuple[int, ...]) -> str:
    """The time of the event with which a set of rules has found as many events as it has rules."""
    letters = "".join(map(_letter, chosen))
    found = f'mvfilter(match(Items, "[|][A-Z]*[{letters}][A-Z]*\\\\z"))'
    return ms(f"mvindex({found}, {len(chosen) - 1})")
