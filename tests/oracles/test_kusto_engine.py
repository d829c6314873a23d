"""The engine runs KQL as Kusto does, where the tests of the backend rely on it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import TypeAlias

import duckdb_kql
import pytest
import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles.kusto_engine import KustoEngine, plain_literals
from processor import processor_seconds
from sigma_t1020.kusto_language.language import kusto_language

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)
START = 1_704_067_200_000
"""NOW in milliseconds."""

MINUTES = 60_000

SCHEMA = {
    "Events": {"Id": "long", "Host": "string", "At": "datetime", "Text": "string", "On": "bool", "Bag": "dynamic"},
    "Others": {"Id": "long", "Host": "string", "At": "datetime", "Address": "string"},
}


@pytest.fixture
def engine() -> Iterator[KustoEngine]:
    with KustoEngine(SCHEMA) as made:
        yield made


def ids(engine: KustoEngine, condition: str, table: str = "Events") -> list[str]:
    return sorted(str(row["Id"]) for row in engine.query(f"{table} | where {condition} | project Id", NOW))


def test_a_column_that_is_not_given_has_kustos_default(engine: KustoEngine) -> None:
    engine.load("Events", [{"Id": 1}, {"Text": None}, {}])
    empty = {"Id": None, "Host": "", "At": None, "Text": "", "On": None, "Bag": None}
    assert engine.query("Events", NOW) == [{**empty, "Id": 1}, empty, empty]
    assert len(engine.query("Events | where isempty(Text) and Text == '' and isnull(At)", NOW)) == 3


def test_values_come_back_as_they_went_in(engine: KustoEngine) -> None:
    row = {"Id": 2**60, "Host": "\u2028\U0001f600\x00'\"\\", "On": False, "Bag": {"a": [1, "x", None]}}
    engine.load("Events", [{**row, "At": START + 1}])
    engine.load("Events", [{**row, "At": NOW + timedelta(milliseconds=1)}])
    engine.load("Events", [{**row, "At": NOW.replace(tzinfo=None) + timedelta(milliseconds=1)}])
    expected = {**row, "At": NOW + timedelta(milliseconds=1), "Text": ""}
    assert engine.query("Events", NOW) == [expected] * 3


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"No": 1}, ValueError),
        ({"Id": "1"}, TypeError),
        ({"Text": 1}, TypeError),
        ({"On": 1}, TypeError),
        ({"At": "x"}, TypeError),
    ],
)
def test_a_row_that_does_not_fit_is_refused(engine: KustoEngine, row: dict[str, object], kind: type[Exception]) -> None:
    with pytest.raises(kind, match="Events"):
        engine.load("Events", [row])


def test_an_unknown_table_is_refused(engine: KustoEngine) -> None:
    with pytest.raises(ValueError, match="no table 'Missing'"):
        engine.load("Missing", [{}])


@pytest.mark.parametrize(("name", "column"), [("sentinel", "TimeGenerated"), ("defender", "Timestamp")])
def test_a_products_tables_can_be_queried_without_rows(name: str, column: str) -> None:
    with KustoEngine("sentinel" if name == "sentinel" else "defender") as engine:
        assert engine.query(f"DeviceProcessEvents | where {column} > ago(1d)", NOW) == []


def test_now_is_what_the_query_is_given(engine: KustoEngine) -> None:
    engine.load("Events", [{"Id": n, "At": START - n * MINUTES} for n in (0, 59, 60, 61)])
    assert ids(engine, "At >= ago(1h)") == ["0", "59", "60"]
    assert ids(engine, "At > ago(1h)") == ["0", "59"]


def test_a_look_ahead_is_refused(engine: KustoEngine) -> None:
    with pytest.raises(duckdb_kql.KqlUnsupportedError, match="lookaround"):
        engine.query('Events | where Text matches regex "(?=a)"', NOW)


def test_100_000_rows_load_in_seconds(engine: KustoEngine) -> None:
    start = processor_seconds()
    rows = ({"Id": n, "Host": f"host-{n % 500}", "At": START + n, "Text": "x" * 60} for n in range(100_000))
    assert engine.load("Events", rows) == 100_000
    # About one second; the bound leaves room for a slow machine.
    assert processor_seconds() - start < 10
    assert engine.query("Events | summarize N = count(), Last = max(At)", NOW) == [
        {"N": 100_000, "Last": NOW + timedelta(milliseconds=99_999)}
    ]


NEEDLES = ["\\Users\\", ".zip.", "-T ", " --upload-file=", "://", '"', "%", "_", ".*", "\\\\", "\u00a7"]


def test_has_equals_contains_where_both_edges_are_not_alphanumeric(engine: KustoEngine) -> None:
    dice = random.Random(2)
    pieces = [
        *NEEDLES,
        *(needle.swapcase() for needle in NEEDLES),
        "a",
        "B",
        "7",
        "\u00e9",
        "\u4e2d",
        " ",
        "/",
        "users",
    ]
    texts = ["".join(dice.choices(pieces, k=dice.randint(0, 6))) for _ in range(3000)]
    engine.load("Events", [{"Id": n, "Text": text} for n, text in enumerate(texts)])
    for needle in NEEDLES:
        literal = '"' + needle.replace("\\", "\\\\").replace('"', '\\"') + '"'
        expected = sorted(str(n) for n, text in enumerate(texts) if needle.lower() in text.lower())
        assert 100 < len(expected) < 2900
        assert ids(engine, f"Text has {literal}") == expected, needle
        assert ids(engine, f"Text contains {literal}") == expected, needle


def test_has_is_a_whole_term_where_an_edge_is_alphanumeric(engine: KustoEngine) -> None:
    texts = ["UploadFile", "UploadFileAsync", "x.uploadfile(", "_UploadFile_", "\u00e9UploadFile", "ReUploadFile"]
    engine.load("Events", [{"Id": n, "Text": text} for n, text in enumerate(texts)])
    assert ids(engine, 'Text has "UploadFile"') == ["0", "2", "3"]
    assert ids(engine, 'Text contains "UploadFile"') == ["0", "1", "2", "3", "4", "5"]


def test_equality_and_prefixes_disregard_case_unless_asked(engine: KustoEngine) -> None:
    engine.load(
        "Events", [{"Id": n, "Text": text} for n, text in enumerate(["cURL.exe", "curl.exe", "\u00c9T\u00c9.exe"])]
    )
    assert ids(engine, 'Text =~ "CURL.EXE"') == ids(engine, 'Text in~ ("CURL.exe")') == ["0", "1"]
    assert ids(engine, 'Text == "curl.exe"') == ids(engine, 'Text in ("curl.exe")') == ["1"]
    assert ids(engine, 'Text startswith "\u00e9t\u00e9"') == ids(engine, 'Text =~ "\u00e9t\u00e9.EXE"') == ["2"]
    assert ids(engine, 'Text endswith_cs ".EXE"') == []


def test_equality_with_null_is_two_valued_and_order_is_not(engine: KustoEngine) -> None:
    engine.load("Events", [{"Id": 1, "On": True}, {"Id": 2, "On": False}, {"Id": 3}])
    assert ids(engine, "not(On == true)") == ids(engine, "On != true") == ["2", "3"]
    engine.load("Others", [{"Id": 5}, {}])
    assert len(engine.query("Others | where not(Id > 5)", NOW)) == 1
    assert len(engine.query("Others | where not(Id == 5)", NOW)) == 1


@pytest.mark.parametrize("condition", ["At between (Since .. (Since + 5m))", "At >= Since and At <= Since + 5m"])
def test_a_time_window_includes_both_ends_to_the_millisecond(engine: KustoEngine, condition: str) -> None:
    offsets = [-1, 0, 1, 5 * MINUTES - 1, 5 * MINUTES, 5 * MINUTES + 1]
    engine.load("Events", [{"Id": offset, "At": START + offset} for offset in offsets])
    kql = f"Events | extend Since = datetime(2024-01-01) | where {condition} | sort by Id asc | project Id"
    assert [row["Id"] for row in engine.query(kql, NOW)] == offsets[1:5]


Log: TypeAlias = list[dict[str, int | str]]


def joined_by_hand(events: Log, others: Log, width: int) -> set[tuple[object, object]]:
    """Ids of the pairs on one host of which the second comes at most `width` milliseconds after the first."""
    return {
        (first["Id"], second["Id"])
        for first in events
        for second in others
        if first["Host"] == second["Host"] and 0 <= int(second["At"]) - int(first["At"]) <= width
    }


def random_log(dice: random.Random, count: int) -> Log:
    """Events on few hosts, close together, many at the edges of the clock's 5-minute bins."""
    return [
        {
            "Id": number,
            "Host": f"h{dice.randint(1, 4)}",
            "At": START + dice.randint(0, 12) * 5 * MINUTES + dice.choice([0, 0, -1, 1, dice.randint(0, 5 * MINUTES)]),
        }
        for number in range(count)
    ]


