"""Calls of functions, and the cast operator `::`.

ES|QL reference, 'Functions and operators' and 'Operators', 'Cast (`::`)'. Names do not heed case. Aggregate functions
stand only in STATS, BUCKET only in its BY. Named parameters (`{"option": …}`) and query parameters are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

# The modules that declare functions.
import oracles.esql_conditions
import oracles.esql_conversions
import oracles.esql_multivalue
import oracles.esql_numbers
import oracles.esql_strings  # noqa: F401
from oracles.esql_grammar import Node, name_of, refuse, text_of
from oracles.esql_signatures import FUNCTIONS, Call, found
from oracles.esql_times import bucket
from oracles.esql_verifier import Expression, Scope, error

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG", "VALUES", "TOP"})
LEFT_OUT = frozenset({"MEDIAN", "PERCENTILE", "STD_DEV", "WEIGHTED_AVG", "MEDIAN_ABSOLUTE_DEVIATION", "FIRST", "LAST"})

CASTS = {
    "keyword": "TO_STRING",
    "string": "TO_STRING",
    "integer": "TO_INTEGER",
    "int": "TO_INTEGER",
    "long": "TO_LONG",
    "double": "TO_DOUBLE",
    "boolean": "TO_BOOLEAN",
    "bool": "TO_BOOLEAN",
    "datetime": "TO_DATETIME",
    "date": "TO_DATETIME",
    "ip": "TO_IP",
}


def call(node: Node, scope: Scope, compiled: Callable[[Node, Scope], Expression]) -> Expression:
    """A call of a function, compiled."""
    name = name_of(node.functionName()).upper()
    if node.mapExpression():
        refuse(f"named parameters of {name}", node)
    if name in AGGREGATES:
        if scope.aggregate is None:
            raise error(f"aggregate function [{text_of(node)}] not allowed outside STATS command", node)
        return scope.aggregate(node, name)
    if name in LEFT_OUT:
        refuse(f"the aggregate function {name}", node)
    if node.ASTERISK():
        raise error(f"{name} does not take *", node)
    # A grouping function may stand in a calculation, but not in another function (Kibana issue 218319).
    inner = replace(scope, grouping=False)
    arguments = [compiled(one, inner) for one in node.booleanExpression()]
    made = Call(name, text_of(node), arguments, scope.context, node)
    if name == "BUCKET":
        if not scope.grouping:
            raise error("cannot use grouping function [BUCKET] outside of a STATS command's BY", node)
        return bucket(made)
    return found(name, node, scope.context)(made)


def cast(node: Node, inner: Expression, scope: Scope) -> Expression:
    """`x::type`, which is a conversion function."""
    type_ = node.dataType().getText().lower()
    if type_ not in CASTS:
        refuse(f"a cast to {type_}", node)
    return FUNCTIONS[CASTS[type_]](Call(CASTS[type_], text_of(node), [inner], scope.context, node))
