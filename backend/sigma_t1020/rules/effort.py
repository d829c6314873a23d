"""How much work pySigma would have with a document, estimated from its values alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sigma_t1020.rules.detection_shape import SELECTOR, selected

_DASH = re.compile(r"\B[-/]\b")


def effort(data: dict[str, Any]) -> int:
    """Microseconds, about, that pySigma will need for a document (measured); far too many if it would never end.

    The size of a file says little: |windash makes five variants of each dash, and `1 of them` stands for all values.
    """
    total = 3 * _size(data)
    for section in (data.get(body) for body in ("detection", "filter", "correlation")):
        selections = section if isinstance(section, dict) else {}
        conditions = selections.get("condition")
        total += sum(map(_effort_of_values, selections.values()))
        for condition in conditions if isinstance(conditions, list) else [conditions]:
            if isinstance(condition, str):
                total += 6 * len(condition) + 3 * _expansion(condition, selections)
    return total


def _effort_of_values(value: Any, modifiers: Sequence[str] = ()) -> int:
    if isinstance(value, dict):
        return sum(_effort_of_values(item, key.split("|")[1:]) for key, item in value.items())
    if isinstance(value, list):
        return sum(_effort_of_values(item, modifiers) for item in value)
    if not isinstance(value, str):
        return 5
    variants = 5 ** min(len(_DASH.findall(value)), 9) if "windash" in modifiers else 1
    return 20 * variants + len(value) * (4 if "re" in modifiers else 1)


def _expansion(condition: str, selections: dict[str, Any]) -> int:
    """Values that the terms of a condition stand for, and steps to match the wildcards of its selectors."""
    sizes = {name: _size(value) for name, value in selections.items() if name != "condition"}
    longest = max(map(len, sizes), default=0)
    total = sum(sizes.get(word, 0) for word in re.findall(r"[\w-]+", condition))
    for pattern in SELECTOR.findall(condition):
        steps = int(longest ** min(len(re.findall(r"\*+", pattern)), 9)) * len(sizes)
        # Above a thousandth of a second for each it is made for harm: do not even try to match.
        total += steps if steps > 10**7 else steps // 100 + sum(sizes[name] for name in selected(pattern, sizes))
    return total


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 1
