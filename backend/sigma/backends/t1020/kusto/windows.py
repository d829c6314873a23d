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
#: The key where a correlation has no group-by: the same for all events.
NO_KEY = "AllEvents"


@dataclass(frozen=True)
class Source:
    """The legs that read one table, as one search; `conditions` are theirs, by number from 1."""

    model: LogModel
    conditions: Mapping[int, Node[Predicate]]
    keys: Mapping[str, Column]
    value: Column | None
    fired: Correlation | None

    @classmethod
    def of(cls, legs: Mapping[int, Leg[Search]]) -> Source:
        """Join legs of the same table, keys and value; `legs` by their number."""
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
        """The events that meet any of the conditions."""
        return Search(self.model, any_of(self.conditions.values()), {}, fired=self.fired)

    def prefixed(self, prefix: str) -> Source:
        """See Search."""
        return replace(self, model=self.search.prefixed(prefix).model)

    def rows(self, frame: KustoFrame, span: int, flags: Mapping[str, frozenset[int]]) -> list[str]:
        """Lines of its events: keys, time, the value, the flags; in a query of its own all columns of a result row.

        A flag is 1 where the event meets one of those conditions, else 0.
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

    def reads(self) -> Iterator[Reading]:
        """See Correlation."""
        for source in self.sources:
            keys = (column for column in source.keys.values() if column.text)
            yield from source.search.reads(keys, [source.value] if source.value else [])

    def prefixed(self, prefix: str) -> Self:
        """See Correlation."""
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

    def _summed(self, tables: Iterable[Sequence[str]], sums: Mapping[str, str], by: Sequence[str]) -> list[str]:
        """Lines that put rows of changes in order, the beginning of a window after what it holds, and sum them up."""
        order = ", ".join(f"{key} asc" for key in [*by, "At", "Turn"])
        return [
            union(tables),
            f"| sort by {order}",
            command("extend", [f"{total} = row_cumsum({change})" for total, change in sums.items()]),
        ]


def finished(keys: Sequence[str], own: Sequence[str], alert: Alert | None) -> list[str]:
    """Lines that take away columns of the query's own, and add those that say which rule it is."""
    hidden = [*own, *(key for key in keys if key == NO_KEY)]
    lines = [command("project-away", hidden)] if hidden else []
    return [*lines, *([command("extend", alert_columns(alert))] if alert else [])]
