"""The aggregate functions of `stats`, `eventstats`, `streamstats` and `tstats`.

Search Reference, 'Statistical and charting functions' with its pages 'Aggregate functions', 'Event order functions',
'Multivalue stats and chart functions' and 'Time functions'. What the pages leave open:
- Of a field with several values, dc, values, list, min and max take each one. count(f), sum, avg, range, first, last,
  earliest and latest refuse it.
- count(f) counts fields that are "not empty", so a field with the empty text is refused there.
- sum, avg and range refuse text that is no number; min and max refuse a mix of text and numbers.
- Two values at the same time, of which earliest or latest could be either, are refused.
- values and list give text; values in the order of code points, list in the order of events and no more than
  list_maxsize.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from oracles.spl_eval import Context, calculate, condition, operand, value
from oracles.spl_grammar import Node, SplUnsupported, refuse, tokens_of, trees_of, unquoted
from oracles.spl_values import Event, Number, Scalar, Value, number, reduced, several, text, values_of

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
        self.least, self.most = Extreme(_smaller), Extreme(_greater)

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


def _smaller(each: tuple[Scalar, Number], best: tuple[Scalar, Number]) -> bool:
    return _less(each[0], best[0])


def _greater(each: tuple[Scalar, Number], best: tuple[Scalar, Number]) -> bool:
    return _less(best[0], each[0])


def _less(left: Scalar, right: Scalar) -> bool:
    first, second = number(left), number(right)
    if first is not None and second is not None:
        return first < second
    if first is not None or second is not None:
        raise SplUnsupported("min() or max() of text and numbers together")
    return text(left) < text(right)


def _earlier(each: tuple[Scalar, Number], best: tuple[Scalar, Number]) -> bool:
    return _before(each, best, each[1] < best[1])


def _later(each: tuple[Scalar, Number], best: tuple[Scalar, Number]) -> bool:
    return _before(each, best, each[1] > best[1])


def _before(each: tuple[Scalar, Number], best: tuple[Scalar, Number], answer: bool) -> bool:
    if each[1] == best[1] and text(each[0]) != text(best[0]):
        raise SplUnsupported("earliest() or latest() of different values at the same time")
    return answer


@dataclass(frozen=True)
class Aggregate:
    """One aggregate of a command: the field it sets, what it takes from an event, and a new empty state of it."""

    name: str
    take: Callable[[Event], Taken]
    new: Callable[[], Accumulator]


_ONE: Taken = ((1, 0),)
_EACH = ("dc", "distinct_count", "values", "list", "min", "max")
_TIMED = ("earliest", "latest")


def aggregates(tree: Node, context: Context, list_maxsize: int) -> list[Aggregate]:
    """The aggregates of a command. Raises SplUnsupported for a function that is not one of those above."""
    return [_aggregate(part, context, list_maxsize) for part in trees_of(tree) if part.data == "aggregate"]


def by_fields(tree: Node) -> list[str]:
    """The fields after BY, none where there is no BY."""
    return [name_of(field) for part in trees_of(tree) if part.data == "by" for field in trees_of(part)]


def name_of(tree: Node) -> str:
    """The name of a field."""
    return unquoted(tokens_of(tree)[0])


def _aggregate(tree: Node, context: Context, list_maxsize: int) -> Aggregate:
    function = str(tokens_of(tree)[0])
    parts = {str(part.data): part for part in trees_of(tree)}
    argument, alias = parts.get("argument"), parts.get("alias")
    states: dict[str, Callable[[], Accumulator]] = {
        "count": Count,
        "dc": lambda: Values(counted=True),
        "distinct_count": lambda: Values(counted=True),
        "sum": Sum,
        "avg": lambda: Sum(average=True),
        "range": Range,
        "min": lambda: Extreme(_smaller),
        "max": lambda: Extreme(_greater),
        "first": lambda: Kept(lambda held: held[0][0]),
        "last": lambda: Kept(lambda held: held[-1][0]),
        "earliest": lambda: Extreme(_earlier),
        "latest": lambda: Extreme(_later),
        "values": Values,
        "list": lambda: Kept(lambda held: several(text(held[at][0]) for at in range(min(len(held), list_maxsize)))),
    }
    if function not in states:
        refuse(f"the function {function}()", tree)
    if argument is None:
        if function != "count":
            refuse(f"{function}() without a field", tree)
        return Aggregate(name_of(alias) if alias else "count", lambda event: _ONE, Count)
    (inner,) = trees_of(argument)
    if inner.data == "stats_field":
        take = _of_field(function, name_of(inner))
        return Aggregate(name_of(alias) if alias else f"{function}({name_of(inner)})", take, states[function])
    if alias is None:
        refuse("eval() in an aggregate without AS", tree)
    return Aggregate(name_of(alias), _of_expression(function, inner, context), states[function])


def _of_field(function: str, name: str) -> Callable[[Event], Taken]:
    return _checked(function, lambda event: event.get(name))


def _of_expression(function: str, tree: Node, context: Context) -> Callable[[Event], Taken]:
    """count takes a condition and counts the events that meet it ('Aggregate functions'); the others take a value."""
    if function == "count":
        decide = condition(tree, context)
        return lambda event: _ONE if decide(event) else ()
    return _checked(function, value(tree, context))


def _checked(function: str, held: Callable[[Event], Value | None]) -> Callable[[Event], Taken]:
    def take(event: Event) -> Taken:
        found = held(event)
        if found is None:
            return ()
        if function in _EACH:
            return tuple((each, 0) for each in values_of(found))
        if isinstance(found, tuple):
            raise SplUnsupported(f"{function}() of a field with several values")
        if function == "count" and found == "":
            raise SplUnsupported("count() of a field that is there and empty")
        return ((found, _time(event, function) if function in _TIMED else 0),)

    return take


def _time(event: Event, function: str) -> Number:
    at = event.get("_time")
    if at is None or isinstance(at, str | tuple):
        raise SplUnsupported(f"{function}() of an event without _time")
    return at
