"""Languages of Lucene's regexes, and automata of them by Brzozowski's derivatives.

The derivative of a language by a character holds what may follow that character. Intersection and complement have one
as simple as union has, which is why the oracle takes this way: Lucene builds automata out of parts and determinises
them.

A character is a code point. A set of them is a tuple of ranges (first, last), both included, sorted and apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

LAST = 0x10FFFF
"""The last code point."""

DIGIT = ((48, 57),)
"""0 to 9."""

STATES = 10_000
"""The states an automaton may have here. Elasticsearch's max_determinized_states has this default too, but counts in
another way: a pattern that comes near is none to rely on."""

Ranges: TypeAlias = tuple[tuple[int, int], ...]


class TooManyStates(Exception):
    """The pattern needs more than STATES states."""


def ranges(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """The set of these ranges, which may overlap and come in any order."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def others(held: Ranges) -> Ranges:
    """The characters that are not in the set."""
    left, start = [], 0
    for first, last in held:
        if first > start:
            left.append((start, first - 1))
        start = last + 1
    if start <= LAST:
        left.append((start, LAST))
    return tuple(left)


class Language:
    """A language, as it was built. Two of one Languages are the same object where they were built alike."""

    __slots__ = ("kind", "nullable", "number", "parts", "steps")

    def __init__(self, kind: str, parts: tuple[object, ...], nullable: bool, number: int) -> None:
        """nullable: whether the empty text is in it. number: in the order of building."""
        self.kind, self.parts, self.nullable, self.number = kind, parts, nullable, number
        self.steps: dict[str, Language] = {}