BUCKETED_JOIN = """
let W = 5m;
let Hosts = materialize(Events | distinct Host);
let Second = Others | where Host in (Hosts) | project Id2 = Id, Host, At2 = At, Bucket = bin(At, W);
Events
| extend Bucket = pack_array(bin(At, W), bin(At, W) + W)
| mv-expand Bucket to typeof(datetime)
| join kind=inner (Second) on Host, Bucket
| where At2 between (At .. (At + W))
| project Id, Id2
"""
"""The idiom of Microsoft's page 'Time window join': the earlier side goes into its own bin and the next one."""


def test_the_time_bucket_join_finds_the_pairs_of_the_plain_one(engine: KustoEngine) -> None:
    dice = random.Random(3)
    events, others = random_log(dice, 150), random_log(dice, 150)
    engine.load("Events", events)
    engine.load("Others", others)
    second = "Others | project Id2 = Id, Host, At2 = At"
    plain = f"Events | join kind=inner ({second}) on Host | where At2 >= At and At2 <= At + 5m"
    expected = joined_by_hand(events, others, 5 * MINUTES)
    assert len(expected) > 500
    for kql in (BUCKETED_JOIN, plain):
        rows = engine.query(kql, NOW)
        assert len(rows) == len(expected)
        assert {(row["Id"], row["Id2"]) for row in rows} == expected


