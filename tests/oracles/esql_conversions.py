"""Conversion functions and CIDR_MATCH. ES|QL reference, 'Type conversion functions', 'IP functions'.

A conversion takes each of several values. A value that does not convert is gone, with a warning; where none is left
the result is null.

- TO_LONG and TO_INTEGER round a fraction to the nearest whole, a half upwards. They read text as a number first.
- TO_BOOLEAN of text is whether that is "true" in any case; of a number whether it is not 0.
- TO_STRING writes a double as Java does: 1.0, 1.0E10.
- CIDR_MATCH takes an address and texts; several addresses are null (from memory).
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from oracles.esql_grammar import EsqlUnsupported
from oracles.esql_signatures import MANY, Call, registered
from oracles.esql_values import Row, address, address_number, date_of, date_text, fits, several
from oracles.esql_verifier import Expression, Failed, error, folded, need, single_valued

Convert = Callable[[Any], Any]
ALIASES = {
    "TO_STRING": ["TO_STR"],
    "TO_DATETIME": ["TO_DT"],
    "TO_INTEGER": ["TO_INT"],
    "TO_DOUBLE": ["TO_DBL"],
    "TO_BOOLEAN": ["TO_BOOL"],
}


def _conversion(name: str, result: str, by_type: Mapping[str, Convert]) -> None:
    def build(call: Call) -> Expression:
        call.count(1)
        (argument,) = call.arguments
        type_ = "keyword" if argument.type == "text" else argument.type
        apply = by_type.get(type_) or ((lambda value: value) if type_ in (result, "null") else None)
        if apply is None:
            raise error(f"argument of [{name}] must not be of type [{argument.type}]", argument.node)
        inner, context, text = argument.run, call.context, call.text

        def run(row: Row) -> Any:
            value = inner(row)
            if value is None:
                return None
            kept = []
            for one in value if type(value) is tuple else (value,):
                try:
                    kept.append(apply(one))
                except Failed as failure:
                    context.warn(text, str(failure))
            return several(kept)

        return folded(Expression(result, run, text, call.node), [argument])

    for alias in (name, *ALIASES.get(name, ())):
        registered(alias, build)


def _whole(type_: str) -> Convert:
    def convert(value: float) -> int:
        found = math.floor(Decimal(repr(value)) + Decimal("0.5"))
        if not fits(found, type_):
            raise Failed(f"[{value}] out of [{type_}] range")
        return found

    return convert


def _whole_text(type_: str) -> Convert:
    convert = _whole(type_)

    def read(text: str) -> int:
        if re.fullmatch(r"[+-]?\d+", text):
            if not fits(int(text), type_):
                raise Failed(f"Cannot parse number [{text}]")
            return int(text)
        return int(convert(_double(text)))

    return read


def _double(text: str) -> float:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        raise Failed(f"Cannot parse number [{text}]")
    return float(text)


def _date(text: str) -> int:
    found = date_of(text)
    if found is None:
        raise Failed(f"failed to parse date field [{text}]")
    return found


def _address(text: str) -> str:
    found = address(text)
    if found is None:
        raise Failed(f"'{text}' is not an IP string literal.")
    return found


def double_text(value: float) -> str:
    """A double as Java writes it: at least one decimal, and an exponent below 10^-3 and from 10^7 on."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return format(Decimal(repr(value)), "f") if "." in format(Decimal(repr(value)), "f") else f"{value:.1f}"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, rest = digits[0], "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{first}.{rest}E{int(exponent) + len(digits) - 1}"


def _in_range(value: int) -> int:
    if not fits(value, "integer"):
        raise Failed(f"[{value}] out of [integer] range")
    return value


_conversion(
    "TO_STRING",
    "keyword",
    {
        "boolean": lambda value: "true" if value else "false",
        "integer": str,
        "long": str,
        "double": double_text,
        "date": date_text,
        "ip": str,
        "version": str,
    },
)
_conversion(
    "TO_LONG",
    "long",
    {"boolean": int, "integer": int, "date": int, "double": _whole("long"), "keyword": _whole_text("long")},
)
_conversion(
    "TO_INTEGER",
    "integer",
    {
        "boolean": int,
        "long": _in_range,
        "date": _in_range,
        "double": _whole("integer"),
        "keyword": _whole_text("integer"),
    },
)
_conversion(
    "TO_DOUBLE", "double", {"boolean": float, "integer": float, "long": float, "date": float, "keyword": _double}
)
_conversion("TO_DATETIME", "date", {"integer": int, "long": int, "double": _whole("long"), "keyword": _date})
_conversion("TO_IP", "ip", {"keyword": _address})
_conversion(
    "TO_BOOLEAN",
    "boolean",
    {"keyword": lambda text: text.lower() == "true", "integer": bool, "long": bool, "double": bool},
)


@lru_cache(maxsize=4096)
def _range(block: str) -> tuple[int, int]:
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError as failure:
        raise EsqlUnsupported(f"CIDR_MATCH with {block!r}") from failure
    if "/" not in block:
        raise EsqlUnsupported(f"CIDR_MATCH with {block!r}, which has no prefix")
    return address_number(str(network[0])), address_number(str(network[-1]))


def _cidr_match(call: Call) -> Expression:
    call.count(2, MANY)
    first, *blocks = call.arguments
    need(first, "ip", "first argument of [CIDR_MATCH]")
    for block in blocks:
        need(block, "string", "argument of [CIDR_MATCH]")
        if block.constant and isinstance(block.value, str):
            _range(block.value)

    def apply(value: str, *ranges: str) -> bool:
        number = address_number(value)
        return any(low <= number <= high for low, high in map(_range, ranges))

    run = single_valued(call.context, call.text, call.arguments, apply)
    return folded(Expression("boolean", run, call.text, call.node), call.arguments)


registered("CIDR_MATCH", _cidr_match)
