"""Sigma strings: wildcards, backslash escapes and the comparison without regard to case.

Source: Sigma rules specification, "String Wildcard" and "Escaping".
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import TypeAlias


class Wildcard(Enum):
    """`*` is any run of characters, also none and also line ends; `?` is exactly one character (a code
    point)."""

    ANY = "*"
    ONE = "?"


Pattern: TypeAlias = tuple[str | Wildcard, ...]
"""A Sigma string after parsing: single characters and wildcards, in order."""

ESCAPABLE = "\\*?"


def parse(value: str) -> Pattern:
    r"""Reads a Sigma string from left to right: `\\`, `\*` and `\?` stand for their second character, any
    other backslash for itself. That gives the specification's list: `\\*` is a backslash and a wildcard,
    `\\\*` a backslash and an asterisk, three or four backslashes are two."""
    tokens: list[str | Wildcard] = []
    at = 0
    while at < len(value):
        char = value[at]
        if char == "\\" and value[at + 1 : at + 2] and value[at + 1] in ESCAPABLE:
            tokens.append(value[at + 1])
            at += 2
            continue
        tokens.append(Wildcard(char) if char in "*?" else char)
        at += 1
    return tuple(tokens)


def literal(value: str) -> Pattern:
    """The pattern that matches this text and nothing else (but for case)."""
    return tuple(value)


def plain(pattern: Pattern) -> str:
    """The text of a pattern without wildcards; raises ValueError if it has any."""
    if any(isinstance(token, Wildcard) for token in pattern):
        raise ValueError("a wildcard has no meaning here")
    return "".join(token for token in pattern if isinstance(token, str))


@lru_cache(maxsize=4096)
def fold(value: str) -> str:
    """Lower case, one character for one: that keeps `?` exact and a match independent of what stands beside
    it (str.lower() makes two characters of U+0130, and looks around a final sigma). A character whose lower
    case is not one character stands for itself. No full folding: ß is not ss."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in value)


def matches(pattern: Pattern, value: str, cased: bool) -> bool:
    """Whether the pattern covers the whole of the value."""
    parts: list[str] = []
    for token in pattern:
        if token is Wildcard.ANY:
            parts.append(".*")
        elif token is Wildcard.ONE:
            parts.append(".")
        else:
            parts.append(re.escape(fold_unless(cased, token)))
    return re.fullmatch("".join(parts), fold_unless(cased, value), re.DOTALL) is not None


def fold_unless(cased: bool, value: str) -> str:
    """The value as compared: itself under `cased`, else folded."""
    return value if cased else fold(value)
