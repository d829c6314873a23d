"""How much the generated tests try: a tenth in `make test`, all of it in `make prove`.

The environment variable T1020_VOLUME says which. A tenth is enough to see that something broke; the full volumes are
what the documentation claims.
"""

from __future__ import annotations

import os

VARIABLE = "T1020_VOLUME"
_DIVISORS = {"test": 10, "prove": 1}


def of(full: int, least: int = 1) -> int:
    """How many of `full` this run tries, and never fewer than `least`. Raises ValueError for an unknown volume."""
    volume = os.environ.get(VARIABLE) or "test"
    if volume not in _DIVISORS:
        raise ValueError(f"{VARIABLE}={volume}: use {' or '.join(_DIVISORS)}")
    return max(full // _DIVISORS[volume], least)
