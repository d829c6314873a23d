"""Prints trees of predicates as EQL.

Elasticsearch translates EQL to Query DSL: a test holds if any value of the field meets it, and its negation holds if no
value does, also for a missing field. Only functions, and fields without a mapping, are null for a missing value, and so
are their negations. `:`, `like` and `like~` have wildcards but no escape, and operators that ignore case fold ASCII
letters only.

Source: Elastic's EQL syntax reference, and ExpressionTranslators and StringUtils in Elasticsearch's source.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from ..common.columns import Column, Kind
from ..common.expression import All, Node, Not, Test, all_of, any_of, lowered, negate
from ..common.layout import INDENT
from ..common.losses import Unsupported
from ..common.semantic_tests import Numbers, OneOf, Present, Same, Texts, TimePart, Truth, Value
from ..elastic import regexes as lucene
from ..elastic.layout import joined, listed
from ..elastic.losses import networks_of
from ..elastic.predicates import Expressions, Networks, Predicate, has_foreign_letters, short
from .text import has_wildcard, name, string


def told(node: Node[Predicate]) -> Node[Predicate]:
    """Replace tests of joined columns by tests of their two halves. NOT stays at the leaves.

    Raises Unsupported for a predicate that EQL cannot express.
    """
    return lowered(node, _told)


def _told(what: Predicate) -> Node[Predicate]:
    column = what.column
    match what:
        case Same():
            raise _unsaid(column, "EQL cannot compare two fields")
        case TimePart():
            raise _unsaid(column, "EQL has no function for a part of a time")
        case Networks() if column.is_text:
            raise _unsaid(column, "it is text here, but EQL's cidrMatch takes addresses only")
        case Texts() | Expressions() if column.many and not column.is_text:
            raise _unsaid(column, "it may hold several values, but EQL's string() reads only one")
        case Texts() if column.halves:
            return any_of([_in_two(what, value) for value in what.values])
        case Expressions() if column.halves:
            both = " and ".join(half.text for half in column.halves)
            raise _unsaid(column, f"it is stored in {both}, which EQL cannot join for a regular expression")
        case Present() if column.halves:
            return Test(Present(column.halves[1]))
    return Test(what)


def _unsaid(column: Column, message: str) -> Unsupported:
    return Unsupported(f"{column.called}: {message}; use --dialect esql", column.called)


def _in_two(what: Texts, value: Value) -> Node[Predicate]:
    """Test `first\\second` for each place where the pattern may match the backslash, or the second half alone."""
    first, second = what.column.halves
    alone = _part_test(second, value, what.cased)
    if value[:1] != (None,):
        # Without an asterisk at its start, the pattern matches the second half alone only if the first is missing.
        alone = all_of([negate(Test(Present(first))), alone])
    parted = [
        all_of([_part_test(first, left, what.cased), _part_test(second, right, what.cased)])
        for left, right in _partings(value)
        if right != value
    ]
    return any_of([*parted, alone])


def _part_test(column: Column, value: Value, cased: bool) -> Node[Predicate]:
    return Test(Present(column)) if value == (None,) else Test(Texts(column, (value,), cased))


def _partings(value: Value) -> list[tuple[Value, Value]]:
    found: list[tuple[Value, Value]] = []
    for at, part in enumerate(value):
        before, after = value[:at], value[at + 1 :]
        if part is None:
            found.append(((*before, None), (None, *after)))
        elif not part:
            found.append((before, after))
        else:
            for place, character in enumerate(part):
                if character == "\\":
                    left, right = part[:place], part[place + 1 :]
                    found.append(((*before, *([left] if left else [])), (*([right] if right else []), *after)))
    return list(dict.fromkeys(found))


def _name(column: Column) -> str:
    return name(column.text, column.optional)


def _is_script(what: Predicate) -> bool:
    """Whether the test calls a function, which is null for a missing field, as is its negation."""
    if isinstance(what, Texts):
        return not what.column.is_text and any(_as_address(what, value) is None for value in what.values)
    return isinstance(what, Expressions) and not what.column.is_text


def _as_address(what: Texts, value: Value) -> str | None:
    """The value as an address if it is one and the column holds addresses; else None."""
    if what.column.kind is not Kind.ADDRESS or len(value) != 1 or not value[0]:
        return None
    try:
        return str(ipaddress.ip_address(value[0]))
    except ValueError:
        return None


def alternatives(what: Predicate, indent: str = "") -> list[str]:
    """Print the test as alternatives; any of them is enough."""
    match what:
        case Texts():
            return _texts(what, indent)
        case Expressions():
            subject = _name(what.column) if what.column.is_text else f"string({_name(what.column)})"
            if what.folded:
                return [f"{subject} regex~ {string(lucene.printed(item))}" for item in what.folded]
            return [f"{subject} regex {string(lucene.printed(item))}" for item in what.items]
        case Networks():
            return [listed("cidrMatch", [_name(what.column), *map(string, networks_of(what))], indent)]
        case Numbers():
            if len(what.numbers) > 1:
                return [listed(f"{_name(what.column)} in ", what.numbers, indent)]
            return [f"{_name(what.column)} {what.operator} {what.numbers[0]}"]
        case Truth():
            return [f"{_name(what.column)} == {str(what.value).lower()}"]
        case Present():
            return [f"{_name(what.column)} != null"]
        case OneOf():
            values = what.values if what.column.kind is Kind.NUMBER else tuple(map(string, what.values))
            if len(values) == 1:
                return [f"{_name(what.column)} == {values[0]}"]
            return [listed(f"{_name(what.column)} in ", values, indent)]
    raise TypeError(f"{what} is no test of EQL")


def _texts(what: Texts, indent: str) -> list[str]:
    if not what.column.is_text:
        return _texts_of_others(what, indent)
    return _of_subject(_name(what.column), what.column, what.values, what.cased, indent)


def _texts_of_others(what: Texts, indent: str) -> list[str]:
    addresses: list[str] = []
    texts: list[Value] = []
    for value in what.values:
        if (address := _as_address(what, value)) is not None:
            addresses.append(address)
        else:
            texts.append(value)
    found = [f"{_name(what.column)} == {string(address)}" for address in addresses]
    if len(found) > 1:
        # Many comparisons would nest too deep for Elasticsearch's parser.
        whole = [string(f"{address}/{128 if ':' in address else 32}") for address in addresses]
        found = [listed("cidrMatch", [_name(what.column), *whole], indent)]
    return [
        *found,
        *(_of_subject(f"string({_name(what.column)})", what.column, texts, what.cased, indent) if texts else []),
    ]


def _of_subject(subject: str, column: Column, values: Sequence[Value], cased: bool, indent: str) -> list[str]:
    """Print the tests of a text: equality, wildcards, and regular expressions where neither is exact."""
    equal: list[str] = []
    like: list[str] = []
    found: list[str] = []
    for value in values:
        plain = [part for part in value if part]
        foreign = not cased and any(has_foreign_letters(part) for part in plain)
        if foreign or (len(value) > 1 and any(map(has_wildcard, plain))):
            item = lucene.wildcard(value, foreign)
            found.append(f"{subject} {'regex' if cased or foreign else 'regex~'} {string(short(item, column))}")
        elif len(value) <= 1 and value not in ((None,), ("",)):
            equal.append("".join(plain))
        else:
            like.append("".join("*" if part is None else part or "?" for part in value))
    tests = []
    if equal:
        operator = "==" if cased else ":" if not any(map(has_wildcard, equal)) and all(equal) else "in~"
        if len(equal) > 1 or operator == "in~":
            operator = "in" if cased else "in~"
        tests.append(_compared(subject, operator, equal, indent))
    if like:
        tests.append(_compared(subject, "like" if cased else "like~", like, indent))
    return [*tests, *found]


def _compared(subject: str, operator: str, values: Sequence[str], indent: str) -> str:
    literals = list(map(string, values))
    if len(literals) > 1 or operator in ("in", "in~"):
        return listed(f"{subject} {operator} ", literals, indent)
    return f"{subject} {operator} {literals[0]}"


def negative(what: Predicate, indent: str, inside: bool) -> str:
    """Print the negated test, which holds for a missing field."""
    if isinstance(what, Present):
        return f"{_name(what.column)} == null"
    tests = alternatives(what, indent)
    text = f"not {tests[0]}" if len(tests) == 1 else f"not ({joined(tests, 'or', indent, False)})"
    if what.column.optional or _is_script(what):
        return joined([f"{_name(what.column)} == null", text], "or", indent, inside)
    return text


def expression(node: Node[Predicate], indent: str = "", inside: str = "") -> str:
    """Print the node, with further lines below `indent`; `inside` is the word of the join around it."""
    if isinstance(node, Test):
        return joined(alternatives(node.what, indent), "or", indent, inside == "and")
    if isinstance(node, Not):
        assert isinstance(node.arg, Test)
        return negative(node.arg.what, indent, inside == "and")
    if not node.args:
        return "true" if isinstance(node, All) else "false"
    word = "and" if isinstance(node, All) else "or"
    parts = [expression(arg, indent + INDENT, word) for arg in node.args]
    return joined(parts, word, indent, bool(inside))
