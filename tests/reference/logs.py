"""Logs for correlations, and correlations with their rules: dense where a window can go wrong.

Hosts share a name (`Computer`) under different ids (`HostId`); ids are missing or empty at times; events
match several rules; times are equal, exactly at the time span, 1 ms beside it, on multiples of it, and in no
order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from reference.correlation import EvidenceOf
from reference.events import Event, Value

TYPES = ("temporal_ordered", "temporal", "event_count", "value_count")
_START = 1_749_999_600_000  # a multiple of all the time spans below, so that their edges are those of clock bins
_TIMESPANS = {"10s": 10_000, "1m": 60_000, "5m": 300_000, "1h": 3_600_000}

EVIDENCE: Mapping[str, str] = {
    "archiver": "CommandLine",
    "temp_tool": "CommandLine",
    "public": "DestinationIp",
    "https": "DestinationIp",
    "by_curl": "DestinationIp",
}


def _rule(name: str, number: int, category: str, **detection: Any) -> dict[str, Any]:
    return {
        "title": f"Generated {name}",
        "name": name,
        "id": f"7d1c5a3e-0000-4000-8000-{number:012d}",
        "status": "test",
        "logsource": {"category": category, "product": "windows"},
        "detection": {"condition": "selection", **detection},
        "level": "low",
    }


RULES: Mapping[str, Mapping[str, Any]] = {
    rule["name"]: rule
    for rule in (
        _rule("archiver", 1, "process_creation", selection={"Image|endswith": ["\\7z.exe", "\\rar.exe"]}),
        _rule("temp_tool", 2, "process_creation", selection={"CommandLine|contains": "\\Temp\\"}),
        _rule(
            "public",
            3,
            "network_connection",
            selection={"Initiated": "true"},
            internal={"DestinationIp|cidr": ["10.0.0.0/8", "fc00::/7"]},
            condition="selection and not internal",
        ),
        _rule("https", 4, "network_connection", selection={"DestinationPort": 443}),
        _rule("by_curl", 5, "network_connection", selection={"Image|endswith": "\\curl.exe"}),
    )
}
"""Two rules for processes and three for connections; of each kind, one event can match several."""


@dataclass(frozen=True)
class CorrelationCase:
    """A correlation document, its rules by name, a log, and what is the evidence of each rule."""

    correlation: Mapping[str, Any]
    rules: Mapping[str, Mapping[str, Any]]
    log: Sequence[Event]
    evidence: Mapping[str, EvidenceOf]

    def under(self, prefix: str) -> CorrelationCase:
        """The same case under hosts, accounts and event ids of its own, so that many share one table. (A
        missing or empty value stays so.)"""

        def renamed(event: Event) -> Event:
            fields = dict(event.fields)
            for name in ("HostId", "Computer", "User"):
                if fields.get(name):
                    fields[name] = f"{prefix}{fields[name]}"
            return replace(event, id=f"{prefix}{event.id}", fields=fields)

        return replace(self, log=[renamed(event) for event in self.log])


def log(rng: Random, timespan: int, hosts: int = 3, longest: int = 24) -> list[Event]:
    """1 to `longest` events for the rules above, on hosts 1 and 2 of one name and others of their own, in no
    order."""
    times = [_START + timespan * rng.randint(0, 3)]
    events: list[Event] = []
    for number in range(rng.randint(1, longest)):
        # Often beside an earlier event, so that windows end exactly there.
        step = rng.choice((0, 0, 1, -1, timespan, timespan, timespan + 1, timespan - 1, -timespan))
        near = rng.choice(times) + (step if rng.random() < 0.75 else rng.randint(-timespan, timespan))
        time = near if rng.random() < 0.85 else near - near % timespan
        times.append(time)
        events.append(_event(rng, f"v{number}", time, rng.randint(1, hosts)))
    rng.shuffle(events)
    return events


def _event(rng: Random, event_id: str, time: int, host: int) -> Event:
    fields: dict[str, Value] = {
        "Computer": f"pc{max(host, 2)}",
        "HostId": f"id{host}",
        "User": rng.choice(("anna", "anna", "Anna", "ben")),
        "Image": "C:\\Program Files\\" + rng.choice(("7z.exe", "RAR.exe", "curl.exe", "x.exe")),
    }
    category = rng.choice(("process_creation", "network_connection"))
    if category == "process_creation":
        fields["CommandLine"] = rng.choice(("7z a out.zip", "7z a C:\\Temp\\out.zip", "run C:\\TEMP\\x", "run"))
    else:
        fields["Initiated"] = rng.random() < 0.9
        fields["DestinationPort"] = rng.choice((443, 443, 80))
        fields["DestinationIp"] = rng.choice(("203.0.113.7", "203.0.113.8", "2001:db8::1", "10.1.2.3", "fd00::1"))
    for name, chance in (("HostId", 0.06), ("User", 0.06), ("Computer", 0.03), ("DestinationIp", 0.06)):
        if name in fields and rng.random() < chance:
            fields[name] = rng.choice(("", None))
    if rng.random() < 0.04:
        fields["Image"] = None
    kept = {name: value for name, value in fields.items() if value is not None}
    return Event(event_id, time, kept, category, "windows")


def correlation_case(rng: Random, types: Sequence[str] = TYPES) -> CorrelationCase:
    """A correlation of one of the types over rules that overlap in part, with a log of its own."""
    kind = rng.choice(types)
    written, timespan = rng.choice(sorted(_TIMESPANS.items()))
    names: list[str] = rng.sample(sorted(RULES), rng.choice((2, 2, 3)))
    if kind in ("temporal", "temporal_ordered") and rng.random() < 0.4:
        names[:2] = ["archiver", "public"]
        names[2:] = names[2:] and [rng.choice(("temp_tool", "https", "by_curl"))]
    group_by = rng.choice((["HostId"], ["HostId"], ["HostId"], ["Computer"], ["HostId", "User"], ["device"]))
    section: dict[str, Any] = {"type": kind, "rules": names, "group-by": group_by, "timespan": written}
    if group_by == ["device"]:
        section["aliases"] = {"device": dict.fromkeys(names, "HostId")}
    if kind in ("event_count", "value_count"):
        section["rules"] = names = names[: rng.choice((1, 2))]
        operator = rng.choice(("gte", "gte", "gt", "lt", "lte", "eq", "neq"))
        # Fewer than one event is refused: no window has none.
        section["condition"] = {operator: rng.randint(2 if operator == "lt" else 1, 4)}
    if kind == "value_count":
        section["condition"]["field"] = "Image"
    document = {"title": f"Generated {kind}", "id": "7d1c5a3e-0000-4000-8000-000000000099", "correlation": section}
    rules = {name: RULES[name] for name in names}
    # Few hosts: most events of a log then meet.
    return CorrelationCase(document, rules, log(rng, timespan, rng.choice((1, 1, 2, 3))), EVIDENCE)


def nested_case(rng: Random, types: Sequence[str] = TYPES) -> CorrelationCase:
    """A correlation of one of the types over a rule and another correlation, of any type."""
    lower = correlation_case(rng)
    section = dict(lower.correlation["correlation"])
    fields = section["group-by"]
    section["rules"] = names = section["rules"][:2]
    nested = {**lower.correlation, "title": "Nested", "name": "nested", "correlation": section}
    nested["id"] = "7d1c5a3e-0000-4000-8000-000000000098"
    kind = rng.choice(types)
    other = rng.choice(sorted(RULES))
    outer: dict[str, Any] = {
        "type": kind,
        "rules": rng.sample(["nested", other], 2),
        # All keys of the inner one, or the first of them.
        "group-by": fields[: rng.choice((1, len(fields)))],
        "timespan": section["timespan"],
    }
    if fields == ["device"]:
        outer["group-by"] = ["host"]
        outer["aliases"] = {"host": {"nested": "device", other: "HostId"}}
    if kind in ("event_count", "value_count"):
        outer["rules"] = ["nested"]
        operator = rng.choice(("gte", "gt", "lt", "eq"))
        outer["condition"] = {operator: rng.randint(2 if operator == "lt" else 1, 3)}
    if kind == "value_count":
        outer["condition"]["field"] = fields[-1]
        if fields[-1] in outer["group-by"]:
            # Each key has one value of itself: other counts are refused.
            outer["condition"] = {**rng.choice(({"gte": 1}, {"eq": 1}, {"lt": 2})), "field": fields[-1]}
    rules = {**{name: RULES[name] for name in dict.fromkeys((*names, other))}, "nested": nested}
    document = {**lower.correlation, "title": f"Generated {kind} of another", "correlation": outer}
    return replace(lower, correlation=document, rules=rules)
