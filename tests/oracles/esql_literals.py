"""Literals. ES|QL reference, 'Basic syntax' and 'Time spans'.

A whole number is the first of `integer` and `long` that holds it; above `long` it is refused. Numbers of an array
have the widest type among them. A time span is a pair: months, and milliseconds.
"""

from __future__ import annotations

from oracles.esql_grammar import EsqlUnsupported, Node, kind, place, string_value, text_of
from oracles.esql_times import PERIODS, UNITS
from oracles.esql_values import Value, fits, several
from oracles.esql_verifier import Expression, constant, error


def literal(node: Node) -> Expression:
    """A constant of the grammar."""
    text = text_of(node)
    match kind(node):
        case "NullLiteral":
            return constant(None, "null", text, node)
        case "BooleanLiteral":
            return constant(text.lower() == "true", "boolean", text, node)
        case "StringLiteral":
            return constant(string_value(text), "keyword", text, node, literal=True)
        case "IntegerLiteral":
            value, type_ = _whole(text, node)
            return constant(value, type_, text, node)
        case "DecimalLiteral":
            return constant(float(text), "double", text, node)
        case "QualifiedIntegerLiteral":
            return _span(node)
        case "StringArrayLiteral":
            return constant(several(string_value(one.getText()) for one in node.string()), "keyword", text, node)
        case "BooleanArrayLiteral":
            held = several(one.getText().lower() == "true" for one in node.booleanValue())
            return constant(held, "boolean", text, node)
        case "NumericArrayLiteral":
            return _numbers(node)
    raise EsqlUnsupported("a query parameter", *place(node))


def _whole(text: str, node: Node) -> tuple[int, str]:
    value = int(text)
    for type_ in ("integer", "long"):
        if fits(value, type_):
            return value, type_
    raise EsqlUnsupported("a whole number above the range of long", *place(node))


def _numbers(node: Node) -> Expression:
    values: list[Value] = []
    types = set()
    for one in node.numericValue():
        if one.decimalValue():
            values.append(float(one.getText()))
            types.add("double")
        else:
            value, type_ = _whole(one.getText(), node)
            values.append(value)
            types.add(type_)
    if "double" in types:
        values = [float(value) for value in values]
    type_ = next(one for one in ("double", "long", "integer") if one in types)
    return constant(several(values), type_, text_of(node), node)


def _span(node: Node) -> Expression:
    """A time span as months and milliseconds ('Time spans', the table of units)."""
    count, unit = int(node.integerValue().getText()), node.UNQUOTED_IDENTIFIER().getText().lower()
    if unit not in UNITS:
        raise error(f"unexpected temporal unit: [{unit}]", node)
    months, milliseconds = UNITS[unit]
    type_ = "date_period" if unit in PERIODS else "time_duration"
    return constant((count * months, count * milliseconds), type_, text_of(node), node)
