"""What the functions of `eval` and `where` have in common: their arguments."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from oracles.spl_eval import Context, Evaluate, is_quoted, operand, value
from oracles.spl_grammar import Node, SplUnsupported, refuse, tokens_of, trees_of, unquoted
from oracles.spl_values import Event, Value, single, text


def arguments(tree: Node, least: int, most: int | None = None) -> list[Node]:
    """The arguments of a call. Raises SplUnsupported where there are fewer than `least` or more than `most`."""
    found = trees_of(tree)
    if len(found) < least or (most is not None and len(found) > most):
        refuse(f"{tree.children[0]}() with {len(found)} arguments", tree)
    return found


def literal(tree: Node, what: str) -> str:
    """The text of an argument in quotation marks. Raises SplUnsupported for another."""
    if not is_quoted(tree):
        refuse(f"{what} that is not in quotation marks", tree)
    return unquoted(tokens_of(tree)[0])


def whole(held: Value | None, what: str) -> int | None:
    """A whole number, null for null. Raises SplUnsupported for another value."""
    found = operand(held, what)
    if isinstance(found, Decimal):
        raise SplUnsupported(f"{what} with a fraction")
    return found


def of_text(change: Callable[..., Value | None], least: int, most: int) -> Callable[[Node, Context], Evaluate]:
    """A function whose arguments are texts, or numbers as text. Null where one is null."""

    def made(tree: Node, context: Context) -> Evaluate:
        name = f"{tree.children[0]}()"
        parts = [value(part, context) for part in arguments(tree, least, most)]

        def changed(event: Event) -> Value | None:
            held = [single(part(event), name) for part in parts]
            present = [text(alone) for alone in held if alone is not None]
            return change(*present) if len(present) == len(held) else None

        return changed

    return made
