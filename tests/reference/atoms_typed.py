"""Items on values that are no plain strings: regular expressions, encoded text, numbers, times, other fields,
nothing.

See `atoms` for what a maker is.
"""

from __future__ import annotations

import base64
import operator
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from reference import texts
from reference.atoms import Atom, item_key, string
from reference.encodings import WIDE
from reference.events import Scalar
from reference.modifiers import COMPARISONS, TIME_PARTS
from reference.patterns import fold

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_LETTERS = "abcdefgh"


def regex(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """Literal text with a key character, between parts that cannot match that character's place in it."""
    while True:
        value = texts.words(rng, "\n", letter=True)
        key = rng.choice([char for char in value if texts.swapped(char) != char])
        if "\n" not in value and fold(key) not in "xyzé" + _LETTERS:
            break
    cased = "i" not in names
    core = value if cased else texts.recased(rng, value)
    parts, samples = [texts.escaped_regex(value)], [core]
    for _ in range(rng.randint(0, 2)):
        part, sample = _regex_part(rng, key)
        at = rng.choice((0, len(parts)))
        parts.insert(at, part)
        samples.insert(at, sample)
    if "s" in names:
        parts.append(rng.choice((".x", ".*x", "[^a]+x")))
        samples.append("\nx")
    front, back = rng.random() < 0.3, rng.random() < 0.3
    before, after = ("" if edge else texts.run(rng, 2, key, line_ends=False) for edge in (front, back))
    if "m" in names:
        front, back = (True, back) if rng.random() < 0.5 else (front, True)
        before, after = ("y\n" if front else before), ("\ny" if back else after)
    hit = before + "".join(samples) + after
    written = ("^" if front else "") + "".join(parts) + ("$" if back else "")
    if cased and rng.random() < 0.5:
        miss = texts.other_case(rng, hit, key)
    elif front and "m" not in names and parts[0] == texts.escaped_regex(value) and rng.random() < 0.5:
        miss = "\n" + hit  # without m, ^ is the beginning of the value and of nothing else
    else:
        miss = texts.without_one(rng, hit, key)
    features = {"unicode": not (written + hit + miss).isascii(), "newline": "\n" in hit + miss}
    return Atom(
        item_key(fields[0], names),
        written,
        {fields[0]: hit},
        {fields[0]: miss},
        frozenset(feature for feature, there in features.items() if there),
    )


def _regex_part(rng: Random, key: str) -> tuple[str, str]:
    """An expression and a text that it matches, which has neither the key character nor a line end."""
    letters = "".join(rng.choices(_LETTERS, k=3))
    digits = str(rng.randint(10, 9999))
    parts = [
        (".", texts.character(rng, key)),
        (".*", texts.run(rng, 2, key, line_ends=False)),
        ("[a-h]+", letters),
        ("[^xyz]{1,3}", letters),
        ("\\w{3}", letters),
        (f"(?:{letters}|zz)", rng.choice((letters, "zz"))),
        (f"({letters})?", rng.choice((letters, ""))),
        ("[\\\\/]", rng.choice("\\/")),
    ]
    if not key.isdigit():
        parts += [("\\d+", digits), ("[0-9]{2,4}", digits)]
    return rng.choice([(part, sample) for part, sample in parts if fold(key) not in fold(sample)])


def encoded(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """Base64 text that holds the value at any offset (base64offset), or is its encoding; the miss has one
    character broken in its middle, too near to both ends for any offset to fit."""
    length = rng.randint(12, 18)
    value = "".join(texts.character(rng, "\\*?", unicode=rng.random() < 0.2) for _ in range(length))
    codec, mark = WIDE.get(names[0], ("utf-8", b""))
    data = mark + value.encode(codec)
    if "base64offset" in names:
        data = rng.randbytes(rng.randint(0, 2)) + data + rng.randbytes(rng.randint(0, 2))
    body = base64.b64encode(data).decode()
    middle = len(body) // 2
    broken = body[:middle] + rng.choice("!-.") + body[middle + 1 :]
    if "contains" in names:
        before, after = rng.choice(("", "-enc ", 'x="')), rng.choice(("", ' "', ")"))
        body, broken = before + body + after, before + broken + after
    features = frozenset(() if value.isascii() else ("unicode", "encoded"))
    return Atom(item_key(fields[0], names), value, {fields[0]: body}, {fields[0]: broken}, features)


def number(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """A number or a list of them, or a comparison; the miss is one more or one less, the nearest that
    fails."""
    value = rng.choice((0, 1, 80, 443, 8080, rng.randint(2, 65000)))
    comparison = next((name for name in names if name in COMPARISONS), None)
    if comparison is None:
        values: list[int] = rng.sample([value, *(value + step for step in rng.sample((7, 90, 700), 2))], 3)
        keep = rng.random() < 0.5
        chosen: int | list[int] = value if keep else values
        return _numbers(fields[0], names, chosen, value, value + rng.choice((-1, 1)))
    inside, outside = nearest(value, comparison)
    return _numbers(fields[0], names, value, inside, outside)


def nearest(value: int, comparison: str) -> tuple[int, int]:
    """The two neighbouring integers between which the comparison with the value turns true: (true, false)."""
    holds = COMPARISONS[comparison]
    low, high = next((at, at + 1) for at in range(value - 2, value + 3) if holds(at, value) is not holds(at + 1, value))
    return (low, high) if holds(low, value) else (high, low)


def _numbers(name: str, names: Sequence[str], value: int | list[int], hit: int, miss: int) -> Atom:
    features = frozenset(("number", *(["list"] if isinstance(value, list) else [])))
    return Atom(item_key(name, names), value, {name: hit}, {name: miss}, features)


def time_part(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """A part of a timestamp, equal or compared. No end of an hour, a day, a month or a year is near, so that a step of
    the part changes nothing else."""
    unit = next(name for name in names if name in TIME_PARTS)
    comparison = next((name for name in names if name in COMPARISONS), None)
    moment = datetime(rng.randint(2001, 2030), rng.randint(2, 11), rng.randint(8, 19))
    moment = moment.replace(hour=rng.randint(2, 21), minute=rng.randint(2, 57), second=rng.randint(0, 59))
    value = TIME_PARTS[unit](moment)
    step = rng.choice((-1, 1))
    inside, outside = (value, value + step) if comparison is None else nearest(value, comparison)
    hit, miss = (_moved(moment, unit, at - value).strftime(TIME_FORMAT) for at in (inside, outside))
    return Atom(item_key(fields[0], names), value, {fields[0]: hit}, {fields[0]: miss}, frozenset(("time",)))


def _moved(moment: datetime, unit: str, steps: int) -> datetime:
    if unit == "month":
        return moment.replace(month=moment.month + steps)
    if unit == "year":
        return moment.replace(year=moment.year + steps)
    return moment + timedelta(**{f"{unit}s": steps})


def reference(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """Two fields, one equal to or holding the other; the edit is in either."""
    needle = texts.needle(rng, wildcards=False)
    inner = "".join(token for token in needle.pattern if isinstance(token, str))
    around = [texts.run(rng, 3, needle.key) for _ in range(2)]
    before = around[0] if {"contains", "endswith"} & set(names) else ""
    after = around[1] if {"contains", "startswith"} & set(names) else ""
    outer = before + texts.recased(rng, inner) + after
    hit = {fields[0]: outer, fields[1]: inner}
    miss = {**hit, fields[0]: texts.without_one(rng, outer, needle.key)}
    if rng.random() < 0.3:
        # One key character more than the outer text has.
        miss = {**hit, fields[1]: inner + needle.key}
    features = frozenset(() if (outer + inner + miss[fields[0]]).isascii() else ("unicode",))
    return Atom(item_key(fields[0], names), fields[1], hit, miss, features)


def negated(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """neq: the outcomes of the same item without it, exchanged; or a missing field as the hit."""
    rest = [name for name in names if name != "neq"]
    maker = reference if "fieldref" in rest else string
    atom = maker(rng, fields, rest)
    miss = atom.hit
    hit = {**miss, fields[0]: None} if rng.random() < 0.2 else atom.miss
    return replace(atom, key=item_key(fields[0], names), hit=hit, miss=miss)


def negated_number(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """neq on a number or several."""
    atom = number(rng, fields, ())
    return replace(atom, key=item_key(fields[0], names), hit=atom.miss, miss=atom.hit)


def existence(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """The field is there, or is not."""
    wanted = rng.random() < 0.5
    return _presence(item_key(fields[0], names), fields[0], wanted, wanted, texts.words(rng), ())


def null(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """null: the field is missing."""
    return _presence(item_key(fields[0], names), fields[0], None, False, texts.words(rng), ("null",))


def empty(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """The empty string, which one character breaks."""
    name = fields[0]
    return Atom(item_key(name, names), "", {name: ""}, {name: texts.character(rng)}, frozenset(("empty",)))


def anything(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """A lone asterisk: any value, but not a missing field."""
    return _presence(item_key(fields[0], names), fields[0], "*", True, texts.words(rng), ("any",))


def _presence(key: str, name: str, value: Scalar, there: bool, content: str, features: Sequence[str]) -> Atom:
    given: dict[str, Scalar] = {name: content}
    missing: dict[str, Scalar] = {name: None}
    found = frozenset((*features, *(() if content.isascii() else ("unicode",))))
    return Atom(key, value, given if there else missing, missing if there else given, found)


def boolean(rng: Random, fields: Sequence[str], names: Sequence[str]) -> Atom:
    """A boolean, in the rule as such or as the string that SigmaHQ's rules have."""
    wanted = rng.random() < 0.5
    value: Scalar = rng.choice((wanted, str(wanted).lower()))
    name = fields[0]
    hit, miss = {name: wanted}, {name: operator.not_(wanted)}
    return Atom(item_key(name, names), value, hit, miss, frozenset(("boolean",)))
