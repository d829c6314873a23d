"""The layout of clauses and lists in EQL and ES|QL: on one line if they fit, otherwise one a line."""

from __future__ import annotations

from collections.abc import Sequence

from ..common.layout import INDENT, filled

WIDTH = 110
#: The parsers nest the operands of an `or` chain and accept about 300 levels (ES|QL: ExpressionBuilder's
#: MAX_EXPRESSION_DEPTH, 400 in 8.19 and less in later releases).
LONGEST_CHAIN = 60


def fits(text: str, indent: str) -> bool:
    """Whether the text fits on one line after `indent`."""
    return "\n" not in text and len(indent) + len(text) <= WIDTH


def joined(parts: Sequence[str], word: str, indent: str, inside: bool) -> str:
    """`a and b`, with further lines below `indent`; in parentheses if it is `inside` another join.

    More than LONGEST_CHAIN parts are joined in groups.
    """
    if len(parts) > LONGEST_CHAIN:
        size = max(LONGEST_CHAIN, -(-len(parts) // LONGEST_CHAIN))
        groups = [parts[at : at + size] for at in range(0, len(parts), size)]
        parts = [joined(group, word, indent + INDENT, True) for group in groups]
    text = f" {word} ".join(parts)
    if len(parts) > 1 and not fits(text, indent + INDENT):
        text = f"\n{indent}{INDENT}{word} ".join(parts)
    return f"({text})" if inside and len(parts) > 1 else text


def listed(head: str, items: Sequence[str], indent: str) -> str:
    """`head(a, b)`, with further lines below `indent`."""
    text = f"{head}({', '.join(items)})"
    if fits(text, indent + INDENT):
        return text
    rows = filled(items, WIDTH - len(indent) - 2 * len(INDENT))
    deeper = f"\n{indent}{INDENT * 2}"
    return f"{head}({deeper}" + f",{deeper}".join(rows) + ")"
