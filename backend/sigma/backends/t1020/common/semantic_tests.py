"""What a Sigma condition asks of an event, before any dialect: the leaves of the tree that the front makes.

A test of a missing value fails; NOT of it holds. Texts are compared without regard to case unless `cased` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from .columns import Column

Value: TypeAlias = tuple[str | None, ...]
"""A text in parts: text, None for `*`, the empty text for `?`. No parts at all are the empty text."""


@dataclass(frozen=True)
class Texts:
    """Any of the values, of the whole text."""

    column: Column
    values: tuple[Value, ...]
    cased: bool


@dataclass(frozen=True)
class Matches:
    """A regular expression as the rule writes it, found anywhere in the text; `flags` are Sigma's letters, in order."""

    column: Column
    pattern: str
    flags: str


@dataclass(frozen=True)
class InNetwork:
    """An address in a network."""

    column: Column
    network: IPv4Network | IPv6Network


@dataclass(frozen=True)
class Numbers:
    """A comparison with a number: ==, <, <=, > or >=. Several numbers are alternatives of ==."""

    column: Column
    operator: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """A truth value."""

    column: Column
    value: bool


@dataclass(frozen=True)
class Present:
    """The event has a value."""

    column: Column


@dataclass(frozen=True)
class OneOf:
    """Exactly one of these words, or one value of an array is: what a value map or a log source says."""

    column: Column
    values: tuple[str, ...]


@dataclass(frozen=True)
class Same:
    """A comparison with another column of the event; `how` is equals, contains, startswith or endswith."""

    column: Column
    other: Column
    how: str


@dataclass(frozen=True)
class TimePart:
    """A part of a time (minute, hour, day, week, month or year) compared with a number: ==, <, <=, > or >=."""

    column: Column
    part: str
    operator: str
    number: str


@dataclass(frozen=True)
class Keyword:
    """A text anywhere in the event; its first and its last part are `*`."""

    value: Value
    cased: bool


@dataclass(frozen=True)
class KeywordMatches:
    """A regular expression anywhere in the event."""

    pattern: str
    flags: str


SemanticTest: TypeAlias = (
    Texts | Matches | InNetwork | Numbers | Truth | Present | OneOf | Same | TimePart | Keyword | KeywordMatches
)
