"""Texts that break literals, and what a test of one must and must not find."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from random import Random

from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
#: What breaks literals elsewhere, more often than chance would have it.
_BREAKING = (
        ['"', "'", '\\"', "\\", "\\\\", "\n", "\r\n", "\t", "|", "//", "@", "{", "}", "%", "$", "`", "*", "?", " ",
         "\u2028", "\u0085", "\ufeff", "é", "Ж", "😀", "\x01", "\x7f", "a", "B", "\\n", "\\u0041", "union",
         "'''", "~~~"]
)  # fmt: skip
HARD = st.lists(st.sampled_from(_BREAKING), min_size=1, max_size=8).map("".join)
PLACES = ("", "|contains", "|startswith", "|endswith", "|cased", "|contains|cased")


def text(rng: Random) -> str:
    """A text like those of TEXTS or HARD, for samples."""
    if rng.random() < 0.5:
        return "".join(rng.choices(_BREAKING, k=rng.randint(1, 8)))
    return "".join(map(_character, [rng] * rng.randint(1, 40)))


def _character(rng: Random) -> str:
    """Any character but NUL and halves of pairs, one of ASCII more often than not."""
    while True:
        code = rng.randrange(1, rng.choice((0x80, 0x80, 0x250, 0x3000, 0x110000)))
        if unicodedata.category(chr(code)) not in ("Cs", "Cn"):
            return chr(code)


def sigma_value(text: str) -> str:
    """The text as a Sigma value that means it: wildcards and backslashes escaped."""
    return re.sub(r"([\\*?])", r"\\\1", text)


def variants(text: str) -> Iterator[str]:
    """The text in other cases, and texts that are an edit away."""
    yield from (text, text.upper(), text.lower(), text.swapcase())
    yield from (text + "x", "x" + text, text[1:], text[:-1], text.replace("\\", "/"), text.replace('"', "'"))


#: Letters whose case is not a matter of pairs (long s, final sigma, dotless i …): engines differ, and none is asked.
_ODD = re.compile("[ſςıİßµKÅ\u0345\u1e9e\u1f80-\u1fff]")


def ordinary(text: str) -> bool:
    """Whether each letter has one upper and one lower case, the other's."""
    return not _ODD.search(text) and all(
        len(c.upper()) == len(c.lower()) == 1 and c.upper().lower() == c.lower() and c.lower().upper() == c.upper()
        for c in text
    )
