"""Compiles expressions of ES|QL: each is a closure that takes a row.

Pages of the ES|QL reference: 'Operators', 'Multivalued fields'.

- AND, OR and NOT have three values; a comparison with null or with several values is null.
- IN is true where one item equals, else null where any is null ('IN'; csv-spec `string`, in3VL…).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from oracles.esql_arithmetic import calculation, signed
from oracles.esql_calls import call, cast
from oracles.esql_grammar import Node, kind, name_of, refuse, text_of
from oracles.esql_literals import literal
from oracles.esql_patterns import equal_without_case, like, match, rlike
from oracles.esql_values import SEVERAL, Context, Row, Run, address_number
from oracles.esql_verifier import Expression, Scope, comparable, error, folded, need, single_valued


def expression(node: Node, scope: Scope) -> Expression:
    """A node compiled. Raises EsqlError for names and types that are wrong, EsqlUnsupported for what is left out."""
    found = _COMPILERS.get(kind(node))
    if not found:
        refuse(f"{kind(node)} in an expression", node)
    return found(node, scope)


def condition(node: Node, scope: Scope) -> Callable[[Row], bool]:
    """A condition of WHERE: whether it is true, which neither null nor several values are."""
    test = expression(node, scope)
    need(test, "boolean", "the condition of WHERE")
    run, context, text = test.run, scope.context, test.text

    def decide(row: Row) -> bool:
        value = run(row)
        if type(value) is tuple:
            context.warn(text, SEVERAL)
        return value is True

    return decide


def _inside(node: Node, scope: Scope) -> Expression:
    return expression(node.getChild(0), scope)


def _bracketed(node: Node, scope: Scope) -> Expression:
    return expression(node.booleanExpression(), scope)


def _column(node: Node, scope: Scope) -> Expression:
    name = name_of(node.qualifiedName())
    if name in scope.hidden:
        refuse(f"[{name}] in an aggregate, which BY gives anew", node)
    column = scope.columns.get(name)
    if column is None:
        if scope.only_groups:
            raise error(f"column [{name}] must appear in the STATS BY clause or be used in an aggregate function", node)
        raise error(f"Unknown column [{name}]", node)
    if column.unusable:
        raise error(f"Cannot use field [{name}] {column.unusable}", node)
    return Expression(column.type, operator.itemgetter(column.index), name, node)


def _connected(node: Node, scope: Scope) -> Expression:
    """AND and OR of any number of operands."""
    word = node.operator.text.upper()
    operands = []
    while kind(node) == "LogicalBinary" and node.operator.text.upper() == word:
        operands.append(node.right)
        node = node.left
    parts = [expression(one, scope) for one in reversed([*operands, node])]
    for part in parts:
        need(part, "boolean", f"argument of [{word}]")
    runs = [(part.run, part.text) for part in parts]
    decisive = word == "OR"
    context = scope.context

    def run(row: Row) -> Any:
        result: bool | None = not decisive
        for one, text in runs:
            value = one(row)
            if value is decisive:
                return decisive
            if value is None:
                result = None
            elif type(value) is tuple:
                context.warn(text, SEVERAL)
                result = None
        return result

    text = f" {word} ".join(part.text for part in parts)
    return folded(Expression("boolean", run, text, parts[0].node), parts)


def _negated(node: Node, scope: Scope) -> Expression:
    inner = expression(node.booleanExpression(), scope)
    need(inner, "boolean", "argument of [NOT]")
    return _not(inner, node, scope.context)


def _not(inner: Expression, node: Node, context: Context) -> Expression:
    run = single_valued(context, text_of(node), [inner], operator.not_)
    return folded(Expression("boolean", run, text_of(node), node), [inner])


def _is_null(node: Node, scope: Scope) -> Expression:
    inner = expression(node.valueExpression(), scope)
    run, wanted = inner.run, node.NOT() is None
    return folded(Expression("boolean", lambda row: (run(row) is None) is wanted, text_of(node), node), [inner])


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _comparison(node: Node, scope: Scope) -> Expression:
    sign, text = node.comparisonOperator().getText(), text_of(node)
    left, right = comparable(sign, expression(node.left, scope), expression(node.right, scope), text)
    special = equal_without_case(left, right, sign, text, scope.context)
    if special:
        return Expression("boolean", special, text, node)
    return folded(Expression("boolean", _compare(sign, left, right, text, scope.context), text, node), [left, right])


def _compare(sign: str, left: Expression, right: Expression, text: str, context: Context) -> Run:
    test = _COMPARE[sign]
    if "ip" in (left.type, right.type) and sign not in ("==", "!="):
        return single_valued(context, text, [left, right], lambda a, b: test(address_number(a), address_number(b)))
    if "double" in (left.type, right.type) and left.type != right.type:
        return single_valued(context, text, [left, right], lambda a, b: test(float(a), float(b)))
    if not right.constant or right.value is None or type(right.value) is tuple:
        return single_valued(context, text, [left, right], test)
    run, other = left.run, right.value

    def run_constant(row: Row) -> Any:
        value = run(row)
        if value is None:
            return None
        if type(value) is tuple:
            context.warn(text, SEVERAL)
            return None
        return test(value, other)

    return run_constant


def _in(node: Node, scope: Scope) -> Expression:
    first, *others = (expression(one, scope) for one in node.valueExpression())
    text, context = text_of(node), scope.context
    pairs = [comparable("==", first, other, text) for other in others]
    runs = [_compare("==", left, right, text, context) for left, right in pairs]
    if all(right.constant and type(right.value) is not tuple and left is first for left, right in pairs):
        known = {right.value for _, right in pairs if right.value is not None}
        unknown = None if any(right.value is None for _, right in pairs) else False
        run: Run = single_valued(context, text, [first], lambda value: True if value in known else unknown)
    else:

        def run(row: Row) -> Any:
            result: bool | None = False
            for one in runs:
                value = one(row)
                if value:
                    return True
                if value is None:
                    result = None
            return result

    found = folded(Expression("boolean", run, text, node), [first, *others])
    return _not(found, node, context) if node.NOT() else found


def _signed(node: Node, scope: Scope) -> Expression:
    return signed(node, expression(node.operatorExpression(), scope), scope.context)


def _calculation(node: Node, scope: Scope) -> Expression:
    return calculation(node, expression(node.left, scope), expression(node.right, scope), scope.context)


def _constant(node: Node, scope: Scope) -> Expression:
    return literal(node.constant())


def _call(node: Node, scope: Scope) -> Expression:
    column = scope.same.get(text_of(node))
    if column:
        return Expression(column.type, operator.itemgetter(column.index), text_of(node), node)
    return call(node.functionExpression(), scope, expression)


def _cast(node: Node, scope: Scope) -> Expression:
    return cast(node, expression(node.primaryExpression(), scope), scope)


def _regex(node: Node, scope: Scope) -> Expression:
    inner = node.regexBooleanExpression()
    compiled = rlike if kind(inner) == "RlikeExpression" else like
    subject = expression(inner.valueExpression(), scope)
    found = compiled(inner, subject, scope.context)
    return _not(replace(found, node=node), node, scope.context) if inner.NOT() else found


def _matched(node: Node, scope: Scope) -> Expression:
    inner = node.matchBooleanExpression()
    if inner.fieldType:
        refuse("a cast before the match operator", node)
    return match(inner, name_of(inner.fieldExp), literal(inner.matchQuery), scope)


_COMPILERS: Mapping[str, Callable[[Node, Scope], Expression]] = {
    "BooleanDefault": _inside,
    "ValueExpressionDefault": _inside,
    "OperatorExpressionDefault": _inside,
    "ParenthesizedExpression": _bracketed,
    "Dereference": _column,
    "LogicalBinary": _connected,
    "LogicalNot": _negated,
    "IsNull": _is_null,
    "Comparison": _comparison,
    "LogicalIn": _in,
    "ArithmeticUnary": _signed,
    "ArithmeticBinary": _calculation,
    "ConstantDefault": _constant,
    "Function": _call,
    "InlineCast": _cast,
    "RegexExpression": _regex,
    "MatchExpression": _matched,
}
