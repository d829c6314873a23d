"""What the engine decides where the examples of the pages do not reach: indices, types, readings, refusals."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from types import ModuleType
from typing import Any

import pytest
from oracles.esql_engine import EsqlEngine
from oracles.esql_grammar import EsqlError, EsqlUnsupported
from oracles.esql_values import ALL_READINGS, Readings

NOW = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
MAPPING = {
    "@timestamp": "date",
    "host": "keyword",
    "cmd": "wildcard",
    "size": "long",
    "port": "integer",
    "ratio": "double",
    "ip": "ip",
    "flag": "boolean",
    "note": "text",
    "build": "version",
    "place": "geo_point",
}


def run(query: str, *documents: Mapping[str, object], **options: Any) -> list[dict[str, object]]:
    return EsqlEngine({"logs": documents}, {"logs": MAPPING}, **options).query(query, NOW)


def values(expression: str, *documents: Mapping[str, object], **options: Any) -> list[object]:
    rows = run(f"FROM logs | EVAL result = {expression} | KEEP result", *documents, **options)
    return [row["result"] for row in rows]


@pytest.fixture
def regexes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for Lucene's regexes: those of Python."""
    import re

    class LuceneRegexError(ValueError):
        pass

    def matches(pattern: str, text: str, *, ignore_case: bool) -> bool:
        try:
            return bool(re.fullmatch(pattern, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)))
        except re.error as failure:
            raise LuceneRegexError(str(failure)) from failure

    module: Any = ModuleType("oracles.lucene_regexp")
    module.matches, module.LuceneRegexError = matches, LuceneRegexError
    monkeypatch.setitem(sys.modules, "oracles.lucene_regexp", module)


TWO = EsqlEngine(
    {
        "logs-a": [{"x": 1, "both": "a"}],
        "logs-b": [{"y": "q", "both": "b"}],
        "other": [{"x": "text", "both": "c"}],
    },
    {
        "logs-a": {"x": "long", "both": "keyword"},
        "logs-b": {"y": "keyword", "both": "wildcard"},
        "other": {"x": "keyword", "both": "keyword"},
    },
)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ("logs-*", "ab"),
        ("logs-b,logs-a", "ba"),
        ("*", "abc"),
        ("*,-other", "ab"),
        ("*,-logs-*", "c"),
        ('"logs-a,other"', "ac"),
        ("other,logs-a,other", "ca"),
    ],
)
def test_indices_are_found_by_their_patterns(patterns: str, found: str) -> None:
    assert "".join(str(row["both"]) for row in TWO.query(f"FROM {patterns} | KEEP both", NOW)) == found


@pytest.mark.parametrize("patterns", ["missing", "logs-a,missing", "missing*", "logs-a,-logs-*"])
def test_an_index_that_is_not_there_is_an_error(patterns: str) -> None:
    with pytest.raises(EsqlError, match="Unknown index"):
        TWO.query(f"FROM {patterns}", NOW)


def test_a_field_of_another_index_is_null() -> None:
    assert TWO.query("FROM logs-* | SORT both", NOW) == [
        {"both": "a", "x": 1, "y": None},
        {"both": "b", "x": None, "y": "q"},
    ]
    with pytest.raises(EsqlError, match="Unknown column"):
        TWO.query("FROM logs-a | WHERE y == 1", NOW)


def test_a_field_of_two_types_cannot_be_used_but_is_there() -> None:
    assert TWO.query("FROM logs-a,other | SORT both", NOW) == [{"both": "a", "x": None}, {"both": "c", "x": None}]
    for use in ("WHERE x IS NULL", "SORT x", "EVAL z = x::LONG", "STATS COUNT(x)", "STATS COUNT(*) BY x"):
        with pytest.raises(EsqlError, match="ambiguities"):
            TWO.query(f"FROM logs-a,other | {use}", NOW)


def test_columns_come_in_the_order_of_their_names_and_metadata_last() -> None:
    rows = EsqlEngine({"i": [{"b": 1, "a": 2, "_id": "k"}, {}]}, {"i": {"b": "long", "a": "long"}}).query(
        "FROM i METADATA _version, _id, _index", NOW
    )
    assert [list(row.items()) for row in rows] == [
        [("a", 2), ("b", 1), ("_version", 1), ("_id", "k"), ("_index", "i")],
        [("a", None), ("b", None), ("_version", 1), ("_id", "i-1"), ("_index", "i")],
    ]
    with pytest.raises(EsqlError, match="Unknown column"):
        run("FROM logs | KEEP _id")
    with pytest.raises(EsqlUnsupported, match="_source"):
        run("FROM logs METADATA _source")


