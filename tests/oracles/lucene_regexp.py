r"""Lucene's regexes, as Elasticsearch runs them for `regex`, `regex~`, RLIKE and the `regexp` query.

From the page 'Regular expression syntax' of Elasticsearch's reference, and from the grammar in the javadoc and the
parser of `org.apache.lucene.util.automaton.RegExp` in Lucene 8.8.1, 9 and 10, with all optional operators, as flags
ALL. The page and Elasticsearch's RLikePattern both leave the complement `~` on, though Lucene 10 calls its flag
deprecated.

- The whole value has to match: there are no anchors, `^` and `$` are themselves.
- `|` binds weakest, then `&`, then one after the other, then ? * + {n,m}, then `~`, which takes the next atom alone.
- `.` is any code point, a newline too. `#` matches nothing, `@` every text, `"..."` is literal to the next quotation
  mark.
- `\d \s \w` and `\D \S \W` are of ASCII (space, tab, line feed and carriage return for `\s`). A backslash before
  another letter is an error, before anything else takes its meaning. Within `[ ]` also as the start of a range; the
  *end* of a range takes any letter after a backslash.
- `<n-m>`: a number of the range, with as many digits as both have where that is the same, else with any leading
  zeros.
- `<name>` is an error: Elasticsearch knows no named automata.
- An atom is read wherever one is due, so `a|*` is `a` or an asterisk, `]`, `}` and a leading `)` are themselves,
  `[]a]` has two characters, and `a|`, `(`, `a{` are errors.
- A dash between two characters is a range whatever comes next: `[.-]` goes to the bracket and lacks its end.

Versions differ, and some have quirks that the page does not tell of. These are refused with VersionsDiffer, since a
query must not lean on them:

- `{3,2}` matches nothing in Lucene 8 and 9, and is an error in 10.
- A range that starts with an escaped character, `[\.-z]`, is one in 8 and 9. In 10.2 these are three characters.
- Ignoring case: 8 and 9 know ASCII_CASE_INSENSITIVE alone, which is for A to Z. Lucene 10 adds CASE_INSENSITIVE,
  which folds most of Unicode (also `k` and the Kelvin sign, `s` and the long s), and 9.x's RLIKE asks for that one. A
  pattern and a text are refused only where the two answers differ, or `unicode_case` says which is meant. Which
  characters of Unicode are each other's case is Python's casefold() here, where that is a single character.
- Without a text in it, a language has an automaton without states, and `*` of that is itself: `#*` does not match the
  empty text, as `#?` does. Seen in 8.8.1, and still in the source of 10.
- Ignoring case, 8.8.1 makes `()` and `""` match nothing, if they are not next to a literal. The source of 9 and 10
  reads as if they did too.

8.8.1, which the recorded answers are of, knows no classes: `\d` is a `d` there, and `[\\-a]` a range. The recording
was made with the classes written out. From 9 on they are as above.

In all of them, ignoring case changes single characters and literal texts, never a range: `[a-z]` does not match `A`.

max_determinized_states (10,000) is a limit of effort, and not modelled: see lucene_automaton.
"""

from __future__ import annotations

import re
from functools import lru_cache

from oracles.lucene_automaton import DIGIT, LAST, Language, Languages, Ranges, TooManyStates, numbers, others, ranges

MAX_REGEX_LENGTH = 1000
"""UTF-16 units of a pattern, at most: index.max_regex_length ('Index modules')."""

_MAX_INT = 2**31 - 1
_SPACE = ((9, 10), (13, 13), (32, 32))
_WORD = ((48, 57), (65, 90), (95, 95), (97, 122))
_CLASSES: dict[str, Ranges] = {"d": DIGIT, "D": others(DIGIT), "s": _SPACE, "S": others(_SPACE), "w": _WORD}
_CLASSES["W"] = others(_WORD)
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BOUND = re.compile(r"\+?\d+")


