"""Literals and names in Kusto."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: A name that starts with a capital is never a keyword, because Kusto's keywords are all in lower case.
_NAME = re.compile(r"[A-Z_][A-Za-z0-9_]*")


def string(text: str) -> str:
    """A string literal.

    A printable text with backslashes, such as a path, becomes a verbatim literal (@"…"). Any other text is quoted, with
    escapes for characters that are not printable. Source: Kusto docs, 'The string data type'.
    """
    if "\\" in text and text.isprintable():
        return '@"' + text.replace('"', '""') + '"'
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _unicode(c)) for c in text) + '"'


def _unicode(character: str) -> str:
    """A \\u escape, or two, as a surrogate pair, for a character beyond the basic plane."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def name(column: str) -> str:
    """A column's name, in brackets if it may not be a plain identifier (Kusto docs, 'Identifier naming rules')."""
    return column if _NAME.fullmatch(column) else f"[{string(column)}]"


def names(columns: Iterable[str]) -> str:
    """Column names, joined by commas."""
    return ", ".join(map(name, columns))
