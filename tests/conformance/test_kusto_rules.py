"""Rules as KQL, run on an engine: each generated rule finds its event, and not the one that is an edit away."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from oracles.kusto_engine import KustoEngine
from reference.events import Event
from reference.generators import ALL, Pair, pairs, read_by_pysigma, sample
from sigma.backends.t1020.losses import Unsupported

from conformance.kusto import load, to_kql

NOW = datetime(2030, 1, 1)
COUNT = 500
#: What the backend refuses by name for now; see CHANGELOG.md.
REFUSED = frozenset(("fieldref", "expand", "minute", "hour", "day", "week", "month", "year"))


class _NoColumn(Exception):
    """A field of the rule that no Defender table has."""


def _queries(one: Pair) -> list[str]:
    try:
        return to_kql([one.rule], lookback="9999d")
    except Unsupported as error:
        if "CurrentDirectory is no field" in str(error):
            raise _NoColumn from None
        raise


def _usable() -> list[tuple[Pair, list[str]]]:
    """Pairs with their queries, one for each condition, less those whose field no Defender table has."""
    found: list[tuple[Pair, list[str]]] = []
    for one in sample(pairs(ALL - REFUSED), COUNT * 2, 3):
        if not read_by_pysigma(one) or "keyword" in one.features or "time" in one.features:
            continue
        with suppress(_NoColumn):
            found.append((one, _queries(one)))
        if len(found) >= COUNT:
            break
    return found


def test_generated_rules_find_their_events_and_no_near_miss() -> None:
    usable = _usable()
    events: list[Event] = []
    queries: list[str] = []
    expected: dict[str, tuple[bool, Any]] = {}
    for number, (one, texts) in enumerate(usable):
        for what, event, label in (("m", one.match, True), ("e", one.event, one.matches)):
            host = f"{what}{number}"
            # The tables have one host name for Computer and SourceHostname; the rules test the latter.
            name = event.fields.get("SourceHostname")
            events.append(replace(event, id=host, fields={**event.fields, "HostId": host, "Computer": name}))
            expected[host] = (label, (one.rule["detection"], dict(event.fields), texts))
        for text in texts:
            queries.append(f'{text}\n| where DeviceId in ("m{number}", "e{number}")\n| project DeviceId')
    found: Counter[str] = Counter()
    with KustoEngine("sentinel") as engine:
        load(engine, events)
        for start in range(0, len(queries), 25):
            union = "union\n" + ",\n".join(f"({query})" for query in queries[start : start + 25])
            found.update(str(row["DeviceId"]) for row in engine.query(union, NOW))
    wrong = [
        f"{'missed' if label else 'found'}: {what}"
        for host, (label, what) in expected.items()
        if bool(found[host]) is not label
    ]
    assert not wrong, "\n".join(wrong[:10])
    assert sum(label for label, _ in expected.values()) > len(expected) * 0.4
