"""What the keys of the pipeline state take: texts, lists and mappings, read strictly and named in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class Misfit(ValueError):
    """A value that is not what its place `takes`; `at` are the keys and numbers that lead to it from the top."""

    def __init__(self, found: object, takes: str, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(f"{found!r} is not {takes}")
        self.found = found
        self.takes = takes
        self.at = at


@dataclass(frozen=True)
class Kind(Generic[T]):
    """What a key takes, in words and as the function that reads it; `unset` makes what an unset key stands for.

    `read` raises Misfit. What it returns shares no list or mapping with the pipeline.
    """

    takes: str
    read: Callable[[object], T]
    unset: Callable[[], T]


def text(value: object) -> str:
    """A text, which may be empty."""
    if not isinstance(value, str):
        raise Misfit(value, "a text")
    return value


def filled(value: object) -> str:
    """A text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise Misfit(value, "a text that is not empty")
    return value


def text_or_number(value: object) -> str:
    """A value of a log's field, as text: YAML reads codes such as 4688 as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise Misfit(value, "a text or a whole number")
    return value


def filled_or_number(value: object) -> str:
    """A value of a field by which events are chosen, where an empty one would choose those without the field."""
    if not (read := text_or_number(value)).strip():
        raise Misfit(value, "a text that is not empty, or a whole number")
    return read


def list_of(
    item: Callable[[object], T], takes: str, sizes: Callable[[int], bool] = lambda _: True
) -> Callable[[object], tuple[T, ...]]:
    """A function that reads lists of what `item` reads; `sizes` says which lengths are right."""

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, (list, tuple)) or not sizes(len(value)):
            raise Misfit(value, takes)
        return tuple(part(number, item, each) for number, each in enumerate(value))

    return read


def mapping_of(
    item: Callable[[object], T], takes: str, keys: Callable[[str], bool] = bool
) -> Callable[[object], dict[str, T]]:
    """A function that reads mappings of texts to what `item` reads; `keys` says which texts are right."""

    def read(value: object) -> dict[str, T]:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) and keys(key) for key in value):
            raise Misfit(value, takes)
        return {key: part(key, item, each) for key, each in value.items()}

    return read


def part(step: str | int, read: Callable[[object], T], value: object) -> T:
    """A part of a list or mapping, which has it under that number or key."""
    try:
        return read(value)
    except Misfit as misfit:
        raise Misfit(misfit.found, misfit.takes, (step, *misfit.at)) from None


def set_of(item: Callable[[object], T], takes: str) -> Callable[[object], frozenset[T]]:
    """A function that reads lists of which the order does not matter."""
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