@pytest.mark.parametrize(
    ("field", "sent", "held"),
    [
        ("host", ["b", "a", "b"], ["a", "b"]),
        ("host", ["a", "a"], "a"),
        ("host", [], None),
        ("host", [None], None),
        ("host", "", ""),
        ("size", [3, 1, 3], [1, 3, 3]),
        ("ratio", 1, 1.0),
        ("ip", "::ffff:10.0.0.1", "10.0.0.1"),
        ("ip", ["10.0.0.2", "9.0.0.1", "::1"], ["::1", "9.0.0.1", "10.0.0.2"]),
        ("ip", "2001:DB8:0::1", "2001:db8::1"),
        ("flag", [True, False], [False, True]),
        ("note", ["b", "a", "b"], ["b", "a", "b"]),
        ("@timestamp", "2024-01-01T00:00:00Z", 1704067200000),
        ("@timestamp", "2024-01-01T01:00:00.5+01:00", 1704067200500),
        ("@timestamp", 1704067200000, 1704067200000),
        ("@timestamp", datetime(2024, 1, 1), 1704067200000),
    ],
)
def test_what_a_field_holds(field: str, sent: object, held: object) -> None:
    assert run(f"FROM logs | KEEP `{field}`", {field: sent}) == [{field: held}]


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("host", 1),
        ("size", "1"),
        ("size", 2**63),
        ("port", 2**31),
        ("flag", 1),
        ("size", True),
        ("ip", "10.0.0"),
        ("@timestamp", "yesterday"),
        ("@timestamp", "2024-02-30"),
        ("ratio", float("nan")),
    ],
)
def test_what_a_field_cannot_hold(field: str, sent: object) -> None:
    with pytest.raises(TypeError):
        run("FROM logs", {field: sent})


def test_a_field_without_a_mapping_is_an_error() -> None:
    with pytest.raises(ValueError, match="no mapping"):
        run("FROM logs", {"nothing": 1})


@pytest.mark.parametrize(
    "condition",
    [
        'size == "1"',
        "host == 1",
        "host > 1",
        "flag == 1",
        "flag > true",
        "ip == 1",
        "ip == host",
        "@timestamp == 1704067200000",
        "@timestamp > host",
        '@timestamp > "today"',
        'ip == "10.0.0"',
        'flag == "yes"',
        "host AND flag",
        "host",
        "NOT size",
        "size LIKE host",
        'ip LIKE "10.*"',
        'TO_LOWER(ip) == "x"',
        "LENGTH(size) > 1",
        'STARTS_WITH(ip, "10.")',
        'CONCAT(host, size) == "x"',
        'CIDR_MATCH(host, "10.0.0.0/8")',
        "CIDR_MATCH(ip, 8)",
        'host IN ("a", 1)',
        "-host == 1",
        "host + 1 == 2",
        "@timestamp - @timestamp > 1",
        "@timestamp + 1 > NOW()",
        "SUBSTRING(host, size) IS NULL",
        'MV_CONCAT(size, ",") IS NULL',
        "MV_SUM(host) > 1",
        'COALESCE(size, "x") == 1',
        "CASE(host, 1, 2) == 1",
        "GREATEST(size, host) == 1",
        "TO_IP(size) IS NULL",
        "DATE_TRUNC(5, @timestamp) IS NULL",
        "DATE_TRUNC(5 minutes, host) IS NULL",
        'DATE_EXTRACT("year", host) == 1',
        "5 minutes == 5 minutes",
        "size:true",
        "host:1",
        "COUNT(*) > 1",
        "LENGTH() == 1",
        "LENGTH(host, host) == 1",
        "nothing == 1",
        "place IS NULL",
        'MV_SORT(host, "up") IS NULL',
        'SPLIT(host, "ab") IS NULL',
    ],
)
def test_the_verifier_refuses(condition: str) -> None:
    with pytest.raises(EsqlError) as refusal:
        run(f"FROM logs | WHERE {condition}")
    assert type(refusal.value) is EsqlError


