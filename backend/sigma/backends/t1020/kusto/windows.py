"""Sliding windows as Kusto queries: counts of events or of values, and rules in any order.

Every window begins with an event and is `span` long, both ends included. What a window holds is read off a running
sum: an event is in the windows that begin between `span` before it and its own time, so it adds one where those
begin and takes it away where they end. All that is sorted by key and time and summed up (row_cumsum) gives, at each
event, what lies in the window that begins there. The sum of each key ends at zero, so that it need not begin anew for
the next key. The cost is that of sorting three rows for each event, however many events a window holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from ..common.expression import Node, Test, all_of, any_of
from ..common.log_model import Column, LogModel
from ..common.losses import Loss
from ..common.time_frame import timespan
from . import values
from .predicates import INDENT, Predicate, merge, render
from .query import Correlation, KustoAlert, KustoFrame, Search, call, command, indented, summarize, union
from .text import name

if TYPE_CHECKING:
    from typing_extensions import Self

#: The column that carries the values of a value_count.
VALUE = "Value"
#: The key where a correlation has no group-by: the same for all events.
NO_KEY = "AllEvents"
#: Rules on one table among which a temporal correlation can tell its events apart: each set of them is counted.
MAX_OVERLAPPING = 5


@dataclass(frozen=True)
class Leg:
    """One rule of a correlation: its search, where it has the keys (by the name that carries each), and the column
    whose values are counted. The columns' texts are Kusto text."""

    search: Search
    keys: Mapping[str, Column]
    value: Column | None = None

    @property
    def model(self) -> LogModel:
        """What the pipeline says of its table."""
        return self.search.model


@dataclass(frozen=True)
class Source:
    """The legs that read one table, as one search; `conditions` are theirs, by number from 1."""

    model: LogModel
    conditions: Mapping[int, Node[Predicate]]
    keys: Mapping[str, Column]
    value: Column | None
    fired: Correlation | None

    @classmethod
    def of(cls, legs: Mapping[int, Leg]) -> Source:
        """Join legs of the same table, keys and value; `legs` by their number."""
        first = next(iter(legs.values()))
        conditions = {number: leg.search.condition for number, leg in legs.items()}
        model = first.model
        if len({tuple(leg.model.source_filters) for leg in legs.values()}) > 1:
            for number, leg in legs.items():
                rows = (Test(Predicate(text, "raw")) for text in leg.model.source_filters)
                conditions[number] = all_of([*rows, conditions[number]])
            model = replace(model, source_filters=())
        return cls(model, conditions, first.keys, first.value, first.search.fired)

    @property
    def search(self) -> Search:
        """The events that meet any of the conditions."""
        return Search(self.model, merge(any_of(self.conditions.values())), {}, fired=self.fired)

    def prefixed(self, prefix: str) -> Source:
        """See Search."""
        return replace(self, model=self.search.prefixed(prefix).model)

    def rows(self, frame: KustoFrame, span: int, flags: Mapping[str, frozenset[int]]) -> list[str]:
        """Lines of its events: keys, time, the value, the flags; in a query of its own all columns of a result row.

        A flag is 1 where the event meets one of those conditions, else 0.
        """
        time = name(self.model.time_column)
        search = self.search
        present = [values.present(column) for column in self.keys.values() if column.text]
        needed = self.value.computed if self.value else ()
        items = [_assigned(key, column) for key, column in self.keys.items()]
        shown = () if frame.whole else self.model.projection
        columns = dict.fromkeys([self.model.time_column, *shown])
        items.extend(name(column) for column in columns if column not in self.keys)
        if self.value:
            text = self.value.text if self.value.type == "string" else f"tostring({self.value.text})"
            items.append(f"{VALUE} = {text}")
        lines = search.rows(frame.filters(time, span), present, needed)
        for flag, numbers in flags.items():
            own = [self.conditions[number] for number in sorted(numbers & self.conditions.keys())]
            if len(own) in (0, len(self.conditions)):
                items.append(f"{flag} = {int(bool(own))}")
                continue
            test = render(merge(any_of(own)), INDENT, len(f"| extend {flag} = iff("))
            lines.append(f"| extend {flag} = iff({test}, 1, 0)")
            items.append(flag)
        return [*lines, command("project", items)]


