"""Corrects or refuses the detection items that pySigma accepts but does not read as the specification says.

Observed in pySigma 1.5.1; a test fails when a fault is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sigma.modifiers import (
    SigmaCaseSensitiveModifier,
    SigmaContainsModifier,
    SigmaEndswithModifier,
    SigmaExpandModifier,
    SigmaFieldReferenceModifier,
    SigmaStartswithModifier,
)
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule

from .encodings import BASE64, WIDE, encode_anew
from .losses import Unsupported


def correct_misread(rule: SigmaRule) -> None:
    """Correct the values of the items that pySigma misreads, in place.

    Raises Unsupported for the first item that cannot be corrected.
    """
    for item in _items(rule.detection.detections.values()):
        for holds, message in _FAULTS:
            if holds(item):
                raise _refusal(item, message)
        try:
            encode_anew(item)
        except ValueError as error:
            raise _refusal(item, str(error)) from error


def _refusal(item: SigmaDetectionItem, message: str) -> Unsupported:
    return Unsupported(f"{item.field or 'a keyword'}: {message}", item.field or "")


def _items(detections: Iterable[SigmaDetection | SigmaDetectionItem]) -> Iterator[SigmaDetectionItem]:
    for detection in detections:
        if isinstance(detection, SigmaDetectionItem):
            yield detection
        else:
            yield from _items(detection.detection_items)


def _all_of(*modifiers: type) -> Callable[[SigmaDetectionItem], bool]:
    return lambda item: set(modifiers) <= set(item.modifiers)


def _not_in_base64(item: SigmaDetectionItem) -> bool:
    """Whether a UTF-16 encoding is not followed by a Base64 one."""
    encodings = [modifier for modifier in item.modifiers if modifier in WIDE | BASE64]
    return any(
        modifier in WIDE and next(iter(encodings[number:]), None) not in BASE64
        for number, modifier in enumerate(encodings, start=1)
    )


def _placeholder_in_encoding(item: SigmaDetectionItem) -> bool:
    modifiers = set(item.modifiers)
    return SigmaExpandModifier in modifiers and bool(modifiers & (WIDE | BASE64))


def _no_value(item: SigmaDetectionItem) -> bool:
    return item.original_value == []


_PLACES = (SigmaContainsModifier, SigmaStartswithModifier, SigmaEndswithModifier)
_FAULTS: tuple[tuple[Callable[[SigmaDetectionItem], bool], str], ...] = (
    (_no_value, "the list of values is empty; add a value, or remove the field"),
    (
        lambda item: sum(place in item.modifiers for place in _PLACES) > 1,
        "|contains, |startswith and |endswith exclude each other; use one",
    ),
    (
        _all_of(SigmaCaseSensitiveModifier, SigmaFieldReferenceModifier),
        "pySigma ignores |cased with |fieldref; remove |cased",
    ),
    (
        _all_of(SigmaCaseSensitiveModifier, SigmaExpandModifier),
        "pySigma ignores |cased with |expand; write the values out",
    ),
    (
        _placeholder_in_encoding,
        "pySigma encodes the name of a placeholder, not its values; write the values out instead of |expand",
    ),
    (_not_in_base64, "no field holds UTF-16 bytes; add |base64 or |base64offset after the encoding"),
)