@pytest.mark.parametrize(
    "query",
    [
        "STATS SUM(host)",
        "STATS AVG(@timestamp)",
        "STATS size",
        "STATS COUNT(*) + size BY host",
        "STATS MAX(COUNT(*))",
        'STATS TOP(size, 0, "asc")',
        'STATS TOP(size, 1, "up")',
        "STATS COUNT(*) WHERE size",
        "STATS MAX(*)",
        "STATS host BY host",
        "EVAL x = BUCKET(size, 5)",
        "STATS COUNT(*) BY ABS(BUCKET(size, 5))",
        "EVAL x = 5 minutes",
        "MV_EXPAND nothing",
        "SORT nothing",
        "SORT place",
        "DROP nothing",
        "KEEP x*",
        "RENAME ho* AS x",
        "LIMIT -1",
        'STATS COUNT(*) | WHERE host == "x"',
    ],
)
def test_the_verifier_refuses_a_command(query: str) -> None:
    with pytest.raises(EsqlError) as refusal:
        run(f"FROM logs | {query}")
    assert type(refusal.value) is EsqlError


@pytest.mark.parametrize(
    "query",
    [
        'FROM logs | DISSECT host "%{a}"',
        'FROM logs | GROK host "%{WORD:a}"',
        "FROM logs | ENRICH policy",
        "FROM logs | LOOKUP JOIN other ON host",
        "FROM logs | FORK (WHERE size > 1) (WHERE size < 1)",
        "FROM logs | INLINESTATS COUNT(*) BY host",
        "FROM logs | SAMPLE 0.1",
        "SHOW INFO",
        "FROM logs | WHERE host == ?",
        'FROM logs | WHERE MATCH(host, "x")',
        'FROM logs | WHERE QSTR("x")',
        'FROM logs | WHERE note:"x"',
        'FROM logs | WHERE ip:"10.0.0.0/8"',
        'FROM logs | WHERE @timestamp:"2024-01-01"',
        'FROM logs | RENAME host AS h | WHERE h:"x"',
        'FROM logs | MV_EXPAND host | WHERE host:"x"',
        'FROM logs | WHERE host::KEYWORD : "x"',
        "FROM logs | EVAL x = size::UNSIGNED_LONG",
        "FROM logs | EVAL x = 9223372036854775808",
        "FROM logs | EVAL x = CASE(flag, 1, 1.5)",
        "FROM logs | EVAL x = DATE_TRUNC(7 minutes, @timestamp)",
        "FROM logs | EVAL x = DATE_TRUNC(2 months, @timestamp)",
        "FROM logs | STATS COUNT(*) BY BUCKET(@timestamp, 20, NOW() - 1 day, NOW())",
        "FROM logs | STATS MEDIAN(size)",
        'FROM logs | STATS COUNT(*) WHERE host:"x"',
        "FROM logs | STATS MAX(size) BY size = size % 2",
        "FROM logs | STATS MAX(s) BY s = size % 2",
        "FROM logs | SORT build",
        "FROM logs | EVAL x = (1 day + 1 day)",
    ],
)
def test_what_is_left_out_is_refused(query: str) -> None:
    with pytest.raises(EsqlUnsupported):
        run(query)


@pytest.mark.parametrize(
    ("expression", "document"),
    [
        ("LEFT(host, -1)", {"host": "a"}),
        ("LOCATE(host, host, 0)", {"host": "a"}),
        ("REVERSE(host)", {"host": "é"}),
        ('REPLACE(host, "(?i)a", "b")', {"host": "a"}),
        ('REPLACE(host, "(a)", "$1")', {"host": "a"}),
        ("GREATEST(size, 1::LONG)", {"size": [1, 2]}),
        ("MV_SLICE(size, 0, -1)", {"size": [1, 2]}),
        ('MV_ZIP(host, SUBSTRING(null, 1), "-")', {"host": "a"}),
        ("CIDR_MATCH(ip, host)", {"ip": "10.0.0.1", "host": "10.0.0.1"}),
    ],
)
def test_what_no_page_tells_of_a_value_is_refused(expression: str, document: Mapping[str, object]) -> None:
    with pytest.raises(EsqlUnsupported):
        values(expression, document)


