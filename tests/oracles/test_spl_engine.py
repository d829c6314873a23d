"""The engine's interface, its readings of what the pages leave open, and the words in which it refuses the rest."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import product

import pytest
from oracles.spl_engine import SplEngine
from oracles.spl_examples import START, column, ids
from oracles.spl_grammar import SplError, SplUnsupported, commands, parse, string_literals
from oracles.spl_values import ALL_READINGS, TIME_WINDOWS, Readings, TimeWindow

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)


def test_events_come_back_as_they_went_in() -> None:
    event: dict[str, object] = {
        "_time": START + Decimal("0.123"),
        "text": "a\\\"'|\U0001f600",
        "number": 2**60,
        "several": ["b", "a"],
    }
    assert SplEngine([{**event, "nothing": None, "empty": []}]).query("*", NOW) == [event]


def test_one_of_several_is_one() -> None:
    assert SplEngine([{"a": ["x"]}]).query("a=x", NOW) == [{"a": "x"}]


def test_a_time_may_be_a_datetime_and_a_float_is_what_it_looks_like() -> None:
    events: list[dict[str, object]] = [{"_time": NOW + timedelta(milliseconds=1)}, {"_time": 1704067199.9}]
    expected = [{"_time": START + Decimal("0.001")}, {"_time": Decimal("1704067199.9")}]
    assert SplEngine(events).query("*", NOW) == expected


def test_milliseconds_are_exact() -> None:
    engine = SplEngine([{"_time": START + Decimal("0.1"), "end": START + Decimal("300.1")}])
    assert len(engine.query("* | where _time + 300 = end AND _time + 0.2 = end - 299.8", NOW)) == 1


@pytest.mark.parametrize(
    ("event", "kind"), [({"a": True}, TypeError), ({"a": b"x"}, TypeError), ({"_time": "x"}, ValueError)]
)
def test_an_event_that_does_not_fit_is_refused(event: dict[str, object], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        SplEngine([event])


def test_a_query_does_not_change_the_events() -> None:
    engine = SplEngine([{"a": "1", "_time": START}], datamodels={"X": [{"a": "1", "_time": START + 1}]})
    engine.query("* | eval b=a, a=2 | rename b AS c | fillnull d", NOW)
    engine.query("| tstats count FROM datamodel=X BY _time span=1h | eval count=7", NOW)
    assert engine.query("*", NOW) == [{"a": "1", "_time": START}]
    assert engine.query("| tstats min(_time) AS t FROM datamodel=X", NOW) == [{"t": START + 1}]


def test_the_commands_of_a_query_are_named() -> None:
    assert commands('a="x | y" OR b | where c=1\n| STATS count by d') == ["search", "where", "stats"]
    assert commands("search a") == ["search"]
    assert commands("| tstats count FROM datamodel=X WHERE a=b BY c") == ["tstats"]


def test_a_tree_can_be_had_alone() -> None:
    ((name, tree),) = parse("a=1 OR b=2")
    assert (name, tree.data) == ("search", "any_of")


def test_macros_are_expanded_but_not_in_quotation_marks() -> None:
    engine = SplEngine(column("a", "x", "`m`"), macros={"m": "(a=x OR `n`)", "n": "a=y"})
    assert engine.query("`m` | table id", NOW) == ids(0)
    assert engine.query('a="`m`" | table id', NOW) == ids(1)
    with pytest.raises(SplError, match="'o' is not given"):
        engine.query("`o`", NOW)
    with pytest.raises(SplError, match="too deep"):
        SplEngine(macros={"m": "`m`"}).query("`m`", NOW)


def test_a_string_is_read_as_the_commands_get_it() -> None:
    query = r'a="C:\\x\"\s" OR b IN ("c", d) | where match(e, "\\\\\.") | rename f AS "g h"'
    assert string_literals(query) == [r'C:\x"\s', "c", r"\\\.", "g h"]


@pytest.mark.parametrize(
    ("query", "line", "column_"),
    [
        ("a=1 | join b", 1, 7),
        ("a=1\n| where b=", 2, 8),
        ("a=1\n| eval b=1 c=2", 2, 12),
        ("x [search y]", 1, 3),
        ('a="', 1, 3),
    ],
)
def test_an_error_says_where(query: str, line: int, column_: int) -> None:
    with pytest.raises(SplError, match=f"line {line}, column {column_}") as error:
        parse(query)
    assert (error.value.line, error.value.column) == (line, column_)


OTHER_COMMANDS = ("append", "appendcols", "chart", "foreach", "head", "inputlookup", "join", "lookup", "makeresults")
MORE_COMMANDS = ("map", "multisearch", "mvexpand", "timechart", "top", "transaction", "union", "bin", "tail", "reverse")


@pytest.mark.parametrize("name", OTHER_COMMANDS + MORE_COMMANDS)
def test_other_commands_are_refused(name: str) -> None:
    with pytest.raises(SplUnsupported, match=f"the command '{name}' is not one of"):
        parse(f"a=1 | {name} b")


NOT_SPL = (
    "",
    "|",
    "a=1 |",
    "a=1 || where b=1",
    "(a=1",
    "a=1)",
    "a=",
    "=1",
    "a=b=c",
    "a==1",
    "a OR",
    "OR a",
    "AND",
    "NOT",
    "a AND OR b",
    "a IN ()",
    "a IN (b c)",
    "a IN b",
    "CASE(a)",
    "TERM(a)",
    "it's",
    "a[0]=1",
    "| where a=1",
    "| stats count",
    "a=1 | tstats count FROM datamodel=X",
    "a=1 | where",
    "a=1 | where b and c",
    "a=1 | where b = 1 2",
    "a=1 | where b LIKE",
    "a=1 | where a-b.c = 1",
    "a=1 | eval b",
    'a=1 | eval "b"=1',
    "a=1 | eval a b=1",
    "a=1 | stats",
    "a=1 | stats count by",
    "a=1 | stats allnum=t count",
    "a=1 | stats count by a dedup_splitvals=t",
    "a=1 | streamstats reset_on_change=t count by a",
    "a=1 | streamstats reset_before=(a=1) count",
    "a=1 | streamstats allnum=t count",
    "a=1 | sort",
    "a=1 | sort a b",
    "a=1 | sort a desc",
    "a=1 | sort limit=3 a",
    "a=1 | dedup",
    "a=1 | dedup a keepevents=t",
    "a=1 | dedup a sortby -b",
    "a=1 | rename a",
    "a=1 | fields",
    "a=1 | table",
    "a=1 | regex",
    'a=1 | rex mode=sed "s/a/b/"',
    "a=1 | rex field=a",
    "| tstats count",
    "| tstats prestats=t count FROM datamodel=X",
)


@pytest.mark.parametrize("query", NOT_SPL)
def test_what_the_grammar_does_not_have_is_refused(query: str) -> None:
    with pytest.raises(SplError):
        parse(query)


REFUSED = (
    ("a<b*", "wildcard or a range"),
    ("a IN (10.0.0.0/8)", "a range in IN"),
    ("a=10.0.0.1/8", "bits end at its prefix"),
    ("a*=1", "wildcard in the name"),
    ("a=1 OR earliest=-1h", "time modifier below OR"),
    ("NOT latest=now", "time modifier below OR"),
    ("a=1 | search earliest=-1h", "time modifier below OR"),
    ("earliest>-1h", "takes ="),
    ("earliest=-1x", "time unit"),
    ("earliest=yesterday", "time modifier 'yesterday'"),
    ("a=1 | where a", "must be Boolean"),
    ('a=1 | where "a"', "must be Boolean"),
    ("a=1 | where NOT lower(a)", "must be Boolean"),
    ('a=1 | where searchmatch("a")', "must be Boolean"),
    ("a=1 | eval b=a=1", "no value"),
    ("a=1 | eval b=isnull(a)", "here"),
    ("a=1 | eval b=md5(a)", "md5"),
    ("a=1 | eval b=if(a=1, 2)", "2 arguments"),
    ("a=1 | eval b=case(a=1, 2, 3)", "Boolean|no value"),
    ("a=1 | eval b=mvfilter(a=c)", "names one field"),
    ("a=1 | eval b=mvmap(lower(a), a)", "no field"),
    ("a=1 | where match(a, b)", "not in quotation marks"),
    ("a=1 | where cidrmatch(b, a)", "not in quotation marks"),
    ('a=1 | where cidrmatch("10.0.0.1", a)', "not a range"),
    (r'a=1 | eval b=replace(a, "x", "\0")', "replacement"),
    (r'a=1 | where match(a, "b\|c")', "lose the backslash"),
    (r'a=1 | eval b="c\|d"', "lose the backslash"),
    ('a=1 | eval b=strftime(a, "%c")', "%c"),
    ("a=1 | stats p95(a)", "p95|unexpected"),
    ("a=1 | stats stdev(a)", "stdev"),
    ("a=1 | stats sum", "without a field"),
    ('a=1 | stats count(eval(a="x"))', "without AS"),
    ("a=1 | stats count(eval(a)) AS n", "must be Boolean"),
    ("a=1 | streamstats window=10001 count", "the most is 10000"),
    ("a=1 | streamstats time_window=1mon count", "span '1mon'"),
    ("a=1 | streamstats window=1 window=2 count", "option twice"),
    ("a=1 | dedup 2 a consecutive=t", "several consecutive"),
    ("a=1 | dedup 0 a", "dedup of none"),
    ("a=1 | rename a AS b, b AS c", "twice"),
    ("a=1 | rename a* AS b*", "wildcard"),
    ("a=1 | fillnull a*", "wildcard"),
    ('a=1 | rex "a"', "without a named group"),
    ("| tstats count FROM datamodel=Y", "'Y' is not given"),
    ("| tstats count FROM datamodel=X WHERE word", "keyword"),
    ("| tstats count FROM datamodel=X WHERE a>1", "other than ="),
    ("| tstats count FROM datamodel=X WHERE a=10.0.0.0/8", "a range in"),
    ("| tstats count FROM datamodel=X BY _time", "span"),
    ("| tstats count FROM datamodel=X BY a span=1h", "span"),
)


@pytest.mark.parametrize(("query", "words"), REFUSED, ids=[query for query, _ in REFUSED])
def test_what_is_open_is_refused_before_the_query_runs(query: str, words: str) -> None:
    with pytest.raises(SplError, match=words):
        SplEngine(datamodels={"X": []}).query(query, NOW)


OPEN_WHEN_IT_RUNS = (
    ({"v": ["a", "b"]}, '* | where v="a"', "several values"),
    ({"v": ["a", "b"]}, "* | eval x=lower(v)", "several values"),
    ({"v": ["a", "b"]}, '* | where match(v, "a")', "several values"),
    ({"v": ["a", "b"]}, "* | stats count(v)", "several values"),
    ({"v": ["a", "b"]}, "* | eventstats count BY v", "several values"),
    ({"v": ["a", "b"]}, "* | sort v", "several values"),
    ({"v": ["a", "b"]}, "* | dedup v", "several values"),
    ({"v": ["a", "b"]}, '* | regex v="a"', "several values"),
    ({"v": "a"}, "* | eval x=v-1", "no number"),
    ({"v": "a"}, "* | eval x=v+1", "no number"),
    ({"v": "a"}, "* | stats sum(v)", "no number"),
    ({"v": ""}, "* | stats count(v)", "there and empty"),
    ({"v": ["a", "1"]}, "* | stats max(v)", "text and numbers"),
    ({"w": "a"}, '* | regex v!="a"', "not there"),
    ({"v": "a", "_time": None}, "* | stats latest(v)", "without _time"),
    ({"v": "a", "_time": None}, "* | streamstats time_window=1m count", "without _time"),
    ({"w": "a"}, "* | streamstats window=1 count BY v", "whose BY field is null"),
    ({"v": "abc"}, "* | eval x=substr(v, 0)", "from 0"),
    ({"v": "9 of 10"}, "* | sort v", "begins with a digit"),
    ({"v": "x"}, "* | sort num(v)", "sort num"),
)


@pytest.mark.parametrize(
    ("event", "query", "words"), OPEN_WHEN_IT_RUNS, ids=[query for _, query, _ in OPEN_WHEN_IT_RUNS]
)
def test_what_is_open_is_refused_when_an_event_asks(event: dict[str, object], query: str, words: str) -> None:
    with pytest.raises(SplUnsupported, match=words):
        SplEngine([{"_time": START, **event}]).query(query, NOW)


def test_streamstats_without_a_window_is_refused_beyond_the_limit() -> None:
    engine = SplEngine([{"h": str(number % 2)} for number in range(7)], max_stream_window=3)
    with pytest.raises(SplUnsupported, match="more than 3 events of one group"):
        engine.query("* | streamstats count BY h", NOW)
    assert len(engine.query("h=1 | streamstats count BY h", NOW)) == 3


def test_time_window_needs_the_order_of_time() -> None:
    engine = SplEngine([{"_time": START + at, "v": v} for at, v in ((0, "a"), (5, "b"), (3, "c"))])
    with pytest.raises(SplUnsupported, match="not in the order of _time"):
        engine.query("* | sort v | streamstats time_window=1m count", NOW)


@pytest.mark.parametrize("reading", TIME_WINDOWS)
def test_a_time_window_has_the_reading_that_is_asked_for(reading: TimeWindow) -> None:
    events = [{"_time": START + Decimal(at), "h": h} for at, h in (("0.2", "a"), ("5.2", "b"), ("10.3", "a"))]
    rows = SplEngine(events, time_window=reading).query("* | sort 0 _time | streamstats time_window=5s count AS n", NOW)
    # The last pair is 5.1 seconds apart, and 5 where fractions do not count.
    last = 2 if reading.inclusive and reading.whole_seconds else 1
    assert [row["n"] for row in rows] == [1, 2 if reading.inclusive else 1, last]


@pytest.mark.parametrize("by_group", [True, False])
def test_the_limit_of_a_time_window_counts_groups_or_all(by_group: bool) -> None:
    engine = SplEngine(
        [{"_time": START + at, "h": "ab"[at % 2]} for at in range(6)],
        time_window=TimeWindow(limit_by_group=by_group),
        max_stream_window=2,
    )
    rows = engine.query("* | sort 0 _time | streamstats time_window=1h count AS n BY h", NOW)
    assert [row["n"] for row in rows] == ([1, 1, 2, 2, 2, 2] if by_group else [1, 1, 1, 1, 1, 1])


def test_the_readings_are_all_combinations() -> None:
    assert set(ALL_READINGS) == {Readings(*choice) for choice in product((True, False), repeat=4)}
    assert set(TIME_WINDOWS) == {TimeWindow(*choice) for choice in product((True, False), repeat=3)}


@pytest.mark.parametrize(
    ("reading", "default", "other", "query"),
    [
        ("null_is_false", [0, 2], [2], 'id=* | where NOT v="a"'),
        ("null_is_false", [0, 1, 2], [1, 2], 'id=* | where NOT (v="b" AND w=1)'),
        ("quoted_is_text", [1], [1, 2], 'id=* | where v="a" OR v="1"'),
        ("like_escapes", [], [1], r'id=* | where v LIKE "\\a"'),
        ("unequal_any", [1, 2, 3], [2], "v!=a"),
    ],
)
def test_a_reading_is_chosen(reading: str, default: list[int], other: list[int], query: str) -> None:
    events = column("v", None, "a", "1.0", ["a", "b"]) if reading == "unequal_any" else column("v", None, "a", "1.0")
    if reading == "unequal_any":
        default, other = [2, 3], [2]
    answers = [
        SplEngine(events, readings=Readings(**{reading: choice})).query(f"{query} | table id", NOW)
        for choice in (True, False)
    ]
    first, second = answers if reading != "like_escapes" else answers[::-1]
    assert first == ids(*default)
    assert second == ids(*other)


def test_null_is_carried_through_where_comparisons_give_it() -> None:
    engine = SplEngine(column("v", None, "a"), readings=Readings(null_is_false=False))
    for condition, wanted in (
        ('v="a" OR true()', [0, 1]),
        ('v="a" AND false()', []),
        ('NOT (v="a" AND false())', [0, 1]),
        ('NOT (v="a" OR false())', []),
        ('v="a" XOR false()', [1]),
        ('NOT match(v, "b")', [1]),
        ('NOT like(v, "b")', [1]),
        ('NOT in(v, "b")', [1]),
        ('NOT cidrmatch("10.0.0.0/8", v)', [1]),
        ("NOT isnull(v)", [1]),
        ('if(NOT v="b", 1, 2) = 1', [1]),
    ):
        assert engine.query(f"id=* | where {condition} | table id", NOW) == ids(*wanted), condition


def test_a_range_leaves_out_its_own_end_and_addinfo_tells_it() -> None:
    """Search Reference, 'addinfo'; a search that starts late keeps the range of its scheduled time."""
    held = [{"id": "0", "_time": START - 1}, {"id": "1", "_time": START}]
    engine = SplEngine(held, datamodels={"X": held})
    ended = datetime.fromtimestamp(START, tz=timezone.utc)
    late = ended + timedelta(seconds=40)
    query = "* | addinfo | eval lag=now()-info_max_time | table id lag"
    assert engine.query(query, late, ended) == [{"id": "0", "lag": 40}]
    assert engine.query("| tstats count FROM datamodel=X", late, ended) == [{"count": 1}]
    assert {row["info_max_time"] for row in engine.query("* | addinfo", late)} == {"+Infinity"}
