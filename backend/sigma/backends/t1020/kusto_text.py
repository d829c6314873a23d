"""Kusto text: literals, time spans, names. Nothing here knows of Sigma."""

from __future__ import annotations

import re

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
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


def seconds(span: str | int) -> int:
    """Seconds of a span such as 30s, 5m, 24h, 7d, 2w. Raises ValueError that says what a span looks like."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", str(span))
    if match is None:
        raise ValueError(f"{span!r} is no time span: write a number and s, m, h, d or w, such as 24h")
    return int(match[1]) * _UNITS[match[2]]


def timespan(total: int) -> str:
    """A timespan literal of so many seconds, in the largest unit that divides them (a day is 24h)."""
    for unit in ("d", "h", "m"):
        if total > _UNITS[unit] * (unit == "d") and total % _UNITS[unit] == 0:
            return f"{total // _UNITS[unit]}{unit}"
    return f"{total}s"
