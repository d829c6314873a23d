"""Wrong engines are noticed: each has one planted bug, and gives another answer to an example of a page.

A bug is a change of the source of one module, or of a grammar. The modules are loaded anew with it, beside the
right ones.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from oracles import spl_grammar
from oracles.spl_examples import EXAMPLES

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)
HERE = Path(spl_grammar.__file__).parent


@dataclass(frozen=True)
class Bug:
    """What is wrong, in which module (or grammar, where the name ends in .lark), and an example that notices."""

    name: str
    module: str
    right: str
    wrong: str
    example: str


BUGS = (
    Bug("AND before OR in search", "spl_search.lark", "", "", "Boolean expressions: OR before AND"),
    Bug("OR before AND in where", "spl_eval.lark", "", "", "Boolean expressions: AND before OR in where"),
    Bug(
        "NOT takes all that follows",
        "spl_search.lark",
        "_NOT negation  -> negated",
        "_NOT conjunction  -> negated",
        "Boolean expressions: NOT takes the next term",
    ),
    Bug(
        "search heeds case",
        "spl_search",
        "    wanted = value.lower()\n    return lambda held: text(held).lower() == wanted",
        "    wanted = value\n    return lambda held: text(held) == wanted",
        "search: values without regard to case",
    ),
    Bug(
        "where does not heed case",
        "spl_eval",
        "    a, b = text(left), text(right)",
        "    a, b = text(left).lower(), text(right).lower()",
        "where: case counts",
    ),
    Bug(
        "!= holds for a missing field",
        "spl_search",
        "return bool(differ) and (",
        "return not differ or (",
        "Difference between != and NOT: !=",
    ),
    Bug(
        "NOT needs the field",
        "spl_search",
        "return lambda event: not inner(event)",
        "return lambda event: not inner(event) and 'place' in event",
        "Difference between != and NOT: NOT",
    ),
    Bug(
        "a comparison with null is true",
        "spl_eval",
        "        if first is None or second is None:\n            return unknown\n        return compare",
        "        if first is None or second is None:\n            return operator == '!='\n        return compare",
        "where: a comparison with null is not true",
    ),
    Bug(
        "< and > include the limit",
        "spl_search",
        'return (left > right) == (operator == ">")',
        'return (left >= right) == (operator == ">")',
        "search: > is of numbers",
    ),
    Bug(
        "numbers compare as text",
        "spl_search",
        "if limit is not None and as_number is not None:",
        "if False:",
        "search: > is of numbers",
    ),
    Bug(
        "= compares numbers",
        "spl_search",
        "return lambda held: text(held).lower() == wanted",
        "return lambda held: text(held).lower() == wanted or number(held) == number(value)",
        "search: = is of text",
    ),
    Bug(
        "IN has no wildcards",
        "spl_search",
        '        if "*" in value:\n            patterns',
        "        if False:\n            patterns",
        "search: IN with wildcards",
    ),
    Bug(
        "a wildcard matches a part",
        "spl_search",
        "full = wildcard(value).fullmatch",
        "full = wildcard(value).search",
        "search: a wildcard has the whole value",
    ),
    Bug(
        "a CIDR range has one address more",
        "spl_addresses",
        "ipaddress.ip_address(address) in network",
        "(ipaddress.ip_address(address) in network or ipaddress.ip_address(address) == network.broadcast_address + 1)",
        "search: CIDR of IPv4",
    ),
    Bug(
        "no CIDR of IPv6",
        "spl_addresses",
        r"|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/[0-9]{1,3}",
        "",
        "search: CIDR of IPv6",
    ),
    Bug(
        "the first of several values counts",
        "spl_search",
        "any(map(matches, held)) if",
        "matches(held[0]) if",
        "search: of several values any",
    ),
    Bug(
        "backslashes stay", "spl_grammar", r"""r"\\([\\\"|])")""", r"""r"\\([\"|])")""", r"search: \\ is one backslash"
    ),
    Bug(
        "every backslash goes",
        "spl_grammar",
        r"""r"\\([\\\"|])")""",
        r"""r"\\(.)")""",
        r"search: \s is not altered",
    ),
    Bug(
        "a keyword is any part",
        "spl_search",
        "re.compile(before + parts + after",
        "re.compile(parts",
        "search: a keyword is a term",
    ),
    Bug("earliest is not in", "spl_search", "and at >= bound", "and at > bound", "Time modifiers: earliest is in"),
    Bug("latest is in", "spl_search", "and at < bound", "and at <= bound", "Time modifiers: latest is not"),
    Bug(
        "weeks begin on Monday",
        "spl_times",
        "(day.isoweekday() - int(weekday or 0)) % 7",
        "day.weekday()",
        "Time modifiers: weeks begin on Sunday",
    ),
    Bug("oldest first", "spl_engine", "return -_time(event)", "return _time(event)", "Search: newest first"),
    Bug("_ is a letter in LIKE", "spl_regexes", '"_": "."', '"_": "_"', "where: LIKE"),
    Bug("% is one character", "spl_regexes", '"%": ".*"', '"%": "."', "Conditional functions: like()"),
    Bug(
        "LIKE matches a part",
        "spl_eval",
        "like(text(form), escapes).fullmatch",
        "like(text(form), escapes).search",
        "Conditional functions: like() has the whole",
    ),
    Bug(
        "match() needs the beginning",
        "spl_functions",
        'pcre(literal(regex, "a regex")).search',
        'pcre(literal(regex, "a regex")).fullmatch',
        "Conditional functions: match() of a part",
    ),
    Bug(
        "case() has a default",
        "spl_functions",
        "                return result(event)\n        return None",
        "                return result(event)\n        return result(event)",
        "Conditional functions: case() without a match",
    ),
    Bug(
        "case() takes the last",
        "spl_functions",
        "for test, result in pairs:",
        "for test, result in reversed(pairs):",
        "Conditional functions: case() takes the first",
    ),
    Bug(
        "if() is turned round",
        "spl_functions",
        "then(event) if decide(event) else otherwise(event)",
        "otherwise(event) if decide(event) else then(event)",
        "Conditional functions: if()",
    ),
    Bug(
        "coalesce() takes the last",
        "spl_functions",
        "for part in parts:\n            held = part(event)",
        "for part in reversed(parts):\n            held = part(event)",
        "Conditional functions: coalesce()",
    ),
    Bug(
        "mvmap() keeps nulls",
        "spl_multivalue",
        "for each in values_of(result({**event, name: alone}))",
        "for each in (values_of(result({**event, name: alone})) or ('',))",
        "Multivalue functions: mvmap() without nulls",
    ),
    Bug(
        "mvindex() counts from 1",
        "spl_multivalue",
        "return held[first] if 0 <= first",
        "return held[first - 1] if 0 <= first",
        "Multivalue functions: mvindex() from 0",
    ),
    Bug(
        "mvindex() knows no end",
        "spl_multivalue",
        "(len(held) if (place or 0) < 0 else 0)",
        "0",
        "Multivalue functions: mvindex() from the end",
    ),
    Bug(
        "mvindex() leaves the last out",
        "spl_multivalue",
        "held[first : last + 1]",
        "held[first:last]",
        "Multivalue functions: mvindex() of a range",
    ),
    Bug(
        "split() splits once",
        "spl_multivalue",
        "subject.split(delimiter)",
        "subject.split(delimiter, 1)",
        "Text functions: split()",
    ),
    Bug("mvdedup() does nothing", "spl_multivalue", "dict.fromkeys(held)", "held", "Multivalue functions: mvdedup()"),
    Bug("sort passes all", "spl_commands", "SORT_LIMIT = 10_000", "SORT_LIMIT = 0", "sort: 10,000 without a count"),
    Bug("sort is of text", "spl_commands", 'kind = "num"', 'kind = "str"', "sort: numbers"),
    Bug(
        "missing fields first",
        "spl_commands",
        "[event for _, event in filled] + [event for alone, event in present if alone is None]",
        "[event for alone, event in present if alone is None] + [event for _, event in filled]",
        "sort: missing last when descending",
    ),
    Bug("sort by the last field first", "spl_commands", "in reversed(keys)", "in keys", "sort: two fields"),
    Bug(
        "dedup keeps empty ones",
        "spl_commands",
        'if options.get("keepempty"):',
        "if True:",
        "dedup: without the field",
    ),
    Bug(
        "dedup keeps the rest",
        "spl_commands",
        "if seen[key] <= most:",
        "if seen[key] >= most:",
        "dedup: the first of each",
    ),
    Bug(
        "rename keeps the target",
        "spl_commands",
        "            for old, new in pairs:\n                event.pop(new, None)",
        "            for old, new in pairs:",
        "rename: of what is not there",
    ),
    Bug(
        "fields drops _time",
        "spl_commands",
        'or name in ("_time", "_raw")',
        "",
        "fields: internal fields stay",
    ),
    Bug(
        "table has the events' order",
        "spl_commands",
        "for name in names:\n                if",
        "for name in sorted(names):\n                if",
        "table: only what is named",
    ),
    Bug("fillnull gives nothing", "spl_commands", 'else "0"', 'else ""', "fillnull: 0"),
    Bug("rex takes all", "spl_commands", '"_raw", 1', '"_raw", 0', "rex: one match"),
    Bug(
        "count counts missing fields",
        "spl_aggregates",
        "        if found is None:\n            return ()",
        "        if found is None:\n            return _ONE if function == 'count' else ()",
        "Aggregate functions: count of a field",
    ),
    Bug(
        "dc counts all",
        "spl_accumulators",
        "return len(self.held)",
        "return sum(self.held.values())",
        "Aggregate functions: distinct_count",
    ),
    Bug(
        "values in the order of events",
        "spl_accumulators",
        "insort(self.order, shown)",
        "self.order.append(shown)",
        "Multivalue stats functions: values",
    ),
    Bug(
        "values repeats",
        "spl_accumulators",
        "if self.held[shown] == 1 and not self.counted:",
        "if not self.counted:",
        "Multivalue stats functions: values",
    ),
    Bug(
        "list has no limit",
        "spl_aggregates",
        "min(len(held), list_maxsize)",
        "len(held)",
        "Multivalue stats functions: list has 100",
    ),
    Bug(
        "earliest is the first event",
        "spl_accumulators",
        "each[1] < best[1])",
        "False)",
        "Time functions: earliest and latest",
    ),
    Bug(
        "a null in BY is a group",
        "spl_stats",
        "*(values_of(event.get(name)) for name in names)",
        "*(values_of(event.get(name)) or ('',) for name in names)",
        "tstats: BY drops nulls",
    ),
    Bug("current=f is not heeded", "spl_stats", 'options.get("current", "true")', '"true"', "streamstats: current=f"),
    Bug(
        "a window has one more",
        "spl_stats",
        "while len(held) > (self.window or self.most):",
        "while len(held) > (self.window or self.most) + 1:",
        "streamstats: window",
    ),
    Bug(
        "each group has its window",
        "spl_stats",
        "self.over_all = over_all if",
        "self.over_all = False if",
        "streamstats: one window for all groups",
    ),
    Bug(
        "a time window only ends",
        "spl_stats",
        "distance > limit if",
        "False if",
        "streamstats: time_window",
    ),
    Bug(
        "no limit of a time window",
        "spl_stats",
        "(self.window or self.most):",
        "(self.window or 10**9):",
        "limits.conf: max_stream_window",
    ),
    Bug(
        "eventstats knows no groups",
        "spl_stats",
        '_key(event, names, "eventstats")',
        '_key(event, [], "eventstats")',
        "eventstats: each event has the group's",
    ),
)


def swapped(module: str, source: str) -> str:
    """A grammar in which OR and AND have changed places."""
    if module == "spl_search.lark":
        return source.replace("(_AND? disjunction)+  -> all_of", "(_OR disjunction)+  -> any_of").replace(
            "(_OR negation)+  -> any_of", "(_AND? negation)+  -> all_of"
        )
    return source.replace("(_OR conjunction)+  -> any_of", "(_AND conjunction)+  -> all_of").replace(
        "(_AND negation)+  -> all_of", "(_OR negation)+  -> any_of"
    )


@contextmanager
def fresh_modules() -> Iterator[None]:
    """Load the engine's modules anew inside, and have the old ones back after."""
    kept = {name: module for name, module in sys.modules.items() if name.startswith("oracles.spl_")}
    package: Any = importlib.import_module("oracles")
    attributes = {name.rpartition(".")[2]: module for name, module in kept.items()}
    for name in kept:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.startswith("oracles.spl_")]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in attributes.items():
            setattr(package, name, module)


