"""Problems: what keeps a rule from being used, in words by which its author can correct it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

Place: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True)
class Problem:
    """What keeps a document from being used; `line` is 1-based, `hint` says what to do next."""

    path: str | None
    line: int | None
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = "" if self.path is None else printable(self.path) + (f":{self.line}" if self.line else "") + ": "
        return place + printable(self.message + (f"; {self.hint}" if self.hint else ""))[:600]

    def __lt__(self, other: Problem) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[str, int, str]:
        return self.path or "", self.line or 0, self.message


@dataclass(frozen=True)
class Fault:
    """A problem before its line is known: `at` is the path of keys to the value in question."""

    at: Place
    message: str
    hint: str = ""


def shown(value: object, quote: str = "'", limit: int = 60) -> str:
    """A value of the input for a message: on one line, printable, shortened."""
    text = (
        value if isinstance(value, str) else f"of type {kind(value)}" if isinstance(value, (dict, list)) else str(value)
    )
    text = printable(text[: limit + 1])
    return quote + (text if len(text) <= limit else text[:limit] + "…") + quote


def kind(value: object) -> str:
    """What YAML calls a value: a mapping, a list, a text…"""
    names: dict[type, str] = {
        dict: "a mapping",
        list: "a list",
        str: "a text",
        bool: "a boolean",
        type(None): "nothing",
    }
    return names.get(type(value), "a number" if isinstance(value, (int, float)) else "a date")


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?`, or the whole list if nothing is near."""
    words = sorted(known)
    near = difflib.get_close_matches(word[:60].lower(), words, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(words)}"


def printable(text: str) -> str:
    """The text with what a terminal would act upon, hide or refuse written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
