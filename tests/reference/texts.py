"""Random texts for the generators: needles, what may stand around them, and edits that certainly break a
match.

The certainty comes from counting: a needle has a key character, which nothing around it has in either case. A
text with one key character less than the needle cannot hold the needle.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from reference.patterns import Pattern, Wildcard, fold

RESERVED = "@"
"""Only keywords hold this character, so that no other field of an event matches one by accident."""
_ASCII = "abcdefghijklmnopqrstuvwxyz0123456789"
_SPECIAL = "\\\\\\//..--__  ::;,'\"''\"*?%|{}()[]<>&^$#!~=+"
_UNICODE = "éüжщ中α😀"
_PIECES = (
    *(
        "\\Windows\\",
        "\\Users\\",
        "C:\\",
        "\\Temp\\",
        "\\\\server\\share",
        ".exe",
        ".zip",
        " -enc ",
        " /c ",
        "curl",
    ),
    *(
        "http://",
        "%TEMP%",
        '"',
        "' or '",
        " | ",
        "{0}",
        "a -p",
        "7z",
        "*.doc?",
        "\\*",
        "\\?",
        "--upload-file",
    ),
)


def character(rng: Random, banned: str = "", unicode: bool = True) -> str:
    """One character that is, in either case, none of the banned."""
    while True:
        pool = rng.choices((_ASCII, _SPECIAL, _UNICODE if unicode else _ASCII), (6, 5, 1))[0]
        char = rng.choice(pool)
        if fold(char) not in fold(banned):
            return char


def run(rng: Random, longest: int, banned: str = "", line_ends: bool = True) -> str:
    """Up to `longest` pieces of text without the banned characters, rarely with a line end."""
    parts: list[str] = []
    for _ in range(rng.randint(0, longest)):
        piece = rng.choice(_PIECES)
        if rng.random() < 0.3 and not set(fold(piece)) & set(fold(banned)):
            parts.append(piece)
        else:
            line_end = line_ends and rng.random() < 0.01 and "\n" not in banned
            parts.append("\n" if line_end else character(rng, banned))
    return "".join(parts)


def words(rng: Random, banned: str = "", letter: bool = False) -> str:
    """Literal text for a rule, 2 characters or more, with a cased letter if asked for."""
    while True:
        value = run(rng, 5, banned + RESERVED) + character(rng, banned + RESERVED)
        if len(value) > 1 and (not letter or any(swapped(char) != char for char in value)):
            return value


def swapped(char: str) -> str:
    """The character in the other case, or itself where it has none."""
    other = char.swapcase()
    return other if len(other) == 1 and fold(other) == fold(char) else char


def recased(rng: Random, value: str) -> str:
    """The value with some letters in the other case."""
    return "".join(swapped(char) if rng.random() < 0.4 else char for char in value)


def sigma(rng: Random, pattern: Pattern, percent: bool = False, following: str = "") -> str:
    """The pattern as a rule writes it, plain backslashes single or double where both mean the same.
    `percent`: percent signs are escaped, for expand. `following` is what the rule has after it."""
    raw = following
    escapes = "\\*?%" if percent else "\\*?"
    for token in reversed(pattern):
        if isinstance(token, Wildcard):
            raw = token.value + raw
        elif token == "\\":
            raw = ("\\\\" if (raw[:1] and raw[0] in escapes) or rng.random() < 0.3 else "\\") + raw
        elif token in escapes and (token != "%" or percent):
            raw = "\\" + token + raw
        else:
            raw = token + raw
    return raw[: len(raw) - len(following)] if following else raw


@dataclass(frozen=True)
class Needle:
    """A pattern and its key character."""

    pattern: Pattern
    key: str

    @property
    def rigid(self) -> bool:
        """Whether it has no wildcard, so that it fits in one place only."""
        return not any(isinstance(token, Wildcard) for token in self.pattern)


def needle(rng: Random, banned: str = "", cased: bool = False, wildcards: bool = True) -> Needle:
    """A needle without the banned characters; under `cased` its key is a letter."""
    value = words(rng, banned, letter=cased)
    key = rng.choice([char for char in value if not cased or swapped(char) != char])
    tokens: list[str | Wildcard] = list(value)
    if wildcards and rng.random() < 0.35:
        for _ in range(rng.randint(1, 2)):
            tokens.insert(rng.randint(0, len(tokens)), rng.choice((Wildcard.ANY, Wildcard.ONE, Wildcard.ONE)))
    return Needle(tuple(tokens), key)


def realised(rng: Random, pattern: Pattern, banned: str, cased: bool) -> str:
    """A text that the pattern covers; the wildcards stand for text without the banned characters."""
    parts: list[str] = []
    for token in pattern:
        if token is Wildcard.ANY:
            parts.append(run(rng, 3, banned))
        elif token is Wildcard.ONE:
            parts.append(character(rng, banned))
        else:
            parts.append(token if cased else recased(rng, token))
    return "".join(parts)


def without_one(rng: Random, value: str, key: str, banned: str = "") -> str:
    """The value with one key character, in either case, replaced (not by a banned one) or deleted."""
    place = rng.choice([at for at, char in enumerate(value) if fold(char) == fold(key)])
    put = rng.choice(("", character(rng, key + banned)))
    return value[:place] + put + value[place + 1 :]


def other_case(rng: Random, value: str, key: str) -> str:
    """The value with one key character in the other case."""
    place = rng.choice([at for at, char in enumerate(value) if fold(char) == fold(key)])
    return value[:place] + swapped(value[place]) + value[place + 1 :]


def shifted_edge(rng: Random, value: str, banned: str, front: bool, back: bool) -> str:
    """The value with a character more, not a banned one, at one of the allowed ends."""
    char = character(rng, banned)
    return char + value if front and (not back or rng.random() < 0.5) else value + char


def is_one_edit(before: str, after: str) -> bool:
    """Whether one character was put in, taken out or changed."""
    if before == after or abs(len(before) - len(after)) > 1:
        return False
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    if len(before) == len(after):
        return before[start + 1 :] == after[start + 1 :]
    longer, shorter = (before, after) if len(before) > len(after) else (after, before)
    return longer[start + 1 :] == shorter[start:]


def escaped_regex(value: str) -> str:
    """The value as a regular expression for it: only what has a meaning is escaped."""
    return re.sub(r"[\\.^$*+?{}()\[\]|]", r"\\\g<0>", value)


def shuffled(rng: Random, values: Sequence[str]) -> list[str]:
    """The values in another order."""
    return rng.sample(list(values), len(values))
