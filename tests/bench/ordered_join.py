"""What the time-bucketed join of an ordered correlation saves against the plain time-window join.

    python tests/bench/ordered_join.py [--devices 500 --archives 200 --connections 4000 --runs 3]

All queries run in the same engine (duckdb-kql) on the same rows: each device's archives and connections,
spread over a day. Then again with a tenth of all rows on one device. The time is the engine's: each query is
summed up there, all its columns used, and no row is handed to Python; that the rows are equal is shown apart, and
first, so that nothing is measured cold.

The plain join has the legs of the emitted query, no time bins, carries all columns through the join and sums up
once, with sets, by all columns of the first event. Its window can be written in several ways, and how long one takes
depends on the engine:

documented    `(End - Start) between (0min .. W)`, as Microsoft's page 'Time window join' has it before it adds bins
between       `End between (Start .. (Start + W))`, as the emitted query has it
bounded       `End between (Start .. Last)`, where Last = Start + W is a column made before the join. DuckDB can compare
              columns while it joins, and keeps no pair that fails: written for this engine.
without bins  the emitted query without its bins: what they alone save, the rest of it being as good

Two correlations: one with legs that cost little (an image, a port) and the evidence by which two results are
compared (count, first, last, set of addresses), which shows the join; and the shipped one, with its address tests
and its four sets, which is what people run. Exits with 1 where the bucketed join takes more than half of the time of
the documented or the between form, for either, or where rows differ. The other two are for information: what they and
the emitted query have in common, sets and address tests, takes most of the time of all three.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import duckdb_kql
from conformance.kusto import to_kql
from oracles.kusto_engine import KustoEngine
from sigma.backends.t1020 import T1020KustoBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline
from sigma_t1020.pack import load_pack
from sigma_t1020.resources import load_pipeline

START = datetime(2025, 6, 15)
NOW = START + timedelta(days=1)
DAY_MS = 86_400_000


CORRELATION: dict[str, Any] = {
    "title": "Archive, then a connection",
    "id": "5a1f5d8e-8c55-4c9f-9f0e-3d7f6d0f6a10",
    "correlation": {
        "type": "temporal_ordered",
        "rules": ["archive", "connection"],
        "group-by": ["Computer"],
        "timespan": "5m",
    },
}
LEGS: list[dict[str, Any]] = [
    {
        "title": name,
        "name": name,
        "logsource": {"category": category},
        "detection": {"selection": selection, "condition": "selection"},
    }
    for name, category, selection in (
        ("archive", "process_creation", {"Image|endswith": "\\7z.exe"}),
        ("connection", "network_connection", {"DestinationPort": 443}),
    )
]


#: The evidence by which two results are compared, alone.
ONE_SET = {"priority": 40, "transformations": [{"type": "set_state", "key": "evidence", "val": ["RemoteIP"]}]}


def cheap() -> str:
    """A correlation whose legs cost little, as KQL."""
    pipeline = load_pipeline("t1020_sentinel") + ProcessingPipeline.from_dict(ONE_SET)
    collection = SigmaCollection.from_dicts([*LEGS, CORRELATION])
    queries: list[str] = T1020KustoBackend(pipeline, lookback="25h").convert(collection)
    return queries[-1]


def shipped() -> str:
    """The wider of the shipped correlations, as KQL."""
    loaded = load_pack()
    (correlation,) = (item for item in loaded.rules if item.path.endswith("then_public_connection.yml"))
    rules = [item.data for item in loaded.rules if item.rule.name in correlation.references]
    return to_kql([*rules, correlation.data], canonical=False, lookback="25h")[-1]


JUDGED = ("documented", "between")


def without_buckets(kql: str) -> dict[str, str]:
    """The forms of the join that the emitted query is compared with, by name."""
    return {
        "documented": _plain(kql, "(Step2Time - TimeGenerated) between (0min .. 5m)"),
        "between": _plain(kql, "Step2Time between (TimeGenerated .. (TimeGenerated + 5m))"),
        "bounded": _plain(kql, "Step2Time between (TimeGenerated .. Last)", "\n| extend Last = TimeGenerated + 5m"),
        "without bins": _unbinned(kql),
    }


def _plain(kql: str, window: str, extended: str = "") -> str:
    """The same legs joined by key alone and summed up by all columns of the first event."""
    lets, _, join = kql.partition(";\nStep1\n")
    lets = re.sub(r",\s+TimeBin = [^;]*", "", lets)
    lets = re.sub(r",\s+Step1ReportId = coalesce\(ReportId, long\(-1\)\)", "", lets)
    return f"""{lets};
