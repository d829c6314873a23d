"""What a sample holds as a short text, the same wherever it is the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any


def digest(value: object) -> str:
    """The first digits of the SHA-256 of a value made of dataclasses, mappings, lists, sets and scalars."""
    return hashlib.sha256(json.dumps(_plain(value), ensure_ascii=True).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """The value as JSON has it; sets, whose order is that of a process, are sorted."""
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return sorted(map(repr, value))
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else repr(value)
