"""Rules as SPL, run by the oracle: each generated rule finds its event, and not the one that is an edit away."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import cache

import pytest
import volumes
from events.sysmon_in_splunk import splunk_event
from oracles.spl_engine import SplEngine
from oracles.spl_grammar import commands
from reference.generators import ALL, Pair, pairs, read_by_pysigma, sample

from conformance.placeholders import placeholders
from conformance.splunk import to_spl

#: Generated years end in 2030.
NOW = datetime(2032, 1, 1)
PARTS = volumes.of(20)
IN_PART = volumes.of(5000) // PARTS
#: Of each modifier so many matches and near misses: 50 of 5,000 pairs.
EACH_MODIFIER = volumes.of(50)
#: All that a single rule may need of SPL.
COMMANDS = {"search", "where", "table"}


@cache
def _part(number: int) -> tuple[Pair, ...]:
    """Pairs that pySigma reads."""
    drawn = [one for one in sample(pairs(ALL), IN_PART * 2, number) if read_by_pysigma(one)]
    assert len(drawn) >= IN_PART
    return tuple(drawn[:IN_PART])


def test_the_pairs_have_matches_and_near_misses_of_each_modifier() -> None:
    hits, misses = Counter[str](), Counter[str]()
    for one in (one for number in range(PARTS) for one in _part(number)):
        hits.update(one.modifiers)
        misses.update(one.modifiers if not one.matches else ())
    assert volumes.of(5000) == PARTS * IN_PART
    assert not {name: (hits[name], misses[name]) for name in ALL if min(hits[name], misses[name]) < EACH_MODIFIER}


@pytest.mark.parametrize("number", range(PARTS))
def test_generated_rules_find_their_events_and_no_near_miss(number: int) -> None:
    wrong = []
    labels = Counter[bool]()
    for one in _part(number):
        searches = to_spl([one.rule], placeholders(one), lookback="36500d")
        events = {"match": (one.match, True), "event": (one.event, one.matches)}
        engine = SplEngine(splunk_event(replace(event, id=name)) for name, (event, _label) in events.items())
        found: set[object] = set()
        for spl in searches:
            assert set(commands(spl)) <= COMMANDS, spl
            rows, _, _table = spl.rpartition("\n| table ")
            found.update(row["_cd"] for row in engine.query(f"{rows}\n| fields _cd", NOW))
        for name, (event, label) in events.items():
            labels[label] += 1
            if (name in found) is not label:
                verdict = "missed" if label else "found"
                wrong.append(f"{verdict}: {one.rule['detection']} {dict(event.fields)}\n" + "\n".join(searches))
    assert not wrong, f"{len(wrong)}\n" + "\n\n".join(wrong[:5])
    assert labels[True] > labels.total() * 0.4
