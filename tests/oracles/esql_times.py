"""Date functions: NOW, DATE_TRUNC, DATE_DIFF, DATE_EXTRACT, DATE_FORMAT, and BUCKET.

Pages of the ES|QL reference: 'Date-time functions', 'Grouping functions' (BUCKET), 'Time spans'. All in UTC
('Limitations', 'Timezone support').

- A span divides a day, or is one week (from Monday), month, quarter or year. Others are refused: the page BUCKET
  counts them from the year 1, and others from 1970.
- BUCKET has a field and a span, or a number and a size; with a number of buckets it is refused. It stands in BY.
- DATE_DIFF counts whole units from start to end, cut off towards zero. Its unit is a constant.
- DATE_EXTRACT has the fields of java.time that are listed here; the others are refused.
- DATE_FORMAT knows y, M, d, H, m, s, S of fixed width and quoted text. Without a format it writes as TO_STRING.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from oracles.esql_grammar import EsqlUnsupported, place, refuse
from oracles.esql_signatures import Call, registered
from oracles.esql_values import INTEGER_MAX, date_text, milliseconds_of, moment
from oracles.esql_verifier import Expression, Failed, constant, error, folded, need, single_valued

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000

_LENGTHS: Mapping[str, tuple[int, int]] = {
    "year years yr y": (12, 0),
    "quarter quarters q": (3, 0),
    "month months mo": (1, 0),
    "week weeks w": (0, 7 * DAY),
    "day days d": (0, DAY),
    "hour hours h": (0, HOUR),
    "minute minutes min m": (0, MINUTE),
    "second seconds sec s": (0, SECOND),
    "millisecond milliseconds ms": (0, 1),
}
UNITS: Mapping[str, tuple[int, int]] = {unit: span for names, span in _LENGTHS.items() for unit in names.split()}
"""Unit of a time span -> months and milliseconds."""

PERIODS = frozenset(unit for names in list(_LENGTHS)[:5] for unit in names.split())
"""Units of a date period; those of a time duration are the others."""


def truncated(span: Expression, what: str) -> Callable[[int], int]:
    """What a date is rounded down to for a span. Raises EsqlUnsupported for spans whose beginning no page gives."""
    months, milliseconds = span.value
    if months and months in (1, 3, 12) and not milliseconds:

        def calendar(at: int) -> int:
            start = moment(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            return milliseconds_of(start.replace(month=(start.month - 1) // months * months + 1))

        return calendar
    if months < 0 or milliseconds < 0 or not (months or milliseconds):
        raise error(f"{what} needs a span above zero", span.node)
    if months or (DAY % milliseconds and milliseconds != 7 * DAY):
        refuse(f"{what} by {span.text}", span.node)
    # 1970-01-01 was a Thursday: weeks begin four days later, on a Monday.
    shift = 4 * DAY if milliseconds == 7 * DAY else 0
    return lambda at: (at - shift) // milliseconds * milliseconds + shift


def _span(expression: Expression, what: str) -> Expression:
    need(expression, "time span", f"span of [{what}]")
    if not expression.constant:
        refuse(f"{what} with a span that is not constant", expression.node)
    return expression


def _now(call: Call) -> Expression:
    call.count(0)
    return constant(call.context.now, "date", call.text, call.node)


def _date_trunc(call: Call) -> Expression:
    call.count(2)
    span, at = _span(call.arguments[0], "DATE_TRUNC"), call.arguments[1]
    if at.literal:
        refuse("DATE_TRUNC of a string literal", at.node)
    need(at, "date", "second argument of [DATE_TRUNC]")
    run = single_valued(call.context, call.text, [at], truncated(span, "DATE_TRUNC"))
    return folded(Expression("date", run, call.text, call.node), [at])


def bucket(call: Call) -> Expression:
    """BUCKET(field, span) or BUCKET(field, size)."""
    if len(call.arguments) == 4:
        refuse("BUCKET with a number of buckets", call.node)
    call.count(2)
    at, span = call.arguments
    if at.type in ("integer", "long", "double"):
        if not span.constant or span.value is None:
            refuse("BUCKET with a size that is not constant", call.node)
        need(span, "numeric", "second argument of [BUCKET]")
        size = float(span.value)
        run = single_valued(call.context, call.text, [at], lambda value: math.floor(value / size) * size)
        return Expression("double", run, call.text, call.node)
    need(at, "date", "first argument of [BUCKET]")
    run = single_valued(call.context, call.text, [at], truncated(_span(span, "BUCKET"), "BUCKET"))
    return Expression("date", run, call.text, call.node)


_DIFF_UNITS = {
    "year years yy yyyy": (12, 0),
    "quarter quarters qq q": (3, 0),
    "month months mm m": (1, 0),
    "day days dd d": (0, DAY),
    "week weeks wk ww": (0, 7 * DAY),
    "hour hours hh": (0, HOUR),
    "minute minutes mi n": (0, MINUTE),
    "second seconds ss s": (0, SECOND),
    "millisecond milliseconds ms": (0, 1),
    "microsecond microseconds mcs": (0, 0),
}


def _unit(expression: Expression) -> tuple[int, int]:
    need(expression, "string", "first argument of [DATE_DIFF]")
    if not expression.constant or not isinstance(expression.value, str):
        refuse("DATE_DIFF with a unit that is not constant", expression.node)
    wanted = expression.value.lower()
    for names, span in _DIFF_UNITS.items():
        if wanted in names.split():
            return span
    raise EsqlUnsupported(f"the unit {expression.value!r} of DATE_DIFF", *place(expression.node))


def _date_diff(call: Call) -> Expression:
    call.count(3)
    months, milliseconds = _unit(call.arguments[0])
    call = call.cast({1: "date", 2: "date"})
    dates = call.arguments[1:]
    for one in dates:
        need(one, "date", "argument of [DATE_DIFF]")

    def apply(start: int, end: int) -> int:
        count = _months_between(start, end) // months if months and end >= start else 0
        if months and end < start:
            count = -(_months_between(end, start) // months)
        if not months and not milliseconds:
            count = (end - start) * 1000
        elif not months:
            count = abs(end - start) // milliseconds * (1 if end >= start else -1)
        if abs(count) > INTEGER_MAX:
            raise Failed(f"[{count}] out of [integer] range")
        return count

    run = single_valued(call.context, call.text, dates, apply)
    return folded(Expression("integer", run, call.text, call.node), dates)


def _months_between(start: int, end: int) -> int:
    first, last = moment(start), moment(end)
    months = (last.year - first.year) * 12 + last.month - first.month
    short = (last.day, last.time()) < (first.day, first.time())
    return months - 1 if short else months


_FIELDS: Mapping[str, Callable[[int], int]] = {
    "year": lambda at: moment(at).year,
    "month_of_year": lambda at: moment(at).month,
    "day_of_month": lambda at: moment(at).day,
    "day_of_week": lambda at: moment(at).isoweekday(),
    "day_of_year": lambda at: moment(at).timetuple().tm_yday,
    "hour_of_day": lambda at: at % DAY // HOUR,
    "minute_of_hour": lambda at: at % HOUR // MINUTE,
    "minute_of_day": lambda at: at % DAY // MINUTE,
    "second_of_minute": lambda at: at % MINUTE // SECOND,
    "second_of_day": lambda at: at % DAY // SECOND,
    "milli_of_second": lambda at: at % SECOND,
    "milli_of_day": lambda at: at % DAY,
    "epoch_day": lambda at: at // DAY,
    "instant_seconds": lambda at: at // SECOND,
}


def _date_extract(call: Call) -> Expression:
    call.count(2)
    part, at = call.arguments
    need(part, "string", "first argument of [DATE_EXTRACT]")
    need(at, "date", "second argument of [DATE_EXTRACT]")
    field = _FIELDS.get(part.value.lower()) if part.constant and isinstance(part.value, str) else None
    if not field:
        refuse(f"the part {part.text} of DATE_EXTRACT", part.node)
    return folded(Expression("long", single_valued(call.context, call.text, [at], field), call.text, call.node), [at])


_FORMAT = re.compile(r"'(?:[^']|'')*'|yyyy|MM|dd|HH|mm|ss|SSS|[^A-Za-z']")
_WRITE: Mapping[str, Callable[[Any], str]] = {
    "yyyy": lambda at: f"{at.year:04d}",
    "MM": lambda at: f"{at.month:02d}",
    "dd": lambda at: f"{at.day:02d}",
    "HH": lambda at: f"{at.hour:02d}",
    "mm": lambda at: f"{at.minute:02d}",
    "ss": lambda at: f"{at.second:02d}",
    "SSS": lambda at: f"{at.microsecond // 1000:03d}",
}


def _date_format(call: Call) -> Expression:
    call.count(1, 2)
    *formats, at = call.arguments
    need(at, "date", "argument of [DATE_FORMAT]")
    write = _writer(formats[0]) if formats else date_text
    run = single_valued(call.context, call.text, [at], write)
    return folded(Expression("keyword", run, call.text, call.node), [at])


def _writer(expression: Expression) -> Callable[[int], str]:
    need(expression, "string", "first argument of [DATE_FORMAT]")
    text = expression.value if expression.constant else None
    if not isinstance(text, str) or _FORMAT.sub("", text):
        refuse(f"the format {expression.text} of DATE_FORMAT", expression.node)
    pieces = _FORMAT.findall(text)

    def write(at: int) -> str:
        time = moment(at)
        return "".join(
            _WRITE[piece](time) if piece in _WRITE else _quoted(piece) if piece.startswith("'") else piece
            for piece in pieces
        )

    return write


def _quoted(piece: str) -> str:
    return piece[1:-1].replace("''", "'") or "'"


registered("NOW", _now)
registered("DATE_TRUNC", _date_trunc)
registered("DATE_DIFF", _date_diff)
registered("DATE_EXTRACT", _date_extract)
registered("DATE_FORMAT", _date_format)
