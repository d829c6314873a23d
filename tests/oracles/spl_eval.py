"""The expressions of `eval` and `where`, compiled to functions of an event.

Search Reference, 'eval', 'where'; Search Manual, 'Boolean expressions with logical operators'. Kinds are checked when a
query is compiled: a condition must be Boolean, and a Boolean cannot be a field's value ('eval', 'Boolean values').

Comparisons. Case counts. Two numbers, or texts that look like them, compare as numbers; text in quotation marks does as
`Readings.quoted_is_text` says; all else compares as text. A comparison with null is never true; see
`Readings.null_is_false` for what NOT makes of it. Several values in a comparison or in a function that is not one of
those for several values are refused when the query runs: no page says what they do.

Null: arithmetic and `.` with null give null, as does a division by zero ('eval', 'Numeric calculations').
`+` of two texts joins them; of a number and other text it is refused, as is other arithmetic with text that is no
number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from lark import Token
from oracles.spl_grammar import Node, SplUnsupported, refuse, tokens_of, trees_of, unquoted
from oracles.spl_regexes import like
from oracles.spl_search import ordered
from oracles.spl_values import Event, Number, Readings, Scalar, Value, decimal, number, reduced, single, text

Evaluate: TypeAlias = Callable[[Event], Value | None]
Decide: TypeAlias = Callable[[Event], bool | None]
"""True, false, or null where `Readings.null_is_false` is not set."""


@dataclass(frozen=True)
class Context:
    """What is compiled with a query: when it runs, the readings, and the end of its range (None for all time)."""

    now: Number
    readings: Readings
    latest: Number | None = None

    @property
    def unknown(self) -> bool | None:
        """What a comparison with null gives."""
        return False if self.readings.null_is_false else None


def condition(tree: Node, context: Context) -> Decide:
    """A Boolean expression. Raises SplUnsupported for another."""
    from oracles.spl_functions import CONDITIONS

    match tree.data:
        case "all_of":
            return _all([condition(part, context) for part in trees_of(tree)])
        case "any_of":
            return _any([condition(part, context) for part in trees_of(tree)])
        case "exclusive":
            left, right = (condition(part, context) for part in trees_of(tree))
            return lambda event: None if None in (a := (left(event), right(event))) else a[0] is not a[1]
        case "negated":
            inner = condition(trees_of(tree)[0], context)
            return lambda event: None if (held := inner(event)) is None else not held
        case "compared":
            return _compared(tree, context)
        case "like":
            value, pattern = trees_of(tree)
            return like_test(value, pattern, context)
        case "within":
            return within(trees_of(tree), context)
        case "call" if str(tree.children[0]) in CONDITIONS:
            return CONDITIONS[str(tree.children[0])](tree, context)
    return refuse("a condition must be Boolean", tree)


def value(tree: Node, context: Context) -> Evaluate:
    """An expression that is a value. Raises SplUnsupported for a Boolean one."""
    from oracles.spl_functions import VALUES

    match tree.data:
        case "number":
            held = number(str(tree.children[0]))
            return lambda event: held
        case "string":
            string = unquoted(tokens_of(tree)[0])
            return lambda event: string
        case "field":
            name = unquoted(tokens_of(tree)[0])
            return lambda event: event.get(name)
        case "negative":
            inner = value(trees_of(tree)[0], context)
            return lambda event: None if (held := operand(inner(event), "-")) is None else -held
        case "arithmetic":
            return _arithmetic(tree, context)
        case "joined":
            parts = [value(part, context) for part in trees_of(tree)]
            return lambda event: _joined([single(part(event), "'.'") for part in parts])
        case "call" if str(tree.children[0]) in VALUES:
            return VALUES[str(tree.children[0])](tree, context)
        case "call":
            refuse(f"the function {tree.children[0]}() here", tree)
    return refuse("a Boolean is no value", tree)


def assignments(tree: Node, context: Context) -> list[tuple[str, Evaluate]]:
    """The fields that `eval` sets, in order. Each sees what the ones before it have set ('eval', 'Usage')."""
    parts = []
    for assignment in trees_of(tree):
        target, expression = trees_of(assignment)
        parts.append((unquoted(tokens_of(target)[0]), value(expression, context)))
    return parts


def operand(held: Value | None, what: str) -> Number | None:
    """The number of an operand, null for null. Raises SplUnsupported for text that is none."""
    alone = single(held, what)
    if alone is None:
        return None
    found = number(alone)
    if found is None:
        raise SplUnsupported(f"{what} of {alone!r}, which is no number")
    return found


def is_quoted(tree: Node) -> bool:
    """Whether an expression is text in quotation marks."""
    return tree.data == "string"


def compare(left: Scalar, right: Scalar, operator: str, as_text: bool) -> bool:
    """A comparison of two values that are there."""
    if not as_text:
        first, second = number(left), number(right)
        if first is not None and second is not None:
            if operator in ("=", "=="):
                return first == second
            return first != second if operator == "!=" else ordered(first, second, operator)
    a, b = text(left), text(right)
    if operator in ("=", "=="):
        return a == b
    return a != b if operator == "!=" else ordered(a, b, operator)


def like_test(value_tree: Node, pattern_tree: Node, context: Context) -> Decide:
    """LIKE, and the function like()."""
    held, pattern = value(value_tree, context), value(pattern_tree, context)
    escapes = context.readings.like_escapes
    unknown = context.unknown

    def holds(event: Event) -> bool | None:
        alone, form = single(held(event), "LIKE"), single(pattern(event), "LIKE")
        if alone is None or form is None:
            return unknown
        return like(text(form), escapes).fullmatch(text(alone)) is not None

    return holds


def within(trees: list[Node], context: Context) -> Decide:
    """IN, and the function in(): whether the first is equal to one of the others."""
    held = value(trees[0], context)
    choices = [(value(tree, context), _as_text(tree, trees[0], context)) for tree in trees[1:]]
    unknown = context.unknown

    def holds(event: Event) -> bool | None:
        alone = single(held(event), "IN")
        if alone is None:
            return unknown
        missing = False
        for choice, as_text in choices:
            other = single(choice(event), "IN")
            if other is None:
                missing = True
            elif compare(alone, other, "=", as_text):
                return True
        return unknown if missing else False

    return holds


def _as_text(left: Node, right: Node, context: Context) -> bool:
    return context.readings.quoted_is_text and (is_quoted(left) or is_quoted(right))


def _compared(tree: Node, context: Context) -> Decide:
    left_tree, right_tree = trees_of(tree)
    operator = str(tokens_of(tree)[0])
    left, right = value(left_tree, context), value(right_tree, context)
    as_text = _as_text(left_tree, right_tree, context)
    unknown = context.unknown

    def holds(event: Event) -> bool | None:
        first, second = single(left(event), operator), single(right(event), operator)
        if first is None or second is None:
            return unknown
        return compare(first, second, operator, as_text)

    return holds


def _all(parts: list[Decide]) -> Decide:
    def every(event: Event) -> bool | None:
        answer: bool | None = True
        for part in parts:
            held = part(event)
            if held is False:
                return False
            if held is None:
                answer = None
        return answer

    return every


def _any(parts: list[Decide]) -> Decide:
    def some(event: Event) -> bool | None:
        answer: bool | None = False
        for part in parts:
            held = part(event)
            if held:
                return True
            if held is None:
                answer = None
        return answer

    return some


def _joined(parts: list[Scalar | None]) -> str | None:
    present = [text(part) for part in parts if part is not None]
    return "".join(present) if len(present) == len(parts) else None


def _arithmetic(tree: Node, context: Context) -> Evaluate:
    left, right = (value(part, context) for part in trees_of(tree))
    sign: Token = tokens_of(tree)[0]

    def calculated(event: Event) -> Value | None:
        a, b = single(left(event), sign), single(right(event), sign)
        if a is None or b is None:
            return None
        if sign == "+" and isinstance(a, str) and isinstance(b, str) and number(a) is None and number(b) is None:
            return a + b
        first, second = operand(a, sign), operand(b, sign)
        return None if first is None or second is None else calculate(first, second, sign)

    return calculated


def calculate(first: Number, second: Number, sign: str) -> Number | None:
    """One step of arithmetic, exact where that needs no more than 28 digits. Null for a division by zero."""
    match sign:
        case "+":
            return reduced(first + second)
        case "-":
            return reduced(first - second)
        case "*":
            return reduced(first * second)
    if second == 0:
        return None
    return reduced(decimal(first) / second) if sign == "/" else reduced(decimal(first) % second)
