r"""The values of SPL fields, and the points where the documentation allows two readings.

A field holds text, a number, or several of these; a field that an event does not have is null. Numbers are int or
Decimal, and Decimal only where there is a fraction: Splunk computes with doubles (Search Reference, 'eval', 'Numeric
calculations'), in which `_time + 300` of a time with milliseconds may miss its equal by a rounding. Here it never does.
A test that needs the rounding of a double must not use this oracle.

Fields that are extracted from events are text, which counts as a number where it looks like one ('eval': a calculation
or comparison takes the number). Looking like one is `-`, digits, a point and digits; the pages leave open `1e5`, `+1`,
`.5`, `0x1f` and ` 1`, and here these are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import TypeAlias

from oracles.spl_grammar import SplUnsupported

Number: TypeAlias = int | Decimal
Scalar: TypeAlias = str | int | Decimal
Several: TypeAlias = tuple[Scalar, ...]
Value: TypeAlias = Scalar | Several
"""Several values are a tuple of two or more. Null is None, and an event does not hold it."""

Event: TypeAlias = dict[str, Value]
Events: TypeAlias = list[Event]
Step: TypeAlias = Callable[[Events], Events]
"""A command, compiled. It may change the events it is given, and returns those that it passes on."""


@dataclass(frozen=True)
class TimeWindow:
    """What the page 'streamstats' leaves open about `time_window`.

    inclusive: whether an event exactly one span away is in the window. whole_seconds: whether `_time` loses its
    fraction first. limit_by_group: whether max_stream_window counts the events of one group or of all.
    """

    inclusive: bool = True
    whole_seconds: bool = False
    limit_by_group: bool = True


TIME_WINDOWS = tuple(TimeWindow(*choice) for choice in product((True, False), repeat=3))
"""Every reading of a time window. A query proved for all of them does not depend on the doubt."""


@dataclass(frozen=True)
class Readings:
    """What the pages about expressions leave open. Each has the reading that most examples suggest as its default.

    null_is_false: a comparison with null is false, so that NOT makes it true. Otherwise it is null, and so is NOT of
    it; `where` passes neither. 'Difference between != and NOT' tells of `search` alone.
    quoted_is_text: "1" in quotation marks in `eval` and `where` is text, so that 1.0 differs from it. Otherwise it is
    the number, as it would be in a field.
    like_escapes: in a LIKE pattern a backslash takes the meaning of the next character. Otherwise it is a backslash.
    unequal_any: `search f!=x` holds for several values where any of them differs. Otherwise where all do.
    """

    null_is_false: bool = True
    quoted_is_text: bool = True
    like_escapes: bool = False
    unequal_any: bool = True


ALL_READINGS = tuple(Readings(*choice) for choice in product((True, False), repeat=4))
"""Every combination. A query proved for all of them does not depend on a doubt."""


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


@lru_cache(maxsize=65536)
def _text_number(text: str) -> Number | None:
    return reduced(Decimal(text)) if _NUMBER.fullmatch(text) else None


def number(value: Scalar | None) -> Number | None:
    """The number that a value is or looks like, None where it does neither."""
    return _text_number(value) if isinstance(value, str) else value


def reduced(value: Number) -> Number:
    """An int where there is no fraction."""
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def text(value: Scalar) -> str:
    """A value as text: a number without exponent and without zeros at its end."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value if isinstance(value, str) else str(value)


def values_of(value: Value | None) -> Several:
    """The single values of a field, none for null."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def several(values: Iterable[Scalar]) -> Value | None:
    """The field that holds these values: null for none, the value itself for one."""
    held = tuple(values)
    return held if len(held) > 1 else held[0] if held else None


def single(value: Value | None, what: str) -> Scalar | None:
    """A value that must not be several. Raises SplUnsupported, since no page says what `what` does with those."""
    if isinstance(value, tuple):
        raise SplUnsupported(f"{what} of a field with several values")
    return value


def loaded(event: Mapping[str, object]) -> Event:
    """An event as the engine holds it. A float is the number that Python writes, a datetime the seconds since 1970.

    Raises TypeError for other types, ValueError where `_time` is no number.
    """
    held: Event = {}
    for name, value in event.items():
        kept = several(map(_scalar, value)) if isinstance(value, list | tuple) else _maybe(value)
        if kept is not None:
            held[name] = kept
    if isinstance(held.get("_time", 0), str | tuple):
        raise ValueError(f"_time must be a number, not {held['_time']!r}")
    return held


def _maybe(value: object) -> Scalar | None:
    return None if value is None else _scalar(value)


def _scalar(value: object) -> Scalar:
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return epoch(value)
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return reduced(value)
    raise TypeError(f"an event cannot hold {value!r}")


def epoch(at: datetime) -> Number:
    """Seconds since 1970, exact. UTC where the time names no zone."""
    since = (at if at.tzinfo else at.replace(tzinfo=timezone.utc)) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return reduced((since.days * 86400 + since.seconds) + Decimal(since.microseconds) / 1_000_000)


def decimal(value: Number) -> Decimal:
    """A number for operations that an int does in another way: division and remainder."""
    return Decimal(value)
