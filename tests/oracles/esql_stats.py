"""STATS … BY. ES|QL reference, 'STATS', 'Grouping functions'.

- A row is in the group of each of its values, and with several keys in each combination. Null is a key.
- Without BY there is one row, also of nothing. With BY and without rows there is none.
- Aggregates may stand in expressions, with the names of the groups beside them. `WHERE` after one takes the rows for
  which it is true; it is for all aggregates of that expression.
- The columns are the aggregates and then the groups. Of columns with one name the rightmost stays.
- The order of the groups is not promised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from oracles.esql_aggregates import Aggregate, aggregate
from oracles.esql_expressions import condition, expression
from oracles.esql_grammar import Command, Node, kind, name_of, refuse, text_of
from oracles.esql_table import Table, rows_in_any_order, with_columns
from oracles.esql_values import Context, Row, values_of
from oracles.esql_verifier import MATCH_IN_STATS, Column, Expression, Scope, error


@dataclass(frozen=True)
class Named:
    """An expression and the name of its column."""

    name: str
    expression: Expression


def fields(node: Node) -> list[tuple[str, Node]]:
    """The names and expressions of EVAL, ROW, BY: without a name it is the text."""
    return [named(one) for one in node.field()] if node else []


def named(node: Node) -> tuple[str, Node]:
    """The name and expression of one field."""
    inner = node.booleanExpression()
    if node.qualifiedName():
        return name_of(node.qualifiedName()), inner
    column = plain_name(inner)
    return (text_of(inner) if column is None else column), inner


def plain_name(node: Node) -> str | None:
    """The name where an expression is nothing but a column."""
    while kind(node) in ("BooleanDefault", "ValueExpressionDefault", "OperatorExpressionDefault"):
        node = node.getChild(0)
    return name_of(node.qualifiedName()) if kind(node) == "Dereference" else None


def stats(command: Command, table: Table, context: Context) -> Table:
    """The table of a STATS command."""
    node = command.node
    scope = Scope(table.columns, context, match=MATCH_IN_STATS)
    groups = [Named(name, expression(inner, replace(scope, grouping=True))) for name, inner in fields(node.grouping)]
    group_columns = {
        one.name: Column(at, "keyword" if one.expression.type == "text" else one.expression.type)
        for at, one in enumerate(groups)
    }
    # A name that BY gives anew means the group in an aggregate, and the column everywhere else.
    hidden = frozenset(one.name for one in groups if one.name != one.expression.text)
    aggregates: list[Aggregate] = []
    results: list[Named] = []
    for field in node.stats.aggField() if node.stats else ():
        name, inner = named(field.field())
        if plain_name(inner) in group_columns:
            raise error(f"grouping key [{text_of(inner)}] already specified in the STATS BY clause", inner)
        keep = condition(field.booleanExpression(), replace(scope, hidden=hidden)) if field.WHERE() else None
        before = len(aggregates)
        outer = Scope(
            group_columns,
            context,
            match=MATCH_IN_STATS,
            aggregate=_collector(aggregates, replace(scope, hidden=hidden), keep, len(groups)),
            only_groups=True,
            same={one.expression.text: group_columns[one.name] for one in groups},
        )
        found = expression(inner, outer)
        if len(aggregates) == before and not groups:
            raise error(f"expected an aggregate function but found [{text_of(inner)}]", inner)
        results.append(Named(name, found))
    held = _grouped(table.rows, groups, aggregates)
    rows = [[*(one.expression.run(row) for one in results), *row[: len(groups)]] for row in held]
    columns = [(one.name, one.expression.type) for one in results]
    columns += [(name, column.type) for name, column in group_columns.items()]
    places = [*range(len(results)), *(len(results) + column.index for column in group_columns.values())]
    return with_columns(
        rows_in_any_order(rows, context) if groups else rows,
        [(name, Column(at, type_)) for at, (name, type_) in zip(places, columns, strict=True)],
    )


def _collector(
    aggregates: list[Aggregate], scope: Scope, keep: Callable[[Row], bool] | None, groups: int
) -> Callable[[Node, str], Expression]:
    """What compiles an aggregate function: it notes the aggregate, and the expression reads its result."""

    def collect(node: Node, name: str) -> Expression:
        if node.mapExpression():
            refuse(f"named parameters of {name}", node)
        arguments = [expression(one, scope) for one in node.booleanExpression()]
        made = replace(aggregate(name, node, arguments, scope.context.readings), keep=keep)
        at = groups + len(aggregates)
        aggregates.append(made)
        return Expression(made.type, lambda row: row[at], text_of(node), node)

    return collect


def _grouped(rows: list[Row], groups: list[Named], aggregates: list[Aggregate]) -> list[Row]:
    """For each group its keys and the results of the aggregates."""
    held: dict[tuple[Any, ...], list[list[Any]]] = {}
    if not groups:
        held[()] = [[] for _ in aggregates]
    keys = [one.expression.run for one in groups]
    runs = [(at, one.run, one.keep) for at, one in enumerate(aggregates)]
    for row in rows:
        found = [key(row) for key in keys]
        if any(type(key) is tuple for key in found):
            combinations = list(product(*(dict.fromkeys(values_of(key)) or (None,) for key in found)))
        else:
            combinations = [tuple(found)]
        added = [
            (at, (1,) if run is None else values_of(run(row))) for at, run, keep in runs if keep is None or keep(row)
        ]
        for combination in combinations:
            lists = held.get(combination)
            if lists is None:
                lists = held[combination] = [[] for _ in aggregates]
            for at, values in added:
                lists[at] += values
    return [
        [*key, *(one.finish(values) for one, values in zip(aggregates, lists, strict=True))]
        for key, lists in held.items()
    ]
