r"""The values of events, the tests that EQL makes of them, and what Elastic's pages leave open.

An event is a flat document: dotted names, values that are text, numbers or Booleans, or lists of one kind of these.
None, an empty list and a missing name are the same: the field is null. `@timestamp` is in whole milliseconds since
1970.

Texts. In `:`, `like` and `like~`, `*` is any text and `?` one character (a code point); a newline is a character too.
There is no escape: a backslash is itself, as in the page's paths. The page is silent there. Elasticsearch's own
conversion (StringUtils.toLikePattern) knows none, and in the review of the page (pull request 65237) its authors say
so: a literal `*` or `?` can be asked for with `==`, `in`, `in~` and `regex` alone.

Addresses. A range may have bits beyond its prefix. IPv4 within IPv6 (`::ffff:10.0.0.1`, and IPv6 ranges that hold all
of those) is refused, as Elasticsearch keeps both kinds in one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import product
from typing import TypeAlias

from oracles.eql_tokens import EqlUnsupported

Value: TypeAlias = str | int | float | bool
Values: TypeAlias = tuple[Value, ...]
Held: TypeAlias = Mapping[str, Values]
"""An event as the engine holds it: no field is without values."""

Test: TypeAlias = Callable[[Value], bool]


@dataclass(frozen=True)
class Readings:
    """What the pages leave open. The default is what Elasticsearch's source says, where that could be read.

    unequal_for_missing: `x != 5` holds for a missing x, as bool must_not does. Otherwise not.
    functions_are_queries: startsWith, endsWith and stringContains of a field and a constant become queries, which `not`
    complements. Otherwise they are scripts: `not` of one holds where a value fails, and not for a missing field.
    functions_read_wildcards: `*`, `?` and backslashes in the constant of endsWith and stringContains are those of a
    wildcard query, where they are queries. Otherwise they are themselves.
    unicode_case: ignoring case goes beyond A to Z. Otherwise not, as the `term` and `wildcard` queries' pages say.
    absent_is_null: a comparison with a field that is written `?field` and has no mapping is null, and so is `not` of
    it. Otherwise such a field is as one without a value.
    ties_reversed: events of one timestamp come in the reverse of their order in the engine. Otherwise in that order.
    Elasticsearch sorts them by the tiebreaker field, if the search names one. Otherwise they are concurrent, and come
    in an order that need not be the same twice ('EQL search', 'Specify a sort tiebreaker').
    """

    unequal_for_missing: bool = True
    functions_are_queries: bool = True
    functions_read_wildcards: bool = True
    unicode_case: bool = False
    absent_is_null: bool = True
    ties_reversed: bool = False


SOURCE = Readings()

ALL_READINGS = tuple(Readings(*choice) for choice in product((True, False), repeat=len(fields(Readings))))
"""Every combination. A query proved for all of them does not depend on a doubt."""

SINGLE_DOUBTS = (SOURCE, *(replace(SOURCE, **{f.name: not getattr(SOURCE, f.name)}) for f in fields(Readings)))
"""The default, and each doubt alone the other way: the doubts seldom meet in one condition, and this is faster."""


def kind(value: Value) -> str:
    """text, number or boolean."""
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def loaded(event: Mapping[str, object]) -> dict[str, Values]:
    """An event without its null fields. Raises TypeError for other values."""
    held: dict[str, Values] = {}
    for name, value in event.items():
        several = value if isinstance(value, list | tuple) else () if value is None else (value,)
        values = tuple(single for single in several if isinstance(single, str | int | float))
        if len(values) != len(several) or len(set(map(kind, values))) > 1:
            raise TypeError(f"{name} cannot hold {value!r}")
        if values:
            held[name] = values
    return held


def folded(text: str) -> str:
    """Without case, character by character."""
    return "".join(low if len(low := character.casefold()) == 1 else character for character in text)


def _text_test(pattern: str, insensitive: bool, unicode_case: bool) -> Test:
    """The whole text matches. `pattern` is Python's, of folded characters where all of Unicode has cases."""
    search = re.compile(pattern, re.DOTALL | (re.IGNORECASE | re.ASCII if insensitive and not unicode_case else 0))
    if insensitive and unicode_case:
        return lambda value: search.fullmatch(folded(str(value))) is not None
    return lambda value: search.fullmatch(str(value)) is not None


_WILDCARDS = {"*": ".*", "?": "."}


def like(pattern: str, insensitive: bool, readings: Readings) -> Test:
    """`like`, and `:` and `like~` where insensitive."""
    pattern = folded(pattern) if insensitive and readings.unicode_case else pattern
    return _text_test(
        "".join(_WILDCARDS.get(letter) or re.escape(letter) for letter in pattern), insensitive, readings.unicode_case
    )


def wildcard_query(pattern: str, insensitive: bool, readings: Readings) -> Test:
    """The pattern of a `wildcard` query, in which a backslash takes the meaning of the next character."""
    pattern = folded(pattern) if insensitive and readings.unicode_case else pattern
    parts = re.findall(r"\\?.", pattern, re.DOTALL)
    return _text_test(
        "".join(_WILDCARDS.get(part) or re.escape(part[-1]) for part in parts), insensitive, readings.unicode_case
    )


def equal_text(wanted: str, insensitive: bool, readings: Readings) -> Test:
    """The same text."""
    if not insensitive:
        return lambda value: value == wanted
    wanted = folded(wanted) if readings.unicode_case else wanted
    return _text_test(re.escape(wanted), True, readings.unicode_case)


@lru_cache(maxsize=65536)
def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address. Raises EqlUnsupported for other text."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise EqlUnsupported(f"{text!r} is no address") from None
    if "%" in text or (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped):
        raise EqlUnsupported(f"{text!r} is IPv4 within IPv6, or has a zone")
    return found


_WITHIN_IPV6 = ipaddress.IPv6Network("::ffff:0:0/96")


def within(text: str) -> Test:
    """Whether an address is in a range. Raises EqlUnsupported for what is none."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise EqlUnsupported(f"{text!r} is no range") from None
    if "/" not in text or (isinstance(network, ipaddress.IPv6Network) and network.overlaps(_WITHIN_IPV6)):
        raise EqlUnsupported(f"{text!r} has no prefix, or holds IPv4 within IPv6")
    return lambda value: address(str(value)) in network
