"""What holds of the ES|QL engine for any documents: laws that the pages imply, and other ways to the same answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles.esql_engine import EsqlEngine
from oracles.esql_grammar import string_literals
from oracles.esql_values import ALL_READINGS, Readings

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)
MAPPING = {"id": "integer", "s": "keyword", "n": "integer", "a": "boolean", "b": "boolean", "t": "date"}

texts = st.text(alphabet='aAbB*?\\"\n é', max_size=5)
documents = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "s": st.none() | texts | st.lists(texts, max_size=3),
            "n": st.none() | st.integers(-3, 3) | st.lists(st.integers(-3, 3), max_size=3),
            "a": st.none() | st.booleans(),
            "b": st.none() | st.booleans(),
            "t": st.none() | st.integers(0, 10**12),
        },
    ),
    max_size=8,
)


def run(query: str, held: list[dict[str, Any]], **options: Any) -> list[dict[str, Any]]:
    numbered = [{**document, "id": number} for number, document in enumerate(held)]
    return EsqlEngine({"e": numbered}, {"e": MAPPING}, **options).query(f"FROM e | {query}", NOW)


def ids(condition: str, held: list[dict[str, Any]], **options: Any) -> list[int]:
    return sorted(row["id"] for row in run(f"WHERE {condition} | KEEP id", held, **options))


def literal(text: str) -> str:
    """A text as a string literal."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
@volumes.examples(60)
def test_a_literal_is_the_text_that_was_written(wanted: list[str]) -> None:
    assert string_literals(f"ROW a = CONCAT({', '.join(map(literal, wanted))})") == wanted


@given(documents)
@volumes.examples(40)
def test_three_values(held: list[dict[str, Any]]) -> None:
    assert ids("NOT (a AND b)", held) == ids("NOT a OR NOT b", held)
    assert ids("NOT (a OR b)", held) == ids("NOT a AND NOT b", held)
    assert ids("a", held) == [number for number, document in enumerate(held) if document.get("a") is True]
    true, false, null = (ids(one, held) for one in ("a OR b", "NOT (a OR b)", "(a OR b) IS NULL"))
    assert sorted(true + false + null) == list(range(len(held)))


@given(documents, texts)
@volumes.examples(40)
def test_a_text_is_equal_unequal_or_null(held: list[dict[str, Any]], wanted: str) -> None:
    same, other = f"s == {literal(wanted)}", f"s != {literal(wanted)}"
    assert ids(other, held) == ids(f"NOT {same}", held)
    assert ids(same, held) == ids(f"s IN ({literal(wanted)})", held)
    assert sorted(ids(same, held) + ids(other, held) + ids(f"({same}) IS NULL", held)) == list(range(len(held)))
    assert ids(f"({same}) IS NULL", held) == ids("s IS NULL OR MV_COUNT(s) > 1", held)
    # A match takes any of several values.
    assert set(ids(same, held)) <= set(ids(f"s : {literal(wanted)}", held))


def like(pattern: str, text: str) -> bool:
    """LIKE by another way: the positions that the pattern can have reached."""
    reached, escaped = {0}, False
    for here in pattern:
        if here == "\\" and not escaped:
            escaped = True
            continue
        if here == "*" and not escaped:
            reached = set(range(min(reached), len(text) + 1)) if reached else set()
        else:
            free = here == "?" and not escaped
            reached = {at + 1 for at in reached if at < len(text) and (free or text[at] == here)}
        escaped = False
    return len(text) in reached


patterns = st.lists(st.sampled_from(["a", "A", "b", "*", "?", r"\*", r"\?", r"\\", " ", "é", "\n"]), max_size=5)


@given(documents, patterns.map("".join))
@volumes.examples(80)
def test_like_another_way(held: list[dict[str, Any]], pattern: str) -> None:
    single = [number for number, one in enumerate(held) if isinstance(one.get("s"), str)]
    wanted = [number for number in single if like(pattern, held[number]["s"])]
    found = ids(f"s LIKE {literal(pattern)}", held, readings=Readings(all_is_not_null=False))
    assert [number for number in found if number in single] == wanted


@given(documents, patterns.map("".join))
@volumes.examples(15)
def test_a_lower_pattern_is_the_same_in_each_reading_for_ascii(held: list[dict[str, Any]], pattern: str) -> None:
    held = [one for one in held if str(one.get("s", "")).isascii()]
    lower = pattern.lower().replace("é", "e")
    query = f"TO_LOWER(s) LIKE {literal('x' + lower)} OR TO_LOWER(s) == {literal(lower)}"
    answers = [ids(query, held, readings=readings) for readings in ALL_READINGS]
    assert all(answer == answers[0] for answer in answers)


@given(documents)
@volumes.examples(40)
def test_groups_have_each_row_once_for_each_value(held: list[dict[str, Any]]) -> None:
    rows = run("STATS c = COUNT(*), k = COUNT(n), v = MV_SORT(VALUES(n)) BY s", held)
    wanted: Counter[str | None] = Counter()
    for document in held:
        value = document.get("s")
        wanted.update(set(value) or [None] if isinstance(value, list) else [value])
    assert {row["s"]: row["c"] for row in rows} == dict(wanted)
    assert len(run("MV_EXPAND s", held)) == sum(wanted.values())


@given(documents)
@volumes.examples(40)
def test_sorting_is_that_of_python(held: list[dict[str, Any]]) -> None:
    def smallest(document: Mapping[str, Any], choose: Any) -> Any:
        value = document.get("n")
        return choose(value, default=None) if isinstance(value, list) else value

    for order, choose in (("ASC", min), ("DESC", max)):
        rows = run(f"SORT n {order} NULLS LAST, id | KEEP id", held)
        keyed = [(smallest(document, choose), number) for number, document in enumerate(held)]
        wanted = sorted(
            (one for one in keyed if one[0] is not None), key=lambda one: (one[0] * (-1) ** (order == "DESC"), one[1])
        )
        assert [row["id"] for row in rows] == [
            number for _, number in [*wanted, *(one for one in keyed if one[0] is None)]
        ]


@given(documents, st.sampled_from(["5 minutes", "1 hour", "1 day", "1 week", "1 month", "1 year"]))
@volumes.examples(40)
def test_rounding_down_twice_is_rounding_down(held: list[dict[str, Any]], span: str) -> None:
    rows = run(f"EVAL x = DATE_TRUNC({span}, t), y = DATE_TRUNC({span}, x), z = t + {span} | KEEP t, x, y, z", held)
    for row in rows:
        assert row["x"] == row["y"]
        assert row["t"] is None or row["x"] <= row["t"] < row["z"]
    grouped = run(f"STATS c = COUNT(*) BY b = BUCKET(t, {span}) | SORT b", held)
    assert Counter(row["x"] for row in rows) == {row["b"]: row["c"] for row in grouped}


@given(documents)
@volumes.examples(20)
def test_an_order_that_is_asked_for_is_the_same_upside_down(held: list[dict[str, Any]]) -> None:
    query = "STATS c = COUNT(*), m = MAX(n), v = MV_SORT(VALUES(s)) BY a, n | SORT a, n, c"
    assert run(query, held) == run(query, held, readings=Readings(upside_down=True))


@pytest.mark.parametrize("text", ["", "a\\b", 'a"b', "*", "?", r"\*", "C:\\x\\*"])
def test_an_escaped_pattern_is_the_text(text: str) -> None:
    pattern = re.sub(r"([\\*?])", r"\\\1", text)
    assert ids(f"s LIKE {literal(pattern)}", [{"s": text}, {"s": text + "x"}]) == [0]