def test_functions_are_those_of_the_version() -> None:
    with pytest.raises(EsqlError, match="Unknown function"):
        values('CONTAINS(host, "a")', {"host": "bab"})
    assert values('CONTAINS(host, "a")', {"host": "bab"}, version="9.2") == [True]
    assert run("FROM logs | RENAME h = host | KEEP h", {"host": "x"}) == [{"h": "x"}]


def test_several_values_warn_and_are_null() -> None:
    engine = EsqlEngine({"logs": [{"host": ["a", "b"], "size": [1, 2]}]}, {"logs": MAPPING})
    assert engine.query('FROM logs | WHERE host == "a" OR size + 1 > 0', NOW) == []
    reason = "failed, treating result as null: single-value function encountered multi-value"
    assert engine.warnings == [f'evaluation of [host == "a"] {reason}', f"evaluation of [size + 1] {reason}"]
    engine.query("FROM logs", NOW)
    assert engine.warnings == []


@pytest.mark.parametrize(
    "expression",
    [
        'host != "a"',
        'host LIKE "a*"',
        'host IN ("a")',
        'CONCAT(host, "x")',
        'STARTS_WITH(host, "a")',
        "LENGTH(host)",
        "-size",
        "ABS(size)",
        'REPLACE(host, "a", "b")',
        'NOT host == "a"',
        "SUBSTRING(host, 1)",
        "size > 0 AND size < 5",
        'host RLIKE "a.*"',
    ],
)
@pytest.mark.usefixtures("regexes")
def test_a_function_of_single_values_is_null_for_several(expression: str) -> None:
    assert values(expression, {"host": ["a", "b"], "size": [1, 2]}) == [None]
    assert values(expression, {}) == [None]


def test_what_takes_several_values() -> None:
    document = {"host": ["A", "B"], "size": [1, 2]}
    assert values("TO_LOWER(host)", document) == [["a", "b"]]
    assert values("TO_STRING(size)", document) == [["1", "2"]]
    assert values('COALESCE(host, "x")', document) == [["A", "B"]]
    assert values("CASE(size IS NOT NULL, host)", document) == [["A", "B"]]
    assert values("host IS NULL", document) == [False]
    assert values("MV_COUNT(host)", document, {}) == [2, None]


def test_an_empty_text_is_not_null() -> None:
    assert values('host == ""', {"host": ""}, {}) == [True, None]
    assert values('COALESCE(host, "x")', {"host": ""}, {}) == ["", "x"]
    assert values('CONCAT(host, "x")', {"host": ""}, {}) == ["x", None]


def test_values_have_an_order_that_nobody_relies_on() -> None:
    documents = [{"size": number} for number in range(8)]
    (row,) = run("FROM logs | STATS v = VALUES(size)", *documents)
    (other,) = run("FROM logs | STATS v = VALUES(size)", *documents, readings=Readings(upside_down=True))
    assert isinstance(row["v"], list)
    assert sorted(row["v"]) == list(range(8)) != row["v"]
    assert other["v"] == row["v"][::-1]


def test_what_has_no_order_is_turned_round() -> None:
    documents = [{"size": 1, "host": ["a", "b"]}, {"size": 2, "host": "c"}]
    turned = Readings(upside_down=True)
    assert [row["size"] for row in run("FROM logs", *documents, readings=turned)] == [2, 1]
    assert run("FROM logs | KEEP host | SORT host", *documents, readings=turned)[0] == {"host": ["b", "a"]}
    query = "FROM logs | SORT size | MV_EXPAND host | KEEP host"
    assert [row["host"] for row in run(query, *documents)] == ["a", "b", "c"]
    assert [row["host"] for row in run(query, *documents, readings=turned)] == ["c", "a", "b"]


CASED = [{"host": "Abc"}, {"host": "É"}, {}]