def changed(bug: Bug) -> str:
    """The source with the bug. There must be one place for it."""
    path = HERE / (bug.module if bug.module.endswith(".lark") else f"{bug.module}.py")
    source = path.read_text(encoding="utf-8")
    if not bug.right:
        return swapped(bug.module, source)
    assert source.count(bug.right) == 1, bug.name
    return source.replace(bug.right, bug.wrong)


def load(name: str, source: str) -> None:
    """Make the source the module of this name."""
    spec = importlib.util.spec_from_loader(f"oracles.{name}", loader=None)
    assert spec
    module: Any = importlib.util.module_from_spec(spec)
    module.__file__ = str(HERE / f"{name}.py")
    sys.modules[f"oracles.{name}"] = module
    exec(compile(source, f"{name}.py with a bug", "exec"), module.__dict__)
    setattr(importlib.import_module("oracles"), name, module)


def answer(example: str, engine: Callable[..., Any]) -> object:
    """What an engine gives for an example, or its error."""
    asked = EXAMPLES[example]
    try:
        rows: list[Mapping[str, object]] = engine(asked.events, **asked.options).query(asked.query, NOW)
    except (ValueError, TypeError) as error:
        return repr(error)
    return [list(row.items()) for row in rows]


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_an_example_notices(bug: Bug) -> None:
    source = changed(bug)
    with fresh_modules():
        if bug.module.endswith(".lark"):
            grammar: Any = importlib.import_module("oracles.spl_grammar")
            wrong = bug.module.removeprefix("spl_").removesuffix(".lark")
            right = grammar.grammar_text
            grammar.grammar_text = lambda name: source if name == wrong else right(name)
        else:
            load(bug.module, source)
        engine: Any = importlib.import_module("oracles.spl_engine")
        given = answer(bug.example, engine.SplEngine)
    assert given != [list(row.items()) for row in EXAMPLES[bug.example].rows]
    assert isinstance(given, list), given


def test_the_same_sources_give_the_same_answers() -> None:
    with fresh_modules():
        engine: Any = importlib.import_module("oracles.spl_engine")
        given = {page: answer(page, engine.SplEngine) for page in EXAMPLES}
    assert given == {page: [list(row.items()) for row in example.rows] for page, example in EXAMPLES.items()}


def test_there_are_thirty_bugs_or_more() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30
