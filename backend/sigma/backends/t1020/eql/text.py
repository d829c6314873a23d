"""Literals and names in EQL.

Source: Elastic's EQL syntax reference, 'Strings' and 'Escape a field name'.
"""

from __future__ import annotations

import re

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NAME = re.compile(r"[@A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_@]+)*")
#: Keywords, which need backticks as names.
_WORDS = frozenset(
    ("and", "any", "by", "false", "head", "in", "join", "like", "maxspan", "not", "null", "of", "or", "regex", "runs")
) | frozenset(("sample", "sequence", "tail", "true", "until", "where", "with"))


def string(value: str) -> str:
    """A string literal; characters that are not printable are written as escapes."""
    return '"' + "".join(map(_character, value)) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\u{{{ord(character):02x}}}"


def name(field: str, optional: bool = False) -> str:
    """A field's name, quoted if necessary; `optional` marks a field that an index's mapping may lack."""
    mark = "?" if optional else ""
    if _NAME.fullmatch(field) and not _WORDS & set(field.lower().split(".")):
        return mark + field
    return f"{mark}`{field.replace('`', '``')}`"


def has_wildcard(text: str) -> bool:
    """Whether `:`, `like` and `like~` would read a character of the text as a wildcard; they have no escape."""
    return "*" in text or "?" in text
