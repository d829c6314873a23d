"""Regular expressions for Lucene, which match the whole value and have no anchors, flags or shorthand classes.

`parsed` reads an expression into a tree of character sets, sequences, alternatives and repetitions, and resolves its
flags. `whole` then replaces its anchors by what may precede and follow the match, and `printed` writes the result.
Source: Elasticsearch's page 'Regular expression syntax', and Lucene's class RegExp.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from ..common.regexes import RegexError, read, refuse, refuse_many, sre

_LAST = 0x10FFFF
#: No letter beyond this code point has two cases.
_LAST_CASED = 0x1E943
#: The special characters of Lucene's syntax with all its options on.
_SPECIAL = frozenset('.?+*|{}[]()"\\#@&<>~')
_SPECIAL_IN_CLASS = frozenset('\\]^-["&')
#: Elasticsearch's index.max_regex_length.
MAX_LENGTH = 1000
#: In larger ranges, only the letters that have two cases are examined.
_MANY = 256
_FLAG_BITS = {"i": 2, "m": 8, "s": 16}
_SPLIT = "write it as several expressions, each with anchors at its ends"

Ranges = tuple[tuple[int, int], ...]
"""Inclusive ranges of code points, in order and neither overlapping nor adjacent."""


@dataclass(frozen=True)
class Chars:
    """One character of a set of code points."""

    ranges: Ranges


@dataclass(frozen=True)
class Sequenced:
    """The items one after another."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Either:
    """Any one of the items."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Repeated:
    """The item from `least` to `most` times; `most` is None if there is no limit."""

    item: Item
    least: int
    most: int | None


@dataclass(frozen=True)
class Anchor:
    """A position: "start", "end", "line start", "line end", or "last" (the end, or before a final newline)."""

    place: str


Item = Chars | Sequenced | Either | Repeated | Anchor

ANYTHING: Ranges = ((0, _LAST),)
NEWLINE: Ranges = ((10, 10),)
_DIGIT: Ranges = ((48, 57),)
_SPACE: Ranges = ((9, 13), (32, 32))
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort the ranges, and join those that overlap or touch."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def complement(ranges: Ranges) -> Ranges:
    """All other code points."""
    found = []
    at = 0
    for low, high in ranges:
        if low > at:
            found.append((at, low - 1))
        at = high + 1
    return (*found, (at, _LAST)) if at <= _LAST else tuple(found)


@lru_cache(maxsize=4096)
def cases(character: str) -> tuple[str, ...]:
    """The character and its other cases, those that are a single character."""
    others = (character, character.lower(), character.upper())
    return tuple(dict.fromkeys(other for other in others if len(other) == 1))


@cache
def _cased() -> tuple[int, ...]:
    """The code points of the letters that have another case, in order."""
    return tuple(code for code in range(_LAST_CASED + 1) if len(cases.__wrapped__(chr(code))) > 1)


def _of_any_case(ranges: Ranges) -> Ranges:
    other: list[tuple[int, int]] = []
    for low, high in ranges:
        if high - low < _MANY:
            codes: Iterable[int] = range(low, high + 1)
        else:
            codes = _cased()[bisect_left(_cased(), low) : bisect_right(_cased(), high)]
        other.extend((ord(case), ord(case)) for code in codes for case in cases(chr(code)))
    return joined([*ranges, *other])


def parsed(pattern: str, flags: str) -> Item:
    """Parse a Sigma expression and resolve its flags (Sigma's letters i, m, s).

    Raises RegexError as common.regexes.to_re2 does, and for `\\b` and `\\B`.
    """
    tree, letters = read(pattern, flags)
    return _sequence(tree, letters)


def _sequence(nodes: Any, flags: frozenset[str]) -> Item:
    items = list(nodes)
    found = [_item(str(op), argument, flags, at == len(items) - 1) for at, (op, argument) in enumerate(items)]
    return found[0] if len(found) == 1 else Sequenced(tuple(found))


def _item(op: str, argument: Any, flags: frozenset[str], last: bool) -> Item:
    refuse(op)
    match op:
        case "LITERAL":
            return _chars(((argument, argument),), flags)
        case "NOT_LITERAL":
            return Chars(complement(_chars(((argument, argument),), flags).ranges))
        case "ANY":
            return Chars(ANYTHING if "s" in flags else complement(NEWLINE))
        case "IN":
            return _class(argument, flags)
        case "BRANCH":
            return Either(tuple(_sequence(branch, flags) for branch in argument[1]))
        case "SUBPATTERN":
            _number, added, removed, nodes = argument
            on = {letter for letter, bit in _FLAG_BITS.items() if added & bit}
            off = {letter for letter, bit in _FLAG_BITS.items() if removed & bit}
            return _sequence(nodes, frozenset((flags | on) - off))
        case "MAX_REPEAT" | "MIN_REPEAT":
            low, high, nodes = argument
            most = None if high == sre.MAXREPEAT else int(high)
            refuse_many(low, most)
            return Repeated(_sequence(nodes, flags), int(low), most)
        case "AT":
            return _anchor(str(argument), "m" in flags)
    raise RegexError(f"uses {op.lower().replace('_', ' ')}", "write the text out, or use an ordinary group")


def _chars(ranges: Ranges, flags: frozenset[str]) -> Chars:
    return Chars(_of_any_case(ranges) if "i" in flags else ranges)


def _class(argument: Any, flags: frozenset[str]) -> Chars:
    written: list[tuple[int, int]] = []
    named: list[tuple[int, int]] = []
    negated = False
    for op, value in argument:
        match str(op):
            case "NEGATE":
                negated = True
            case "LITERAL":
                written.append((value, value))
            case "RANGE":
                written.append((value[0], value[1]))
            case _:
                name = str(value)
                of_kind = _DIGIT if "DIGIT" in name else _SPACE if "SPACE" in name else _WORD
                # The flag i does not change \w, \d and \s, which are limited to ASCII.
                named.extend(complement(of_kind) if "NOT" in name else of_kind)
    ranges = joined([*_chars(joined(written), flags).ranges, *named])
    return Chars(complement(ranges) if negated else ranges)


def _anchor(name: str, multiline: bool) -> Anchor:
    match name:
        case "AT_BEGINNING":
            return Anchor("line start" if multiline else "start")
        case "AT_BEGINNING_STRING":
            return Anchor("start")
        case "AT_END":
            return Anchor("line end" if multiline else "last")
        case "AT_END_STRING":
            return Anchor("end")
    raise RegexError("uses \\b or \\B", "write out the characters that may stand there")


def folded(item: Item) -> Item | None:
    """The expression with each letter in lower case only, for an engine that is told to ignore case.

    Returns None if the case of a letter matters somewhere in it. Lucene ignores the case of single characters but not
    of the ends of ranges, so a set keeps both cases.
    """
    if isinstance(item, Chars):
        ranges = _of_any_case(item.ranges)
        codes = [code for low, high in ranges if high - low < 2 for code in range(low, high + 1)]
        if len(ranges) == 2 == len(codes) and chr(codes[0]).lower() == chr(codes[1]):
            return Chars(((codes[1], codes[1]),)) if item.ranges == ranges else None
        return item if item.ranges == ranges else None
    if isinstance(item, Repeated):
        inner = folded(item.item)
        return inner and Repeated(inner, item.least, item.most)
    if isinstance(item, (Sequenced, Either)):
        parts = [folded(part) for part in item.items]
        known = tuple(part for part in parts if part is not None)
        return type(item)(known) if len(known) == len(parts) else None
    return item


def _anchored(item: Item) -> bool:
    if isinstance(item, Anchor):
        return True
    if isinstance(item, Repeated):
        return _anchored(item.item)
    return isinstance(item, (Sequenced, Either)) and any(map(_anchored, item.items))


_STARTS = frozenset(("start", "line start"))


def _from_edge(items: tuple[Item, ...], at_start: bool) -> Iterator[tuple[str, tuple[Item, ...]]]:
    """Yield the alternatives of the sequence, each with its anchor at the start or the end and the remaining items.

    The anchor is empty if there is none. Raises RegexError for several anchors in one place, and for repeated ones.
    """
    if not items:
        yield "", items
        return
    edge, rest = (items[0], items[1:]) if at_start else (items[-1], items[:-1])
    if isinstance(edge, Anchor):
        if (edge.place in _STARTS) is not at_start:
            # It may belong to the other edge; whole() refuses it if it does not.
            yield "", items
            return
        for place, left in _from_edge(rest, at_start):
            if place not in ("", edge.place):
                raise RegexError("has several different anchors in one place", _SPLIT)
            yield edge.place, left
        return
    if not _anchored(edge):
        yield "", items
        return
    if isinstance(edge, Repeated):
        if (edge.least, edge.most) != (0, 1):
            raise RegexError("repeats ^ or $", _SPLIT)
        inner: tuple[Item, ...] = (edge.item, Sequenced(()))
    else:
        inner = edge.items if isinstance(edge, Either) else (edge,)
    for alternative in inner:
        own = alternative.items if isinstance(alternative, Sequenced) else (alternative,)
        yield from _from_edge((*own, *rest) if at_start else (*rest, *own), at_start)


_ANY = Repeated(Chars(ANYTHING), 0, None)
_LINE_END = Chars(NEWLINE)
_BEFORE: dict[str, Item] = {
    "": _ANY,
    "start": Sequenced(()),
    "line start": Repeated(Sequenced((_ANY, _LINE_END)), 0, 1),
}
_AFTER: dict[str, Item] = {
    "": _ANY,
    "end": Sequenced(()),
    "last": Repeated(_LINE_END, 0, 1),
    "line end": Repeated(Sequenced((_LINE_END, _ANY)), 0, 1),
}


def whole(item: Item) -> Item:
    """An expression that matches a whole value in which `item` is found.

    Raises RegexError for anchors that are not at the ends of `item`.
    """
    found: dict[tuple[str, str], list[Item]] = {}
    for start, items in _from_edge((item,), True):
        for end, left in _from_edge(items, False):
            if any(map(_anchored, left)):
                raise RegexError("has ^ or $ in the middle, where no line can begin or end", _SPLIT)
            found.setdefault((start, end), []).append(left[0] if len(left) == 1 else Sequenced(left))
    alternatives = [
        Sequenced((_BEFORE[start], items[0] if len(items) == 1 else Either(tuple(items)), _AFTER[end]))
        for (start, end), items in found.items()
    ]
    return alternatives[0] if len(alternatives) == 1 else Either(tuple(alternatives))


def one_of_many(item: Item, mark: str) -> Item:
    """An expression for values joined by `mark`, at least one of which matches `item`."""
    between = Chars(((ord(mark), ord(mark)),))
    before = Repeated(Sequenced((_ANY, between)), 0, 1)
    return Sequenced((before, _without(item, between.ranges), Repeated(Sequenced((between, _ANY)), 0, 1)))


def _without(item: Item, ranges: Ranges) -> Item:
    if isinstance(item, Chars):
        return Chars(complement(joined([*complement(item.ranges), *ranges])))
    if isinstance(item, Repeated):
        return Repeated(_without(item.item, ranges), item.least, item.most)
    if isinstance(item, (Sequenced, Either)):
        return type(item)(tuple(_without(inner, ranges) for inner in item.items))
    return item


def pieces(item: Item) -> list[Item]:
    """Split the expression into alternatives that are each short enough for Elasticsearch.

    A text matches `item` if it matches any of them. Raises RegexError if the expression cannot be split so.
    """
    if len(printed(item)) <= MAX_LENGTH:
        return [item]
    parted = _parted(item)
    if len(parted) < 2:
        raise RegexError(f"is longer than {MAX_LENGTH:,} characters (max_regex_length)", "split it into several")
    found: list[Item] = []
    for part in parted:
        together = (
            Either((*(found[-1].items if isinstance(found[-1], Either) else (found[-1],)), part)) if found else part
        )
        if found and len(printed(together)) <= MAX_LENGTH:
            found[-1] = together
        else:
            found.extend(pieces(part))
    return found


def _parted(item: Item) -> list[Item]:
    """The alternatives of the expression or of the first part of its sequence that has several; else itself."""
    if isinstance(item, Either):
        return list(item.items)
    if isinstance(item, Sequenced):
        for at, part in enumerate(item.items):
            inner = _parted(part)
            if len(inner) > 1:
                return [Sequenced((*item.items[:at], one, *item.items[at + 1 :])) for one in inner]
    return [item]


def wildcard(parts: Sequence[str | None], ignore_case: bool) -> Item:
    """An expression for a whole value, from literal parts joined by wildcards: None for `*`, "" for `?`."""
    flags = frozenset("i" if ignore_case else "")
    items: list[Item] = []
    for part in parts:
        if part is None:
            items.append(_ANY)
        elif part:
            items.extend(_chars(((ord(character), ord(character)),), flags) for character in part)
        else:
            items.append(Chars(ANYTHING))
    return Sequenced(tuple(items))


def printed(item: Item) -> str:
    """Print the expression in Lucene's syntax."""
    if isinstance(item, Chars):
        return _printed_chars(item.ranges)
    if isinstance(item, Sequenced):
        return "".join(map(_within, item.items)) or "()"
    if isinstance(item, Either):
        return "|".join(map(printed, item.items))
    assert isinstance(item, Repeated)
    inner = printed(item.item)
    if not isinstance(item.item, Chars):
        inner = inner if inner == "()" else f"({inner})"
    match item.least, item.most:
        case 0, None:
            return f"{inner}*"
        case 1, None:
            return f"{inner}+"
        case 0, 1:
            return f"{inner}?"
        case least, None:
            return f"{inner}{{{least},}}"
        case least, most if least == most:
            return f"{inner}{{{least}}}"
    return f"{inner}{{{item.least},{item.most}}}"


def _within(item: Item) -> str:
    if isinstance(item, Sequenced) and not item.items:
        return ""
    return f"({printed(item)})" if isinstance(item, Either) else printed(item)


def _printed_chars(ranges: Ranges) -> str:
    if ranges == ANYTHING:
        return "."
    if not ranges:
        # `#` matches nothing.
        return "#"
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        character = chr(ranges[0][0])
        return f"\\{character}" if character in _SPECIAL else character
    # Of the set and its complement, print the one without the character of code 0.
    opposite = complement(ranges)
    negated = ranges[0][0] == 0
    return f"[{'^' if negated else ''}{''.join(map(_range, opposite if negated else ranges))}]"


def _range(ends: tuple[int, int]) -> str:
    if ends[1] - ends[0] > 1 and chr(ends[0]) in _SPECIAL_IN_CLASS:
        # Versions of Lucene differ on a range that begins with an escaped character.
        return _range((ends[0], ends[0])) + _range((ends[0] + 1, ends[1]))
    low, high = (f"\\{chr(code)}" if chr(code) in _SPECIAL_IN_CLASS else chr(code) for code in ends)
    if ends[0] == ends[1]:
        return low
    return low + high if ends[1] == ends[0] + 1 else f"{low}-{high}"
