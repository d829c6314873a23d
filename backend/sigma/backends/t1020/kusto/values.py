"""Tests of one value: which Kusto operator finds exactly what a Sigma string means."""

from __future__ import annotations

from collections.abc import Sequence

from ..common import regexes
from ..common.expression import Node, Test, all_of, negate
from ..common.log_model import Column
from .predicates import EVERY_COLUMN, Predicate
from .text import string

#: Kusto's types of numbers.
NUMERIC = frozenset({"int", "long", "real", "decimal"})


def as_whole_number(text: str) -> str | None:
    """The text as a number literal, if it is a plain whole number."""
    return text if text.isascii() and text.isdigit() and str(int(text)) == text else None


def present(column: Column) -> Node[Predicate]:
    """The column holds something."""
    subject = column.text or column.base_name
    return negate(Test(Predicate(subject, "missing", nullable=column.nullable, computed=column.computed)))


def matches_text(column: Column, parts: Sequence[str | None], cased: bool, field: str) -> Node[Predicate]:
    """A string test with wildcards; `column` is of type string, `field` the name that the rule has for it."""
    if not parts:
        return Test(Predicate(column.text, "empty", computed=column.computed, of=field))
    lead, trail = parts[0] is None, parts[-1] is None
    inner = parts if len(parts) == 1 else parts[lead : len(parts) - trail]
    if len(inner) == 1 and inner[0]:
        how = {(True, True): "contains", (True, False): "endswith", (False, True): "startswith"}
        return compare(column, how.get((lead, trail), "equals"), inner[0], cased)
    subject = column.text
    if not cased and any(part and _has_foreign_letters(part) for part in parts):
        subject, parts, cased = f"tolower({subject})", [_lower(part) if part else part for part in parts], True
    expression = string(regexes.wildcard_pattern(parts, not cased))
    return Test(Predicate(subject, "matches regex", (expression,), computed=column.computed))


def compare(column: Column, how: str, needle: str, cased: bool) -> Node[Predicate]:
    """A string test without wildcards; `how` is equals, contains, startswith or endswith.

    Kusto's case-insensitive operators know ASCII letters only (Kusto docs, 'String operators'), so letters
    beyond them are compared in lower case.
    """
    subject = column.text
    if not cased and _has_foreign_letters(needle):
        subject, needle, cased = f"tolower({subject})", _lower(needle), True
    if how == "contains":
        operator = _contains(needle) + ("_cs" if cased else "")
    else:
        operator = {"equals": "=="}.get(how, f"{how}_cs") if cased else {"equals": "=~"}.get(how, how)
    return Test(Predicate(subject, operator, (string(needle),), computed=column.computed))


def equals_column(column: Column, other: Column, how: str) -> Node[Predicate]:
    """A column compared with another one of the event; `how` is equals, contains, startswith or endswith.

    Numbers and times are compared as such where both are of that kind, all else as text without regard to case.
    A missing value equals nothing, another missing one included.
    """
    computed = (*column.computed, *other.computed)
    numbers = column.type in NUMERIC and other.type in NUMERIC
    if how == "equals" and (numbers or column.type == other.type == "datetime"):
        same = Test(Predicate(column.text, "==", (other.text,), nullable=True, computed=computed))
    else:
        # Kusto's case-insensitive operators know ASCII letters only (Kusto docs, 'String operators').
        texts = (one.text if one.type == "string" else f"tostring({one.text})" for one in (column, other))
        left, right = (f"tolower({text})" for text in texts)
        same = Test(Predicate(left, "==" if how == "equals" else f"{how}_cs", (right,), computed=computed))
    return all_of((present(other), same))


def in_any_column(parts: Sequence[str | None], cased: bool, computed: tuple[str, ...]) -> Node[Predicate]:
    """A keyword: the parts, which begin and end with `*`, in any column, the computed ones included."""
    inner = parts[1:-1]
    if len(inner) == 1 and inner[0] and (cased or not _has_foreign_letters(inner[0])):
        operator = _contains(inner[0])
        operator += "_cs" if cased else ""
        return Test(Predicate(EVERY_COLUMN, operator, (string(inner[0]),), computed=computed))
    # All columns cannot be put in lower case; RE2 folds the case of all letters.
    expression = regexes.wildcard_pattern(parts, not cased)
    return Test(Predicate(EVERY_COLUMN, "matches regex", (string(expression),), computed=computed))


def base_name(column: Column, parts: Sequence[str | None], separator: str) -> str | None:
    """The file name that `*\\name` asks for, if the column's file names are stored apart; `separator` is that of the
    rule's paths, empty where they may be of several platforms."""
    if not column.base_name or len(parts) != 2 or parts[0] is not None or not parts[1]:
        return None
    first, file_name = parts[1][0], parts[1][1:]
    if first != separator or not file_name or any(character in "\\/" for character in file_name):
        return None
    return file_name


def _lower(text: str) -> str:
    """Lower case, a character for a character, as tolower() does."""
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _has_foreign_letters(text: str) -> bool:
    return any(not c.isascii() and c.lower() != c.upper() for c in text)


def _contains(needle: str) -> str:
    """The operator that finds a text anywhere: `has`, which uses the index, where it finds the same."""
    edges = _is_term_edge(needle[0]) and _is_term_edge(needle[-1])
    return "has" if edges and any(character.isalnum() for character in needle) else "contains"


def _is_term_edge(character: str) -> bool:
    """Whether a term may end here: `has` then finds what `contains` finds, by the index."""
    return not character.isalnum() and character != "_"
