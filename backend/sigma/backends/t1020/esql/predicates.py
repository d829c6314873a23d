"""Prints trees of predicates as ES|QL.

In ES|QL a comparison with null is null, and so is its negation, but a rule's condition is true or false. So every NOT
comes with a test for null. Functions that read one value return null for an array, so arrays are joined to one text.

Source: Elastic's ES|QL reference, 'Operators', 'Functions', 'Multivalued fields'.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..common.columns import Column, Kind
from ..common.expression import All, Node, Not, Test, all_of
from ..common.layout import INDENT
from ..common.semantic_tests import Numbers, OneOf, Present, Same, Texts, TimePart, Truth
from ..elastic import regexes as lucene
from ..elastic.layout import joined, listed
from ..elastic.losses import networks_of
from ..elastic.predicates import BETWEEN, Expressions, Networks, Predicate, has_foreign_letters, short
from .text import like, name, string

#: The most WHERE commands for one condition; Elasticsearch accepts 500 commands in a query.
MAX_COMMANDS = 200
_TIME_PARTS = {
    "minute": "minute_of_hour",
    "hour": "hour_of_day",
    "day": "day_of_month",
    "month": "month_of_year",
    "year": "year",
}


def as_text(column: Column) -> str:
    """An expression for the column's value as one text; it is null if there is no value."""
    if column.halves:
        first, second = (name(half.text) for half in column.halves)
        # Built-in accounts, and accounts of systems other than Windows, have no domain.
        return f'CONCAT(COALESCE(CONCAT({first}, "\\\\"), ""), {second})'
    text = name(column.text) if column.is_text else f"TO_STRING({name(column.text)})"
    return f"MV_CONCAT({text}, {string(BETWEEN)})" if column.many else text


def _subject(what: Predicate) -> str:
    """The expression that must not be null for the test to hold."""
    if isinstance(what, Networks) and what.column.is_text:
        return f"TO_IP({as_text(what.column)})"
    return as_text(what.column) if what.column.halves else name(what.column.text)


def alternatives(what: Predicate, indexed: bool, indent: str = "") -> list[str]:
    """Print the test as alternatives; any of them is enough, and null counts as false.

    `indexed` says that the test stands at the top level of the first WHERE commands, where `:` is allowed.
    """
    match what:
        case Texts():
            return _texts(what, indent)
        case Expressions():
            # The expression has both cases of each letter. From 9.1 on, TO_LOWER before RLIKE becomes a test that
            # ignores case, and Lucene then does not fold the ends of ranges.
            return [f"{as_text(what.column)} RLIKE {string(lucene.printed(item))}" for item in what.items]
        case Networks():
            return [listed("CIDR_MATCH", [_subject(what), *map(string, networks_of(what))], indent)]
        case Numbers():
            return _numbers(what, indent)
        case Truth():
            subject = name(what.column.text)
            subject = f"{'MV_MAX' if what.value else 'MV_MIN'}({subject})" if what.column.many else subject
            return [f"{subject} == {str(what.value).upper()}"]
        case Present():
            return [f"{_subject(what)} IS NOT NULL"]
        case OneOf():
            return _one_of(what, indexed)
        case Same():
            return [f"({_same(what)})"]
        case TimePart():
            return [f"{_time_part(what)} {what.operator} {what.number}"]
    raise TypeError(f"{what} is no predicate")


def _texts(what: Texts, indent: str) -> list[str]:
    subject = as_text(what.column)
    if what.column.many:
        several = (lucene.one_of_many(lucene.wildcard(value, not what.cased), BETWEEN) for value in what.values)
        return [f"{subject} RLIKE {string(short(item, what.column))}" for item in several]
    equal: dict[str, list[str]] = {}
    found: list[str] = []
    for value in what.values:
        if not what.cased and any(part and has_foreign_letters(part) for part in value):
            # TO_LOWER depends on context for a final sigma, and turns some characters into two.
            found.append(f"{subject} RLIKE {string(short(lucene.wildcard(value, True), what.column))}")
            continue
        folds = not what.cased and any(part and part.lower() != part.upper() for part in value)
        folded = f"TO_LOWER({subject})" if folds else subject
        # The subject is in lower case, so the pattern must be too.
        parts = [part.lower() if part and folds else part for part in value]
        if len(parts) <= 1 and None not in parts and "" not in parts:
            equal.setdefault(folded, []).append("".join(part or "" for part in parts))
        else:
            found.append(f"{folded} LIKE {string(like(parts))}")
    for folded, values in equal.items():
        literals = list(map(string, values))
        found.append(f"{folded} == {literals[0]}" if len(values) == 1 else listed(f"{folded} IN ", literals, indent))
    return found