def test_evidence_is_gathered_into_sets(engine: KustoEngine) -> None:
    seen = [("a", "1.1.1.1"), ("a", "2.2.2.2"), ("a", "1.1.1.1"), ("b", ""), ("b", "3.3.3.3")]
    engine.load("Others", ({"Host": h, "Address": a, "At": START + n} for n, (h, a) in enumerate(seen)))
    gathered = "N = count(), S = make_set(Address), First = min(At), Last = max(At)"
    kql = f"Others | summarize {gathered} by Host | sort by Host asc"
    first, second = engine.query(kql, NOW)
    assert isinstance(first["S"], list)
    assert isinstance(second["S"], list)
    assert (first["N"], sorted(first["S"])) == (3, ["1.1.1.1", "2.2.2.2"])
    assert (second["N"], sorted(second["S"])) == (2, ["", "3.3.3.3"])
    assert (first["First"], first["Last"]) == (NOW, NOW + timedelta(milliseconds=2))


@pytest.mark.parametrize("keys", ["(Others | distinct Host)", "Hosts"])
def test_a_semi_join_by_in(engine: KustoEngine, keys: str) -> None:
    engine.load("Events", [{"Id": n, "Host": host} for n, host in enumerate(["a", "b", "c", ""])])
    engine.load("Others", [{"Host": "a"}, {"Host": "a"}, {"Host": "c"}])
    rows = engine.query(f"let Hosts = materialize(Others | distinct Host); Events | where Host in ({keys})", NOW)
    assert sorted(str(row["Host"]) for row in rows) == ["a", "c"]


def test_what_is_materialized_can_be_joined_with_itself(engine: KustoEngine) -> None:
    engine.load("Events", [{"Id": 1, "Host": "a"}, {"Id": 2, "Host": "a"}, {"Id": 3, "Host": "b"}])
    kql = "let E = materialize(Events | where Id < 3); E | join kind=inner E on Host | summarize N = count()"
    assert engine.query(kql, NOW) == [{"N": 4}]


@pytest.mark.parametrize("number", [20, 200_000])
def test_row_cumsum_sums_up_in_the_order_of_the_sort(number: int) -> None:
    rng = random.Random(number)
    rows = [
        {"K": f"k{rng.randrange(number // 10)}", "N": rng.randrange(10**6), "D": rng.choice((-1, 0, 1))}
        for _ in range(number)
    ]
    with KustoEngine({"Rows": {"K": "string", "N": "long", "D": "long"}}) as engine:
        engine.load("Rows", rows)
        kql = "Rows | sort by K asc, N asc, D desc | extend Sum = row_cumsum(D) | where D == 1 | project K, N, Sum"
        found = [(row["K"], row["N"], row["Sum"]) for row in engine.query(kql, NOW)]
    ordered = sorted(rows, key=lambda row: (row["K"], row["N"], -int(row["D"])))
    sums = itertools.accumulate(int(row["D"]) for row in ordered)
    assert found == [(row["K"], row["N"], total) for row, total in zip(ordered, sums, strict=True) if row["D"] == 1]


LITERALS = [
    '"a\\\\b\\"c\\t\\n\\r\\u2028\\x41\\101\\a\\b\\f\\v"',
    '"\\ud83d\\ude00 \\\\u0041 \\\\\\\\x41"',
    "'it\\'s \"quoted\"'",
    '@"C:\\Users\\""x"""',
    "@'it''s'",
    'h"hidden"',
    "H@'C:\\x'",
    '```two\nlines "and" a \\ ```',
    "~~~tilde\r\n~~~",
    '"http://not.a/comment"',
    '"\u2028\U0001f600\x01\ufeff"',
    '""',
]


@pytest.mark.parametrize("literal", LITERALS)
def test_the_engine_decodes_literals_as_microsofts_parser(engine: KustoEngine, literal: str) -> None:
    kql = f'print X = {literal} // "not a literal'
    (value,) = kusto_language().string_literals(kql)
    assert kusto_language().string_literals(plain_literals(kql)) == [value]
    assert engine.query(kql, NOW) == [{"X": value}]


@given(st.text(st.sampled_from("\\\"'un0x41@h`~/\n\r\t\u2028\U0001f600 "), max_size=12))
@volumes.examples(300)
def test_any_text_survives_the_rewriting_of_literals(text: str) -> None:
    value = text.replace("\r", "").replace("\n", "")
    for literal in ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"', "@'" + value.replace("'", "''") + "'"):
        kql = f"Events | where Text == {literal} and Host == 'h'"
        assert kusto_language().string_literals(kql) == [value, "h"]
        assert plain_literals(plain_literals(kql)) == plain_literals(kql)
        assert kusto_language().string_literals(plain_literals(kql)) == [value, "h"]
