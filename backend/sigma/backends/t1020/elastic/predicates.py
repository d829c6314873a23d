"""The predicates of EQL and ES|QL: semantic tests, and two kinds of their own for regular expressions and networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from ..common.columns import Column
from ..common.expression import Node, merge_alternatives
from ..common.losses import Unsupported
from ..common.semantic_tests import Numbers, OneOf, Present, Same, Texts, TimePart, Truth
from .regexes import MAX_LENGTH, Item, printed

#: The separator between the values of an array that is tested as one text; no value contains it.
BETWEEN = "\N{SYMBOL FOR RECORD SEPARATOR}"


@dataclass(frozen=True)
class Expressions:
    """The whole value matches any of the expressions; a joined array is one value with BETWEEN as separator.

    `folded` has expressions in lower case, for an engine that is told to ignore case.
    """

    column: Column
    items: tuple[Item, ...]
    folded: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Networks:
    """The address lies in any of the networks.

    `mapped` has the IPv4 networks that the rule writes in IPv4-mapped form, which Elasticsearch refuses.
    """

    column: Column
    networks: tuple[str, ...]
    mapped: tuple[str, ...] = ()


Predicate: TypeAlias = Texts | Expressions | Networks | Numbers | Truth | Present | OneOf | Same | TimePart


def merge(node: Node[Predicate]) -> Node[Predicate]:
    """Merge alternatives on one column into one list, and likewise negated ones."""
    return merge_alternatives(node, _key, _together)


def _key(what: Predicate) -> Predicate | None:
    """The key under which alternatives merge into one predicate; None if this one does not merge."""
    if isinstance(what, Texts):
        # The empty text is compared separately.
        return replace(what, values=()) if all(what.values) else None
    if isinstance(what, Networks):
        return replace(what, networks=(), mapped=())
    if isinstance(what, Numbers) and what.operator == "==":
        return replace(what, numbers=())
    return None


def _together(one: Predicate, other: Predicate) -> Predicate:
    match one, other:
        case Texts(), Texts():
            return replace(one, values=tuple(dict.fromkeys((*one.values, *other.values))))
        case Networks(), Networks():
            networks = tuple(dict.fromkeys((*one.networks, *other.networks)))
            return replace(one, networks=networks, mapped=tuple(dict.fromkeys((*one.mapped, *other.mapped))))
        case Numbers(), Numbers():
            return replace(one, numbers=tuple(dict.fromkeys((*one.numbers, *other.numbers))))
    raise TypeError(f"{one} and {other} are not one predicate")


def has_foreign_letters(text: str) -> bool:
    """Whether the text has a letter beyond ASCII with an upper and a lower case."""
    return any(not c.isascii() and (c.lower() != c or c.upper() != c) for c in text)


def short(item: Item, column: Column) -> str:
    """Print the expression for Lucene. Raises Unsupported if it is too long for Elasticsearch."""
    text = printed(item)
    if len(text) > MAX_LENGTH:
        name = column.text
        raise Unsupported(
            f"{name}: the value needs an expression of {len(text):,} characters, but Elasticsearch accepts at most "
            f"{MAX_LENGTH:,} (max_regex_length); test a shorter part of it",
            name,
        )
    return text