class Languages:
    """Builds languages and their derivatives, each once."""

    def __init__(self) -> None:
        """Begin with the languages that all others are made of."""
        self._built: dict[tuple[object, ...], Language] = {}
        self.nothing = self._new("set", (), (), False)
        self.empty = self._new("empty", (), (), True)
        self.everything = self._new("not", (self.nothing,), (self.nothing.number,), True)

    def _new(self, kind: str, parts: tuple[object, ...], key: tuple[object, ...], nullable: bool) -> Language:
        built = self._built.get((kind, *key))
        if built is None:
            if len(self._built) > STATES * 10:
                raise TooManyStates
            built = self._built[(kind, *key)] = Language(kind, parts, nullable, len(self._built))
        return built

    def one_of(self, held: Ranges) -> Language:
        """One character of a set."""
        return self._new("set", held, held, False)

    def then(self, first: Language, second: Language) -> Language:
        """A text of the first, then one of the second."""
        if first is self.nothing or second is self.nothing:
            return self.nothing
        if first is self.empty:
            return second
        if second is self.empty:
            return first
        if first.kind == "then":
            head, tail = first.parts
            assert isinstance(head, Language)
            assert isinstance(tail, Language)
            return self.then(head, self.then(tail, second))
        key = (first.number, second.number)
        return self._new("then", (first, second), key, first.nullable and second.nullable)

    def either(self, first: Language, second: Language) -> Language:
        """A text of any of the two."""
        return self._set_of("or", first, second)

    def both(self, first: Language, second: Language) -> Language:
        """A text of the two."""
        return self._set_of("and", first, second)

    def _set_of(self, kind: str, first: Language, second: Language) -> Language:
        """Union or intersection: without order and repetition, so that there are finitely many derivatives."""
        neutral, whole = (self.nothing, self.everything) if kind == "or" else (self.everything, self.nothing)
        members: dict[int, Language] = {}
        for part in (first, second):
            for member in part.parts if part.kind == kind else (part,):
                assert isinstance(member, Language)
                members[member.number] = member
        members.pop(neutral.number, None)
        if whole.number in members:
            return whole
        if len(members) < 2:
            return next(iter(members.values()), neutral)
        ordered = tuple(members[number] for number in sorted(members))
        nullable = (any if kind == "or" else all)(member.nullable for member in ordered)
        return self._new(kind, ordered, tuple(sorted(members)), nullable)

    def all_but(self, inner: Language) -> Language:
        """Every text that is not in the language."""
        if inner.kind == "not":
            (original,) = inner.parts
            assert isinstance(original, Language)
            return original
        return self._new("not", (inner,), (inner.number,), not inner.nullable)

    def repeated(self, inner: Language, least: int, most: int | None) -> Language:
        """From `least` to `most` texts of the language, or any number from `least`."""
        if most == 0 or inner is self.empty:
            return self.empty
        if inner is self.nothing:
            return self.empty if least == 0 else self.nothing
        if (least, most) == (1, 1):
            return inner
        return self._new("repeat", (inner, least, most), (inner.number, least, most), least == 0 or inner.nullable)

    def text(self, characters: Iterable[Language]) -> Language:
        """One after the other."""
        built = self.empty
        for character in reversed(list(characters)):
            built = self.then(character, built)
        return built

    def after(self, language: Language, character: str) -> Language:
        """The derivative: what may follow the character."""
        step = language.steps.get(character)
        if step is None:
            step = language.steps[character] = self._derive(language, character)
        return step

    def _derive(self, language: Language, character: str) -> Language:
        kind, parts = language.kind, language.parts
        if kind == "empty":
            return self.nothing
        if kind == "set":
            code = ord(character)
            return self.empty if any(first <= code <= last for first, last in parts) else self.nothing  # type: ignore[misc,has-type]
        if kind == "then":
            first, second = parts
            assert isinstance(first, Language)
            assert isinstance(second, Language)
            left = self.then(self.after(first, character), second)
            return self.either(left, self.after(second, character)) if first.nullable else left
        if kind == "repeat":
            inner, least, most = parts
            assert isinstance(inner, Language)
            assert isinstance(least, int)
            fewer = self.repeated(inner, max(least - 1, 0), most - 1 if isinstance(most, int) else None)
            return self.then(self.after(inner, character), fewer)
        inners = [self.after(part, character) for part in parts if isinstance(part, Language)]
        if kind == "not":
            return self.all_but(inners[0])
        built = inners[0]
        for inner in inners[1:]:
            built = self.either(built, inner) if kind == "or" else self.both(built, inner)
        return built

    def is_nothing(self, language: Language) -> bool:
        """Whether no text is in the language. Raises TooManyStates."""
        edges = {0}
        for built in list(self._built.values()):
            if built.kind == "set":
                for first, last in built.parts:  # type: ignore[misc]
                    edges |= {first, last + 1}  # type: ignore[has-type]
        # One character of each kind that the parts tell apart.
        alphabet = [chr(edge) for edge in edges if edge <= LAST]
        seen, waiting = {language.number}, [language]
        while waiting:
            here = waiting.pop()
            if here.nullable:
                return False
            for there in (self.after(here, character) for character in alphabet):
                if there.number not in seen:
                    seen.add(there.number)
                    waiting.append(there)
        return True

    def holds(self, language: Language, text: str) -> bool:
        """Whether the whole text is in the language. Raises TooManyStates."""
        for character in text:
            language = self.after(language, character)
        return language.nullable


def numbers(build: Languages, first: int, last: int, digits: int) -> Language:
    """The decimal numbers from first to last: of so many digits, or (0) with any leading zeros."""
    if digits:
        return _between(build, str(first).zfill(digits), str(last).zfill(digits))
    built = build.nothing
    for size in range(1, len(str(last)) + 1):
        lowest, highest = max(first, 10 ** (size - 1) if size > 1 else 0), min(last, 10**size - 1)
        if lowest <= highest:
            built = build.either(built, _between(build, str(lowest), str(highest)))
    return build.then(build.repeated(build.one_of(((48, 48),)), 0, None), built)


def _between(build: Languages, low: str, high: str) -> Language:
    """The digits from low to high, which have the same length."""
    if not low:
        return build.empty
    built, left = build.nothing, len(low) - 1
    for value in range(int(low[0]), int(high[0]) + 1):
        lowest = low[1:] if value == int(low[0]) else "0" * left
        highest = high[1:] if value == int(high[0]) else "9" * left
        if (lowest, highest) == ("0" * left, "9" * left):
            rest = build.repeated(build.one_of(DIGIT), left, left)
        else:
            rest = _between(build, lowest, highest)
        built = build.either(built, build.then(build.one_of(((48 + value, 48 + value),)), rest))
    return built
