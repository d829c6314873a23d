"""Whole Kusto queries: the rows that one rule finds, and rules in order on one key."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from .expression import Node, Test, negate
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

    def rows(self, time_filters: Sequence[str], extra: Sequence[Node[Predicate]] = ()) -> list[str]:
        """The lines that select the rows; `extra` are further tests."""
        source = (Test(Predicate(text, "raw")) for text in self.model.source_filters)
        clauses = where_lines([*extra, *source, self.condition], self.model.expressions)
        return [self.model.table, *time_filters, *clauses]

    def render(self, frame: TimeFrame, alert: Alert | None = None) -> str:
        """The query; with `alert`, its columns come first."""
        lines = self.rows(frame.filters(name(self.model.time_column)))
        items = (alert.columns() if alert else []) + [name(column) for column in self.model.projection]
        return "\n".join([*lines, *([_command("project", items)] if items else [])])


@dataclass(frozen=True)
class Step:
    """One rule of an ordered correlation, and where its log source has the key: by the name that carries it.

    The columns' texts are Kusto text.
    """

    search: Search
    keys: Mapping[str, Column]

    @property
    def model(self) -> LogModel:
        """What the pipeline says of its table."""
        return self.search.model

    @property
    def time(self) -> str:
        """The time column, as the query writes it."""
        return name(self.model.time_column)


@dataclass(frozen=True)
class Ordered:
    """Rules in order on one key within a time span: e1 … en, t1 <= … <= tn <= t1 + span (in seconds).

    One row for each e1, with what the later steps hold. The join is on key and time bin, so that its cost
    does not grow with (first events x later events): what follows e1 within `span` lies in its bin of length
    `span` or in the next one. The bins are spread on the side of e1, which is the smaller one (Kusto docs,
    'Time window join', spreads the other). Through the join goes only what identifies e1; its other columns
    are joined back at the end, once a row.
    """

    steps: Sequence[Step]
    span: int

    def render(self, frame: TimeFrame, alert: Alert | None = None) -> str:
        """The query."""
        lets, body = self.parts(frame, alert)
        return "\n".join([*lets, *body])

    def parts(self, frame: TimeFrame, alert: Alert | None = None, prefix: str = "") -> tuple[list[str], list[str]]:
        """The let statements and the tabular expression that uses them; `prefix` keeps their names apart."""
        first = self.steps[0]
        names = [f"{prefix}Step{number}" for number in range(1, len(self.steps) + 1)]
        lets = [f"let {names[0]} = materialize(\n{_indented(self._first_rows(frame))});"]
        identity = ", ".join(self._first_identity())
        inner = [names[0], f"| distinct {identity}"]
        span = timespan(self.span)
        for number, step in enumerate(names[1:], start=2):
            lets.append(f"let {step} =\n{_indented(self._later_rows(number, frame, names[0]))};")
            since = first.time if number == 2 else f"Step{number - 1}Time"
            ahead = f"Step{number}Bin"
            inner.append(f"| mv-expand {ahead} = dynamic([0, 1]) to typeof(long)")
            inner.append(f"| extend TimeBin = bin({first.time} + {ahead} * {span}, {span})")
            inner.append(f"| join kind=inner {step} on {', '.join([*map(name, first.keys), 'TimeBin'])}")
            inner.append(f"| where Step{number}Time between ({since} .. ({first.time} + {span}))")
            inner.extend(self._distinct(number))
        inner.extend(self._summary(identity))
        inner.extend(frame.completed(f"Step{len(names)}First"))
        doubled = [self._second_name(column) for column in self._first_identity()]
        own = [column for column in self._first_identity() if column.startswith("Step1")]
        body = [
            names[0],
            f"| join kind=inner (\n{_indented(inner)}\n{INDENT}) on {identity}",
            _command("project-away", [*own, *doubled]),
        ]
        if alert:
            body.append(_command("extend", alert.columns()))
        return lets, body

    @staticmethod
    def _second_name(column: str) -> str:
        """What a join calls the right side's column of a name that both sides have."""
        return f'{column[:-2]}1"]' if column.endswith('"]') else f"{column}1"

    def _first_identity(self) -> list[str]:
        """What identifies e1: its key, its time, and what tells it from others of that time; none is ever null."""
        first = self.steps[0]
        own = [f"Step1{column}" for column in first.model.event_id if column not in first.keys]
        return list(dict.fromkeys([*map(name, first.keys), first.time, *own]))

    def _first_columns(self) -> list[str]:
        """Names of the columns of e1, its key and identity among them."""
        first = self.steps[0]
        model = first.model
        return list(dict.fromkeys([*model.projection, model.time_column, *model.event_id, *first.keys]))

    @staticmethod
    def _assigned(key: str, column: Column) -> str:
        return name(key) if column.text == name(key) else f"{name(key)} = {column.text}"

    def _first_rows(self, frame: TimeFrame) -> list[str]:
        """Lines of e1: all columns of a result row. A null or empty key joins nothing, so it is left out here."""
        first = self.steps[0]
        present = [
            negate(Test(Predicate(column.text, "missing", nullable=column.nullable, computed=column.computed)))
            for column in first.keys.values()
        ]
        items = [
            self._assigned(column, first.keys[column]) if column in first.keys else name(column)
            for column in self._first_columns()
        ]
        items.extend(f"Step1{column} = {_never_null(first.model, column)}" for column in self._identity(1, True))
        rows = first.search.rows(frame.filters(first.time, self.span), present)
        return [*rows, _command("project", items)]

    def _later_rows(self, number: int, frame: TimeFrame, first: str) -> list[str]:
        """Lines of a later step: the keys that e1 has, and of each event its key, time, identity and evidence."""
        step = self.steps[number - 1]
        known = [
            Test(Predicate(f"{column.text} in (({first} | distinct {name(key)}))", "raw", computed=column.computed))
            for key, column in step.keys.items()
        ]
        identity = self._identity(number)
        items = [
            *(self._assigned(key, column) for key, column in step.keys.items()),
            f"Step{number}Time = {step.time}",
            *(f"Step{number}{column} = {_never_null(step.model, column)}" for column in identity),
            *(f"Step{number}{column} = {name(column)}" for column in step.model.evidence if column not in identity),
            f"TimeBin = bin({step.time}, {timespan(self.span)})",
        ]
        rows = step.search.rows(frame.filters(step.time, self.span), known)
        return [*rows, _command("project", items)]

    def _identity(self, number: int, always: bool = False) -> list[str]:
        """The columns that tell apart two events of one step, one key and one time, where that matters or `always`.

        It does where another step reads the same table, and where one event stands in several chains.
        """
        step = self.steps[number - 1]
        tables = [other.model.table for other in self.steps]
        if not always and len(tables) == 2 and tables[0] != tables[1]:
            return []
        return [column for column in step.model.event_id if column not in step.keys]

    def _distinct(self, number: int) -> Iterator[str]:
        """One event is one step: lines that tell a step's event from those before it in the same table."""
        step = self.steps[number - 1]
        for earlier, other in enumerate(self.steps[: number - 1], start=1):
            if other.model.table != step.model.table:
                continue
            same = [f"Step{number}Time == {other.time if earlier == 1 else f'Step{earlier}Time'}"]
            same.extend(f"Step{number}{column} == Step{earlier}{column}" for column in self._identity(number))
            yield f"| where not({' and '.join(same)})"

    def _summary(self, identity: str) -> list[str]:
        """Per e1: of each later step the number of events, their first and last time, and their evidence."""
        if len(self.steps) == 2 and len(self.steps[1].model.evidence) == 1:
            # Grouping by the evidence first leaves each value once, which costs less than a set does.
            value = f"Step2{self.steps[1].model.evidence[0]}"
            return [
                _summarize(
                    ["Step2Count = count()", "Step2First = min(Step2Time)", "Step2Last = max(Step2Time)"],
                    f"{identity}, {value}",
                ),
                _summarize(
                    [
                        "Step2Count = sum(Step2Count)",
                        "Step2First = min(Step2First)",
                        "Step2Last = max(Step2Last)",
                        f"{value} = make_list({value})",
                    ],
                    identity,
                ),
            ]
        aggregates: list[str] = []
        for number, later in enumerate(self.steps[1:], start=2):
            step = f"Step{number}"
            if len(self.steps) == 2:
                aggregates.append(f"{step}Count = count()")
            else:
                # With three steps and more, one event stands in several chains.
                parts = [f"{step}Time", *(f"{step}{column}" for column in self._identity(number))]
                distinct = ', ":", '.join(parts)
                aggregates.append(f"{step}Count = array_length(make_set(strcat({distinct})))")
            aggregates.append(f"{step}First = min({step}Time)")
            aggregates.append(f"{step}Last = max({step}Time)")
            aggregates.extend(f"{step}{column} = make_set({step}{column})" for column in later.model.evidence)
        return [_summarize(aggregates, identity)]


def _summarize(aggregates: Sequence[str], by: str) -> str:
    rows = ",\n".join(INDENT + aggregate for aggregate in aggregates)
    return f"| summarize\n{rows}\n{INDENT}by {by}"


def _never_null(model: LogModel, column: str) -> str:
    """A column of a join, which null would not match: -1 stands for it in a number."""
    kind = model.columns.get(column, "string")
    return f"coalesce({name(column)}, {kind}(-1))" if kind in ("int", "long") else name(column)


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
