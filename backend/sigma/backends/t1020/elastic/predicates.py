"""What a condition asks of Elastic's documents, for EQL and ES|QL alike: tests of fields, no text of a query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..common.expression import All, AnyOf, Node, Not, Test, all_of, any_of, rewrite
from ..common.losses import Unsupported
from .regexes import MAX_LENGTH, Item, printed

#: What stands between the values of an array that is tested as one text; no value has it.
BETWEEN = "\N{SYMBOL FOR RECORD SEPARATOR}"
#: Elasticsearch's types of text, which its query languages read as one; and of numbers.
TEXTS = frozenset(("keyword", "constant_keyword", "wildcard", "text", "match_only_text"))
NUMBERS = frozenset(("long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float"))


@dataclass(frozen=True)
class Field:
    """A field of the documents; two names are one value, joined by a backslash, where the first may be missing.

    `many`: it holds an array, and a test holds of any of its values. `optional`: a mapping may lack it. `label` is what
    two names together are called in a rule.
    """

    names: tuple[str, ...]
    type: str = "keyword"
    many: bool = False
    optional: bool = False
    label: str = ""

    def called(self, name_of: Callable[[str], str]) -> str:
        """The field's name in a rule; `name_of` gives it for a field of one name."""
        return self.label or name_of(self.names[0])

    @property
    def is_text(self) -> bool:
        """Whether the type is one of texts."""
        return self.type in TEXTS


@dataclass(frozen=True)
class Texts:
    """Any of the values: parts of text, None for `*`, "" for `?`; no part is the empty text."""

    field: Field
    values: tuple[tuple[str | None, ...], ...]
    cased: bool


@dataclass(frozen=True)
class Matches:
    """Any of the expressions, which are of the whole value; of an array, where a dialect joins it, of all its values
    with BETWEEN among them. `folded` are such as are wanted without regard to case, written in one case.
    """

    field: Field
    items: tuple[Item, ...]
    folded: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Networks:
    """An address in any of the networks; `mapped` are IPv4 networks that the rule wrote as IPv4-mapped ones of IPv6,
    which Elasticsearch neither tells apart nor takes as such."""

    field: Field
    networks: tuple[str, ...]
    mapped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """A comparison; several numbers are alternatives of ==."""

    field: Field
    operator: str
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Truth:
    """A truth value."""

    field: Field
    value: bool


@dataclass(frozen=True)
class Present:
    """The field has a value."""

    field: Field


@dataclass(frozen=True)
class OneOf:
    """The field, or one value of its array, is exactly one of these words: what chooses the events of a log source."""

    field: Field
    values: tuple[str, ...]


@dataclass(frozen=True)
class Same:
    """The field compared with another one; `how` is equals, contains, startswith or endswith."""

    field: Field
    other: Field
    how: str


@dataclass(frozen=True)
class TimePart:
    """A part of a time (minute, hour, day, week, month, year) compared with a number."""

    field: Field
    part: str
    operator: str
    number: str


Predicate = Texts | Matches | Networks | Numbers | Truth | Present | OneOf | Same | TimePart


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


def merge(node: Node[Predicate]) -> Node[Predicate]:
    """Make one list of alternatives on one field, and of their negations."""

    def join(joined: All[Predicate] | AnyOf[Predicate]) -> Node[Predicate]:
        negative = isinstance(joined, All)
        lists: dict[Predicate, Predicate] = {}
        order: list[Predicate | Node[Predicate]] = []
        for arg in joined.args:
            leaf = arg.arg if negative and isinstance(arg, Not) else None if negative else arg
            key = _key(leaf.what) if isinstance(leaf, Test) else None
            if key is None or not isinstance(leaf, Test):
                order.append(arg)
                continue
            if key not in lists:
                order.append(key)
            lists[key] = _together(lists[key], leaf.what) if key in lists else leaf.what
        found: list[Node[Predicate]] = []
        for entry in order:
            if isinstance(entry, (Test, Not, All, AnyOf)):
                found.append(entry)
            else:
                test: Node[Predicate] = Test(lists[entry])
                found.append(Not(test) if negative else test)
        return all_of(found) if negative else any_of(found)

    return rewrite(node, join)


def has_foreign_letters(text: str) -> bool:
    """Whether the text has letters beyond ASCII of which another case is known."""
    return any(not c.isascii() and (c.lower() != c or c.upper() != c) for c in text)


def short(item: Item, field: Field) -> str:
    """The expression as Lucene reads it. Raises Unsupported where it is too long for Elasticsearch."""
    text = printed(item)
    if len(text) > MAX_LENGTH:
        name = field.label or field.names[0]
        raise Unsupported(
            f"{name}: the value needs an expression of {len(text):,} characters, of which Elasticsearch takes "
            f"{MAX_LENGTH:,} (max_regex_length); write a shorter part of it",
            name,
        )
    return text
