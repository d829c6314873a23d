"""Generators for all who compare a backend with the reference: makers, hypothesis strategies, and bulk samples.

    for one in sample(pairs(), 5000, seed=1): ...          # Pair: rule, event, whether it matches
    for case in sample(correlation_cases(), 2000, seed=1): ...   # CorrelationCase: correlation, rules, log
    @given(strategy(pairs()))

A maker makes one example of a random.Random. Samples feed it seeds of another one, so that they are the same in every
process and under every order of tests; Hypothesis draws constants from whatever modules are loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, TypeAlias, TypeVar

from hypothesis import strategies as st

from reference.digests import digest
from reference.events import Event
from reference.logs import TYPES, CorrelationCase, correlation_case, log, nested_case
from reference.meaning import matches
from reference.pairs import ALL, Pair, pair, read_by_pysigma

__all__ = [
    "ALL",
    "CorrelationCase",
    "Maker",
    "Pair",
    "checked",
    "correlation_cases",
    "logs",
    "nested_cases",
    "pairs",
    "read_by_pysigma",
    "sample",
    "strategy",
]

#: Names a file to which each sample adds a line; tests/bench/sample_digests.py compares two such files.
RECORD = "T1020_RECORD_SAMPLES"

T = TypeVar("T")
Maker: TypeAlias = Callable[[Random], T]


def checked(one: Pair) -> Pair:
    """The pair, once the reference agrees with its construction: the label is that of `matches`."""
    for event, expected in ((one.match, True), (one.event, one.matches)):
        if matches(one.rule, event, one.placeholders) is not expected:
            raise AssertionError(f"built to give {expected}: {one.rule['detection']} on {event.fields}")
    return one


def pairs(modifiers: frozenset[str] = ALL) -> Maker[Pair]:
    """Rules with none but these modifiers, each with an event: half of them match, and each other event is
    one edit away from one that does."""
    return lambda rng: checked(pair(rng, modifiers))


def logs(timespan: int = 300_000, hosts: int = 3) -> Maker[list[Event]]:
    """Logs for the rules of `logs.RULES`, dense around the edges of a time span in ms."""
    return lambda rng: log(rng, timespan, hosts)


def correlation_cases(types: tuple[str, ...] = TYPES) -> Maker[CorrelationCase]:
    """Correlations of these types, their rules and a log; temporal_ordered and temporal of two or three
    rules."""
    return lambda rng: correlation_case(rng, types)


def nested_cases(types: tuple[str, ...] = TYPES) -> Maker[CorrelationCase]:
    """Correlations of these types over a rule and another correlation, their rules and a log."""
    return lambda rng: nested_case(rng, types)


def strategy(maker: Maker[T]) -> st.SearchStrategy[T]:
    """The maker's examples for a property."""
    return st.integers(0, 2**64 - 1).map(lambda number: maker(Random(number)))


def sample(maker: Maker[T], n: int, seed: int) -> list[T]:
    """The same `n` examples of a maker for the same seed, in one process or another."""
    seeds = Random(seed)
    drawn = [maker(Random(seeds.getrandbits(64))) for _ in range(n)]
    if record := os.environ.get(RECORD):
        _record(Path(record), drawn, seed)
    return drawn


def _record(path: Path, drawn: list[Any], seed: int) -> None:
    """Append a line for a sample: where it was asked for, its size and seed, and its digest."""
    asked = sys._getframe(2)
    line = f"{Path(asked.f_code.co_filename).name}:{asked.f_lineno} {len(drawn)} of seed {seed}: {digest(drawn)}\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(line)
