"""Regular expressions of the `re` modifier, in the language that Python, PCRE and RE2 read alike.

Source: Sigma modifiers appendix, "Regular Expression" (the flavour is PCRE). What the three engines read
differently, or one of them refuses, is refused here by name, so that no comparison with a backend rests on
it. Shorthand classes and `\\b` are those of ASCII, as in RE2 and in PCRE; Python's own would be Unicode. A
`$` also matches before one final newline, as in PCRE and Python; RE2's does not.
"""

from __future__ import annotations

import re

_WORD = "0-9A-Za-z_"
_CLASSES = {
    "d": ("0-9", "\\x00-/:-\U0010ffff"),
    "w": (_WORD, "\\x00-/:-@\\[-\\^`{-\U0010ffff"),
    "s": ("\\t\\n\\f\\r ", "\\x00-\\x08\\x0b\\x0e-\\x1f!-\U0010ffff"),
}
_EDGE = {
    "b": f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))",
    "B": f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))",
}
_CONTROL = "afnrt"
_MAX_REPEAT = 1000  # RE2 refuses more
_GROUP = re.compile(r"\?(?::|P<[A-Za-z_]\w*>|[ims]+(?:-[ims]+)?:|-[ims]+:)", re.ASCII)
_FLAGS = re.compile(r"\(\?[ims]+\)")
_QUANTIFIER = re.compile(r"[*+?]|\{(\d+)(?:,(\d*))?\}", re.ASCII)


class UnsupportedRegexError(ValueError):
    """The engines do not agree on this expression, or one of them refuses it."""


def compile_regex(pattern: str, flags: str) -> re.Pattern[str]:
    """The expression, to be searched (unanchored); `flags` are letters out of i, m and s.

    Raises UnsupportedRegexError for look-around, backreferences, atomic and possessive forms, comments, POSIX
    and Unicode classes, escapes that differ, and for what Python's parser refuses.
    """
    prefix = _FLAGS.match(pattern)
    start = prefix.end() if prefix else 0
    translated = pattern[:start] + _translate(pattern, start)
    bits = re.NOFLAG
    for letter in flags:
        bits |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}[letter]
    try:
        return re.compile(translated, bits)
    except re.error as error:
        raise UnsupportedRegexError(f"{pattern}: {error}") from error


def _translate(pattern: str, at: int) -> str:
    out: list[str] = []
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            out.append(_escape(pattern, at, in_class=False))
            at += _escape_length(pattern, at)
        elif char == "[":
            body, at = _class(pattern, at)
            out.append(body)
        elif char == "(":
            group = _GROUP.match(pattern, at + 1)
            if pattern[at + 1 : at + 2] == "?" and group is None:
                raise UnsupportedRegexError(f"{pattern}: the group {pattern[at : at + 4]}")
            end = group.end() if group else at + 1
            out.append(pattern[at:end])
            at = end
        elif quantifier := _QUANTIFIER.match(pattern, at):
            at = quantifier.end()
            if any(int(count) > _MAX_REPEAT for count in quantifier.groups() if count):
                raise UnsupportedRegexError(f"{pattern}: more than {_MAX_REPEAT} repetitions")
            out.append(quantifier.group())
            if pattern[at : at + 1] == "+":
                raise UnsupportedRegexError(f"{pattern}: a possessive quantifier")
            if pattern[at : at + 1] == "?":
                out.append("?")
                at += 1
        elif char == "{" and pattern[at + 1 : at + 2] == ",":
            raise UnsupportedRegexError(f"{pattern}: {{,n}} is a quantifier in some engines only")
        else:
            out.append(char)
            at += 1
    return "".join(out)


def _class(pattern: str, start: int) -> tuple[str, int]:
    """The bracketed class at `start` as Python reads it, and where it ends."""
    at = start + 1
    out = ["["]
    if pattern[at : at + 1] == "^":
        out.append("^")
        at += 1
    first = at
    while at < len(pattern):
        char = pattern[at]
        if char == "]" and at > first:
            return "".join([*out, "]"]), at + 1
        if char == "[":
            if pattern[at + 1 : at + 2] in (":", ".", "="):
                raise UnsupportedRegexError(f"{pattern}: a POSIX class")
            out.append("\\[")
            at += 1
        elif char == "\\":
            out.append(_escape(pattern, at, in_class=True))
            at += _escape_length(pattern, at)
        else:
            # Python warns of set operations to come where these are doubled.
            out.append("\\" + char if char in "&|~]" else char)
            at += 1
    raise UnsupportedRegexError(f"{pattern}: a class without an end")


def _escape_length(pattern: str, at: int) -> int:
    return 4 if pattern[at + 1] == "x" else 2


def _escape(pattern: str, at: int, in_class: bool) -> str:
    letter = pattern[at + 1 : at + 2]
    if letter.lower() in _CLASSES and letter:
        body = _CLASSES[letter.lower()][letter.isupper()]
        return body if in_class else f"[{body}]"
    if letter in _EDGE and not in_class:
        return _EDGE[letter]
    if letter == "A" and not in_class:
        return "\\A"
    if letter and (letter in _CONTROL or (letter.isascii() and not letter.isalnum())):
        return "\\" + letter
    if re.fullmatch(r"x[0-9A-Fa-f]{2}", pattern[at + 1 : at + 4]):
        return pattern[at : at + 4]
    raise UnsupportedRegexError(f"{pattern}: the escape \\{letter}")
