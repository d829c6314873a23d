"""Arithmetic. ES|QL reference, 'Operators', 'Time spans', 'Limitations' ('Date math'); csv-spec `math`.

- Whole numbers: `integer` unless one side is `long` or `double`. `/` cuts off, `%` has the sign of the left side.
  What leaves the range, and a division by zero, is null with a warning.
- A date plus or minus a time span literal is a date; the span may stand on the left of `+`. Months clip to the end
  of a month, as java.time does. Spans with spans, and a string literal with a span, are refused.
"""

from __future__ import annotations

import calendar
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from oracles.esql_grammar import Node, refuse, text_of
from oracles.esql_values import Context, fits, moment
from oracles.esql_verifier import SPANS, Expression, Failed, constant, error, folded, need, single_valued


def signed(node: Node, inner: Expression, context: Context) -> Expression:
    """A sign before an expression."""
    text = text_of(node)
    if inner.type in SPANS and inner.constant:
        value = inner.value if node.operator.text == "+" else tuple(-part for part in inner.value)
        return constant(value, inner.type, text, node)
    need(inner, "numeric", f"argument of [{text}]")
    if node.operator.text == "+":
        return inner
    run = single_valued(context, text, [inner], _checked(operator.neg, inner.type))
    return folded(Expression(inner.type, run, text, node), [inner])


def _checked(apply: Callable[..., Any], type_: str) -> Callable[..., Any]:
    """A calculation that fails where it leaves the range of its type."""

    def run(*values: Any) -> Any:
        result = apply(*values)
        if type_ == "double":
            if not math.isfinite(result):
                raise Failed("not a finite double number")
            return result
        if not fits(result, type_):
            raise Failed(f"{type_} overflow")
        return result

    return run


def _quotient(left: Any, right: Any) -> Any:
    if right == 0:
        raise Failed("/ by zero")
    if isinstance(left, int) and isinstance(right, int):
        whole = abs(left) // abs(right)
        return whole if (left < 0) == (right < 0) else -whole
    return left / right


def _remainder(left: Any, right: Any) -> Any:
    if right == 0:
        raise Failed("/ by zero")
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) % abs(right) * (-1 if left < 0 else 1)
    return math.fmod(left, right)


_CALCULATE: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "%": _remainder,
}


def calculation(node: Node, left: Expression, right: Expression, context: Context) -> Expression:
    """`+`, `-`, `*`, `/` and `%`."""
    sign, text = node.operator.text, text_of(node)
    if sign in "+-" and ("date" in (left.type, right.type) or left.type in SPANS or right.type in SPANS):
        return _shifted(left, right, sign, node, context)
    for side in (left, right):
        need(side, "numeric", f"argument of [{text}]")
    types = {left.type, right.type}
    type_ = next((one for one in ("double", "long", "integer") if one in types), "null")
    apply = _CALCULATE[sign]
    if type_ == "double":
        # A long becomes a double before it is added, so that large ones round as they do there.
        run = single_valued(context, text, [left, right], _checked(lambda a, b: apply(float(a), float(b)), type_))
    else:
        run = single_valued(context, text, [left, right], _checked(apply, type_))
    return folded(Expression(type_, run, text, node), [left, right])


def _shifted(left: Expression, right: Expression, sign: str, node: Node, context: Context) -> Expression:
    text = text_of(node)
    if sign == "+" and left.type in SPANS:
        left, right = right, left
    if left.type in SPANS:
        refuse("arithmetic of time spans", node)
    if left.literal and right.type in SPANS:
        refuse("arithmetic of a string literal and a time span", node)
    if left.type not in ("date", "null") or right.type not in SPANS | {"null"}:
        raise error(f"[{sign}] has arguments with incompatible types [{left.type}] and [{right.type}]", node)
    if right.type == "null" or not right.constant:
        return constant(None, "date", text, node)
    months, rest = (part if sign == "+" else -part for part in right.value)
    run = single_valued(context, text, [left], lambda at: _months_later(at, months) + rest)
    return folded(Expression("date", run, text, node), [left])


def _months_later(at: int, months: int) -> int:
    if not months:
        return at
    start = moment(at)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    try:
        day = min(start.day, calendar.monthrange(year, month + 1)[1])
        moved = start.replace(year=year, month=month + 1, day=day)
    except (ValueError, calendar.IllegalMonthError) as failure:
        raise Failed("date out of range") from failure
    return at + round((moved - start).total_seconds()) * 1000
