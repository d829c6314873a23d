"""The values of ES|QL columns, and the points where its pages allow several readings.

A column has one type. Null is None. Text is str, `integer` and `long` are int, `double` is float, a date is an int:
milliseconds since 1970, UTC. An address is its canonical text, an IPv4 one inside IPv6 being the IPv4 one (mapping
reference, 'IP field type'). Several values are a tuple of two or more.

What a field holds is not what was sent (ES|QL reference, 'Multivalued fields'): nulls in a list are gone, values
come in ascending order, a keyword loses its duplicates and a number keeps them. The page promises no order, so
`Readings.upside_down` turns it round. That an address loses its duplicates too is from memory.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from itertools import product
from typing import Any, Literal, TypeAlias

Value: TypeAlias = Any
"""None, a scalar, or a tuple of two or more scalars of one type."""

Row: TypeAlias = list[Any]
Run: TypeAlias = Callable[[Row], Any]

INTEGER_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1

FIELD_TYPES = {
    "keyword": "keyword",
    "constant_keyword": "keyword",
    "wildcard": "keyword",
    "text": "text",
    "match_only_text": "text",
    "boolean": "boolean",
    "byte": "integer",
    "short": "integer",
    "integer": "integer",
    "long": "long",
    "float": "double",
    "half_float": "double",
    "scaled_float": "double",
    "double": "double",
    "date": "date",
    "ip": "ip",
    "version": "version",
}
"""Mapping type -> ES|QL type ('Limitations', 'Supported types'). Others are columns that no expression may use."""


@dataclass(frozen=True)
class Readings:
    """What the pages leave open. Each default is what the examples suggest.

    casing: what TO_LOWER(x) or TO_UPPER(x) before `==`, LIKE or RLIKE and a constant is. "plain": the function and
    then the operator. Otherwise the optimiser's: the operator without regard to case, and constantly false where the
    constant has a letter of the other case, so that NOT of it holds even for null; "insensitive" folds all letters,
    "ascii" only those of ASCII, and "equals" is "insensitive" for `==` and `!=` alone, as in 8.19. An expression on
    which all agree is safe.
    all_is_not_null: LIKE "*" and RLIKE ".*" are IS NOT NULL, so that NOT of it holds for null, and several values
    pass. Otherwise they are as any other pattern.
    match_missing_is_null: `:` on a missing field is null. Otherwise false, so that NOT of it holds.
    upside_down: what has no promised order comes in the other one: documents, groups, the rows of MV_EXPAND, the
    values of a field.
    """

    casing: Literal["plain", "insensitive", "ascii", "equals"] = "insensitive"
    all_is_not_null: bool = True
    match_missing_is_null: bool = False
    upside_down: bool = False


ALL_READINGS = tuple(
    Readings(casing, *choice)
    for casing in ("insensitive", "ascii", "equals", "plain")
    for choice in product((True, False), (False, True), (False, True))
)
"""Every combination. A query proved for all of them does not depend on a doubt."""


@dataclass
class Context:
    """What a query runs with: `now` in milliseconds since 1970, the version as numbers, the warnings so far."""

    now: int
    version: tuple[int, ...] = (8, 19)
    readings: Readings = field(default_factory=Readings)
    warnings: dict[str, None] = field(default_factory=dict)

    def warn(self, text: str, reason: str) -> None:
        """Note that an expression failed for a value, as the response's Warning header does."""
        self.warnings[f"evaluation of [{text}] failed, treating result as null: {reason}"] = None


SEVERAL = "single-value function encountered multi-value"


def values_of(value: Value) -> tuple[Any, ...]:
    """The single values, none for null."""
    if value is None:
        return ()
    return value if type(value) is tuple else (value,)


def several(values: Iterable[Any]) -> Value:
    """Null for none, the value itself for one, else a tuple."""
    held = tuple(values)
    return held if len(held) > 1 else held[0] if held else None


_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@lru_cache(maxsize=65536)
def date_of(text: str) -> int | None:
    """Milliseconds since 1970 of a `strict_date_optional_time`, None where it is none. UTC where it names no zone."""
    found = _DATE.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(found[n] or (n in (2, 3))) for n in range(1, 7))
    try:
        start = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    zone = (found[8] or "Z").replace(":", "")
    shift = 0 if zone == "Z" else int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[3:] or 0))
    milliseconds = int(((found[7] or "") + "000")[:3])
    return milliseconds_of(start - timedelta(minutes=shift)) + milliseconds


def milliseconds_of(at: datetime) -> int:
    """Milliseconds since 1970, what is less being cut off. UTC where the time names no zone."""
    return ((at if at.tzinfo else at.replace(tzinfo=timezone.utc)) - _EPOCH) // timedelta(milliseconds=1)


def moment(milliseconds: int) -> datetime:
    """The time that a date is."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def date_text(milliseconds: int) -> str:
    """A date as text, as TO_STRING writes it."""
    at = moment(milliseconds)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


@lru_cache(maxsize=65536)
def address(text: str) -> str | None:
    """The canonical text of an address, None where it is none."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    inside = getattr(found, "ipv4_mapped", None)
    return str(inside or found)


@lru_cache(maxsize=65536)
def address_number(text: str) -> int:
    """An address as the number by which addresses are ordered: 128 bits, those of IPv4 inside IPv6."""
    found = ipaddress.ip_address(text)
    return int(found) + (0xFFFF << 32 if found.version == 4 else 0)


def order_key(type_: str) -> Callable[[Any], Any]:
    """What to compare the values of a type by: text by code point (which is also the order of UTF-8)."""
    return address_number if type_ == "ip" else lambda value: value


def loaded(value: object, type_: str, *, wanted: str = "") -> Value:
    """What a field of this ES|QL type holds when `value` is indexed. Raises TypeError or ValueError for what it is not.

    `wanted` is the name in the message.
    """
    if isinstance(value, list | tuple):
        held = [_scalar(one, type_, wanted) for one in value if one is not None]
        if type_ in ("keyword", "ip", "version"):
            held = list(dict.fromkeys(held))
        if type_ != "text":
            held.sort(key=order_key(type_))
        return several(held)
    return None if value is None else _scalar(value, type_, wanted)


def _scalar(value: object, type_: str, wanted: str) -> Any:
    if isinstance(value, bool) != (type_ == "boolean"):
        raise TypeError(f"{wanted}: {value!r} is not of type {type_}")
    if type_ == "date":
        if isinstance(value, datetime):
            return milliseconds_of(value)
        found: Any = value if isinstance(value, int) else date_of(value) if isinstance(value, str) else None
    elif type_ == "ip":
        found = address(value) if isinstance(value, str) else None
    elif type_ == "double":
        found = float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    elif type_ in ("integer", "long"):
        found = value if isinstance(value, int) and fits(value, type_) else None
    else:
        found = value if isinstance(value, bool if type_ == "boolean" else str) else None
    if found is None:
        raise TypeError(f"{wanted}: {value!r} is not of type {type_}")
    return found


def fits(value: int, type_: str) -> bool:
    """Whether a whole number is in the range of `integer` or `long`."""
    limit = INTEGER_MAX if type_ == "integer" else LONG_MAX
    return -limit - 1 <= value <= limit


def day(milliseconds: int) -> date:
    """The day of a date, in UTC."""
    return moment(milliseconds).date()
