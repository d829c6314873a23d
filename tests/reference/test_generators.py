"""What the generators promise."""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address

import pytest
import volumes
import yaml
from hypothesis import given
from sigma.collection import SigmaCollection
from sigma.modifiers import SigmaWideModifier, modifier_mapping
from sigma.rule import SigmaRule

from reference import texts
from reference.correlation import correlate, timespan_ms
from reference.events import Event
from reference.generators import (
    ALL,
    CorrelationCase,
    Pair,
    correlation_cases,
    logs,
    pairs,
    read_by_pysigma,
    sample,
    strategy,
)
from reference.logs import TYPES
from reference.meaning import matches
from reference.modifiers import moment_of

COUNT = volumes.of(5000, least=2000)


@pytest.fixture(scope="module")
def generated() -> list[Pair]:
    return sample(pairs(), COUNT, 1)


@pytest.fixture(scope="module")
def cases() -> list[CorrelationCase]:
    return sample(correlation_cases(), 2000, 1)


def one_edit(before: Event, after: Event) -> bool:
    """Whether two events differ in one field, by one character, one number, one address, one step of a part of a time,
    a boolean, or a field's presence."""
    names = [n for n in {*before.fields, *after.fields} if before.fields.get(n) != after.fields.get(n)]
    if len(names) != 1:
        return False
    old, new = before.fields.get(names[0]), after.fields.get(names[0])
    if isinstance(old, bool) and isinstance(new, bool):
        return old is not new
    if isinstance(old, int) and isinstance(new, int):
        return abs(old - new) == 1
    if isinstance(old, str) and isinstance(new, str):
        if names[0].endswith("Ip"):
            return next_addresses(old, new)
        if names[0] == "UtcTime":
            return next_moments(old, new)
        return texts.is_one_edit(old, new)
    return old is None or new is None


def next_addresses(old: str, new: str) -> bool:
    """Neighbours, or one the other mapped into IPv6."""
    if "::ffff:" in old + new:
        return old.removeprefix("::ffff:") == new.removeprefix("::ffff:")
    return abs(int(ip_address(old)) - int(ip_address(new))) == 1


def next_moments(old: str, new: str) -> bool:
    """One part differs by one, or the date by a day or a week."""
    one, other = moment_of(old), moment_of(new)
    assert one
    assert other
    parts = [abs(a - b) for a, b in zip(one.timetuple()[:6], other.timetuple()[:6], strict=True) if a != b]
    return parts == [1] or abs((one - other).days) == 7


def test_two_fifths_of_the_pairs_match_and_labels_are_those_of_the_reference(generated: list[Pair]) -> None:
    assert sum(one.matches for one in generated) >= 0.4 * COUNT
    assert all(matches(one.rule, one.event, one.placeholders) is one.matches for one in generated)


def test_each_negative_is_one_edit_from_a_match(generated: list[Pair]) -> None:
    offenders = []
    for one in generated:
        assert matches(one.rule, one.match, one.placeholders)
        if not one.matches and not one_edit(one.match, one.event):
            offenders.append((one.rule["detection"], one.match.fields, one.event.fields))
    assert offenders == []


def test_each_modifier_occurs_often_and_in_matches_and_negatives(generated: list[Pair]) -> None:
    counts = Counter(name for one in generated for name in one.modifiers)
    matched = Counter(name for one in generated if one.matches for name in one.modifiers)
    assert {name for name in ALL if counts[name] < 50} == set()
    assert {name for name in ALL if not 0.3 <= matched[name] / counts[name] <= 0.7} == set()


