"""Modifiers that pySigma reads otherwise than the specification means them: refused, since the query would find less.

Observed in pySigma 1.5.1; a test asks whether each fault is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sigma.modifiers import (
    SigmaBase64OffsetModifier,
    SigmaCaseSensitiveModifier,
    SigmaExpandModifier,
    SigmaFieldReferenceModifier,
    SigmaUTF16Modifier,
)
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule

from .losses import Unsupported


def refuse_misread(rule: SigmaRule) -> None:
    """Raise Unsupported for the first item that pySigma misreads."""
    for item in _items(rule.detection.detections.values()):
        for holds, message in _FAULTS:
            if holds(item):
                raise Unsupported(f"{item.field or 'a keyword'}: {message}", item.field or "")


def _items(detections: Iterable[SigmaDetection | SigmaDetectionItem]) -> Iterator[SigmaDetectionItem]:
    for detection in detections:
        if isinstance(detection, SigmaDetectionItem):
            yield detection
        else:
            yield from _items(detection.detection_items)


def _all_of(*modifiers: type) -> Callable[[SigmaDetectionItem], bool]:
    return lambda item: set(modifiers) <= set(item.modifiers)


def _offset_beyond_ascii(item: SigmaDetectionItem) -> bool:
    written = item.original_value if isinstance(item.original_value, list) else [item.original_value]
    return SigmaBase64OffsetModifier in item.modifiers and not all(str(value).isascii() for value in written)


_FAULTS: tuple[tuple[Callable[[SigmaDetectionItem], bool], str], ...] = (
    (
        _all_of(SigmaCaseSensitiveModifier, SigmaFieldReferenceModifier),
        "pySigma loses |cased beside |fieldref; leave it out",
    ),
    (
        _all_of(SigmaCaseSensitiveModifier, SigmaExpandModifier),
        "pySigma loses |cased beside |expand; write the values out",
    ),
    (_all_of(SigmaUTF16Modifier), "pySigma encodes |utf16 with a wrong mark; use |wide or |utf16be"),
    (
        _offset_beyond_ascii,
        "pySigma takes letters beyond ASCII for one byte each in |base64offset; encode the value yourself",
    ),
)
