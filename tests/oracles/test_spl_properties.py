"""The engine against plain Python, on any input of a kind."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import combinations_with_replacement

import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles.spl_engine import SplEngine
from oracles.spl_examples import START
from oracles.spl_grammar import string_literals
from oracles.spl_regexes import like, wildcard
from oracles.spl_times import strftime, strptime
from oracles.spl_values import TimeWindow

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
QUERY_TEXT = st.text(st.sampled_from("ab\\\"|*%_ `[]'(),=\n"), max_size=12)


def quoted(text: str) -> str:
    """A string of SPL: backslash and quotation mark with a backslash before them."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@volumes.examples(100)
@given(TEXT | QUERY_TEXT)
def test_a_quoted_string_comes_back(text: str) -> None:
    assert string_literals(f"a={quoted(text)} | where b={quoted(text)} | rename c AS {quoted(text)}") == [text] * 3


@volumes.examples(100)
@given(TEXT | QUERY_TEXT)
def test_a_value_is_found_by_where_and_by_search(text: str) -> None:
    engine = SplEngine([{"v": text}, {"v": text + "x"}])
    assert engine.query(f"* | where v={quoted(text)}", NOW) == [{"v": text}]
    if "*" not in text:
        assert {"v": text} in engine.query(f"v={quoted(text)}", NOW)


def fits(pattern: str, text: str, many: str, one: str) -> bool:
    """Whether a pattern has the whole text: `many` is any characters, `one` is one."""
    if not pattern:
        return not text
    if pattern[0] == many:
        return any(fits(pattern[1:], text[at:], many, one) for at in range(len(text) + 1))
    return bool(text) and (pattern[0] in (one, text[0])) and fits(pattern[1:], text[1:], many, one)


SMALL = st.text(st.sampled_from("aB%_*.\n"), max_size=6)


@volumes.examples(100)
@given(SMALL, SMALL)
def test_a_wildcard_is_any_characters(pattern: str, text: str) -> None:
    assert (wildcard(pattern).fullmatch(text) is not None) == fits(pattern.lower(), text.lower(), "*", "")


@volumes.examples(100)
@given(SMALL, SMALL)
def test_a_like_pattern_has_two_wildcards(pattern: str, text: str) -> None:
    assert (like(pattern, False).fullmatch(text) is not None) == fits(pattern, text, "%", "_")


@volumes.examples(100)
@given(SMALL, SMALL)
def test_an_escaped_like_pattern_is_text(pattern: str, text: str) -> None:
    escaped = "".join("\\" + each for each in pattern)
    assert (like(escaped, True).fullmatch(text) is not None) == (pattern == text)


HOSTS = st.sampled_from("xyz")
NUMBERS = st.integers(-50, 50)
PAIRS = st.lists(st.tuples(HOSTS, NUMBERS), max_size=12)


def engine_of(pairs: list[tuple[str, int]], **options: object) -> SplEngine:
    # Older and older, so that a search gives them in this order.
    events = [{"_time": START - at, "h": h, "n": str(n)} for at, (h, n) in enumerate(pairs)]
    return SplEngine(events, **options)  # type: ignore[arg-type]


@volumes.examples(100)
@given(PAIRS)
def test_stats_is_a_computation_for_each_group(pairs: list[tuple[str, int]]) -> None:
    query = (
        "* | stats count sum(n) AS s dc(n) AS d min(n) AS a max(n) AS b first(n) AS f values(n) AS v list(n) AS l BY h"
    )
    rows = {str(row["h"]): row for row in engine_of(pairs).query(query, NOW)}
    assert rows.keys() == {h for h, _ in pairs}
    for h, row in rows.items():
        own = [n for each, n in pairs if each == h]
        listed = [str(n) for n in own]
        assert (row["count"], row["s"], row["d"]) == (len(own), sum(own), len(set(own)))
        assert (row["a"], row["b"], row["f"]) == (str(min(own)), str(max(own)), listed[0])
        assert row["v"] == (sorted(set(listed)) if len(set(listed)) > 1 else listed[0])
        assert row["l"] == (listed if len(listed) > 1 else listed[0])


FUNCTIONS = (
    "sum(n) AS s count AS c dc(n) AS d min(n) AS a max(n) AS b first(n) AS f last(n) AS l values(n) AS v range(n) AS r"
)


def summary(numbers: list[int]) -> dict[str, object]:
    """What FUNCTIONS gives for these."""
    if not numbers:
        return {"c": 0, "d": 0}
    texts = sorted({str(n) for n in numbers})
    return {
        "s": sum(numbers),
        "c": len(numbers),
        "d": len(texts),
        "a": str(min(numbers)),
        "b": str(max(numbers)),
        "f": str(numbers[0]),
        "l": str(numbers[-1]),
        "v": texts if len(texts) > 1 else texts[0],
        "r": max(numbers) - min(numbers),
    }


@volumes.examples(100)
@given(PAIRS, st.integers(0, 4), st.booleans(), st.booleans())
def test_streamstats_is_a_computation_for_each_window(
    pairs: list[tuple[str, int]], window: int, current: bool, over_all: bool
) -> None:
    options = f"window={window} current={current} global={over_all}"
    rows = engine_of(pairs).query(f"* | streamstats {options} {FUNCTIONS} BY h | fields - h n _time", NOW)
    expected = []
    for at, (h, _) in enumerate(pairs):
        seen = pairs[: at + current]
        if window and over_all:
            seen = seen[-window:]
        own = [n for each, n in seen if each == h]
        expected.append(summary(own[-window:] if window else own))
    assert rows == expected


