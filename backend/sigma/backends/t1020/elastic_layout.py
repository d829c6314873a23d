"""How clauses and lists of Elastic's query languages are laid out: on one line where they fit, else one on each."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 110
INDENT = "    "


def fits(text: str, indent: str) -> bool:
    """Whether the text can stand on one line, that far to the right."""
    return "\n" not in text and len(indent) + len(text) <= WIDTH


def joined(parts: Sequence[str], word: str, indent: str, inside: bool) -> str:
    """`a and b`, continued below `indent`; `inside` another join, in parentheses."""
    text = f" {word} ".join(parts)
    if len(parts) > 1 and not fits(text, indent + INDENT):
        text = f"\n{indent}{INDENT}{word} ".join(parts)
    return f"({text})" if inside and len(parts) > 1 else text


def listed(head: str, items: Sequence[str], indent: str) -> str:
    """`head(a, b)`, continued below `indent`."""
    text = f"{head}({', '.join(items)})"
    if fits(text, indent + INDENT):
        return text
    rows: list[str] = []
    for item in items:
        if rows and fits(f"{rows[-1]}, {item}", indent + INDENT * 2):
            rows[-1] += f", {item}"
        else:
            rows.append(item)
    deeper = f"\n{indent}{INDENT * 2}"
    return f"{head}({deeper}" + f",{deeper}".join(rows) + ")"