def _assigned(key: str, column: Column) -> str:
    return name(key) if column.text == name(key) else f"{name(key)} = {column.text or 1}"


@dataclass(frozen=True)
class Windows(Correlation):
    """What all correlations by sliding windows share; `span` in seconds, `found_losses` those of the rules."""

    sources: Sequence[Source]
    span: int
    fields: Mapping[str, Column]
    found_losses: tuple[Loss, ...]

    @property
    def losses(self) -> tuple[Loss, ...]:
        return self.found_losses

    @property
    def time_column(self) -> str:
        """That of the events."""
        return self.sources[0].model.time_column

    def _prefixed(self, prefix: str) -> Self:
        return replace(self, sources=[source.prefixed(prefix) for source in self.sources])

    @property
    def _keys(self) -> str:
        return ", ".join(map(name, self.sources[0].keys))

    @property
    def _time(self) -> str:
        return name(self.sources[0].model.time_column)

    def _events(self, events: str, frame: KustoFrame, flags: Mapping[str, frozenset[int]]) -> list[str]:
        """The let statements that define the events of all rules under that name."""
        tables = [source.rows(frame, self.span, flags) for source in self.sources]
        text = "\n".join(tables[0]) if len(tables) == 1 else union(tables)
        lets = [line for source in self.sources for line in source.search.definition(frame, self.span)]
        return [*lets, f"let {events} = materialize(\n{indented(text.splitlines())});"]

    def _held(self, trailing: bool) -> tuple[str, str]:
        """When an event begins and when it ceases to be in windows, which begin with events, or end with them."""
        span = timespan(self.span)
        return (self._time, f"{self._time} + {span}") if trailing else (f"{self._time} - {span}", self._time)

    def _fired(self, table: str, lines: Sequence[str]) -> str:
        """The definition of the times at which windows end that meet the condition, which the lines select."""
        last = f"| summarize by {self._keys}, {self._time} = At"
        return f"let {table} = materialize(\n{indented([*lines, last])});"

    def _old(self, frame: KustoFrame, change: str) -> str:
        """A change that counts only for events which an earlier run has seen."""
        return f"iff({self._time} <= ago({timespan(frame.period + frame.delay)}), {change}, 0)"

    def _summed(self, tables: Iterable[Sequence[str]], sums: Mapping[str, str], by: str) -> list[str]:
        """Lines that put rows of changes in order, the beginning of a window after what it holds, and sum them up."""
        order = ", ".join(f"{key} asc" for key in [*by.split(", "), "At", "Turn"])
        return [
            union(tables),
            f"| sort by {order}",
            command("extend", [f"{total} = row_cumsum({change})" for total, change in sums.items()]),
        ]


@dataclass(frozen=True)
class Count(Windows):
    """How many events, or how many values of a field, lie in a window: the first window of each key that meets the
    condition, with the first of its events.

    `operator` and `limit` are the condition, the operator as Kusto writes it.
    """

    operator: str
    limit: int

    @property
    def counted(self) -> str:
        """The column of the result that has the number."""
        return "ValueCount" if self.sources[0].value else "EventCount"

    def parts(
        self, frame: KustoFrame, alert: KustoAlert | None = None, prefix: str = ""
    ) -> tuple[list[str], list[str]]:
        """See Correlation."""
        return self._prefixed(prefix)._parts(frame, alert, prefix)

    def _parts(self, frame: KustoFrame, alert: KustoAlert | None, prefix: str) -> tuple[list[str], list[str]]:
        events, windows = f"{prefix}Events", f"{prefix}Windows"
        lets, lines = self._met(frame, prefix, trailing=False)
        lines.append(f"| summarize arg_min(At, {self.counted}) by {self._keys}")
        lets.append(f"let {windows} =\n{indented(lines)};")
        return lets, self._result(events, windows, alert)

    def fired_as(self, table: str, frame: KustoFrame) -> list[str]:
        """See Correlation."""
        lets, lines = self._prefixed(table)._met(frame, table, trailing=True)
        return [*lets, self._fired(table, lines)]

    def _met(self, frame: KustoFrame, prefix: str, trailing: bool) -> tuple[list[str], list[str]]:
        """The let statements, and the lines that give key, time (At) and count of the windows that satisfy."""
        events, spans = f"{prefix}Events", f"{prefix}Spans"
        lets = self._events(events, frame, {})
        changes = list(self._changes([events], frame, self._keys, trailing))
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
        return lets, [*self._summed(tables, sums, self._keys), f"| where {met}"]

    def _changes(self, events: Sequence[str], frame: KustoFrame, by: str, trailing: bool) -> Iterator[list[str]]:
        """Where each event begins and ceases to be in windows."""
        for turn, change, at in zip((0, 2), (1, -1), self._held(trailing), strict=True):
            items = [by, f"At = {at}", f"Turn = {turn}", f"Change = {change}"]
            if frame.scheduled:
                items.append(f"OldChange = {self._old(frame, str(change))}")
            yield [*events, command("project", items)]

    def _spans(self, events: str, frame: KustoFrame, trailing: bool) -> list[str]:
        """Lines of where each value begins and ceases to be in windows: the spans of its events, joined."""
        by = f"{self._keys}, {VALUE}"
        tables = self._changes([events, f"| where isnotempty({VALUE})"], frame, by, trailing)
        sums = {"Held": "Change", "OldHeld": "OldChange"} if frame.scheduled else {"Held": "Change"}
        lines = self._summed(tables, sums, by)
        # A value begins with the first of the events that hold it, and ceases with the last.
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

    def _result(self, events: str, windows: str, alert: KustoAlert | None) -> list[str]:
        """Lines from the windows to the rows: the first event of each, the last time, and what its events show."""
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
        return [*body, *_finish(keys, [], alert)]


