"""SPL text: literals and names, in the command `search` and in expressions. Nothing here knows of Sigma.

Source: Splunk's Search Manual, 'Quotes and escaping characters', and Search Reference, 'search' and 'eval'.
"""

from __future__ import annotations

import re

from ..common.losses import Unsupported

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What `search` reads as a range of addresses, not as text (Search Reference, 'search', CIDR matching).
_RANGE = re.compile(r"[0-9.]+/[0-9]{1,2}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/[0-9]{1,3}")


def search_name(field: str) -> str:
    """A field in the command `search`. Raises Unsupported for a name that no quotation marks can hold."""
    return field if re.fullmatch(r"[A-Za-z_][\w.]*", field, re.ASCII) else f'"{_holdable(field)}"'


def eval_name(field: str) -> str:
    """A field in an expression: all but plain names in single quotes. Raises Unsupported as search_name does."""
    return field if _NAME.fullmatch(field) else f"'{_holdable(field)}'"


def _holdable(field: str) -> str:
    if re.search(r"[\"'\\`\n\r]", field) or not field:
        raise Unsupported(f"SPL cannot name the field {field}; give it another name in a pipeline", field)
    return field


def text(value: str) -> str:
    """A string of an expression."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def search_value(value: str) -> str:
    """A quoted value of `search`; its asterisks are wildcards."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_plain(part: str) -> bool:
    """Whether `search` finds exactly this text, in any case: printing ASCII, no wildcard, no mark of a macro."""
    return part.isascii() and part.isprintable() and not set(part) & set("*`")


def widened(part: str) -> str:
    """The text with what `search` cannot say replaced by an asterisk, so that it finds no less."""
    return re.sub(r"\*+", "*", "".join(char if is_plain(char) else "*" for char in part))


def longest(value: str) -> str:
    """The value of `search` with no asterisk but at its ends: of one with others its longest text, which finds no less.

    Asterisks within a value give inconsistent results where there is punctuation (Search Manual, 'Wildcards').
    """
    texts = value.split("*")
    at = max(range(len(texts)), key=lambda place: len(texts[place]))
    return ("*" if at else "") + texts[at] + ("*" if at < len(texts) - 1 else "")


def is_range(value: str) -> bool:
    """Whether `search` would take the value for a range of addresses."""
    return _RANGE.fullmatch(value) is not None
