"""Regular expressions: parsed once, and printed for the dialect's engine.

Sigma leaves the flavour of `|re` open ("PCRE"). This module accepts what both Python's parser and RE2 support, with the
classes \\d, \\w, \\s and \\b limited to ASCII, and refuses the rest.
"""

from __future__ import annotations

import importlib
import re
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

# Python's own parser. Its modules are undocumented but stable; Python 3.11 moved them.
_MODULES = ("re._constants", "re._parser") if sys.version_info >= (3, 11) else ("sre_constants", "sre_parse")
sre, sre_parse = (importlib.import_module(module) for module in _MODULES)

#: RE2's limit on counted repetition (github.com/google/re2/wiki/Syntax).
RE2_MAX_REPEAT = 1000

_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_METACHARACTERS = frozenset(r"\.+*?()|[]{}^$")
_CLASS_METACHARACTERS = frozenset(r"\]^-[")
_PCRE_CONTROLS = frozenset("\n\r\t\f")
_CONTROLS = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\f": r"\f", "\v": r"\v", "\a": r"\a"}

_SPLIT = "split it into a selection and a filter"
_PLAIN = "write the text out, or use an ordinary group"
_REFUSED = {
    "ASSERT": ("a look-ahead or look-behind", _SPLIT),
    "ASSERT_NOT": ("a negative look-ahead or look-behind", _SPLIT),
    "GROUPREF": ("a backreference", _PLAIN),
    "GROUPREF_IGNORE": ("a backreference", _PLAIN),
    "GROUPREF_EXISTS": ("a conditional group", "write the alternatives out"),
    "ATOMIC_GROUP": ("an atomic group", _PLAIN),
    "POSSESSIVE_REPEAT": ("a possessive quantifier", "use an ordinary quantifier"),
}
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_ANCHORS = {
    "AT_BEGINNING": "^",
    "AT_BEGINNING_STRING": r"\A",
    "AT_BOUNDARY": r"\b",
    "AT_NON_BOUNDARY": r"\B",
    "AT_END_STRING": r"\z",
}


class RegexError(ValueError):
    """The expression is invalid or not supported by RE2; the message names the construct, `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def _escaped(character: str, special: Iterable[str]) -> str:
    """A literal character, escaped if it is special or not printable."""
    if character in _CONTROLS:
        return _CONTROLS[character]
    if character in special:
        return "\\" + character
    return character if character.isprintable() else f"\\x{{{ord(character):x}}}"


def quote(text: str) -> str:
    """An expression that matches exactly this text."""
    return "".join(_escaped(character, _METACHARACTERS) for character in text)


def to_re2(pattern: str, flags: str = "") -> str:
    """Print a Sigma expression in RE2's syntax.

    `flags` are Sigma's letters (i, m, s). The result is unanchored, as `|re` is. Raises RegexError for what RE2 lacks
    (look-around, backreferences, conditionals, atomic groups, possessive quantifiers, more than 1,000 repetitions) and
    for what Python's parser does not read (\\K, \\h, \\p, POSIX classes). Source: github.com/google/re2/wiki/Syntax.
    """
    return _Printer().printed(pattern, flags)


def to_pcre(pattern: str, flags: str = "") -> str:
    """Print a Sigma expression in PCRE's syntax.

    `flags` and the RegexErrors are those of to_re2: PCRE supports look-around and more, but every target accepts the
    same expressions. Source: PCRE's page 'pcrepattern'.
    """
    return _PcrePrinter().printed(pattern, flags)


def read(pattern: str, flags: str) -> tuple[Any, frozenset[str]]:
    """Parse an expression with Python's parser.

    Returns the tree and the letters of the flags (i, m, s) that apply to the whole expression. Raises RegexError for
    what the parser does not read, and for constructs that it reads differently from RE2.
    """
    if re.search(r"\[\[[:.=]", pattern):
        raise RegexError("uses a POSIX class such as [[:alpha:]]", "write the characters out")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # In ASCII mode, \w, \d and \s mean what they mean to RE2 and, by default, to PCRE.
            tree = sre_parse.parse(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise RegexError(f"is not valid ({error})", "correct it, or write it without the escape") from None
    inline = tree.state.flags
    if inline & re.VERBOSE:
        raise RegexError("uses the verbose flag (?x)", "remove the flag, and the spaces and comments that it allows")
    return tree, frozenset(flags) | {letter for letter, flag in _FLAGS.items() if inline & flag}


def refuse(op: str) -> None:
    """Raise RegexError if no target supports the parser's node `op`."""
    if op in _REFUSED:
        construct, hint = _REFUSED[op]
        raise RegexError(f"uses {construct}", hint)


