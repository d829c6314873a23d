r"""Wildcards, LIKE patterns and PCRE regexes as Python regexes.

Search Manual, 'SPL and regular expressions': SPL has PCRE. What PCRE and Python read alike is passed through, what they
read differently is translated exactly or refused. Nobody says whether Splunk sets PCRE's Unicode properties; without
them, as here, `\d`, `\w`, `\s` and `\b` know ASCII alone. A test with other letters next to those depends on a doubt.

Refused: backreferences, named POSIX classes, `\h \v \R \K \Q \p \X \N \G \e \a \c \o`, octal and `\x{}`, possessive
quantifiers, atomic groups, conditions, recursion, comments, verbs, flags other than i, m and s, flags that are not at
the start, quantified assertions, `{,n}`, and lookbehinds of several lengths.
"""

from __future__ import annotations

import re
from functools import lru_cache

from oracles.spl_grammar import SplError, SplUnsupported

_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": r" \t\n\r\f\v"}
_CONTROLS = "tnrf"
_GROUP = re.compile(r"\((?:\?(?::|=|!|<=|<!|P?<(?P<name>[A-Za-z_]\w*)>|(?P<flags>[ims]+)(?P<end>[:)])))?")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??")
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|.)", re.DOTALL)


@lru_cache(maxsize=4096)
def wildcard(pattern: str, ignore_case: bool = True) -> re.Pattern[str]:
    """What `*` in a value of `search` matches: any characters, or none. Use fullmatch.

    Search Reference, 'search': values are compared without regard to case, and no backslash escapes the asterisk.
    """
    parts = ".*".join(re.escape(part) for part in re.split(r"\*+", pattern))
    return re.compile(parts, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@lru_cache(maxsize=4096)
def like(pattern: str, escapes: bool) -> re.Pattern[str]:
    """What a LIKE pattern matches: `%` is any characters, `_` one. Use fullmatch.

    Search Reference, 'Comparison and Conditional functions', like(): case counts.
    """
    parts = re.findall(r"\\.|." if escapes else r".", pattern, re.DOTALL)
    kinds = {"%": ".*", "_": "."}
    return re.compile("".join(kinds.get(part) or re.escape(part[-1]) for part in parts), re.DOTALL)


@lru_cache(maxsize=4096)
def pcre(pattern: str) -> re.Pattern[str]:
    """A PCRE regex for Python. Raises SplUnsupported for what the two might read differently, SplError if malformed."""
    out: list[str] = []
    at = 0
    repeatable = False
    # For each open group, whether it may be repeated: an assertion may not.
    groups: list[bool] = []
    while at < len(pattern):
        char = pattern[at]
        quantifier = _QUANTIFIER.match(pattern, at)
        if quantifier:
            after = pattern[quantifier.end() : quantifier.end() + 1]
            if not repeatable or after in ("+", "*", "?"):
                raise SplUnsupported(f"the quantifier {quantifier[0]!r} at {at} of the regex {pattern!r}")
            piece, repeatable = quantifier[0], False
        elif char == "\\":
            piece, repeatable = _escape(pattern, at, in_class=False)
        elif char == "[":
            piece, length = _character_class(pattern, at)
            out.append(piece)
            at += length
            repeatable = True
            continue
        elif char == "(":
            piece, translated = _group(pattern, at)
            out.append(translated)
            at += len(piece)
            repeatable = False
            if not piece.endswith(")"):
                groups.append(piece not in ("(?=", "(?!", "(?<=", "(?<!"))
            continue
        elif char == ")":
            repeatable = groups.pop() if groups else False
            out.append(char)
            at += 1
            continue
        elif char == "{":
            if re.match(r"\{ *,", pattern[at:]):
                raise SplUnsupported(f"{{,n}} in the regex {pattern!r}")
            out.append(r"\{")
            at += 1
            repeatable = True
            continue
        else:
            piece, repeatable = char, char not in "^$|"
        out.append({"\\z": r"\Z", "\\Z": r"(?=\n?\Z)"}.get(piece, _ascii(piece)))
        at += len(piece)
    try:
        return re.compile("".join(out))
    except re.error as error:
        raise SplError(f"the regex {pattern!r}: {error}") from None


def _ascii(piece: str) -> str:
    return f"(?a:{piece})" if len(piece) == 2 and piece[0] == "\\" and piece[1] in "dwsDWSbB" else piece


def _escape(pattern: str, at: int, *, in_class: bool) -> tuple[str, bool]:
    """The escape at a place, and whether it may be repeated."""
    escape = _ESCAPE.match(pattern, at)
    if not escape:
        raise SplError(f"the regex {pattern!r} ends in a backslash")
    piece = escape[0]
    letter = piece[1]
    known = "dws" if in_class else "dwsDWSbBAzZ"
    if len(piece) == 2 and letter.isalnum() and letter.isascii() and letter not in known + _CONTROLS:
        raise SplUnsupported(f"{piece} in the regex {pattern!r}")
    return piece, not (len(piece) == 2 and letter in "bBAzZ")


def _character_class(pattern: str, start: int) -> tuple[str, int]:
    """A class in brackets as Python has it, and the length it had."""
    at = start + 1
    out = ["["]
    if pattern[at : at + 1] == "^":
        out.append("^")
        at += 1
    first = at
    # Where a hyphen makes a range: between two single characters of which the first ends no range itself.
    single = False
    while at < len(pattern) and (pattern[at] != "]" or at == first):
        char = pattern[at]
        if char == "\\":
            piece, _ = _escape(pattern, at, in_class=True)
            several = len(piece) == 2 and piece[1] in _CLASSES
            out.append(_CLASSES[piece[1]] if several else piece)
            single = not several and out[-2:-1] != ["-"]
            at += len(piece)
            continue
        if char == "-":
            ranges = single and pattern[at + 1 : at + 2] != "]" and not re.match(r"\\[dws]", pattern[at + 1 :])
            out.append("-" if ranges else r"\-")
            single = False
            at += 1
            continue
        if char == "[" and pattern[at + 1 : at + 2] in (":", ".", "="):
            raise SplUnsupported(f"a POSIX class in the regex {pattern!r}")
        # Python warns of these as signs of a later syntax.
        out.append("\\" + char if char in "[]&~|" else char)
        single = out[-2:-1] != ["-"]
        at += 1
    if at >= len(pattern):
        raise SplError(f"a class is not closed in the regex {pattern!r}")
    return "".join(out) + "]", at + 1 - start


def _group(pattern: str, at: int) -> tuple[str, str]:
    """How a group begins, there and in Python."""
    group = _GROUP.match(pattern, at)
    rest = pattern[at + 1 : at + 2]
    if not group or (group[0] == "(" and rest in ("?", "*")):
        raise SplUnsupported(f"a group at {at} of the regex {pattern!r}")
    if group["flags"] and group["end"] == ")" and at:
        raise SplUnsupported(f"flags that are not at the start of the regex {pattern!r}")
    if group["name"]:
        return group[0], f"(?P<{group['name']}>"
    return group[0], group[0]
