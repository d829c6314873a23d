r"""Reads SPL: macros, the pipeline, and the arguments of each command. Nothing here runs a query.

Only what the grammars spl_search.lark, spl_eval.lark and spl_commands.lark name is read; everything else is an
SplError. That is the point: what the documentation does not say must not pass silently.

Strings. The page 'search' (Search Reference, 'Quotes and escaping characters') names three sequences that the
language itself takes: `\\`, `\"` and `\|`. Any other backslash stays as it is, so `\s` and `\\s` are both `\s`. The
page 'SPL and regular expressions' (Search Manual) says that a regex goes through that layer first and through the
regex engine second: four backslashes find one. So one function, `unquoted`, is for all commands.
- `\|` inside quotation marks is refused but in `search`, because a quoted pipe needs no backslash ('search') and a
  regex would silently lose it.
- In strings of `eval` and `where` no page says that `\n` or `\t` would be a line end or a tab, so they stay two
  characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NoReturn

from lark import Lark, Token, Tree, UnexpectedInput

Node = Tree[Token]


class SplError(ValueError):
    """A query that the grammar or the engine refuses. `line` and `column` count from 1; 0 where unknown."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"{message} (line {line}, column {column})" if line else message)
        self.line = line
        self.column = column


class SplUnsupported(SplError):
    """What Splunk may well run, but what its documentation leaves open or this oracle leaves out."""


@dataclass(frozen=True)
class Command:
    """One command of a pipeline: its name in lower case, its arguments as text, and where those begin."""

    name: str
    arguments: str
    line: int
    column: int

    @property
    def tree(self) -> Node:
        """The arguments, parsed. Raises SplError."""
        return _parsed(self)


GRAMMARS: Mapping[str, str] = {
    "search": "search",
    "where": "eval",
    "eval": "eval",
    "stats": "eval",
    "eventstats": "eval",
    "streamstats": "eval",
    "tstats": "eval",
    "sort": "commands",
    "dedup": "commands",
    "rename": "commands",
    "fields": "commands",
    "table": "commands",
    "fillnull": "commands",
    "regex": "commands",
    "rex": "commands",
    "addinfo": "commands",
}
"""Command -> the grammar of its arguments."""

_STARTS = {
    "search": ["start"],
    "eval": ["where", "eval", "stats", "streamstats", "tstats"],
    "commands": ["sort", "dedup", "rename", "fields", "table", "fillnull", "regex", "rex", "addinfo"],
}

_PIECE = re.compile(
    r"""(?P<string> "(?:[^"\\]|\\.)*" ) | (?P<field> '[^'\\|"]*' ) | (?P<comment> ```) | (?P<macro> `[^`]*` )
    | (?P<bracket> [\[\]] ) | (?P<pipe> \| ) | (?P<escape> \\. ) | (?P<loose> ["`] )""",
    re.VERBOSE | re.DOTALL,
)
_COMMAND = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)(?=\s|$)")
_MACRO_DEPTH = 20


@lru_cache(maxsize=4096)
def _pipeline(spl: str) -> tuple[Command, ...]:
    parts = list(_parts(spl))
    # A leading pipe begins with a command; without it the first command is `search` (page 'search').
    led = bool(spl.lstrip().startswith("|"))
    if led:
        parts = parts[1:]
    commands = []
    for number, (start, text) in enumerate(parts):
        line, column = _position(spl, start + len(text) - len(text.lstrip()))
        if not text.strip():
            raise SplError("a command is missing", line, column)
        named = _COMMAND.match(text)
        explicit = number > 0 or led
        if explicit:
            if not named or named[1].lower() not in GRAMMARS:
                found = named[1] if named else text.split()[0]
                raise SplUnsupported(f"the command {found!r} is not one of {', '.join(sorted(GRAMMARS))}", line, column)
            name = named[1].lower()
        else:
            name = "search"
            if not (named and named[1].lower() == "search"):
                named = None
        if (name == "tstats") != (number == 0 and led):
            # Of these commands only tstats makes events of its own; the others need some ('Command types').
            raise SplError("tstats, and nothing else, comes first after a leading pipe", line, column)
        skipped = named.end() if named else 0
        line, column = _position(spl, start + skipped)
        commands.append(Command(name, text[skipped:], line, column))
    return tuple(commands)


def pipeline(spl: str, macros: Mapping[str, str] | None = None) -> tuple[Command, ...]:
    """The commands of a query in order, macros expanded. Raises SplError where one is unknown or malformed.

    Search Reference, 'search': the first command is `search` unless the query begins with a pipe.
    """
    return _pipeline(expanded(spl, macros or {}))


def parse(spl: str, macros: Mapping[str, str] | None = None) -> list[tuple[str, Node]]:
    """Command and tree of its arguments, for each command. Raises SplError for what the grammar does not have."""
    return [(command.name, command.tree) for command in pipeline(spl, macros)]


def commands(spl: str, macros: Mapping[str, str] | None = None) -> list[str]:
    """The names of the commands in order. Raises SplError as `parse` does."""
    return [name for name, _ in parse(spl, macros)]


def string_literals(spl: str, macros: Mapping[str, str] | None = None) -> list[str]:
    """The values of the query's strings in double quotation marks, in order, as the commands get them."""
    return [
        unquoted(token) for command in pipeline(spl, macros) for token in _strings(command) if token.type == "STRING"
    ]


