"""The rules of a correlation as one ES|QL stream, and the buckets of time that bring its events together.

ES|QL has no suitable join, so STATS collects the events of one key in buckets of time. An event that may begin a match
goes into the bucket of its time; an event that may complete one goes into that bucket and the one before. A bucket
holds each event as one text of several lines: its time in ms (thirteen digits from 2001 to 2286, so that the texts sort
by time), its identity, and the columns that a result shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..common.columns import Column, Kind
from ..common.expression import all_of
from ..common.layout import INDENT
from ..common.losses import Loss, LossCode
from ..common.one_stream import FlaggedLegs
from ..common.query import Leg
from ..elastic.layout import WIDTH
from .predicates import as_text, expression
from .query import TIME, EsqlFrame, Search, assigned, selected, source
from .text import name

#: The most events of either kind that a bucket holds for one key; the cost of each event is linear in it.
MAX_EVENTS = 10_000
MS, BIN, BUCKET = "Ms", "Bin", "Bucket"
CROWDED = Loss(
    LossCode.BOUND,
    f"of one key, only the first {MAX_EVENTS:,} events in twice the time span are compared; later ones do not count",
)
#: The names of the columns that the queries make; fields of the documents must not have them.
_MADE = re.compile(
    "Ms|Bin|Bucket|Id|Heads?|Head(Ms|Parts)|Tails?|Earliest|Items?|Starts?|Values?|Edges?|Second|Times|Best|Pairs?|Nth[A-Z]*|"
    "Completed[0-9]*|EventId|LastTime|EventCount|ValueCount|(Step|Rule|Key).*"
)


def overwritten(leg: Leg[Search]) -> list[str]:
    """The fields of the documents that the query would overwrite before it reads them."""
    model = leg.search.model
    read = {*leg.columns, *model.projection, *model.evidence, *model.columns, *model.source_values}
    return sorted(field for field in read if _MADE.fullmatch(field))


@dataclass(frozen=True)
class Legs(FlaggedLegs[Search]):
    """All rules of a correlation as one stream; a rule's flag is 1 or 0 in each event."""

    @property
    def by(self) -> list[str]:
        """The key columns as STATS groups by them."""
        return [name(key) for key in self.keys.values()]

    def column(self, number: int, name: str) -> Column:
        """A column of a rule's log source."""
        return self.model(number).named(name)

    def lines(self, frame: EsqlFrame, span: int) -> list[str]:
        """The lines that read the documents and give each event its flags, keys, time in ms, and bin of time."""
        searches = [leg.search for leg in self.legs]
        lines = [source(searches), *frame.filters(span), *selected(searches)]
        for number in self.numbers:
            tests = all_of(searches[number - 1].tests)
            # With a single rule, all documents that are left match it.
            test = expression(tests, indent=INDENT) if len(searches) > 1 else "TRUE"
            lines.append(f"| EVAL {self.flag(number)} = CASE({test}, 1, 0)")
        keys = [f"{name(column)} = {self._case(field)}" for field, column in self.made_keys.items()]
        lines.append(assigned([*keys, f"{MS} = TO_LONG({TIME})", f"{BIN} = TO_LONG({TIME}) / {span * 1000}"]))
        lines.extend(self._present())
        return lines

    def _case(self, field: str) -> str:
        texts = [as_text(leg.keys[field]) for leg in self.legs]
        if len(set(texts)) == 1:
            return texts[0]
        cases = (f"{self.flag(number)} == 1, {text}" for number, text in zip(self.numbers, texts, strict=True))
        return f"CASE({', '.join(cases)})"

    def _present(self) -> list[str]:
        """The lines that drop events with a null or empty key."""
        lines = []
        for field, column in self.keys.items():
            text = field in self.made_keys or self.legs[0].keys[field].is_text
            lines.append(f"| WHERE {name(column)} IS NOT NULL" + (f' AND {name(column)} != ""' if text else ""))
        return lines

    def grouped(self, aggregates: Sequence[str], further: Sequence[str]) -> str:
        """`| STATS … BY` the keys and `further` columns."""
        by = ", ".join([*self.by, *further])
        flat = f"| STATS {', '.join(aggregates)} BY {by}"
        if len(flat) <= WIDTH:
            return flat
        return "| STATS " + f",\n{INDENT}".join(aggregates) + f"\n{INDENT}BY {by}"


def identity() -> str:
    """The expression that identifies a document."""
    return 'CONCAT(_index, "/", _id)'


def shown(column: Column) -> str:
    """An expression for a column's value as one line of text; it is empty if there is no value."""
    text = as_text(column)
    return f'COALESCE(REPLACE({text}, "\\n", " "), "")'


def lines_of(parts: Iterable[str]) -> str:
    """An expression that joins `parts` to a text of lines; each line but the first begins with a mark, `=`."""
    joined = f',\n{INDENT * 2}"\\n=", '.join(parts)
    return f"CONCAT({joined})"


def part(lines: str, number: int) -> str:
    """An expression for one of the lines, from 0, without its mark; null if nothing follows the mark."""
    line = f"MV_SLICE({lines}, {number})"
    return f'CASE({line} == "=", NULL, SUBSTRING({line}, 2))'


def typed(text: str, column: Column) -> str:
    """An expression that converts a shown text back to the column's type."""
    if column.many or column.is_text or column.halves:
        return text
    kind = {"ip": "TO_IP", "boolean": "TO_BOOLEAN", "date": "TO_DATETIME"}.get(column.type, "")
    if column.kind is Kind.NUMBER:
        kind = "TO_LONG" if column.type in ("long", "integer", "short", "byte") else "TO_DOUBLE"
    return f"{kind}({text})" if kind else text


def ms_of(text: str) -> str:
    """An expression for the time, in ms, of an event's text."""
    return f"TO_LONG(SUBSTRING({text}, 1, 13))"


def first_of(texts: str) -> str:
    """An expression for the first MAX_EVENTS texts of a list, in order of time."""
    return f"MV_SLICE(MV_SORT({texts}), 0, {MAX_EVENTS - 1})"
