"""A Sigma string as parts: texts and wildcards. No dialect."""

from __future__ import annotations

from collections.abc import Sequence

from sigma.types import SigmaString, SpecialChars

from .losses import Unsupported

#: The parts of a value in order: text, None for `*`, "" for `?`.
Parts = list[str | None]


def parts_of(value: SigmaString, field: str) -> Parts:
    """A value's parts; runs of `*` are one. Raises Unsupported for a placeholder that no pipeline filled."""
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
            raise Unsupported(f"{field} has the placeholder %{placeholder}%; give it values in a pipeline", field)
    return parts


def anywhere(parts: Sequence[str | None]) -> Parts:
    """The same parts with anything before and after them."""
    lead, trail = parts[0] is None, parts[-1] is None
    return [None, *parts[lead : len(parts) - trail], None]


def as_text(parts: Sequence[str | None]) -> str:
    """The parts as the rule writes them, for comparison with plain words."""
    return "".join("*" if part is None else part or "?" for part in parts)