def expanded(spl: str, macros: Mapping[str, str]) -> str:
    """The query with its macros in place. Raises SplError for an unknown one or one with arguments.

    Knowledge Manager Manual, 'Define search macros': `name` in backticks stands for the text of its definition, which
    may name others.
    """
    for _ in range(_MACRO_DEPTH):
        pieces = []
        end = 0
        for piece in _PIECE.finditer(spl):
            if piece.lastgroup == "comment":
                raise SplUnsupported("comments are left out", *_position(spl, piece.start()))
            if piece.lastgroup == "macro":
                name = piece[0][1:-1].strip()
                if name not in macros:
                    raise SplError(f"the macro {name!r} is not given", *_position(spl, piece.start()))
                pieces += [spl[end : piece.start()], macros[name]]
                end = piece.end()
        if not end:
            return spl
        spl = "".join(pieces) + spl[end:]
    raise SplError("the macros are nested too deep")


_ESCAPED = re.compile(r"\\([\\\"|])")


def unquoted(token: Token) -> str:
    r"""The value of a token: without its quotation marks, and with `\\`, `\"` and `\|` replaced ('search').

    A field's single quotation marks are dropped ('eval'). Nothing else is changed.
    """
    text = str(token)
    if text.startswith("'"):
        return text[1:-1]
    return _ESCAPED.sub(r"\1", text[1:-1] if text.startswith('"') else text)


def refuse(message: str, at: Token | Node) -> NoReturn:
    """Raise SplUnsupported that names the place of a token or of the first token of a tree."""
    token = at if isinstance(at, Token) else next(at.scan_values(lambda value: isinstance(value, Token)), None)
    raise SplUnsupported(message, getattr(token, "line", 0) or 0, getattr(token, "column", 0) or 0)


def tokens_of(tree: Node) -> list[Token]:
    """The tokens directly below a tree."""
    return [child for child in tree.children if isinstance(child, Token)]


def trees_of(tree: Node) -> list[Node]:
    """The trees directly below a tree."""
    return [child for child in tree.children if isinstance(child, Tree)]


def _parse_part(grammar: str, start: str, text: str, line: int, column: int) -> Node:
    # As many line ends and spaces before the text as there are in the query, so that every token knows its place.
    padded = "\n" * (line - 1) + " " * (column - 1) + text
    try:
        return _parser(grammar).parse(padded, start=start)
    except UnexpectedInput as error:
        where = start if start != "start" else "search"
        token = getattr(error, "token", None)
        if error.line < 1 or (token is not None and token.type == "$END"):
            raise SplError(f"unexpected end of {where}", line, column) from None
        found = str(token) if token is not None else str(getattr(error, "char", ""))
        raise SplError(f"unexpected {found!r} in {where}", error.line, error.column) from None


def grammar_text(grammar: str) -> str:
    """The grammar `search`, `eval` or `commands`."""
    return Path(__file__).with_name(f"spl_{grammar}.lark").read_text(encoding="utf-8")


@cache
def _parser(grammar: str) -> Lark:
    return Lark(grammar_text(grammar), parser="lalr", start=_STARTS[grammar], maybe_placeholders=False)


_CLAUSE = re.compile(r'"(?:[^"\\]|\\.)*"|\b(?P<key>WHERE|BY)\b', re.DOTALL | re.IGNORECASE)


@lru_cache(maxsize=8192)
def _parsed(command: Command) -> Node:
    name = command.name
    if name == "tstats":
        return _parsed_tstats(command)
    start = {"search": "start", "eventstats": "stats"}.get(name, name)
    return _parse_part(GRAMMARS[name], start, command.arguments, command.line, command.column)


def _parsed_tstats(command: Command) -> Node:
    """The tree of the aggregates, FROM and BY, and last the tree of the search after WHERE, if any."""
    text = command.arguments
    keys = [match for match in _CLAUSE.finditer(text) if match["key"]]
    where = next((match for match in keys if match["key"].upper() == "WHERE"), None)
    if not where:
        return _parse_part("eval", "tstats", text, command.line, command.column)
    by = next((match for match in keys if match["key"].upper() == "BY" and match.start() > where.end()), None)
    end = by.start() if by else len(text)
    # What WHERE has is blanked out for the one parse, and all but it for the other.
    search = _blank(text[: where.end()]) + text[where.end() : end]
    rest = text[: where.start()] + _blank(text[where.start() : end]) + text[end:]
    tree = _parse_part("eval", "tstats", rest, command.line, command.column)
    condition = _parse_part("search", "start", search, command.line, command.column)
    return Tree("tstats", [*tree.children, Tree("condition", [condition])])


def _blank(text: str) -> str:
    return re.sub(r"\S", " ", text)


def _strings(command: Command) -> Iterator[Token]:
    tokens = command.tree.scan_values(lambda value: isinstance(value, Token))
    return iter(sorted(tokens, key=lambda token: (token.line or 0, token.column or 0)))


def _parts(spl: str) -> Iterator[tuple[int, str]]:
    """Start and text of what stands between the pipes."""
    start = 0
    for piece in _PIECE.finditer(spl):
        kind = piece.lastgroup
        if kind == "bracket":
            raise SplUnsupported("a subsearch, or a bracket without quotation marks", *_position(spl, piece.start()))
        if kind == "loose":
            raise SplError(f"{piece[0]} is not closed", *_position(spl, piece.start()))
        if kind == "string" and "\\|" in piece[0].replace("\\\\", "") and not _is_search(spl[start : piece.start()]):
            message = r"\| in a string outside `search`: a regex would lose the backslash"
            raise SplUnsupported(message, *_position(spl, piece.start()))
        if kind == "pipe":
            yield start, spl[start : piece.start()]
            start = piece.end()
    yield start, spl[start:]


def _is_search(begun: str) -> bool:
    named = _COMMAND.match(begun)
    return not named or named[1].lower() not in GRAMMARS or named[1].lower() == "search"


def _position(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - before.rfind("\n")
