"""Wrong engines are noticed: each has one planted bug, and gives another answer to an example of a page.

A bug is a change of the source of one module, which is loaded anew with it, beside the right ones.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from oracles import eql_engine
from oracles.eql_examples import EXAMPLES

HERE = Path(eql_engine.__file__).parent


@dataclass(frozen=True)
class Bug:
    """What is wrong, in which module, and an example that notices."""

    name: str
    module: str
    right: str
    wrong: str
    example: str


_ORDER = """
        while self.match("{0}"):
            found = Logic("{0}", found, self.conjunction())
        return found

    def conjunction(self) -> Expression:
        found = self.negation()
        while self.match("{1}"):
            found = Logic("{1}", found, self.negation())
"""

BUGS = (
    Bug(
        "== ignores case",
        "eql_conditions",
        "self.atom(operand, self.equality(operand, right, False))",
        "self.atom(operand, self.equality(operand, right, True))",
        "== heeds case",
    ),
    Bug(
        "== expands wildcards",
        "eql_values",
        "lambda value: value == wanted",
        "like(wanted, False, readings)",
        "== knows no wildcard",
    ),
    Bug(": heeds case", "eql_grammar", '":": ("like", True)', '":": ("like", False)', ": ignores case"),
    Bug("in~ heeds case", "eql_conditions", "constant, expression.insensitive)", "constant, False)", "in~"),
    Bug("not in is in", "eql_grammar", "if negated else found", "if not negated else found", "not in"),
    Bug(
        "ignoring case is of Unicode",
        "eql_values",
        "re.IGNORECASE | re.ASCII",
        "re.IGNORECASE",
        ": ignores case of ASCII alone (page of the term query)",
    ),
    Bug("? is no character or one", "eql_values", '"?": "."', '"?": ".?"', "Wildcards: : doc?"),
    Bug("? is a question mark", "eql_values", ', "?": "."', "", "Wildcards: : d?c"),
    Bug("* is one character at least", "eql_values", '"*": ".*"', '"*": ".+"', "Wildcards: : doc*"),
    Bug(
        "wildcards stop at a newline",
        "eql_values",
        "re.compile(pattern, re.DOTALL | (",
        "re.compile(pattern, (",
        "Wildcards: newlines, and beyond the basic plane",
    ),
    Bug(
        "a wildcard pattern is found within",
        "eql_values",
        "search.fullmatch(str(value))",
        "search.search(str(value))",
        "Wildcards: : doc?",
    ),
    Bug(
        "a backslash escapes in like",
        "eql_values",
        '    """`like`, and `:` and `like~` where insensitive."""',
        "    return wildcard_query(pattern, insensitive, readings)",
        "Wildcards: a backslash is itself (detection rules; StringUtils.toLikePattern)",
    ),
    Bug(
        "a list needs all",
        "eql_conditions",
        "lambda value: any(test(value) for test in tests))\n\n    def pattern",
        "lambda value: all(test(value) for test in tests))\n\n    def pattern",
        ": with a list",
    ),
    Bug(
        "regex~ heeds case",
        "eql_conditions",
        "ignore, unicode_case = constant.value, expression.insensitive,",
        "ignore, unicode_case = constant.value, False,",
        "regex~",
    ),
    Bug(
        "or before and",
        "eql_grammar",
        _ORDER.format("or", "and"),
        _ORDER.format("and", "or"),
        "and before or, not before and",
    ),
    Bug(
        "!= needs the field",
        "eql_values",
        "unequal_for_missing: bool = True",
        "unequal_for_missing: bool = False",
        "!= and null (NotQuery)",
    ),
    Bug(
        "not needs the field",
        "eql_conditions",
        "nothing))))\n        return Condition(holds, lambda event: not holds(event))",
        "nothing))))\n        return Condition(holds, lambda event: field in event and not holds(event))",
        "not and null (must_not)",
    ),
    Bug(
        "not is moved into and",
        "eql_conditions",
        "lambda event: not holds(event))\n\n    def operand",
        "either(left.fails, right.fails))\n\n    def operand",
        "not of and, with a script (must_not)",
    ),
    Bug(
        "a comparison needs all values",
        "eql_conditions",
        "return any(map(changed",
        "return field in event and all(map(changed",
        "Several values: any",
    ),
    Bug(
        "a script under not is a query",
        "eql_conditions",
        "if script or change is not None:",
        "if False:",
        "length, which is a script",
    ),
    Bug(
        "null is nothing like a missing field",
        "eql_conditions",
        'exists if sign == "!="',
        'exists if sign == "=="',
        "Check if a field exists",
    ),
    Bug(
        "not of null is true",
        "eql_operands",
        "NULL = Condition(never, never, True)",
        "NULL = Condition(never, always, True)",
        "Optional fields: a comparison with null is null, and `not` of it",
    ),
    Bug("<= mirrored is <", "eql_conditions", '">=": "<="}', '">=": "<"}', "Numbers"),
    Bug(
        "cidrMatch of one range",
        "eql_conditions",
        "within(text)) for text in texts]",
        "within(text)) for text in texts[:1]]",
        "cidrMatch",
    ),
    Bug(
        "endsWith heeds case",
        "eql_conditions",
        "insensitive = expression.insensitive\n",
        "insensitive = False\n",
        "endsWith~",
    ),
    Bug(
        "startsWith is found anywhere",
        "eql_conditions",
        '"" if expression.name == "startsWith" else "*"',
        '"*"',
        "startsWith",
    ),
    Bug(
        "a category is one value",
        "eql_engine",
        "category in event.get(field, none)",
        "event.get(field, none) == (category,)",
        "Basic syntax: the category heeds case, and may be one of several",
    ),
    Bug("a raw string has escapes", "eql_tokens", "return token.text[3:-3]", "pass", "Raw strings"),
    Bug("code points are decimal", "eql_tokens", "int(digits, 16)", "int(digits)", "Strings: escapes"),
    Bug(
        "maxspan of whole seconds",
        "eql_engine",
        "maxspan={query.maxspan}s",
        "maxspan={query.maxspan // 1000 * 1000}s",
        "with maxspan: exactly",
    ),
    Bug(
        "maxspan excludes its end",
        "eql_engine",
        "maxspan={query.maxspan}s",
        "maxspan={query.maxspan - 1}s",
        "with maxspan: exactly",
    ),
    Bug(
        "maxspan is a millisecond longer",
        "eql_engine",
        "maxspan={query.maxspan}s",
        "maxspan={query.maxspan + 1}s",
        "with maxspan: a millisecond more",
    ),
    Bug(
        "null joins null",
        "eql_engine",
        "if not values and not field.optional:",
        "if False:",
        "by keyword: case and null",
    ),
    Bug(
        "null never joins",
        "eql_engine",
        "if not values and not field.optional:",
        "if not values:",
        "Optional by fields",
    ),
    Bug(
        "keys ignore case",
        "eql_engine",
        "(kind(values[0]), values[0])",
        "str(values[0]).lower()",
        "by keyword: case and null",
    ),
    Bug(
        "keys of an event are not joined",
        "eql_grammar",
        "keys=keys + self.keys()",
        "keys=self.keys() or keys",
        "by keyword: different fields",
    ),
    Bug("until ends nothing", "eql_engine", '    end = " until', '    end = "" and " until', "until keyword"),
    Bug("runs is once", "eql_grammar", "return [step] * int(number.text)", "return [step]", "with runs"),
    Bug(
        "ties come reversed",
        "eql_values",
        "ties_reversed: bool = False",
        "ties_reversed: bool = True",
        "Concurrent events, in order",
    ),
)


@contextmanager
def fresh_modules() -> Iterator[None]:
    """A time in which the engine's modules are loaded anew. The right ones come back after it."""
    kept = {name: module for name, module in sys.modules.items() if name.startswith("oracles.eql_")}
    package = importlib.import_module("oracles")
    for name in kept:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.startswith("oracles.eql_")]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in kept.items():
            setattr(package, name.removeprefix("oracles."), module)


