"""What correlations by sliding windows cost on one host whose events all lie in a few windows.

    python tests/bench/windows.py [--events 50000 --doublings 3 --runs 3]

A join of events with the events of their windows grows with the square of a host's events, once these lie in one
window. Here the number of events on one host, all within ten minutes, is doubled, and the engine (duckdb-kql) runs a
count of events, a count of values and a temporal correlation, with windows of five minutes. Exits with 1 where a
doubling takes more than three times as long: sorting takes a little more than twice.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from conformance.kusto import to_kql
from oracles.kusto_engine import KustoEngine

START = datetime(2025, 6, 15)
NOW = START + timedelta(hours=1)
SPAN_MS = 600_000

RULES: list[dict[str, Any]] = [
    {
        "title": name,
        "name": name,
        "logsource": {"category": "network_connection"},
        "detection": {"selection": {"DestinationPort": port}, "condition": "selection"},
    }
    for name, port in (("https", 443), ("ssh", 22))
]
TYPES: dict[str, dict[str, Any]] = {
    "event_count": {"rules": ["https"], "condition": {"gte": 100}},
    "value_count": {"rules": ["https"], "condition": {"gte": 100, "field": "DestinationIp"}},
    "temporal": {"rules": ["https", "ssh"]},
}


def query(kind: str) -> str:
    """The correlation of that type, as KQL."""
    section = {"type": kind, "group-by": ["HostId"], "timespan": "5m", **TYPES[kind]}
    return to_kql([*RULES, {"title": kind, "correlation": section}])[-1]


def rows(number: int) -> Iterator[dict[str, Any]]:
    """Connections of one host, every tenth by the second rule."""
    rng = random.Random(number)
    for report in range(number):
        yield {
            "TimeGenerated": START + timedelta(milliseconds=rng.randrange(SPAN_MS)),
            "DeviceId": "host",
            "RemoteIP": f"8.8.{rng.randrange(256)}.{rng.randrange(256)}",
            "RemotePort": 22 if report % 10 == 0 else 443,
            "ReportId": report,
        }


def seconds(engine: KustoEngine, kql: str, runs: int) -> float:
    """Median seconds of the query, its rows counted in the engine."""
    measured = []
    for _ in range(runs):
        started = time.perf_counter()
        engine.query(f"{kql}\n| count", NOW)
        measured.append(time.perf_counter() - started)
    return statistics.median(measured)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option, default in (("events", 50_000), ("doublings", 3), ("runs", 3)):
        parser.add_argument(f"--{option}", type=int, default=default)
    options = parser.parse_args()
    failed = False
    before: dict[str, float] = {}
    for doubling in range(options.doublings + 1):
        number = options.events * 2**doubling
        with KustoEngine("sentinel") as engine:
            engine.load("DeviceNetworkEvents", rows(number))
            for kind in TYPES:
                taken = seconds(engine, query(kind), options.runs)
                ratio = f", {taken / before[kind]:.2f} times" if kind in before else ""
                print(f"{number:,} events on one host, {kind}: {taken:.2f} s{ratio}", flush=True)
                failed |= taken > 3 * before.get(kind, taken)
                before[kind] = taken
    sys.exit(failed)


if __name__ == "__main__":
    main()
