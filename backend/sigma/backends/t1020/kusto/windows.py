"""The base of the Kusto queries with sliding windows: event_count, value_count and temporal.

Every window begins with an event and is `span` long, both ends included. An event is in all windows that begin between
`span` before it and its own time, so it adds one to a running sum at the first of these times and subtracts one after
the last. Sorted by key and time, the sum (row_cumsum) gives at each event the number of events in the window that
begins there. The sum of each key ends at zero, so it needs no restart for the next key. The cost is that of sorting
three rows for each event, however many events a window holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..common.columns import Column
from ..common.expression import Node, all_of, any_of
from ..common.layout import INDENT
from ..common.log_model import LogModel
from ..common.losses import Loss
from ..common.query import Leg
from ..common.time_frame import Alert, timespan
from . import lowering
from .predicates import Predicate, merge, render
from .query import (
    Correlation,
    KustoFrame,
    Reading,
    Search,
    alert_columns,
    command,
    indented,
    source_tests,
    union,
)
from .text import name

if TYPE_CHECKING:
    from typing_extensions import Self

#: The column that carries the values of a value_count.
VALUE = "Value"
#: The key, the same for all events, of a correlation without a group-by.
NO_KEY = "AllEvents"


@dataclass(frozen=True)
class Source:
    """The rules that read one table, as one search; `conditions` has their conditions by number, from 1."""

    model: LogModel
    conditions: Mapping[int, Node[Predicate]]
    keys: Mapping[str, Column]
    value: Column | None
    fired: Correlation | None

    @classmethod
    def of(cls, legs: Mapping[int, Leg[Search]]) -> Source:
        """Join rules with the same table, keys and value; `legs` has them by number, from 1."""
        first = next(iter(legs.values()))
        conditions = {number: leg.search.condition for number, leg in legs.items()}
        model = first.model
        if len({tuple(leg.model.source_filters) for leg in legs.values()}) > 1:
            for number, leg in legs.items():
                conditions[number] = all_of([*source_tests(leg.model), conditions[number]])
            model = replace(model, source_filters=())
        return cls(model, conditions, first.keys, first.value, first.search.fired)

    @property
    def search(self) -> Search:
        """The search for the events that meet any of the conditions."""
        return Search(self.model, any_of(self.conditions.values()), {}, fired=self.fired)

    def prefixed(self, prefix: str) -> Source:
        """The same rules, with the prefix before the name of their table if the query defines it."""
        return replace(self, model=self.search.prefixed(prefix).model)

    def rows(self, frame: KustoFrame, span: int, flags: Mapping[str, frozenset[int]]) -> list[str]:
        """The lines that find its events, with keys, time, counted value and flags.

        A flag is 1 if the event meets one of the flag's conditions, else 0. Unless the query is part of another one,
        the events have all columns of a result row.
        """
        search = self.search
        present = [lowering.present(column) for column in self.keys.values() if column.text]
        needed = self.value.computed if self.value else ()
        items = [_assigned(key, column) for key, column in self.keys.items()]
        shown = () if frame.whole else self.model.projection
        columns = dict.fromkeys([self.model.time_column, *shown])
        items.extend(name(column) for column in columns if column not in self.keys)
        if self.value:
            text = self.value.text if self.value.type == "string" else f"tostring({self.value.text})"
            items.append(f"{VALUE} = {text}")
        lines = search.rows(frame.filters(search.time, span), present, needed)
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
    """A correlation with sliding windows; `span` is in seconds, `found_losses` has the losses of its rules."""

    sources: Sequence[Source]
    span: int
    fields: Mapping[str, Column]
    found_losses: tuple[Loss, ...]

    @property
    def losses(self) -> tuple[Loss, ...]:
        return self.found_losses

    @property
    def time_column(self) -> str:
        """The time column of the events."""
        return self.sources[0].model.time_column

    def reads(self) -> Iterator[Reading]:
        for source in self.sources:
            keys = (column for column in source.keys.values() if column.text)
            yield from source.search.reads(keys, [source.value] if source.value else [])

    def prefixed(self, prefix: str) -> Self:
        return replace(self, sources=[source.prefixed(prefix) for source in self.sources])

    @property
    def _by(self) -> list[str]:
        """The keys as the query writes them."""
        return list(map(name, self.sources[0].keys))

    @property
    def _keys(self) -> str:
        return ", ".join(self._by)

    @property
    def _time(self) -> str:
        return name(self.sources[0].model.time_column)

    def _events(self, events: str, frame: KustoFrame, flags: Mapping[str, frozenset[int]]) -> list[str]:
        """The let statements that define the table `events` of the events of all rules."""
        tables = [source.rows(frame, self.span, flags) for source in self.sources]
        text = "\n".join(tables[0]) if len(tables) == 1 else union(tables)
        lets = [line for source in self.sources for line in source.search.definition(frame, self.span)]
        return [*lets, f"let {events} = materialize(\n{indented(text.splitlines())});"]

    def _held(self, trailing: bool) -> tuple[str, str]:
        """The times at which an event enters and leaves windows that begin or, with `trailing`, end with events."""
        span = timespan(self.span)
        return (self._time, f"{self._time} + {span}") if trailing else (f"{self._time} - {span}", self._time)

    def _fired(self, table: str, lines: Sequence[str]) -> str:
        """The let statement that defines `table`: the keys and the ends of the windows that the lines find."""
        last = f"| summarize by {self._keys}, {self._time} = At"
        return f"let {table} = materialize(\n{indented([*lines, last])});"

    def _old(self, frame: KustoFrame, change: str) -> str:
        """The change for events that an earlier run has seen; 0 for others."""
        return f"iff({self._time} <= ago({timespan(frame.period + frame.delay)}), {change}, 0)"

    def _summed(self, tables: Iterable[Sequence[str]], sums: Mapping[str, str], by: Sequence[str]) -> list[str]:
        """The lines that sort rows of changes, with the beginning of a window after what enters it, and sum them up."""
        order = ", ".join(f"{key} asc" for key in [*by, "At", "Turn"])
        return [
            union(tables),
            f"| sort by {order}",
            command("extend", [f"{total} = row_cumsum({change})" for total, change in sums.items()]),
        ]


def finished(keys: Sequence[str], own: Sequence[str], alert: Alert | None) -> list[str]:
    """The lines that remove the query's own columns, and add those of the alert."""
    hidden = [*own, *(key for key in keys if key == NO_KEY)]
    lines = [command("project-away", hidden)] if hidden else []
    return [*lines, *([command("extend", alert_columns(alert))] if alert else [])]