def load(name: str, source: str) -> None:
    """Make the source the module of this name."""
    spec = importlib.util.spec_from_loader(f"oracles.{name}", loader=None)
    assert spec
    module: Any = importlib.util.module_from_spec(spec)
    sys.modules[f"oracles.{name}"] = module
    exec(compile(source, f"{name}.py with a bug", "exec"), module.__dict__)
    setattr(importlib.import_module("oracles"), name, module)


def answer(example: str) -> object:
    """What the engine that is loaded now gives for an example, or its error."""
    engine: Any = importlib.import_module("oracles.eql_engine")
    values: Any = importlib.import_module("oracles.eql_values")
    asked = EXAMPLES[example]
    options = dict(asked.options)
    if "readings" in options:
        options["readings"] = values.Readings(**options["readings"])
    try:
        found: list[list[Mapping[str, object]]] = engine.EqlEngine(asked.events, **options).query(asked.query)
    except (ValueError, TypeError) as error:
        return repr(error)
    return [[event["_id"] for event in alert] for alert in found]


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_an_example_notices(bug: Bug) -> None:
    source = (HERE / f"{bug.module}.py").read_text(encoding="utf-8")
    assert source.count(bug.right) == 1, bug.name
    with fresh_modules():
        load(bug.module, source.replace(bug.right, bug.wrong))
        given = answer(bug.example)
    assert isinstance(given, list), given
    assert given != [list(alert) for alert in EXAMPLES[bug.example].alerts]


def test_the_same_sources_give_the_same_answers() -> None:
    with fresh_modules():
        given = {page: answer(page) for page in EXAMPLES}
    assert given == {page: [list(alert) for alert in example.alerts] for page, example in EXAMPLES.items()}


def test_there_are_thirty_bugs_or_more() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30
