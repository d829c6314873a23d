"""The command `search`: which events its expression lets through.

Search Reference, 'search'. What it says and what is done where it is silent:
- Values are compared without regard to case, field names with regard to it.
- `=` and `!=` compare text, so 1 is not 1.0. The others compare numbers where both sides are, else text in the order
  of its code points ('Lexicographical order'). A wildcard or CIDR range next to `<` is refused.
- An event without the field meets no comparison, `!=` and IN included; NOT turns that round (Search Manual,
  'Difference between != and NOT').
- Of several values any will do. For `!=` the pages do not say: see `Readings.unequal_any`.
- A value in the form of a range matches the addresses in it. In IN it is refused: no page has it there.
- `*` alone is any value, also the empty one. A bare `*` is every event.
- Terms are looked for in `_raw`, between breakers ('Event segmentation'); a `*` stands for characters within a term.
  CASE() and TERM() are refused by the grammar.
- earliest= is the first second that counts and latest= the first that does not (Search Manual, 'Specify time modifiers
  in your search'). They are taken from the first command only, and refused below OR and NOT.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from lark import Token
from oracles.spl_addresses import in_range, looks_like_range
from oracles.spl_grammar import Node, refuse, tokens_of, trees_of, unquoted
from oracles.spl_regexes import wildcard
from oracles.spl_times import moment
from oracles.spl_values import Event, Number, Readings, Scalar, Value, number, text, values_of

Test: TypeAlias = Callable[[Event], bool]

_TIMES = ("earliest", "latest")
# 'Event segmentation': what parts terms in the index; the minor ones also join the parts of a longer term.
_MAJOR = r"""\s\[\]<>(){}|!;,'"*&?+"""
_MINOR = r"""/:=@.\-$#%\\_"""


def compiled(tree: Node, readings: Readings, now: Number, *, first: bool) -> Test:
    """The test that the tree of a search expression makes. `first` says whether it reads from the indexes."""
    parts = trees_of(tree) if tree.data == "all_of" else [tree]
    return _all([_part(part, readings, now, first) for part in parts])


def _part(tree: Node, readings: Readings, now: Number, first: bool) -> Test:
    # Time modifiers only count where every event must meet them.
    if first and tree.data == "comparison" and _name(tree) in _TIMES:
        return _time(tree, now)
    return _compile(tree, readings)


def _time(tree: Node, now: Number) -> Test:
    operator, value = tokens_of(tree)[0], _value(tree)
    if operator != "=":
        refuse("a time modifier takes =", operator)
    bound = moment(unquoted(value), now)

    def seconds(event: Event) -> Number | None:
        at = event.get("_time")
        return None if isinstance(at, str | tuple) else at

    if _name(tree) == "earliest":
        return lambda event: (at := seconds(event)) is not None and at >= bound
    return lambda event: (at := seconds(event)) is not None and at < bound


def _compile(tree: Node, readings: Readings) -> Test:
    match tree.data:
        case "all_of":
            return _all([_compile(part, readings) for part in trees_of(tree)])
        case "any_of":
            return _any([_compile(part, readings) for part in trees_of(tree)])
        case "negated":
            inner = _compile(trees_of(tree)[0], readings)
            return lambda event: not inner(event)
        case "comparison":
            return _comparison(tree, readings)
        case "membership":
            return _membership(tree)
        case _:
            return _term(unquoted(tokens_of(trees_of(tree)[0])[0]))


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def every(event: Event) -> bool:
        for test in tests:  # noqa: SIM110  A generator would cost more than the tests.
            if not test(event):
                return False
        return True

    return every


def _any(tests: list[Test]) -> Test:
    def some(event: Event) -> bool:
        for test in tests:  # noqa: SIM110
            if test(event):
                return True
        return False

    return some


def _name(tree: Node) -> str:
    return unquoted(tokens_of(trees_of(tree)[0])[0])


def _value(tree: Node) -> Token:
    return tokens_of(trees_of(tree)[-1])[0]


