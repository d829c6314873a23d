"""What Kusto's tables cannot tell apart: widens the condition accordingly, and names the losses."""

from __future__ import annotations

from dataclasses import replace

from ..common.expression import All, Node, Not, Test, all_of, any_of
from ..common.losses import Loss, LossCode
from .predicates import Predicate


def widened(node: Node[Predicate]) -> tuple[Node[Predicate], tuple[Loss, ...]]:
    """Return the condition in a form that the tables can answer, never narrower, and the losses.

    The tables store an empty text like a missing value, so a test for an empty text (operator "empty") also finds
    events without a value, and its negation excludes nothing. A condition with both (`Field: ['', null]`) loses
    nothing. `node` must have NOT only at its leaves, as `expression.negate` leaves it.
    """
    losses: dict[Loss, None] = {}
    return _widened(node, losses), tuple(losses)


def _widened(node: Node[Predicate], losses: dict[Loss, None]) -> Node[Predicate]:
    if isinstance(node, Test):
        if node.what.operator == "empty":
            field = _field(node.what)
            _lose(losses, field, f"{field}: '' also finds events without {field}, which the table stores alike")
        return _missing(node)
    if isinstance(node, Not):
        if isinstance(node.arg, Test) and node.arg.what.operator == "empty":
            field = _field(node.arg.what)
            message = (
                f"not {field}: '' excludes nothing, since the table stores an empty {field} like a missing one; "
                f"exclude {field}: null as well"
            )
            _lose(losses, field, message)
            return All(())
        return node
    absorbed = {_missing(arg) for arg in node.args} & set(node.args)
    args = [_widened(arg, losses) for arg in node.args if not (_is_empty(arg) and _missing(arg) in absorbed)]
    if isinstance(node, All):
        return all_of(args)
    return All(()) if All(()) in args else any_of(args)


def _field(what: Predicate) -> str:
    return what.column.field if what.column else ""


def _lose(losses: dict[Loss, None], field: str, message: str) -> None:
    losses[Loss(LossCode.EMPTY, message, field)] = None


def _is_empty(node: Node[Predicate]) -> bool:
    return _missing(node) != node


def _missing(node: Node[Predicate]) -> Node[Predicate]:
    """The node with a test for an empty text turned into one for a missing value; other nodes unchanged."""
    if isinstance(node, Not):
        return Not(_missing(node.arg))
    if isinstance(node, Test) and node.what.operator == "empty":
        return Test(replace(node.what, operator="missing"))
    return node
