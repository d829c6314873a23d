"""Lowers semantic tests to Kusto predicates that find exactly the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..common import regexes
from ..common.columns import Column, Kind
from ..common.expression import Node, Test, all_of, any_of, negate
from ..common.front import network_text, not_of_type
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
from .predicates import EVERY_COLUMN, Predicate
from .text import name, string

Lowered = Node[Predicate]

#: Source: Kusto docs, the pages of these functions. Weeks follow ISO 8601 ('week_of_year()').
_TIME_PARTS = {
    "minute": 'datetime_part("minute", {})',
    "hour": "hourofday({})",
    "day": "dayofmonth({})",
    "week": "week_of_year({})",
    "month": "monthofyear({})",
    "year": "getyear({})",
}


def lower(test: SemanticTest, model: LogModel) -> Lowered:
    """Lower one test to predicates. Raises Unsupported if the table or KQL cannot express it."""
    match test:
        case Texts():
            return any_of(_text(test.column, value, test.cased, model) for value in test.values)
        case Matches():
            return _matches(test, model)
        case InNetwork():
            column, network = _as_string(test.column, model), test.network
            return _test(column, f"ipv{network.version}", string(network_text(network)))
        case Numbers():
            return _numbers(test)
        case Truth():
            return _truth(test)
        case Present():
            return present(test.column)
        case OneOf():
            return _test(test.column, "==", *map(string, test.values))
        case Same():
            return _same(test)
        case TimePart():
            subject = _TIME_PARTS[test.part].format(test.column.text)
            return _test(test.column, test.operator, test.number, subject=subject, nullable=True)
        case Keyword():
            # A value that the table stores in parts, such as a user with the domain, is searched as a computed column.
            return _in_any_column(test, tuple(model.expressions))
        case KeywordMatches():
            return _matches_any_column(test, tuple(model.expressions))


def present(column: Column) -> Lowered:
    """The predicate that the column has a value."""
    stored = column if column.text else _file_names(column)
    return negate(_test(stored, "missing", nullable=column.nullable))


def _test(column: Column, operator: str, *operands: str, subject: str = "", nullable: bool = False) -> Lowered:
    """A predicate on a column, or on `subject`, an expression of it."""
    return Test(Predicate(subject or column.text, operator, operands, nullable, column.computed, column))


def _file_names(column: Column) -> Column:
    """The column that holds the file names of a column of paths."""
    return Column(name(column.base_name), name=column.base_name, field=column.field)


def _as_string(column: Column, model: LogModel) -> Column:
    """The column as a string, for a test of its text. Raises Unsupported if the table stores only the file name."""
    if not column.text:
        product = "" if model.path_separator else "give the rule a product, and "
        raise Unsupported(
            f"the table stores only the file name of {column.field}; {product}test it with |endswith and one separator "
            "before the name, such as '\\cmd.exe'",
            column.field,
        )
    return column if column.type == "string" else replace(column, text=f"tostring({column.text})", type="string")


def _text(column: Column, parts: Sequence[str | None], cased: bool, model: LogModel) -> Lowered:
    if (file_name := _base_name(column, parts, model.path_separator)) is not None:
        return _compare(_file_names(column), "equals", file_name, cased)
    column = _as_string(column, model)
    if not parts:
        return _test(column, "empty")
    lead, trail = parts[0] is None, parts[-1] is None
    inner = parts if len(parts) == 1 else parts[lead : len(parts) - trail]
    if len(inner) == 1 and inner[0]:
        how = {(True, True): "contains", (True, False): "endswith", (False, True): "startswith"}
        return _compare(column, how.get((lead, trail), "equals"), inner[0], cased)
    subject = column.text
    if not cased and any(part and _has_foreign_letters(part) for part in parts):
        subject, parts, cased = f"tolower({subject})", [part and _lower(part) for part in parts], True
    expression = string(regexes.wildcard_pattern(parts, not cased))
    return _test(column, "matches regex", expression, subject=subject)


def _compare(column: Column, how: str, needle: str, cased: bool) -> Lowered:
    """A string test without wildcards; `how` is equals, contains, startswith or endswith.

    Kusto's case-insensitive operators fold only ASCII letters (Kusto docs, 'String operators'), so a text with other
    letters is compared in lower case.
    """
    subject = column.text
    if not cased and _has_foreign_letters(needle):
        subject, needle, cased = f"tolower({subject})", _lower(needle), True
    if how == "contains":
        operator = _contains(needle) + ("_cs" if cased else "")
    else:
        operator = {"equals": "=="}.get(how, f"{how}_cs") if cased else {"equals": "=~"}.get(how, how)
    return _test(column, operator, string(needle), subject=subject)


def _base_name(column: Column, parts: Sequence[str | None], separator: str) -> str | None:
    """The file name in a value such as `*\\name`, if a column of its own holds the file names; None for other values.

    `separator` separates the parts of the rule's paths; it is empty if they may come from several platforms.
    """
    if not column.base_name or len(parts) != 2 or parts[0] is not None or not parts[1]:
        return None
    first, file_name = parts[1][0], parts[1][1:]
    if first != separator or not file_name or any(character in "\\/" for character in file_name):
        return None
    return file_name


def _matches(test: Matches, model: LogModel) -> Lowered:
    column = _as_string(test.column, model)
    expression, finds_nothing = _printed(test, column.field, column.field)
    found = _test(column, "matches regex", string(expression))
    # The table stores a missing value as an empty text, which the expression would match.
    return all_of((present(column), found)) if finds_nothing else found


def _printed(test: Matches | KeywordMatches, what: str, field: str) -> tuple[str, bool]:
    """The expression for RE2, and whether it matches an empty text. Raises Unsupported, with `what` in the message."""
    try:
        expression = regexes.to_re2(test.pattern, test.flags)
    except regexes.RegexError as error:
        raise Unsupported(
            f"{what}: the regular expression {error}, which KQL's RE2 cannot run; {error.hint}", field
        ) from None
    return expression, regexes.matches_nothing(test.pattern, test.flags)


def _numbers(test: Numbers) -> Lowered:
    column = test.column
    if column.kind is Kind.NUMBER:
        return _test(column, test.operator, *test.numbers, nullable=True)
    if test.operator == "==" and column.type == "string" and column.text:
        return any_of(_compare(column, "equals", number, cased=False) for number in test.numbers)
    raise not_of_type(column, "a number")


def _truth(test: Truth) -> Lowered:
    column, word = test.column, str(test.value).lower()
    if column.kind is Kind.TRUTH:
        return _test(column, "==", word, nullable=True)
    if column.type == "string" and column.text:
        return _compare(column, "equals", word, cased=False)
    raise not_of_type(column, "bool")


def _same(test: Same) -> Lowered:
    """A comparison of two columns of one event.

    Two numbers and two times are compared as such, all other values as text, ignoring case. A missing value equals
    nothing, not even another missing value.
    """
    column, other = test.column, test.other
    for side in (column, other):
        if not side.text:
            raise Unsupported(
                f"the table stores only the file name of {side.field}; do not compare it with a field", side.field
            )
    column = replace(column, computed=(*column.computed, *other.computed))
    if test.how == "equals" and column.kind is other.kind and column.kind in (Kind.NUMBER, Kind.TIME):
        same = _test(column, "==", other.text, nullable=True)
    else:
        # Kusto's case-insensitive operators fold only ASCII letters (Kusto docs, 'String operators').
        texts = (one.text if one.type == "string" else f"tostring({one.text})" for one in (column, other))
        left, right = (f"tolower({text})" for text in texts)
        operator = "==" if test.how == "equals" else f"{test.how}_cs"
        same = _test(column, operator, right, subject=left)
    return all_of((present(other), same))


def _in_any_column(test: Keyword, computed: tuple[str, ...]) -> Lowered:
    inner = test.value[1:-1]
    if len(inner) == 1 and inner[0] and (test.cased or not _has_foreign_letters(inner[0])):
        operator = _contains(inner[0]) + ("_cs" if test.cased else "")
        return Test(Predicate(EVERY_COLUMN, operator, (string(inner[0]),), computed=computed))
    # `*` cannot be converted to lower case, but RE2 folds the case of all letters.
    expression = regexes.wildcard_pattern(test.value, not test.cased)
    return Test(Predicate(EVERY_COLUMN, "matches regex", (string(expression),), computed=computed))


def _matches_any_column(test: KeywordMatches, computed: tuple[str, ...]) -> Lowered:
    expression, finds_nothing = _printed(test, "a keyword", "")
    if finds_nothing:
        raise Unsupported(
            "a keyword's regular expression matches an empty text, and so every event; correct it", at=("detection",)
        )
    return Test(Predicate(EVERY_COLUMN, "matches regex", (string(expression),), computed=computed))


def _lower(text: str) -> str:
    """Convert to lower case one character at a time, as tolower() does."""
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _has_foreign_letters(text: str) -> bool:
    return any(not c.isascii() and c.lower() != c.upper() for c in text)


def _contains(needle: str) -> str:
    """The operator that finds a text anywhere: `has`, which uses the index, if it finds the same as `contains`."""
    edges = _is_term_edge(needle[0]) and _is_term_edge(needle[-1])
    return "has" if edges and any(character.isalnum() for character in needle) else "contains"


def _is_term_edge(character: str) -> bool:
    """Whether the character belongs to no term, so that `has` finds what `contains` finds."""
    return not character.isalnum() and character != "_"
