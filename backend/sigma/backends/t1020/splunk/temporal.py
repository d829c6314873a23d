"""The SPL search of temporal."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.one_stream import StreamQuery
from .legs import BOUND, EVENT_ID, MS, Legs, ahead, ms, within
from .query import Piped, SplunkFrame, eval_line


@dataclass(frozen=True)
class Temporal(Piped, StreamQuery):
    """Rules in any order: one row for each event that begins a window in which every other rule has an event.

    FlaggedLegs.needed_sets makes sure that these are distinct events.
    """

    legs: Legs
    bounds = (BOUND,)

    def rows(self, frame: SplunkFrame) -> tuple[list[str], list[str]]:
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
        return lines, [*projection, *self.legs.keys.values(), "LastTime", EVENT_ID]


def _letter(number: int) -> str:
    return chr(ord("A") + number - 1)


def _called(chosen: tuple[int, ...]) -> str:
    return "Nth" + "".join(map(_letter, chosen))


def _nth(chosen: tuple[int, ...]) -> str:
    """An expression for the time at which the set of rules has found as many events as it has rules."""
    letters = "".join(map(_letter, chosen))
    found = f'mvfilter(match(Items, "[|][A-Z]*[{letters}][A-Z]*\\\\z"))'
    return ms(f"mvindex({found}, {len(chosen) - 1})")
