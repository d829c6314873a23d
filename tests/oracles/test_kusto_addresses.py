"""The supplied tests of addresses mean what Microsoft's pages say, compared with Python's `ipaddress`."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from datetime import datetime

import duckdb_kql
import pytest
from oracles.kusto_engine import KustoEngine

NOW = datetime(2024, 1, 1)

GARBAGE = [
    *(
        "",
        " ",
        "-",
        "localhost",
        "10.0.0",
        "10.0.0.0.1",
        "256.1.1.1",
        "10.0.0.256",
        "01.2.3.4",
        "10.0.0.1 ",
        "10,0,0,1",
    ),
    *("::1::", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "g::1", "12345::", "::1.2.3"),
    *(
        "::1.2.3.256",
        "1.2.3.4::",
        "fe80::1%4",
        "[::1]",
        "10.0.0.1:80",
        "10.0.0.0/8",
        "fe80::/10",
        "null",
        "\u0661.1.1.1",
    ),
]

V4_RANGES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.1.77/24", "169.254.0.0/16", "8.8.8.8", "224.0.0.0/3", "0.0.0.0/0"]
V6_RANGES = ["fc00::/7", "fe80::/10", "::1/128", "2001:db8::1", "::ffff:0:0/96", "2001:DB8:0:0::/33", "::/0"]


def random_addresses(count: int, seed: int) -> Iterator[str]:
    """Addresses of both kinds in every way of writing them, near the ranges and far from them, and garbage."""
    dice = random.Random(seed)
    networks = [ipaddress.ip_network(text, strict=False) for text in V4_RANGES + V6_RANGES]
    for _ in range(count):
        network = dice.choice(networks)
        first, last = int(network.network_address), int(network.broadcast_address)
        number = dice.choice([first, last, first - 1, last + 1, dice.randint(first, last)])
        if network.version == 4:
            v4 = ipaddress.IPv4Address(number % 2**32)
            mapped = ipaddress.IPv6Address(0xFFFF_0000_0000 + int(v4))
            yield dice.choice([str(v4), str(v4), f"::ffff:{v4}", f"::FFFF:{v4}", mapped.exploded, f"::{v4}"])
        else:
            v6 = ipaddress.IPv6Address(number % 2**128)
            # By its bytes: from Python 3.13 on, a mapped address is written with an IPv4 tail.
            groups = ":".join(f"{int.from_bytes(v6.packed[at : at + 2], 'big'):x}" for at in range(0, 16, 2))
            tail = str(ipaddress.IPv4Address(int(v6) % 2**32))
            dotted = ":".join([*v6.exploded.split(":")[:6], tail])
            yield dice.choice([str(v6), str(v6).upper(), v6.exploded, groups, dotted])
        if dice.random() < 0.1:
            yield dice.choice(GARBAGE)
        if dice.random() < 0.1:
            yield "".join(dice.choices("0123456789abcdef.:/%", k=dice.randint(1, 12)))


ADDRESSES = [*GARBAGE, *random_addresses(4000, seed=1)]


def v4_or_none(text: str) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def v6_or_none(text: str) -> ipaddress.IPv6Address | None:
    """An IPv6 address, or the mapped form of an IPv4 one. A zone makes it neither."""
    v4 = v4_or_none(text)
    try:
        return (
            ipaddress.IPv6Address(0xFFFF_0000_0000 + int(v4)) if v4 else ipaddress.IPv6Address(text.replace("%", "!"))
        )
    except ValueError:
        return None


def expected_v4(text: str, ranges: list[str]) -> bool | None:
    address = v4_or_none(text)
    return None if address is None else any(address in ipaddress.IPv4Network(r, strict=False) for r in ranges)


def expected_v6(text: str, ranges: list[str]) -> bool | None:
    address = v6_or_none(text)
    return None if address is None else any(address in ipaddress.IPv6Network(r, strict=False) for r in ranges)


@pytest.fixture(scope="module")
def engine() -> Iterator[KustoEngine]:
    with KustoEngine({"Connections": {"Number": "long", "Address": "string"}}) as made:
        made.load("Connections", ({"Number": n, "Address": text} for n, text in enumerate(ADDRESSES)))
        yield made


def answers(engine: KustoEngine, call: str) -> list[object]:
    """The value of a KQL expression for each of ADDRESSES."""
    rows = engine.query(f"Connections | extend X = {call} | sort by Number asc | project X", NOW)
    return [row["X"] for row in rows]


def differing(found: list[object], expected: list[bool | None]) -> list[tuple[str, object, bool | None]]:
    return [(a, f, e) for a, f, e in zip(ADDRESSES, found, expected, strict=True) if f is not e]


def test_the_addresses_are_many_and_of_every_outcome() -> None:
    assert len(ADDRESSES) > 4000
    for outcomes in (
        [expected_v4(text, V4_RANGES[:5]) for text in ADDRESSES],
        [expected_v6(text, V6_RANGES[:6]) for text in ADDRESSES],
    ):
        assert min(outcomes.count(outcome) for outcome in (True, False, None)) > 200


@pytest.mark.parametrize("network", V4_RANGES)
def test_ipv4_is_in_range(engine: KustoEngine, network: str) -> None:
    found = answers(engine, f'ipv4_is_in_range(Address, "{network}")')
    assert not differing(found, [expected_v4(text, [network]) for text in ADDRESSES])


@pytest.mark.parametrize("network", V6_RANGES)
def test_ipv6_is_in_range(engine: KustoEngine, network: str) -> None:
    found = answers(engine, f'ipv6_is_in_range(Address, "{network}")')
    assert not differing(found, [expected_v6(text, [network]) for text in ADDRESSES])


@pytest.mark.parametrize("written", ["dynamic([{}])", "{}"])
def test_is_in_any_range_takes_an_array_or_several_strings(engine: KustoEngine, written: str) -> None:
    v4, v6 = V4_RANGES[:5], V6_RANGES[:4]
    ranges = written.format(", ".join(f'"{text}"' for text in v4))
    found = answers(engine, f"ipv4_is_in_any_range(Address, {ranges})")
    assert not differing(found, [expected_v4(text, v4) for text in ADDRESSES])
    ranges = written.format(", ".join(f'"{text}"' for text in v6))
    found = answers(engine, f"ipv6_is_in_any_range(Address, {ranges})")
    assert not differing(found, [expected_v6(text, v6) for text in ADDRESSES])


def test_ipv4_is_private_knows_three_networks(engine: KustoEngine) -> None:
    private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
    found = answers(engine, "ipv4_is_private(Address)")
    assert not differing(found, [expected_v4(text, private) for text in ADDRESSES])


def test_an_ipv4_range_in_an_ipv6_test_is_its_mapped_form(engine: KustoEngine) -> None:
    found = answers(engine, 'ipv6_is_in_range(Address, "10.0.0.0/8")')
    assert not differing(found, [expected_v6(text, ["::ffff:10.0.0.0/104"]) for text in ADDRESSES])


@pytest.mark.parametrize("call", ['ipv4_is_in_range(Address, "::1/128")', 'ipv6_is_in_range(Address, "fe80::/129")'])
def test_a_range_that_is_none_gives_null(engine: KustoEngine, call: str) -> None:
    assert set(answers(engine, call)) == {None}


def test_null_is_neither_matched_nor_matched_under_not(engine: KustoEngine) -> None:
    call = 'ipv4_is_in_range(Address, "10.0.0.0/8")'
    counts = [
        len(engine.query(f"Connections | where {test}", NOW)) for test in (call, f"not({call})", f"isnull({call})")
    ]
    assert sum(counts) == len(ADDRESSES)
    assert min(counts) > 0


def test_ranges_named_by_let_are_literals_too(engine: KustoEngine) -> None:
    kql = 'let Inside = dynamic(["10.0.0.0/8"]); Connections | where ipv4_is_in_any_range(Address, Inside) | count'
    assert engine.query(kql, NOW) == [{"Count": sum(expected_v4(a, ["10.0.0.0/8"]) is True for a in ADDRESSES)}]


@pytest.mark.parametrize("call", ["ipv4_is_in_any_range(Address, dynamic([]))", "ipv6_is_in_range(Address)"])
def test_a_call_without_a_range_is_refused(engine: KustoEngine, call: str) -> None:
    with pytest.raises(duckdb_kql.KqlUnsupportedError, match=call.partition("(")[0]):
        engine.query(f"Connections | where {call}", NOW)


def test_a_range_that_differs_by_row_is_refused(engine: KustoEngine) -> None:
    with pytest.raises(duckdb_kql.KqlUnsupportedError, match="literal"):
        engine.query("Connections | where ipv4_is_in_range(Address, Address)", NOW)
