"""Kusto text: literals, names. Nothing here knows of Sigma."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: Kusto's keywords are all in lower case, so a name with a capital first is none of them.
_NAME = re.compile(r"[A-Z_][A-Za-z0-9_]*")


def string(text: str) -> str:
    """A string literal that Kusto reads as the text.

    Verbatim (@"…") where the text has backslashes, as people write paths; else quoted, with escapes for all
    that does not print. Source: Kusto docs, 'The string data type'.
    """
    if "\\" in text and text.isprintable():
        return '@"' + text.replace('"', '""') + '"'
    return '"' + "".join(_ESCAPES.get(c) or (c if c.isprintable() else _unicode(c)) for c in text) + '"'


def _unicode(character: str) -> str:
    """A \\u escape; two of them, a surrogate pair, beyond the basic plane."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def name(column: str) -> str:
    """A column name, bracketed where it might be no plain identifier (Kusto docs, 'Identifier naming rules')."""
    return column if _NAME.fullmatch(column) else f"[{string(column)}]"


def names(columns: Iterable[str]) -> str:
    """Column names in a list."""
    return ", ".join(map(name, columns))
