"""The Kusto query of temporal_ordered, a join on key and time bins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..common.columns import Column
from ..common.expression import Test
from ..common.layout import INDENT
from ..common.log_model import LogModel
from ..common.losses import Loss
from ..common.query import Leg, losses_of
from ..common.time_frame import Alert, timespan
from . import lowering
from .predicates import Predicate
from .query import Correlation, KustoFrame, Reading, Search, alert_columns, command, indented, summarize
from .text import name, names


@dataclass(frozen=True)
class Ordered(Correlation):
    """Rules in order on one key: events e1 … en with t1 <= … <= tn <= t1 + span, where `span` is in seconds.

    `steps` has the key columns of each rule by their names in the query.

    The result has one row for each e1, with the evidence of the later steps. The join is on key and time bin, so that
    its cost does not grow with (first events x later events): what follows e1 within `span` lies in its bin of length
    `span` or in the next one. The bins are expanded on the side of e1, which is the smaller one (Kusto docs, 'Time
    window join', expands the other side). The join carries only the identity of e1; its other columns are joined back
    at the end, once for each row.
    """

    steps: Sequence[Leg[Search]]
    span: int
    fields: Mapping[str, Column]

    @property
    def time_column(self) -> str:
        """The time column of e1."""
        return self.steps[0].model.time_column

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses of its rules."""
        return losses_of(step.search for step in self.steps)

    def reads(self) -> Iterator[Reading]:
        for step in self.steps:
            yield from step.search.reads(step.keys.values())

    def prefixed(self, prefix: str) -> Ordered:
        return replace(self, steps=[replace(step, search=step.search.prefixed(prefix)) for step in self.steps])

    def _parts(self, frame: KustoFrame, alert: Alert | None, prefix: str) -> tuple[list[str], list[str]]:
        lets, inner = self._chains(frame, prefix)
        identity = self._first_identity()
        # A join adds a 1 to the name of a right-hand column that the left side has too.
        doubled = [f"{column}1" for column in identity]
        own = [column for column in identity if column.startswith("Step1")]
        body = [
            f"{prefix}Step1",
            f"| join kind=inner (\n{indented(inner)}\n{INDENT}) on {names(identity)}",
            command("project-away", list(map(name, [*own, *doubled]))),
        ]
        if alert:
            body.append(command("extend", alert_columns(alert)))
        return lets, body

    def fired_as(self, table: str, frame: KustoFrame) -> list[str]:
        lets, inner = self.prefixed(table)._chains(frame, table)
        first = self.steps[0]
        columns = names(first.keys)
        lines = [*inner, f"| summarize by {columns}, Fired = Step{len(self.steps)}First"]
        lines.append(f"| project {columns}, {first.search.time} = Fired")
        return [*lets, f"let {table} = materialize(\n{indented(lines)});"]

    def _chains(self, frame: KustoFrame, prefix: str) -> tuple[list[str], list[str]]:
        """The let statements, and the lines that give the identity of each e1 and the evidence of the later steps."""
        first = self.steps[0]
        steps = [f"{prefix}Step{number}" for number in range(1, len(self.steps) + 1)]
        lets = [line for step in self.steps for line in step.search.definition(frame, self.span)]
        lets.append(f"let {steps[0]} = materialize(\n{indented(self._first_rows(frame))});")
        identity = names(self._first_identity())
        inner = [steps[0], f"| distinct {identity}"]
        span = timespan(self.span)
        for number, step in enumerate(steps[1:], start=2):
            lets.append(f"let {step} =\n{indented(self._later_rows(number, frame, steps[0]))};")
            since = first.search.time if number == 2 else f"Step{number - 1}Time"
            ahead = f"Step{number}Bin"
            inner.append(f"| mv-expand {ahead} = dynamic([0, 1]) to typeof(long)")
            inner.append(f"| extend TimeBin = bin({first.search.time} + {ahead} * {span}, {span})")
            inner.append(f"| join kind=inner {step} on {names([*first.keys, 'TimeBin'])}")
            inner.append(f"| where Step{number}Time between ({since} .. ({first.search.time} + {span}))")
            inner.extend(self._distinct(number))
        inner.extend(self._summary(identity))
        inner.extend(frame.completed(f"Step{len(steps)}First"))
        return lets, inner

    def _first_identity(self) -> list[str]:
        """The columns that identify e1: its key, its time, and its event_id; none of them is ever null."""
        first = self.steps[0]
        own = [f"Step1{column}" for column in first.model.event_id if column not in first.keys]
        return list(dict.fromkeys([*first.keys, first.model.time_column, *own]))

    def _first_columns(self) -> list[str]:
        """The names of the columns of e1, including its key and identity."""
        first = self.steps[0]
        model = first.model
        return list(dict.fromkeys([*model.projection, model.time_column, *model.event_id, *first.keys]))

    @staticmethod
    def _assigned(key: str, column: Column) -> str:
        return name(key) if column.text == name(key) else f"{name(key)} = {column.text}"

    def _first_rows(self, frame: KustoFrame) -> list[str]:
        """The lines that find the events e1, with all columns of a result row.

        Events with a null or empty key never join, so they are dropped here.
        """
        first = self.steps[0]
        present = [lowering.present(column) for column in first.keys.values()]
        items = [
            self._assigned(column, first.keys[column]) if column in first.keys else name(column)
            for column in self._first_columns()
        ]
        items.extend(f"{_own(1, column)} = {_never_null(first.model, column)}" for column in self._identity(1, True))
        rows = first.search.rows(frame.filters(first.search.time, self.span), present)
        return [*rows, command("project", items)]

    def _later_rows(self, number: int, frame: KustoFrame, first: str) -> list[str]:
        """The lines that find the events of a later step with the keys of e1: key, time, identity and evidence."""
        step = self.steps[number - 1]
        known = [
            Test(Predicate(f"{column.text} in (({first} | distinct {name(key)}))", "raw", computed=column.computed))
            for key, column in step.keys.items()
        ]
        identity = self._identity(number)
        items = [
            *(self._assigned(key, column) for key, column in step.keys.items()),
            f"Step{number}Time = {step.search.time}",
            *(f"{_own(number, column)} = {_never_null(step.model, column)}" for column in identity),
            *(f"{_own(number, column)} = {name(column)}" for column in step.model.evidence if column not in identity),
            f"TimeBin = bin({step.search.time}, {timespan(self.span)})",
        ]
        rows = step.search.rows(frame.filters(step.search.time, self.span), known)
        return [*rows, command("project", items)]

    def _identity(self, number: int, always: bool = False) -> list[str]:
        """The columns that distinguish events of one step with the same key and time, if the query needs them.

        It needs them if another step reads the same table, or if one event may be in several chains; with `always`, it
        needs them in any case.
        """
        step = self.steps[number - 1]
        tables = [other.model.table for other in self.steps]
        if not always and len(tables) == 2 and tables[0] != tables[1]:
            return []
        return [column for column in step.model.event_id if column not in step.keys]

    def _distinct(self, number: int) -> Iterator[str]:
        """Yield the lines that keep one event from counting as this step and as an earlier one of the same table."""
        step = self.steps[number - 1]
        for earlier, other in enumerate(self.steps[: number - 1], start=1):
            if other.model.table != step.model.table:
                continue
            same = [f"Step{number}Time == {other.search.time if earlier == 1 else f'Step{earlier}Time'}"]
            same.extend(f"{_own(number, column)} == {_own(earlier, column)}" for column in self._identity(number))
            yield f"| where not({' and '.join(same)})"

    def _summary(self, identity: str) -> list[str]:
        """The lines that summarize each later step for each e1: count, first and last time, and evidence."""
        if len(self.steps) == 2 and len(self.steps[1].model.evidence) == 1:
            # Grouping by the evidence first removes repeats, which costs less than make_set() does.
            value = _own(2, self.steps[1].model.evidence[0])
            return [
                summarize(
                    ["Step2Count = count()", "Step2First = min(Step2Time)", "Step2Last = max(Step2Time)"],
                    f"{identity}, {value}",
                ),
                summarize(
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
                # With three or more steps, one event may be in several chains.
                parts = [f"{step}Time", *(_own(number, column) for column in self._identity(number))]
                distinct = ', ":", '.join(parts)
                aggregates.append(f"{step}Count = array_length(make_set(strcat({distinct})))")
            aggregates.append(f"{step}First = min({step}Time)")
            aggregates.append(f"{step}Last = max({step}Time)")
            shown = [_own(number, column) for column in later.model.evidence]
            aggregates.extend(f"{column} = make_set({column})" for column in shown)
        return [summarize(aggregates, identity)]


def _own(number: int, column: str) -> str:
    """The name of a step's column in the query."""
    return name(f"Step{number}{column}")


def _never_null(model: LogModel, column: str) -> str:
    """A column to join on; null would never match, so -1 stands for it in numbers."""
    kind = model.columns.get(column, "string")
    return f"coalesce({name(column)}, {kind}(-1))" if kind in ("int", "long") else name(column)