def _comparison(tree: Node, readings: Readings) -> Test:
    name, operator, token = _name(tree), tokens_of(tree)[0], _value(tree)
    value = unquoted(token)
    if name in _TIMES:
        refuse("a time modifier below OR or NOT, or after the first command", operator)
    if "*" in name:
        refuse("a wildcard in the name of a field", tokens_of(trees_of(tree)[0])[0])
    if operator in ("=", "!="):
        return _equality(name, value, str(operator), readings)
    if "*" in value or looks_like_range(value):
        refuse(f"{operator} with a wildcard or a range", token)
    return _order(name, value, str(operator))


def _equality(name: str, value: str, operator: str, readings: Readings) -> Test:
    matches = _matcher(value)
    if operator == "=":

        def equal(event: Event) -> bool:
            held = event.get(name)
            return held is not None and (any(map(matches, held)) if isinstance(held, tuple) else matches(held))

        return equal

    def unequal(event: Event) -> bool:
        differ = [not matches(held) for held in values_of(event.get(name))]
        return bool(differ) and (any(differ) if readings.unequal_any else all(differ))

    return unequal


@lru_cache(maxsize=8192)
def _matcher(value: str) -> Callable[[Scalar], bool]:
    """Whether a single value is the one of a comparison with `=`."""
    if looks_like_range(value):
        holds = in_range(value)
        return lambda held: holds(text(held))
    if "*" in value:
        full = wildcard(value).fullmatch
        return lambda held: full(text(held)) is not None
    wanted = value.lower()
    return lambda held: text(held).lower() == wanted


def _order(name: str, value: str, operator: str) -> Test:
    limit = number(value)

    def holds(held: Scalar) -> bool:
        as_number = number(held)
        # Two numbers, or two texts: never one of each.
        if limit is not None and as_number is not None:
            return ordered(as_number, limit, operator)
        return ordered(text(held), value, operator)

    return lambda event: any(map(holds, values_of(event.get(name))))


def ordered(left: Value, right: Value, operator: str) -> bool:
    """Whether two numbers or two texts stand in the order that `<`, `<=`, `>` or `>=` says."""
    if operator in ("<", ">="):
        return (left < right) == (operator == "<")  # type: ignore[operator]
    return (left > right) == (operator == ">")  # type: ignore[operator]


def _membership(tree: Node) -> Test:
    name = _name(tree)
    if name in _TIMES or "*" in name:
        refuse("IN of a time modifier or a wildcard", tokens_of(trees_of(tree)[0])[0])
    plain: set[str] = set()
    patterns: list[Callable[[Scalar], bool]] = []
    for child in trees_of(tree)[1:]:
        value = unquoted(tokens_of(child)[0])
        if looks_like_range(value):
            refuse("a range in IN", tokens_of(child)[0])
        if "*" in value:
            patterns.append(_matcher(value))
        else:
            plain.add(value.lower())

    def holds(held: Scalar) -> bool:
        return text(held).lower() in plain or any(pattern(held) for pattern in patterns)

    return lambda event: any(map(holds, values_of(event.get(name))))


def _term(value: str) -> Test:
    if not value.strip("*"):
        return lambda event: True
    found = _term_pattern(value).search

    def holds(event: Event) -> bool:
        return found(raw(event)) is not None

    return holds


def raw(event: Event) -> str:
    """The text of an event: `_raw`, or, where it has none, its values with spaces between them."""
    held = event.get("_raw")
    if held is None:
        return " ".join(text(value) for values in event.values() for value in values_of(values))
    return "\n".join(map(text, values_of(held)))


@lru_cache(maxsize=4096)
def _term_pattern(value: str) -> re.Pattern[str]:
    parts = rf"[^{_MAJOR}]*".join(re.escape(part) for part in re.split(r"\*+", value))
    edge = rf"[{_MAJOR}{_MINOR}]"
    # An edge that is itself a breaker, or a wildcard, needs none beside it.
    before = "" if value[0] == "*" or re.match(edge, value[0]) else rf"(?:^|(?<={edge}))"
    after = "" if value[-1] == "*" or re.match(edge, value[-1]) else rf"(?=$|{edge})"
    return re.compile(before + parts + after, re.IGNORECASE)
