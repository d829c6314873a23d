"""Whole Kusto queries: the rows that one rule finds, and rules in order on one key."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .expression import Node, Test
from .kusto_predicates import INDENT, WIDTH, Predicate, where_lines
from .kusto_text import name, string, timespan
from .log_model import Column, LogModel


@dataclass(frozen=True)
class TimeFrame:
    """Which events a query reads, spans in seconds.

    With `period` 0 the query looks back `lookback` from now. Else it is for a job that runs every `period`:
    it keeps the matches that are first complete in (now - delay - period, now - delay], so that overlapping
    runs report each once and miss none whose events are late by at most `delay`.
    """

    lookback: int
    period: int = 0
    delay: int = 0

    def filters(self, time_column: str, earlier: int = 0) -> list[str]:
        """The time filter of a search; `earlier` is how long before its completion a match may begin."""
        if not self.period:
            return [f"| where {time_column} > ago({timespan(self.lookback)})"]
        start = timespan(self.period + self.delay + earlier)
        return [
            f"| where {time_column} > ago({start})",
            f"| where {time_column} <= {f'ago({timespan(self.delay)})' if self.delay else 'now()'}",
        ]

    def completed(self, column: str) -> list[str]:
        """The filter on the time that completed a match."""
        return [f"| where {column} > ago({timespan(self.period + self.delay)})"] if self.period else []


@dataclass(frozen=True)
class Alert:
    """What tells the rows of one rule from those of the others in a combined query."""

    rule_id: str
    title: str
    branch: str

    COLUMNS: ClassVar[tuple[str, ...]] = ("RuleId", "RuleTitle", "Branch")

    def columns(self) -> list[str]:
        """The constant columns, as items of a project."""
        values = (self.rule_id, self.title, self.branch)
        return [f"{column} = {string(value)}" for column, value in zip(self.COLUMNS, values, strict=True)]


def _command(command: str, items: Sequence[str]) -> str:
    """`| project a, b, c`, wrapped between items."""
    flat = f"| {command} {', '.join(items)}"
    if len(flat) <= WIDTH:
        return flat
    rows: list[str] = []
    for item in items:
        if rows and len(rows[-1]) + len(item) + 2 <= WIDTH - len(INDENT):
            rows[-1] += f", {item}"
        else:
            rows.append(item)
    return f"| {command}\n" + ",\n".join(INDENT + row for row in rows)


def _indented(lines: Sequence[str]) -> str:
    return textwrap.indent("\n".join(lines), INDENT)


@dataclass(frozen=True)
class Search:
    """The rows of one table that meet a rule's condition.

    `keys`: for each correlation (by the identity of its rule object) that refers to the rule, its group-by
    fields under their Sigma names and where this log source has them.
    """

    model: LogModel
    condition: Node[Predicate]
    keys: Mapping[int, Mapping[str, Column]]

    def rows(self, time_filters: Sequence[str], extra: Sequence[str] = ()) -> list[str]:
        """The lines that select the rows; `extra` are further where-lines, as cheap as an equality."""
        source = (Test(Predicate(text, "raw", raw_cost=1)) for text in self.model.source_filters)
        return [self.model.table, *time_filters, *extra, *where_lines([*source, self.condition])]

    def render(self, frame: TimeFrame, alert: Alert | None = None) -> str:
        """The query; with `alert`, its columns come first."""
        lines = self.rows(frame.filters(name(self.model.time_column)))
        items = (alert.columns() if alert else []) + [name(column) for column in self.model.projection]
        return "\n".join([*lines, *([_command("project", items)] if items else [])])


@dataclass(frozen=True)
class Ordered:
    """Rules in order on one key within a time span: e1 … en, t1 <= … <= tn <= t1 + span.

    One row for each e1, with what the later steps hold. The join is on key and time bin, so that its cost
    does not grow with (first events x later events): what follows e1 within `span` lies in its bin of length
    `span` or in the next one. The bins are spread on the side of e1, which is the smaller one (Kusto docs,
    'Time window join', spreads the other).
    """

    steps: Sequence[Sequence[Search]]
    keys: Sequence[Mapping[str, Column]]
    span: int

    def render(self, frame: TimeFrame, alert: Alert | None = None, prefix: str = "") -> str:
        """The query; `prefix` keeps the names of its let statements apart from another's."""
        lets, body = self.parts(frame, alert, prefix)
        return "\n".join([*lets, *body])

    def parts(self, frame: TimeFrame, alert: Alert | None, prefix: str) -> tuple[list[str], list[str]]:
        """The let statements and the tabular expression that uses them."""
        first = self.steps[0][0].model
        joined = [self._key_name(field) for field in self.keys[0]]
        names = [f"{prefix}Step{number}" for number in range(1, len(self.steps) + 1)]
        bin_length = timespan(self.span)
        lets = [
            f"let {names[0]} = materialize(\n{_indented(self._first(frame, joined))});",
            *(
                f"let {step} =\n{_indented(self._later(number, frame, joined, names[0], bin_length))};"
                for number, step in enumerate(names[1:], start=2)
            ),
        ]
        start = name(first.time_column)
        end = f"({start} + {bin_length})"
        body = [names[0]]
        for number, step in enumerate(names[1:], start=2):
            since = start if number == 2 else f"Step{number - 1}Time"
            body.append(
                f"| extend TimeBin = pack_array(bin({start}, {bin_length}), bin({start}, {bin_length}) + {bin_length})"
            )
            body.append("| mv-expand TimeBin to typeof(datetime)")
            body.append(f"| join kind=inner {step} on {', '.join([*map(name, joined), 'TimeBin'])}")
            body.append(f"| where Step{number}Time between ({since} .. {end})")
            body.extend(self._distinct(number, joined))
        body.append(self._summary(joined))
        body.extend(frame.completed(f"Step{len(names)}First"))
        if alert:
            body.append(_command("extend", alert.columns()))
        return lets, body

    def _key_name(self, field: str) -> str:
        """The column that carries a key: its own name where all steps agree on a plain column."""
        texts = {keys[field].text for keys in self.keys}
        text = next(iter(texts))
        return text if len(texts) == 1 and text == name(text).strip('[]@"') else field

    def _first_columns(self, joined: Sequence[str]) -> list[str]:
        """Names of the columns of e1, its key and identity among them."""
        model = self.steps[0][0].model
        wanted = [*model.projection, model.time_column, *model.event_id, *joined]
        return list(dict.fromkeys(wanted))

    def _rows(
        self, number: int, time_filters: list[str], extra: list[str], items: Sequence[Sequence[str]]
    ) -> list[str]:
        """Lines of one step: the rows of each of its searches, projected, in a union where there are several."""
        searches = self.steps[number - 1]
        parts = [
            [*search.rows(time_filters, extra), _command("project", item)]
            for search, item in zip(searches, items, strict=True)
        ]
        if len(parts) == 1:
            return parts[0]
        inner = ",\n".join(f"{INDENT}(\n{textwrap.indent(_indented(part), INDENT)}\n{INDENT})" for part in parts)
        return ["union", inner]

    def _assigned(self, number: int, field: str, joined: str) -> str:
        text = self.keys[number - 1][field].text
        return name(joined) if text == joined else f"{name(joined)} = {text}"

    def _first(self, frame: TimeFrame, joined: Sequence[str]) -> list[str]:
        model = self.steps[0][0].model
        keys = {key: self._assigned(1, field, key) for field, key in zip(self.keys[0], joined, strict=True)}
        items = [keys.get(column, name(column)) for column in self._first_columns(joined)]
        filters = frame.filters(name(model.time_column), self.span)
        # A null or empty key joins nothing; the later steps are held to the keys found here.
        present = [
            f"| where {'isnotempty' if key.type == 'string' else 'isnotnull'}({key.text})"
            for key in self.keys[0].values()
        ]
        return self._rows(1, filters, present, [items] * len(self.steps[0]))

    def _later(self, number: int, frame: TimeFrame, joined: Sequence[str], first: str, bin_length: str) -> list[str]:
        model = self.steps[number - 1][0].model
        time = f"Step{number}Time"
        pairs = list(zip(self.keys[number - 1], joined, strict=True))
        items = [self._assigned(number, field, key) for field, key in pairs]
        items.append(f"{time} = {name(model.time_column)}")
        carried = dict.fromkeys([*self._identity(number, joined), *model.evidence])
        items.extend(f"Step{number}{column} = {name(column)}" for column in carried)
        known = [
            f"| where {self.keys[number - 1][field].text} in (({first} | distinct {name(key)}))" for field, key in pairs
        ]
        filters = frame.filters(name(model.time_column), self.span)
        items.append(f"TimeBin = bin({name(model.time_column)}, {bin_length})")
        return self._rows(number, filters, known, [items] * len(self.steps[number - 1]))

    def _identity(self, number: int, joined: Sequence[str]) -> list[str]:
        """The columns that tell apart two events of one step, one key and one time, where that matters.

        It does where another step reads the same table, and where one event stands in several chains.
        """
        model = self.steps[number - 1][0].model
        tables = [step[0].model.table for step in self.steps]
        if len(tables) == 2 and tables[0] != tables[1]:
            return []
        return [column for column in model.event_id if column not in joined]

    def _distinct(self, number: int, joined: Sequence[str]) -> Iterator[str]:
        """One event is one step: lines that tell a step's event from those before it in the same table."""
        model = self.steps[number - 1][0].model
        identity = self._identity(number, joined)
        for earlier in range(1, number):
            other = self.steps[earlier - 1][0].model
            if other.table != model.table or not model.event_id:
                continue
            time = name(other.time_column) if earlier == 1 else f"Step{earlier}Time"
            same = [f"Step{number}Time == {time}"]
            for column in identity:
                before = name(column) if earlier == 1 else f"Step{earlier}{column}"
                same.append(f"Step{number}{column} == {before}")
            yield f"| where not({' and '.join(same)})"

    def _summary(self, joined: Sequence[str]) -> str:
        """Per e1: of each later step the number of events, their first and last time, and their evidence."""
        aggregates: list[str] = []
        for number in range(2, len(self.steps) + 1):
            model = self.steps[number - 1][0].model
            step = f"Step{number}"
            if len(self.steps) == 2 or not model.event_id:
                aggregates.append(f"{step}Count = count()")
            else:
                # With three steps and more, one event stands in several chains.
                identity = ", ':', ".join(
                    [f"{step}Time", *(f"{step}{column}" for column in self._identity(number, joined))]
                )
                aggregates.append(f"{step}Count = array_length(make_set(strcat({identity})))")
            aggregates.append(f"{step}First = min({step}Time)")
            aggregates.append(f"{step}Last = max({step}Time)")
            aggregates.extend(f"{step}{column} = make_set({step}{column})" for column in model.evidence)
        by = ", ".join(map(name, self._first_columns(joined)))
        rows = ",\n".join(INDENT + aggregate for aggregate in aggregates)
        wrapped = textwrap.wrap(by, WIDTH - len(INDENT) * 2, break_long_words=False, break_on_hyphens=False)
        return f"| summarize\n{rows}\n{INDENT}by " + f"\n{INDENT * 2}".join(wrapped)


Query = Search | Ordered


def combine(alerts: Sequence[tuple[Alert, Query]], frame: TimeFrame) -> str:
    """One query of many: a union with one schema, a row an alert, and columns that say which rule it is of."""
    lets: list[str] = []
    branches: list[str] = []
    for number, (alert, query) in enumerate(alerts, start=1):
        if isinstance(query, Ordered):
            own, body = query.parts(frame, alert, f"C{number}")
            lets.extend(own)
        else:
            body = [query.render(frame, alert)]
        branches.append(f"{INDENT}(\n{textwrap.indent(_indented(body), INDENT)}\n{INDENT})")
    return "\n".join([*lets, "union", ",\n".join(branches)])
