"""How much the generated tests try: a small share in `make test`, all of it in `make prove`.

The environment variable T1020_VOLUME says which. The share is enough to see that something broke; the full volumes are
what the documentation claims.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings

VARIABLE = "T1020_VOLUME"
_DIVISORS = {"test": 32, "prove": 1}
#: Hypothesis tries so many examples at the least: fewer find little beyond the simplest ones.
_FEWEST_EXAMPLES = 25


def of(full: int, least: int = 1) -> int:
    """How many of `full` this run tries, and never fewer than `least`. Raises ValueError for an unknown volume."""
    volume = os.environ.get(VARIABLE) or "test"
    if volume not in _DIVISORS:
        raise ValueError(f"{VARIABLE}={volume}: use {' or '.join(_DIVISORS)}")
    return max(full // _DIVISORS[volume], least)


def examples(full: int, **more: Any) -> Callable[[Any], Any]:
    """The settings of a property that `make prove` tries on `full` examples; `more` are settings of Hypothesis.

    There is no deadline: the first example of a property loads its oracle.
    """
    return settings(max_examples=of(full, min(full, _FEWEST_EXAMPLES)), deadline=None, **more)
