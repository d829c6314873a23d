"""Each modifier on values that match and on near misses."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from reference.events import Event, Value
from reference.meaning import matches
from reference.modifiers import MODIFIERS, RuleError
from reference.regexes import UnsupportedRegexError


def holds(key: str, value: Any, placeholders: dict[str, list[str | int]] | None = None, **fields: Value) -> bool:
    rule = {"detection": {"selection": {key: value}, "condition": "selection"}}
    return matches(rule, Event("e1", 0, fields), placeholders or {})


CASES: list[tuple[str, Any, list[Value], list[Value]]] = [
    # Plain values: the whole value, without regard to case.
    ("A", "Cmd.exe", ["cmd.exe", "CMD.EXE"], ["cmd.exe ", "xcmd.exe", "cmd_exe", "", None, []]),
    ("A", ["a", "b"], ["A", "b"], ["ab", "c"]),
    ("A", "é", ["É"], ["e"]),
    ("A", "straße", ["STRAßE"], ["strasse", "STRASSE"]),
    ("A", "ΟΔΟΣ", ["οδοσ"], ["οδος"]),
    ("A", "\u0130", ["\u0130"], ["i", "i\u0307"]),
    ("A", "a%b_c", ["A%B_C"], ["axb_c", "a%bxc"]),
    # Wildcards.
    ("A", "prog?.exe", ["progA.exe", "prog\n.exe", "prog😀.exe"], ["prog.exe", "progAB.exe"]),
    ("A", "antivirus_V*.exe", ["antivirus_V.exe", "antivirus_V21.2.exe", "ANTIVIRUS_V\n.exe"], ["antivirus_.exe"]),
    ("A", "a*b*c", ["abc", "a1b2c"], ["acb", "abcd"]),
    ("A", "*", ["", "x"], [None]),
    # Escaping: the examples of the specification, and what follows from them.
    ("A", r"C:\Windows", [r"c:\windows"], [r"C:\\Windows"]),
    ("A", r"C:\\Windows", [r"C:\Windows"], [r"C:\\Windows"]),
    ("A", r"a\*b", ["a*b"], ["axb", r"a\*b", r"a\xb"]),
    ("A", r"a\?b", ["a?b"], ["axb", r"a\?b"]),
    ("A", r"a\\*b", [r"a\b", r"a\xyb"], ["a*b", "ab"]),
    ("A", r"a\\?b", [r"a\xb"], [r"a\b", "a?b"]),
    ("A", r"a\\\*b", [r"a\*b"], [r"a\xb", r"a\\*b"]),
    ("A", r"a\\\b", [r"a\\b"], [r"a\b", r"a\\\b"]),
    ("A", r"a\\\\b", [r"a\\b"], [r"a\b", r"a\\\\b"]),
    ("A", "a\\", ["a\\"], ["a", "a\\\\"]),
    ("A", "a\\\\", ["a\\"], ["a\\\\"]),
    ("A", "\\\\\\*\\*", ["\\**"], ["\\*x"]),
    # Where in the value.
    ("A|contains", "b", ["abc", "B", "b\n"], ["ac", ""]),
    ("A|contains", "\\Temp\\", ["C:\\temp\\x"], ["C:\\temp"]),
    ("A|contains", "a?c", ["xABCx"], ["xacx"]),
    ("A|contains", "", ["", "x"], [None]),
    ("A|contains", 443, ["x443y", 14430], ["44", 44]),
    ("A|startswith", "ab", ["abc", "AB"], ["xab", "a"]),
    ("A|endswith", "\\x.exe", ["c:\\X.EXE"], ["x.exe", "\\x.exe ", "\\x.exe\n"]),
    ("A|contains|all", ["a", "b"], ["ba", "AxB"], ["a", "b", ""]),
    ("A|all", ["a*", "*b"], ["ab", "a1b"], ["a", "b"]),
    ("A|cased", "Ab", ["Ab"], ["ab", "AB"]),
    ("A|contains|cased", "Ab*d", ["xAbcdx"], ["xabcdx"]),
    ("A|cased|endswith", ["b", "C"], ["ab", "aC"], ["aB", "ac"]),
    # Regular expressions.
    ("A|re", "b.d", ["abcd", "bxd"], ["bd", "BXD", "b\nd"]),
    ("A|re", ["^a", "z$"], ["ab", "xz"], ["ba", "A", "x\na", "Z"]),
    ("A|re|i", "^b", ["B", "bx"], ["ab"]),
    ("A|re|m", "^b$", ["a\nb\nc"], ["ab", "B"]),
    ("A|re|s", "a.b", ["a\nb"], ["ab", "A\nb"]),
    ("A|re|i|s", "a.B$", ["A\nb"], ["A\nbc"]),
    ("A|re", r"\d\D\w\W\s\S", ["1aa- x"], ["1aa-xx", "\u0661aa- x", "1aé- x!"]),
    ("A|re", r"[\d\s]x[^\W]y[\S]", ["1x_yz", " xayb"], ["axay ", "1x-yz", "1x_y "]),
    ("A|re", r"\bab\b", ["ab", "x ab."], ["xab", "ab_"]),
    ("A|re", r"(?i)ab(?:c|d){2,3}?[[\]]", ["ABCD]", "abcd["], ["abc]"]),
    ("A|re", 44, ["1443"], ["4"]),
    ("A|re|all", ["a", "b"], ["cab"], ["a"]),
    # Networks.
    (
        "A|cidr",
        "10.0.0.0/8",
        ["10.0.0.0", "10.255.255.255"],
        ["9.255.255.255", "11.0.0.0", "::ffff:10.0.0.1", "10.1", 167772161],
    ),
    ("A|cidr", "203.0.113.7/32", ["203.0.113.7"], ["203.0.113.8", "203.0.113.6"]),
    ("A|cidr", "203.0.113.7", ["203.0.113.7"], ["203.0.113.8"]),
    ("A|cidr", "fc00::/7", ["fc00::", "FDFF:ffff::1", "fd00:0:0:0:0:0:0:1"], ["fe00::", "fbff::1", "x", ""]),
    ("A|cidr", "::ffff:0:0/96", ["::ffff:10.0.0.1"], ["10.0.0.1"]),
    ("A|cidr", ["10.0.0.0/8", "::1/128"], ["10.1.1.1", "::1"], ["::2", "11.1.1.1"]),
    # Encodings. The rule's value is compared without regard to case even so.
    ("A|base64", "foobar", ["Zm9vYmFy", "zm9VYmFy"], ["Zm9vYmFz", "xZm9vYmFy"]),
    ("A|base64|cased", "foobar", ["Zm9vYmFy"], ["zm9vYmFy"]),
    ("A|base64|contains", "foo", ["-e Zm9v."], ["-e Zm9."]),
    ("A|base64", r"a\*b\\c", [base64.b64encode(b"a*b\\c").decode()], [base64.b64encode(b"a\\*b\\c").decode()]),
    ("A|wide|base64", "cmd", ["YwBtAGQA"], ["AGMAbQBk", "Y21k"]),
    ("A|utf16le|base64", "cmd", ["YwBtAGQA"], ["AGMAbQBk"]),
    ("A|utf16be|base64", "cmd", ["AGMAbQBk"], ["YwBtAGQA"]),
    ("A|utf16|base64", "cmd", ["//5jAG0AZAA="], ["YwBtAGQA", "77u/YwBtAGQA"]),
    ("A|wide|base64", "é", ["6QA="], ["w6k="]),
    # Dashes: of flags only, and all five in each place.
    ("A|windash|contains", " -enc", ["x -enc", "x /ENC", "x –enc", "x —enc", "x ―enc"], ["x +enc", "x enc", "x -en c"]),
    ("A|windash", "-a -b", ["-a -b", "/a –b"], ["-a b", "-a -B-"]),
    ("A|windash", "/p-q", ["-p-q"], ["-p/q", "-p–q"]),
    ("A|windash", "–a", ["-a", "–a"], ["a"]),
    ("A|windash|contains|all", ["-a", "/b"], ["/b -a", "x /A –B"], ["-a", "/b"]),
    # Presence.
    ("A|exists", True, ["", "x", 0, False], [None, []]),
    ("A|exists", False, [None, [], [None]], ["", "x"]),
    ("A", None, [None, []], ["", "x", 0]),
    ("A", "", [""], [" ", "x", None]),
    ("A", ["", None], ["", None], ["x"]),
    # Numbers and booleans.
    ("A", 443, [443, "443", 443.0], [442, 444, "0443", "443.0", " 443", True, None]),
    ("A", "443", [443, "443"], [4430, "0443"]),
    ("A", "4*3", [443, "4xx3"], [44]),
    ("A", 0.5, [0.5, "0.5"], [0.51, 0]),
    ("A", 1, [1, "1"], [True, "true"]),
    ("A", [80, "x", 443], [80, "X", "443"], [81]),
    ("A", True, [True, "true", "True"], [False, 1, "1", "truex"]),
    ("A", "false", [False, "FALSE"], [True, 0]),
    ("A|lt", 5, [4, -1, 4.9, "4"], [5, 6, "5", None, "x", True]),
    ("A|lte", 5, [4, 5, "5.0"], [6, 5.1]),
    ("A|gt", 5, [6, "10", 5.1], [5, 4, "4", "x", "", None]),
    ("A|gte", 5, [5, 6], [4, None]),
    ("A|gt", -1.5, [-1, 0], [-1.5, -2]),
    ("A|gte", [5, 9], [5], [4]),
    # neq negates the whole item, also for a missing field.
    ("A|neq", "x", ["y", "", None, "xx"], ["x", "X"]),
    ("A|neq", ["x", "y*"], ["z", None], ["x", "Y1"]),
    ("A|neq", 5, [4, None, "x"], [5, "5"]),
    ("A|contains|neq", "x", ["abc", None], ["axc"]),
    ("A|contains|all|neq", ["x", "y"], ["x", "y", None], ["yx"]),
    ("A|re|neq", "^x", ["yx", None], ["xy"]),
    ("A|cidr|neq", "10.0.0.0/8", ["11.0.0.1", None, "x"], ["10.0.0.1"]),
    ("A|lt|neq", 5, [5, None], [4]),
    # Parts of a time.
    ("A|minute", 37, ["2024-03-05 13:37:11.123", "2024-03-05T13:37:11Z"], ["2024-03-05 13:38:11", "37", None]),
    ("A|hour", 13, ["2024-03-05 13:37:11", "2024-03-05T13:00:00+05:00"], ["2024-03-05 14:00:00", 13]),
    ("A|day", 5, ["2024-03-05 13:37:11", "2024-03-05"], ["2024-05-06 13:37:11"]),
    ("A|week", 1, ["2024-12-30 00:00:00", "2024-01-01 00:00:00"], ["2024-01-08 00:00:00"]),
    ("A|month", 3, ["2024-03-05 13:37:11"], ["2024-04-03 03:03:03"]),
    ("A|year", 2024, ["2024-03-05 13:37:11", 1_709_645_831_000], ["2025-03-05 13:37:11"]),
    ("A|hour|gte", 22, ["2024-03-05 22:00:00", "2024-03-05 23:59:59"], ["2024-03-05 21:59:59", None]),
    ("A|hour", [1, 2], ["2024-03-05 01:00:00"], ["2024-03-05 03:00:00"]),
    # A multi-valued field: any of its values.
    ("A", "x", [["y", "X"], ["x", None]], [["y", "xx"], [None]]),
    ("A|contains|all", ["x", "y"], [["ax", "by"]], [["ax", "bx"]]),
    ("A|neq", "x", [["y", "z"]], [["y", "x"]]),
]


@pytest.mark.parametrize(("key", "value", "hits", "misses"), CASES)
def test_an_item_matches_its_hits_and_no_near_miss(
    key: str, value: Any, hits: list[Value], misses: list[Value]
) -> None:
    wrong = [hit for hit in hits if not holds(key, value, A=hit)] + [
        miss for miss in misses if holds(key, value, A=miss)
    ]
    assert wrong == []


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("value", ["ab", "foobar", "/bin/bash -i", "éü", "a\\b'c\""])
@pytest.mark.parametrize("names", ["", "wide|", "utf16|", "utf16be|"])
def test_base64offset_finds_the_value_at_any_offset_in_encoded_text(shift: int, value: str, names: str) -> None:
    mark, codec = {"": (b"", "utf-8"), "wide|": (b"", "utf-16-le"), "utf16be|": (b"", "utf-16-be")}.get(
        names, (b"\xff\xfe", "utf-16-le")
    )
    data = mark + value.encode(codec)
    for before, after in ((b"x" * shift, b"zz"), (b"yyy" + b"\xff" * shift, b""), (b"\0" * shift, b"q")):
        text = base64.b64encode(before + data + after).decode()
        assert holds(f"A|{names}base64offset|contains", value, A=text)
        other = base64.b64encode(before + data[:1] + bytes([data[1] ^ 0x41]) + data[2:] + after).decode()
        assert not holds(f"A|{names}base64offset|contains|cased", value, A=other)


def test_expand_puts_values_in_place_of_placeholders() -> None:
    values: dict[str, list[str | int]] = {"name": ["srv*", "b\\"], "n": [7]}
    assert holds("A|expand", "%name%", values, A="SRV12")
    assert holds("A|expand", "x%name%*", values, A="xb\\yz")
    assert not holds("A|expand", "x%name%*", values, A="xb*")
    assert not holds("A|expand", "%name%", values, A="xsrv")
    assert holds("A|expand", r"\%plain%name%", values, A="%plainsrv")
    assert not holds("A|expand", r"\%plain%name%", values, A="plainsrv")
    assert holds("A", "%name%", values, A="%NAME%")
    assert not holds("A", "%name%", values, A="srv1")
    assert holds("A|contains|expand", "%n%%n%", values, A="x77x")
    assert holds("A|expand|contains|all", ["%name%", "%n%"], values, A="7srv")
    assert not holds("A|expand|contains|all", ["%name%", "%n%"], values, A="srv")
    assert holds("A|expand", "50% off 100 %", values, A="50% off 100 %")
    with pytest.raises(RuleError, match="%other% has no value"):
        holds("A|expand", "%other%", values, A="x")


def test_fieldref_compares_two_fields_of_the_event() -> None:
    assert holds("A|fieldref", "B", A="Abc", B="aBC")
    assert not holds("A|fieldref", "B", A="abc", B="abd")
    assert not holds("A|fieldref", "B", A="abc", B="a*")
    assert not holds("A|fieldref", "B", A="abc")
    assert not holds("A|fieldref", "B", B="abc")
    assert not holds("A|fieldref", "B")
    assert holds("A|fieldref|startswith", "B", A="abc", B="AB")
    assert not holds("A|fieldref|startswith", "B", A="abc", B="bc")
    assert holds("A|fieldref|endswith", "B", A="abc", B="BC")
    assert not holds("A|fieldref|endswith", "B", A="abc", B="ab")
    assert holds("A|fieldref|contains", "B", A="abc", B="b")
    assert not holds("A|contains|fieldref", "B", A="b", B="abc")
    assert not holds("A|fieldref|cased", "B", A="a", B="A")
    assert holds("A|fieldref", ["B", "C"], A="1", B="2", C=1)
    assert holds("A|fieldref", "B", A=1, B=1.0)
    assert not holds("A|fieldref", "B", A=1, B=2)
    assert holds("A|fieldref|neq", "B", A="a", B="b")
    assert holds("A|fieldref|neq", "B", A="a")
    assert not holds("A|fieldref|neq", "B", A="a", B="A")
    assert holds("A|fieldref", "B", A=["x", "y"], B=["z", "Y"])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("A|contians", "x", "unknown modifier contians"),
        ("A|", "x", "unknown modifier"),
        ("A|contains|startswith", "x", "contradict"),
        ("A|contains|contains", "x", "contradict"),
        ("A|lt|gt", 1, "combined"),
        ("A|i", "x", "belong to re"),
        ("A|re|contains", "x", "combined"),
        ("A|cidr|cased", "10.0.0.0/8", "combined"),
        ("A|windash|expand", "-%x%", "combined"),
        ("A|cidr", "10.0.0.1/8", "host bits"),
        ("A|cidr", "x", "x"),
        ("A|exists", "yes", "true or false"),
        ("A|fieldref", 1, "name of another"),
        ("A|gt", "5", "number"),
        ("A|hour", "5", "number"),
        ("A|gt", True, "number"),
        ("A|contains", None, "null"),
        ("A|base64", "a*b", "wildcard"),
        ("A|wide", "ab", "UTF-16"),
        ("A|base64|wide", "ab", "UTF-16"),
        ("A|base64|base64offset", "ab", "UTF-16"),
        ("A|base64offset|contains", "a", "too short"),
        ("A|base64", "", "empty"),
        ("A", [], "no value"),
        ("A", {"B": "x"}, "must be a string"),
        ("A", [["x"]], "must be a string"),
    ],
)
def test_what_has_no_meaning_is_refused(key: str, value: Any, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        holds(key, value, A="x")


@pytest.mark.parametrize(
    "regex",
    [
        *("(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?P<n>a)(?P=n)", "(?>a)", "a*+", "a++", "a{2}+", "(?#x)a"),
        *(
            "[[:alpha:]]",
            r"\pL",
            r"\p{Lu}",
            r"\Ka",
            r"\h",
            r"\Qa\E",
            r"a\Z",
            r"a\z",
            r"\v",
            r"\0",
            r"\u0041",
            r"\x{41}",
        ),
        *("a(?i)b", "(?x)a", "(?L)a", "a{,3}", "a{1001}", "(", "[a", "a**", "\\", "(?1)", "(?(1)a|b)", r"[\b]"),
    ],
)
def test_a_regular_expression_that_engines_read_differently_is_refused(regex: str) -> None:
    with pytest.raises(UnsupportedRegexError):
        holds("A|re", regex, A="a")


def test_every_modifier_has_cases_here() -> None:
    shown = {name for key, *_ in CASES for name in key.split("|")[1:]}
    assert shown - MODIFIERS == set()
    assert MODIFIERS - shown == {"base64offset", "expand", "fieldref"}
