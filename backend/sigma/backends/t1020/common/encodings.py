"""The encoding modifiers by the specification: wide, utf16be, utf16, base64 and base64offset; and utf16le.

Source: Sigma modifiers appendix, "Encoding". pySigma 1.5.1 differs: utf16 begins with EF BB BF and not with FF FE;
base64offset counts characters, not bytes; an escaped asterisk is encoded with its backslash; cased is lost in what
stands after it, in windash too; windash finds no dashes behind an encoding.
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
    """Let pySigma parse |utf16le, of which |wide is another name by the specification.

    It is asked for where rules are about to be parsed: by the loader, and by a backend, which sigma-cli makes before it
    reads rules. What it leaves behind is the same however often and for whatever rules it is asked.
    """
    modifier_mapping.setdefault("utf16le", SigmaWideModifier)


def encode_anew(item: SigmaDetectionItem) -> None:
    """Give an item with encodings, or with windash and cased, the values that its rule means.

    From what the rule writes, so that a second time changes nothing. Raises ValueError for what cannot be encoded.
    """
    modifiers = set(item.modifiers)
    if item.original_value is None:
        # A pipeline has changed the values since, which it does only once they were encoded.
        return
    if modifiers & (WIDE | BASE64) or {SigmaWindowsDashModifier, SigmaCaseSensitiveModifier} <= modifiers:
        chain = [_MEANT.get(modifier, modifier) for modifier in sorted(item.modifiers, key=_rank)]
        item.value = SigmaDetectionItem(item.field, chain, list(item.original_value), source=item.source).value


def _rank(modifier: type) -> int:
    """Dashes are those of the text, before it is encoded; all else is said of the encoded text."""
    return 0 if modifier is SigmaWindowsDashModifier else 1 if modifier in WIDE | BASE64 else 2


class _Octets(SigmaString):
    """Bytes on their way from one modifier to the next: each is the character of its number."""

    @classmethod
    def of(cls, data: bytes) -> _Octets:
        octets = cls()
        octets.s = [data.decode("latin-1")]
        return octets

    def __bytes__(self) -> bytes:
        return _text(self).encode("latin-1")


def _text(value: SigmaString) -> str:
    """The text without escapes. Raises ValueError for wildcards, which pySigma's parser lets nobody encode."""
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
            raise ValueError("an empty value is nothing to encode; give one")
        return super().modify(data)


class _Base64Offset(SigmaBase64OffsetModifier):
    """pySigma's cuts, which hold for as many characters as bytes."""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        data = _octets(val)
        if len(data) < 2:
            # Of one byte the form shifted by one has no character of its own: an empty text, which all texts have.
            raise ValueError(
                "a value of one letter is too short for |base64offset and would be found everywhere; give more of it"
            )
        return super().modify(data)


_MEANT: dict[type, type] = {
    SigmaWideModifier: _Wide,
    SigmaUTF16BEModifier: _UTF16BE,
    SigmaUTF16Modifier: _UTF16,
    SigmaBase64Modifier: _Base64,
    SigmaBase64OffsetModifier: _Base64Offset,
}
