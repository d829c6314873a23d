r"""Reads ES|QL: the commands of a query, its strings, its indices. Nothing here runs a query.

The parser is the grammar of Elasticsearch 9.1, from PyPI's `esql-parser`, in pure Python: it is slow, so a query that
has each command on a line of its own is parsed by command, and trees are kept by the command's text and place. Keywords
do not heed case, names do. A query that the grammar refuses is an EsqlError with its place. 8.19 has a grammar of its
own, nearly the same; where the page of a command names 9.2 or later, the grammar here does not know it (a list after
RLIKE, for one).

Strings. ES|QL reference, 'Basic syntax', 'String literals': in "…" a backslash makes `\t`, `\n`, `\r`, `\\` and `\"`,
and is an error before anything else; in triple quotes nothing is an escape. Names in backticks double a backtick.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn, TypeAlias

from antlr4 import CommonTokenStream, InputStream, Token
from antlr4.atn.PredictionMode import PredictionMode
from antlr4.error.ErrorListener import ErrorListener

try:
    from esql_parser.EsqlBaseLexer import EsqlBaseLexer
    from esql_parser.EsqlBaseParser import EsqlBaseParser
except ImportError as error:
    raise ImportError(f"{error}; run: python tests/oracles/install.py") from None

Node: TypeAlias = Any
"""A node of the parse tree. The parser has no types."""


class EsqlError(ValueError):
    """A query that Elasticsearch refuses: syntax, names or types. `line` and `column` count from 1; 0 where unknown."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"line {line}:{column}: {message}" if line else message)
        self.line = line
        self.column = column


class EsqlUnsupported(EsqlError):
    """What Elasticsearch may well run, but what its pages leave open or this oracle leaves out."""


@dataclass(frozen=True)
class Command:
    """One command: its name in lower case, its text, where it begins, and its node of the tree."""

    name: str
    text: str
    line: int
    column: int
    node: Node = field(repr=False, compare=False)


@dataclass(frozen=True)
class Source:
    """What FROM names: index patterns as written, without quotation marks, and METADATA fields."""

    patterns: tuple[str, ...]
    metadata: tuple[str, ...]


class _Refuse(ErrorListener):  # type: ignore[misc]
    def syntaxError(  # noqa: N802
        self, recognizer: Any, offending: Any, line: int, column: int, message: str, error: Any
    ) -> NoReturn:
        raise EsqlError(message, line, column + 1)


def _parser(text: str, mode: Any, line: int = 1, column: int = 0) -> Node:
    """A parser of a text that begins at that place, the line from 1 and the column from 0."""
    lexer = EsqlBaseLexer(InputStream(text))
    lexer.line, lexer.column = line, column
    parser = EsqlBaseParser(CommonTokenStream(lexer))
    parser.buildParseTrees = True
    parser._interp.predictionMode = mode
    for recognizer in (lexer, parser):
        recognizer.removeErrorListeners()
        recognizer.addErrorListener(_Refuse())
    return parser


@lru_cache(maxsize=4096)
def parse(esql: str) -> Node:
    """The parse tree of a query. Raises EsqlError with the place of the first error."""
    try:
        return _parser(esql, PredictionMode.SLL).singleStatement()
    except EsqlError:
        # The quick mode refuses a few texts that the language has; only the other one may say no.
        return _parser(esql, PredictionMode.LL).singleStatement()


def commands(esql: str) -> tuple[Command, ...]:
    """The commands of a query in their order. Raises EsqlError."""
    try:
        return tuple(_commands_by_line(esql))
    except EsqlError:
        # A line that is no command by itself: the rest of a literal or a comment, or an error of the query.
        return commands_of_whole(esql)


def commands_of_whole(esql: str) -> tuple[Command, ...]:
    """The same commands, from one tree of the whole query. Raises EsqlError."""
    found = []
    query = parse(esql).query()
    while kind(query) == "CompositeQuery":
        found.append(_command(query.processingCommand().getChild(0)))
        query = query.query()
    found.append(_command(query.sourceCommand().getChild(0)))
    return tuple(reversed(found))


_NEXT_COMMAND = "\n| "


def _commands_by_line(esql: str) -> Iterator[Command]:
    """The commands, each parsed by itself. Raises EsqlError where one is none.

    What is between two of them is a pipe to the grammar too, unless it is in a literal or a comment: then the text
    before it ends in the midst of that, which is no command.
    """
    line = 1
    for number, text in enumerate(esql.split(_NEXT_COMMAND)):
        yield _single(text, line, number == 0)
        line += text.count("\n") + 1


