"""Examples of Elastic's pages, made again with small events: the events that a query gives, and the page that says so.

The values are ours; the situation is that of the page. Where a page is silent, `page` says what the example follows.
test_eql_engine.py runs them, and test_eql_planted_bugs.py shows that they notice when the engine is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Events = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Example:
    """A query on events, and the `_id` of each event of each alert. options: of EqlEngine, readings as a mapping."""

    page: str
    query: str
    events: Events
    alerts: Sequence[Sequence[str]]
    options: Mapping[str, Any] = field(default_factory=dict)


def at(*events: Mapping[str, object], step: int = 1000) -> Events:
    """Events `step` milliseconds apart, with `_id` from 1, of category process."""
    return [
        {"_id": str(number), "@timestamp": step * number, "event.category": "process", **event}
        for number, event in enumerate(events, 1)
    ]


def column(*values: object, name: str = "f") -> Events:
    """One event for each value of one field; None is an event without it."""
    return at(*({name: value} for value in values))


def ones(*ids: int) -> Sequence[Sequence[str]]:
    """Alerts of one event."""
    return [[str(number)] for number in ids]


def letters(text: str, **fields: object) -> Events:
    """An event for each letter, in the field `f`."""
    return at(*({"f": letter, **fields} for letter in text))


def sequence(*letters: str, head: str = "", tail: str = "") -> str:
    """A sequence of events with these letters."""
    terms = " ".join(f'[any where f == "{letter}"]' for letter in letters)
    return f"sequence {head} {terms} {tail}"


_USERS = ["root", "root", "elkbee", "root", "root", "elkbee", "root", "elkbee", "root", "elkbee", "root"]
_NAMES = ["attrib", "attrib", "bash", "bash", "bash", "attrib", "attrib", "bash", "cat", "cat", "cat"]
_MACHINE = at(*({"user.name": user, "f": name} for user, name in zip(_USERS, _NAMES, strict=True)))
_DOCS = (
    "doc",
    "docs",
    "document",
    "DOS",
    "adoc",
    "asciidoc",
    "disc",
    "DOC",
    "DOCS",
    "DOCs",
    "DOCUMENT",
    "DISC",
    "DisC",
)
_IDS = [{"ID": "1", "f": letter} for letter in "AB"] + [{"ID": "2", "f": letter} for letter in "ABC"]
_IDS += [{"ID": "3", "f": letter} for letter in "ACB"]
_MANY = column(["a", "b"], ["b"], ["c", "d"], None, "a")
_FIVE = column(5, 4, None, [3, 9])
_PATHS = column("C:\\a\\x.exe", "C:\\axexe", "C:\\A\\X.EXE", None, ["y", "C:\\a\\x.exe"])
_KEYED = at(
    {"f": "A", "k": "x"}, {"f": "A"}, {"f": "B"}, {"f": "B", "k": "X"}, {"f": "B", "k": "x"}, {"f": "A", "k": "x"}
)
_CONCURRENT = [{"_id": name, "@timestamp": 0, "f": name} for name in "AB"]

_ALL = (
    Example("Basic syntax", 'process where f == "a"', column("a", "b"), ones(1)),
    Example(
        "Basic syntax: the category heeds case, and may be one of several",
        "process where true",
        at({}, {"event.category": "Process"}, {"event.category": ["file", "process"]}, {"event.category": "processes"}),
        ones(1, 3),
    ),
    Example("Match any event category", 'any where f == "http"', at({"event.category": None, "f": "http"}), ones(1)),
    Example(
        "Escape an event category",
        '"my-event-category" where true',
        at({"event.category": "my-event-category"}),
        ones(1),
    ),
    Example("Escape a field name", 'any where `my``field`.`6` == "a"', column("a", name="my`field.6"), ones(1)),
    Example("== heeds case", 'any where f == "Cmd.exe"', column("cmd.exe", "Cmd.exe", "CMD.EXE"), ones(2)),
    Example("== knows no wildcard", 'any where f == "c*"', column("cmd", "c*", "c"), ones(2)),
    Example(": ignores case", 'any where f : "Cmd.exe"', column("cmd.exe", "Cmd.exe", "CMD-EXE"), ones(1, 2)),
    Example(": ignores case of ASCII alone (page of the term query)", 'any where f : "É"', column("é", "É"), ones(2)),
    Example("Wildcards: : doc*", 'any where f : "doc*"', column(*_DOCS), ones(1, 2, 3, 8, 9, 10, 11)),
    Example("Wildcards: : *doc", 'any where f : "*doc"', column(*_DOCS), ones(1, 5, 6, 8)),
    Example("Wildcards: : doc?", 'any where f : "doc?"', column(*_DOCS), ones(2, 9, 10)),
    Example("Wildcards: : d?c", 'any where f : "d?c"', column(*_DOCS), ones(1, 8)),
    Example("Wildcards: like DOC*", 'any where f like "DOC*"', column(*_DOCS), ones(8, 9, 10, 11)),
    Example("Wildcards: like D*C", 'any where f like "D*C"', column(*_DOCS), ones(8, 12, 13)),
    Example(
        "Wildcards: lists", 'any where f like~ ("doc*", "f*o", "ba?")', column("DOC", "fo", "bar", "ba"), ones(1, 2, 3)
    ),
    Example(
        "Wildcards: newlines, and beyond the basic plane", 'any where f : "a?c"', column("a\nc", "a😀c"), ones(1, 2)
    ),
    Example(
        "Wildcards: a backslash is itself (detection rules; StringUtils.toLikePattern)",
        'any where f : "C:\\\\a\\\\*"',
        column("C:\\a\\b", "C:\\a*", "C:/a/b"),
        ones(1),
    ),
    Example(
        "regex heeds case, and matches the whole value",
        'any where f regex "VALUE[^Z].?"',
        column("VALUE1", "VALUEZ", "value1", "VALUE12", "VALUE123", "xVALUE1"),
        ones(1, 4),
    ),
    Example("regex~", 'any where f regex~ ("value[^z].?", "a&~(b)")', column("VALUE1", "VALUEZ", "A"), ones(1, 3)),
    Example("in heeds case", 'any where f in ("a", "B")', column("a", "A", "b", "B", None), ones(1, 4)),
    Example("in~", 'any where f in~ ("a", "B")', column("a", "A", "b", "c", "a*"), ones(1, 2, 3)),
    Example("not in", 'any where f not in ("a", "B")', column("a", "A", "b", "B"), ones(2, 3)),
    Example(": with a list", 'any where f : ("a", "B*")', column("A", "bc", "c"), ones(1, 2)),
    Example("and before or, not before and", "any where true or true and not true", column("a"), ones(1)),
    Example("Match any condition", "any where true", column("a", "b"), ones(1, 2)),
    Example("Numbers", "any where f >= 4 and 5 >= f", column(3, 4, 4.5, 5, 6), ones(2, 3, 4)),
    Example("Strings: order heeds case", 'any where f >= "B"', column("A", "B", "a", "Ba"), ones(2, 3, 4)),
    Example(
        "Optional fields: mapped", "any where ?f != null", column("a", None), ones(1), {"mapping": {"f": "keyword"}}
    ),
    Example(
        "Optional fields: not mapped", "any where ?f != null", column("a", None), [], {"mapping": {"g": "keyword"}}
    ),
    Example("Check if a field exists", "any where f == null", column("a", None, []), ones(2, 3)),
    Example(
        "Optional fields: == null under not (ReplaceNullChecks)",
        "any where not ?f != null and not ?f == null or ?f == null",
        column("a", None),
        ones(1, 2),
        {"mapping": {"g": "keyword"}},
    ),
    Example(
        "Optional fields: a comparison with null is null, and `not` of it",
        'any where ?f == "a" or not ?f == "a"',
        column("a", None),
        [],
        {"mapping": {"g": "keyword"}},
    ),
    Example("Strings: escapes", r'any where f == "a\t\u{41}\"\\"', column('a\tA"\\', "b"), ones(1)),
    Example("Raw strings", 'any where f == """a\\t"b\\"""', column('a\\t"b\\', "a\tb"), ones(1)),
    Example("!= and null (NotQuery)", 'any where f != "a"', column("a", "b", None), ones(2, 3)),
    Example("not and null (must_not)", 'any where not f : "a*"', column("ab", "b", None), ones(2, 3)),
    Example("not < and null (must_not)", "any where not f < 5", _FIVE, ones(1, 3)),
    Example(
        "not of and, with a script (must_not)", "any where not (length(f) == 2 and true)", column("ab", None), ones(2)
    ),
    Example("Several values: any", 'any where f == "a"', _MANY, ones(1, 5)),
    Example("Several values: !=", 'any where f != "a"', _MANY, ones(2, 3, 4)),
    Example("Several values: different ones", 'any where f == "a" and f == "b"', _MANY, ones(1)),
    Example(
        "cidrMatch",
        'any where cidrMatch(f, "192.168.0.0/16", "2001:db8::/32")',
        column("192.168.152.12", "10.0.0.1", "2001:db8::1", "2001:db9::1", None),
        ones(1, 3),
    ),
    Example(
        "cidrMatch under not (terms query)",
        'any where not cidrMatch(f, "10.0.0.0/8")',
        column("10.0.0.1", None),
        ones(2),
    ),
    Example(
        "An ip is the same however written",
        'any where f == "::1"',
        column("0:0:0:0:0:0:0:1"),
        ones(1),
        {"mapping": {"f": "ip"}},
    ),
    Example("startsWith", 'any where startsWith(f, "C:\\\\")', column("C:\\a", "xC:\\a", "c:\\a"), ones(1)),
    Example("endsWith~", 'any where endsWith~(f, "\\\\x.exe")', _PATHS, ones(1, 3, 5)),
    Example("stringContains under not, as a query", 'any where not stringContains(f, "x.exe")', _PATHS, ones(2, 3, 4)),
    Example(
        "stringContains under not, as a script",
        'any where not stringContains(f, "x.exe")',
        _PATHS,
        ones(2, 3, 5),
        {"readings": {"functions_are_queries": False}},
    ),
    Example(
        "length, which is a script",
        "any where length(f) == 2 or not length(f) == 2",
        column("ab", "a", None),
        ones(1, 2),
    ),
    Example(
        "Sequences",
        'sequence [file where f == "exe"] [process where true]',
        at({"event.category": "process"}, {"event.category": "file", "f": "exe"}, {}, {}),
        [["2", "3"]],
    ),
    Example(
        "Sequences: an event may end one and begin another",
        "sequence [any where true] [any where true]",
        letters("AAA"),
        [["1", "2"], ["2", "3"]],
    ),
    Example(
        "with maxspan: exactly",
        sequence("A", "B", head="with maxspan=1500ms"),
        at({"f": "A"}, {"f": "B"}, step=1500),
        [["1", "2"]],
    ),
    Example(
        "with maxspan: a millisecond more",
        sequence("A", "B", head="with maxspan=1499ms"),
        at({"f": "A"}, {"f": "B"}, step=1500),
        [],
    ),
    Example("with maxspan: from the first event", sequence("A", "B", "C", head="with maxspan=1s"), letters("ABC"), []),
    Example(
        "by keyword: different fields",
        'sequence by u [any where f == "A"] by p [any where f == "B"] by q',
        at(
            {"f": "A", "u": "r", "p": "x"},
            {"f": "B", "u": "r", "q": "y"},
            {"f": "B", "u": "s", "q": "x"},
            {"f": "B", "u": "r", "q": "x"},
        ),
        [["1", "4"]],
    ),
    Example("by keyword: case and null", sequence("A", "B", head="by k"), _KEYED, [["1", "5"]]),
    Example("Optional by fields", sequence("A", "B", head="by ?k"), _KEYED, [["2", "3"], ["1", "5"]]),
    Example(
        "until keyword",
        sequence("A", "B", head="by ID", tail='until [any where f == "C"]'),
        at(*_IDS),
        [["1", "2"], ["3", "4"]],
    ),
    Example(
        "with runs",
        'sequence [any where f == "A"] with runs=2 [any where f == "B"]',
        letters("ABAB"),
        [["1", "3", "4"]],
    ),
    Example(
        "State machine",
        sequence("attrib", "bash", "cat", head="by user.name"),
        _MACHINE,
        [["2", "4", "9"], ["6", "8", "10"]],
    ),
    Example("Concurrent events, in order", sequence("A", "B"), _CONCURRENT, [["A", "B"]]),
    Example("Concurrent events, reversed", sequence("A", "B"), _CONCURRENT, [], {"readings": {"ties_reversed": True}}),
)

EXAMPLES = {example.page: example for example in _ALL}
assert len(EXAMPLES) == len(_ALL)
