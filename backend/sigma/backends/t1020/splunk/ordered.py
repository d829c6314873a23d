"""The SPL search of temporal_ordered, which carries later events back to each first event."""

from __future__ import annotations

from dataclasses import dataclass

from ..common.one_stream import StreamQuery
from .legs import (
    BOUND,
    EVENT_ID,
    Legs,
    ahead,
    carried,
    kept,
    marked,
    ms,
    part,
    values_shown,
    within,
)
from .query import Piped, SplunkFrame, eval_line
from .text import eval_name


@dataclass(frozen=True)
class Ordered(Piped, StreamQuery):
    """Rules in order on one key: events e1 … en with t1 <= … <= tn <= t1 + span, where `span` is in seconds.

    The result has one row for each e1, with the evidence of the later steps. One event never counts as two steps.
    Adjacent steps may find the same events; other steps may not, unless there are only three (see OneStream).
    """

    legs: Legs
    bounds = (BOUND,)

    def rows(self, frame: SplunkFrame) -> tuple[list[str], list[str]]:
        later = range(2, len(self.legs.legs) + 1)
        lines = self.legs.lines(frame, self.span)
        lines.extend(
            eval_line([f"Step{number}Item={carried(self.legs.flag(number), self._evidence(number))}"])
            for number in later
        )
        lines.extend(ahead({f"Step{number}Items": f"Step{number}Item" for number in later}, self.span, self.legs.by))
        lines.append("| where Step1=1")
        lines.extend(
            eval_line([f"Step{number}Items={within(f'Step{number}Items', self.span, not self.legs.apart(1, number))}"])
            for number in later
        )
        for number in later[1:]:
            lines.extend(self._linked(number, number - 1))
        last = f"Step{later[-1]}Items"
        lines.append(f"| where isnotnull({last})")
        lines.extend(frame.completed(ms(f"mvindex({last}, 0)")))
        for number in reversed(later[:-1]):
            lines.extend(self._linked(number, number + 1))
        columns: list[str] = []
        for number in later:
            made = self._shown(number)
            lines.append(eval_line([f"{eval_name(name)}={value}" for name, value in made.items()]))
            columns.extend(made)
        first = self.legs.legs[0].search.model
        return lines, [*first.projection, *self.legs.keys.values(), *columns, EVENT_ID]

    def _evidence(self, number: int) -> list[str]:
        return list(self.legs.legs[number - 1].search.model.evidence)

    def _shown(self, number: int) -> dict[str, str]:
        """The columns of a later step (count, first and last time in seconds, evidence) and their expressions."""
        items = f"Step{number}Items"
        shown = {
            f"Step{number}Count": f"mvcount({items})",
            f"Step{number}First": f"{ms(f'mvindex({items}, 0)')}/1000",
            f"Step{number}Last": f"{ms(f'mvindex({items}, -1)')}/1000",
        }
        for place, field in enumerate(self._evidence(number), start=2):
            shown[f"Step{number}{field}"] = values_shown(items, place)
        return shown

    def _linked(self, number: int, other: int) -> list[str]:
        """The lines that keep the events of a step that follow one of the `other` step, or precede a later one."""
        items, others = f"Step{number}Items", f"Step{other}Items"
        edge, second, compare = (0, 1, "<=") if other < number else (-1, -2, ">=")
        nearest = f"mvindex({others}, {edge})"
        if self.legs.apart(number, other):
            return [
                eval_line([f"EdgeMs={ms(nearest)}"]),
                eval_line([f"{items}={kept(items, f'EdgeMs{compare}{ms(items)}')}"]),
            ]
        # One event never counts as two steps: if the nearest event is the event itself, the next one counts.
        itself = f"EdgeMs={ms(items)} AND {marked(part(items, 1))}={marked('EdgeId')}"
        return [
            eval_line(
                [
                    f"EdgeMs={ms(nearest)}",
                    f"EdgeId={part(nearest, 1)}",
                    f"SecondMs={ms(f'mvindex({others}, {second})')}",
                ]
            ),
            eval_line([f"{items}={kept(items, f'if({itself}, SecondMs, EdgeMs){compare}{ms(items)}')}"]),
        ]