@pytest.mark.parametrize(
    ("expression", "insensitive", "ascii_", "plain"),
    [
        ('TO_LOWER(host) LIKE "A*"', [False] * 3, [False] * 3, [False, False, None]),
        ('NOT TO_LOWER(host) LIKE "A*"', [True] * 3, [True] * 3, [True, True, None]),
        ('TO_LOWER(host) == "ABC"', [False] * 3, [False] * 3, [False, False, None]),
        ('TO_LOWER(host) != "ABC"', [True] * 3, [True] * 3, [True, True, None]),
        ('TO_LOWER(host) RLIKE "A.*"', [False] * 3, [False] * 3, [False, False, None]),
        ('TO_LOWER(host) LIKE "é*"', [False, True, None], [False, False, None], [False, True, None]),
        ('TO_LOWER(host) LIKE "a*"', [True, False, None], [True, False, None], [True, False, None]),
        ('TO_LOWER(host) == "abc"', [True, False, None], [True, False, None], [True, False, None]),
        ('TO_UPPER(host) != "ABC"', [False, True, None], [False, True, None], [False, True, None]),
        ('TO_LOWER(host) RLIKE "a.*"', [True, False, None], [True, False, None], [True, False, None]),
        ('TO_UPPER(TO_LOWER(host)) LIKE "A*"', [True, False, None], [True, False, None], [True, False, None]),
        ('CONCAT(TO_LOWER(host), "") LIKE "A*"', [False, False, None], [False, False, None], [False, False, None]),
    ],
)
@pytest.mark.usefixtures("regexes")
def test_the_readings_of_casing(
    expression: str, insensitive: Sequence[object], ascii_: Sequence[object], plain: Sequence[object]
) -> None:
    assert values(expression, *CASED, readings=Readings(casing="insensitive")) == insensitive
    assert values(expression, *CASED, readings=Readings(casing="ascii")) == ascii_
    assert values(expression, *CASED, readings=Readings(casing="plain")) == plain


def test_the_reading_of_8_19_is_for_equality_alone() -> None:
    held = Readings(casing="equals")
    assert values('NOT TO_LOWER(host) == "ABC"', *CASED, readings=held) == [True, True, True]
    assert values('NOT TO_LOWER(host) LIKE "ABC"', *CASED, readings=held) == [True, True, None]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1.0"),
        (0.5, "0.5"),
        (1234567.0, "1234567.0"),
        (1e7, "1.0E7"),
        (1.25e10, "1.25E10"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (-2.5, "-2.5"),
    ],
)
def test_a_double_is_written_as_in_java(number: float, text: str) -> None:
    assert values("TO_STRING(ratio)", {"ratio": number}) == [text]


def test_a_casing_behind_a_column_is_plain_in_each_reading() -> None:
    query = 'FROM logs | EVAL h = TO_LOWER(host) | EVAL r = NOT h LIKE "A*" | KEEP r'
    for readings in ALL_READINGS:
        rows = run(query, {"host": "Abc"}, {}, readings=readings)
        assert sorted(map(str, (row["r"] for row in rows))) == ["None", "True"]


def test_the_readings_of_a_pattern_for_all() -> None:
    documents: list[Mapping[str, object]] = [{"host": "a"}, {}, {"host": ["a", "b"]}]
    assert values('host LIKE "*"', *documents) == [True, False, True]
    assert values('NOT host LIKE "**"', *documents) == [False, True, False]
    plain = Readings(all_is_not_null=False)
    assert values('host LIKE "*"', *documents, readings=plain) == [True, None, None]


def test_the_readings_of_a_missing_field_in_a_match() -> None:
    query = 'FROM logs | WHERE NOT host:"a" | KEEP size'
    documents = ({"host": "a", "size": 1}, {"size": 2}, {"host": "b", "size": 3}, {"host": ["a", "b"], "size": 4})
    assert [row["size"] for row in run(query, *documents)] == [2, 3]
    null = Readings(match_missing_is_null=True)
    assert [row["size"] for row in run(query, *documents, readings=null)] == [3]


