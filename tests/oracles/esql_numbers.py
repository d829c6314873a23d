"""Numeric functions. ES|QL reference, 'Mathematical functions', a page for each; csv-spec `math`.

FLOOR, CEIL and ABS keep the type; of a double they are a double. ROUND goes away from zero at a half and keeps the
type. POW is a double, and null with a warning where that is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from oracles.esql_grammar import EsqlUnsupported
from oracles.esql_signatures import Call, registered, simple
from oracles.esql_values import fits
from oracles.esql_verifier import Expression, Failed, folded, need, single_valued


def _keeping(name: str, of_double: Callable[..., Any], of_whole: Callable[..., Any], most: int = 1) -> None:
    """Declare a function whose result has the type of its first argument."""

    def build(call: Call) -> Expression:
        call.count(1, most)
        first, *others = call.arguments
        need(first, "numeric", f"argument of [{name}]")
        for other in others:
            need(other, "whole number", f"second argument of [{name}]")
        apply = of_double if first.type == "double" else of_whole

        def checked(*values: Any) -> Any:
            result = apply(*values)
            if first.type in ("integer", "long") and not fits(result, first.type):
                raise Failed(f"{first.type} overflow")
            return result

        run = single_valued(call.context, call.text, call.arguments, checked)
        return folded(Expression(first.type, run, call.text, call.node), call.arguments)

    registered(name, build)


def _round(value: float, places: int = 0) -> float:
    if not -300 < places < 300:
        raise EsqlUnsupported("ROUND to so many places")
    return (
        float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
        if value % 1 or places < 0
        else value
    )


def _round_whole(value: int, places: int = 0) -> int:
    if places >= 0:
        return value
    return int(Decimal(value).scaleb(places).quantize(Decimal(1), ROUND_HALF_UP).scaleb(-places))


def _pow(base: float, exponent: float) -> float:
    try:
        result = math.pow(base, exponent)
    except (OverflowError, ValueError) as failure:
        raise Failed("not a finite double number") from failure
    return result


def _sqrt(value: float) -> float:
    if value < 0:
        raise Failed("Square root of negative")
    return math.sqrt(value)


_keeping("FLOOR", lambda value: float(math.floor(value)), lambda value: value)
_keeping("CEIL", lambda value: float(math.ceil(value)), lambda value: value)
_keeping("ABS", abs, abs)
_keeping("ROUND", _round, _round_whole, most=2)
simple("POW", "numeric, numeric", "double", _pow)
simple("SQRT", "numeric", "double", _sqrt)
