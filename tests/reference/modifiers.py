"""One item of a selection, `Field|modifier|...: values`, as a test of events.

Source: Sigma modifiers appendix and rules specification ("Value Modifiers", "Special Field Values",
"Placeholders"). A rule value becomes alternatives, which are linked by OR (`windash`, `base64offset` and
`expand` make several of one); the values of a list are linked by OR, under `all` by AND; `neq` negates the
whole item, so that it holds for a missing field.
"""

from __future__ import annotations

import ipaddress
import itertools
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from reference import encodings, patterns
from reference.events import Event, Scalar, scalars, text
from reference.regexes import compile_regex

Item: TypeAlias = Callable[[Event], bool]
Atom: TypeAlias = Callable[[str | int | float | bool], bool]
Placeholders: TypeAlias = Mapping[str, Sequence[str | int]]

PLACES = ("contains", "startswith", "endswith")
REGEX_FLAGS = ("i", "m", "s")
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
TIME_PARTS: Mapping[str, Callable[[datetime], int]] = {
    "minute": lambda moment: moment.minute,
    "hour": lambda moment: moment.hour,
    "day": lambda moment: moment.day,
    "week": lambda moment: moment.isocalendar().week,
    "month": lambda moment: moment.month,
    "year": lambda moment: moment.year,
}
MODIFIERS = frozenset(
    (
        *(
            "all",
            "cased",
            "neq",
            "exists",
            "expand",
            "fieldref",
            "windash",
            "re",
            "cidr",
            "base64",
            "base64offset",
        ),
        *(*PLACES, *REGEX_FLAGS, *COMPARISONS, *TIME_PARTS, *encodings.WIDE),
    )
)

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_PLACEHOLDER = re.compile(r"\\[\\*?]|\\%|%(?P<name>[^%\s\\]+)%")
_FLAG_DASH = re.compile(f"(?<!\\w)[{encodings.DASHES}](?=\\w)")
# What may stand beside a modifier that makes the value something else than a string.
_COMPANIONS: Mapping[str, frozenset[str]] = {
    "expand": MODIFIERS - {"windash"},
    "re": frozenset(("re", "all", "neq", *REGEX_FLAGS)),
    "cidr": frozenset(("cidr", "all", "neq")),
    "exists": frozenset(("exists", "neq")),
    "fieldref": frozenset(("fieldref", "cased", "all", "neq", *PLACES)),
    **{name: frozenset((name, "all", "neq", *TIME_PARTS)) for name in COMPARISONS},
    **{name: frozenset((name, "all", "neq", *COMPARISONS)) for name in TIME_PARTS},
}


class RuleError(ValueError):
    """The rule has no meaning by the specification: an unknown modifier, a value of a wrong type."""


def compile_item(key: str, values: Sequence[Scalar], placeholders: Placeholders) -> Item:
    """The test of `key: values`; a key without a field name is a keyword search. Raises RuleError."""
    field, *names = key.split("|")
    _check(key, names)
    if not values:
        raise RuleError(f"{key}: no value")
    tests = [_value(field, names, value, placeholders) for value in values]
    link = all if "all" in names else any
    negated = "neq" in names
    return lambda event: link(test(event) for test in tests) is not negated


def _check(key: str, names: Sequence[str]) -> None:
    for name in names:
        if name not in MODIFIERS:
            raise RuleError(f"{key}: unknown modifier {name}")
        if not set(names) <= _COMPANIONS.get(name, MODIFIERS):
            raise RuleError(f"{key}: {name} cannot be combined with the others")
    if len(set(names)) < len(names) or sum(name in PLACES or name in COMPARISONS for name in names) > 1:
        raise RuleError(f"{key}: modifiers contradict or repeat each other")
    if set(names) & set(REGEX_FLAGS) and "re" not in names:
        raise RuleError(f"{key}: i, m and s belong to re")


def _value(field: str, names: Sequence[str], value: Scalar, placeholders: Placeholders) -> Item:
    """One value of an item."""
    if "exists" in names:
        if not isinstance(value, bool) or not field:
            raise RuleError(f"{field}|exists takes a field, and true or false")
        return lambda event: bool(scalars(event, field)) is value
    if "fieldref" in names:
        if not isinstance(value, str) or not field:
            raise RuleError(f"{field}|fieldref takes a field, and the name of another")
        return _field_reference(field, value, names)
    if value is None:
        if set(names) - {"neq", "all"} or not field:
            raise RuleError(f"{field}: null takes a field and no modifier")
        return lambda event: not scalars(event, field)
    if not field:
        return _keyword(_atom(names, value, placeholders, keyword=True))
    atom = _atom(names, value, placeholders, keyword=False)
    return lambda event: any(atom(element) for element in scalars(event, field))


def _keyword(atom: Atom) -> Item:
    """A keyword is sought in the strings of all fields ("applied to the full log message")."""

    def test(event: Event) -> bool:
        found = (element for name in event.fields for element in scalars(event, name))
        return any(atom(element) for element in found if isinstance(element, str))

    return test


def _atom(names: Sequence[str], value: str | int | float | bool, placeholders: Placeholders, keyword: bool) -> Atom:
    """The test of one element of a field."""
    comparison = next((COMPARISONS[name] for name in names if name in COMPARISONS), None)
    part = next((TIME_PARTS[name] for name in names if name in TIME_PARTS), None)
    if comparison or part:
        if keyword or isinstance(value, str | bool):
            raise RuleError(f"{'|'.join(names)} takes a field and a number, not {value!r}")
        return _numeric(float(value), comparison or operator.eq, part)
    if "re" in names:
        regex = compile_regex(text(value), "".join(name for name in names if name in REGEX_FLAGS))
        return lambda element: regex.search(text(element)) is not None
    if "cidr" in names:
        return _network(text(value))
    cased = "cased" in names
    if not isinstance(value, str) and not keyword and not set(names) - {"all", "neq", "cased"}:
        return _typed(value)
    alternatives = _strings(names, text(value), placeholders, keyword)
    return lambda element: any(patterns.matches(pattern, text(element), cased) for pattern in alternatives)


