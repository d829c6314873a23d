"""sigma/networks.yml says what it should, checked without Python's own lists, which differ by release."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from pack.pack_files import non_public_networks


def is_public(address: str) -> bool:
    return not any(ip_address(address) in ip_network(network) for network in non_public_networks())


def test_networks_are_valid_and_unique() -> None:
    networks = [ip_network(network) for network in non_public_networks()]  # strict: no host bits
    assert len(set(networks)) == len(networks)


def test_every_ipv4_network_is_there_in_ipv6_notation() -> None:
    networks = [ip_network(network) for network in non_public_networks()]
    mapped = {
        IPv4Network((IPv4Address(int(network.network_address) & 0xFFFFFFFF), network.prefixlen - 96))
        for network in networks
        if isinstance(network, IPv6Network)
        and network.network_address.ipv4_mapped is not None
        and network.prefixlen > 96
    }
    assert mapped == {network for network in networks if isinstance(network, IPv4Network)}


@pytest.mark.parametrize(
    "address",
    [
        *("1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"),
        *("169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.0.1"),
        *("192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255"),
        *("203.0.114.0", "223.255.255.255", "8.8.8.8", "192.88.99.1"),
        *("2606:4700:4700::1111", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1", "64:ff9b::808:808"),
        *("::ffff:8.8.8.8", "::ffff:172.32.0.1", "::ffff:9.255.255.255", "2a00::1", "fbff::1"),
    ],
)
def test_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1", "169.254.169.254"),
        *("172.16.0.0", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.255.255", "198.18.0.0"),
        *("198.19.255.255", "198.51.100.255", "203.0.113.0", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "fe80::1", "febf:ffff::1", "fec0::1", "fc00::1", "fdff::1", "ff02::fb"),
        *("2001:db8::1", "2001:db8:ffff::1", "3fff::1", "100::1", "64:ff9b:1::1"),
        *("::ffff:10.1.2.3", "::ffff:192.168.0.1", "::ffff:127.0.0.1", "::ffff:100.64.0.1", "::ffff:172.31.0.1"),
    ],
)
def test_address_is_not_public(address: str) -> None:
    assert not is_public(address)
