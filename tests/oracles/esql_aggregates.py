"""Aggregate functions. ES|QL reference, 'Aggregation functions', a page for each.

Each takes all the values of a field, also several of one row, and no nulls ('STATS … BY', note). Of nothing, COUNT and
COUNT_DISTINCT are 0 and the others null.

- COUNT(*) and COUNT() count rows, COUNT(x) values.
- COUNT_DISTINCT is approximate. Here it is exact up to its precision threshold, 3000 unless given, and refused above.
- SUM of whole numbers is a long; where that overflows it is refused, since the versions differ. AVG is a double.
- VALUES has no order: here one that looks like chance and is the same each time, and which `upside_down` turns round.
- TOP keeps equal values, and takes a constant limit and order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from oracles.esql_grammar import EsqlUnsupported, Node, refuse, text_of
from oracles.esql_values import LONG_MAX, Readings, Row, order_key, several
from oracles.esql_verifier import Expression, error, need

Finish = Callable[[list[Any]], Any]


@dataclass(frozen=True)
class Aggregate:
    """An aggregate of a group: what each row adds, and what comes of it all. `run` is None where rows are counted."""

    type: str
    run: Callable[[Row], Any] | None
    finish: Finish
    keep: Callable[[Row], bool] | None = None


THRESHOLD = 3000
"""The default precision threshold of COUNT_DISTINCT."""


def aggregate(name: str, node: Node, arguments: list[Expression], readings: Readings) -> Aggregate:
    """A call of an aggregate function, compiled. Raises EsqlError for arguments it does not take."""
    least, most = {"TOP": (2, 3), "COUNT_DISTINCT": (1, 2), "COUNT": (0, 1)}.get(name, (1, 1))
    if name == "TOP" and len(arguments) == 2:
        refuse("TOP without an order", node)
    if not least <= len(arguments) <= most or (node.ASTERISK() and name != "COUNT"):
        raise error(f"error building [{name}]: wrong number of arguments", node)
    if not arguments:
        return Aggregate("long", None, len)
    first, *others = arguments
    if first.type == "null" and name != "COUNT":
        refuse(f"{name} of null", node)
    need(first, "numeric" if name in ("SUM", "AVG") else "any", f"argument of [{name}]")
    if first.type == "version" and name not in ("COUNT", "COUNT_DISTINCT", "VALUES"):
        refuse(f"{name} of versions", node)
    type_ = "keyword" if first.type == "text" else first.type
    key = order_key(type_)
    match name:
        case "COUNT":
            return Aggregate("long", first.run, len)
        case "COUNT_DISTINCT":
            return Aggregate("long", first.run, _distinct(others, node))
        case "MIN":
            return Aggregate(type_, first.run, lambda values: min(values, key=key) if values else None)
        case "MAX":
            return Aggregate(type_, first.run, lambda values: max(values, key=key) if values else None)
        case "SUM":
            return Aggregate("double" if type_ == "double" else "long", first.run, _sum(node))
        case "AVG":
            return Aggregate("double", first.run, lambda values: math.fsum(values) / len(values) if values else None)
        case "VALUES":
            return Aggregate(type_, first.run, _values(readings))
    return Aggregate(type_, first.run, _top(others, key, node))


def _distinct(others: list[Expression], node: Node) -> Finish:
    threshold = THRESHOLD
    if others:
        if not others[0].constant or others[0].type not in ("integer", "long"):
            raise error("the precision of COUNT_DISTINCT must be a constant whole number", node)
        # 40000 is the most that the page has an effect for.
        threshold = min(others[0].value, 40_000)

    def finish(values: list[Any]) -> int:
        count = len(set(values))
        if count > threshold:
            raise EsqlUnsupported(f"COUNT_DISTINCT of more than {threshold} values, which is approximate")
        return count

    return finish


def _sum(node: Node) -> Finish:
    def finish(values: list[Any]) -> Any:
        if not values:
            return None
        if isinstance(values[0], float):
            return math.fsum(values)
        found = sum(values)
        if abs(found) > LONG_MAX:
            raise EsqlUnsupported(f"[{text_of(node)}] overflows")
        return found

    return finish


def _values(readings: Readings) -> Finish:
    def finish(values: list[Any]) -> Any:
        mixed = sorted(set(values), key=lambda value: sha256(repr(value).encode()).digest())
        return several(reversed(mixed) if readings.upside_down else mixed)

    return finish


def _top(others: list[Expression], key: Callable[[Any], Any], node: Node) -> Finish:
    limit, order = others
    if not limit.constant or limit.type != "integer" or limit.value is None or limit.value <= 0:
        raise error("Limit must be a constant integer greater than 0 in [TOP]", node)
    if not order.constant or not isinstance(order.value, str) or order.value.lower() not in ("asc", "desc"):
        raise error("Invalid order value in [TOP], expected [ASC, DESC]", node)
    reverse = order.value.lower() == "desc"
    return lambda values: several(sorted(values, key=key, reverse=reverse)[: limit.value])
