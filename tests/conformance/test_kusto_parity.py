"""The pack returns, branch for branch, all that the published detection returns: both run on one engine."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from random import Random

import pytest
import yaml
from events.defender_tables import TIME_COLUMNS, report_id
from oracles.kusto_engine import KustoEngine
from pack import seed
from reference.events import Event, Value
from sigma_t1020.convert import Options, convert
from sigma_t1020.pack import load_pack, metadata
from sigma_t1020.resources import directory
from sigma_t1020.targets import TARGETS

from conformance.kusto import load

PROCESSES, LOGS = 6500, 400
START = 1_750_000_200_000
NOW = datetime.fromtimestamp(START / 1000, tz=timezone.utc).replace(tzinfo=None) + timedelta(hours=12)

_HOSTS = (*seed.SCRIPT_HOSTS, *seed.TRANSFER_TOOLS, *seed.ARCHIVE_TOOLS, "notepad.exe", "python3.11.exe")
_WORDS = (
    *seed.SCRIPT_WORDS, *seed.TOOL_FLAGS, *seed.SENSITIVE_PATHS, *seed.UPLOAD, *seed.COLLECTION, *seed.TRANSFER,
    "-X POST ", "-F file=@a ", "--post-file=a ", "-TransferType Upload", "-TransferType Download", "https://a.example/",
    "http://10.0.0.1/", "ftp://8.8.8.8/in", "me@files.example:/in", "me@192.168.1.1:/in", "http://nexus/", "-b put.txt",
)  # fmt: skip
_GLUE = (" ", " ", " ", "", "x", "_", ";", '"', "/", "\\", "Async", ".", "é", "|")
_ADDRESSES = (
    "8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "10.0.0.1",
    "172.31.255.255",
    "192.168.1.1", "127.0.0.1", "169.254.1.1", "fe80::1", "fd00::1", "::1", "::ffff:10.0.0.1", "224.0.0.1", "",
)  # fmt: skip


@cache
def _non_public() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    text = (directory("sigma") / "networks.yml").read_text(encoding="utf-8")
    return [ipaddress.ip_network(network) for network in yaml.safe_load(text)["non_public"]]


def _address_type(address: str) -> str:
    """What Defender says of an address, as far as the published detection asks: Public or something else."""
    if not address:
        return ""
    parsed = ipaddress.ip_address(address)
    if any(parsed.version == network.version and parsed in network for network in _non_public()):
        return "Private"
    return "FourToSixMapping" if parsed.version == 6 and parsed.ipv4_mapped else "Public"


def _recased(rng: Random, text: str) -> str:
    return rng.choice((text, text, text.upper(), text.lower(), text.swapcase()))


def _image(rng: Random, names: tuple[str, ...]) -> str:
    return rng.choice(("C:\\Windows\\System32\\", "C:\\Program Files\\7-Zip\\", "D:\\")) + _recased(
        rng, rng.choice(names)
    )


def _process(rng: Random, number: int, device: str, time: int, names: tuple[str, ...] = _HOSTS) -> Event:
    pieces = [_recased(rng, rng.choice(_WORDS)) + rng.choice(_GLUE) for _ in range(rng.randint(0, 7))]
    fields: dict[str, Value] = {
        "HostId": device,
        "Computer": f"pc-{device}",
        "Image": _image(rng, names),
        "CommandLine": rng.choice(("a ", "", '"')) + "".join(pieces),
    }
    return Event(f"p{number}", time, fields, "process_creation", "windows")


def _connection(rng: Random, number: int, device: str, time: int) -> Event:
    address = rng.choice(_ADDRESSES)
    fields: dict[str, Value] = {
        "HostId": device,
        "Computer": f"pc-{device}",
        "Image": _image(rng, _HOSTS),
        "Initiated": rng.choice((True, True, False, None)),
        "DestinationIp": address,
        "DestinationPort": rng.choice((443, 80, 22)),
        "RemoteIPType": _address_type(address),
    }
    return Event(f"c{number}", time, fields, "network_connection", "windows")


def _events() -> list[Event]:
    """Process starts by themselves, and devices on which an archive meets some connections around five minutes."""
    rng = Random(20)
    found = [_process(rng, n, f"d{n}", START + rng.randint(0, 10_000_000)) for n in range(PROCESSES)]
    for log in range(LOGS):
        device, time = f"l{log}", START + rng.randint(0, 10_000_000)
        for _ in range(rng.randint(1, 3)):
            found.append(_process(rng, len(found), device, time + rng.choice((0, 0, 1000)), seed.ARCHIVE_TOOLS))
        for _ in range(rng.randint(4, 12)):
            step = rng.choice((0, 1, -1, 300_000, 300_001, 299_999, rng.randint(-60_000, 600_000)))
            found.append(_connection(rng, len(found), device, time + step))
    return found


@dataclass(frozen=True)
class _Found:
    """Ids of the process starts that each returns, by branch."""

    seed: Mapping[str, set[object]]
    ours: Mapping[str, set[object]]


@pytest.fixture(scope="module", params=["sentinel", "defender"])
def found(request: pytest.FixtureRequest) -> _Found:
    product: str = request.param
    queries = convert(load_pack(), None, TARGETS[product], Options(lookback="24h")).queries
    with KustoEngine("sentinel" if product == "sentinel" else "defender") as engine:
        load(engine, _events(), product)
        ours: dict[str, set[object]] = defaultdict(set)
        for query in queries:
            branch = str(metadata()[str(query.id)]["branch"])
            ours[branch] |= {row["ReportId"] for row in engine.query(query.text, NOW)}
        theirs: dict[str, set[object]] = {
            name: {row["ReportId"] for row in engine.query(seed.branch(name, TIME_COLUMNS[product]), NOW)}
            for name in seed.BRANCHES
        }
    return _Found(theirs, ours)


@pytest.mark.parametrize("branch", seed.BRANCHES)
def test_nothing_that_the_seed_returns_is_lost(found: _Found, branch: str) -> None:
    events = _events()
    assert len(events) >= 10_000
    by_id = {report_id(event.id): event for event in events}
    lost = [by_id[identity].fields for identity in found.seed[branch] - found.ours[branch] if isinstance(identity, int)]
    assert not lost, lost[:3]
    # Enough of both kinds that the comparison says something.
    assert 150 < len(found.seed[branch]) < len(found.ours[branch]) < len(events) / 2
