"""The engine of EQL: the pages' examples, what the verifier refuses, the readings, speed."""

from __future__ import annotations

from typing import Any

import pytest
from oracles.eql_engine import EqlEngine
from oracles.eql_examples import EXAMPLES, Example, at, column, letters, sequence
from oracles.eql_tokens import EqlError, EqlUnsupported
from oracles.eql_values import ALL_READINGS, SINGLE_DOUBTS, SOURCE, Readings
from processor import processor_seconds

MAPPING = {
    "event.category": "keyword",
    "f": "keyword",
    "n": "long",
    "ip": "ip",
    "b": "boolean",
    "t": "text",
    "d": "date",
}


def alerts(example: Example) -> list[list[object]]:
    """The `_id` of each event of each alert."""
    options: dict[str, Any] = dict(example.options)
    if "readings" in options:
        options["readings"] = Readings(**options["readings"])
    return [[event["_id"] for event in alert] for alert in EqlEngine(example.events, **options).query(example.query)]


@pytest.mark.parametrize("page", EXAMPLES)
def test_an_example_of_a_page(page: str) -> None:
    assert alerts(EXAMPLES[page]) == [list(alert) for alert in EXAMPLES[page].alerts]


def test_with_runs_is_the_events_written_out() -> None:
    events = letters("ABAABCBAC")
    short = '[any where f == "A"] with runs=3'
    engine = EqlEngine(events)
    assert engine.query(f'sequence {short} [any where f == "C"]') == engine.query(sequence("A", "A", "A", "C"))
    assert len(engine.query(f"sequence {short}")) == 2


@pytest.mark.parametrize(
    "condition",
    [
        'nothing == "a"',
        'not nothing : "a"',
        'true or nothing == "a"',
        "f == 1",
        'n == "1"',
        'f in ("a", 1)',
        'n : "1*"',
        "f : 1",
        "f like true",
        'f regex "a("',
        'n regex~ "1"',
        'f regex "' + "a" * 1001 + '"',
        'b == "true"',
        "f == true",
        "f",
        "n",
        '"a"',
        "1",
        't : "a"',
        "f == f",
        "f == n",
        "length(f) == n",
        'cidrMatch(f, "10.0.0.0/8")',
        'startsWith(n, "1")',
        "startsWith(f)",
        'startsWith(f, "a", "b")',
        "endsWith(f, 1)",
        'cidrMatch~(ip, "10.0.0.0/8")',
        "length(n) == 1",
        "length~(f) == 1",
        'length(f) == "1"',
        "ip == 1",
    ],
)
def test_the_verifier_refuses(condition: str) -> None:
    engine = EqlEngine([], mapping=MAPPING)
    with pytest.raises(EqlError) as refused:
        engine.query(f"any where {condition}")
    assert not isinstance(refused.value, EqlUnsupported), refused.value


@pytest.mark.parametrize(
    "query",
    [
        "any where d == 5",
        'any where @timestamp > "2024"',
        'any where f in ("a", null)',
        'any where "a" == "a"',
        'any where concat(f, "a") == "b"',
        'any where startsWith("abc", f)',
        'any where endsWith(f, "")',
        'any where cidrMatch(ip, "10.0.0.1")',
        'any where cidrMatch(ip, "::/0")',
        'any where ip == "10.0.0.0/8"',
        'any where ip > "10.0.0.0"',
        'any where (f == "a") == true',
        "any where length(f) == null",
        'any where f regex "a{3,2}"',
        'any where f regex~ "()"',
        'any where wildcard(f, "a*")',
    ],
)
def test_what_is_not_known_is_refused(query: str) -> None:
    with pytest.raises(EqlUnsupported):
        EqlEngine([], mapping=MAPPING).query(query)


def test_an_unknown_field_may_be_optional() -> None:
    engine = EqlEngine(column("a", None), mapping=MAPPING)
    with pytest.raises(EqlError, match="unknown column k"):
        engine.query("sequence by k [any where true] [any where true]")
    with pytest.raises(EqlError, match=r"unknown column event\.category"):
        EqlEngine([], mapping={"f": "keyword"}).query("process where true")
    assert len(engine.query("sequence by ?k [any where true] [any where true]")) == 1
    assert len(engine.query("any where ?k == null")) == 2
    # Reading absent_is_null; a field that has a mapping is another matter.
    assert engine.query('any where not ?k : "a"') == []
    assert len(EqlEngine(column("a"), mapping={**MAPPING, "k": "keyword"}).query('any where not ?k : "a"')) == 1


def test_a_null_constant_makes_three_values() -> None:
    engine = EqlEngine(column("x", "y", "z"), mapping=MAPPING)
    found = {
        'not (?k == "a" and f == "x")': "23",
        'not ((?k == "a" and f == "x") or f == "y")': "3",
        'not (?k == "a" or f == "x")': "",
        'not not (?k == "a" or f == "x")': "1",
        '?k != "a"': "",
        "f == null or f < null": "",
        "not (null and true)": "",
    }
    for condition, ids in found.items():
        assert "".join(str(alert[0]["_id"]) for alert in engine.query(f"any where {condition}")) == ids, condition