@volumes.examples(100)
@given(
    st.lists(st.integers(0, 40), max_size=12).map(sorted),
    st.sampled_from([1, 5, 10]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_a_time_window_is_a_computation(
    quarters: list[int], span: int, inclusive: bool, whole: bool, newest_first: bool
) -> None:
    engine = SplEngine(
        [{"_time": START + quarter / 4, "n": "1"} for quarter in quarters],
        time_window=TimeWindow(inclusive=inclusive, whole_seconds=whole),
    )
    order = "sort 0 -_time" if newest_first else "sort 0 _time"
    rows = engine.query(f"* | {order} | streamstats time_window={span}s count AS c | table c", NOW)
    times = [quarter // 4 * 4 if whole else quarter for quarter in (quarters[::-1] if newest_first else quarters)]
    near = [[abs(time - other) for other in times[: at + 1]] for at, time in enumerate(times)]
    assert [row["c"] for row in rows] == [
        sum(far <= span * 4 if inclusive else far < span * 4 for far in each) for each in near
    ]


@volumes.examples(100)
@given(PAIRS)
def test_eventstats_is_stats_on_each_event(pairs: list[tuple[str, int]]) -> None:
    rows = engine_of(pairs).query("* | eventstats sum(n) AS s BY h | table h n s", NOW)
    assert rows == [{"h": h, "n": str(n), "s": sum(m for each, m in pairs if each == h)} for h, n in pairs]


@volumes.examples(100)
@given(st.lists(st.tuples(NUMBERS, st.text(st.sampled_from("aBc"), min_size=1, max_size=3)), max_size=12))
def test_sort_is_by_numbers_then_by_text_and_stable(pairs: list[tuple[int, str]]) -> None:
    events = [{"_time": START - at, "n": str(n), "t": t, "id": at} for at, (n, t) in enumerate(pairs)]
    rows = SplEngine(events).query("* | sort 0 -n, t | table id", NOW)
    expected = sorted(range(len(pairs)), key=lambda at: (-pairs[at][0], pairs[at][1]))
    assert [row["id"] for row in rows] == expected


@volumes.examples(100)
@given(PAIRS, st.integers(1, 3))
def test_dedup_keeps_the_first_of_each(pairs: list[tuple[str, int]], most: int) -> None:
    rows = engine_of(pairs).query(f"* | dedup {most} h | table h n", NOW)
    expected = [
        {"h": h, "n": str(n)} for at, (h, n) in enumerate(pairs) if sum(each == h for each, _ in pairs[:at]) < most
    ]
    assert rows == expected


TERMS = ("a", "b", "c")
EVENTS = [
    {"_raw": " ".join(chosen), "id": str(at)} for at, chosen in enumerate(combinations_with_replacement(TERMS, 3))
]


def conditions(search: bool) -> st.SearchStrategy[tuple[str, object]]:
    """A condition without needless parentheses, and its tree, for search or for where."""
    leaf = st.sampled_from(TERMS).map(lambda term: (term if search else f'match(_raw, "{term}")', term, 0))
    # How loosely each operator binds: those that bind more loosely need parentheses inside.
    loose = {"NOT": 1, "OR": 2, "AND": 3} if search else {"NOT": 1, "AND": 2, "OR": 3}

    def extend(parts: st.SearchStrategy[tuple[str, object, int]]) -> st.SearchStrategy[tuple[str, object, int]]:
        def within(part: tuple[str, object, int], operator: str) -> str:
            return f"({part[0]})" if part[2] > loose[operator] else part[0]

        negated = parts.map(lambda part: (f"NOT {within(part, 'NOT')}", ("NOT", part[1]), loose["NOT"]))
        joined = st.builds(
            lambda operator, left, right: (
                f"{within(left, operator)} {operator} {within(right, operator)}",
                (operator, left[1], right[1]),
                loose[operator],
            ),
            st.sampled_from(["AND", "OR"]),
            parts,
            parts,
        )
        return negated | joined

    return st.recursive(leaf, extend, max_leaves=6).map(lambda part: (part[0], part[1]))


def holds(tree: object, raw: str) -> bool:
    if isinstance(tree, str):
        return tree in raw
    assert isinstance(tree, tuple)
    parts = [holds(part, raw) for part in tree[1:]]
    return not parts[0] if tree[0] == "NOT" else all(parts) if tree[0] == "AND" else any(parts)


@volumes.examples(100)
@given(conditions(search=True))
def test_search_binds_not_then_or_then_and(condition: tuple[str, object]) -> None:
    rows = SplEngine(EVENTS).query(f"{condition[0]} | table id", NOW)
    assert rows == [{"id": event["id"]} for event in EVENTS if holds(condition[1], event["_raw"])]


@volumes.examples(100)
@given(conditions(search=False))
def test_where_binds_not_then_and_then_or(condition: tuple[str, object]) -> None:
    rows = SplEngine(EVENTS).query(f"id=* | where {condition[0]} | table id", NOW)
    assert rows == [{"id": event["id"]} for event in EVENTS if holds(condition[1], event["_raw"])]


@volumes.examples(100)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))
def test_a_time_that_is_written_can_be_read(at: datetime) -> None:
    form = "%Y-%m-%dT%H:%M:%S.%6N"
    seconds = strptime(f"{at:%Y-%m-%dT%H:%M:%S.%f}", form)
    assert seconds is not None
    assert strftime(seconds, form) == f"{at:%Y-%m-%dT%H:%M:%S.%f}"
