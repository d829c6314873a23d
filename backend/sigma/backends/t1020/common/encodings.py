"""The encoding modifiers as the specification defines them: wide, utf16le, utf16be, utf16, base64 and base64offset.

Source: Sigma modifiers appendix, "Encoding". pySigma 1.5.1 differs: utf16 starts with EF BB BF instead of FF FE;
base64offset counts characters instead of bytes; an escaped asterisk is encoded with its backslash; a modifier after
cased, windash included, loses it; windash after an encoding finds no dashes.
"""

from __future__ import annotations

import codecs

from sigma.modifiers import (
    SigmaBase64Modifier,
    SigmaBase64OffsetModifier,
    SigmaCaseSensitiveModifier,
    SigmaUTF16BEModifier,
    SigmaUTF16Modifier,
    SigmaWideModifier,
    SigmaWindowsDashModifier,
    modifier_mapping,
)
from sigma.rule import SigmaDetectionItem
from sigma.types import SigmaExpansion, SigmaString

WIDE = frozenset((SigmaWideModifier, SigmaUTF16Modifier, SigmaUTF16BEModifier))
BASE64 = frozenset((SigmaBase64Modifier, SigmaBase64OffsetModifier))


def know_utf16le() -> None:
    """Let pySigma parse |utf16le, which the specification defines as another name of |wide.

    The loader and the backends call it; sigma-cli creates a backend before it reads rules. Calling it again changes
    nothing.
    """
    modifier_mapping.setdefault("utf16le", SigmaWideModifier)


def encode_anew(item: SigmaDetectionItem) -> None:
    """Give an item with encodings, or with windash and cased, the values that its rule means.

    The values are made from those in the rule, so a second call changes nothing. Raises ValueError if a value cannot
    be encoded.
    """
    modifiers = set(item.modifiers)
    if item.original_value is None:
        # A pipeline has changed the values; it sees them only after they are encoded.
        return
    if modifiers & (WIDE | BASE64) or {SigmaWindowsDashModifier, SigmaCaseSensitiveModifier} <= modifiers:
        chain = [_MEANT.get(modifier, modifier) for modifier in sorted(item.modifiers, key=_rank)]
        item.value = SigmaDetectionItem(item.field, chain, list(item.original_value), source=item.source).value


def _rank(modifier: type) -> int:
    """The order of a modifier: windash applies to the text, then encodings, then all other modifiers to the result."""
    return 0 if modifier is SigmaWindowsDashModifier else 1 if modifier in WIDE | BASE64 else 2


class _Octets(SigmaString):
    """Bytes passed from one modifier to the next; each byte is the character with that code."""

    @classmethod
    def of(cls, data: bytes) -> _Octets:
        octets = cls()
        octets.s = [data.decode("latin-1")]
        return octets

    def __bytes__(self) -> bytes:
        return _text(self).encode("latin-1")


def _text(value: SigmaString) -> str:
    """The text without escapes. Raises ValueError for wildcards."""
    parts = [part for part in value.s if isinstance(part, str)]
    if len(parts) < len(value.s):
        raise ValueError("wildcards cannot be encoded; write the value out")
    return "".join(parts)


def _octets(value: SigmaString) -> _Octets:
    return value if isinstance(value, _Octets) else _Octets.of(_text(value).encode())


class _Wide(SigmaWideModifier):
    def modify(self, val: SigmaString) -> SigmaString:
        return _Octets.of(_text(val).encode("utf-16-le"))


class _UTF16BE(SigmaUTF16BEModifier):
    def modify(self, val: SigmaString) -> SigmaString:
        return _Octets.of(_text(val).encode("utf-16-be"))


class _UTF16(SigmaUTF16Modifier):
    def modify(self, val: SigmaString) -> SigmaString:
        return _Octets.of(codecs.BOM_UTF16_LE + _text(val).encode("utf-16-le"))


class _Base64(SigmaBase64Modifier):
    def modify(self, val: SigmaString) -> SigmaString:
        data = _octets(val)
        if not len(data):
            raise ValueError("an empty value cannot be encoded; write a value")
        return super().modify(data)


class _Base64Offset(SigmaBase64OffsetModifier):
    """pySigma's offsets, applied to bytes: pySigma counts characters, and each byte is one here."""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        data = _octets(val)
        if len(data) < 2:
            # A single byte shifted by one fixes no Base64 character, which leaves the empty text.
            raise ValueError(
                "a value of one letter is too short for |base64offset, which would match every text; write a longer one"
            )
        return super().modify(data)


_MEANT: dict[type, type] = {
    SigmaWideModifier: _Wide,
    SigmaUTF16BEModifier: _UTF16BE,
    SigmaUTF16Modifier: _UTF16,
    SigmaBase64Modifier: _Base64,
    SigmaBase64OffsetModifier: _Base64Offset,
}
