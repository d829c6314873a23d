"""The processing commands but STATS. ES|QL reference, 'Processing commands', a page for each.

- EVAL: a column of an old name takes its place at the end. Later fields see earlier ones.
- KEEP: columns come in the order of the patterns. Where several patterns name a column, a full name goes before a
  pattern with `*`, and that before `*` alone; of equal ones the rightmost. A pattern for nothing is an error.
- RENAME: one after the other; an existing column of the new name goes. `new = old` is 8.19 and 9.1 (pull request
  129254).
- SORT: ascending, null as the largest, unless said. Of several values the smallest counts when ascending, the largest
  when descending. Rows that are equal stay as they were.
- MV_EXPAND: a row for each value; the order of rows is not promised after it.
- LIMIT: a constant whole number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from oracles.esql_expressions import condition, expression
from oracles.esql_grammar import Command, Node, kind, name_of, pattern_of, refuse, text_of
from oracles.esql_stats import fields, stats
from oracles.esql_table import Table, rows_in_any_order
from oracles.esql_values import Context, Row, order_key, values_of
from oracles.esql_verifier import SCALAR, SPANS, Column, Scope, error


def run(command: Command, table: Table, context: Context) -> Table:
    """What a command makes of a table, whose rows it may change. EsqlUnsupported for commands that are left out."""
    found = _COMMANDS.get(command.name)
    if not found:
        refuse(f"the command {command.name.upper()}", command.node)
    return found(command, table, context)


def row(command: Command, context: Context) -> Table:
    """The table of ROW."""
    start = Table({}, [[]], "the match operator cannot be used after ROW")
    return _fields(command.node, start, context)


def _where(command: Command, table: Table, context: Context) -> Table:
    test = condition(command.node.booleanExpression(), Scope(table.columns, context, match=table.match))
    return replace(table, rows=[one for one in table.rows if test(one)])


def _eval(command: Command, table: Table, context: Context) -> Table:
    return _fields(command.node, table, context)


def _fields(node: Node, table: Table, context: Context) -> Table:
    columns = dict(table.columns)
    for name, inner in fields(node.fields()):
        made = expression(inner, Scope(columns, context, match="the match operator is not allowed in EVAL"))
        if made.type in SPANS:
            raise error(f"EVAL does not support type [{made.type}] as the return data type of [{made.text}]", inner)
        compute = made.run
        at = len(table.rows[0]) if table.rows else 0
        for one in table.rows:
            one.append(compute(one))
        columns.pop(name, None)
        columns[name] = Column(at, "keyword" if made.type == "text" else made.type)
    return replace(table, columns=columns)


def _limit(command: Command, table: Table, context: Context) -> Table:
    constant = command.node.constant()
    if kind(constant) != "IntegerLiteral" or int(constant.getText()) < 0:
        raise error("LIMIT takes a whole number of 0 or more", constant)
    return replace(
        table, rows=table.rows[: int(constant.getText())], match="the match operator cannot be used after LIMIT"
    )


def _matching(node: Node, table: Table) -> list[tuple[int, list[str]]]:
    """For each pattern how strong it is (0 a full name, 1 with `*`, 2 `*` alone), and the columns it names."""
    found = []
    for one in node.qualifiedNamePatterns().qualifiedNamePattern():
        name, pattern = pattern_of(one)
        if pattern is None:
            _existing(name, table, one)
            found.append((0, [name]))
            continue
        names = [column for column in table.columns if pattern.fullmatch(column)]
        if not names and pattern.pattern != ".*":
            raise error(f"No matches found for pattern [{one.getText()}]", one)
        found.append((2 if pattern.pattern == ".*" else 1, names))
    return found


def _existing(name: str, table: Table, node: Node) -> Column:
    if name not in table.columns:
        raise error(f"Unknown column [{name}]", node)
    return table.columns[name]


def _keep(command: Command, table: Table, context: Context) -> Table:
    best: dict[str, tuple[int, int]] = {}
    for at, (strength, names) in enumerate(_matching(command.node, table)):
        for name in names:
            if name not in best or strength <= best[name][0]:
                best[name] = (strength, at)
    order = {name: at for at, name in enumerate(table.columns)}
    kept = sorted(best, key=lambda name: (best[name][1], order[name]))
    return replace(table, columns={name: table.columns[name] for name in kept})


def _drop(command: Command, table: Table, context: Context) -> Table:
    patterns = command.node.qualifiedNamePatterns().qualifiedNamePattern()
    if any(one.getText() == "*" for one in patterns):
        raise error("Removing all fields is not allowed [*]", command.node)
    dropped = {name for _, names in _matching(command.node, table) for name in names}
    return replace(table, columns={name: held for name, held in table.columns.items() if name not in dropped})


def _rename(command: Command, table: Table, context: Context) -> Table:
    for clause in command.node.renameClause():
        (old, old_pattern), (new, new_pattern) = pattern_of(clause.oldName), pattern_of(clause.newName)
        if old_pattern or new_pattern:
            raise error(f"Using wildcards [*] in RENAME is not allowed [{text_of(clause)}]", clause)
        column = _existing(old, table, clause)
        if old == new:
            continue
        renamed = column if column.origin == "computed" else replace(column, origin="renamed")
        table = replace(
            table,
            columns={
                (new if name == old else name): (renamed if name == old else held)
                for name, held in table.columns.items()
                if name != new
            },
        )
    return table


def _sort(command: Command, table: Table, context: Context) -> Table:
    rows = list(table.rows)
    for order in reversed(command.node.orderExpression()):
        by = expression(order.booleanExpression(), Scope(table.columns, context))
        if by.type not in SCALAR | {"null"}:
            raise error(f"cannot sort on {by.type}", order)
        if by.type == "version":
            refuse("the order of versions", order)
        descending = bool(order.ordering) and order.ordering.text.upper() == "DESC"
        nulls_first = order.nullOrdering.text.upper() == "FIRST" if order.nullOrdering else descending
        rows = _sorted(rows, by.run, order_key(by.type), descending=descending, nulls_first=nulls_first)
    return replace(table, rows=rows)


def _sorted(
    rows: list[Row],
    compute: Callable[[Row], Any],
    key: Callable[[Any], Any],
    *,
    descending: bool,
    nulls_first: bool,
) -> list[Row]:
    choose = max if descending else min
    keyed: list[tuple[Any, Row]] = [(choose(map(key, values_of(compute(one))), default=None), one) for one in rows]
    nulls = [one for found, one in keyed if found is None]
    others = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=descending)
    held = [one for _, one in others]
    return [*nulls, *held] if nulls_first else [*held, *nulls]


def _mv_expand(command: Command, table: Table, context: Context) -> Table:
    name = name_of(command.node.qualifiedName())
    column = _existing(name, table, command.node)
    at = column.index
    rows = [[*one[:at], value, *one[at + 1 :]] for one in table.rows for value in values_of(one[at]) or (None,)]
    columns = {
        key: replace(held, origin="renamed" if key == name else held.origin) for key, held in table.columns.items()
    }
    return replace(table, columns=columns, rows=rows_in_any_order(rows, context))


_COMMANDS: Mapping[str, Callable[[Command, Table, Context], Table]] = {
    "where": _where,
    "eval": _eval,
    "stats": stats,
    "limit": _limit,
    "keep": _keep,
    "drop": _drop,
    "rename": _rename,
    "sort": _sort,
    "mv_expand": _mv_expand,
}
