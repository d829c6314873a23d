"""The Kusto queries of event_count and value_count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..common.layout import INDENT
from ..common.time_frame import Alert, timespan
from .query import KustoFrame, call, command, indented, summarize
from .text import name
from .windows import VALUE, Windows, finished


@dataclass(frozen=True)
class Count(Windows):
    """The query of an event_count or value_count.

    It finds the first window of each key that meets the condition, and shows the window's first event. `operator` and
    `limit` are the condition, with the operator as Kusto writes it.
    """

    operator: str
    limit: int

    @property
    def counted(self) -> str:
        """The column of the result that holds the count."""
        return "ValueCount" if self.sources[0].value else "EventCount"

    def _parts(self, frame: KustoFrame, alert: Alert | None, prefix: str) -> tuple[list[str], list[str]]:
        events, windows = f"{prefix}Events", f"{prefix}Windows"
        lets, lines = self._met(frame, prefix, trailing=False)
        lines.append(f"| summarize arg_min(At, {self.counted}) by {self._keys}")
        lets.append(f"let {windows} =\n{indented(lines)};")
        return lets, self._result(events, windows, alert)

    def fired_as(self, table: str, frame: KustoFrame) -> list[str]:
        lets, lines = self.prefixed(table)._met(frame, table, trailing=True)
        return [*lets, self._fired(table, lines)]

    def _met(self, frame: KustoFrame, prefix: str, trailing: bool) -> tuple[list[str], list[str]]:
        """The let statements, and the lines that give key, time (At) and count of the windows that qualify."""
        events, spans = f"{prefix}Events", f"{prefix}Spans"
        lets = self._events(events, frame, {})
        changes = list(self._changes([events], frame, self._by, trailing))
        if self.sources[0].value:
            lets.append(f"let {spans} = materialize(\n{indented(self._spans(events, frame, trailing))});")
            changes = [[spans]]
        begins = [self._keys, f"At = {self._time}", "Turn = 1", "Change = 0"]
        sums = {self.counted: "Change"}
        met = f"Turn == 1 and {self.counted} {self.operator} {self.limit}"
        if frame.scheduled:
            begins.append("OldChange = 0")
            sums["OldCount"] = "OldChange"
            met += f" and not(OldCount {self.operator} {self.limit})"
        tables = [*changes, [events, command("project", begins)]]
        return lets, [*self._summed(tables, sums, self._by), f"| where {met}"]

    def _changes(
        self, events: Sequence[str], frame: KustoFrame, by: Sequence[str], trailing: bool
    ) -> Iterator[list[str]]:
        """Yield the tables of the times at which each event enters and leaves windows."""
        for turn, change, at in zip((0, 2), (1, -1), self._held(trailing), strict=True):
            items = [", ".join(by), f"At = {at}", f"Turn = {turn}", f"Change = {change}"]
            if frame.scheduled:
                items.append(f"OldChange = {self._old(frame, str(change))}")
            yield [*events, command("project", items)]

    def _spans(self, events: str, frame: KustoFrame, trailing: bool) -> list[str]:
        """The lines that give the times at which each value enters and leaves windows, joined over its events."""
        by = [*self._by, VALUE]
        tables = self._changes([events, f"| where isnotempty({VALUE})"], frame, by, trailing)
        sums = {"Held": "Change", "OldHeld": "OldChange"} if frame.scheduled else {"Held": "Change"}
        lines = self._summed(tables, sums, by)
        # A value enters with the first event that holds it, and leaves with the last.
        edges = {
            change: f"({change} == 1 and {held} == 1) or ({change} == -1 and {held} == 0)"
            for held, change in sums.items()
        }
        if not frame.scheduled:
            lines.append(f"| where {edges['Change']}")
        else:
            lines.append(
                "| extend\n"
                + ",\n".join(f"{INDENT}{change} = iff({edge}, {change}, 0)" for change, edge in edges.items())
            )
            lines.append("| where Change != 0 or OldChange != 0")
        return [*lines, f"| project {self._keys}, At, Turn, {', '.join(edges)}"]

    def _result(self, events: str, windows: str, alert: Alert | None) -> list[str]:
        """The lines that make the result: for each window, its first event, its last time, and its evidence."""
        models = [source.model for source in self.sources]
        keys = list(self.sources[0].keys)
        shown = dict.fromkeys(column for model in models for column in model.projection)
        columns = [name(column) for column in shown if column not in (*keys, models[0].time_column)]
        evidence = dict.fromkeys(column for model in models for column in model.evidence if column in shown)
        first = call("arg_min", [self._time, *columns]) if columns else f"{self._time} = min({self._time})"
        aggregates = [first, f"LastTime = max({self._time})"]
        aggregates.extend(f"{_all(column)} = make_set({name(column)})" for column in evidence)
        if self.sources[0].value:
            aggregates.append(f"{VALUE}s = make_set({VALUE})")
        body = [
            windows,
            f"| join kind=inner {events} on {self._keys}",
            f"| where {self._time} between (At .. (At + {timespan(self.span)}))",
            summarize(aggregates, f"{self._keys}, {self.counted}"),
        ]
        return [*body, *finished(keys, [], alert)]


def _all(column: str) -> str:
    """The name of the column that holds the set of a column's values."""
    return f"All{column}" if column.isidentifier() else name(f"All{column}")
