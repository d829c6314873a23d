"""Conditional functions: CASE, COALESCE, GREATEST, LEAST. ES|QL reference, 'Conditional functions and expressions'.

- CASE takes the value of the first condition that is true, else the last argument if it stands alone, else null. Null
  and several values are not true, the latter with a warning (csv-spec `conditional`, caseOnMv). Its values and those
  of COALESCE may be several.
- GREATEST and LEAST are null where an argument is (from memory). With several values they are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracles.esql_grammar import EsqlUnsupported
from oracles.esql_signatures import MANY, Call, registered
from oracles.esql_values import SEVERAL, Row, order_key
from oracles.esql_verifier import Expression, folded, need, unified


def _case(call: Call) -> Expression:
    call.count(2, MANY)
    arguments = call.arguments
    pairs = len(arguments) // 2
    conditions = arguments[: 2 * pairs : 2]
    for test in conditions:
        need(test, "boolean", "condition of [CASE]")
    type_, results = unified([*arguments[1 : 2 * pairs : 2], *arguments[2 * pairs :]], "CASE")
    branches = [(test.run, result.run) for test, result in zip(conditions, results, strict=False)]
    default: Callable[[Row], Any] = results[-1].run if len(results) > pairs else lambda row: None
    context, text = call.context, call.text

    def run(row: Row) -> Any:
        for test, result in branches:
            value = test(row)
            if value is True:
                return result(row)
            if type(value) is tuple:
                context.warn(text, SEVERAL)
        return default(row)

    return folded(Expression(type_, run, text, call.node), arguments)


def _coalesce(call: Call) -> Expression:
    call.count(1, MANY)
    type_, arguments = unified(call.arguments, "COALESCE")
    runs = [argument.run for argument in arguments]

    def run(row: Row) -> Any:
        for one in runs:
            value = one(row)
            if value is not None:
                return value
        return None

    return folded(Expression(type_, run, call.text, call.node), arguments)


def _extreme(name: str, choose: Callable[..., Any]) -> None:
    def build(call: Call) -> Expression:
        call.count(1, MANY)
        type_, arguments = unified(call.arguments, name)
        runs, key = [argument.run for argument in arguments], order_key(type_)

        def run(row: Row) -> Any:
            values = [one(row) for one in runs]
            if any(type(value) is tuple for value in values):
                raise EsqlUnsupported(f"{name} of several values")
            return None if None in values else choose(values, key=key)

        return folded(Expression(type_, run, call.text, call.node), arguments)

    registered(name, build)


registered("CASE", _case)
registered("COALESCE", _coalesce)
_extreme("GREATEST", max)
_extreme("LEAST", min)
