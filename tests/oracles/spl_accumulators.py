"""The states of the aggregate functions: each takes in events, and forgets the oldest again, without starting anew.

What they mean is at the top of spl_aggregates.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Callable
from typing import TypeAlias

from oracles.spl_eval import calculate, operand
from oracles.spl_grammar import SplUnsupported
from oracles.spl_values import Number, Scalar, Value, number, reduced, several, text

Taken: TypeAlias = tuple[tuple[Scalar, Number], ...]
"""What one event gives to an aggregate: values, each with the time of the event (0 where it does not matter)."""


class Accumulator(ABC):
    """The state of one aggregate over some events, of which the oldest may leave again."""

    @abstractmethod
    def add(self, taken: Taken) -> None:
        """Take in what an event gives."""

    @abstractmethod
    def remove(self, taken: Taken) -> None:
        """Forget the oldest event, which gave this."""

    @abstractmethod
    def result(self) -> Value | None:
        """The aggregate of what is in."""


class Count(Accumulator):
    """count, count(f), count(eval(…)): 0 where there is nothing."""

    def __init__(self) -> None:
        self.held = 0

    def add(self, taken: Taken) -> None:
        self.held += len(taken)

    def remove(self, taken: Taken) -> None:
        self.held -= len(taken)

    def result(self) -> Value | None:
        return self.held


class Sum(Accumulator):
    """sum, null where there is nothing; avg where `average` is set."""

    def __init__(self, average: bool = False) -> None:
        self.held: Number = 0
        self.count = 0
        self.average = average

    def add(self, taken: Taken) -> None:
        for each, _ in taken:
            self.held += operand(each, "sum()") or 0
        self.count += len(taken)

    def remove(self, taken: Taken) -> None:
        for each, _ in taken:
            self.held -= operand(each, "sum()") or 0
        self.count -= len(taken)

    def result(self) -> Value | None:
        if not self.count:
            return None
        return calculate(self.held, self.count, "/") if self.average else reduced(self.held)


class Values(Accumulator):
    """values, or their number where `counted` is set."""

    def __init__(self, counted: bool = False) -> None:
        self.held: Counter[str] = Counter()
        self.order: list[str] = []
        self.shown: Value | None = None
        self.counted = counted

    def add(self, taken: Taken) -> None:
        for each, _ in taken:
            shown = text(each)
            self.held[shown] += 1
            if self.held[shown] == 1 and not self.counted:
                insort(self.order, shown)
                self.shown = None

    def remove(self, taken: Taken) -> None:
        for each, _ in taken:
            shown = text(each)
            self.held[shown] -= 1
            if not self.held[shown]:
                del self.held[shown]
                if not self.counted:
                    del self.order[bisect_left(self.order, shown)]
                    self.shown = None

    def result(self) -> Value | None:
        if self.counted:
            return len(self.held)
        if self.shown is None:
            self.shown = several(self.order)
        return self.shown


class Kept(Accumulator):
    """An aggregate that keeps what it was given, in order, and chooses from it."""

    def __init__(self, choose: Callable[[deque[tuple[Scalar, Number]]], Value | None]) -> None:
        self.held: deque[tuple[Scalar, Number]] = deque()
        self.choose = choose

    def add(self, taken: Taken) -> None:
        self.held.extend(taken)

    def remove(self, taken: Taken) -> None:
        for _ in taken:
            self.held.popleft()

    def result(self) -> Value | None:
        return self.choose(self.held) if self.held else None


class Extreme(Accumulator):
    """The best value by a rank, where a value beats what was there before it. Searches anew only when that leaves."""

    def __init__(self, beats: Callable[[tuple[Scalar, Number], tuple[Scalar, Number]], bool]) -> None:
        self.held: deque[tuple[Scalar, Number]] = deque()
        self.best: tuple[Scalar, Number] | None = None
        self.beats = beats

    def add(self, taken: Taken) -> None:
        for each in taken:
            self.held.append(each)
            self._offer(each)

    def remove(self, taken: Taken) -> None:
        gone = [self.held.popleft() for _ in taken]
        if any(each == self.best for each in gone):
            self.best = None
            for each in self.held:
                self._offer(each)

    def result(self) -> Value | None:
        return self.best[0] if self.best else None

    def _offer(self, each: tuple[Scalar, Number]) -> None:
        if self.best is None or self.beats(each, self.best):
            self.best = each


class Range(Accumulator):
    """range: the greatest number less the smallest."""

    def __init__(self) -> None:
        self.least, self.most = Extreme(smaller), Extreme(greater)

    def add(self, taken: Taken) -> None:
        for each, _ in taken:
            operand(each, "range()")
        self.least.add(taken)
        self.most.add(taken)

    def remove(self, taken: Taken) -> None:
        self.least.remove(taken)
        self.most.remove(taken)

    def result(self) -> Value | None:
        least, most = self.least.result(), self.most.result()
        if least is None or most is None:
            return None
        return calculate(operand(most, "range()") or 0, operand(least, "range()") or 0, "-")


def smaller(each: tuple[Scalar, Number], best: tuple[Scalar, Number]) -> bool:
    """Whether a value is less than another. Raises SplUnsupported for text and a number."""
    return _less(each[0], best[0])


def greater(each: tuple[Scalar, Number], best: tuple[Scalar, Number]) -> bool:
    """Whether a value is more than another. Raises SplUnsupported for text and a number."""
    return _less(best[0], each[0])


def _less(left: Scalar, right: Scalar) -> bool:
    first, second = number(left), number(right)
    if first is not None and second is not None:
        return first < second
    if first is not None or second is not None:
        raise SplUnsupported("min() or max() of text and numbers together")
    return text(left) < text(right)


def earlier(each: tuple[Scalar, Number], best: tuple[Scalar, Number]) -> bool:
    """Whether a value comes before another in time. Raises SplUnsupported for two values of one time."""
    return _before(each, best, each[1] < best[1])


def later(each: tuple[Scalar, Number], best: tuple[Scalar, Number]) -> bool:
    """Whether a value comes after another in time. Raises SplUnsupported for two values of one time."""
    return _before(each, best, each[1] > best[1])


def _before(each: tuple[Scalar, Number], best: tuple[Scalar, Number], answer: bool) -> bool:
    if each[1] == best[1] and text(each[0]) != text(best[0]):
        raise SplUnsupported("earliest() or latest() of different values at the same time")
    return answer
