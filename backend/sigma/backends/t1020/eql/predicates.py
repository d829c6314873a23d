"""Tests of Elastic's documents as EQL, and how a tree of them is laid out.

EQL becomes Query DSL: a test of a field holds where any of its values meets it, and NOT of that where none does, a
missing field included. So NOT needs no care here, but for functions and for fields without a mapping, of which both are
null. `:`, `like` and `like~` have wildcards and no escape; without regard to case means that of ASCII letters. Source:
Elastic's EQL syntax reference, and ExpressionTranslators and StringUtils in Elasticsearch's source.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from ..common.expression import All, AnyOf, Node, Not, Test, all_of, any_of, negate
from ..common.losses import Unsupported
from ..elastic import regexes as lucene
from ..elastic.layout import INDENT, joined, listed
from ..elastic.losses import networks_of
from ..elastic.predicates import (
    NUMBERS,
    Field,
    Matches,
    Networks,
    Numbers,
    OneOf,
    Predicate,
    Present,
    Same,
    Texts,
    TimePart,
    Truth,
    has_foreign_letters,
    short,
)
from .text import has_wildcard, name, string

Value = tuple[str | None, ...]


def told(node: Node[Predicate], name_of: Callable[[str], str]) -> Node[Predicate]:
    """The condition without joined fields, each tested in its two parts. Raises Unsupported for what EQL cannot say,
    with the field's name in the rule, which `name_of` gives. NOT stands at the leaves before and after.
    """
    if isinstance(node, Not):
        return negate(told(node.arg, name_of))
    if isinstance(node, All):
        return all_of([told(arg, name_of) for arg in node.args])
    if isinstance(node, AnyOf):
        return any_of([told(arg, name_of) for arg in node.args])
    field = node.what.field
    match node.what:
        case Same():
            raise _unsaid(field, "EQL cannot compare two fields", name_of)
        case TimePart():
            raise _unsaid(field, "EQL has no function that takes a part of a time", name_of)
        case Networks() if field.is_text:
            raise _unsaid(field, "it is a text here, of which EQL's cidrMatch takes none", name_of)
        case Texts() | Matches() if field.many and not field.is_text:
            raise _unsaid(field, "it may hold several values, of which EQL's string() reads one", name_of)
        case Texts() if len(field.names) == 2:
            return any_of([_in_two(node.what, value) for value in node.what.values])
        case Matches() if len(field.names) == 2:
            both = " and ".join(field.names)
            raise _unsaid(field, f"it is {both}, which EQL cannot join for a regular expression", name_of)
        case Present() if len(field.names) == 2:
            return Test(Present(Field(field.names[1:])))
    return node


def _unsaid(field: Field, message: str, name_of: Callable[[str], str]) -> Unsupported:
    called = field.called(name_of)
    return Unsupported(f"{called}: {message}; use --dialect esql", called)


def _in_two(what: Texts, value: Value) -> Node[Predicate]:
    """A test of `first\\second`, by each place where the pattern may have the backslash; or of the second alone."""
    first, second = (Field((one,)) for one in what.field.names)
    alone = _part_test(second, value, what.cased)
    if value[:1] != (None,):
        # What begins with an asterisk may begin in the second, whatever the first is.
        alone = all_of([negate(Test(Present(first))), alone])
    parted = [
        all_of([_part_test(first, left, what.cased), _part_test(second, right, what.cased)])
        for left, right in _partings(value)
        if right != value
    ]
    return any_of([*parted, alone])


def _part_test(field: Field, value: Value, cased: bool) -> Node[Predicate]:
    return Test(Present(field)) if value == (None,) else Test(Texts(field, (value,), cased))


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


# --- Single tests -----------------------------------------------------------------------------------


def _name(field: Field) -> str:
    return name(field.names[0], field.optional)


def _is_script(what: Predicate) -> bool:
    """Whether the test is one of a function, which is null of a missing field, and so is NOT of it."""
    if isinstance(what, Texts):
        return not what.field.is_text and any(_as_address(what, value) is None for value in what.values)
    return isinstance(what, Matches) and not what.field.is_text


def _as_address(what: Texts, value: Value) -> str | None:
    """The value as an address, which is compared as such."""
    if what.field.type != "ip" or len(value) != 1 or not value[0]:
        return None
    try:
        return str(ipaddress.ip_address(value[0]))
    except ValueError:
        return None


def alternatives(what: Predicate, indent: str = "") -> list[str]:
    """The test, as tests of which any is enough."""
    match what:
        case Texts():
            return _texts(what, indent)
        case Matches():
            subject = _name(what.field) if what.field.is_text else f"string({_name(what.field)})"
            if what.folded:
                return [f"{subject} regex~ {string(lucene.printed(item))}" for item in what.folded]
            return [f"{subject} regex {string(lucene.printed(item))}" for item in what.items]
        case Networks():
            return [listed("cidrMatch", [_name(what.field), *map(string, networks_of(what))], indent)]
        case Numbers():
            if len(what.numbers) > 1:
                return [listed(f"{_name(what.field)} in ", what.numbers, indent)]
            return [f"{_name(what.field)} {what.operator} {what.numbers[0]}"]
        case Truth():
            return [f"{_name(what.field)} == {str(what.value).lower()}"]
        case Present():
            return [f"{_name(what.field)} != null"]
        case OneOf():
            values = what.values if what.field.type in NUMBERS else tuple(map(string, what.values))
            if len(values) == 1:
                return [f"{_name(what.field)} == {values[0]}"]
            return [listed(f"{_name(what.field)} in ", values, indent)]
    raise TypeError(f"{what} is no test of EQL")


def _texts(what: Texts, indent: str) -> list[str]:
    if not what.field.is_text:
        return _texts_of_others(what, indent)
    return _of_subject(_name(what.field), what.field, what.values, what.cased, indent)


def _texts_of_others(what: Texts, indent: str) -> list[str]:
    addresses: list[str] = []
    texts: list[Value] = []
    for value in what.values:
        if (address := _as_address(what, value)) is not None:
            addresses.append(address)
        else:
            texts.append(value)
    found = [f"{_name(what.field)} == {string(address)}" for address in addresses]
    if len(found) > 1:
        # Many comparisons would nest too deep for its parser.
        whole = [string(f"{address}/{128 if ':' in address else 32}") for address in addresses]
        found = [listed("cidrMatch", [_name(what.field), *whole], indent)]
    return [
        *found,
        *(_of_subject(f"string({_name(what.field)})", what.field, texts, what.cased, indent) if texts else []),
    ]


def _of_subject(subject: str, field: Field, values: Sequence[Value], cased: bool, indent: str) -> list[str]:
    """Tests of a text: those without wildcards, those with, and those that only an expression can say."""
    equal: list[str] = []
    like: list[str] = []
    found: list[str] = []
    for value in values:
        plain = [part for part in value if part]
        foreign = not cased and any(has_foreign_letters(part) for part in plain)
        if foreign or (len(value) > 1 and any(map(has_wildcard, plain))):
            item = lucene.wildcard(value, foreign)
            found.append(f"{subject} {'regex' if cased or foreign else 'regex~'} {string(short(item, field))}")
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
    """NOT of the test, which holds of a missing field."""
    if isinstance(what, Present):
        return f"{_name(what.field)} == null"
    tests = alternatives(what, indent)
    text = f"not {tests[0]}" if len(tests) == 1 else f"not ({joined(tests, 'or', indent, False)})"
    if what.field.optional or _is_script(what):
        return joined([f"{_name(what.field)} == null", text], "or", indent, inside)
    return text


# --- Trees ------------------------------------------------------------------------------------------


def expression(node: Node[Predicate], indent: str = "", inside: str = "") -> str:
    """The node, continued below `indent`; `inside` is the word of the join that it stands in."""
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
