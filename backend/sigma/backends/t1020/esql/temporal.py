"""The ES|QL query of temporal."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.columns import Column
from .legs import BIN, BUCKET, MS, first_of, identity, lines_of, ms_of, part, shown, typed
from .query import TIME, EsqlFrame, assigned
from .text import name
from .windows import Windows

#: Later than any event, in ms.
NEVER = 9_999_999_999_999


@dataclass(frozen=True)
class Temporal(Windows):
    """Rules in any order: one row for each event that begins a window in which every other rule has an event.

    FlaggedLegs.needed_sets makes sure that these are distinct events.
    """

    def rows(self, frame: EsqlFrame) -> tuple[list[str], list[str]]:
        legs, numbers = self.legs, self.legs.numbers
        flags = [legs.flag(number) for number in numbers]
        projected = self._projected()
        texts = [shown(self._column(column)) for column in projected]
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
            decoded.append(f"{name(column)} = {typed(part('HeadParts', place), self._column(column))}")
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
        """The columns of the event that a row shows, from all log sources."""
        found: dict[str, None] = {}
        for number in self.legs.numbers:
            model = self.legs.model(number)
            found.update(dict.fromkeys(column for column in model.projection if column in model.columns))
        return [column for column in found if column not in (TIME, *self.legs.keys.values())]

    def _column(self, name: str) -> Column:
        """The column of the first rule whose log source has it."""
        owner = next(number for number in self.legs.numbers if name in self.legs.model(number).columns)
        return self.legs.column(owner, name)

    def _times_of(self, chosen: tuple[int, ...]) -> str:
        """An aggregate of the events of any rule in the set, as texts that sort by time."""
        flagged = " OR ".join(self.legs.flag(number) for number in chosen)
        return f"{_called(chosen)} = VALUES(CASE({flagged}, Items, NULL))"


def _called(chosen: tuple[int, ...]) -> str:
    return "Nth" + "".join(chr(ord("A") + number - 1) for number in chosen)


def _nth(chosen: tuple[int, ...]) -> str:
    """An expression for the time at which the set of rules has found as many events as it has rules."""
    return ms_of(f"MV_SLICE(MV_SORT({_called(chosen)}), {len(chosen) - 1})")