Step1{extended}
| join kind=inner Step2 on DeviceId
| where {window}
| summarize
    Step2Count = count(), Step2First = min(Step2Time), Step2Last = max(Step2Time),
    {", ".join(f"{column} = make_set({column})" for column in evidence(join))}
    by {", ".join(first_columns(kql))}"""


def _unbinned(kql: str) -> str:
    lines = [line for line in kql.splitlines() if "Step2Bin" not in line]
    without = re.sub(r",\s+TimeBin = [^;]*", "", "\n".join(lines)).replace("on DeviceId, TimeBin", "on DeviceId")
    assert len(lines) == len(kql.splitlines()) - 2
    assert "Bin" not in without
    return without


def first_columns(kql: str) -> list[str]:
    """The columns of the first event that a row of the result has."""
    (projected, *_) = re.findall(r"\| project\s+(.*?)\);", kql, re.DOTALL)
    return re.findall(r"\w+", str(projected).partition(", Step1ReportId")[0])


def evidence(kql: str) -> list[str]:
    """The columns that hold sets."""
    return list(dict.fromkeys(re.findall(r"(Step2\w+) = make_", kql)))


def counts(devices: int, each: int, skewed: bool) -> list[int]:
    """Rows of each device; skewed: the first has a tenth of all."""
    if not skewed:
        return [each] * devices
    total = devices * each
    if devices == 1:
        return [total]
    first = total // 10
    return [first, *[(total - first) // (devices - 1)] * (devices - 1)]


def archives(per_device: list[int], rng: random.Random) -> Iterator[dict[str, Any]]:
    for device, number in enumerate(per_device):
        for report in range(number):
            yield {
                "TimeGenerated": START + timedelta(milliseconds=rng.randrange(DAY_MS)),
                "DeviceId": f"{device:040x}",
                "DeviceName": f"pc{device}",
                "AccountName": "anna",
                "FileName": "7z.exe",
                "FolderPath": "C:\\Program Files\\7-Zip\\7z.exe",
                "ProcessCommandLine": f"7z a C:\\Users\\anna\\{report}.7z C:\\Users\\anna\\Documents\\",
                "ReportId": report,
            }


def connections(per_device: list[int], rng: random.Random) -> Iterator[dict[str, Any]]:
    for device, number in enumerate(per_device):
        for report in range(number):
            yield {
                "TimeGenerated": START + timedelta(milliseconds=rng.randrange(DAY_MS)),
                "DeviceId": f"{device:040x}",
                "RemoteIP": f"8.8.{rng.randrange(256)}.{rng.randrange(256)}",
                "RemotePort": 443,
                "InitiatingProcessFileName": "curl.exe",
                "InitiatingProcessFolderPath": "C:\\Windows\\System32\\curl.exe",
                "ActionType": "ConnectionSuccess",
                "ReportId": report,
            }


def engine_seconds(engine: KustoEngine, kql: str, runs: int) -> float:
    """Median seconds of the query, summed up in the engine so that nothing but one row is handed over."""
    used = ["n = count()", "c = sum(Step2Count)", "f = max(Step2First)", "l = max(Step2Last)"]
    used += [f"m{number} = max({column})" for number, column in enumerate(first_columns(kql))]
    used += [f"s{number} = sum(array_length({column}))" for number, column in enumerate(evidence(kql))]
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        engine.query(f"{kql}\n| summarize {', '.join(used)}", NOW)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def tuples(engine: KustoEngine, kql: str) -> Counter[tuple[Any, ...]]:
    """The rows as (device, report, count, first, last, sets), and how often there is each."""
    rows: list[dict[str, Any]] = engine.query(kql, NOW)
    columns = ("DeviceId", "ReportId", "Step2Count", "Step2First", "Step2Last")
    sets = evidence(kql)
    return Counter((*(row[column] for column in columns), *(frozenset(row[column]) for column in sets)) for row in rows)


def compared(engine: KustoEngine, kql: str, runs: int) -> bool:
    """Print the times of the query and of each other form; whether rows are equal and it takes at most half."""
    found = tuples(engine, kql)
    ours = engine_seconds(engine, kql, runs)
    print(f"  time-bucketed {ours:.2f} s, {found.total():,} rows", flush=True)
    passed = True
    for form, other in without_buckets(kql).items():
        equal = tuples(engine, other) == found
        theirs = engine_seconds(engine, other, runs)
        judged = form in JUDGED
        note = "" if judged else " (not judged)"
        print(f"  {form} {theirs:.2f} s, ratio {ours / theirs:.2f}{note}, equal: {equal}", flush=True)
        passed &= equal and (not judged or ours <= theirs / 2)
    return passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option, default in (("devices", 500), ("archives", 200), ("connections", 4000), ("runs", 3)):
        parser.add_argument(f"--{option}", type=int, default=default)
    options = parser.parse_args()
    print(f"DuckDB {duckdb.__version__}, duckdb-kql {duckdb_kql.__version__}")
    failed = False
    for skewed in (False, True):
        rng = random.Random(1)
        with KustoEngine("sentinel") as engine:
            engine.load("DeviceProcessEvents", archives(counts(options.devices, options.archives, skewed), rng))
            engine.load("DeviceNetworkEvents", connections(counts(options.devices, options.connections, skewed), rng))
            for name, kql in (("cheap legs", cheap()), ("shipped correlation", shipped())):
                print(f"{'a tenth on one device' if skewed else 'evenly spread'}, {name}")
                failed |= not compared(engine, kql, options.runs)
    sys.exit(failed)


if __name__ == "__main__":
    main()
