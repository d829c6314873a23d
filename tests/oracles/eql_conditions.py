"""Conditions of EQL, compiled to closures over events.

A condition has two answers: whether an event matches it, and whether one matches `not` of it. Elasticsearch
translates a condition to queries ('EQL search', and ExpressionTranslators in its source): a comparison of a field
with a constant becomes a query that any value of the field may match and a missing one never does, and `not` of that
is bool must_not, which a missing field does match. So most conditions are two-valued, and

- `x == "a"` holds where any value is "a"; `x != "a"` and `not x == "a"` hold where none is, and for a missing x.
- `x == null` holds for a missing x, `x != null` for any value.

What becomes a script instead (length, string) is asked of each value alone, any of which is enough, and is null for a
missing field: then neither it nor `not` of it matches. Null is also a comparison with the constant null, other than
of a field with == and !=. What is open is in eql_values.Readings.

Types are checked as the verifier does. Errors: a field without mapping, unless it is `?field`; a text field; a
keyword compared with a number; `:`, `like` and `regex` of other than text; a field compared with a field; a condition
that is no Boolean. Without a mapping the values of the events tell the type, when an event with another asks.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

from oracles.eql_operands import KINDS, NULL, Condition, Operand, Predicate, always, length, never, string, typed
from oracles.eql_tokens import EqlError, EqlUnsupported
from oracles.eql_tree import Call, Comparison, Expression, Field, Literal, Logic, Lookup, Not
from oracles.eql_values import (
    Held,
    Readings,
    Test,
    Value,
    Values,
    address,
    equal_text,
    kind,
    like,
    wildcard_query,
    within,
)
from oracles.lucene_regexp import LuceneRegexError, VersionsDiffer, check, matches

ORDERS: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


TRUE, FALSE = Condition(always, never), Condition(never, always)


class Conditions:
    """Compiles conditions under a mapping (None: every field is known) and a reading."""

    def __init__(self, mapping: Mapping[str, str] | None, readings: Readings) -> None:
        """mapping: field types by name."""
        self.mapping, self.readings = mapping, readings

    def field_kind(self, field: Field) -> tuple[str | None, bool]:
        """What a field holds, and whether it has no mapping. Raises EqlError."""
        if field.name in ("@timestamp", "_id", "_index"):
            raise EqlUnsupported(f"{field.name} in a condition", field.at)
        if self.mapping is None:
            return None, False
        declared = self.mapping.get(field.name)
        if declared is None:
            if field.optional:
                return None, True
            raise EqlError(f"unknown column {field.name}", field.at)
        if declared == "text":
            raise EqlError(f"{field.name} is a text field", field.at)
        if declared not in KINDS:
            raise EqlUnsupported(f"{field.name} is of type {declared}", field.at)
        return KINDS[declared], False

    def condition(self, expression: Expression) -> Condition:
        """Compile. Raises EqlError."""
        if isinstance(expression, Logic):
            return self.logic(expression)
        if isinstance(expression, Not):
            inner = self.condition(expression.inner)
            return Condition(inner.fails, inner.holds, inner.null)
        if isinstance(expression, Comparison):
            return self.comparison(expression)
        if isinstance(expression, Lookup):
            return self.lookup(expression)
        if isinstance(expression, Call):
            return self.function(expression)
        if isinstance(expression, Field):
            return self.compared(self.operand(expression), "==", Literal(True, expression.at), expression.at)
        if expression.value is None:
            return NULL
        if not isinstance(expression.value, bool):
            raise EqlError("a condition must be a Boolean", expression.at)
        return TRUE if expression.value else FALSE

    def logic(self, expression: Logic) -> Condition:
        left, right = self.condition(expression.left), self.condition(expression.right)

        def both(one: Predicate, two: Predicate) -> Predicate:
            return lambda event: one(event) and two(event)

        def either(one: Predicate, two: Predicate) -> Predicate:
            return lambda event: one(event) or two(event)

        if left.null or right.null:
            if expression.operator == "and":
                return Condition(both(left.holds, right.holds), either(left.fails, right.fails), True)
            return Condition(either(left.holds, right.holds), both(left.fails, right.fails), True)
        # A bool query, of which must_not is the complement, whatever it holds.
        holds = (both if expression.operator == "and" else either)(left.holds, right.holds)
        return Condition(holds, lambda event: not holds(event))

    def operand(self, expression: Expression) -> Operand:
        """A field, or length() or string() of one."""
        if isinstance(expression, Field):
            found, absent = self.field_kind(expression)
            return Operand(expression.name, found, None, absent, expression.at)
        if not isinstance(expression, Call) or expression.name not in ("length", "string"):
            raise EqlUnsupported("a comparison of this", getattr(expression, "at", 0))
        if expression.insensitive or len(expression.arguments) != 1:
            raise EqlError(f"{expression.name} takes one argument, and no ~", expression.at)
        (argument,) = expression.arguments
        if not isinstance(argument, Field):
            raise EqlUnsupported(f"{expression.name} of other than a field", expression.at)
        inner = self.operand(argument)
        if expression.name == "length":
            if inner.kind not in ("text", None):
                raise EqlError(f"length of {inner.field}, which is no keyword", expression.at)
            return Operand(inner.field, "number", length, inner.absent, expression.at)
        return Operand(inner.field, "text", string, inner.absent, expression.at)

    def comparison(self, expression: Comparison) -> Condition:
        left, right, sign = expression.left, expression.right, expression.operator
        if isinstance(left, Literal):
            left, right, sign = right, left, _MIRRORED[sign]
        if not isinstance(right, Literal):
            raise EqlError("fields are not compared with fields", expression.at)
        if isinstance(left, Literal):
            return self.constants(left, right, sign, expression.at)
        if isinstance(left, Call) and left.name not in ("length", "string"):
            # BooleanFunctionEqualsElimination: f(x) == false is `not f(x)`.
            if not isinstance(right.value, bool) or sign not in ("==", "!="):
                raise EqlUnsupported("a function compared with this", expression.at)
            found = self.function(left)
            return found if right.value == (sign == "==") else Condition(found.fails, found.holds, found.null)
        return self.compared(self.operand(left), sign, right, expression.at)

    def constants(self, left: Literal, right: Literal, sign: str, at: int) -> Condition:
        """Folded before the search. With null, the comparison is null."""
        # `comparison` has put them in reverse order.
        first, second = right.value, left.value
        if first is None or second is None:
            return NULL
        raise EqlUnsupported("constants are compared", at)

    def compared(self, operand: Operand, sign: str, right: Literal, at: int) -> Condition:
        if right.value is None:
            return self.null_check(operand, sign)
        self.agree(operand, right)
        if sign in ORDERS and (isinstance(right.value, bool) or operand.kind == "ip"):
            raise EqlUnsupported(f"{sign} of {right.value!r}", at)
        if sign in ORDERS:
            return self.ordered(operand, sign, right)
        equal = self.atom(operand, self.equality(operand, right, False))
        if sign == "==":
            return equal
        if equal.null:
            return NULL
        holds, field = equal.fails, operand.field
        if operand.per_value is None and not operand.absent and not self.readings.unequal_for_missing:
            return Condition(lambda event: field in event and holds(event), equal.holds)
        return Condition(holds, equal.holds)

    def ordered(self, operand: Operand, sign: str, right: Literal) -> Condition:
        def test(order: Callable[..., bool]) -> Test:
            return lambda value: order(value, right.value)

        return self.atom(operand, typed(operand, right, test(ORDERS[sign])))

    def null_check(self, operand: Operand, sign: str) -> Condition:
        if sign not in ("==", "!="):
            return NULL
        if operand.per_value is not None:
            raise EqlUnsupported("a function compared with null", operand.at)
        field = operand.field
        if operand.absent:
            return TRUE if sign == "==" else FALSE
        exists = Condition(lambda event: field in event, lambda event: field not in event)
        return exists if sign == "!=" else Condition(exists.fails, exists.holds)

    def lookup(self, expression: Lookup) -> Condition:
        operand = self.operand(expression.left)
        tests = []
        for constant in expression.values:
            if constant.value is None:
                raise EqlUnsupported("null among the values", constant.at)
            if expression.operator == "in":
                self.agree(operand, constant)
                tests.append(self.equality(operand, constant, expression.insensitive))
            else:
                tests.append(self.pattern(operand, expression, constant))
        if len(tests) == 1:
            return self.atom(operand, tests[0])
        return self.atom(operand, lambda value: any(test(value) for test in tests))

    def pattern(self, operand: Operand, expression: Lookup, constant: Literal) -> Test:
        if not isinstance(constant.value, str) or operand.kind not in ("text", None):
            raise EqlError(f"{expression.operator} is for strings", constant.at)
        if expression.operator == "like":
            return typed(operand, constant, like(constant.value, expression.insensitive, self.readings))
        pattern, ignore, unicode_case = constant.value, expression.insensitive, self.readings.unicode_case
        try:
            check(pattern)
            matches(pattern, "", ignore_case=ignore, unicode_case=unicode_case)
        except VersionsDiffer as error:
            raise EqlUnsupported(str(error), constant.at) from error
        except LuceneRegexError as error:
            raise EqlError(str(error), constant.at) from error
        return typed(
            operand,
            constant,
            lambda value: matches(pattern, str(value), ignore_case=ignore, unicode_case=unicode_case),
        )

    def equality(self, operand: Operand, right: Literal, insensitive: bool) -> Test:
        wanted = right.value
        assert wanted is not None
        if operand.kind == "ip":
            at = address(str(wanted))
            return lambda value: address(str(value)) == at
        if isinstance(wanted, str):
            return typed(operand, right, equal_text(wanted, insensitive, self.readings))
        return typed(operand, right, lambda value: value == wanted)

    def function(self, expression: Call) -> Condition:
        """The functions that are conditions. 'EQL function reference'."""
        name, at = expression.name, expression.at
        if name not in ("cidrMatch", "startsWith", "endsWith", "stringContains"):
            raise EqlUnsupported(f"the function {name} as a condition", at)
        if len(expression.arguments) < 2 or (name != "cidrMatch" and len(expression.arguments) > 2):
            raise EqlError(f"{name} has another number of arguments", at)
        field, *rest = expression.arguments
        constants = [argument.value for argument in rest if isinstance(argument, Literal)]
        if not isinstance(field, Field) or len(constants) != len(rest) or None in constants:
            raise EqlUnsupported(f"{name} of other than a field and constants", at)
        texts = [constant for constant in constants if isinstance(constant, str)]
        if len(texts) != len(constants) or (name == "cidrMatch" and expression.insensitive):
            raise EqlError(f"{name} is for strings, and cidrMatch has no ~", at)
        operand = self.operand(field)
        if operand.kind not in (("ip", None) if name == "cidrMatch" else ("text", None)):
            raise EqlError(f"{name} of {field.name}, which is of another type", at)
        if name == "cidrMatch":
            tests = [typed(operand, Literal("", at), within(text)) for text in texts]
            return self.atom(operand, lambda value: any(test(value) for test in tests))
        if not texts[0]:
            raise EqlUnsupported(f"{name} of the empty text", at)
        test = typed(operand, Literal("", at), self.text_function(expression, texts[0]))
        return self.atom(operand, test, script=not self.readings.functions_are_queries)

    def text_function(self, expression: Call, text: str) -> Test:
        before = "" if expression.name == "startsWith" else "*"
        after = "" if expression.name == "endsWith" else "*"
        insensitive = expression.insensitive
        wild = self.readings.functions_are_queries and self.readings.functions_read_wildcards
        if not wild or expression.name == "startsWith":
            text = "".join("\\" + letter if letter in "*?\\" else letter for letter in text)
        return wildcard_query(before + text + after, insensitive, self.readings)

    def agree(self, operand: Operand, right: Literal) -> None:
        assert right.value is not None
        held = "text" if operand.kind == "ip" else operand.kind
        if held is not None and held != kind(right.value):
            raise EqlError(f"{operand.field} is compared with a {kind(right.value)}", right.at)

    def atom(self, operand: Operand, test: Test, script: bool = False) -> Condition:
        """A test of any value. As a query, `not` is the complement; as a script, a value that fails."""
        if operand.absent and self.readings.absent_is_null:
            return NULL
        field, change = operand.field, operand.per_value
        nothing: Values = ()

        def holds(event: Held) -> bool:
            return any(map(changed, event.get(field, nothing)))

        if change is None:
            changed = test
        else:
            of = change

            def changed(value: Value) -> bool:
                return test(of(value))

        if script or change is not None:
            return Condition(holds, lambda event: not all(map(changed, event.get(field, nothing))))
        return Condition(holds, lambda event: not holds(event))
