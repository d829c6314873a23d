"""Semantic tests: what a Sigma condition asks of an event, independent of dialects. The front makes trees of them.

A test of a missing value fails, so its negation holds. Texts are compared without regard to case unless `cased` is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

from .columns import Column

Value: TypeAlias = tuple[str | None, ...]
"""A text in parts: text, None for `*`, the empty text for `?`. An empty tuple is the empty text."""


@dataclass(frozen=True)
class Texts:
    """The whole text matches any of the values."""

    column: Column
    values: tuple[Value, ...]
    cased: bool


@dataclass(frozen=True)
class Matches:
    """A regular expression from the rule matches anywhere in the text; `flags` are Sigma's letters, in order."""

    column: Column
    pattern: str
    flags: str


@dataclass(frozen=True)
class InNetwork:
    """The address lies in the network."""

    column: Column
    network: IPv4Network | IPv6Network


@dataclass(frozen=True)
class Numbers:
    """A comparison with a number; `operator` is ==, <, <=, > or >=. Several numbers are alternatives of ==."""

    column: Column
    operator: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """The column has this truth value."""

    column: Column
    value: bool


@dataclass(frozen=True)
class Present:
    """The event has a value in the column."""

    column: Column


@dataclass(frozen=True)
class OneOf:
    """The value, or any value of an array, is exactly one of these words; from value maps and log sources."""

    column: Column
    values: tuple[str, ...]


@dataclass(frozen=True)
class Same:
    """A comparison with another column of the same event; `how` is equals, contains, startswith or endswith."""

    column: Column
    other: Column
    how: str


@dataclass(frozen=True)
class TimePart:
    """A part of a time (minute, hour, day, week, month or year) compared with a number; `operator` as in Numbers."""

    column: Column
    part: str
    operator: str
    number: str


@dataclass(frozen=True)
class Keyword:
    """A text found anywhere in the event; its first and last parts are `*`."""

    value: Value
    cased: bool


@dataclass(frozen=True)
class KeywordMatches:
    """A regular expression that matches anywhere in the event; `flags` are Sigma's letters, in order."""

    pattern: str
    flags: str


SemanticTest: TypeAlias = (
    Texts | Matches | InNetwork | Numbers | Truth | Present | OneOf | Same | TimePart | Keyword | KeywordMatches
)
