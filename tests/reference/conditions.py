"""Conditions of a rule: a small parser of its own.

Source: Sigma rules specification, "Condition". Precedence, least to most binding: or, and, not, `x of`,
parentheses. Beyond the specification: `any of` (as pySigma has it) and `N of`, at least N.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

Test: TypeAlias = Callable[[Mapping[str, bool]], bool]
"""A condition: from which selections hold to whether it holds."""

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
_NAME = re.compile(r"[\w.-]+")
_PATTERN = re.compile(r"[\w.*-]+")


class ConditionError(ValueError):
    """The condition does not parse, or names a selection that is not there."""


def parse_condition(condition: str, names: Sequence[str]) -> Test:
    """The meaning of a condition over selections of the given names; raises ConditionError."""
    parser = _Parser(condition, names)
    test = parser.either()
    if parser.tokens:
        raise ConditionError(f"{condition}: unexpected {parser.tokens[0]}")
    return test


class _Parser:
    def __init__(self, condition: str, names: Sequence[str]) -> None:
        self.condition = condition
        self.names = names
        self.tokens: list[str] = _TOKEN.findall(condition)

    def take(self) -> str:
        if not self.tokens:
            raise ConditionError(f"{self.condition}: it ends too early")
        return self.tokens.pop(0)

    def next_is(self, word: str) -> bool:
        return bool(self.tokens) and self.tokens[0] == word

    def either(self) -> Test:
        tests = [self.both()]
        while self.next_is("or"):
            self.take()
            tests.append(self.both())
        return lambda holds: any(test(holds) for test in tests)

    def both(self) -> Test:
        tests = [self.negated()]
        while self.next_is("and"):
            self.take()
            tests.append(self.negated())
        return lambda holds: all(test(holds) for test in tests)

    def negated(self) -> Test:
        if self.next_is("not"):
            self.take()
            test = self.negated()
            return lambda holds: not test(holds)
        return self.operand()

    def operand(self) -> Test:
        token = self.take()
        if token == "(":
            test = self.either()
            if self.take() != ")":
                raise ConditionError(f"{self.condition}: a parenthesis is not closed")
            return test
        if self.next_is("of"):
            self.take()
            return self.quantified(token, self.take())
        if token not in self.names or not _NAME.fullmatch(token):
            raise ConditionError(f"{self.condition}: no selection is named {token}")
        return lambda holds: holds[token]

    def quantified(self, quantity: str, pattern: str) -> Test:
        chosen = self.chosen(pattern)
        if quantity == "all":
            least = len(chosen)
        elif quantity == "any":
            least = 1
        elif quantity.isdecimal() and int(quantity) > 0:
            least = int(quantity)
        else:
            raise ConditionError(f"{self.condition}: {quantity} is no quantity")
        return lambda holds: sum(holds[name] for name in chosen) >= least

    def chosen(self, pattern: str) -> list[str]:
        """The selections that `them` or a pattern means. Those that start with an underscore are left out,
        unless the pattern itself starts with one: they are set apart for the parts that filters bring."""
        if not _PATTERN.fullmatch(pattern):
            raise ConditionError(f"{self.condition}: {pattern} is no pattern of selections")
        shape = "*" if pattern == "them" else pattern
        regex = re.compile(".*".join(re.escape(part) for part in shape.split("*")))
        names = [
            name for name in self.names if regex.fullmatch(name) and (shape.startswith("_") or not name.startswith("_"))
        ]
        if not names:
            raise ConditionError(f"{self.condition}: no selection matches {pattern}")
        return names
