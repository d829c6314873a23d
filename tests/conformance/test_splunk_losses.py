"""The one loss of the SPL backend is real: what the bound of streamstats leaves out is missed."""

from __future__ import annotations

from datetime import datetime

from events.sysmon_in_splunk import splunk_event
from oracles.spl_engine import SplEngine
from reference.events import Event, Value
from sigma.backends.t1020 import T1020SplunkBackend
from sigma.backends.t1020.common.losses import LossCode
from sigma.backends.t1020.splunk.legs import MAX_STREAM_WINDOW
from sigma.collection import SigmaCollection
from sigma_t1020.pack import load_pack
from sigma_t1020.resources import load_pipeline

START = 1_749_985_200_000
NOW = datetime(2025, 6, 15, 12, 0)
#: What Splunk has as 10,000: with more the oracle would take minutes.
WINDOW = 20


def _log(connections: int) -> list[Event]:
    computer: dict[str, Value] = {"Computer": "pc"}
    archive: dict[str, Value] = {
        "Image": "C:\\7z.exe",
        "CommandLine": "7z a C:\\Users\\a.7z C:\\Users\\anna\\Documents\\",
    }
    connection: dict[str, Value] = {
        "Image": "C:\\curl.exe",
        "Initiated": True,
        "DestinationIp": "8.8.8.8",
        "DestinationPort": 443,
    }
    return [
        Event("archive", START, computer | archive, "process_creation", "windows"),
        *(
            Event(f"c{number}", START + 1 + number, computer | connection, "network_connection", "windows")
            for number in range(connections)
        ),
    ]


def test_connections_beyond_the_bound_are_not_counted() -> None:
    loaded = load_pack()
    (item,) = (item for item in loaded.rules if item.path.endswith("then_public_connection.yml"))
    rules = [rule.data for rule in loaded.rules if rule.rule.name in item.references]
    backend = T1020SplunkBackend(load_pipeline("t1020_splunk_sysmon"))
    spl = backend.convert(SigmaCollection.from_dicts([*rules, item.data]))[-1]
    (loss,) = {loss for found in backend.losses.values() for losses in found.values() for loss in losses}
    assert loss.code is LossCode.BOUND
    assert f"{MAX_STREAM_WINDOW:,} events" in loss.message
    counts = []
    for connections in (WINDOW - 1, WINDOW):
        (row,) = SplEngine(map(splunk_event, _log(connections)), max_stream_window=WINDOW).query(spl, NOW)
        counts.append(row["Step2Count"])
    assert counts == [WINDOW - 1, WINDOW - 1]
