"""How lists are laid out in a query: on one line where they fit, else in rows. No dialect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

INDENT = "    "


def filled(items: Iterable[str], width: int) -> list[str]:
    """The items in rows `a, b, c` of at most that width, a row for an item that is wider."""
    rows: list[str] = []
    for item in items:
        if rows and len(rows[-1]) + len(item) + 2 <= width:
            rows[-1] += f", {item}"
        else:
            rows.append(item)
    return rows


def command(head: str, items: Sequence[str], width: int) -> str:
    """`head a, b, c`, the items in rows below it where they do not fit."""
    flat = f"{head} {', '.join(items)}"
    if len(flat) <= width:
        return flat
    return f"{head}\n" + ",\n".join(INDENT + row for row in filled(items, width - len(INDENT)))


def assignments(head: str, items: Sequence[str], width: int) -> str:
    """`head a = 1, b = 2`, one assignment a line where they do not fit."""
    flat = f"{head} {', '.join(items)}"
    return flat if len(flat) <= width else f"{head} " + f",\n{INDENT}".join(items)


def one_a_line(arguments: Iterable[str]) -> str:
    """The arguments of a function, each on a line of its own."""
    return f"\n{INDENT}" + f",\n{INDENT}".join(arguments)
