"""Items that pySigma reads without complaint, and not as the specification means them: refused, by name.

Observed in pySigma 1.5.1; a test asks whether each fault is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sigma.modifiers import (
    SigmaBase64Modifier,
    SigmaBase64OffsetModifier,
    SigmaCaseSensitiveModifier,
    SigmaContainsModifier,
    SigmaEndswithModifier,
    SigmaExpandModifier,
    SigmaFieldReferenceModifier,
    SigmaStartswithModifier,
    SigmaUTF16BEModifier,
    SigmaUTF16Modifier,
    SigmaWideModifier,
    SigmaWindowsDashModifier,
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


def _values(item: SigmaDetectionItem) -> list[str]:
    """The item's values as the rule writes them."""
    return [str(value) for value in item.original_value or ()]


def _offset_beyond_ascii(item: SigmaDetectionItem) -> bool:
    beyond = SigmaWindowsDashModifier in item.modifiers or not all(value.isascii() for value in _values(item))
    return SigmaBase64OffsetModifier in item.modifiers and beyond


def _too_short(item: SigmaDetectionItem) -> bool:
    modifiers = set(item.modifiers)
    short = any(len(value) < 2 for value in _values(item))
    return SigmaBase64OffsetModifier in modifiers and not modifiers & _WIDE and short


def _not_encoded(item: SigmaDetectionItem) -> bool:
    modifiers = set(item.modifiers)
    return bool(modifiers & _WIDE) and not modifiers & {SigmaBase64Modifier, SigmaBase64OffsetModifier}


def _no_value(item: SigmaDetectionItem) -> bool:
    return item.original_value == []


_WIDE = {SigmaWideModifier, SigmaUTF16Modifier, SigmaUTF16BEModifier}
_PLACES = (SigmaContainsModifier, SigmaStartswithModifier, SigmaEndswithModifier)
_FAULTS: tuple[tuple[Callable[[SigmaDetectionItem], bool], str], ...] = (
    (_no_value, "the list of values is empty; give one, or remove the field"),
    (
        lambda item: sum(place in item.modifiers for place in _PLACES) > 1,
        "|contains, |startswith and |endswith exclude each other; use one",
    ),
    (
        _all_of(SigmaCaseSensitiveModifier, SigmaFieldReferenceModifier),
        "pySigma loses |cased beside |fieldref; leave it out",
    ),
    (
        _all_of(SigmaCaseSensitiveModifier, SigmaExpandModifier),
        "pySigma loses |cased beside |expand; write the values out",
    ),
    (_all_of(SigmaUTF16Modifier), "pySigma encodes |utf16 with a wrong mark; use |wide or |utf16be"),
    (_not_encoded, "no field holds text as UTF-16 bytes; add |base64 or |base64offset behind it"),
    (
        _offset_beyond_ascii,
        "pySigma takes letters beyond ASCII, some dashes of |windash among them, for one byte each in |base64offset; "
        "encode the values yourself",
    ),
    (_too_short, "a value of one letter is too short for |base64offset and would be found everywhere; give more of it"),
)
