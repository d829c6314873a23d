"""What a query of EQL consists of, once parsed. `at` is the position of its first character, from 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Constant: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True)
class Literal:
    """A constant."""

    value: Constant
    at: int


@dataclass(frozen=True)
class Field:
    """A field, of its full name. optional: `?` stands before it."""

    name: str
    optional: bool
    at: int


@dataclass(frozen=True)
class Call:
    """A function. insensitive: its name ends in `~`."""

    name: str
    insensitive: bool
    arguments: tuple[Expression, ...]
    at: int


@dataclass(frozen=True)
class Not:
    """`not`."""

    inner: Expression
    at: int


@dataclass(frozen=True)
class Logic:
    """`and`, or `or`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Comparison:
    """== != < <= > >=."""

    operator: str
    left: Expression
    right: Expression
    at: int


@dataclass(frozen=True)
class Lookup:
    """A value and the constants after `in`, `:`, `like` or `regex`. `:` is `like` that ignores case."""

    operator: str
    insensitive: bool
    left: Expression
    values: tuple[Literal, ...]
    at: int


Expression: TypeAlias = Literal | Field | Call | Not | Logic | Comparison | Lookup


@dataclass(frozen=True)
class Step:
    """An event of a sequence, or the only one. category: None is `any`. keys: those of `sequence by` come first."""

    category: str | None
    condition: Expression
    keys: tuple[Field, ...]
    at: int


@dataclass(frozen=True)
class Query:
    """One step is an event query. maxspan: milliseconds."""

    steps: tuple[Step, ...]
    until: Step | None
    maxspan: int | None
