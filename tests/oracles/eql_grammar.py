"""Queries of Elasticsearch's EQL, parsed as its grammar EqlBase.g4 (8.x) and the page 'EQL syntax reference' have it.

PyPI's `eql` parses Endgame's EQL with Elasticsearch's extensions and is the second opinion of the tests; it takes
much that Elasticsearch refuses. Refused with EqlError, as there: `=`, chained comparisons, `not like`, joins, `fork`,
`child of`, indexes in field names, sequences of one event, decimal or unitless spans, join keys of different number.

Refused with EqlUnsupported, valid as they are: pipes, samples, missing events (`![`), arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from oracles.eql_tokens import EqlError, EqlUnsupported, Token, text_of, tokens
from oracles.eql_tree import Call, Comparison, Expression, Field, Literal, Logic, Lookup, Not, Query, Step

T = TypeVar("T")


_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_LOOKUPS = {":": ("like", True), "like": ("like", False), "like~": ("like", True)}
_LOOKUPS |= {"regex": ("regex", False), "regex~": ("regex", True)}


class _Parser:
    def __init__(self, query: str) -> None:
        self.words, self.at = [*tokens(query), Token("end", "", len(query))], 0

    @property
    def word(self) -> Token:
        return self.words[self.at]

    def match(self, *kinds: str) -> Token | None:
        if self.word.kind not in kinds:
            return None
        self.at += 1
        return self.words[self.at - 1]

    def expect(self, *kinds: str) -> Token:
        if found := self.match(*kinds):
            return found
        raise EqlError(f"expected {' or '.join(kinds)}, not {self.word.text!r}", self.word.at)

    def listed(self, item: Callable[[], T]) -> tuple[T, ...]:
        items = [item()]
        while self.match(","):
            items.append(item())
        return tuple(items)

    def query(self) -> Query:
        if self.word.kind == "sample":
            raise EqlUnsupported("samples", self.word.at)
        if self.word.kind == "join":
            raise EqlError("joins are not supported", self.word.at)
        found = self.sequence() if self.match("sequence") else Query((self.step(()),), None, None)
        if self.word.kind == "|":
            raise EqlUnsupported("pipes", self.word.at)
        self.expect("end")
        return found

    def sequence(self) -> Query:
        start = self.word.at
        keys = self.keys()
        maxspan = self.maxspan() if self.match("with") else None
        if self.word.kind == "by" and maxspan is not None and not keys:
            raise EqlError("`by` comes before `with`", self.word.at)
        steps: list[Step] = []
        while self.word.kind in ("[", "!["):
            steps += self.term(keys)
        if self.word.kind not in ("until", "|", "end"):
            raise EqlError(f"expected an event, not {self.word.text!r}", self.word.at)
        until = None
        if (word := self.match("until")) is not None:
            repeated = self.term(keys)
            until = repeated[0]
            if len(repeated) > 1:
                raise EqlUnsupported("until with runs", word.at)
        if len(steps) < 2:
            raise EqlError("a sequence has two events or more", start)
        for step in [*steps, *([until] if until else [])]:
            if len(step.keys) != len(steps[0].keys):
                raise EqlError("another number of join keys", step.at)
        return Query(tuple(steps), until, maxspan)

    def maxspan(self) -> int:
        self.expect("maxspan")
        self.expect("=")
        number = self.expect("integer", "decimal")
        if number.kind == "decimal" or int(number.text) <= 0:
            raise EqlError("a span is a positive whole number", number.at)
        if (unit := self.expect("name").text) not in _UNITS:
            raise EqlError(f"no unit of time: {unit}", number.at)
        return int(number.text) * _UNITS[unit]

    def term(self, keys: tuple[Field, ...]) -> list[Step]:
        """A step, as often as `with runs` says."""
        start = self.expect("[", "![")
        if start.kind == "![":
            raise EqlUnsupported("missing events", start.at)
        step = self.step(keys)
        self.expect("]")
        step = replace(step, keys=keys + self.keys())
        if not self.match("with"):
            return [step]
        if self.expect("name").text != "runs":
            raise EqlError("only `runs` comes after an event", self.words[self.at - 1].at)
        self.expect("=")
        number = self.expect("integer")
        if not 1 <= int(number.text) <= 100:
            raise EqlError("runs is from 1 to 100", number.at)
        return [step] * int(number.text)

    def keys(self) -> tuple[Field, ...]:
        def key() -> Field:
            field = self.operand()
            if not isinstance(field, Field):
                raise EqlError("a join key is a field", self.word.at)
            return field

        return self.listed(key) if self.match("by") else ()

    def step(self, keys: tuple[Field, ...]) -> Step:
        start = self.expect("any", "name", "string")
        self.expect("where")
        return Step(None if start.kind == "any" else text_of(start), self.disjunction(), keys, start.at)

    def disjunction(self) -> Expression:
        found = self.conjunction()
        while self.match("or"):
            found = Logic("or", found, self.conjunction())
        return found

    def conjunction(self) -> Expression:
        found = self.negation()
        while self.match("and"):
            found = Logic("and", found, self.negation())
        return found

    def negation(self) -> Expression:
        if word := self.match("not"):
            return Not(self.negation(), word.at)
        left = self.operand()
        if word := self.match(*_COMPARISONS):
            left = Comparison(word.kind, left, self.operand(), word.at)
        if self.word.kind in _COMPARISONS:
            raise EqlError("comparisons do not chain", self.word.at)
        return left

    def operand(self) -> Expression:
        """A value, or one with its lookup. What may stand beside a comparison."""
        sign = self.match("-", "+")
        left = self.primary()
        if sign:
            if not isinstance(left, Literal) or isinstance(left.value, bool) or not isinstance(left.value, int | float):
                raise EqlUnsupported("a sign before anything but a number", sign.at)
            left = Literal(-left.value if sign.kind == "-" else left.value, sign.at)
        else:
            left = self.lookup(left)
        if self.word.kind in ("+", "-", "*", "/", "%"):
            raise EqlUnsupported("arithmetic", self.word.at)
        return left

    def lookup(self, left: Expression) -> Expression:
        start = self.word
        negated = start.kind == "not" and self.match("not") is not None
        if word := self.expect("in", "in~") if negated else self.match("in", "in~"):
            self.expect("(")
            values = self.listed(self.literal)
            self.expect(")")
            found = Lookup("in", word.kind == "in~", left, values, word.at)
            return Not(found, start.at) if negated else found
        if not (word := self.match(*_LOOKUPS)):
            return left
        operator, insensitive = _LOOKUPS[word.kind]
        if self.match("("):
            values = self.listed(self.constant)
            self.expect(")")
        else:
            values = (self.constant(),)
        return Lookup(operator, insensitive, left, values, word.at)

    def literal(self) -> Literal:
        """A member of `in`. The grammar takes any expression, and the verifier a constant."""
        start, found = self.word.at, self.disjunction()
        if not isinstance(found, Literal):
            raise EqlUnsupported("a list of other than constants", start)
        return found

    def constant(self) -> Literal:
        word = self.expect("null", "true", "false", "integer", "decimal", "string")
        if word.kind == "string":
            return Literal(text_of(word), word.at)
        if word.kind in ("integer", "decimal"):
            return Literal(int(word.text) if word.kind == "integer" else float(word.text), word.at)
        return Literal({"null": None, "true": True, "false": False}[word.kind], word.at)

    def primary(self) -> Expression:
        if self.match("("):
            found = self.disjunction()
            self.expect(")")
            return found
        if self.word.kind in ("null", "true", "false", "integer", "decimal", "string"):
            return self.constant()
        follows = self.words[min(self.at + 1, len(self.words) - 1)].kind
        if self.word.kind in ("name", "tilde") and follows == "(":
            return self.call()
        if self.word.kind == "name" and follows == "of":
            raise EqlError("relations of processes are not supported", self.word.at)
        start, optional = self.word.at, self.match("?") is not None
        parts = [text_of(self.expect("name", "quoted"))]
        while self.match("."):
            parts.append(text_of(self.expect("name", "quoted")))
        if self.word.kind == "[":
            self.refuse_index()
        return Field(".".join(parts), optional, start)

    def refuse_index(self) -> None:
        """`by a [...` is a key and the next event, `a[0]` an index."""
        if self.words[min(self.at + 1, len(self.words) - 1)].kind == "integer":
            raise EqlError("indexes in fields are not supported", self.word.at)

    def call(self) -> Call:
        name = self.match("name", "tilde")
        assert name
        self.expect("(")
        arguments = () if self.word.kind == ")" else self.listed(self.disjunction)
        self.expect(")")
        return Call(name.text.rstrip("~"), name.kind == "tilde", arguments, name.at)


def parse(query: str) -> Query:
    """The query. Raises EqlError with the position, EqlUnsupported for what is right and not known here."""
    try:
        return _Parser(query).query()
    except RecursionError:
        raise EqlUnsupported("conditions nested this deep") from None


def steps(query: str) -> tuple[Step, ...]:
    """The events of a sequence in their order, repeated by `with runs`; or the only one."""
    return parse(query).steps


def string_literals(query: str) -> list[str]:
    """What the strings hold, in their order, quoted event categories among them. Raises EqlError for bad syntax."""
    parse(query)
    return [text_of(token) for token in tokens(query) if token.kind == "string"]
