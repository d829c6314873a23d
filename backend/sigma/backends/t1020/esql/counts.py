"""The ES|QL queries of event_count and value_count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..common.one_stream import CountQuery
from .legs import BIN, BUCKET, MS, first_of, ms_of
from .predicates import as_text
from .query import TIME, EsqlFrame, assigned
from .windows import Windows

#: How many values a result shows, and how much of each; CONCAT, and so the query, fails above 1 MiB.
SHOWN_VALUES, SHOWN_LENGTH = 1000, 100


@dataclass(frozen=True)
class Count(Windows, CountQuery):
    """The query of an event_count or value_count."""

    def rows(self, frame: EsqlFrame) -> tuple[list[str], list[str]]:
        lines = [*self.legs.lines(frame, self.span), *(self._values(frame) if self.counted else self._events(frame))]
        lines.append(assigned([f"{TIME} = TO_DATETIME(Start)", "LastTime = TO_DATETIME(LastTime)"]))
        counted = ["ValueCount", "Values"] if self.counted else ["EventCount"]
        return lines, [TIME, "LastTime", *self.legs.keys.values(), *counted]

    def _reached(self, number: int) -> str:
        if number <= 1:
            return "TRUE"
        return f"COALESCE(Nth{'AB'[self.places.index(number)]} <= Start + {self.span * 1000}, FALSE)"

    def _events(self, frame: EsqlFrame) -> list[str]:
        """The lines that count events.

        The list of a bucket's events is zipped with the same list from its k-th event on. Each pair has an event and
        the k-th event from it, so the cost grows with the number of events, not with its square.
        """
        numbers = self.places
        pairs = "Items"
        for place in numbers:
            # The documentation of MV_ZIP does not cover a null list, so an empty text stands for it.
            ahead = f'CASE(MV_COUNT(Items) >= {place}, MV_SLICE(Items, {place - 1}, MV_COUNT(Items) - 1), "")'
            pairs = f'MV_ZIP({pairs}, {ahead}, "\\t")'
        nth = {
            f"Nth{'AB'[at]}": f'TO_LONG(SUBSTRING(MV_SLICE(SPLIT(Pair, "\\t"), {at + 1}), 1, 13))'
            for at, _place in enumerate(numbers)
        }
        completed = f"Nth{'AB'[len(numbers) - 1]}" if numbers else "Start"
        good = f"Start / {self.span * 1000} == {BUCKET} AND {self.holds(self._reached, 'FALSE')}"
        if frame.scheduled:
            good += f" AND {completed} > {frame.since}"
        return [
            f'| EVAL Item = CONCAT(TO_STRING({MS}), "\\n", LEFT(_id, 60))',
            *self._into_buckets(),
            self.legs.grouped(["Items = VALUES(Item)"], [BUCKET]),
            f"| EVAL Items = {first_of('Items')}",
            f"| EVAL Pair = {pairs}",
            '| EVAL Pair = MV_APPEND(Pair, CONCAT("All", MV_CONCAT(Items, "\\t")))',
            "| MV_EXPAND Pair",
            *self._first_of_all(nth, good),
            f"| EVAL {MS} = {ms_of('Times')}",
            f"| WHERE {self._within('Start')}",
            self.legs.grouped(["EventCount = COUNT(*)", f"LastTime = MAX({MS})"], ["Start"]),
        ]

    def _first_of_all(self, nth: Mapping[str, str], good: str) -> list[str]:
        """The lines that find the first good pair of each key, and expand the events of its bucket into rows."""
        read = [f"Start = {ms_of('Pair')}", *(f"{place} = {value}" for place, value in nth.items())]
        earliest = [f"{place} = MIN({place})" for place in nth]
        return [
            assigned([*read, 'Times = CASE(Pair >= "A", Pair, NULL)']),
            # Of several events with one time, the first has all of them in its window.
            self.legs.grouped([*earliest, "Times = MAX(Times)"], [BUCKET, "Start"]),
            f"| EVAL Best = CASE({good}, TO_STRING(Start), NULL)",
            self.legs.grouped(["Best = MIN(Best)", "Times = MAX(Times)"], [BUCKET]),
            "| WHERE Best IS NOT NULL",
            "| EVAL Best = CONCAT(Best, Times)",
            *self._best_of_each_key(),
            f'| EVAL Start = {ms_of("Best")}, Times = SPLIT(SUBSTRING(Best, 17), "\\t")',
            "| MV_EXPAND Times",
        ]

    def _best_of_each_key(self) -> list[str]:
        """The lines that keep the first window of each key.

        STATS without BY gives one row even of no rows (ES|QL reference, 'STATS'): that one has no window.
        """
        if self.legs.by:
            return [f"| STATS Best = MIN(Best) BY {', '.join(self.legs.by)}"]
        return ["| STATS Best = MIN(Best)", "| WHERE Best IS NOT NULL"]

    def _values(self, frame: EsqlFrame) -> list[str]:
        """The lines that count the values in each window."""
        counted = zip(self.legs.numbers, self.counted, strict=True)
        cases = ", ".join(f"{self.legs.flag(number)} == 1, {as_text(column)}" for number, column in counted)
        lines = [
            f"| EVAL Value = CASE({cases}, NULL)",
            f'| EVAL Item = CONCAT(TO_STRING({MS}), "\\n", COALESCE(Value, ""))',
            *self._into_buckets(),
            f"| EVAL Start = CASE({BUCKET} == {BIN}, {MS}, NULL)",
            self.legs.grouped(["Starts = VALUES(Start)", "Items = VALUES(Item)"], [BUCKET]),
            "| WHERE Starts IS NOT NULL",
            f"| EVAL Items = {first_of('Items')}",
            "| MV_EXPAND Items",
            "| MV_EXPAND Starts",
            assigned([f"{MS} = {ms_of('Items')}", "Value = SUBSTRING(Items, 15)"]),
            f"| WHERE {self._within('Starts')}",
            self.legs.grouped([f"Earliest = MIN({MS})", f"LastTime = MAX({MS})"], ["Starts", "Value"]),
            '| EVAL Earliest = CASE(Value == "", NULL, CONCAT(TO_STRING(Earliest), "\\n", Value)), '
            'Value = CASE(Value == "", NULL, Value)',
            self.legs.grouped(
                [
                    "ValueCount = COUNT(Value)",
                    # The values are joined by newlines below, so one within a value is shown as its symbol.
                    f'Values = VALUES(LEFT(REPLACE(Value, "\\n", "\N{SYMBOL FOR NEWLINE}"), {SHOWN_LENGTH}))',
                    "Items = VALUES(Earliest)",
                    "LastTime = MAX(LastTime)",
                ],
                ["Starts"],
            ),
            f"| WHERE ValueCount {self.operator} {self.limit}",
        ]
        if frame.scheduled:
            lines.append(f"| EVAL Completed = {ms_of(f'MV_SLICE(MV_SORT(Items), {self.least - 1})')}")
            lines.extend(frame.completed("COALESCE(Completed, Starts)" if not self.limit else "Completed"))
        lines.append(
            '| EVAL Best = CONCAT(TO_STRING(Starts), "\\n", TO_STRING(LastTime), "\\n", TO_STRING(ValueCount), "\\n", '
            f'COALESCE(MV_CONCAT(MV_SLICE(MV_SORT(Values), 0, {SHOWN_VALUES - 1}), "\\n"), ""))'
        )
        lines.extend(self._best_of_each_key())
        lines.append('| EVAL Times = SPLIT(Best, "\\n")')
        lines.append(
            assigned(
                [
                    "Start = TO_LONG(MV_SLICE(Times, 0))",
                    "LastTime = TO_LONG(MV_SLICE(Times, 1))",
                    "ValueCount = TO_LONG(MV_SLICE(Times, 2))",
                    "Values = CASE(MV_COUNT(Times) > 3, MV_SLICE(Times, 3, MV_COUNT(Times) - 1), NULL)",
                ]
            )
        )
        return lines
