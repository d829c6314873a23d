"""The reference against an implementation that is not ours: the pySigma SQLite backend, in an environment of its own.

What the two disagree on, and who is right by the specification (measured with version 2.1.1):
- `week`: SQLite's %W counts from the first Monday, and gives a week 0. The appendix says 1 to 52: ISO 8601 is nearer.
- `expand` with `cased`: pySigma loses the case of a value that comes from a placeholder. The reference is right.
- IPv6 `cidr`: the backend compares addresses as text, so that other spellings of an address are missed. The reference
  is right: the appendix says the value is a network.
- `utf16le`: unknown to pySigma, though the appendix has it.

Text beyond ASCII is left out: SQLite's LIKE folds the case of ASCII only. The REGEXP function is the script's own,
since SQLite has none: regular expressions are compared as to what is passed on, not as to how they match.

The backend's correlations have windows that end at an event, with a row for each; ours begin at one. So what is
compared is which keys fire, and when each is first complete; for counts, with gt and gte. The specification leaves
open where the backend differs from us, and such logs are left out: there, an event that matches two rules counts for
both, the steps of temporal_ordered must be at rising times, an empty key is a key, and keys are compared without
regard to case.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import volumes
from oracles import install

from reference.correlation import correlate, timespan_ms
from reference.generators import ALL, CorrelationCase, Pair, correlation_cases, pairs, sample
from reference.logs import TYPES
from reference.meaning import in_log_source, matches

COUNT = volumes.of(4000)
LACKING = frozenset(("utf16le", "week"))


@pytest.fixture(scope="module")
def oracle() -> Path:
    """The interpreter of the oracle's environment."""
    if not install.has_sqlite_oracle():
        pytest.fail("the SQLite oracle is missing; run: python tests/oracles/install.py")
    return install.sqlite_interpreter()


def comparable(one: Pair) -> bool:
    ascii_only = json.dumps([one.rule, dict(one.event.fields), one.placeholders], ensure_ascii=False).isascii()
    return ascii_only and "ipv6" not in one.features and not {"expand", "cased"} <= one.modifiers


def answered(oracle: Path, questions: list[dict[str, Any]]) -> list[Any]:
    script = Path(__file__).with_name("sqlite_oracle.py")
    command = [str(oracle), "-W", "ignore", str(script)]
    done = subprocess.run(command, input=json.dumps(questions), capture_output=True, text=True, check=True)
    answers: list[Any] = json.loads(done.stdout)
    return answers


def test_the_reference_agrees_with_the_sqlite_backend(oracle: Path) -> None:
    chosen = [one for one in sample(pairs(ALL - LACKING), COUNT, 11) if comparable(one)]
    questions = [
        {"rule": one.rule, "fields": dict(one.event.fields), "placeholders": one.placeholders} for one in chosen
    ]
    offenders = [
        (one.rule["detection"], one.placeholders, one.event.fields, one.matches, answer)
        for one, answer in zip(chosen, answered(oracle, questions), strict=True)
        if answer is not one.matches
    ]
    assert offenders == []
    assert len(chosen) >= COUNT // 4
    counts = Counter(name for one in chosen for name in one.modifiers)
    assert {name for name in ALL - LACKING if counts[name] < COUNT // 200} == set()


def plain(case: CorrelationCase) -> bool:
    """Whether the two mean the same by the case: see the head of this file."""
    section = case.correlation["correlation"]
    if section["group-by"][0] not in ("HostId", "device") or len(section["group-by"]) > 1:
        return False
    if section["type"] in ("event_count", "value_count"):
        return bool({"gt", "gte"} & set(section["condition"]))
    hits = [(e, [r for r in case.rules.values() if in_log_source(r, e) and matches(r, e)]) for e in case.log]
    overlap = any(len(rules) > 1 for _, rules in hits)
    places = [(e.fields.get("HostId"), e.time) for e, rules in hits if rules]
    return not overlap and (section["type"] == "temporal" or len(set(places)) == len(places))


def question(case: CorrelationCase) -> dict[str, Any]:
    """The case for the oracle: ms as its seconds, since its own are fractions; the log source as a field."""
    section = case.correlation["correlation"]
    span = f"{timespan_ms(section['timespan'])}s"
    rules = []
    for rule in case.rules.values():
        detection = {**rule["detection"], "source": {"category": rule["logsource"]["category"]}}
        rules.append({**rule, "detection": {**detection, "condition": f"source and {detection['condition']}"}})
    log = [{**event.fields, "id": event.id, "ts": event.time, "category": event.category} for event in case.log]
    return {
        "correlation": {**case.correlation, "correlation": {**section, "timespan": span}},
        "rules": rules,
        "log": log,
    }


def test_the_reference_agrees_on_the_keys_of_correlations_and_their_first_completion(oracle: Path) -> None:
    chosen = [case for case in sample(correlation_cases(), COUNT, 12) if plain(case)]
    offenders = []
    fired: Counter[str] = Counter()
    for case, answer in zip(chosen, answered(oracle, [question(case) for case in chosen]), strict=True):
        expected: dict[str, int] = {}
        for row in correlate(case.correlation, case.rules, case.log):
            completed = row.completed
            assert completed is not None
            expected[row.key[0]] = min(completed, expected.get(row.key[0], completed))
        got: dict[str, int] = {}
        for key, time in answer if isinstance(answer, list) else []:
            if key:
                got[key] = min(time, got.get(key, time))
        if got != expected or not isinstance(answer, list):
            offenders.append((case.correlation["correlation"], expected, answer))
        kind = case.correlation["correlation"]["type"]
        fired.update((kind, f"{kind} fired") if expected else (kind,))
    assert offenders == []
    assert {kind: fired[f"{kind} fired"] >= COUNT // 200 for kind in TYPES} == dict.fromkeys(TYPES, True), fired
