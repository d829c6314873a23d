"""Correlations by sliding windows as ES|QL: event_count, value_count and temporal."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.correlations import losses_of
from ..common.losses import Loss
from ..common.one_stream import holds, places
from .legs import (
    BIN,
    BUCKET,
    CROWDED,
    MS,
    Legs,
    first_of,
    identity,
    lines_of,
    ms_of,
    part,
    shown,
    typed,
)
from .predicates import as_text
from .query import BOUND, TIME, Correlation, EsqlFrame, assigned
from .text import name

#: How much of the values a count shows: CONCAT fails above 1 MiB, and the query with it.
SHOWN_VALUES, SHOWN_LENGTH = 1000, 100
#: Later than any event, in ms.
NEVER = 9_999_999_999_999


@dataclass(frozen=True)
class Windows(Correlation):
    """What all correlations by sliding windows share; `span` in seconds."""

    legs: Legs
    span: int

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Those of its rules, and what Elasticsearch bounds."""
        return (*losses_of(leg.search for leg in self.legs.legs), CROWDED, BOUND)

    def _into_buckets(self) -> list[str]:
        """Each event into the bucket of its time and that before."""
        return [f"| EVAL {BUCKET} = MV_APPEND({BIN}, {BIN} - 1)", f"| MV_EXPAND {BUCKET}"]

    def _within(self, start: str) -> str:
        return f"{MS} >= {start} AND {MS} <= {start} + {self.span * 1000}"


@dataclass(frozen=True)
class Count(Windows):
    """A number of events, or of values of a field, in a window [t, t + span] that begins with an event.

    Each key once, with the first window that satisfies the condition.
    """

    operator: str
    limit: int
    of_values: bool

    def rows(self, frame: EsqlFrame) -> tuple[list[str], list[str]]:
        """See Correlation."""
        lines = [*self.legs.lines(frame, self.span), *(self._values(frame) if self.of_values else self._events(frame))]
        lines.append(assigned([f"{TIME} = TO_DATETIME(Start)", "LastTime = TO_DATETIME(LastTime)"]))
        counted = ["ValueCount", "Values"] if self.of_values else ["EventCount"]
        return lines, [TIME, "LastTime", *self.legs.keys.values(), *counted]

    # --- Events -----------------------------------------------------------------------------------------

    def _places(self) -> list[int]:
        return places(self.operator, self.limit)

    def _reached(self, number: int) -> str:
        if number <= 1:
            return "TRUE"
        return f"COALESCE(Nth{'AB'[self._places().index(number)]} <= Start + {self.span * 1000}, FALSE)"

    def _events(self, frame: EsqlFrame) -> list[str]:
        """The list of a bucket's events beside the same list from its k-th event on: a pair is an event with the k-th
        from it, which is in its window or not. So the cost grows with the events, not with their square."""
        numbers = self._places()
        pairs = "Items"
        for place in numbers:
            # Nothing is said of null among the two lists.
            ahead = f'CASE(MV_COUNT(Items) >= {place}, MV_SLICE(Items, {place - 1}, MV_COUNT(Items) - 1), "")'
            pairs = f'MV_ZIP({pairs}, {ahead}, "\\t")'
        read = [f"Start = {ms_of('Pair')}"]
        for at, _place in enumerate(numbers):
            read.append(f'Nth{"AB"[at]} = TO_LONG(SUBSTRING(MV_SLICE(SPLIT(Pair, "\\t"), {at + 1}), 1, 13))')
        completed = f"Nth{'AB'[len(numbers) - 1]}" if numbers else "Start"
        good = f"Start / {self.span * 1000} == {BUCKET} AND {holds(self.operator, self.limit, self._reached, 'FALSE')}"
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
            *self._first_of_all(read, good),
            f"| EVAL {MS} = {ms_of('Times')}",
            f"| WHERE {self._within('Start')}",
            self.legs.grouped(["EventCount = COUNT(*)", f"LastTime = MAX({MS})"], ["Start"]),
        ]

    def _first_of_all(self, read: list[str], good: str) -> list[str]:
        """The first good pair of each key, and the events of its bucket, one a row."""
        nth = [f"{item.partition(' = ')[0]} = MIN({item.partition(' = ')[0]})" for item in read if item[:3] == "Nth"]
        return [
            assigned([*read, 'Times = CASE(Pair >= "A", Pair, NULL)']),
            # Of events of one time the first has them all in its window.
            self.legs.grouped([*nth, "Times = MAX(Times)"], [BUCKET, "Start"]),
            f"| EVAL Best = CASE({good}, TO_STRING(Start), NULL)",
            self.legs.grouped(["Best = MIN(Best)", "Times = MAX(Times)"], [BUCKET]),
            "| WHERE Best IS NOT NULL",
            "| EVAL Best = CONCAT(Best, Times)",
            self._per_key("Best = MIN(Best)"),
            f'| EVAL Start = {ms_of("Best")}, Times = SPLIT(SUBSTRING(Best, 17), "\\t")',
            "| MV_EXPAND Times",
        ]

    def _per_key(self, aggregate: str) -> str:
        return f"| STATS {aggregate} BY {', '.join(self.legs.by)}" if self.legs.by else f"| STATS {aggregate}"

    # --- Values -----------------------------------------------------------------------------------------

    def _values(self, frame: EsqlFrame) -> list[str]:
        """The values within the time span of each time at which an event begins a window."""
        cases = ", ".join(
            f"{self.legs.flag(number)} == 1, {as_text(self.legs.field(number, leg.value))}"
            for number, leg in enumerate(self.legs.legs, start=1)
        )
        least = max(self.limit + (self.operator == ">"), 1)
        lines = [
            f"| EVAL Value = CASE({cases}, NULL)",
            f'| EVAL Item = CONCAT(TO_STRING({MS}), "\\n", COALESCE(REPLACE(Value, "\\n", " "), ""))',
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
                    f"Values = VALUES(LEFT(Value, {SHOWN_LENGTH}))",
                    "Items = VALUES(Earliest)",
                    "LastTime = MAX(LastTime)",
                ],
                ["Starts"],
            ),
            f"| WHERE ValueCount {self.operator} {self.limit}",
        ]
        if frame.scheduled:
            lines.append(f"| EVAL Completed = {ms_of(f'MV_SLICE(MV_SORT(Items), {least - 1})')}")
            lines.extend(frame.completed("COALESCE(Completed, Starts)" if not self.limit else "Completed"))
        lines.append(
            '| EVAL Best = CONCAT(TO_STRING(Starts), "\\n", TO_STRING(LastTime), "\\n", TO_STRING(ValueCount), "\\n", '
            f'COALESCE(MV_CONCAT(MV_SLICE(MV_SORT(Values), 0, {SHOWN_VALUES - 1}), "\\n"), ""))'
        )
        lines.append(self._per_key("Best = MIN(Best)"))
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


