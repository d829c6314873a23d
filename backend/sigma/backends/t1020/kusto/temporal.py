"""The Kusto query of temporal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from ..common.layout import INDENT
from ..common.time_frame import Alert
from .query import KustoFrame, command
from .windows import Windows, finished


@dataclass(frozen=True)
class Temporal(Windows):
    """Rules in any order: one row for each event whose window has a distinct event of every other rule."""

    rules: int

    def _parts(self, frame: KustoFrame, alert: Alert | None, prefix: str) -> tuple[list[str], list[str]]:
        lets, body, sums = self._complete(frame, prefix, trailing=False)
        flags = map(_flag, self._counted())
        shown = {f"Rule{number}Count" for number in range(1, self.rules + 1)}
        own = ["At", "Turn", *flags, *sums.values(), *(total for total in sums if total not in shown)]
        return lets, [*body, *finished(list(self.sources[0].keys), own, alert)]

    def fired_as(self, table: str, frame: KustoFrame) -> list[str]:
        lets, lines, _sums = self.prefixed(table)._complete(frame, table, trailing=True)
        return [*lets, self._fired(table, lines)]

    def _complete(
        self, frame: KustoFrame, prefix: str, trailing: bool
    ) -> tuple[list[str], list[str], Mapping[str, str]]:
        """The let statements, the lines that find the events whose window has all rules, and the sums in these lines.

        The sums map each total to the change that it adds up.
        """
        events = f"{prefix}Events"
        flags = {_flag(numbers): numbers for numbers in self._counted()}
        lets = self._events(events, frame, flags)
        sums = {f"{flag}Count": f"{flag}Change" for flag in flags}
        if frame.scheduled:
            sums |= {f"{flag}Old": f"{flag}OldChange" for flag in flags}
        begins, ceases = self._held(trailing)
        at = [f"At = {self._time}", "Turn = 1", *(f"{change} = 0" for change in sums.values())]
        tables = [
            self._changes(events, flags, frame, begins, 0, ""),
            [events, command("extend", at)],
            self._changes(events, flags, frame, ceases, 2, "-"),
        ]
        body = [*self._summed(tables, sums, self._by), "| where Turn == 1", f"| where {self._met('Count')}"]
        if frame.scheduled:
            body.append(f"| where not({self._met('Old')})")
        return lets, body, sums

    def _changes(
        self, events: str, flags: Iterable[str], frame: KustoFrame, start: str, turn: int, sign: str
    ) -> list[str]:
        items = [f"{flag}Change = {sign}{flag}" for flag in flags]
        if frame.scheduled:
            items.extend(f"{flag}OldChange = {self._old(frame, f'{sign}{flag}')}" for flag in flags)
        return [events, command("project", [self._keys, f"At = {start}", f"Turn = {turn}", *items])]

    def _counted(self) -> list[frozenset[int]]:
        """The sets of rules whose events the query counts together.

        They are each rule, and each set of rules that read one table, because one event may match all of them. A set of
        all rules of a table is needed only if the first event may come from another table.
        """
        found = [frozenset([number]) for number in range(1, self.rules + 1)]
        for source in self.sources:
            numbers = sorted(source.conditions)
            for size in range(2, len(numbers) + (len(self.sources) > 1)):
                found.extend(map(frozenset, combinations(numbers, size)))
        return found

    def _met(self, suffix: str) -> str:
        """The condition that each rule has an event of its own in a window, one of them the event that begins it.

        Rules of different tables have no common events. Each set of rules of one table must have as many events as it
        has rules, without the first event (Hall's theorem on systems of distinct representatives).
        """
        if all(len(source.conditions) == 1 for source in self.sources):
            return " and ".join(f"Rule{number}{suffix} >= 1" for number in range(1, self.rules + 1))
        cases = []
        for source in self.sources:
            for number in sorted(source.conditions):
                tests = [f"Rule{number} == 1"]
                for numbers in self._counted():
                    if number in numbers:
                        continue
                    same = numbers <= source.conditions.keys()
                    first = f"{len(numbers) - 1} + {_flag(numbers)}" if len(numbers) > 1 else _flag(numbers)
                    tests.append(f"{_flag(numbers)}{suffix} > {first if same else len(numbers) - 1}")
                cases.append(f"({' and '.join(tests)})")
        return f"\n{INDENT}or ".join(cases)


def _flag(numbers: frozenset[int]) -> str:
    return "Rule" + "or".join(map(str, sorted(numbers)))
