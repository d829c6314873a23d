"""Multivalue functions. ES|QL reference, 'Multivalue functions', a page for each.

All are null for null. MV_DEDUPE keeps the first of equal values where it was ("may, but won't always, sort").
MV_APPEND is null where either side is ('NULL values'). MV_SLICE counts from 0, from the end below 0, and both ends are
in; what is outside is null. Refused where a value asks for it: MV_SLICE with one end below 0 and the other not, MV_ZIP
where one side is null, MV_MEDIAN and the like at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from oracles.esql_grammar import EsqlUnsupported, refuse
from oracles.esql_signatures import Call, registered
from oracles.esql_values import SEVERAL, Row, fits, order_key, several, values_of
from oracles.esql_verifier import Expression, Failed, error, folded, need, unified

Reduce = Callable[[tuple[Any, ...]], Any]


def _reducing(name: str, kind: str, result: str, reduce: Callable[[str], Reduce]) -> None:
    """Declare a function of one argument and all its values. An empty `result` is the type of the argument.

    `reduce` is given the type, and gives what makes the value from one or more values.
    """

    def build(call: Call) -> Expression:
        call.count(1)
        (argument,) = call.arguments
        need(argument, kind, f"argument of [{name}]")
        inner, apply, context, text = argument.run, reduce(argument.type), call.context, call.text

        def run(row: Row) -> Any:
            value = inner(row)
            if value is None:
                return None
            try:
                return apply(value if type(value) is tuple else (value,))
            except Failed as failure:
                context.warn(text, str(failure))
                return None

        type_ = "null" if argument.type == "null" else result or _settled(argument.type)
        return folded(Expression(type_, run, text, call.node), [argument])

    registered(name, build)


def _settled(type_: str) -> str:
    return "keyword" if type_ == "text" else type_


def total(values: Iterable[Any], type_: str) -> Any:
    """A sum of one type. Raises Failed where it leaves the range."""
    if type_ == "double":
        return math.fsum(values)
    found = sum(values)
    if not fits(found, type_):
        raise Failed(f"{type_} overflow")
    return found


def _append(call: Call) -> Expression:
    call.count(2)
    type_, (left, right) = unified(call.arguments, "MV_APPEND")
    first, second = left.run, right.run

    def run(row: Row) -> Any:
        one, other = first(row), second(row)
        return None if one is None or other is None else (*values_of(one), *values_of(other))

    return folded(Expression(type_, run, call.text, call.node), [left, right])


def _concat(call: Call) -> Expression:
    call.count(2)
    for argument in call.arguments:
        need(argument, "string", "argument of [MV_CONCAT]")
    inner, delimiter = (argument.run for argument in call.arguments)
    context, text = call.context, call.text

    def run(row: Row) -> Any:
        value, mark = inner(row), delimiter(row)
        if value is None or mark is None:
            return None
        if type(mark) is tuple:
            context.warn(text, SEVERAL)
            return None
        return mark.join(values_of(value))

    return folded(Expression("keyword", run, text, call.node), call.arguments)


def _slice(call: Call) -> Expression:
    call.count(2, 3)
    first, *ends = call.arguments
    need(first, "any", "argument of [MV_SLICE]")
    for end in ends:
        need(end, "integer", "end of [MV_SLICE]")
    inner, starts = first.run, [end.run for end in ends]

    def run(row: Row) -> Any:
        value = inner(row)
        start, *given = (one(row) for one in starts)
        if value is None or start is None or None in given:
            return None
        stop = given[0] if given else start
        if type(start) is tuple or type(stop) is tuple:
            raise EsqlUnsupported("MV_SLICE with several starts or ends")
        if (start < 0) != (stop < 0) or start > stop:
            raise EsqlUnsupported("MV_SLICE with ends of different signs, or the start after the end")
        values = values_of(value)
        if start < 0:
            start, stop = start + len(values), stop + len(values)
        return several(values[max(start, 0) : max(stop + 1, 0)])

    return folded(Expression(_settled(first.type), run, call.text, call.node), call.arguments)


def _sort(call: Call) -> Expression:
    call.count(1, 2)
    first, *order = call.arguments
    need(first, "any", "argument of [MV_SORT]")
    wanted = order[0].value if order and order[0].constant else "ASC"
    if not isinstance(wanted, str) or wanted.upper() not in ("ASC", "DESC") or (order and not order[0].constant):
        raise error(f"Invalid order value in [{call.text}], expected one of [ASC, DESC]", call.node)
    inner, key, reverse = first.run, order_key(first.type), wanted.upper() == "DESC"

    def run(row: Row) -> Any:
        value = inner(row)
        return tuple(sorted(value, key=key, reverse=reverse)) if type(value) is tuple else value

    return folded(Expression(_settled(first.type), run, call.text, call.node), [first])


def _zip(call: Call) -> Expression:
    call.count(2, 3)
    for argument in call.arguments:
        need(argument, "string", "argument of [MV_ZIP]")
    first, second, *marks = call.arguments
    if marks and not isinstance(marks[0].value, str):
        refuse("MV_ZIP with a delimiter that is not constant", call.node)
    mark, left, right = marks[0].value if marks else ",", first.run, second.run

    def run(row: Row) -> Any:
        one, other = left(row), right(row)
        if one is None and other is None:
            return None
        if one is None or other is None:
            raise EsqlUnsupported("MV_ZIP with null on one side")
        one, other = values_of(one), values_of(other)
        both = min(len(one), len(other))
        pairs = [f"{a}{mark}{b}" for a, b in zip(one, other, strict=False)]
        return several([*pairs, *one[both:], *other[both:]])

    return folded(Expression("keyword", run, call.text, call.node), [first, second])


def _contains(call: Call) -> Expression:
    call.count(2)
    _, (superset, subset) = unified(call.arguments, "MV_CONTAINS")
    left, right = superset.run, subset.run
    return Expression(
        "boolean", lambda row: set(values_of(right(row))) <= set(values_of(left(row))), call.text, call.node
    )


_reducing("MV_COUNT", "any", "integer", lambda type_: len)
_reducing("MV_DEDUPE", "any", "", lambda type_: lambda values: several(dict.fromkeys(values)))
_reducing("MV_FIRST", "any", "", lambda type_: lambda values: values[0])
_reducing("MV_LAST", "any", "", lambda type_: lambda values: values[-1])
_reducing("MV_MAX", "any", "", lambda type_: lambda values: max(values, key=order_key(type_)))
_reducing("MV_MIN", "any", "", lambda type_: lambda values: min(values, key=order_key(type_)))
_reducing("MV_SUM", "numeric", "", lambda type_: lambda values: total(values, type_))
_reducing("MV_AVG", "numeric", "double", lambda type_: lambda values: math.fsum(values) / len(values))
registered("MV_APPEND", _append)
registered("MV_CONCAT", _concat)
registered("MV_SLICE", _slice)
registered("MV_SORT", _sort)
registered("MV_ZIP", _zip)
registered("MV_CONTAINS", _contains, since=(9, 2))