@dataclass(frozen=True)
class Temporal(Windows):
    """Rules in any order: each event of one of them in whose window every other rule has an event of its own."""

    rules: int

    def parts(
        self, frame: KustoFrame, alert: KustoAlert | None = None, prefix: str = ""
    ) -> tuple[list[str], list[str]]:
        """See Correlation."""
        return self._prefixed(prefix)._parts(frame, alert, prefix)

    def _parts(self, frame: KustoFrame, alert: KustoAlert | None, prefix: str) -> tuple[list[str], list[str]]:
        lets, body, sums = self._complete(frame, prefix, trailing=False)
        flags = map(_flag, self._counted())
        shown = {f"Rule{number}Count" for number in range(1, self.rules + 1)}
        own = ["At", "Turn", *flags, *sums.values(), *(total for total in sums if total not in shown)]
        return lets, [*body, *_finish(list(self.sources[0].keys), own, alert)]

    def fired_as(self, table: str, frame: KustoFrame) -> list[str]:
        """See Correlation."""
        lets, lines, _sums = self._prefixed(table)._complete(frame, table, trailing=True)
        return [*lets, self._fired(table, lines)]

    def _complete(
        self, frame: KustoFrame, prefix: str, trailing: bool
    ) -> tuple[list[str], list[str], Mapping[str, str]]:
        """The let statements, the lines that give the events whose window has all rules, and the sums in these."""
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
        body = [*self._summed(tables, sums, self._keys), "| where Turn == 1", f"| where {self._met('Count')}"]
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
        """The sets of rules whose events are counted: each rule, and where rules read one table each set of these,
        since one event may meet them all. (All of them, only where the first event may be of another table.)"""
        found = [frozenset([number]) for number in range(1, self.rules + 1)]
        for source in self.sources:
            numbers = sorted(source.conditions)
            for size in range(2, len(numbers) + (len(self.sources) > 1)):
                found.extend(map(frozenset, combinations(numbers, size)))
        return found

    def _met(self, suffix: str) -> str:
        """The condition on a window: each rule has an event of its own, that which begins the window among them.

        Rules of several tables have no event in common. Of those of one table each set must have as many events as
        rules, the first one left out (Hall's theorem on systems of distinct representatives).
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


def _all(column: str) -> str:
    """The name of the set of a column's values."""
    return f"All{column}" if column.isidentifier() else name(f"All{column}")


def _finish(keys: Sequence[str], own: Sequence[str], alert: KustoAlert | None) -> list[str]:
    """Lines that take away columns of the query's own, and add those that say which rule it is."""
    hidden = [*own, *(key for key in keys if key == NO_KEY)]
    lines = [command("project-away", hidden)] if hidden else []
    return [*lines, *([command("extend", alert.columns())] if alert else [])]
