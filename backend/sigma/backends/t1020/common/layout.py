"""The layout of lists in a query: on one line if they fit, otherwise in rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

INDENT = "    "


def filled(items: Iterable[str], width: int) -> list[str]:
    """The items in rows `a, b, c` of at most `width` characters; a wider item has a row of its own."""
    rows: list[str] = []
    for item in items:
        if rows and len(rows[-1]) + len(item) + 2 <= width:
            rows[-1] += f", {item}"
        else:
            rows.append(item)
    return rows


def command(head: str, items: Sequence[str], width: int) -> str:
    """`head a, b, c`, with the items in rows below the head if one line is too long."""
    flat = f"{head} {', '.join(items)}"
    if len(flat) <= width:
        return flat
    return f"{head}\n" + ",\n".join(INDENT + row for row in filled(items, width - len(INDENT)))


def assignments(head: str, items: Sequence[str], width: int) -> str:
    """`head a = 1, b = 2`, with one assignment a line if one line is too long."""
    flat = f"{head} {', '.join(items)}"
    return flat if len(flat) <= width else f"{head} " + f",\n{INDENT}".join(items)


def one_a_line(arguments: Iterable[str]) -> str:
    """The arguments of a function call, one a line."""
    return f"\n{INDENT}" + f",\n{INDENT}".join(arguments)
