"""The SPL searches of event_count and value_count."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.losses import Loss
from ..common.one_stream import CountQuery
from ..common.query import losses_of
from .legs import BOUND, EVENT_ID, MS, Legs, ahead, kept, ms, part, within
from .query import Piped, SplunkFrame, eval_line
from .text import eval_name

VALUE = "Value"


@dataclass(frozen=True)
class Count(Piped, CountQuery):
    """The search of an event_count or value_count."""

    legs: Legs
    bounds = (BOUND,)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses of its rules and, if it counts values, of the engine; a count of events keeps no list of them."""
        return super().losses if self.counted else losses_of(leg.search for leg in self.legs.legs)

    def rows(self, frame: SplunkFrame) -> tuple[list[str], list[str]]:
        lines = self.legs.lines(frame, self.span)
        lines.extend(self._values() if self.counted else self._events())
        if frame.scheduled:
            lines.append(eval_line([f"Good=if(Completed>={frame.since}, Good, null())"]))
        by = self.legs.by
        lines.append(f"| eventstats min(Good) AS WindowStart BY {by}")
        lines.append(f"| where {MS}>=WindowStart AND {MS}<=WindowStart+{self.span * 1000}")
        counted = f"dc({VALUE}) AS ValueCount, values({VALUE}) AS Values" if self.counted else "count AS EventCount"
        keys = "" if not self.legs.keys else f", {by}"
        lines.append(f"| stats {counted}, min(_time) AS _time, max(_time) AS LastTime BY WindowStart{keys}")
        columns = ["ValueCount", "Values"] if self.counted else ["EventCount"]
        return lines, ["_time", "LastTime", *self.legs.keys.values(), *columns]

    def _events(self) -> list[str]:
        """The lines that count events: a window has k events if the k-th event from its start lies in it."""
        lines = ["| sort 0 -_time"]
        for place in self.places:
            lines += [
                f"| streamstats window={place} global=f count AS Seen, max({MS}) AS Nth BY {self.legs.by}",
                # A window begins with the first event of its time, which comes last in this order.
                eval_line([f"Reached=if(Seen={place} AND Nth<={MS}+{self.span * 1000}, Nth, null())"]),
                f"| eventstats min(Reached) AS Reached{place} BY {self.legs.by}, {MS}",
            ]
        return [
            *lines,
            eval_line(
                [
                    f"Good=if({self.holds(self._reached, 'false()')}, {MS}, null())",
                    f"Completed={self._completed()}",
                ]
            ),
        ]

    def _reached(self, number: int) -> str:
        return f"isnotnull(Reached{number})" if number > 1 else "true()"

    def _completed(self) -> str:
        return f"Reached{self.places[-1]}" if self.places else MS

    def _values(self) -> list[str]:
        """The lines that count distinct values: the events in a window whose value no earlier event in it has."""
        by = self.legs.by
        counted = zip(self.legs.numbers, self.counted, strict=True)
        cases = ", ".join(f"{self.legs.flag(number)}=1, {eval_name(column.text)}" for number, column in counted)
        holds = f"ValueCount{self.operator}{self.limit}"
        previous = part("Items", 2)
        completed = ms(f"mvindex(Items, {self.least - 1})") if self.limit or self.operator == ">" else MS
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
