"""The ES|QL query of temporal_ordered."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.one_stream import StreamQuery
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
from .query import BOUND, TIME, EsqlFrame, Piped, assigned
from .text import name


@dataclass(frozen=True)
class Ordered(Piped, StreamQuery):
    """Rules in order on one key: events e1 … en with t1 <= … <= tn <= t1 + span, where `span` is in seconds.

    The result has one row for each e1, with the evidence of the later steps. One event never counts as two steps.
    Adjacent steps may find the same events; other steps may not, unless there are only three (see OneStream).
    """

    legs: Legs
    bounds = (CROWDED, BOUND)

    @property
    def _later(self) -> range:
        return range(2, len(self.legs.legs) + 1)

    @property
    def _flags(self) -> list[str]:
        return [self.legs.flag(number) for number in self._later]

    def rows(self, frame: EsqlFrame) -> tuple[list[str], list[str]]:
        legs = self.legs
        lines = [*legs.lines(frame, self.span), *self._buckets(), *self._pairs()]
        for number in self._later[1:]:
            lines.extend(self._linked(number, number - 1))
        for number in reversed(self._later[:-1]):
            lines.extend(self._linked(number, number + 1))
        aggregates, made = self._aggregates()
        lines.append(legs.grouped(aggregates, ["Heads"]))
        last = legs.flag(self._later[-1])
        lines.append(f"| WHERE {last}Count > 0")
        lines.extend(frame.completed(f"{last}First"))
        times = [f"{flag}{when} = TO_DATETIME({flag}{when})" for flag in self._flags for when in ("First", "Last")]
        lines.extend([assigned(['HeadParts = SPLIT(Heads, "\\n")', f"{TIME} = TO_DATETIME({ms_of('Heads')})"])])
        lines.append(assigned(times))
        decoded, columns = self._decoded()
        lines.append(assigned(decoded))
        return lines, [TIME, *legs.keys.values(), *columns, *made, "EventId"]

    def _projected(self) -> list[str]:
        """The columns that the text of a first event carries: all but its time, keys and place in the index."""
        model = self.legs.model(1)
        return [
            column
            for column in dict.fromkeys(model.projection)
            if column in model.columns and column not in (TIME, *self.legs.keys.values())
        ]

    def _evidence(self) -> list[str]:
        """The columns of later events that the result shows."""
        found: dict[str, None] = {}
        for number in self._later:
            found.update(dict.fromkeys(self.legs.model(number).evidence))
        return list(found)

    def _buckets(self) -> list[str]:
        """The lines that make buckets: the first events of one bin, and the later events of that bin and the next."""
        legs = self.legs
        first = [f"TO_STRING({MS})", identity(), *(shown(legs.column(1, column)) for column in self._projected())]
        flags = ", ".join(f"TO_STRING({flag})" for flag in self._flags)
        later = [f"TO_STRING({MS}), {flags}", identity(), *map(self._shown_of_any, self._evidence())]
        any_later = " OR ".join(f"{flag} == 1" for flag in self._flags)
        return [
            f"| EVAL Head = CASE({legs.flag(1)} == 1, {lines_of(first)})",
            f"| EVAL Tail = CASE({any_later}, {lines_of(later)})",
            f"| EVAL {BUCKET} = MV_APPEND({BIN}, {BIN} - 1)",
            f"| MV_EXPAND {BUCKET}",
            f"| EVAL Head = CASE({BUCKET} == {BIN}, Head)",
            legs.grouped(["Heads = VALUES(Head)", "Tails = VALUES(Tail)"], [BUCKET]),
            "| WHERE Heads IS NOT NULL AND Tails IS NOT NULL",
            assigned([f"Heads = {first_of('Heads')}", f"Tails = {first_of('Tails')}"]),
        ]

    def _shown_of_any(self, column: str) -> str:
        """The column's value from the first later rule that has it as evidence."""
        owner = next(number for number in self._later if column in self.legs.model(number).evidence)
        return shown(self.legs.column(owner, column))

    def _pairs(self) -> list[str]:
        """The lines that pair each first event with the later events within the time span."""
        # The later events are expanded first: there are more of them, and each row carries all that is not expanded.
        lines = [
            "| MV_EXPAND Tails",
            "| MV_EXPAND Heads",
            assigned([f"HeadMs = {ms_of('Heads')}", *self._read()]),
            f"| WHERE {MS} >= HeadMs AND {MS} <= HeadMs + {self.span * 1000}",
        ]
        if any(not self.legs.apart(1, number) for number in self._later):
            first_id = 'MV_SLICE(SPLIT(Heads, "\\n"), 1)'
            lines.append(f"| WHERE Id != {first_id}")
        return lines

    def _read(self) -> list[str]:
        """Assignments that read time, identity and flags of a later event from its text."""
        flags = [f"{flag} = TO_LONG(SUBSTRING(Tails, {place}, 1))" for place, flag in enumerate(self._flags, start=14)]
        return [f"{MS} = {ms_of('Tails')}", 'Id = MV_SLICE(SPLIT(Tails, "\\n"), 1)', *flags]

    def _linked(self, number: int, other: int) -> list[str]:
        """The lines that keep the events of a step that follow one of the `other` step, or precede one if it is later.

        One event never counts as two steps: if the nearest event is the event itself, the next one counts.
        """
        flag, nearest, second, compare = self.legs.flag(number), "0", "1", "<="
        if other > number:
            nearest, second, compare = "-1", "-2", ">="
        flags = ", ".join(f"TO_STRING({one})" for one in self._flags)
        rest = f"SUBSTRING(Tails, {14 + len(self._flags)})"
        edge = f'CASE({self.legs.flag(other)} == 1, CONCAT(TO_STRING({MS}), "\\n", Id))'
        return [
            f"| EVAL Edge = {edge}",
            self.legs.grouped(["Tails = VALUES(Tails)", "Edges = VALUES(Edge)"], ["Heads"]),
            "| EVAL Edges = MV_SORT(Edges)",
            assigned([f"Edge = MV_SLICE(Edges, {nearest})", f"Second = MV_SLICE(Edges, {second})"]),
            "| MV_EXPAND Tails",
            assigned(self._read()),
            f'| EVAL Edge = CASE(Edge == CONCAT(TO_STRING({MS}), "\\n", Id), Second, Edge)',
            f"| EVAL {flag} = CASE({flag} == 1 AND {ms_of('Edge')} {compare} {MS}, 1, 0)",
            f"| EVAL Tails = CONCAT(TO_STRING({MS}), {flags}, {rest})",
            f"| WHERE {' OR '.join(f'{one} == 1' for one in self._flags)}",
        ]

    def _aggregates(self) -> tuple[list[str], list[str]]:
        """The aggregates of the later steps (count, first and last time in ms, evidence), and their column names."""
        made: list[str] = []
        found: list[str] = []
        lines = 'SPLIT(Tails, "\\n")'
        places = {column: place for place, column in enumerate(self._evidence(), start=2)}
        for number in self._later:
            flag = self.legs.flag(number)
            values = {
                f"{flag}Count": f"COUNT(CASE({flag} == 1, 1))",
                f"{flag}First": f"MIN(CASE({flag} == 1, {MS}))",
                f"{flag}Last": f"MAX(CASE({flag} == 1, {MS}))",
            }
            for column in self.legs.model(number).evidence:
                evidence = part(lines, places[column])
                values[f"{flag}.{column}"] = f"VALUES(CASE({flag} == 1, {evidence}))"
            found.extend(f"{name(column)} = {value}" for column, value in values.items())
            made.extend(values)
        return found, made

    def _decoded(self) -> tuple[list[str], list[str]]:
        """Assignments that read the columns of the first event from its text, and the names of these columns."""
        columns = self._projected()
        decoded = ["EventId = SUBSTRING(MV_SLICE(HeadParts, 1), 2)"]
        for place, column in enumerate(columns, start=2):
            value = typed(part("HeadParts", place), self.legs.column(1, column))
            decoded.append(f"{name(column)} = {value}")
        return decoded, columns