def refuse_many(low: int, high: int | None) -> None:
    """Raise RegexError for a repetition that RE2 would refuse; every target accepts the same expressions."""
    if low > RE2_MAX_REPEAT or (high or 0) > RE2_MAX_REPEAT:
        raise RegexError(f"repeats more than {RE2_MAX_REPEAT:,} times", "nest two repetitions")


class _Printer:
    """Prints a parsed expression for RE2; subclasses override what other engines write differently."""

    def printed(self, pattern: str, flags: str) -> str:
        """Parse and print an expression. Raises RegexError as to_re2 does."""
        tree, letters = read(pattern, flags)
        body = self._sequence(tree, "m" in letters)
        return f"(?{''.join(sorted(letters))}){body}" if letters else body

    def _sequence(self, nodes: Any, multiline: bool) -> str:
        items = list(nodes)
        return "".join(
            self._node(str(op), argument, multiline, index == len(items) - 1)
            for index, (op, argument) in enumerate(items)
        )

    def _node(self, op: str, argument: Any, multiline: bool, last: bool) -> str:
        refuse(op)
        match op:
            case "LITERAL":
                return self._character(chr(argument), _METACHARACTERS)
            case "NOT_LITERAL":
                return f"[^{self._character(chr(argument), _CLASS_METACHARACTERS)}]"
            case "ANY":
                return "."
            case "IN":
                return self._class(argument)
            case "BRANCH":
                return self._branch(argument, multiline)
            case "SUBPATTERN":
                return self._group(argument, multiline)
            case "MAX_REPEAT":
                return self._repeat(argument, multiline)
            case "MIN_REPEAT":
                return self._repeat(argument, multiline) + "?"
            case "AT":
                return self._at(str(argument), multiline, last)
        raise RegexError(f"uses {op.lower().replace('_', ' ')}", _PLAIN)

    def _character(self, character: str, special: Iterable[str]) -> str:
        return _escaped(character, special)

    def _class(self, argument: Any) -> str:
        parts = []
        negated = ""
        for op, value in argument:
            name = str(op)
            if name == "NEGATE":
                negated = "^"
            elif name == "LITERAL":
                parts.append(self._character(chr(value), _CLASS_METACHARACTERS))
            elif name == "RANGE":
                low, high = (self._character(chr(end), _CLASS_METACHARACTERS) for end in value)
                parts.append(f"{low}-{high}")
            else:
                parts.append(_CATEGORIES[str(value)])
        if len(parts) == 1 and not negated and parts[0] in _CATEGORIES.values():
            return parts[0]
        return f"[{negated}{''.join(parts)}]"

    def _branch(self, argument: Any, multiline: bool) -> str:
        return "(?:" + "|".join(self._sequence(branch, multiline) for branch in argument[1]) + ")"

    def _group(self, argument: Any, multiline: bool) -> str:
        _number, added, removed, nodes = argument
        on = "".join(letter for letter, flag in (("i", 2), ("m", 8), ("s", 16)) if added & flag)
        off = "".join(letter for letter, flag in (("i", 2), ("m", 8), ("s", 16)) if removed & flag)
        multiline = (multiline or "m" in on) and "m" not in off
        flags = on + (f"-{off}" if off else "")
        items = list(nodes)
        if len(items) == 1 and str(items[0][0]) == "BRANCH" and not flags:
            return self._branch(items[0][1], multiline)
        return f"(?{flags}:{self._sequence(nodes, multiline)})"

    def _repeat(self, argument: Any, multiline: bool) -> str:
        low, high, nodes = argument
        unbounded = high == sre.MAXREPEAT
        refuse_many(low, None if unbounded else high)
        items = list(nodes)
        inner = self._sequence(items, multiline)
        if len(items) != 1 or str(items[0][0]) not in (
            "LITERAL",
            "NOT_LITERAL",
            "ANY",
            "IN",
            "BRANCH",
            "SUBPATTERN",
        ):
            inner = f"(?:{inner})"
        if unbounded:
            count = {0: "*", 1: "+"}.get(low, f"{{{low},}}")
        elif (low, high) == (0, 1):
            count = "?"
        else:
            count = f"{{{low}}}" if low == high else f"{{{low},{high}}}"
        return inner + count

    def _at(self, name: str, multiline: bool, last: bool) -> str:
        if name in _ANCHORS:
            return _ANCHORS[name]
        # In Python and PCRE, `$` also matches before a final newline; in RE2 only at the very end.
        if multiline:
            return "$"
        if not last:
            raise RegexError("uses $ before its end, where engines differ", "move $ to the end")
        return r"\n?$"