def test_without_a_mapping_the_values_tell_the_type() -> None:
    assert EqlEngine(column("a", None)).query('any where f == "a"')
    with pytest.raises(EqlError, match="f holds 1, and is compared with a text"):
        EqlEngine(column("a", 1)).query('any where f : "a"')
    with pytest.raises(EqlError, match="compared with a number"):
        EqlEngine(column("a")).query("any where f > 1")


def test_events_that_do_not_fit() -> None:
    for value in ({"a": 1}, ["a", 1], b"a", [True, 1]):
        with pytest.raises(TypeError):
            EqlEngine(column(value))
    with pytest.raises(TypeError):
        EqlEngine(column(1), mapping=MAPPING)
    with pytest.raises(EqlUnsupported):
        EqlEngine(column("10.0.0"), mapping={"f": "ip"})
    with pytest.raises(EqlUnsupported):
        EqlEngine(column("::ffff:10.0.0.1"), mapping={"f": "ip"})
    for moment in (None, 1.5, "2024-01-01", True):
        with pytest.raises(ValueError, match="milliseconds"):
            EqlEngine([{"@timestamp": moment}])


def test_booleans_and_numbers() -> None:
    engine = EqlEngine(at({"b": True, "n": 1}, {"b": False, "n": 2.5}, {}), mapping={**MAPPING, "n": "double"})
    found = {
        "b": "1",
        "not b": "23",
        "b == false": "2",
        "b != true": "23",
        "n == 1.0": "1",
        "n in (1, 2.5)": "12",
        "n != 1": "23",
        "-1 < n": "12",
        'string(b) == "true"': "1",
        'startsWith(f, "a") == false': "123",
    }
    for condition, ids in found.items():
        assert "".join(str(alert[0]["_id"]) for alert in engine.query(f"any where {condition}")) == ids, condition


def test_an_until_that_is_a_step_is_refused() -> None:
    with pytest.raises(EqlUnsupported, match="ends it"):
        EqlEngine(letters("AB")).query(sequence("A", "B", tail='until [any where f == "A"]'))


def test_a_key_of_several_values_is_refused() -> None:
    engine = EqlEngine(at({"k": ["a", "b"], "f": "A"}, {"k": "a", "f": "B"}))
    with pytest.raises(EqlUnsupported, match="joins by several values"):
        engine.query(sequence("A", "B", head="by k"))
    # An event that is no step is not asked for its key.
    assert engine.query(sequence("B", "B", head="by k")) == []


@pytest.mark.parametrize(
    ("doubt", "query", "values", "source", "otherwise"),
    [
        ("unequal_for_missing", 'any where f != "a"', (None, "b"), "12", "2"),
        ("functions_are_queries", 'any where not endsWith(f, "a")', (None, ["a", "b"]), "1", "2"),
        ("functions_read_wildcards", 'any where endsWith(f, "a*b")', ("a*b", "acb"), "12", "1"),
        ("functions_read_wildcards", 'any where endsWith(f, "\\\\ab")', ("x\\ab", "xab"), "12", "1"),
        ("unicode_case", 'any where f : "É" or f regex~ "é"', ("é", "É"), "12", "12"),
        ("unicode_case", 'any where f : "É*"', ("é", "Éa"), "2", "12"),
        ("unicode_case", 'any where f in~ ("É", "K")', ("é", "\u212a", "k"), "3", "123"),
        ("absent_is_null", 'any where not ?g == "a"', ("a",), "", "1"),
    ],
)
def test_a_doubt_has_two_answers(
    doubt: str, query: str, values: tuple[object, ...], source: str, otherwise: str
) -> None:
    assert {reading for reading in SINGLE_DOUBTS if getattr(reading, doubt) != getattr(SOURCE, doubt)}
    for value in (True, False):
        reading = Readings(**{doubt: value})
        found = EqlEngine(column(*values), mapping={"f": "keyword"}, readings=reading).query(query)
        expected = source if value == getattr(SOURCE, doubt) else otherwise
        assert "".join(str(alert[0]["_id"]) for alert in found) == expected, reading


def test_readings() -> None:
    assert len(set(ALL_READINGS)) == 64
    assert set(SINGLE_DOUBTS) < set(ALL_READINGS)
    assert len(SINGLE_DOUBTS) == 7


def test_four_thousand_events_take_a_moment() -> None:
    events = [
        {
            "@timestamp": number * 10,
            "event.category": ["process"],
            "user.name": f"user{number % 7}",
            "process.name": ("Cmd.exe", "curl.exe", "rar.exe")[number % 3],
            "process.command_line": f"C:\\Windows\\x{number}.exe -T {'a' * (number % 50)}",
        }
        for number in range(4000)
    ]
    engine = EqlEngine(events)
    end = '[any where process.name : "RAR*"]'
    for query, least in {
        'process where process.name : "c*" and process.command_line regex~ ".*c:.{3,}x[0-9]*(1|3).exe -t.*"': 100,
        f'sequence by user.name with maxspan=5s [process where process.name == "curl.exe"] with runs=3 {end}': 100,
    }.items():
        started = processor_seconds()
        assert len(engine.query(query)) > least
        assert processor_seconds() - started < 2