def _typed(value: int | float | bool) -> Atom:
    """A number equals that number and its text, a boolean that boolean and its text; true is not 1."""

    def test(element: str | int | float | bool) -> bool:
        if isinstance(element, str):
            return element.lower() == text(value)
        return isinstance(element, bool) is isinstance(value, bool) and element == value

    return test


def number_of(element: str | int | float | bool) -> float | None:
    """The number that an element is, or that its text is in plain decimal notation."""
    if isinstance(element, bool):
        return None
    if isinstance(element, str):
        return float(element) if _NUMBER.fullmatch(element) else None
    return float(element)


def moment_of(element: str | int | float | bool) -> datetime | None:
    """The date and time as written (ISO 8601, or Sysmon's form with a space), its zone ignored: the
    specification converts none. A number is in ms since the Unix epoch, UTC."""
    if isinstance(element, bool):
        return None
    if isinstance(element, str):
        try:
            return datetime.fromisoformat(element)
        except ValueError:
            return None
    return datetime(1970, 1, 1) + timedelta(milliseconds=element)


def _numeric(value: float, compare: Callable[[float, float], bool], part: Callable[[datetime], int] | None) -> Atom:
    def test(element: str | int | float | bool) -> bool:
        if part is None:
            number = number_of(element)
        else:
            moment = moment_of(element)
            number = None if moment is None else part(moment)
        return number is not None and compare(number, value)

    return test


def _network(value: str) -> Atom:
    """Addresses in the network and of its version: `::ffff:10.0.0.1` is an IPv6 address, in no IPv4
    network."""
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise RuleError(str(error)) from error

    def test(element: str | int | float | bool) -> bool:
        try:
            return isinstance(element, str) and ipaddress.ip_address(element) in network
        except ValueError:
            return False

    return test


def _field_reference(field: str, other: str, names: Sequence[str]) -> Item:
    """Two fields of one event compared: numbers as numbers, else as text without wildcards."""
    cased = "cased" in names

    def same(left: str | int | float | bool, right: str | int | float | bool) -> bool:
        if not any(isinstance(side, str | bool) for side in (left, right)) and not set(names) & set(PLACES):
            return left == right
        return patterns.matches(_placed(patterns.literal(text(right)), names), text(left), cased)

    return lambda event: any(
        same(left, right) for left, right in itertools.product(scalars(event, field), scalars(event, other))
    )


def _placed(pattern: patterns.Pattern, names: Sequence[str]) -> patterns.Pattern:
    """The pattern with the wildcards that contains, startswith and endswith put around it."""
    if "contains" in names or "endswith" in names:
        pattern = (patterns.Wildcard.ANY, *pattern)
    if "contains" in names or "startswith" in names:
        pattern = (*pattern, patterns.Wildcard.ANY)
    return pattern


def _strings(names: Sequence[str], value: str, placeholders: Placeholders, keyword: bool) -> list[patterns.Pattern]:
    """The alternatives of a string value, its modifiers applied in their order (expand first of all)."""
    if "expand" in names:
        sources = _expanded(value, placeholders)
    else:
        sources = [patterns.parse(one) for one in (_dashed(value) if "windash" in names else [value])]
    encoded = [name for name in names if name in encodings.ENCODINGS]
    found: list[patterns.Pattern] = []
    for source in sources:
        try:
            texts = encodings.encode(patterns.plain(source), encoded) if encoded else None
        except ValueError as error:
            raise RuleError(f"{'|'.join(names)}: {error}") from error
        found.extend([source] if texts is None else map(patterns.literal, texts))
    return [_placed(pattern, ["contains"] if keyword else names) for pattern in found]


def _dashed(value: str) -> list[str]:
    """All permutations of the dashes where a flag can begin: before a word and not after one. (The
    specification does not say where; pySigma leaves the second dash of -param-name alone.)"""
    pieces = _FLAG_DASH.split(value)
    found = []
    for dashes in itertools.product(encodings.DASHES, repeat=len(pieces) - 1):
        found.append("".join(itertools.chain(*zip(pieces, (*dashes, ""), strict=True))))
    return found


def _expanded(value: str, placeholders: Placeholders) -> list[patterns.Pattern]:
    r"""The patterns that come of putting each placeholder's values, Sigma strings themselves, in its place;
    `\%` is a plain percent sign. Parts are parsed one by one: a backslash that ends a value escapes nothing
    after it."""
    choices: list[list[patterns.Pattern]] = []
    at = 0
    before = ""
    for found in _PLACEHOLDER.finditer(value):
        before += value[at : found.start()]
        at = found.end()
        name = found.group("name")
        if name is None:
            before += "%" if found.group() == "\\%" else found.group()
            continue
        if name not in placeholders:
            raise RuleError(f"the placeholder %{name}% has no value")
        choices += [[patterns.parse(before)], [patterns.parse(str(each)) for each in placeholders[name]]]
        before = ""
    choices.append([patterns.parse(before + value[at:])])
    return [tuple(itertools.chain(*parts)) for parts in itertools.product(*choices)]