class LuceneRegexError(ValueError):
    """Lucene refuses the pattern. `position` counts its characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        """Say what is wrong, and where."""
        super().__init__(f"{message} at {position}")
        self.position = position


class VersionsDiffer(LuceneRegexError):
    """What the pattern means depends on the version of Lucene."""


@lru_cache(maxsize=1)
def _unicode_cases() -> dict[str, str]:
    """Per folded character those that fold to it."""
    cases: dict[str, str] = {}
    for character in map(chr, range(LAST + 1)):
        folded = character.casefold()
        if len(folded) == 1 and (folded != character or character.upper() != character):
            cases[folded] = cases.get(folded, "") + character
    return cases


def _forms(character: str, case: str) -> Ranges:
    """The characters that count as this one. `case`: "heeded", "ascii" or "unicode"."""
    if case == "ascii" and character in _LETTERS:
        forms = character.lower() + character.upper()
    elif case == "unicode":
        forms = _unicode_cases().get(character.casefold(), "") + character
    else:
        forms = character
    return ranges((ord(form), ord(form)) for form in forms)


class _Parser:
    """Recursive descent over a pattern."""

    def __init__(self, pattern: str, case: str) -> None:
        self.pattern, self.case, self.at = pattern, case, 0
        self.languages = Languages()

    def peek(self, characters: str) -> bool:
        return self.at < len(self.pattern) and self.pattern[self.at] in characters

    def match(self, character: str) -> bool:
        found = self.peek(character)
        self.at += found
        return found

    def next(self) -> str:
        if self.at >= len(self.pattern):
            raise LuceneRegexError("unexpected end", self.at)
        self.at += 1
        return self.pattern[self.at - 1]

    def expect(self, character: str) -> None:
        if not self.match(character):
            raise LuceneRegexError(f"expected {character!r}", self.at)

    def literal(self, text: str) -> Language:
        if not text and self.case != "heeded":
            raise VersionsDiffer("an empty text, ignoring case,", self.at)
        return self.languages.text(self.languages.one_of(_forms(character, self.case)) for character in text)

    def parse(self) -> Language:
        built = self.union() if self.pattern else self.literal("")
        if self.at < len(self.pattern):
            raise LuceneRegexError("expected the end", self.at)
        return built

    def union(self) -> Language:
        built = self.intersection()
        while self.match("|"):
            built = self.languages.either(built, self.intersection())
        return built

    def intersection(self) -> Language:
        built = self.concatenation()
        while self.match("&"):
            built = self.languages.both(built, self.concatenation())
        return built

    def concatenation(self) -> Language:
        parts = [self.repetition()]
        while self.at < len(self.pattern) and not self.peek(")|&"):
            parts.append(self.repetition())
        return self.languages.text(parts)

    def repetition(self) -> Language:
        built = self.complement()
        while self.peek("?*+{"):
            start = self.at
            least, most = self.times(self.next())
            if most is None and self.languages.is_nothing(built):
                raise VersionsDiffer("what matches nothing is repeated", start)
            built = self.languages.repeated(built, least, most)
        return built

    def times(self, operator: str) -> tuple[int, int | None]:
        if operator != "{":
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[operator]
        start, least = self.at, self.number()
        if least is None:
            raise LuceneRegexError("expected a number", self.at)
        most = self.number() if self.match(",") else least
        self.expect("}")
        if most is not None and least > most:
            raise VersionsDiffer("the numbers of a repetition are out of order", start)
        return least, most

    def number(self) -> int | None:
        start = self.at
        while self.peek("0123456789"):
            self.at += 1
        if start == self.at:
            return None
        if (number := int(self.pattern[start : self.at])) > _MAX_INT:
            raise LuceneRegexError("too large a number", start)
        return number

    def complement(self) -> Language:
        if self.match("~"):
            return self.languages.all_but(self.complement())
        return self.atom()

    def atom(self) -> Language:
        if self.match("["):
            return self.character_class()
        if self.match("."):
            return self.languages.one_of(((0, LAST),))
        if self.match("#"):
            return self.languages.nothing
        if self.match("@"):
            return self.languages.everything
        if self.match('"'):
            return self.literal(self.up_to('"'))
        if self.match("<"):
            return self.interval(self.up_to(">"))
        if self.match("("):
            if self.match(")"):
                return self.literal("")
            built = self.union()
            self.expect(")")
            return built
        if (predefined := self.predefined()) is not None:
            return self.languages.one_of(predefined)
        self.match("\\")
        return self.literal(self.next())

    def up_to(self, end: str) -> str:
        stop = self.pattern.find(end, self.at)
        if stop < 0:
            raise LuceneRegexError(f"expected {end!r}", len(self.pattern))
        text, self.at = self.pattern[self.at : stop], stop + 1
        return text

    def predefined(self) -> Ranges | None:
        """A class such as \\d, if one is next. A backslash before any other letter is an error."""
        follows = self.pattern[self.at + 1 : self.at + 2]
        if not self.peek("\\") or follows not in _LETTERS:
            return None
        if follows not in _CLASSES:
            raise LuceneRegexError(f"no class \\{follows}", self.at)
        self.at += 2
        return _CLASSES[follows]

    def character_class(self) -> Language:
        negated = self.match("^")
        held = [*self.member()]
        while self.at < len(self.pattern) and not self.peek("]"):
            held += self.member()
        self.expect("]")
        of_class = ranges(held)
        return self.languages.one_of(others(of_class) if negated else of_class)

    def member(self) -> Ranges:
        """One member of a class: a predefined class, a character, or a range."""
        if (predefined := self.predefined()) is not None:
            return predefined
        start = self.at
        escaped = self.match("\\")
        first = self.next()
        # An escaped backslash is a character of its own in every version.
        if not self.peek("-") or (escaped and first == "\\"):
            return _forms(first, self.case)
        if escaped:
            raise VersionsDiffer("a range starts with an escaped character", start)
        self.at += 1
        self.match("\\")
        last = self.next()
        if first > last:
            raise LuceneRegexError("the ends of a range are out of order", start)
        return ((ord(first), ord(last)),)

    def interval(self, text: str) -> Language:
        low, dash, high = text.partition("-")
        if not dash:
            raise LuceneRegexError(f"no automaton is named {text!r}", self.at)
        if not _BOUND.fullmatch(low) or not _BOUND.fullmatch(high) or max(int(low), int(high)) > _MAX_INT:
            raise LuceneRegexError("not an interval", self.at)
        first, last = sorted((int(low), int(high)))
        digits = len(low) if len(low) == len(high) else 0
        return numbers(self.languages, first, last, digits)


@lru_cache(maxsize=1024)
def _compiled(pattern: str, case: str) -> tuple[Languages, Language]:
    parser = _Parser(pattern, case)
    try:
        return parser.languages, parser.parse()
    except (RecursionError, TooManyStates):
        raise LuceneRegexError("too complex a pattern", parser.at) from None


def _holds(pattern: str, text: str, case: str) -> bool:
    languages, language = _compiled(pattern, case)
    try:
        return languages.holds(language, text)
    except (RecursionError, TooManyStates):
        raise LuceneRegexError("too complex a pattern", 0) from None


def check(pattern: str) -> None:
    """Raise LuceneRegexError where Elasticsearch refuses the pattern, of its length too."""
    if (units := len(pattern.encode("utf-16-le", "surrogatepass")) // 2) > MAX_REGEX_LENGTH:
        raise LuceneRegexError(f"{units} characters are more than index.max_regex_length", MAX_REGEX_LENGTH)
    _compiled(pattern, "heeded")


def matches(pattern: str, text: str, *, ignore_case: bool = False, unicode_case: bool | None = None) -> bool:
    """Whether the whole text matches. Raises LuceneRegexError; the length is checked by `check` alone.

    unicode_case: with ignore_case, whether letters beyond ASCII have cases too; None refuses where that matters.
    """
    if not ignore_case:
        return _holds(pattern, text, "heeded")
    if unicode_case is not None:
        return _holds(pattern, text, "unicode" if unicode_case else "ascii")
    found = _holds(pattern, text, "ascii")
    if not (pattern.isascii() and text.isascii()) and found != _holds(pattern, text, "unicode"):
        raise VersionsDiffer("which letters have cases depends on the version", 0)
    return found