@dataclass(frozen=True)
class Temporal(Windows):
    """Rules in any order: one row for each event of any of them that begins a window in which each other has one.

    Distinct events: see FlaggedLegs.needed_sets.
    """

    def rows(self, frame: EsqlFrame) -> tuple[list[str], list[str]]:
        """See Correlation."""
        legs, numbers = self.legs, self.legs.numbers
        flags = [legs.flag(number) for number in numbers]
        projected = self._projected()
        texts = [self._shown(column) for column in projected]
        stamp = f"TO_STRING({MS}), {', '.join(f'TO_STRING({flag})' for flag in flags)}"
        needed = {number: legs.needed_sets(number) for number in numbers}
        sets = sorted({chosen for found in needed.values() for chosen in found})
        complete = []
        for number, found in needed.items():
            there = " AND ".join(f"{_called(chosen)} IS NOT NULL" for chosen in found)
            flag = f'SUBSTRING(Heads, {13 + number}, 1) == "1"'
            times = [_called(chosen) for chosen in found]
            latest = f"GREATEST({', '.join(times)})" if len(times) > 1 else times[0]
            complete.append(f"Completed{number} = CASE({flag} AND {there}, {latest}, {NEVER})")
        earliest = ", ".join(f"Completed{number}" for number in numbers)
        read = [
            f"{MS} = {ms_of('Items')}",
            *(f'{flag} = SUBSTRING(Items, {place}, 1) == "1"' for place, flag in enumerate(flags, start=14)),
        ]
        decoded = [f"{TIME} = TO_DATETIME({ms_of('Heads')})", "EventId = SUBSTRING(MV_SLICE(HeadParts, 1), 2)"]
        for place, column in enumerate(projected, start=2):
            field = next(legs.field(number, column) for number in numbers if column in legs.model(number).columns)
            decoded.append(f"{name(column)} = {typed(part('HeadParts', place), field)}")
        lines = [
            *legs.lines(frame, self.span),
            f'| EVAL Item = CONCAT({stamp}, "\\n=", {identity()}), Head = {lines_of([stamp, identity(), *texts])}',
            *self._into_buckets(),
            f"| EVAL Head = CASE({BUCKET} == {BIN}, Head, NULL)",
            legs.grouped(["Heads = VALUES(Head)", "Items = VALUES(Item)"], [BUCKET]),
            "| WHERE Heads IS NOT NULL",
            assigned([f"Heads = {first_of('Heads')}", f"Items = {first_of('Items')}"]),
            "| MV_EXPAND Items",
            "| MV_EXPAND Heads",
            assigned([f"Start = {ms_of('Heads')}", *read]),
            f"| WHERE {self._within('Start')}",
            '| WHERE MV_SLICE(SPLIT(Items, "\\n"), 1) != MV_SLICE(SPLIT(Heads, "\\n"), 1)',
            legs.grouped([self._times_of(chosen) for chosen in sets], ["Heads"]),
            assigned([f"{_called(chosen)} = {_nth(chosen)}" for chosen in sets]),
            assigned(complete),
            f"| EVAL Completed = LEAST({earliest})",
            f"| WHERE Completed < {NEVER}",
            *frame.completed("Completed"),
            '| EVAL HeadParts = SPLIT(Heads, "\\n"), LastTime = TO_DATETIME(Completed)',
            assigned(decoded),
        ]
        return lines, [TIME, *legs.keys.values(), *projected, "LastTime", "EventId"]

    def _projected(self) -> list[str]:
        """The columns that a row shows of its event: those of all log sources."""
        found: dict[str, None] = {}
        for number in self.legs.numbers:
            model = self.legs.model(number)
            found.update(dict.fromkeys(column for column in model.projection if column in model.columns))
        return [column for column in found if column not in (TIME, *self.legs.keys.values())]

    def _shown(self, column: str) -> str:
        owner = next(number for number in self.legs.numbers if column in self.legs.model(number).columns)
        return shown(self.legs.field(owner, column))

    def _times_of(self, chosen: tuple[int, ...]) -> str:
        """The events of any of a set of rules, as texts that sort by time."""
        flagged = " OR ".join(self.legs.flag(number) for number in chosen)
        return f"{_called(chosen)} = VALUES(CASE({flagged}, Items, NULL))"


def _called(chosen: tuple[int, ...]) -> str:
    return "Nth" + "".join(chr(ord("A") + number - 1) for number in chosen)


def _nth(chosen: tuple[int, ...]) -> str:
    """The time of the event with which a set of rules has found as many events as it has rules."""
    return ms_of(f"MV_SLICE(MV_SORT({_called(chosen)}), {len(chosen) - 1})")
