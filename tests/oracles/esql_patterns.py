r"""LIKE, RLIKE, the match operator, and comparisons after TO_LOWER or TO_UPPER.

LIKE (ES|QL reference, 'Operators', 'LIKE'): the whole value, heeding case; `*` is any text, `?` one character. A
backslash takes the meaning of the next `*`, `?` or `\`; in "…" each backslash is written twice. Before another
character and at the end it is an error (Elastic's parser tests). A list is true where one pattern is; 8.19 has it too
(pull request 129554).

RLIKE: the syntax of Lucene with all its operators, the whole value (`lucene_regexp.matches`).

`:` ('Operators', 'Match operator'; 'Limitations', 'Full-text search'; csv-spec `match-operator`): only in WHERE, only
on a field of an index, before LIMIT and STATS. On a keyword, number, Boolean, address or date it asks for the exact
value, and any of several values will do. A text that is no number (Boolean, …) matches nothing. Refused: analysed
text, ranges (a date that is no full time, an address with a prefix), and the operator after RENAME or MV_EXPAND.

TO_LOWER(x) and TO_UPPER(x) before `==`, `!=`, LIKE, RLIKE and a constant: `Readings.casing`. That the optimiser makes
these operators that do not heed case, or false, is in issue 127479, pull request 118870 and Elastic's tests (csv-spec
`where-like`, …UpperTurnedInsensitive). For LIKE and RLIKE it is switched off in 8.19 (pull request 131387), where
only ASCII would have been folded, and on in 9.1; for `==` it is on in both.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from oracles.esql_grammar import EsqlUnsupported, Node, place, refuse, string_value, text_of
from oracles.esql_values import Context, Readings, Row, Run, Value, address, date_of, values_of
from oracles.esql_verifier import MATCH_IN_STATS, NUMERIC, STRING, Expression, Scope, error, folded, need, single_valued


def like(node: Node, subject: Expression, context: Context) -> Expression:
    """LIKE with one pattern or a list."""
    need(subject, "string", "argument of [LIKE]")
    strings = node.string()
    patterns = [string_value(one.getText()) for one in (strings if isinstance(strings, list) else [strings])]

    def test(pattern: str, letters: Letters) -> Callable[[str], Any]:
        return re.compile(_wildcards(pattern, node, letters), re.DOTALL).fullmatch

    return _pattern(node, subject, patterns, test, lambda pattern: bool(pattern) and not pattern.strip("*"), context)


def rlike(node: Node, subject: Expression, context: Context) -> Expression:
    """RLIKE with one pattern."""
    need(subject, "string", "argument of [RLIKE]")
    pattern = string_value(node.string().getText())
    lucene: Any = importlib.import_module("oracles.lucene_regexp")
    matches: Callable[..., bool] = lucene.matches

    def test(pattern: str, letters: Letters) -> Callable[[str], Any]:
        known: dict[str, bool] = {}

        def matched(text: str) -> bool:
            if text not in known:
                known[text] = matches(pattern, text, ignore_case=letters is not _same)
            return known[text]

        try:
            matched("")
        except lucene.LuceneRegexError as failure:
            raise error(f"Invalid regex pattern for RLIKE [{pattern}]: {failure}", node) from failure
        return matched

    return _pattern(node, subject, [pattern], test, lambda pattern: pattern == ".*", context)


Letters = Callable[[str], str]
"""The characters that a character of a pattern stands for, as a regex."""


def _same(character: str) -> str:
    return re.escape(character)


def _fold(character: str) -> str:
    forms = dict.fromkeys((character, character.lower(), character.upper()))
    return f"(?:{'|'.join(map(re.escape, forms))})"


def _fold_ascii(character: str) -> str:
    return _fold(character) if character.isascii() else re.escape(character)


def _letters(readings: Readings) -> Letters:
    return _fold_ascii if readings.casing == "ascii" else _fold


def _wildcards(pattern: str, node: Node, letters: Letters) -> str:
    pieces = []
    position = 0
    while position < len(pattern):
        here = pattern[position]
        if here == "\\":
            position += 1
            here = pattern[position : position + 1]
            if here not in ("*", "?", "\\"):
                raise error(f"Invalid pattern for LIKE [{pattern}]: a backslash before {here or 'the end'!r}", node)
            pieces.append(re.escape(here))
        else:
            pieces.append({"*": ".*", "?": "."}.get(here) or letters(here))
        position += 1
    return "".join(pieces)


def _pattern(
    node: Node,
    subject: Expression,
    patterns: Sequence[str],
    test: Callable[[str, Letters], Callable[[str], Any]],
    is_all: Callable[[str], bool],
    context: Context,
) -> Expression:
    text, readings = text_of(node), context.readings
    # A pattern is read before the optimiser may drop it.
    for pattern in patterns:
        test(pattern, _same)
    if readings.all_is_not_null and any(map(is_all, patterns)):
        run, inner = subject.run, subject
        return folded(Expression("boolean", lambda row: run(row) is not None, text, node), [inner])
    letters: Letters = _same
    if subject.casing and readings.casing in ("insensitive", "ascii"):
        which, inner = subject.casing
        patterns = [pattern for pattern in patterns if _has_case(pattern, which)]
        if not patterns:
            return Expression("boolean", lambda row: False, text, node)
        subject, letters = inner, _letters(readings)
    tests = [test(pattern, letters) for pattern in patterns]
    if len(tests) == 1:
        (only,) = tests
        run = single_valued(context, text, [subject], lambda value: bool(only(value)))
    else:
        run = single_valued(context, text, [subject], lambda value: any(one(value) for one in tests))
    return folded(Expression("boolean", run, text, node), [subject])


def _has_case(text: str, which: str) -> bool:
    return text == (text.lower() if which == "lower" else text.upper())


def equal_without_case(left: Expression, right: Expression, sign: str, text: str, context: Context) -> Run | None:
    """`==` and `!=` as the optimiser has them after TO_LOWER and TO_UPPER, None where it changes nothing."""
    if not left.casing or context.readings.casing == "plain" or sign not in ("==", "!="):
        return None
    if not right.constant or not isinstance(right.value, str):
        return None
    which, subject = left.casing
    wanted = sign == "=="
    if not _has_case(right.value, which):
        return lambda row: not wanted
    letters = _letters(context.readings)
    test = re.compile("".join(map(letters, right.value)), re.DOTALL).fullmatch
    return single_valued(context, text, [subject], lambda value: bool(test(value)) is wanted)


def match(node: Node, name: str, wanted: Expression, scope: Scope) -> Expression:
    """The match operator `:`."""
    text = text_of(node)
    if scope.match == MATCH_IN_STATS:
        refuse(scope.match, node)
    if scope.match:
        raise error(f"[{text}]: {scope.match}", node)
    column = scope.columns.get(name)
    if column is None:
        raise error(f"Unknown column [{name}]", node)
    if column.unusable:
        raise error(f"Cannot use field [{name}] {column.unusable}", node)
    if column.origin == "computed":
        raise error(f"[:] operator cannot operate on [{name}], which is not a field from an index mapping", node)
    if column.origin == "renamed" or column.type in ("text", "version"):
        refuse(f"the match operator on {name}, a field that is renamed or of type {column.type}", node)
    if wanted.type == "null" or type(wanted.value) is tuple:
        raise error(f"argument of [{text}] cannot be null or several values", node)
    term = _term(wanted.value, column.type, wanted.type, node)
    index = column.index
    missing = None if scope.context.readings.match_missing_is_null else False

    def run(row: Row) -> Any:
        value = row[index]
        if value is None:
            return missing
        return term is not None and term in values_of(value)

    return Expression("boolean", run, text, node)


def _term(value: Value, type_: str, given: str, node: Node) -> Value:
    """The value to look for in a field of a type, None where nothing can be equal."""
    text = isinstance(value, str)
    if type_ in STRING and text:
        return value
    if type_ == "boolean" and (text or given == "boolean"):
        return {"true": True, "false": False}.get(str(value).lower())
    if type_ in NUMERIC and (text or given in NUMERIC):
        return _number(value)
    if type_ == "ip" and text:
        if "/" in value:
            raise EsqlUnsupported("the match operator with a range of addresses", *place(node))
        return address(value)
    if type_ == "date" and text:
        at = date_of(value)
        if at is None or not re.fullmatch(r".*:\d\d[.,]\d{3}Z", value):
            raise EsqlUnsupported("the match operator with a date that is no full time", *place(node))
        return at
    raise error(f"the match operator on a field of type [{type_}] with [{given}]", node)


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return None