@pytest.mark.usefixtures("regexes")
def test_rlike_is_the_whole_value() -> None:
    assert values('host RLIKE "a.c"', {"host": "abc"}, {"host": "abcd"}, {}) == [True, False, None]
    assert values('host NOT RLIKE "a.c"', {"host": "abc"}, {"host": "abcd"}, {}) == [False, True, None]
    with pytest.raises(EsqlError, match="Invalid regex"):
        values('host RLIKE "("', {"host": "abc"})
    with pytest.raises(EsqlError, match="must be \\[string\\]"):
        values('size RLIKE "1"', {"size": 1})


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"C:\\\\Users\\\\*", "C:\\Users\\x", True),
        (r"*\\\\x", "C:\\x", True),
        (r"a\\?", "ab", False),
        (r"a\\?", "a?", True),
        ("[a-z]*", "abc", False),
        ("a?c", "ac", False),
        ("*.exe", "x.EXE", False),
        ("", "", True),
        ("a**c", "ac", True),
    ],
)
def test_like(pattern: str, text: str, found: bool) -> None:
    assert values(f'cmd LIKE "{pattern}"', {"cmd": text}) == [found]


def test_a_time_is_cut_at_milliseconds_and_offsets_are_heeded() -> None:
    assert values('@timestamp == "2024-01-01T00:00:00.123456Z"', {"@timestamp": 1704067200123}) == [True]
    assert values('@timestamp == "2024-01-01T02:00:00+02:00"', {"@timestamp": 1704067200000}) == [True]
    assert values('@timestamp < "2024-01"', {"@timestamp": 1704067200000}) == [False]


def test_a_group_is_made_of_each_value_once() -> None:
    documents: list[Mapping[str, object]] = [{"size": [1, 1, 2]}, {"size": 1}, {}]
    assert run("FROM logs | STATS c = COUNT(*), n = COUNT(size) BY size | SORT size", *documents) == [
        {"c": 2, "n": 4, "size": 1},
        {"c": 1, "n": 3, "size": 2},
        {"c": 1, "n": 0, "size": None},
    ]


def test_count_distinct_is_exact_up_to_its_threshold() -> None:
    documents = [{"size": number} for number in range(8)]
    assert run("FROM logs | STATS c = COUNT_DISTINCT(size, 8)", *documents) == [{"c": 8}]
    with pytest.raises(EsqlUnsupported, match="approximate"):
        run("FROM logs | STATS c = COUNT_DISTINCT(size, 7)", *documents)


def test_the_limits() -> None:
    documents = [{"size": number} for number in range(30)]
    assert len(run("FROM logs", *documents, default_limit=10)) == 10
    assert len(run("FROM logs | LIMIT 25", *documents, default_limit=10)) == 25
    assert len(run("FROM logs | LIMIT 25", *documents, max_limit=20)) == 20
    assert len(run("FROM logs | LIMIT 25 | STATS COUNT(*) BY size", *documents, default_limit=10)) == 25
    assert run("FROM logs | STATS c = COUNT(*)", *documents, default_limit=10) == [{"c": 30}]
    assert len(run("FROM logs", *[{}] * 1500)) == 1000


def test_equal_rows_keep_their_order_when_sorted() -> None:
    documents = [{"size": number % 2, "port": number} for number in range(6)]
    rows = run("FROM logs | SORT size DESC | KEEP port", *documents)
    assert [row["port"] for row in rows] == [1, 3, 5, 0, 2, 4]


def test_a_query_leaves_the_documents_alone() -> None:
    engine = EsqlEngine({"logs": [{"size": [1, 2]}]}, {"logs": MAPPING})
    for _ in range(2):
        rows = engine.query("FROM logs | EVAL size = MV_MAX(size) | EVAL x = size + 1 | KEEP size, x", NOW)
        assert rows == [{"size": 2, "x": 3}]


def test_an_error_has_its_place() -> None:
    with pytest.raises(EsqlError, match=r"line 2:9: Unknown column \[nothing\]"):
        run("FROM logs\n| WHERE nothing == 1")


def test_thousands_of_documents() -> None:
    documents = [{"size": number, "host": f"h{number % 7}", "cmd": f"x {number}"} for number in range(5000)]
    rows = run(
        'FROM logs | EVAL c = TO_LOWER(cmd) | WHERE c LIKE "*9*" AND NOT host IN ("h1")'
        "| STATS n = COUNT(*), m = MAX(size) BY host | SORT host",
        *documents,
    )
    wanted = [number for number in range(5000) if "9" in str(number)]
    assert rows == [
        {"n": len(held), "m": max(held), "host": f"h{rest}"}
        for rest in range(7)
        if rest != 1
        for held in [[number for number in wanted if number % 7 == rest]]
    ]
