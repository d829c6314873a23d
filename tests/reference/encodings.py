"""The encoding modifiers: utf16 and its kin, base64, base64offset; and the dashes of windash.

Source: Sigma modifiers appendix, "Encoding" and "String Modifiers".
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Mapping, Sequence

DASHES = "-/\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}"
WIDE: Mapping[str, tuple[str, bytes]] = {
    "wide": ("utf-16-le", b""),
    "utf16le": ("utf-16-le", b""),
    "utf16be": ("utf-16-be", b""),
    "utf16": ("utf-16-le", codecs.BOM_UTF16_LE),
}
"""The codec, and the bytes before the text: utf16 puts a byte order mark, FF FE, there."""
ENCODINGS = frozenset((*WIDE, "base64", "base64offset"))


def encode(value: str, names: Sequence[str]) -> list[str]:
    """What a field holds if the value was encoded: one text, three for base64offset.

    `names` are encoding modifiers in the rule's order: at most one of UTF-16, then base64 or base64offset.
    UTF-16 alone is refused: its bytes are no text that a field could hold. Raises ValueError.
    """
    *wide, last = names
    if last in WIDE or not set(wide) <= set(WIDE) or len(wide) > 1:
        raise ValueError("the encodings must be base64 or base64offset, after one of UTF-16 or none")
    codec, mark = WIDE.get(names[0], ("utf-8", b""))
    data = mark + value.encode(codec)
    if not data:
        raise ValueError("an empty value cannot be encoded")
    if names[-1] == "base64":
        return [base64.b64encode(data).decode()]
    return [shifted(data, shift) for shift in range(3)]


def shifted(data: bytes, shift: int) -> str:
    """The characters of base64 text that depend on `data` alone when `shift` bytes, modulo 3, come before it.

    Each character holds 6 bits; the data are bits 8*shift up to 8*(shift + length). Raises ValueError for
    data so short that no character is theirs alone: an empty string would match anything.
    """
    first = -(-8 * shift // 6)
    end = 8 * (shift + len(data)) // 6
    if end <= first:
        raise ValueError("the value is too short for base64offset")
    return base64.b64encode(bytes(shift) + data).decode()[first:end]
