"""Rules as KQL, run on an engine: each generated rule finds its event, and not the one that is an edit away.

All modifiers of the specification take part. What the engine cannot run, a test of all columns, is spread over the
columns first (`spread_stars`); Microsoft's parser judges the queries as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import pytest
import volumes
from oracles.kusto_complaints import complaints
from oracles.kusto_engine import KustoEngine, plain_literals, spread_stars
from reference.events import Event
from reference.generators import ALL, Pair, pairs, read_by_pysigma, sample
from reference.meaning import matches
from sigma_t1020.kusto_language.schemas import load_schema

from conformance.kusto import load, to_kql_with_losses
from conformance.placeholders import placeholders

#: Generated years end in 2030.
NOW = datetime(2032, 1, 1)
PARTS = volumes.of(20)
IN_PART = volumes.of(5000, least=200) // PARTS
#: Of each modifier so many matches and near misses: 50 of 5,000 pairs.
EACH_MODIFIER = volumes.of(50)
#: Queries of one union: the engine's translator takes more time for one than for many.
AT_ONCE = 10


@dataclass(frozen=True)
class Converted:
    """A pair with its queries, one for each condition; `lossy` says that one of them is wider than the rule."""

    pair: Pair
    queries: Sequence[str]
    lossy: bool


@cache
def _part(number: int) -> tuple[Pair, ...]:
    """Pairs that pySigma reads and whose fields the tables have."""
    drawn = (_fit(one) for one in sample(pairs(), IN_PART * 2, number) if read_by_pysigma(one))
    usable = [one for one in drawn if one is not None]
    assert len(usable) >= IN_PART
    return tuple(usable[:IN_PART])


def _fit(one: Pair) -> Pair | None:
    """The pair without the field that no table has, None where the rule needs it.

    Without NOT of an empty text too, of which the tests of losses tell: alone it is refused.
    """
    negated = "not" in one.features or "neq" in one.modifiers
    if "CurrentDirectory" in str(one.rule["detection"]) or ("empty" in one.features and negated):
        return None
    kept = (_kept(one.event), _kept(one.match))
    same = [matches(one.rule, event, one.placeholders) for event in kept] == [one.matches, True]
    return replace(one, event=kept[0], match=kept[1]) if same else None


def _kept(event: Event) -> Event:
    return replace(event, fields={name: value for name, value in event.fields.items() if name != "CurrentDirectory"})


def _converted(number: int) -> tuple[Converted, ...]:
    found = []
    for one in _part(number):
        queries, losses = to_kql_with_losses([one.rule], placeholders(one), lookback="36500d")
        found.append(Converted(one, queries, bool(losses)))
    return tuple(found)


def test_the_pairs_have_matches_and_near_misses_of_each_modifier() -> None:
    hits, misses = Counter[str](), Counter[str]()
    for one in (one for number in range(PARTS) for one in _part(number)):
        hits.update(one.modifiers)
        misses.update(one.modifiers if not one.matches else ())
    assert volumes.of(5000, least=200) == PARTS * IN_PART
    assert not {name: (hits[name], misses[name]) for name in ALL if min(hits[name], misses[name]) < EACH_MODIFIER}


@pytest.mark.parametrize("number", range(PARTS))
def test_generated_rules_find_their_events_and_no_near_miss(number: int) -> None:
    events = []
    texts: list[str] = []
    queries: list[str] = []
    expected: dict[str, tuple[bool, Converted, Mapping[str, Any]]] = {}
    schema = load_schema("sentinel")
    for index, one in enumerate(_converted(number)):
        for what, event, label in (("m", one.pair.match, True), ("e", one.pair.event, one.pair.matches)):
            host = f"{what}{index}"
            # The tables have one name for Computer and the device's end of a connection; the rules test the latter.
            inbound = str(event.fields.get("Initiated")).lower() == "false"
            name = event.fields.get("DestinationHostname" if inbound else "SourceHostname")
            events.append(replace(event, id=host, fields={**event.fields, "HostId": host, "Computer": name}))
            expected[host] = (label, one, event.fields)
        for text in one.queries:
            texts.append(text)
            # The engine's translator takes a third of its time for the columns of the result.
            found_rows, _, _columns = text.rpartition("\n| project\n")
            whole = f'{found_rows}\n| where DeviceId in ("m{index}", "e{index}")\n| project DeviceId'
            queries.append(spread_stars(plain_literals(whole), schema))
    assert complaints(texts, "sentinel") == []
    found: Counter[str] = Counter()
    with KustoEngine("sentinel") as engine:
        load(engine, events)
        for start in range(0, len(queries), AT_ONCE):
            union = "union\n" + ",\n".join(f"({query})" for query in queries[start : start + AT_ONCE])
            found.update(str(row["DeviceId"]) for row in engine.query(union, NOW))
    wrong = [
        f"{'missed' if label else 'found'}: {one.pair.rule['detection']} {dict(fields)} {one.queries}"
        for host, (label, one, fields) in expected.items()
        if bool(found[host]) is not label and (label or not one.lossy)
    ]
    assert not wrong, "\n".join(wrong[:10])
    assert sum(label for label, *_ in expected.values()) > len(expected) * 0.4
