"""Sigma strings as lists of parts: texts and wildcards."""

from __future__ import annotations

from collections.abc import Sequence

from sigma.types import SigmaString, SpecialChars

from .losses import Unsupported

#: The parts of a value in order: a text, None for `*`, "" for `?`.
Parts = list[str | None]


def parts_of(value: SigmaString, field: str) -> Parts:
    """The parts of a value, with runs of `*` as one. Raises Unsupported for a placeholder that no pipeline filled."""
    parts: Parts = []
    for part in value.s:
        if part is SpecialChars.WILDCARD_MULTI:
            if not parts or parts[-1] is not None:
                parts.append(None)
        elif part is SpecialChars.WILDCARD_SINGLE:
            parts.append("")
        elif isinstance(part, str):
            if part and parts and parts[-1]:
                parts[-1] += part
            elif part:
                parts.append(part)
        else:
            placeholder = getattr(part, "name", part)
            raise Unsupported(f"{field} has the placeholder %{placeholder}%; set its values in a pipeline", field)
    return parts


def anywhere(parts: Sequence[str | None]) -> Parts:
    """The parts with `*` before and after them."""
    lead, trail = parts[0] is None, parts[-1] is None
    return [None, *parts[lead : len(parts) - trail], None]


def as_text(parts: Sequence[str | None]) -> str:
    """The parts as one text with wildcards, as a rule writes it."""
    return "".join("*" if part is None else part or "?" for part in parts)
