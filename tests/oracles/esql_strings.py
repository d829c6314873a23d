r"""String functions. ES|QL reference, 'String functions', a page for each; csv-spec `string`.

Positions and lengths count code points, from 1. TO_LOWER and TO_UPPER take each of several values (since 8.19: pull
request 124676); the others are null for several.

Refused where a value asks for it, since no page tells: negative lengths of LEFT and RIGHT, a start below 1 in LOCATE,
REVERSE of what is not ASCII, an empty delimiter of SPLIT. REPLACE takes a regex of Java; those whose meaning Python
shares are run, the others refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

from oracles.esql_grammar import EsqlUnsupported, refuse
from oracles.esql_signatures import Call, registered, simple
from oracles.esql_values import Row, several
from oracles.esql_verifier import Expression, Failed, error, folded, need, single_valued


def _cased(name: str, which: Literal["lower", "upper"], apply: Callable[[str], str]) -> None:
    def build(call: Call) -> Expression:
        call.count(1)
        (argument,) = call.arguments
        need(argument, "string", f"argument of [{name}]")
        inner = argument.run

        def run(row: Row) -> Any:
            value = inner(row)
            if value is None:
                return None
            return tuple(map(apply, value)) if type(value) is tuple else apply(value)

        subject = argument.casing[1] if argument.casing else argument
        made = Expression("keyword", run, call.text, call.node, casing=(which, subject))
        return folded(made, [argument])

    registered(name, build)


def _substring(text: str, start: int, length: int | None = None) -> str:
    if length is not None and length < 0:
        raise Failed("Length parameter cannot be negative")
    first = start - 1 if start > 0 else max(len(text) + start, 0) if start < 0 else 0
    return text[first:] if length is None else text[first : first + length]


def _left(text: str, length: int) -> str:
    return text[: _length(length)]


def _right(text: str, length: int) -> str:
    return text[len(text) - min(_length(length), len(text)) :]


def _length(length: int) -> int:
    if length < 0:
        raise EsqlUnsupported("LEFT or RIGHT with a negative length")
    return length


def _locate(text: str, wanted: str, start: int = 1) -> int:
    if start < 1:
        raise EsqlUnsupported("LOCATE with a start below 1")
    return text.find(wanted, start - 1) + 1


def _repeat(text: str, count: int) -> str:
    if count < 0:
        raise Failed(f"Number parameter cannot be negative, found [{count}]")
    return text * count


def _reverse(text: str) -> str:
    if not text.isascii():
        raise EsqlUnsupported("REVERSE of text that is not ASCII: it turns round graphemes")
    return text[::-1]


_SHARED = re.compile(
    r"""(?: [^\\\[\](){}*+?|^$.]          # a character
        | \\[dws.\\*+?()\[\]{}|^$/"'@#%&=:;,<>!~`-]   # an escape that both have
        | \[ \^? (?:[^\\\[\]&^]|\\[dws.\\\]\[^-])+ \]  # a set
        | [.|] | \( (?: \?: | (?!\?) ) | \) | [*+?] \?? | \{ \d+ (?:,\d*)? \}
    )* (?:)""",
    re.VERBOSE,
)


@lru_cache(maxsize=1024)
def java_regex(pattern: str) -> re.Pattern[str]:
    """A regex of Java that Python reads in the same way. Raises EsqlUnsupported for the others."""
    if not _SHARED.fullmatch(pattern):
        raise EsqlUnsupported(f"the regex {pattern!r} of REPLACE")
    try:
        # Without its flags, Java's \d, \w and \s are those of ASCII, and a dot stops at more ends of lines.
        return re.compile(pattern, re.ASCII)
    except re.error as failure:
        raise EsqlUnsupported(f"the regex {pattern!r} of REPLACE") from failure


def _replace(text: str, pattern: str, new: str) -> str:
    if "$" in new or "\\" in new:
        raise EsqlUnsupported("groups and backslashes in the replacement of REPLACE")
    if "." in pattern and any(end in text for end in "\n\r\u0085\u2028\u2029"):
        raise EsqlUnsupported("REPLACE with a dot and several lines")
    return java_regex(pattern).sub(lambda _: new, text)


def _split(call: Call) -> Expression:
    call.count(2)
    for argument in call.arguments:
        need(argument, "string", "argument of [SPLIT]")
    delimiter = call.arguments[1]
    if not delimiter.constant or not delimiter.value or type(delimiter.value) is tuple:
        refuse("SPLIT at a delimiter that is not constant or empty", delimiter.node)
    mark = delimiter.value
    if len(mark.encode()) != 1:
        raise error("only single byte delimiters are supported by [SPLIT]", delimiter.node)
    run = single_valued(call.context, call.text, [call.arguments[0]], lambda text: several(text.split(mark)))
    return folded(Expression("keyword", run, call.text, call.node), [call.arguments[0]])


def _concat(call: Call) -> Expression:
    if len(call.arguments) < 2:
        refuse("CONCAT of one argument", call.node)
    for argument in call.arguments:
        need(argument, "string", "argument of [CONCAT]")
    run = single_valued(call.context, call.text, call.arguments, lambda *texts: "".join(texts))
    return folded(Expression("keyword", run, call.text, call.node), call.arguments)


_SPACES = " \t\n\r\v\f"

_cased("TO_LOWER", "lower", str.lower)
_cased("TO_UPPER", "upper", str.upper)
registered("SPLIT", _split)
registered("CONCAT", _concat)
simple("LENGTH", "string", "integer", len)
simple("BYTE_LENGTH", "string", "integer", lambda text: len(text.encode()))
simple("BIT_LENGTH", "string", "integer", lambda text: len(text.encode()) * 8)
simple("SUBSTRING", "string, integer, integer?", "keyword", _substring)
simple("LEFT", "string, integer", "keyword", _left)
simple("RIGHT", "string, integer", "keyword", _right)
simple("LOCATE", "string, string, integer?", "integer", _locate)
simple("REPLACE", "string, string, string", "keyword", _replace)
simple("TRIM", "string", "keyword", lambda text: text.strip(_SPACES))
simple("LTRIM", "string", "keyword", lambda text: text.lstrip(_SPACES))
simple("RTRIM", "string", "keyword", lambda text: text.rstrip(_SPACES))
simple("STARTS_WITH", "string, string", "boolean", lambda text, start: text.startswith(start))
simple("ENDS_WITH", "string, string", "boolean", lambda text, end: text.endswith(end))
simple("REPEAT", "string, integer", "keyword", _repeat)
simple("REVERSE", "string", "keyword", _reverse)
simple("SPACE", "integer", "keyword", lambda count: _repeat(" ", count))
simple("CONTAINS", "string, string", "boolean", lambda text, part: part in text, since=(9, 2))
