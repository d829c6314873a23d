"""Parts of generated rules: one item, with a field value that it matches and another, one edit away, that it
doesn't.

Each maker takes a random generator, the names of the fields to use, and the item's modifiers in order.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeAlias

from reference import texts
from reference.encodings import DASHES
from reference.events import Scalar

Values: TypeAlias = Scalar | Sequence[Scalar]


@dataclass(frozen=True)
class Atom:
    """An item and its two outcomes: `hit` and `miss` give the same fields, None for a missing one, and differ
    in one of them by one edit. A `key` without a field name is a keyword item."""

    key: str
    values: Values
    hit: Mapping[str, Scalar]
    miss: Mapping[str, Scalar]
    features: frozenset[str] = frozenset()
    placeholders: Mapping[str, Sequence[str | int]] = field(default_factory=dict)


Maker: TypeAlias = Callable[[Random, Sequence[str], Sequence[str]], Atom]


def item_key(name: str, names: Sequence[str]) -> str:
    """The key of an item as a rule writes it."""
    return "|".join((name, *names))


def string(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """contains, startswith, endswith or none of them; cased; one value or a list of them, of which one
    matches."""
    cased = "cased" in names
    stop = texts.character(rng, texts.RESERVED)
    needle = texts.needle(rng, stop, cased)
    hit, miss = _around(rng, needle, stop, names, cased)
    # The other values of the list hold a character that is nowhere in the event's value.
    decoys = [texts.sigma(rng, (*texts.words(rng), stop)) for _ in range(rng.choice((0, 0, 1, 2, 4)))]
    values = texts.shuffled(rng, [texts.sigma(rng, needle.pattern), *decoys])
    return _text_atom(fields[0], names, values, hit, miss)


def all_strings(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """contains and all: two or three needles, one of which the edit breaks."""
    cased = "cased" in names
    needle = texts.needle(rng, cased=cased)
    others = [texts.needle(rng, needle.key, cased) for _ in range(rng.randint(1, 2))]
    order = rng.sample([needle, *others], len(others) + 1)
    parts = [texts.realised(rng, one.pattern, needle.key, cased) for one in order]
    hit = "".join(texts.run(rng, 2, needle.key) + part for part in parts) + texts.run(rng, 2, needle.key)
    values = [texts.sigma(rng, one.pattern) for one in rng.sample(order, len(order))]
    return _text_atom(fields[0], names, values, hit, _broken(rng, hit, needle.key, cased))


def keyword(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """A text sought in all fields; under all, two of them, each in a field of its own or both in one."""
    needle = texts.words(rng)
    pieces = [f"{needle[:2]}{texts.RESERVED}{needle[2:]}", *([texts.words(rng)] if "all" in names else [])]
    shown = [texts.run(rng, 3) + texts.recased(rng, piece) + texts.run(rng, 3) for piece in pieces]
    if rng.random() < 0.5:
        shown = ["".join(rng.sample(shown, len(shown)))]
    hit = dict(zip(fields, shown, strict=False))
    (marked,) = (name for name, value in hit.items() if texts.RESERVED in value)
    miss = {**hit, marked: texts.without_one(rng, hit[marked], texts.RESERVED)}
    values = texts.shuffled(rng, [texts.sigma(rng, tuple(piece)) for piece in pieces])
    atom = _text_atom(fields[0], names, values, "".join(hit.values()), "".join(miss.values()))
    features = atom.features | {"keyword"}
    return replace(atom, key=item_key("", names) if names else "", hit=hit, miss=miss, features=features)


def expanded(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """A placeholder of one to three values, alone or with text around it."""
    cased = "cased" in names
    stop = texts.character(rng, texts.RESERVED + "\\%")
    needle = texts.needle(rng, stop, cased)
    name = f"name{rng.randint(0, 99)}"
    before, after = (texts.run(rng, 2, stop + needle.key + "\\%*?", line_ends=False) for _ in range(2))
    pattern = (*before, *needle.pattern, *after)
    hit, miss = _around(rng, texts.Needle(pattern, needle.key), stop, names, cased)
    decoys = [texts.sigma(rng, (*texts.words(rng), stop)) for _ in range(rng.randint(0, 2))]
    placeholders = {name: texts.shuffled(rng, [texts.sigma(rng, needle.pattern), *decoys])}
    atom = _text_atom(fields[0], names, [f"{before}%{name}%{after}"], hit, miss)
    return replace(atom, placeholders=placeholders)


def dashed(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """A flag or two; the event has any of the five dashes, the miss something else or another flag."""
    flags = rng.sample(("enc", "nop", "urlcache", "c", "transfer", "x", "пуск"), rng.randint(1, 2))
    key = rng.choice(flags[0])
    flags[1:] = [flag for flag in flags[1:] if key not in flag]
    lead = rng.choice(("", " ", '"')) if "endswith" in names or "contains" in names else ""
    value = lead + " ".join(rng.choice("-/") + flag for flag in flags) + rng.choice(("", " "))
    place = len(lead)
    text = "".join(rng.choice(DASHES) if char in "-/" else texts.recased(rng, char) for char in value)
    hit, miss = _around(rng, texts.Needle(tuple(text), key), "", names, False)
    if rng.random() < 0.6:
        start = hit.lower().index(text.lower()) + place
        miss = hit[:start] + rng.choice("+_~:") + hit[start + 1 :]
    return _text_atom(fields[0], names, [value], hit, miss)


def _around(rng: Random, needle: texts.Needle, stop: str, names: Sequence[str], cased: bool) -> tuple[str, str]:
    """A value with the needle where the modifiers want it, and one edit of it that breaks that."""
    banned = needle.key + stop
    front = not {"contains", "endswith"} & set(names)
    back = not {"contains", "startswith"} & set(names)
    core = texts.realised(rng, needle.pattern, banned, cased)
    hit = ("" if front else texts.run(rng, 4, banned)) + core + ("" if back else texts.run(rng, 4, banned))
    if (front or back) and needle.rigid and rng.random() < 0.3:
        return hit, texts.shifted_edge(rng, hit, banned, front, back)
    return hit, _broken(rng, hit, needle.key, cased, stop)


def _broken(rng: Random, hit: str, key: str, cased: bool, stop: str = "") -> str:
    """The value with its key character gone; `stop`, by which other values would match, does not take its place."""
    if cased and rng.random() < 0.6:
        return texts.other_case(rng, hit, key)
    return texts.without_one(rng, hit, key, stop)


def _text_atom(name: str, names: Sequence[str], values: Sequence[str], hit: str, miss: str) -> Atom:
    features = {
        "list": len(values) > 1,
        "unicode": not "".join((*values, hit, miss)).isascii(),
        "newline": "\n" in "".join((*values, hit, miss)),
    }
    return Atom(
        item_key(name, names),
        values if len(values) > 1 else values[0],
        {name: hit},
        {name: miss},
        frozenset(feature for feature, there in features.items() if there),
    )


def network(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """One or two networks; the hit is inside, often at an edge, the miss is the next address outside."""
    version = rng.choice((4, 4, 6))
    length = rng.choice((8, 12, 16, 24, 25, 30, 31, 32) if version == 4 else (7, 10, 32, 48, 64, 127, 128))
    one: ipaddress.IPv4Network | ipaddress.IPv6Network
    if version == 4:
        one = ipaddress.IPv4Network((rng.randrange(1 << 24, 223 << 24), length), strict=False)
    else:
        one = ipaddress.IPv6Network((rng.randrange(1 << 121, 1 << 128), length), strict=False)
    first, last = int(one.network_address), int(one.broadcast_address)
    inside, outside = rng.choice(((first, first - 1), (last, last + 1)))
    if outside > int(ipaddress.ip_address("255.255.255.255" if version == 4 else "f" * 4 + ":ffff" * 7)):
        inside, outside = first, first - 1
    hit, miss = (_address(rng, version, number) for number in (inside, outside))
    if version == 4 and rng.random() < 0.1:
        miss = f"::ffff:{hit}"
    values = [str(one), *(["240.0.0.0/8"] if version == 4 and rng.random() < 0.3 else [])]
    features = frozenset((f"ipv{version}", *(["list"] if len(values) > 1 else [])))
    return Atom(item_key(fields[0], names), values, {fields[0]: hit}, {fields[0]: miss}, features)


def _address(rng: Random, version: int, number: int) -> str:
    if version == 4:
        return str(ipaddress.IPv4Address(number))
    address = ipaddress.IPv6Address(number)
    return rng.choice((address.compressed, address.compressed.upper(), address.exploded))
