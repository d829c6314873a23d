"""Literals and names in SPL, in the command `search` and in expressions.

Source: Splunk's Search Manual, 'Quotes and escaping characters', and Search Reference, 'search' and 'eval'.
"""

from __future__ import annotations

import re

from ..common.losses import Unsupported

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: The values that `search` reads as a range of addresses (Search Reference, 'search', CIDR matching).
_RANGE = re.compile(r"[0-9.]+/[0-9]{1,2}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/[0-9]{1,3}")


def search_name(field: str) -> str:
    """A field's name in `search`, in quotes if it is not plain. Raises Unsupported if no quotes can hold it."""
    return field if re.fullmatch(r"[A-Za-z_][\w.]*", field, re.ASCII) else f'"{_holdable(field)}"'


def eval_name(field: str) -> str:
    """A field's name in an expression, in single quotes if it is not plain. Raises Unsupported as search_name does."""
    return field if _NAME.fullmatch(field) else f"'{_holdable(field)}'"


def _holdable(field: str) -> str:
    if re.search(r"[\"'\\`\n\r]", field) or not field:
        raise Unsupported(f"SPL cannot quote the field name {field}; rename the field in a pipeline", field)
    return field


def text(value: str) -> str:
    """A string literal in an expression."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def search_value(value: str) -> str:
    """A quoted value in `search`; asterisks in it are wildcards."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_plain(part: str) -> bool:
    """Whether `search` finds exactly this text, in any case: printable ASCII without asterisks and backticks."""
    return part.isascii() and part.isprintable() and not set(part) & set("*`")


def widened(part: str) -> str:
    """The text with asterisks in place of the characters that are not plain, so that it finds no less."""
    return re.sub(r"\*+", "*", "".join(char if is_plain(char) else "*" for char in part))


def longest(value: str) -> str:
    """The longest text between asterisks, with an asterisk where the value goes on, so that it finds no less.

    An asterisk within a value gives inconsistent results next to punctuation (Search Manual, 'Wildcards').
    """
    texts = value.split("*")
    at = max(range(len(texts)), key=lambda place: len(texts[place]))
    return ("*" if at else "") + texts[at] + ("*" if at < len(texts) - 1 else "")


def is_range(value: str) -> bool:
    """Whether `search` would read the value as a range of addresses."""
    return _RANGE.fullmatch(value) is not None
