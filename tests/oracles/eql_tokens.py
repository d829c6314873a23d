r"""The words of EQL queries: tokens, and what the literals among them hold.

After the page 'EQL syntax reference' and the lexer rules of Elasticsearch's grammar EqlBase.g4 (8.x), with the
decoding of strings in its AbstractBuilder. The page and the parser say the same except where noted:

- "..." has the escapes `\n \r \t \\ \"` and `\u{...}` of 2 to 8 hexadecimal digits. The parser also takes `\b` and
  `\f`. It takes `\'` too, which the page forbids: refused here. Any other escape is an error, and so is a line's end.
  A code point must be one: no surrogate, none above 10ffff.
- Raw strings \"\"\"...\"\"\" are of one line and have no escapes. They end at the first three quotation marks, of
  which there may be five: the last one or two before the end are content.
- '...', ?"..." and ?'...' are errors.
- A field name in backquotes has a backquote doubled. Without them it is of ASCII letters, digits and `_`, and may
  start with `@`. A keyword is none, in no part of it: `user.any` needs backquotes. Keywords are of lower case.
- `in~`, `like~`, `regex~` and a function's `name~` are one word each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

KEYWORDS = frozenset(
    [
        "and",
        "any",
        "by",
        "false",
        "in",
        "in~",
        "join",
        "like",
        "like~",
        "maxspan",
        "not",
        "null",
        "of",
        "or",
        "regex",
        "regex~",
        "sample",
        "sequence",
        "true",
        "until",
        "where",
        "with",
    ]
)


class EqlError(ValueError):
    """A query that Elasticsearch refuses. `position` counts its characters from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        """Say what is wrong, and where."""
        super().__init__(f"{message} (at {position})")
        self.position = position


class EqlUnsupported(EqlError):
    """A query, or an event, of which this oracle does not know what Elasticsearch does with it."""


@dataclass(frozen=True)
class Token:
    """A word. kind: string, name, quoted, tilde, integer, decimal, or the keyword or operator itself."""

    kind: str
    text: str
    at: int


_STRING = re.compile(r'"(?:\\[btnfr"\'\\]|\\u\{[0-9A-Fa-f]+\}|[^\r\n"\\])*"')
_RAW = re.compile(r'"""[^\r\n]*?""""?"?')
_OLD = re.compile(r"""\?["']|'""")
_BLANK = re.compile(r"[ \r\n\t]+|//[^\r\n]*")
_WORD = re.compile(
    r"""(?P<tilde>[A-Za-z][A-Za-z0-9_]*~)
      | (?P<name>[A-Za-z_@][A-Za-z0-9_]*)
      | (?P<quoted>`(?:[^`]|``)+`)
      | (?P<decimal>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?|[0-9]+[Ee][+-]?[0-9]+)
      | (?P<integer>[0-9]+)
      | (?P<operator>!\[|==|!=|<=|>=|[<>=:+\-*/%.,\[\]()|?])""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(r"\\(?:u\{([^}]*)\}|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def tokens(query: str) -> list[Token]:
    """The words of a query, without blanks and comments. Raises EqlError."""
    found: list[Token] = []
    at = 0
    while at < len(query):
        if blank := _BLANK.match(query, at):
            at = blank.end()
        elif query.startswith("/*", at):
            at = _end_of_comment(query, at)
        else:
            token = _token(query, at)
            found.append(token)
            at += len(token.text)
    return found


def _end_of_comment(query: str, start: int) -> int:
    """Comments in /* */ nest."""
    depth = 0
    for mark in _COMMENT.finditer(query, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise EqlError("a comment without end", start)


def _token(query: str, at: int) -> Token:
    if old := _OLD.match(query, at):
        raise EqlError(f"strings are in double quotation marks, raw ones in three, not in {old[0]}", at)
    # The longest wins: a raw string that does not end is an empty one and more.
    if strings := [match[0] for match in (_STRING.match(query, at), _RAW.match(query, at)) if match]:
        return Token("string", max(strings, key=len), at)
    if query[at] == '"':
        raise EqlError("a string without end, or with an escape that is none", at)
    if not (word := _WORD.match(query, at)):
        raise EqlError(f"{query[at]!r} has no meaning", at)
    text = word[0]
    kind = str(word.lastgroup)
    return Token(text if kind == "operator" or text in KEYWORDS else kind, text, at)


def text_of(token: Token) -> str:
    """What a string holds, or a name in backquotes. Raises EqlError."""
    if token.kind == "quoted":
        return token.text[1:-1].replace("``", "`")
    if token.kind == "name":
        return token.text
    if token.text.startswith('"""') and len(token.text) >= 6:
        return token.text[3:-3]

    def refuse(message: str, escape: re.Match[str]) -> NoReturn:
        raise EqlError(message, token.at + 1 + escape.start())

    def decoded(escape: re.Match[str]) -> str:
        digits, letter = escape.groups()
        if letter == "'":
            raise EqlUnsupported("an escaped single quotation mark is reserved", token.at + 1 + escape.start())
        if letter is not None:
            return _ESCAPED[letter]
        if not 2 <= len(digits) <= 8:
            refuse("a code point has 2 to 8 digits", escape)
        code = int(digits, 16)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            refuse("no such code point", escape)
        return chr(code)

    return _ESCAPE.sub(decoded, token.text[1:-1])
