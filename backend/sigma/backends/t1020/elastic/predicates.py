"""What a condition asks of Elastic's documents, for EQL and ES|QL alike: semantic tests, but for two kinds that Lucene
and Elasticsearch answer in their own way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from ..common.columns import Column
from ..common.expression import Node, merge_alternatives
from ..common.losses import Unsupported
from ..common.semantic_tests import Numbers, OneOf, Present, Same, Texts, TimePart, Truth
from .regexes import MAX_LENGTH, Item, printed

#: What stands between the values of an array that is tested as one text; no value has it.
BETWEEN = "\N{SYMBOL FOR RECORD SEPARATOR}"


@dataclass(frozen=True)
class Expressions:
    """Any of the expressions, which are of the whole value; of an array, where a dialect joins it, of all its values
    with BETWEEN among them. `folded` are such as are wanted without regard to case, written in one case.
    """

    column: Column
    items: tuple[Item, ...]
    folded: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Networks:
    """An address in any of the networks; `mapped` are IPv4 networks that the rule wrote as IPv4-mapped ones of IPv6,
    which Elasticsearch neither tells apart nor takes as such."""

    column: Column
    networks: tuple[str, ...]
    mapped: tuple[str, ...] = ()


Predicate: TypeAlias = Texts | Expressions | Networks | Numbers | Truth | Present | OneOf | Same | TimePart


def merge(node: Node[Predicate]) -> Node[Predicate]:
    """Make one list of alternatives on one column, and of their negations."""
    return merge_alternatives(node, _key, _together)


def _key(what: Predicate) -> Predicate | None:
    """What alternatives that can be one predicate have in common."""
    if isinstance(what, Texts):
        # The empty text is compared in its own way.
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
    """Whether the text has letters beyond ASCII of which another case is known."""
    return any(not c.isascii() and (c.lower() != c or c.upper() != c) for c in text)


def short(item: Item, column: Column) -> str:
    """The expression as Lucene reads it. Raises Unsupported where it is too long for Elasticsearch."""
    text = printed(item)
    if len(text) > MAX_LENGTH:
        name = column.text
        raise Unsupported(
            f"{name}: the value needs an expression of {len(text):,} characters, of which Elasticsearch takes "
            f"{MAX_LENGTH:,} (max_regex_length); write a shorter part of it",
            name,
        )
    return text
