"""Regexes that PCRE and Python read alike are passed on, the others are translated or refused."""

from __future__ import annotations

import pytest
from oracles.spl_grammar import SplError, SplUnsupported
from oracles.spl_regexes import pcre
from oracles.spl_times import moment, relative, strftime, strptime


@pytest.mark.parametrize(
    ("regex", "subject", "found"),
    [
        (r"a.c", "a\nc", None),
        (r"(?s)a.c", "a\nc", "a\nc"),
        (r"(?i)aBC", "xAbCx", "AbC"),
        (r"(?i:a)B", "AB", "AB"),
        (r"(?im)^B$", "a\nb\nc", "b"),
        (r"a$", "a\n", "a"),
        (r"a\z", "a\n", None),
        (r"a\Z", "a\n", "a"),
        (r"\Aa", "ba", None),
        (r"\d+", "x12٣", "12"),
        (r"\w+", "éab_1é", "ab_1"),
        (r"[\w.-]+", "é-a.é", "-a."),
        (r"[\d]", "٣", None),
        (r"\s", "\u00a0", None),
        (r"\bb\b", "éb", "b"),
        (r"[]a]+", "]a", "]a"),
        (r"[^]a]+", "]ab", "b"),
        (r"[[a]+", "[a", "[a"),
        (r"[a&&b]+", "&&", "&&"),
        (r"[a||b~~]+", "x||~", "||~"),
        (r"[\w-.]+", "-a.,", "-a."),
        (r"[.-\d]+", ",.-1", ".-1"),
        (r"[a-c-e]+", "d-eb", "-eb"),
        (r"[-a]+", "b-a", "-a"),
        (r"[a-]+", "b-a", "-a"),
        (r"[+--]+", "*+,-.", "+,-"),
        (r"[\x41-C]+", "@ABCD", "ABC"),
        (r"a{2}", "aaa", "aa"),
        (r"a{2,}?", "aaa", "aa"),
        (r"a{x}", "a{x}", "a{x}"),
        (r"{a", "{a", "{a"),
        (r"(?<year>\d{4})", "in 2024", "2024"),
        (r"(?P<year>\d{4})", "in 2024", "2024"),
        (r"(?:ab)+", "ababa", "abab"),
        (r"a(?=b)", "acab", "a"),
        (r"(?<!a)b", "abb", "b"),
        (r"\x41\t\.\\\-\/", "A\t.\\-/", "A\t.\\-/"),
        (r"a|", "b", ""),
        (r"(a|b)*?c", "abc", "abc"),
    ],
)
def test_a_regex_finds(regex: str, subject: str, found: str | None) -> None:
    match = pcre(regex).search(subject)
    assert (match[0] if match else None) == found


@pytest.mark.parametrize(
    "regex",
    [
        *(r"\1", r"(a)\1", r"\k<n>", r"\h", r"\v", r"\R", r"\K", r"\Qa\E", r"\p{L}", r"\X", r"\N", r"\G", r"\e", r"\a"),
        *(
            r"\cA",
            r"\o{1}",
            r"\012",
            r"\x{41}",
            r"[[:alpha:]]",
            r"[[.a.]]",
            r"[\b]",
            r"[\h]",
            "a++",
            "a*+",
            "a?+",
            "a{1}+",
        ),
        *("(?>a)", "(?(1)a|b)", "(?R)", "(?1)", "(?#c)", "(*UCP)", "(?x)a", "(?U)a", "a(?i)b", "(?'n'a)", "(?|a)"),
        *("a{,2}", "^*", r"\b+", "(?=a)*", "(?<!a)?", "*a", "a**", "|*", "(*a)"),
    ],
)
def test_a_regex_that_might_be_read_in_two_ways_is_refused(regex: str) -> None:
    with pytest.raises(SplUnsupported):
        pcre(regex)


@pytest.mark.parametrize("regex", ["(a", "a)", "[a", "a\\", "(?<=a+)b", "(?<n>a)(?<n>b)", "[b-a]"])
def test_a_malformed_regex_is_an_error(regex: str) -> None:
    with pytest.raises(SplError):
        pcre(regex)


START = 1_704_067_200
"""2024-01-01T00:00:00Z, a Monday."""


@pytest.mark.parametrize(
    ("modifier", "expected"),
    [
        ("now", START + 3725),
        ("now()", START + 3725),
        ("-24h", START + 3725 - 86400),
        ("-24h@h", START + 3600 - 86400),
        ("+1m", START + 3785),
        ("-s", START + 3724),
        ("@h", START + 3600),
        ("@d-2h", START - 7200),
        ("@w0", START - 86400),
        ("@w1", START),
        ("@w7", START - 86400),
        ("@mon", START),
        ("-1mon", START + 3725 - 31 * 86400),
        ("-1y@y", START - 365 * 86400),
        ("-1q@q", START - 92 * 86400),
        ("-7d@d", START - 7 * 86400),
        ("1704067200.5", START + 0.5),
        ("01/02/2024:00:00:00", START + 86400),
    ],
)
def test_a_time_modifier_means(modifier: str, expected: float) -> None:
    assert float(moment(modifier, START + 3725)) == expected


@pytest.mark.parametrize("modifier", ["", "24h", "-1", "@x", "-1h@", "now-", "rt", "-1h -1h"])
def test_another_time_modifier_is_refused(modifier: str) -> None:
    with pytest.raises(SplUnsupported):
        relative(modifier, START)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%F %T.%3N %6N %9Q %N", "2024-02-03 04:05:06.700 700000 700000000 700000000"),
        ("%e %I %p %y %b %B %a %A %s %z %%", " 3 04 AM 24 Feb February Sat Saturday 1706933106 +0000 %"),
        ("%G-W%V-%w day %j week %U", "2024-W05-6 day 034 week 04"),
    ],
)
def test_a_time_is_written(form: str, expected: str) -> None:
    at = strptime("2024-02-03T04:05:06.7+0000", "%Y-%m-%dT%H:%M:%S.%Q%z")
    assert at is not None
    assert strftime(at, form) == expected


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2024-01-01T01:00:00+01:00", "%Y-%m-%dT%H:%M:%S%z", START),
        ("2024-01-01T00:00:00-0130", "%FT%T%z", START + 5400),
        ("1704067200", "%s", START),
        ("2024-13-01", "%F", None),
        ("2024-01-01 ", "%F", None),
    ],
)
def test_a_time_is_read(text: str, form: str, expected: int | None) -> None:
    assert strptime(text, form) == expected


def test_a_time_without_a_date_is_refused() -> None:
    with pytest.raises(SplUnsupported, match="without a date"):
        strptime("01:02", "%H:%M")