def _numbers(what: Numbers, indent: str) -> list[str]:
    subject = name(what.column.text)
    if what.column.many:
        if what.operator == "==":
            return _texts(Texts(what.column, tuple((number,) for number in what.numbers), cased=True), indent)
        subject = f"{'MV_MAX' if what.operator.startswith('>') else 'MV_MIN'}({subject})"
    if len(what.numbers) > 1:
        return [listed(f"{subject} IN ", what.numbers, indent)]
    return [f"{subject} {what.operator} {what.numbers[0]}"]


def _one_of(what: OneOf, indexed: bool) -> list[str]:
    column = what.column
    subject = name(column.text)
    if column.many and indexed:
        return [f"{subject} : {string(value)}" for value in what.values]
    if column.many:
        patterns = (lucene.one_of_many(lucene.wildcard((value,), False), BETWEEN) for value in what.values)
        return [f"{as_text(column)} RLIKE {string(lucene.printed(pattern))}" for pattern in patterns]
    values = what.values if column.kind is Kind.NUMBER else tuple(map(string, what.values))
    return [f"{subject} == {values[0]}" if len(values) == 1 else f"{subject} IN ({', '.join(values)})"]


def _same(what: Same) -> str:
    kind = what.column.kind
    if what.how == "equals" and kind is what.other.kind and kind in (Kind.NUMBER, Kind.TIME):
        return f"{name(what.column.text)} == {name(what.other.text)}"
    one, other = f"TO_LOWER({as_text(what.column)})", f"TO_LOWER({as_text(what.other)})"
    test = {
        "equals": f"{one} == {other}",
        "contains": f"LOCATE({one}, {other}) > 0",
        "startswith": f"STARTS_WITH({one}, {other})",
        "endswith": f"ENDS_WITH({one}, {other})",
    }[what.how]
    return f"LENGTH({as_text(what.other)}) > 0 AND {test}"


def _time_part(what: TimePart) -> str:
    subject = name(what.column.text)
    if what.part == "week":
        # ISO 8601 numbers a week by its Thursday.
        day = f'TO_DATETIME(TO_LONG({subject}) + (4 - DATE_EXTRACT("day_of_week", {subject})) * 86400000)'
        return f'(DATE_EXTRACT("day_of_year", {day}) - 1) / 7 + 1'
    return f'DATE_EXTRACT("{_TIME_PARTS[what.part]}", {subject})'


def negative(what: Predicate, indent: str, inside: bool) -> str:
    """Print the negated test, which holds for null."""
    if isinstance(what, Present):
        return f"{_subject(what)} IS NULL"
    missing = [f"{_subject(what)} IS NULL"]
    if isinstance(what, Same):
        missing.append(f"{as_text(what.other)} IS NULL")
    test = joined(alternatives(what, False, indent), "OR", indent, False)
    return joined([*missing, f"NOT ({test})"], "OR", indent, inside)


def expression(node: Node[Predicate], inside: str = "", indexed: bool = False, indent: str = "") -> str:
    """Print the node, with further lines below `indent`; `inside` is the word of the join around it."""
    if isinstance(node, Test):
        return joined(alternatives(node.what, indexed, indent), "OR", indent, inside == "AND")
    if isinstance(node, Not):
        assert isinstance(node.arg, Test)
        return negative(node.arg.what, indent, inside == "AND")
    if not node.args:
        return "TRUE" if isinstance(node, All) else "FALSE"
    word = "AND" if isinstance(node, All) else "OR"
    deeper = indent + INDENT
    parts: list[str] = []
    for arg in node.args:
        if isinstance(arg, Test) and word == "OR":
            parts.extend(alternatives(arg.what, False, deeper))
        else:
            parts.append(expression(arg, word, indent=deeper))
    return joined(parts, word, indent, bool(inside))


def where_lines(nodes: Iterable[Node[Predicate]], indexed: bool) -> list[str]:
    """One `| WHERE` for each conjunct; more than MAX_COMMANDS conjuncts share commands."""
    distinct = list(dict.fromkeys(nodes))
    size = -(-len(distinct) // MAX_COMMANDS) or 1
    groups = [distinct[at : at + size] for at in range(0, len(distinct), size)]
    return [f"| WHERE {expression(all_of(group), indexed=indexed)}" for group in groups]
