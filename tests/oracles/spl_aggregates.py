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

from collections.abc import Callable
from dataclasses import dataclass

from oracles.spl_accumulators import (
    Accumulator,
    Count,
    Extreme,
    Kept,
    Range,
    Sum,
    Taken,
    Values,
    earlier,
    greater,
    later,
    smaller,
)
from oracles.spl_eval import Context, condition, value
from oracles.spl_grammar import Node, SplUnsupported, refuse, tokens_of, trees_of, unquoted
from oracles.spl_values import Event, Number, Value, several, text, values_of


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
        "min": lambda: Extreme(smaller),
        "max": lambda: Extreme(greater),
        "first": lambda: Kept(lambda held: held[0][0]),
        "last": lambda: Kept(lambda held: held[-1][0]),
        "earliest": lambda: Extreme(earlier),
        "latest": lambda: Extreme(later),
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