def test_values_have_what_breaks_queries(generated: list[Pair]) -> None:
    seen = "".join(str(one.rule["detection"]) for one in generated)
    assert [char for char in "\\'\"*?%|{}()[]<>&^$# ;éж中😀" if char not in seen] == []
    features = Counter(feature for one in generated for feature in one.features)
    wanted = ("unicode", "newline", "keyword", "null", "empty", "list", "number", "boolean", "time", "ipv4", "ipv6")
    assert [name for name in (*wanted, "any", "not", "conditions") if features[name] < COUNT // 100] == []


def test_pairs_keep_to_the_modifiers_asked_for() -> None:
    allowed = frozenset(("contains", "all", "cidr"))
    found = sample(pairs(allowed), 300, 2)
    assert frozenset().union(*(one.modifiers for one in found)) == allowed
    assert all(not one.modifiers for one in sample(pairs(frozenset()), 100, 2))


def test_rules_survive_yaml(generated: list[Pair]) -> None:
    for one in generated[:500]:
        assert yaml.safe_load(yaml.safe_dump(one.rule, allow_unicode=True)) == one.rule


def test_pysigma_parses_what_it_is_said_to_read(generated: list[Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(modifier_mapping, "utf16le", SigmaWideModifier)
    readable = [one for one in generated if read_by_pysigma(one)]
    for one in readable:
        (rule,) = SigmaCollection.from_dicts([dict(one.rule)]).rules
        assert isinstance(rule, SigmaRule)
        assert all(condition.parsed for condition in rule.detection.parsed_condition)
    assert len(readable) > COUNT * 0.8


def test_samples_are_the_same_for_the_same_seed() -> None:
    assert sample(pairs(), 200, 5) == sample(pairs(), 200, 5)
    assert sample(pairs(), 200, 5) != sample(pairs(), 200, 6)
    assert sample(correlation_cases(), 100, 5) == sample(correlation_cases(), 100, 5)


@volumes.examples(50)
@given(strategy(pairs()))
def test_the_strategy_of_pairs_works_in_a_property(one: Pair) -> None:
    assert matches(one.rule, one.event, one.placeholders) is one.matches


@volumes.examples(50)
@given(strategy(logs(60_000)))
def test_logs_have_distinct_ids_and_their_log_source(log: list[Event]) -> None:
    assert len({event.id for event in log}) == len(log) > 0
    assert all(event.category and event.product for event in log)


def test_correlation_cases_fire_often_and_not_always(cases: list[CorrelationCase]) -> None:
    kinds: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    for case in cases:
        kind = case.correlation["correlation"]["type"]
        kinds[kind] += 1
        fired[kind] += bool(correlate(case.correlation, case.rules, case.log, case.evidence))
    assert {kind: 0.25 < fired[kind] / kinds[kind] < 0.75 for kind in TYPES} == dict.fromkeys(TYPES, True)


def test_logs_are_dense_where_windows_go_wrong(cases: list[CorrelationCase]) -> None:
    seen: Counter[str] = Counter()
    for case in cases:
        section = case.correlation["correlation"]
        span = timespan_ms(section["timespan"])
        seen[f"{section['type']} of {len(section['rules'])}"] += 1
        times = [event.time for event in case.log]
        gaps = {later - earlier for later in times for earlier in times}
        traits = {
            "exactly the time span": span in gaps,
            "1 ms more": span + 1 in gaps,
            "1 ms less": span - 1 in gaps,
            "ties": len(set(times)) < len(times),
            "clock bin edges": any(time % span == 0 for time in times),
            "out of order": times != sorted(times),
            "null key": any("HostId" not in event.fields for event in case.log),
            "empty key": any(event.fields.get("HostId") == "" for event in case.log),
            "two hosts of one name": {"id1", "id2"} <= {event.fields.get("HostId") for event in case.log},
            "overlap": any(sum(matches(rule, event) for rule in case.rules.values()) > 1 for event in case.log),
        }
        seen.update(trait for trait, there in traits.items() if there)
        seen.update(f"group by {field}" for field in section["group-by"])
    assert {trait: number for trait, number in seen.items() if number < 100} == {}
    assert {"temporal_ordered of 2", "temporal_ordered of 3", "overlap", "empty key"} <= set(seen)


def test_cases_under_prefixes_share_a_log_without_meeting(cases: list[CorrelationCase]) -> None:
    shared = [case.under(f"{at}-") for at, case in enumerate(cases[:60])]
    everything = [event for case in shared for event in case.log]
    assert len({event.id for event in everything}) == len(everything)
    for at, (case, alone) in enumerate(zip(shared, cases, strict=False)):
        rows = correlate(case.correlation, case.rules, everything, case.evidence)
        mine = [row for row in rows if row.key[0].startswith(f"{at}-")]
        assert len(mine) == len(correlate(alone.correlation, alone.rules, alone.log, alone.evidence))
