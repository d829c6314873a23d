"""Examples of Splunk's pages, made again with small events: what a query gives, and the page that says so.

The values are ours; the situation is that of the page. test_spl_examples.py runs them, and test_spl_planted_bugs.py
shows that they notice when the engine is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

START = 1_704_067_200
"""2024-01-01T00:00:00Z, at which every example runs."""

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Example:
    """A query on events and the rows that it gives. `page` names the page that says so."""

    page: str
    query: str
    events: Rows
    rows: Rows
    options: Mapping[str, Any] = field(default_factory=dict)


def at(*events: Mapping[str, object]) -> Rows:
    """The events one second apart, the first the newest, so that a search gives them in this order."""
    return [{"_time": START - number, **event} for number, event in enumerate(events)]


def column(name: str, *values: object) -> Rows:
    """One event for each value of one field; None is an event without it."""
    return at(*({"id": str(number), name: value} for number, value in enumerate(values)))


def ids(*wanted: int) -> Rows:
    """What `| table id` gives for the events with these numbers."""
    return [{"id": str(number)} for number in wanted]


def _ids(page: str, search: str, events: Rows, *wanted: int, **options: Any) -> Example:
    return Example(page, f"{search} | table id", events, ids(*wanted), options)


def _evaluated(page: str, expression: str, event: Mapping[str, object], result: object) -> Example:
    rows = [{} if result is None else {"result": result}]
    return Example(page, f"* | eval result={expression} | table result", at(event), rows)


PONIES = at(
    {"id": "0", "name": "McIntosh", "place": "Marin Meadows"},
    {"id": "1", "name": "Lyra"},
    {"id": "2", "name": "Dash", "place": "Calaveras Farms"},
)
ADDRESSES = column("ip", "10.10.10.12", "50.10.10.17", "10.10.10.23", "10.10.11.0", "10.10.9.255", "text")
IPV6 = column("ip", "2001:db8::ff00", "2001:DB8:0:0:0:0:0:FF7F", "2001:db8::ff80", "10.0.0.1")
STATES = column("code", "10", "29", "43", "100", None)
COLOURS = at(
    {"id": "0", "colour": "red", "size": "big"},
    {"id": "1", "colour": "red", "size": "small"},
    {"id": "2", "colour": "blue", "size": "small"},
    {"id": "3", "colour": "green", "size": "big"},
)
BYTES = at(
    {"host": "x", "bytes": "100"},
    {"host": "y", "bytes": "200"},
    {"host": "x", "bytes": "400"},
    {"host": "x", "bytes": "50"},
    {"host": "y", "bytes": "150"},
)
MAILS = at({"to": ["a@x.com", "b@y.org", "c@x.com"], "one": "a@x.com"})
NAMED = {"Web.Proxy": [{"Web.user": "u", "_time": START}, {"Web.user": "U", "_time": START + 59}, {"_time": START}]}
SEARCH = (
    _ids("search: implied AND", "colour=red size=small", COLOURS, 1),
    _ids("Boolean expressions: OR before AND", "colour=green OR colour=red size=small", COLOURS, 1),
    _ids("Boolean expressions: parentheses", "colour=green OR (colour=red size=small)", COLOURS, 1, 3),
    _ids("Boolean expressions: NOT takes the next term", "NOT colour=red size=small", COLOURS, 2),
    _ids("Boolean expressions: XOR is none of search", "colour=red XOR", COLOURS),
    _ids("search: values without regard to case", "COLOUR=red OR colour=RED", COLOURS, 0, 1),
    _ids("Difference between != and NOT: !=", 'place!="Calaveras Farms"', PONIES, 0),
    _ids("Difference between != and NOT: NOT", 'NOT place="Calaveras Farms"', PONIES, 0, 1),
    _ids("Difference between != and NOT: nothing excluded", "place!=*", PONIES),
    _ids("search: a field that is there", "place=*", PONIES, 0, 2),
    _ids("search: a field that is not there", "NOT place=*", PONIES, 1),
    _ids("search: IN", "code IN (10, 29, 43)", STATES, 0, 1, 2),
    _ids("search: IN with wildcards", "code IN (4*, 100)", STATES, 2, 3),
    _ids("search: NOT and IN", "NOT code IN (10, 29)", STATES, 2, 3, 4),
    _ids("search: wildcard", "code=1*", STATES, 0, 3),
    _ids("search: a wildcard has the whole value", "v=b*c", column("v", "bxc", "abcd"), 0),
    _ids("search: without a wildcard, the whole value", "code=1", STATES),
    _ids("search: > is of numbers", "code>29", STATES, 2, 3),
    _ids("search: >= is of numbers", "code>=29", STATES, 1, 2, 3),
    _ids("search: < is of numbers", "code<29", STATES, 0),
    _ids("search: = is of text", "v=1", column("v", "1", "1.0"), 0),
    _ids("search: order of text", "v>b", column("v", "a", "b", "c"), 2),
    _ids("search: CIDR of IPv4", 'ip="10.10.10.0/24"', ADDRESSES, 0, 2),
    _ids("search: CIDR of IPv4 and !=", "ip!=10.10.10.0/24", ADDRESSES, 1, 3, 4, 5),
    _ids("search: CIDR of IPv6", 'ip="2001:db8::ff00/121"', IPV6, 0, 1),
    _ids("search: quoted phrase", '"web error"', column("_raw", "a web error", "error in web", "web errors"), 0),
    _ids("search: keywords", "web error", column("_raw", "a web error", "error in web", "web errors"), 0, 1),
    _ids("search: keyword with wildcard", "fail*", column("_raw", "it failed", "fail", "unfailing"), 0, 1),
    _ids("Search Manual, primer: a path", r"D:\\Digital\\RTFM", column("_raw", r"D:\Digital\RTFM x", "Digital"), 0),
    _ids("search: a keyword is a term", "127", column("_raw", "at 127.0.0.1", "1270", "x127"), 0),
    _ids(r"search: \\ is one backslash", r'path="C:\\Temp\\*"', column("path", r"C:\Temp\a", r"C:\\Temp\\a"), 0),
    _ids(r"search: \" is a quotation mark", r'text="say \"hi\""', column("text", 'say "hi"', r"say \"hi\""), 0),
    _ids(r"search: \s is not altered", r'text="a\s"', column("text", r"a\s", "a s"), 0),
    _ids(r"search: \* is no escape", r'text="a\*"', column("text", r"a\bc", "a*"), 0),
    _ids("search: quoted operator", '"AND"', column("_raw", "this AND that", "nothing"), 0),
    _ids("search: of several values any", "v=b", column("v", ["a", "b"], "a"), 0),
    _ids("search: later in the pipe", "id=* | search code=29", STATES, 1),
    _ids("Time modifiers: earliest is in", "earliest=-2s", column("v", "a", "b", "c", "d"), 0, 1, 2),
    _ids("Time modifiers: latest is not", "latest=-1s", column("v", "a", "b", "c"), 2),
    _ids("Time modifiers: snap", "earliest=@d latest=+1d@d", column("v", "a", "b"), 0),
    _ids("Time modifiers: weeks begin on Sunday", "earliest=@w latest=@w+1d", [{"_time": START - 1, "id": "0"}], 0),
    _ids("Define search macros", "`red` size=big", COLOURS, 0, macros={"red": "colour=red"}),
    Example(
        "Search: newest first",
        "* | table v",
        [{"_time": 1, "v": "a"}, {"_time": 2, "v": "b"}],
        [{"v": "b"}, {"v": "a"}],
    ),
)
EXPRESSIONS = (
    _ids(
        "Boolean expressions: AND before OR in where",
        'id=* | where colour="green" OR colour="red" AND size="small"',
        COLOURS,
        1,
        3,
    ),
    _ids("where: case counts", 'id=* | where colour="RED"', COLOURS),
    _ids("where: numbers", "id=* | where code > 29", STATES, 2, 3),
    _ids("where: a comparison with null is not true", "id=* | where code != 10", STATES, 1, 2, 3),
    _ids("where: LIKE", 'id=* | where ip LIKE "10.10._0.%"', ADDRESSES, 0, 2),
    _ids("where: quoted field", "id=* | where 'a.b'=\"x\"", column("a.b", "x", "y"), 0),
    _ids("Boolean expressions: XOR", 'id=* | where colour="red" XOR size="small"', COLOURS, 0, 2),
    _ids("Predicate expressions: in()", 'id=* | where in(code, "29", "43")', STATES, 1, 2),
    _ids("Conditional functions: cidrmatch()", 'id=* | where cidrmatch("10.10.10.0/24", ip)', ADDRESSES, 0, 2),
    _ids("Conditional functions: match() of a part", r'id=* | where match(ip, "^10\.10\.1[01]\.")', ADDRESSES, 0, 2, 3),
    _ids("Conditional functions: isnull()", "id=* | where isnull(place)", PONIES, 1),
    _ids("Conditional functions: isnotnull()", "id=* | where isnotnull(place)", PONIES, 0, 2),
    _evaluated("Conditional functions: case()", 'case(s==200, "OK", s==404, "Not found")', {"s": "404"}, "Not found"),
    _evaluated("Conditional functions: case() without a match", 'case(s==200, "OK")', {"s": "500"}, None),
    _evaluated("Conditional functions: case() takes the first", 'case(s>1, "a", s>2, "b")', {"s": "3"}, "a"),
    _evaluated("Conditional functions: true() as a default", 'case(s==1, "a", true(), "b")', {"s": "3"}, "b"),
    _evaluated("Conditional functions: if()", 'if(s==200, "OK", "Error")', {"s": "500"}, "Error"),
    _evaluated("Conditional functions: coalesce()", "coalesce(a, b, c)", {"b": "x", "c": "y"}, "x"),
    _evaluated("Conditional functions: like()", 'if(like(f, "addr%"), "y", "n")', {"f": "address"}, "y"),
    _evaluated("Conditional functions: like() has the whole", 'if(like(f, "ddr%"), "y", "n")', {"f": "address"}, "n"),
    _evaluated("Conditional functions: case counts in like()", 'if(like(f, "ADDR%"), "y", "n")', {"f": "address"}, "n"),
    _evaluated("Conditional functions: null()", "coalesce(null(), f)", {"f": "x"}, "x"),
    _evaluated("eval: concatenation", 'a . "-" . b', {"a": "x", "b": 5}, "x-5"),
    _evaluated("eval: + joins texts", "a + b", {"a": "x", "b": "y"}, "xy"),
    _evaluated("eval: + adds numbers", "a + b", {"a": "1", "b": "2"}, 3),
    _evaluated("eval: arithmetic", "2 + 3 * (4 - 1) / 2", {}, Decimal("6.5")),
    _evaluated("eval: division by zero", "1 / 0", {}, None),
    _evaluated("eval: modulo", "7 % 4", {}, 3),
    _evaluated("eval: null in a concatenation", 'a . "x"', {"b": "y"}, None),
    _evaluated("Text functions: lower()", "lower(f)", {"f": "ABc"}, "abc"),
    _evaluated("Text functions: upper()", "upper(f)", {"f": "abC"}, "ABC"),
    _evaluated("Text functions: len()", "len(f)", {"f": "abc"}, 3),
    _evaluated("Text functions: substr()", 'substr("string", 1, 3)', {}, "str"),
    _evaluated("Text functions: substr() from the end", 'substr("string", -3)', {}, "ing"),
    _evaluated(
        "Text functions: replace()", r'replace(d, "^(\d{1,2})/(\d{1,2})/", "\2/\1/")', {"d": "1/14/2023"}, "14/1/2023"
    ),
    _evaluated("Text functions: trim()", 'trim("  ZZZZabcZZ ", " Z")', {}, "abc"),
    _evaluated("Text functions: ltrim()", 'ltrim("  a ")', {}, "a "),
    _evaluated("Text functions: split()", 'split("a;b;c", ";")', {}, ["a", "b", "c"]),
    _evaluated("Conversion functions: tonumber()", "tonumber(f) + 1", {"f": "0041"}, 42),
    _evaluated("Conversion functions: tonumber() of a base", 'tonumber("0A4", 16)', {}, 164),
    _evaluated("Conversion functions: tonumber() of text", 'tonumber("x")', {}, None),
    _evaluated("Conversion functions: tostring()", "tostring(1==1)", {}, "True"),
    _evaluated("Mathematical functions: round()", "round(3.5)", {}, 4),
    _evaluated("Mathematical functions: round() to places", "round(2.555, 2)", {}, Decimal("2.56")),
    _evaluated("Mathematical functions: floor()", "floor(1.9)", {}, 1),
    _evaluated("Mathematical functions: ceiling()", "ceiling(1.1)", {}, 2),
    _evaluated("Mathematical functions: abs()", "abs(0 - 5)", {}, 5),
    _evaluated("Statistical eval functions: max()", 'max(1, 3, 6, 7, "foo", f)', {"f": "2"}, "foo"),
    _evaluated("Statistical eval functions: min()", 'min(1, 3, "foo", f)', {"f": "-2"}, "-2"),
    _evaluated("Date and Time functions: now()", "now()", {}, START),
    _evaluated("Date and Time functions: relative_time()", 'relative_time(now(), "-1d@d")', {}, START - 86400),
    _evaluated(
        "Date and Time functions: strftime()",
        'strftime(_time, "%Y-%m-%dT%H:%M:%S.%Q")',
        {"_time": START + Decimal("0.25")},
        "2024-01-01T00:00:00.250",
    ),
    _evaluated("Date and time format variables: weeks", 'strftime(_time, "%U %V %w %j")', {}, "00 01 1 001"),
    _evaluated("Date and Time functions: strptime()", 'strptime("2024-01-01 00:01", "%Y-%m-%d %H:%M")', {}, START + 60),
    _evaluated("Multivalue functions: mvcount()", "mvcount(to)", MAILS[0], 3),
    _evaluated("Multivalue functions: mvcount() of one", "mvcount(one)", MAILS[0], 1),
    _evaluated("Multivalue functions: mvcount() of none", "mvcount(cc)", MAILS[0], None),
    _evaluated(
        "Multivalue functions: mvfilter()",
        r'mvfilter(match(to, "\.org$") OR match(to, "^c"))',
        MAILS[0],
        ["b@y.org", "c@x.com"],
    ),
    _evaluated("Multivalue functions: mvindex() from 0", "mvindex(to, 1)", MAILS[0], "b@y.org"),
    _evaluated("Multivalue functions: mvindex() from the end", "mvindex(to, -1)", MAILS[0], "c@x.com"),
    _evaluated("Multivalue functions: mvindex() of a range", "mvindex(to, 0, 1)", MAILS[0], ["a@x.com", "b@y.org"]),
    _evaluated("Multivalue functions: mvindex() outside", "mvindex(to, 3)", MAILS[0], None),
    _evaluated("Multivalue functions: mvjoin()", 'mvjoin(to, " OR ")', MAILS[0], "a@x.com OR b@y.org OR c@x.com"),
    _evaluated("Multivalue functions: mvfind()", r'mvfind(to, "y\.org")', MAILS[0], 1),
    _evaluated("Multivalue functions: mvfind() of nothing", 'mvfind(to, "z")', MAILS[0], None),
    _evaluated(
        "Multivalue functions: mvappend()",
        'mvappend("localhost", to, cc)',
        MAILS[0],
        ["localhost", "a@x.com", "b@y.org", "c@x.com"],
    ),
    _evaluated("Multivalue functions: mvdedup()", "mvdedup(f)", {"f": ["a", "b", "a"]}, ["a", "b"]),
    _evaluated("Multivalue functions: mvsort()", "mvsort(f)", {"f": ["b", "B", "10", "9"]}, ["10", "9", "B", "b"]),
    _evaluated("Multivalue functions: mvmap()", "mvmap(f, f * 10)", {"f": ["4", "5"]}, [40, 50]),
    _evaluated(
        "Multivalue functions: mvmap() without nulls",
        "mvmap(f, if(f > 4, f, null()))",
        {"f": ["4", "5", "6"]},
        ["5", "6"],
    ),
    Example("eval: several assignments", "* | eval a=1, b=a+1 | table a b", at({"x": "y"}), [{"a": 1, "b": 2}]),
    _ids(
        r"SPL and regular expressions: four backslashes",
        r'id=* | where match(p, "c:\\\\temp")',
        column("p", r"c:\temp", "c:temp"),
        0,
    ),
)
COMMANDS = (
    _ids("regex: a field", r'id=* | regex ip="^10\.10\.1[01]\."', ADDRESSES, 0, 2, 3),
    _ids("regex: !=", r'id=* | regex ip!="^10\."', ADDRESSES, 1, 5),
    _ids("regex: case counts", 'id=* | regex colour="RED"', COLOURS),
    _ids("regex: a literal asterisk", r'id=* | regex _raw=".*\*.*"', column("_raw", "a*b", "ab"), 0),
    Example(
        "rex: named groups",
        '* | rex field=m "From: <(?<from>.*)> To: <(?<to>.*)>" | table from to',
        at({"m": "From: <a> To: <b>"}),
        [{"from": "a", "to": "b"}],
    ),
    Example(
        "rex: max_match", r'* | rex field=m max_match=0 "(?<d>\d)" | table d', at({"m": "a1b2"}), [{"d": ["1", "2"]}]
    ),
    Example("rex: one match", r'* | rex field=m "(?<d>\d)" | table d', at({"m": "a1b2"}), [{"d": "1"}]),
    _ids("sort: numbers", "* | sort code", column("code", "100", "9", "10"), 1, 2, 0),
    _ids("sort: descending", "* | sort -num(code)", column("code", "100", "9", "10"), 0, 2, 1),
    _ids("sort: as text", "* | sort str(code)", column("code", "9", "100", "10"), 2, 1, 0),
    _ids("sort: capitals first", "* | sort code", column("code", "pz", "SF", "mb"), 1, 2, 0),
    _ids("sort: addresses", "* | sort ip", column("ip", "10.0.0.9", "9.0.0.1", "10.0.0.10"), 1, 0, 2),
    _ids("sort: missing last when ascending", "* | sort code", column("code", None, "2", "1"), 2, 1, 0),
    _ids("sort: missing last when descending", "* | sort - code", column("code", None, "2", "1"), 1, 2, 0),
    _ids(
        "sort: two fields",
        "* | sort -size, colour",
        at(
            {"id": "0", "size": "1", "colour": "b"},
            {"id": "1", "size": "1", "colour": "a"},
            {"id": "2", "size": "2", "colour": "c"},
        ),
        2,
        1,
        0,
    ),
    _ids("sort: a count", "* | sort 2 code", column("code", "3", "2", "1"), 2, 1),
    Example(
        "sort: 10,000 without a count",
        "* | sort code | stats count",
        column("code", *range(10_001)),
        [{"count": 10_000}],
    ),
    Example("sort: 0 is all", "* | sort 0 code | stats count", column("code", *range(10_001)), [{"count": 10_001}]),
    _ids("dedup: the first of each", "* | dedup colour", COLOURS, 0, 2, 3),
    _ids("dedup: several fields", "* | dedup colour size", COLOURS, 0, 1, 2, 3),
    _ids("dedup: a number of each", "* | dedup 2 size", COLOURS, 0, 1, 2, 3),
    _ids("dedup: without the field", "* | dedup place", PONIES, 0, 2),
    _ids("dedup: keepempty", "* | dedup place keepempty=true", PONIES, 0, 1, 2),
    _ids("dedup: consecutive", "* | dedup size consecutive=true", COLOURS, 0, 1, 3),
    Example(
        "rename: a name in quotation marks",
        '* | rename a AS "b c" | fields "b c" | fields - _time',
        at({"a": "1", "x": "2"}),
        [{"b c": "1"}],
    ),
    Example("rename: over a field", "* | rename a AS b | table a b", at({"a": "1", "b": "2"}), [{"b": "1"}]),
    Example("rename: of what is not there", "* | rename a AS b | table a b", at({"b": "2"}), [{}]),
    Example(
        "fields: internal fields stay",
        "* | fields a",
        at({"a": "1", "b": "2", "_raw": "r"}),
        [{"_time": START, "a": "1", "_raw": "r"}],
    ),
    Example("fields: removal", "* | fields - b, _*", at({"a": "1", "b": "2", "_raw": "r"}), [{"a": "1"}]),
    Example("fields: wildcards", "* | fields - a* | fields - _time", at({"a": "1", "ab": "2", "b": "3"}), [{"b": "3"}]),
    Example("table: only what is named", "* | table b a", at({"a": "1", "b": "2", "c": "3"}), [{"b": "2", "a": "1"}]),
    Example("fillnull: 0", "* | fillnull a b | table a b", at({"a": "1"}), [{"a": "1", "b": "0"}]),
    Example("fillnull: a value", '* | fillnull value="NULL" a | table a', at({"b": "1"}), [{"a": "NULL"}]),
    Example(
        "fillnull: all fields",
        "* | fillnull value=x | table a b",
        at({"a": "1"}, {"b": "2"}),
        [{"a": "1", "b": "x"}, {"a": "x", "b": "2"}],
    ),
    Example("tstats: count", "| tstats count FROM datamodel=Web.Proxy", [], [{"count": 3}], {"datamodels": NAMED}),
    Example(
        "tstats: summariesonly",
        "| tstats summariesonly=true allow_old_summaries=f count FROM datamodel=Web.Proxy WHERE earliest=+1s",
        [],
        [{"count": 1}],
        {"datamodels": NAMED},
    ),
    Example(
        "tstats: WHERE",
        "| tstats count FROM datamodel=Web.Proxy WHERE Web.user=u",
        [],
        [{"count": 2}],
        {"datamodels": NAMED},
    ),
    Example(
        "tstats: BY drops nulls",
        "| tstats count FROM datamodel=Web.Proxy BY Web.user",
        [],
        [{"Web.user": "U", "count": 1}, {"Web.user": "u", "count": 1}],
        {"datamodels": NAMED},
    ),
    Example(
        "tstats: fillnull_value",
        "| tstats fillnull_value=none count FROM datamodel=Web.Proxy BY Web.user",
        [],
        [{"Web.user": "U", "count": 1}, {"Web.user": "none", "count": 1}, {"Web.user": "u", "count": 1}],
        {"datamodels": NAMED},
    ),
    Example(
        "tstats: BY _time span",
        "| tstats dc(Web.user) AS n FROM datamodel=Web.Proxy BY _time span=1m",
        [],
        [{"_time": START, "n": 2}],
        {"datamodels": NAMED},
    ),
)
AGGREGATES = (
    Example("Aggregate functions: count", "* | stats count", BYTES, [{"count": 5}]),
    Example("Aggregate functions: count of nothing", "x=1 | stats count", BYTES, [{"count": 0}]),
    Example(
        "Aggregate functions: count of a field", "* | stats count(place) AS n count", PONIES, [{"n": 2, "count": 3}]
    ),
    Example("Aggregate functions: count(eval())", '* | stats count(eval(host="x")) AS n', BYTES, [{"n": 3}]),
    Example(
        "Aggregate functions: distinct_count",
        "* | stats dc(host) distinct_count(bytes) AS b",
        BYTES,
        [{"dc(host)": 2, "b": 5}],
    ),
    Example(
        "Aggregate functions: sum",
        "* | stats sum(bytes) BY host",
        BYTES,
        [{"host": "x", "sum(bytes)": 550}, {"host": "y", "sum(bytes)": 350}],
    ),
    Example(
        "Aggregate functions: avg", "* | stats avg(bytes) AS a BY host", [BYTES[1], BYTES[4]], [{"host": "y", "a": 175}]
    ),
    Example(
        "Aggregate functions: min and max of numbers",
        "* | stats min(bytes) AS a max(bytes) AS b",
        BYTES,
        [{"a": "50", "b": "400"}],
    ),
    Example(
        "Aggregate functions: min and max of text",
        "* | stats min(v) AS a max(v) AS b",
        column("v", "b", "B", "a"),
        [{"a": "B", "b": "b"}],
    ),
    Example("Aggregate functions: range", "* | stats range(bytes) AS r", BYTES, [{"r": 350}]),
    Example(
        "Event order functions: first and last",
        "* | stats first(bytes) AS a last(bytes) AS b",
        BYTES,
        [{"a": "100", "b": "150"}],
    ),
    Example(
        "Time functions: earliest and latest",
        "* | sort bytes | stats earliest(bytes) AS a latest(bytes) AS b",
        BYTES,
        [{"a": "150", "b": "100"}],
    ),
    Example(
        "Multivalue stats functions: values",
        "* | stats values(v) AS v",
        column("v", "b", "10", "9", "b", "B"),
        [{"v": ["10", "9", "B", "b"]}],
    ),
    Example(
        "Multivalue stats functions: list",
        "* | stats list(v) AS v",
        column("v", "b", "a", "b"),
        [{"v": ["b", "a", "b"]}],
    ),
    Example(
        "Multivalue stats functions: list has 100",
        "* | stats list(v) AS v | eval n=mvcount(v), last=mvindex(v, -1) | table n last",
        column("v", *range(101)),
        [{"n": 100, "last": "99"}],
    ),
    Example(
        "Multivalue stats functions: values of several",
        "* | stats values(v) AS v",
        column("v", ["c", "a"], "b"),
        [{"v": ["a", "b", "c"]}],
    ),
    Example(
        "stats: BY several values",
        "* | stats count BY v",
        column("v", ["a", "b"], "a"),
        [{"v": "a", "count": 2}, {"v": "b", "count": 1}],
    ),
    Example(
        "stats: BY drops nulls",
        "* | stats count BY place",
        PONIES,
        [{"place": "Calaveras Farms", "count": 1}, {"place": "Marin Meadows", "count": 1}],
    ),
    Example(
        "eventstats: each event has the group's",
        "* | eventstats sum(bytes) AS s BY host | table host s",
        BYTES[:3],
        [{"host": "x", "s": 500}, {"host": "y", "s": 200}, {"host": "x", "s": 500}],
    ),
    Example(
        "eventstats: a null in BY", "* | eventstats count AS n BY place | table n", PONIES, [{"n": 1}, {}, {"n": 1}]
    ),
    Example(
        "streamstats: running total",
        "* | streamstats sum(bytes) AS s BY host | table s",
        BYTES,
        [{"s": 100}, {"s": 200}, {"s": 500}, {"s": 550}, {"s": 350}],
    ),
    Example(
        "streamstats: current=f",
        "* | streamstats current=f sum(bytes) AS s BY host | table s",
        BYTES,
        [{}, {}, {"s": 100}, {"s": 500}, {"s": 200}],
    ),
    Example(
        "streamstats: the event before",
        "* | streamstats current=f window=1 last(bytes) AS p | table p",
        BYTES[:3],
        [{}, {"p": "100"}, {"p": "200"}],
    ),
    Example(
        "streamstats: window",
        "* | streamstats window=2 sum(bytes) AS s | table s",
        BYTES,
        [{"s": 100}, {"s": 300}, {"s": 600}, {"s": 450}, {"s": 200}],
    ),
    Example(
        "streamstats: one window for all groups",
        "* | streamstats window=2 sum(bytes) AS s BY host | table s",
        BYTES,
        [{"s": 100}, {"s": 200}, {"s": 400}, {"s": 450}, {"s": 150}],
    ),
    Example(
        "streamstats: global=f",
        "* | streamstats global=f window=2 sum(bytes) AS s BY host | table s",
        BYTES,
        [{"s": 100}, {"s": 200}, {"s": 500}, {"s": 450}, {"s": 350}],
    ),
    Example(
        "streamstats: time_window",
        "* | sort 0 _time | streamstats time_window=5s count AS n | table n",
        [{"_time": START + t} for t in (0, 4, 8, 20)],
        [{"n": 1}, {"n": 2}, {"n": 2}, {"n": 1}],
    ),
    Example(
        "streamstats: time_window, newest first",
        "* | streamstats time_window=5s count AS n | table n",
        [{"_time": START + t} for t in (0, 4, 8, 20)],
        [{"n": 1}, {"n": 1}, {"n": 2}, {"n": 2}],
    ),
    Example(
        "streamstats: values so far",
        "* | streamstats values(host) AS v dc(host) AS d | table v d",
        BYTES[:3],
        [{"v": "x", "d": 1}, {"v": ["x", "y"], "d": 2}, {"v": ["x", "y"], "d": 2}],
    ),
    Example(
        "limits.conf: max_stream_window",
        "* | sort 0 _time | streamstats time_window=1h count AS n | stats max(n) AS n",
        [{"_time": START + t} for t in range(9)],
        [{"n": 5}],
        {"max_stream_window": 5},
    ),
)
EXAMPLES = {example.page: example for example in (*SEARCH, *EXPRESSIONS, *COMMANDS, *AGGREGATES)}