class _PcrePrinter(_Printer):
    def _character(self, character: str, special: Iterable[str]) -> str:
        return _pcre_escaped(character, special)

    def _at(self, name: str, multiline: bool, last: bool) -> str:
        return "$" if name == "AT_END" else super()._at(name, multiline, last)


def _pcre_escaped(character: str, special: Iterable[str]) -> str:
    """A literal character for PCRE; what does not print is escaped with two hexadecimal digits.

    Four digits would need PCRE's UTF mode. A backtick is escaped too, because SPL would read it as a macro.
    """
    printable = character.isprintable() and character != "`"
    if not printable and ord(character) < 0x100 and character not in _PCRE_CONTROLS:
        return f"\\x{ord(character):02x}"
    return character if character not in _CONTROLS and not printable else _escaped(character, special)


def pcre_wildcard(parts: Sequence[str | None], ignore_case: bool, one: str = ".") -> str:
    """A PCRE expression that matches a whole value, from `parts` as wildcard_pattern takes them.

    The caller adds the flag s, and i to ignore case. Letters beyond ASCII are written in both cases, because whether
    PCRE folds them depends on its mode, which Splunk does not document. `one` is the expression for `?`.
    """
    start, end = parts[0] is None, parts[-1] is None
    inner = parts[start : len(parts) - end]
    body = "".join(".*" if part is None else (_pcre_text(part, ignore_case) if part else one) for part in inner)
    return ("" if start else "^") + body + ("" if end else r"\z")


def _pcre_text(text: str, ignore_case: bool) -> str:
    return "".join(_pcre_cases(character, ignore_case) for character in text)


def _pcre_cases(character: str, ignore_case: bool) -> str:
    cases = dict.fromkeys((character, character.lower(), character.upper()))
    single = [case for case in cases if len(case) == 1]
    if ignore_case and not character.isascii() and len(single) > 1:
        return "(?:" + "|".join(single) + ")"
    return _pcre_escaped(character, _METACHARACTERS)


def wildcard_pattern(parts: Sequence[str | None], ignore_case: bool) -> str:
    """An RE2 expression that matches a whole value, from literal parts joined by wildcards.

    Each part is a text, None for `*`, or the empty string for `?`.
    """
    start, end = parts[0] is None, parts[-1] is None
    inner = parts[start : len(parts) - end]
    body = "".join(".*" if part is None else (quote(part) if part else ".") for part in inner)
    return f"(?{'i' if ignore_case else ''}s){'' if start else '^'}{body}{'' if end else '$'}"


def matches_nothing(pattern: str, flags: str = "") -> bool:
    """Whether an expression that to_re2 accepts matches in the empty text, which some tables store for no value."""
    return re.search(pattern, "", sum(_FLAGS[letter] for letter in flags)) is not None
