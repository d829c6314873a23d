"""Correlations as EQL sequences: every key with a match alerts, and no other does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from oracles.eql_engine import EqlEngine
from oracles.eql_grammar import parse
from oracles.eql_values import SINGLE_DOUBTS
from reference.correlation import correlate
from reference.events import Event
from reference.generators import CorrelationCase
from reference.meaning import matches

from conformance.elastic import DEFEND, HOST_NAME, IDENTITY, WINLOGBEAT, eql_engine, to_eql
from conformance.many_logs import LOGS_EACH, SIGNATURES, over_many_logs

Key = tuple[str, ...]


def _key_of(event: Event, section: Mapping[str, Any], name: str) -> Key:
    """The group-by values of an event under a rule."""
    aliases = section.get("aliases", {})
    fields = (aliases.get(field, {}).get(name, field) for field in section["group-by"])
    return tuple(str(event.fields.get(field) or "") for field in fields)


def _expected(case: CorrelationCase) -> set[Key]:
    """The keys that have a match."""
    section = case.correlation["correlation"]
    by_id = {event.id: event for event in case.log}
    keys = set()
    for match in correlate(case.correlation, case.rules, case.log, case.evidence):
        key = getattr(match, "key", None)
        keys.add(tuple(map(str, key)) if key else _key_of(by_id[match.event_id], section, section["rules"][0]))  # type: ignore[union-attr]
    return keys


def _has_ties(case: CorrelationCase) -> set[Key]:
    """The keys under which events of different steps have one time: there an engine may take either first."""
    section = case.correlation["correlation"]
    seen: dict[tuple[Key, int], set[str]] = {}
    for event in case.log:
        for name in section["rules"]:
            if matches(case.rules[name], event):
                seen.setdefault((_key_of(event, section, name), event.time), set()).add(event.id)
    return {key for (key, _time), ids in seen.items() if len(ids) > 1}


def _alerting(engine: EqlEngine, eql: str, section: Mapping[str, Any], model: str) -> set[Key]:
    fields = {"HostId": IDENTITY[model], "device": IDENTITY[model], "Computer": HOST_NAME[model]}
    return {
        tuple(str(alert[0][fields.get(field, field)]) for field in section["group-by"]) for alert in engine.query(eql)
    }


def _sayable(case: CorrelationCase) -> bool:
    """Whether EQL takes the correlation: a key in one field, and counts of one kind of event by gt and gte."""
    section = case.correlation["correlation"]
    one_kind = len({case.rules[name]["logsource"]["category"] for name in section["rules"]}) == 1
    is_count = section["type"] == "event_count"
    by_user = "User" in section["group-by"]
    return not by_user and (not is_count or (one_kind and bool(section["condition"].keys() & {"gt", "gte"})))


@pytest.mark.parametrize("kind", ["temporal_ordered", "event_count"])
def test_generated_logs_alert_for_every_key_with_a_match_and_no_other(kind: str) -> None:
    differing: list[str] = []
    keys = ties = logs = 0
    for number, group in enumerate(over_many_logs(kind, _sayable)):
        case, model = group[0], (DEFEND, WINLOGBEAT)[number % 2]
        section = case.correlation["correlation"]
        eql = to_eql([*case.rules.values(), case.correlation], model)[-1]
        parse(eql)
        events = [_without_user(event) for one in group for event in one.log]
        engine = eql_engine(events, model, SINGLE_DOUBTS[number % len(SINGLE_DOUBTS)])
        found = _alerting(engine, eql, section, model)
        expected = {key for one in group for key in _expected(one)}
        tied = {key for one in group for key in _has_ties(one)} if kind == "temporal_ordered" else set()
        keys += len(expected)
        ties += len((found ^ expected) & tied)
        logs += len(group)
        if (found ^ expected) - tied:
            differing.append(f"{section}: {sorted((found ^ expected) - tied)[:4]}")
    assert not differing, "\n".join(differing[:3])
    assert keys > SIGNATURES * LOGS_EACH // 4
    # Where events of two steps have one time, either may be taken first.
    assert ties < keys / 10
    assert logs == SIGNATURES * LOGS_EACH


def _without_user(event: Event) -> Event:
    """A user without a domain is in no document of Winlogbeat; no rule here that EQL takes asks for one."""
    return Event(
        event.id,
        event.time,
        {name: value for name, value in event.fields.items() if name != "User"},
        event.category,
        event.product,
    )
