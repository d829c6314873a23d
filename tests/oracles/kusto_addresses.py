"""The KQL tests of addresses that duckdb-kql lacks, supplied to its translator and to a DuckDB connection.

The ranges are literals in every query, so they are worked out once, when the query is translated. IPv4 addresses are
compared as text, by a regex that the ranges make, since that is several times faster than taking each apart. IPv6
addresses are written out as 32 hexadecimal digits (the macros), whose order as text is their order as numbers.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Sequence

from duckdb import DuckDBPyConnection
from duckdb_kql.translate.functions import SCALAR_FUNCTIONS, FunctionSpec

ADDRESS_TESTS = {
    "ipv4_is_in_range": (2,),
    "ipv4_is_in_any_range": (),
    "ipv4_is_private": (1,),
    "ipv6_is_in_range": (2,),
    "ipv6_is_in_any_range": (),
}
"""Name -> the numbers of arguments it takes; none: an address and one or more ranges."""

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_QUAD = rf"{_OCTET}(\.{_OCTET}){{3}}"
_GROUP = "[0-9a-f]{1,4}"
_GROUPS = f"{_GROUP}(:{_GROUP})*"

_MACROS = (
    # Text -> 8 digits, null for what is no dotted quad.
    f"""CREATE MACRO kusto_ipv4(t) AS CASE WHEN regexp_full_match(t, '{_QUAD}') THEN
        printf('%02x%02x%02x%02x',
            TRY_CAST(split_part(t, '.', 1) AS INTEGER), TRY_CAST(split_part(t, '.', 2) AS INTEGER),
            TRY_CAST(split_part(t, '.', 3) AS INTEGER), TRY_CAST(split_part(t, '.', 4) AS INTEGER)) END""",
    # Groups with colons between them -> 4 digits each and no colons.
    """CREATE MACRO kusto_ipv6_digits(t) AS replace(regexp_replace(
        regexp_replace(t, '([0-9a-f]+)', '000\\1', 'g'), '0*([0-9a-f]{4})(:|$)', '\\1', 'g'), ':', '')""",
    # Text whose last group may be a dotted quad -> the same text without it, null for a bad quad.
    """CREATE MACRO kusto_ipv6_plain(t) AS CASE WHEN NOT contains(t, '.') THEN t
        ELSE regexp_extract(t, '^(.*:)[^:]*$', 1)
            || regexp_replace(kusto_ipv4(regexp_extract(t, '[^:]*$')), '^(....)', '\\1:') END""",
    # Text -> 32 digits, null for what is no IPv6 address. `::` stands for at least one group (RFC 4291, 2.2).
    f"""CREATE MACRO kusto_ipv6(t) AS list_transform([kusto_ipv6_plain(lower(t))], lambda p: CASE
        WHEN regexp_full_match(p, '({_GROUP}:){{7}}{_GROUP}') THEN kusto_ipv6_digits(p)
        WHEN regexp_full_match(p, '({_GROUPS})?::({_GROUPS})?') THEN
            list_transform(
                [[kusto_ipv6_digits(split_part(p, '::', 1)), kusto_ipv6_digits(split_part(p, '::', 2))]],
                lambda s: CASE WHEN length(s[1]) + length(s[2]) <= 28
                    THEN s[1] || repeat('0', 32 - length(s[1]) - length(s[2])) || s[2] END)[1]
        END)[1]""",
    # Either kind -> 32 digits, IPv4 in its mapped form.
    """CREATE MACRO kusto_ip(t) AS CASE WHEN contains(t, ':') THEN kusto_ipv6(t)
        ELSE '00000000000000000000ffff' || kusto_ipv4(t) END""",
)

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")

_SQL_TEXT = re.compile(r"'(?:[^']|'')*'")
_SQL_JSON = re.compile(r"CAST\(('(?:[^']|'')*') AS JSON\)")


def supply_address_tests(connection: DuckDBPyConnection) -> None:
    """Make ADDRESS_TESTS known to duckdb-kql and their macros to one connection."""
    for macro in _MACROS:
        connection.execute(macro)
    # duckdb-kql's table of functions is data, one for all connections. An entry of its own, should a later
    # version have one, stays.
    for name, arities in ADDRESS_TESTS.items():
        SCALAR_FUNCTIONS.setdefault(name, _AddressTest(name, "template", "", arities))


class _AddressTest(FunctionSpec):
    """One of ADDRESS_TESTS, as SQL. The ranges must be literals; an address is any expression.

    Microsoft's pages 'ipv4_is_in_range()', 'ipv4_is_in_any_range()', 'ipv4_is_private()',
    'ipv6_is_in_range()' and 'ipv6_is_in_any_range()' say: true or false, and null where an address or a
    range cannot be converted. An IPv6 string is no IPv4 one, so the ipv4 functions give null for it, mapped
    or not. A range without a prefix is one address; bits of a range beyond its prefix do not count. For the
    ipv6 functions an IPv4 string is its mapped form, and the prefix of an IPv4 range counts from the start
    of its IPv4 part: the page 'ipv6_is_match()' says so, those of the range functions say nothing of it.

    The pages leave open, and here give null: leading zeros in an octet, fewer than four octets, a zone
    ('%4'). An address with a prefix, which the page of ipv4_is_private() allows, gives null too; no column
    of events has one.
    """

    def render(self, args: list[str]) -> str:
        """The SQL of one call. Raises ValueError for a wrong number of arguments, or a range not literal."""
        if self.arities and len(args) not in self.arities:
            raise ValueError(f"{self.name}() takes {self.arities} argument(s), got {len(args)}")
        if not self.arities and len(args) < 2:
            raise ValueError(f"{self.name}() takes an address and at least one range")
        address, *ranges = args
        texts = [text for argument in ranges for text in _literals(argument)] if ranges else _PRIVATE
        if not texts:
            raise ValueError(f"{self.name}() is given an empty array")
        return _ipv4_sql(address, texts) if self.name.startswith("ipv4") else _ipv6_sql(address, texts)


def _ipv4_sql(address: str, ranges: Sequence[str]) -> str:
    networks = [_ipv4_network(text) for text in ranges]
    if None in networks:
        return "CAST(NULL AS BOOLEAN)"
    pattern = "|".join(_octets(network) for network in networks if network)
    text = f"CAST({address} AS VARCHAR)"
    return f"CASE WHEN regexp_full_match({text}, '{_QUAD}') THEN regexp_matches({text}, '^({pattern})') END"


def _ipv6_sql(address: str, ranges: Sequence[str]) -> str:
    bounds = [_ipv6_bounds(text) for text in ranges]
    if None in bounds:
        return "CAST(NULL AS BOOLEAN)"
    tests = " OR ".join(f"kusto_digits BETWEEN '{low}' AND '{high}'" for low, high in filter(None, bounds))
    # A list of one, so that the address is written out once, not once for each range.
    digits = f"kusto_ip(CAST({address} AS VARCHAR))"
    return f"list_transform([{digits}], lambda kusto_digits: {tests})[1]"


def _literals(sql: str) -> list[str]:
    """The strings of a SQL literal, which duckdb-kql makes of a KQL string or a dynamic array of strings."""
    if _SQL_TEXT.fullmatch(sql):
        return [_sql_text(sql)]
    array = _SQL_JSON.fullmatch(sql)
    if array:
        values = json.loads(_sql_text(array[1]))
        if isinstance(values, list):
            return [str(value) for value in values]
    raise ValueError(f"a range must be a literal here, not {sql}")


def _sql_text(literal: str) -> str:
    return literal[1:-1].replace("''", "'")


def _ipv4_network(text: str) -> ipaddress.IPv4Network | None:
    """None for what is no IPv4 range."""
    try:
        return ipaddress.IPv4Network(_with_prefix(text), strict=False)
    except ValueError:
        return None


def _octets(network: ipaddress.IPv4Network) -> str:
    """A regex of how the addresses of a range begin, up to a dot or the end of the address."""
    octets = network.network_address.packed
    whole, bits = divmod(network.prefixlen, 8)
    parts = [str(octet) for octet in octets[:whole]]
    if bits:
        parts.append("(" + "|".join(map(str, range(octets[whole], octets[whole] + 2 ** (8 - bits)))) + ")")
    return r"\.".join(parts) + ("$" if len(parts) == 4 else r"\." if parts else "")


def _ipv6_bounds(text: str) -> tuple[str, str] | None:
    """First and last address of an IPv6 or, mapped, IPv4 range, 32 digits each; None for what is none."""
    v4 = _ipv4_network(text)
    if v4:
        text = f"::ffff:{v4.network_address}/{96 + v4.prefixlen}"
    try:
        network = ipaddress.IPv6Network(_with_prefix(text), strict=False)
    except ValueError:
        return None
    return f"{int(network.network_address):032x}", f"{int(network.broadcast_address):032x}"


def _with_prefix(text: str) -> str:
    """Refuses the netmasks that Python takes for a prefix and Kusto does not, and zones."""
    if not re.fullmatch(r"[0-9a-fA-F.:]+(/[0-9]{1,3})?", text):
        raise ValueError(f"{text!r} is not a range in prefix notation")
    return text
