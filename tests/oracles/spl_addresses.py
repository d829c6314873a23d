"""CIDR ranges. Search Reference, 'search' ('CIDR matching') and 'Comparison and Conditional functions' (cidrmatch).

Both are for IPv4 and IPv6. The pages leave open a range with bits beyond its prefix, which is refused, and an IPv4
address written as IPv6 (`::ffff:10.0.0.1`), which here is in no IPv4 range. Text that is no address is in no range.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

from oracles.spl_grammar import SplUnsupported

_RANGE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/[0-9]{1,3}")


def looks_like_range(text: str) -> bool:
    """Whether a value of `search` is compared as a range."""
    return _RANGE.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def in_range(text: str) -> Callable[[str], bool]:
    """Whether an address is in a range. Raises SplUnsupported for what is no range in prefix notation."""
    try:
        network = ipaddress.ip_network(text if looks_like_range(text) else "")
    except ValueError:
        raise SplUnsupported(f"{text!r} is not a range whose bits end at its prefix") from None

    @lru_cache(maxsize=65536)
    def holds(address: str) -> bool:
        try:
            return "%" not in address and ipaddress.ip_address(address) in network
        except ValueError:
            return False

    return holds
