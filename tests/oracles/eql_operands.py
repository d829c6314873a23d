"""The two answers of a condition, and the operands that conditions test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from oracles.eql_tokens import EqlError, EqlUnsupported
from oracles.eql_tree import Literal
from oracles.eql_values import Held, Test, Value, kind

Predicate: TypeAlias = Callable[[Held], bool]

KINDS = {
    **dict.fromkeys(("keyword", "constant_keyword", "wildcard"), "text"),
    **dict.fromkeys(("long", "integer", "short", "byte", "unsigned_long"), "number"),
    **dict.fromkeys(("double", "float", "half_float", "scaled_float"), "number"),
    "boolean": "boolean",
    "ip": "ip",
}
"""The field types known here, and what they hold."""


@dataclass(frozen=True)
class Condition:
    """Whether an event matches, and whether it matches `not` of it. null: it holds a null, and may do neither."""

    holds: Predicate
    fails: Predicate
    null: bool = False


def never(event: Held) -> bool:
    """No event."""
    return False


def always(event: Held) -> bool:
    """Any event."""
    return True


NULL = Condition(never, never, True)


@dataclass(frozen=True)
class Operand:
    """A field or a function of one. kind: of its values, None where only the events tell. per_value: it is a script."""

    field: str
    kind: str | None
    per_value: Callable[[Value], Value] | None
    absent: bool
    at: int


def typed(operand: Operand, right: Literal, test: Test) -> Test:
    """A test that refuses values of another type than the constant's, where no mapping has told."""
    if operand.kind is not None:
        return test
    assert right.value is not None
    wanted = kind(right.value)

    def checked(value: Value) -> bool:
        if kind(value) != wanted:
            raise EqlError(f"{operand.field} holds {value!r}, and is compared with a {wanted}", right.at)
        return test(value)

    return checked


def length(value: Value) -> Value:
    """The characters of a text."""
    text = str(value)
    if not all(ord(character) < 0x10000 for character in text):
        raise EqlUnsupported("the length of text beyond the basic plane")
    return len(text)


def string(value: Value) -> Value:
    """A value as text."""
    if isinstance(value, float):
        raise EqlUnsupported("a fraction as text")
    return str(value).lower() if isinstance(value, bool) else str(value)
