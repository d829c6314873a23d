"""Literals, names and LIKE patterns in ES|QL.

Source: Elastic's ES|QL reference, 'Basic syntax' (identifiers, literals) and 'Operators' (LIKE, RLIKE).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[_@][A-Za-z0-9_]+")
#: Keywords of expressions, which need backticks as names.
_WORDS = frozenset(
    ("and", "as", "asc", "by", "desc", "false", "first", "in", "info", "is", "last", "like", "metadata", "not", "null")
) | frozenset(("nulls", "on", "or", "rlike", "true", "using", "where", "with"))


def string(value: str) -> str:
    """A string literal."""
    return '"' + "".join(_ESCAPES.get(character, character) for character in value) + '"'


def name(field: str) -> str:
    """A field's name; each part between dots is quoted separately if necessary."""
    return ".".join(map(_part, field.split(".")))


def _part(part: str) -> str:
    if _NAME.fullmatch(part) and part.lower() not in _WORDS:
        return part
    return "`" + part.replace("`", "``") + "`"


def like(parts: Sequence[str | None]) -> str:
    """A LIKE pattern from parts: text, None for `*`, "" for `?`. LIKE has an escape of its own."""
    return "".join("*" if part is None else re.sub(r"([\\*?])", r"\\\1", part) if part else "?" for part in parts)
