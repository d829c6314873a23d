"""Generators for all who compare a backend with the reference: hypothesis strategies, and bulk samples of
them.

    for one in sample(pairs(), 5000, seed=1): ...          # Pair: rule, event, whether it matches
    for case in sample(correlation_cases(), 2000, seed=1): ...   # CorrelationCase: correlation, rules, log

The makers run on a random.Random (`pair`, `log`, `correlation_case`), and the strategies feed them seeds.
"""

from __future__ import annotations

from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from reference.events import Event
from reference.logs import TYPES, CorrelationCase, correlation_case, log, nested_case
from reference.meaning import matches
from reference.pairs import ALL, Pair, pair, read_by_pysigma

__all__ = [
    "ALL",
    "CorrelationCase",
    "Pair",
    "checked",
    "correlation_cases",
    "logs",
    "nested_cases",
    "pairs",
    "read_by_pysigma",
    "sample",
]

T = TypeVar("T")
_SEEDS = st.integers(0, 2**64 - 1)


def checked(one: Pair) -> Pair:
    """The pair, once the reference agrees with its construction: the label is that of `matches`."""
    for event, expected in ((one.match, True), (one.event, one.matches)):
        if matches(one.rule, event, one.placeholders) is not expected:
            raise AssertionError(f"built to give {expected}: {one.rule['detection']} on {event.fields}")
    return one


def pairs(modifiers: frozenset[str] = ALL) -> st.SearchStrategy[Pair]:
    """Rules with none but these modifiers, each with an event: half of them match, and each other event is
    one edit away from one that does."""
    return _SEEDS.map(lambda number: checked(pair(Random(number), modifiers)))


def logs(timespan: int = 300_000, hosts: int = 3) -> st.SearchStrategy[list[Event]]:
    """Logs for the rules of `logs.RULES`, dense around the edges of a time span in ms."""
    return _SEEDS.map(lambda number: log(Random(number), timespan, hosts))


def correlation_cases(types: tuple[str, ...] = TYPES) -> st.SearchStrategy[CorrelationCase]:
    """Correlations of these types, their rules and a log; temporal_ordered and temporal of two or three
    rules."""
    return _SEEDS.map(lambda number: correlation_case(Random(number), types))


def nested_cases(types: tuple[str, ...] = TYPES) -> st.SearchStrategy[CorrelationCase]:
    """Correlations of these types over a rule and another correlation, their rules and a log."""
    return _SEEDS.map(lambda number: nested_case(Random(number), types))


def sample(strategy: st.SearchStrategy[T], n: int, seed: int) -> list[T]:
    """The same `n` examples of a strategy for the same seed, in one process or another."""
    found: list[T] = []
    round_number = 0
    while len(found) < n:

        @seeded(seed * 1000 + round_number)
        @settings(
            max_examples=n - len(found),
            database=None,
            derandomize=False,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def collect(example: T) -> None:
            found.append(example)

        collect()
        round_number += 1
    return found[:n]
