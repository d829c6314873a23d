"""Lowers semantic tests to SPL predicates: a form for `search` and, if that form is wider, an exact expression."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..common import regexes
from ..common.columns import Kind
from ..common.expression import Node, Test, any_of, negate
from ..common.front import network_text, not_a_time, not_of_type
from ..common.log_model import LogModel
from ..common.losses import Unsupported
from ..common.semantic_tests import (
    InNetwork,
    Keyword,
    KeywordMatches,
    Matches,
    Numbers,
    OneOf,
    Present,
    Same,
    SemanticTest,
    Texts,
    TimePart,
    Truth,
)
from .predicates import Predicate
from .text import eval_name, is_plain, is_range, longest, text, widened

Lowered = Node[Predicate]

_RAW = "_raw"
#: The entities that XML may write for these characters in the text of an event.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
#: A pattern for any one character in XML.
_ONE_IN_XML = "(?:&(?:amp|lt|gt|quot|apos|#39);|.)"
#: The first character of each part of a time such as `2025-06-15 10:00:00.123`, Sysmon's form, and its length.
_TIME_PARTS = {"minute": (15, 2), "hour": (12, 2), "day": (9, 2), "month": (6, 2), "year": (1, 4)}


def lower(test: SemanticTest, model: LogModel) -> Lowered:
    """Lower one test to predicates. Raises Unsupported if the events or SPL cannot express it."""
    match test:
        case Texts():
            return any_of(_text(test, value, model) for value in test.values)
        case Matches():
            return _told_from_missing(_regex_test(test.column.text, test, test.column.field), test.column.field, model)
        case InNetwork():
            # Both take IPv4 and IPv6 (Splunk's Search Reference, 'search' and 'cidrmatch').
            field, network = test.column.text, network_text(test.network)
            return Test(Predicate(field, (network,), condition=f"cidrmatch({text(network)}, {eval_name(field)})"))
        case Numbers():
            return _numbers(test, model)
        case Truth():
            return Test(_text_test(test.column.text, [str(test.value).lower()], cased=False))
        case Present():
            return _present(test.column.text, model)
        case OneOf():
            return any_of(Test(_text_test(test.column.text, [word], cased=False)) for word in test.values)
        case Same():
            return Test(_same(test, model))
        case TimePart():
            return Test(_time_part(test))
        case Keyword():
            _refuse_raw(model)
            patterns = dict.fromkeys(
                (regexes.pcre_wildcard(test.value, not test.cased), _in_xml(test.value, not test.cased))
            )
            return Test(Predicate(_RAW, regexes=tuple(patterns), flags="s" if test.cased else "is"))
        case KeywordMatches():
            _refuse_raw(model)
            return Test(_regex_test(_RAW, test, "a keyword"))


def instead(model: LogModel, otherwise: str) -> str:
    """The advice for a rule that a data model cannot express: the dialect that can, or `otherwise` if there is none."""
    return next((f"use --dialect {dialect}" for dialect in model.elsewhere), otherwise)


def _refuse_raw(model: LogModel) -> None:
    """Raise Unsupported for a data model, which has no raw text."""
    if model.data_model:
        message = f"{model.table} has no raw text to search for a keyword; {instead(model, 'name the field')}"
        raise Unsupported(message, at=("detection",))


def _present(field: str, model: LogModel) -> Lowered:
    if model.missing:
        # tstats writes this text for a missing value when it groups, so only `where` can test for it.
        pattern = regexes.pcre_wildcard([model.missing], True)
        return negate(Test(Predicate(field, (), False, regexes=(pattern,), flags="is")))
    return Test(Predicate(field, ("*",)))


def _text(test: Texts, parts: Sequence[str | None], model: LogModel) -> Lowered:
    name = test.column.field
    if not parts and model.missing:
        raise Unsupported(
            f"{name}: '' cannot be distinguished from a missing value in {model.table}; "
            f"{instead(model, 'test for null')}",
            name,
        )
    return _told_from_missing(_text_test(test.column.text, parts, test.cased), name, model)


def _told_from_missing(predicate: Predicate, name: str, model: LogModel) -> Lowered:
    """The predicate as a test. Raises Unsupported if it also finds the text that stands for a missing value."""
    flags = re.IGNORECASE * ("i" in predicate.flags) | re.DOTALL
    if model.missing and any(re.search(p.replace(r"\z", r"\Z"), model.missing, flags) for p in predicate.regexes):
        raise Unsupported(
            f"{name}: {model.table} writes {model.missing!r} for a missing value, which this test also finds; "
            f"{instead(model, 'write more of the value')}",
            name,
        )
    return Test(predicate)


def _text_test(field: str, parts: Sequence[str | None], cased: bool) -> Predicate:
    """A string test with wildcards; exact in `search` if it ignores case and `search` can express the value."""
    wanted = "".join("*" if not part else widened(part) for part in parts)
    value = longest(wanted) if parts else "*"
    plain = all(part is None or (part and is_plain(part)) for part in parts)
    exact = bool(parts) and not cased and plain and value == wanted and not is_range(value)
    values = (value,) if not is_range(value) else ("*",)
    pattern = regexes.pcre_wildcard(parts, not cased) if parts else r"^\z"
    return Predicate(field, values, exact, regexes=(pattern,), flags="s" if cased else "is")


def _in_xml(parts: Sequence[str | None], ignore_case: bool) -> str:
    """A pattern for the same keyword in an event in XML, which writes some characters as entities."""
    escaped = [part and "".join(_ENTITIES.get(character, character) for character in part) for part in parts]
    pattern = regexes.pcre_wildcard(escaped, ignore_case, one=_ONE_IN_XML)
    # XML may write quotation marks in text with or without an entity.
    return pattern.replace("&quot;", '(?:"|&quot;)').replace("&apos;", "(?:'|&apos;|&#39;)")


def _regex_test(field: str, test: Matches | KeywordMatches, what: str) -> Predicate:
    try:
        pattern = regexes.to_pcre(test.pattern, test.flags)
    except regexes.RegexError as error:
        raise Unsupported(
            f"{what}: the regular expression {error}, so it would not mean the same on every target; {error.hint}",
            "" if field == _RAW else what,
        ) from None
    # The pattern already begins with its flags, so it cannot be joined with another one.
    return Predicate(field, ("*",) if field != _RAW else (), False, "=~", regexes=(pattern,))


def _numbers(test: Numbers, model: LogModel) -> Lowered:
    column = test.column
    if test.operator == "==":
        # Events hold numbers as text.
        return any_of(Test(_text_test(column.text, [number], cased=False)) for number in test.numbers)
    if column.kind not in (Kind.NUMBER, Kind.TEXT):
        raise not_of_type(column, "a number")
    (number,) = test.numbers
    # `search` compares a value that is not a number as text; tonumber() returns null for it.
    exact = column.kind is Kind.NUMBER and not model.missing
    subject = eval_name(column.text)
    condition = f"{subject if exact else f'tonumber({subject})'}{test.operator}{number}"
    return Test(Predicate(column.text, (number,) if exact else (), exact, test.operator, condition=condition))


def _time_part(test: TimePart) -> Predicate:
    field = eval_name(test.column.text)
    if test.part == "week":
        # At noon, a change of the clocks cannot move the day, whatever the time zone.
        day = f'strptime(substr({field}, 1, 10)." 12:00", "%Y-%m-%d %H:%M")'
        subject = f'strftime({day}, "%V")'
    else:
        start, length = _TIME_PARTS[test.part]
        subject = f"substr({field}, {start}, {length})"
    operator = "=" if test.operator == "==" else test.operator
    return Predicate(test.column.text, condition=f"tonumber({subject}){operator}{test.number}")


def _same(test: Same, model: LogModel) -> Predicate:
    """A comparison of two fields of one event, as text, ignoring case."""
    sides = [not_a_time(side).text for side in (test.column, test.other)]
    subject, other = (f"lower({eval_name(side)})" for side in sides)
    length = f"len({eval_name(sides[1])})"
    # The prefix keeps two texts that look like numbers from being compared as numbers.
    start, end, whole = (
        f'("=".{one})=("=".{other})'
        for one in (f"substr({subject}, 1, {length})", f"substr({subject}, 0-{length})", subject)
    )
    # The documentation does not say whether split() keeps an empty part at the start or the end.
    found = {
        "equals": whole,
        "startswith": start,
        "endswith": end,
        "contains": f"({start} OR {end} OR mvcount(split({subject}, {other}))>1)",
    }
    condition = f"{length}>0 AND {found[test.how]}"
    if model.missing:
        condition += f" AND {other}!={text(model.missing)}"
    return Predicate(sides[0], condition=condition, needs=tuple(dict.fromkeys(sides)))
