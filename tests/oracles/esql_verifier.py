"""What an expression may be made of: the types of ES|QL, and the errors of its verifier.

Pages of the ES|QL reference: 'Functions and operators' (each function's table of supported types), 'Operators'
(`==`, `<`, `+`, …), 'Implicit casting', 'Multi-index queries', 'Union types'. A query with a wrong type is refused
before it runs, and so it is here: EsqlError. The texts of the messages are near Elastic's, not the same.

- Only a string literal is cast, never a column: to date, ip, version, boolean. One that is none of these is an error.
- A null literal fits everywhere; what comes out is null.
- `text` is `keyword` as soon as something is done with it ('Limitations').
- Numbers of different types compare. In CASE, COALESCE, GREATEST, LEAST and MV_APPEND they are refused here, since
  the versions differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from oracles.esql_grammar import EsqlError, EsqlUnsupported, Node, place
from oracles.esql_values import SEVERAL, Context, Row, Run, Value, address, date_of

STRING = frozenset({"keyword", "text"})
WHOLE = frozenset({"integer", "long"})
NUMERIC = WHOLE | {"double"}
SPANS = frozenset({"time_duration", "date_period"})
SCALAR = STRING | NUMERIC | {"boolean", "date", "ip", "version"}

KINDS: Mapping[str, frozenset[str]] = {
    "string": STRING,
    "integer": frozenset({"integer"}),
    "whole number": WHOLE,
    "numeric": NUMERIC,
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date"}),
    "ip": frozenset({"ip"}),
    "any": SCALAR,
    "time span": SPANS,
}
"""Names of groups of types, as the signatures of functions use them."""


@dataclass(frozen=True)
class Column:
    """A column of a table: where it is in a row, its type, and where it comes from.

    origin: a field of an index, computed, or renamed. unusable: why no expression may name it.
    """

    index: int
    type: str
    origin: Literal["field", "computed", "renamed"] = "computed"
    unusable: str = ""


@dataclass(frozen=True)
class Expression:
    """An expression, compiled. `run` takes a row.

    constant: whether it has the same value in each row, and `value` is that. literal: a string literal, which is cast
    where another type is wanted. casing: for TO_LOWER(x) and TO_UPPER(x), which of the two, and x.
    """

    type: str
    run: Run
    text: str
    node: Node = field(repr=False)
    constant: bool = False
    value: Value = None
    literal: bool = False
    casing: tuple[Literal["lower", "upper"], Expression] | None = None


MATCH_IN_STATS = "the match operator in STATS"
"""Some versions have it, so that it is refused as left out."""


@dataclass
class Scope:
    """What an expression may name, and where it stands.

    match: why `:` is refused here, empty where it is allowed. aggregate: compiles a call of an aggregate function;
    None where there may be none. grouping: whether BUCKET may stand here. hidden: names that mean two things here.
    only_groups: the columns are the groups of STATS. same: texts of the calls that are a group, and its column.
    """

    columns: Mapping[str, Column]
    context: Context
    match: str = "the match operator is only allowed in WHERE"
    aggregate: Callable[[Node, str], Expression] | None = None
    grouping: bool = False
    hidden: frozenset[str] = frozenset()
    only_groups: bool = False
    same: Mapping[str, Column] = field(default_factory=dict)


def constant(value: Value, type_: str, text: str, node: Node, *, literal: bool = False) -> Expression:
    """An expression that is one value."""
    return Expression(type_, lambda row: value, text, node, constant=True, value=value, literal=literal)


def error(message: str, node: Node) -> EsqlError:
    """An error of the verifier at a node."""
    return EsqlError(message, *place(node))


def need(expression: Expression, kind: str, what: str) -> None:
    """Raise EsqlError unless an expression has one of the types of a kind, or is a null literal."""
    if expression.type == "null" or expression.type in KINDS[kind]:
        return
    raise error(f"{what} must be [{kind}], found [{expression.text}] of type [{expression.type}]", expression.node)


def cast_literal(expression: Expression, type_: str) -> Expression:
    """A string literal as another type, where the page 'Implicit casting' has it; otherwise the expression itself."""
    if not expression.literal or type_ not in ("date", "ip", "boolean", "version"):
        return expression
    text = expression.value
    found: Value = text
    if type_ == "date":
        found = date_of(text)
    elif type_ == "ip":
        found = address(text)
    elif type_ == "boolean":
        found = {"true": True, "false": False}.get(text.lower())
    if found is None:
        raise error(f"cannot convert string [{text}] to [{type_}]", expression.node)
    return constant(found, type_, expression.text, expression.node)


def family(type_: str) -> str:
    """Types that compare with one another have one family."""
    return "numeric" if type_ in NUMERIC else "string" if type_ in STRING else type_


def comparable(operator: str, left: Expression, right: Expression, text: str) -> tuple[Expression, Expression]:
    """The two sides of a comparison with string literals cast. Raises EsqlError for types that do not compare.

    '`==`' and '`!=`' take all types; the other four no Booleans.
    """
    left, right = cast_literal(left, right.type), cast_literal(right, left.type)
    for side in (left, right):
        if side.type in SPANS:
            raise error(f"[{text}] compares a time span", side.node)
        if side.type == "boolean" and operator not in ("==", "!="):
            raise error(f"argument of [{text}] must not be boolean", side.node)
        if side.type == "version" and operator not in ("==", "!="):
            raise EsqlUnsupported("the order of versions", *place(side.node))
    if "null" not in (left.type, right.type) and family(left.type) != family(right.type):
        raise error(
            f"first argument of [{text}] is [{left.type}] so second argument must also be [{family(left.type)}]"
            f" but was [{right.type}]",
            right.node,
        )
    return left, right


def unified(expressions: Iterable[Expression], what: str) -> tuple[str, list[Expression]]:
    """The one type of several expressions, and these with string literals cast. EsqlError where there is none."""
    held = list(expressions)
    types = [one.type for one in held if one.type != "null" and not one.literal] or [
        one.type for one in held if one.type != "null"
    ]
    if not types:
        return "null", held
    wanted = "keyword" if types[0] in STRING else types[0]
    held = [cast_literal(one, wanted) for one in held]
    for one in held:
        if one.type == "null" or family(one.type) == wanted or one.type == wanted:
            continue
        if wanted == "keyword" and one.type in STRING:
            continue
        if family(one.type) == family(wanted):
            raise EsqlUnsupported(f"{what} of numbers of different types", *place(one.node))
        raise error(f"{what}: [{one.text}] must be [{wanted}], found [{one.type}]", one.node)
    return wanted, held


class Failed(Exception):
    """A function that failed for a value: the result is null, with a warning."""


def folded(expression: Expression, arguments: Iterable[Expression]) -> Expression:
    """An expression whose arguments are all constant, as a constant."""
    if all(one.constant for one in arguments):
        value = expression.run([])
        return replace(expression, constant=True, value=value, run=lambda row: value)
    return expression


def single_valued(context: Context, text: str, arguments: list[Expression], apply: Callable[..., Any]) -> Run:
    """A function of single values: null where any argument is null or has several ('Multivalued fields').

    `apply` raises Failed for what becomes null with a warning.
    """
    runs = [argument.run for argument in arguments]
    if len(runs) == 1:
        (only,) = runs

        def run_one(row: Row) -> Any:
            value = only(row)
            if value is None:
                return None
            if type(value) is tuple:
                context.warn(text, SEVERAL)
                return None
            try:
                return apply(value)
            except Failed as failure:
                context.warn(text, str(failure))
                return None

        return run_one

    def run(row: Row) -> Any:
        values = []
        for one in runs:
            value = one(row)
            if value is None:
                return None
            if type(value) is tuple:
                context.warn(text, SEVERAL)
                return None
            values.append(value)
        try:
            return apply(*values)
        except Failed as failure:
            context.warn(text, str(failure))
            return None

    return run