@lru_cache(maxsize=4096)
def _single(text: str, line: int, is_source: bool) -> Command:
    parser = _parser(text, PredictionMode.SLL, line, 0 if is_source else 2)
    node = parser.sourceCommand() if is_source else parser.processingCommand()
    rest = parser.getCurrentToken()
    if rest.type != Token.EOF:
        raise EsqlError(f"more than a command: {rest.text}", rest.line, rest.column + 1)
    return _command(node.getChild(0))


def _command(node: Node) -> Command:
    name = kind(node).removesuffix("Command").lower()
    return Command({"mvexpand": "mv_expand"}.get(name, name), text_of(node), *place(node), node)


def string_literals(esql: str) -> list[str]:
    """The values of the string literals of a query, decoded, in their order. Index patterns in quotes do not count."""
    nodes = (node for command in commands(esql) for node in _walk(command.node))
    return [string_value(node.getText()) for node in nodes if kind(node) == "String"]


def source(esql: str) -> Source:
    """The index patterns and METADATA fields of FROM. Raises EsqlError where the query begins otherwise."""
    first = commands(esql)[0]
    if first.name != "from":
        raise EsqlError("the query does not begin with FROM", first.line, first.column)
    named = first.node.indexPatternAndMetadataFields()
    patterns = tuple(pattern for node in named.indexPattern() for pattern in _patterns(node))
    metadata = named.metadata()
    return Source(patterns, tuple(token.getText() for token in metadata.UNQUOTED_SOURCE()) if metadata else ())


def _patterns(node: Node) -> list[str]:
    text = node.getText()
    if node.clusterString() or node.selectorString() or any(mark in text for mark in ":<>{}"):
        refuse("clusters, selectors and date math in an index pattern", node)
    return [part.strip() for part in (string_value(text) if text.startswith('"') else text).split(",")]


_ESCAPED = re.compile(r'\\([tnr"\\])')
_MEANING = {"t": "\t", "n": "\n", "r": "\r"}


def string_value(literal: str) -> str:
    """The text that a string literal stands for."""
    if literal.startswith('"""'):
        return literal[3:-3]
    return _ESCAPED.sub(lambda found: _MEANING.get(found[1], found[1]), literal[1:-1])


def name_of(node: Node) -> str:
    """A column's name: parts joined by dots, backticks resolved. Query parameters are refused."""
    if "?" in re.sub(r"`(?:[^`]|``)*`", "", node.getText()):
        refuse("a query parameter", node)
    return ".".join(_unquoted(part) for part in _parts(node))


def _parts(node: Node) -> Iterator[str]:
    children = node.getChildren() if node.getChildCount() else ()
    if kind(node) == "Identifier":
        yield node.getText()
        return
    for child in children:
        if child.getChildCount():
            yield from _parts(child)


def _unquoted(text: str) -> str:
    return text[1:-1].replace("``", "`") if text.startswith("`") else text


_PIECE = re.compile(r"`(?:[^`]|``)*`|\*|[^`*]+")


def pattern_of(node: Node) -> tuple[str, re.Pattern[str] | None]:
    """A name in KEEP, DROP or RENAME, and the regex of it where it has a `*` outside backticks."""
    pieces = _PIECE.findall(node.getText())
    name = "".join(_unquoted(piece) for piece in pieces)
    if "*" not in pieces:
        return name, None
    return name, re.compile("".join(".*" if piece == "*" else re.escape(_unquoted(piece)) for piece in pieces))


def kind(node: Node) -> str:
    """What a node is: the rule or its alternative, without `Context`. Tokens are `TerminalNodeImpl`."""
    return type(node).__name__.removesuffix("Context")


def place(node: Node) -> tuple[int, int]:
    """Line and column of a node, from 1."""
    token = node.symbol if hasattr(node, "symbol") else node.start
    return token.line, token.column + 1


def text_of(node: Node) -> str:
    """The text of a node as it stands in the query, which is also the name of a column without a name."""
    return str(node.start.getInputStream().getText(node.start.start, node.stop.stop))


def refuse(message: str, node: Node) -> NoReturn:
    """Raise EsqlUnsupported at a node."""
    raise EsqlUnsupported(message, *place(node))


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += [here.getChild(number) for number in reversed(range(here.getChildCount()))]
