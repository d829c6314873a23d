"""Every loss of the Kusto backend is real: an event that the rule does not match and its query finds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from oracles.kusto_engine import KustoEngine
from reference.events import Event, Value
from reference.meaning import matches
from sigma.backends.t1020.common.losses import LossCode

from conformance.kusto import load, to_kql_with_losses

NOW = datetime(2025, 6, 15, 12, 0)
TIME = 1_749_985_200_000


def _rule(detection: dict[str, Any]) -> dict[str, Any]:
    source = {"category": "process_creation", "product": "windows"}
    return {"title": "Loss", "logsource": source, "detection": detection}


def _event(**fields: Value) -> Event:
    return Event("e", TIME, {"HostId": "h", "Image": "C:\\x.exe", **fields}, "process_creation", "windows")


#: For each code the detections that have the loss, each with the event that proves it.
PROOFS = {
    LossCode.EMPTY: [
        ({"s": {"CommandLine": ""}, "condition": "s"}, _event()),
        (
            {"s": {"Image|endswith": ".exe"}, "f": {"CommandLine": ""}, "condition": "s and not f"},
            _event(CommandLine=""),
        ),
        ({"s": {"User": ["", "anna"]}, "condition": "s"}, _event()),
        ({"s": {"Image|endswith": ".exe", "CommandLine|neq": ""}, "condition": "s"}, _event(CommandLine="")),
    ]
}


def _found(detection: dict[str, Any], event: Event) -> tuple[bool, list[LossCode]]:
    (query,), losses = to_kql_with_losses([_rule(detection)])
    with KustoEngine("sentinel") as engine:
        load(engine, [event])
        return bool(engine.query(query, NOW)), [loss.code for loss in losses]


def test_every_code_has_a_proof() -> None:
    others = {LossCode.BOUND, LossCode.ADDRESS, LossCode.TIME, LossCode.SCHEDULE}
    assert PROOFS.keys() == set(LossCode) - others, "of other dialects, which have tests of their own"


@pytest.mark.parametrize(
    ("code", "detection", "event"), [(code, *proof) for code, proofs in PROOFS.items() for proof in proofs]
)
def test_the_query_finds_what_the_rule_does_not(code: LossCode, detection: dict[str, Any], event: Event) -> None:
    assert not matches(_rule(detection), event)
    assert _found(detection, event) == (True, [code])


@pytest.mark.parametrize(
    "detection",
    [
        {"s": {"CommandLine": ["", None]}, "condition": "s"},
        {"s": {"CommandLine": ""}, "n": {"CommandLine": None}, "condition": "1 of them"},
        {"s": {"Image": "*"}, "e": {"CommandLine": ""}, "n": {"CommandLine": None}, "condition": "s and not (e or n)"},
        {
            "s": {"Image": "*"},
            "e": {"CommandLine": ""},
            "n": {"CommandLine": None},
            "condition": "s and not e and not n",
        },
    ],
)
@pytest.mark.parametrize("event", [_event(), _event(CommandLine=""), _event(CommandLine="x")])
def test_a_condition_on_both_an_empty_and_a_missing_value_loses_nothing(
    detection: dict[str, Any], event: Event
) -> None:
    assert _found(detection, event) == (matches(_rule(detection), event), [])
