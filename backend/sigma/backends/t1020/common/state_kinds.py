"""The kinds of values that keys of the pipeline state take: strict readers of texts, lists and mappings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class Misfit(ValueError):
    """A value is not what its place `takes`; `at` has the keys and list indices that lead to it from the top."""

    def __init__(self, found: object, takes: str, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(f"{found!r} is not {takes}")
        self.found = found
        self.takes = takes
        self.at = at


@dataclass(frozen=True)
class Kind(Generic[T]):
    """The kind of value that a key takes: a description for messages, and the function that reads a value.

    `read` raises Misfit for any other value; its result shares no list or mapping with the pipeline. `unset` makes the
    value of a key that no pipeline sets.
    """

    takes: str
    read: Callable[[object], T]
    unset: Callable[[], T]


def text(value: object) -> str:
    """Read a text, which may be empty. Raises Misfit."""
    if not isinstance(value, str):
        raise Misfit(value, "a text")
    return value


def filled(value: object) -> str:
    """Read a text that is not blank. Raises Misfit."""
    if not isinstance(value, str) or not value.strip():
        raise Misfit(value, "a text that is not empty")
    return value


def text_or_number(value: object) -> str:
    """Read a field's value as text; YAML reads codes such as 4688 as numbers. Raises Misfit."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise Misfit(value, "a text or a whole number")
    return value


def filled_or_number(value: object) -> str:
    """Read a value that chooses events, as text; a blank one would choose events without the field. Raises Misfit."""
    if not (read := text_or_number(value)).strip():
        raise Misfit(value, "a text that is not empty, or a whole number")
    return read


def list_of(
    item: Callable[[object], T], takes: str, sizes: Callable[[int], bool] = lambda _: True
) -> Callable[[object], tuple[T, ...]]:
    """Make a reader of lists whose items `item` reads; `sizes` says which lengths are allowed."""

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, (list, tuple)) or not sizes(len(value)):
            raise Misfit(value, takes)
        return tuple(part(number, item, each) for number, each in enumerate(value))

    return read


def mapping_of(
    item: Callable[[object], T], takes: str, keys: Callable[[str], bool] = bool
) -> Callable[[object], dict[str, T]]:
    """Make a reader of mappings whose values `item` reads; `keys` says which keys are allowed."""

    def read(value: object) -> dict[str, T]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) and keys(key) for key in value):
            raise Misfit(value, takes)
        return {key: part(key, item, each) for key, each in value.items()}

    return read


def part(step: str | int, read: Callable[[object], T], value: object) -> T:
    """Read the part of a list or mapping at `step`, an index or key. Raises Misfit with `step` in its path."""
    try:
        return read(value)
    except Misfit as misfit:
        raise Misfit(misfit.found, misfit.takes, (step, *misfit.at)) from None


def set_of(item: Callable[[object], T], takes: str) -> Callable[[object], frozenset[T]]:
    """Make a reader of lists whose order does not matter."""
    read = list_of(item, takes)
    return lambda value: frozenset(read(value))


_TEXTS = "a list of texts"
_VALUES = "a list of texts or whole numbers"
_TEXTS_BY_TEXT = "a mapping of texts to texts"
_LISTS_BY_TEXT = "a mapping of texts to lists of texts"
_VALUES_BY_TEXT = "a mapping of fields to lists of texts or whole numbers"

NAME = Kind("a text that is not empty", filled, str)
TEXT = Kind("a text", text, str)
NAMES = Kind(_TEXTS, list_of(filled, _TEXTS), tuple[str, ...])
NAME_SET = Kind(_TEXTS, set_of(filled, _TEXTS), frozenset[str])
VALUES = Kind(_VALUES, list_of(filled_or_number, _VALUES), tuple[str, ...])
VALUE_SET = Kind(_VALUES, set_of(text_or_number, _VALUES), frozenset[str])
NAME_BY_NAME = Kind(_TEXTS_BY_TEXT, mapping_of(filled, _TEXTS_BY_TEXT), dict[str, str])
NAMES_BY_NAME = Kind(_LISTS_BY_TEXT, mapping_of(list_of(filled, _TEXTS), _LISTS_BY_TEXT), dict[str, tuple[str, ...]])
VALUES_BY_NAME = Kind(
    _VALUES_BY_TEXT, mapping_of(list_of(filled_or_number, _VALUES), _VALUES_BY_TEXT), dict[str, tuple[str, ...]]
)
