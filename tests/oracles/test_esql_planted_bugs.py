"""Wrong engines are noticed: each has one planted bug, and gives another answer to an example of a page.

A bug is a change of the source of one module. The modules are loaded anew with it, beside the right ones.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from oracles import esql_grammar
from oracles.esql_example import ERRORS, NOW, Example
from oracles.esql_examples import EXAMPLES

HERE = Path(esql_grammar.__file__).parent


@dataclass(frozen=True)
class Bug:
    """What is wrong, in which module, and an example that notices."""

    name: str
    module: str
    right: str
    wrong: str
    example: str


BUGS = (
    Bug(
        "escapes work in triple quotes",
        "esql_grammar",
        "        return literal[3:-3]",
        "        literal = literal[2:-2]",
        "Basic syntax: no escapes in triple quotes",
    ),
    Bug(
        "a tab is a t",
        "esql_grammar",
        '_MEANING = {"t": "\\t",',
        "_MEANING = {",
        "Basic syntax: escapes",
    ),
    Bug(
        "doubled backticks stay",
        "esql_grammar",
        '    return text[1:-1].replace("``", "`") if',
        "    return text[1:-1] if",
        "Basic syntax: backticks in backticks",
    ),
    Bug(
        "several values equal one of them",
        "esql_expressions",
        "            context.warn(text, SEVERAL)\n            return None\n        return test",
        "            return other in value\n        return test",
        "==: several values are null (csv-spec string, equalToMultivalue)",
    ),
    Bug(
        "a comparison with null is false",
        "esql_expressions",
        "        value = run(row)\n        if value is None:\n            return None\n        if type",
        "        value = run(row)\n        if value is None:\n            return False\n        if type",
        "NOT: of null is null",
    ),
    Bug(
        "null OR false is false",
        "esql_expressions",
        "            if value is None:\n                result = None\n            elif",
        "            if value is None:\n                pass\n            elif",
        "OR: false OR null (COUNT, three values)",
    ),
    Bug(
        "the first operand decides",
        "esql_expressions",
        "            if value is decisive:",
        "            if value is not None:",
        "AND before OR",
    ),
    Bug(
        "IN forgets the null of its list",
        "esql_expressions",
        "        unknown = None if any",
        "        unknown = False if any",
        "IN: null in the list (csv-spec string, in3VLWithNull)",
    ),
    Bug(
        "WHERE keeps null",
        "esql_expressions",
        "        return value is True\n",
        "        return value is not False\n",
        "!=: null is not unequal",
    ),
    Bug(
        "IS NOT NULL wants one value",
        "esql_expressions",
        "(run(row) is None) is wanted",
        "(run(row) is None or type(run(row)) is tuple) is wanted",
        "IS NOT NULL: several values",
    ),
    Bug(
        "division goes down",
        "esql_arithmetic",
        "        return whole if (left < 0) == (right < 0) else -whole",
        "        return left // right",
        "/: towards zero",
    ),
    Bug(
        "the remainder is that of Python",
        "esql_arithmetic",
        "        return abs(left) % abs(right) * (-1 if left < 0 else 1)",
        "        return left % right",
        "%: the sign of the left side",
    ),
    Bug(
        "whole numbers are without end",
        "esql_arithmetic",
        "        if not fits(result, type_):",
        "        if not fits(result, 'long'):",
        "+: beyond integer",
    ),
    Bug(
        "a month is thirty days",
        "esql_arithmetic",
        "        moved = start.replace(year=year, month=month + 1, day=day)",
        "        moved = moment(at + months * 30 * 86_400_000)",
        "+: a month clips to the last day",
    ),
    Bug(
        "a large literal is an integer",
        "esql_literals",
        '    for type_ in ("integer", "long"):\n        if fits(value, type_):',
        '    for type_ in ("integer", "long"):\n        if fits(value, "long"):',
        "Basic syntax: a number that integer cannot hold is long",
    ),
    Bug(
        "LIKE finds a part",
        "esql_patterns",
        "return re.compile(_wildcards(pattern, node, letters), re.DOTALL).fullmatch",
        "return re.compile(_wildcards(pattern, node, letters), re.DOTALL).search",
        "LIKE: the whole value (Limitations)",
    ),
    Bug(
        "LIKE stops at the end of a line",
        "esql_patterns",
        "return re.compile(_wildcards(pattern, node, letters), re.DOTALL)",
        "return re.compile(_wildcards(pattern, node, letters))",
        "LIKE: several lines",
    ),
    Bug(
        "a dot in LIKE is any character",
        "esql_patterns",
        "    return re.escape(character)\n\n\ndef _fold(",
        '    return character if character == "." else re.escape(character)\n\n\ndef _fold(',
        "LIKE: a dot is a dot",
    ),
    Bug(
        "an escaped asterisk is any text",
        "esql_patterns",
        "            pieces.append(re.escape(here))",
        '            pieces.append(".*" if here == "*" else re.escape(here))',
        r"LIKE: \\* is nothing else",
    ),
    Bug(
        "LIKE for all is as the others",
        "esql_patterns",
        "    if readings.all_is_not_null and",
        "    if readings.upside_down and",
        "NOT LIKE: * holds for null (csv-spec where-like, notLikeListAllWildcard)",
    ),
    Bug(
        "a pattern of the other case is null for null",
        "esql_patterns",
        '            return Expression("boolean", lambda row: False, text, node)',
        '            return Expression("boolean", lambda row: None, text, node)',
        "NOT of TO_LOWER and LIKE of the other case (issue 127479)",
    ),
    Bug(
        "patterns of the other case are folded",
        "esql_patterns",
        "        patterns = [pattern for pattern in patterns if _has_case(pattern, which)]",
        "        patterns = list(patterns)",
        "TO_UPPER and LIKE of both (csv-spec where-like, …PatternsMixedCase)",
    ),
    Bug(
        "a match wants one value",
        "esql_patterns",
        "        return term is not None and term in values_of(value)",
        "        return term is not None and values_of(value) == (term,)",
        ":: a field with several values (csv-spec match-operator)",
    ),
    Bug(
        "a match stands everywhere",
        "esql_patterns",
        "    if scope.match:\n",
        "    if not scope:\n",
        ":: not after LIMIT",
    ),
    Bug(
        "a match does without a field",
        "esql_patterns",
        '    if column.origin == "computed":',
        '    if column.origin == "none":',
        ":: not on a computed column",
    ),
    Bug(
        "text compares with numbers",
        "esql_verifier",
        "and family(left.type) != family(right.type):",
        'and family(left.type) != family(right.type) and "boolean" in (left.type, right.type):',
        "==: text and a number",
    ),
    Bug(
        "a column is cast",
        "esql_verifier",
        "    if not expression.literal or type_ not in",
        '    if type_ == "date" and expression.type == "keyword" and not expression.literal:\n'
        '        return constant(0, "date", expression.text, expression.node)\n'
        "    if not expression.literal or type_ not in",
        "Implicit casting: only a literal",
    ),
    Bug(
        "functions take every type",
        "esql_verifier",
        '    if expression.type == "null" or expression.type in KINDS[kind]:',
        '    if expression.type == "null" or expression.type in KINDS["any"]:',
        "NOT: a number",
    ),
    Bug(
        "functions of single values map several",
        "esql_verifier",
        "                context.warn(text, SEVERAL)\n                return None\n            try:",
        "                return tuple(map(apply, value))\n            try:",
        "LIKE: several values",
    ),
    Bug(
        "null does not spread",
        "esql_verifier",
        "            value = one(row)\n            if value is None:\n                return None\n",
        '            value = one(row)\n            if value is None:\n                value = ""\n',
        "CONCAT: null (csv-spec string, concatComplex)",
    ),
    Bug(
        "positions count from 0",
        "esql_strings",
        "    return text.find(wanted, start - 1) + 1",
        "    return text.find(wanted, start - 1)",
        "LOCATE",
    ),
    Bug(
        "a start below 0 is 0",
        "esql_strings",
        "max(len(text) + start, 0) if start < 0 else 0",
        "0",
        "SUBSTRING: from the end",
    ),
    Bug(
        "RIGHT is LEFT",
        "esql_strings",
        "    return text[len(text) - min(_length(length), len(text)) :]",
        "    return text[: _length(length)]",
        "RIGHT",
    ),
    Bug(
        "TO_LOWER wants one value",
        "esql_strings",
        "            return tuple(map(apply, value)) if type(value) is tuple else apply(value)",
        "            return None if type(value) is tuple else apply(value)",
        "TO_LOWER: several values (pull request 124676)",
    ),
    Bug(
        "a half goes to the even number",
        "esql_numbers",
        "quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)",
        'quantize(Decimal(1).scaleb(-places), "ROUND_HALF_EVEN")',
        "ROUND: a half goes up",
    ),
    Bug(
        "CASE takes several values for true",
        "esql_conditions",
        "            if value is True:",
        "            if value:",
        "CASE: several conditions are false (csv-spec conditional)",
    ),
    Bug(
        "CASE forgets its last argument",
        "esql_conditions",
        "results[-1].run if len(results) > pairs else",
        "results[-1].run if len(results) < pairs else",
        "CASE: the last argument",
    ),
    Bug(
        "what does not convert makes all null",
        "esql_conversions",
        "                    context.warn(text, str(failure))\n",
        "                    return None\n",
        "TO_INTEGER: what it cannot hold is gone",
    ),
    Bug(
        "every text is true",
        "esql_conversions",
        '{"keyword": lambda text: text.lower() == "true",',
        '{"keyword": lambda text: bool(text),',
        "TO_BOOLEAN: text",
    ),
    Bug(
        "CIDR_MATCH wants the first range",
        "esql_conversions",
        "for low, high in map(_range, ranges))",
        "for low, high in map(_range, ranges[:1]))",
        "CIDR_MATCH: several ranges",
    ),
    Bug(
        "weeks begin on Thursday",
        "esql_times",
        "    shift = 4 * DAY if milliseconds == 7 * DAY else 0",
        "    shift = 0",
        "DATE_TRUNC: a week begins on Monday",
    ),
    Bug(
        "the last month is never over",
        "esql_times",
        "    return months - 1 if short else months",
        "    return months - 1",
        "DATE_DIFF: a year that is over",
    ),
    Bug(
        "MV_SLICE stops before its end",
        "esql_multivalue",
        "values[max(start, 0) : max(stop + 1, 0)]",
        "values[max(start, 0) : max(stop, start + 1)]",
        "MV_SLICE: both ends are in",
    ),
    Bug(
        "MV_APPEND takes null for nothing",
        "esql_multivalue",
        "        return None if one is None or other is None else (*values_of",
        "        return several((*values_of(one), *values_of(other))) if None in (one, other) else (*values_of",
        "NULL values: MV_APPEND",
    ),
    Bug(
        "keywords keep duplicates",
        "esql_values",
        '        if type_ in ("keyword", "ip", "version"):',
        '        if type_ in ("ip", "version"):',
        "Multivalued fields: keywords are sorted and lose duplicates",
    ),
    Bug(
        "addresses are ordered as text",
        "esql_values",
        "return int(found) + (0xFFFF << 32 if found.version == 4 else 0)",
        "return text",
        "<: addresses by number",
    ),
    Bug(
        "COUNT counts rows",
        "esql_aggregates",
        '            return Aggregate("long", first.run, len)',
        '            return Aggregate("long", None, len)',
        "COUNT: values, not rows",
    ),
    Bug(
        "VALUES keeps duplicates",
        "esql_aggregates",
        "        mixed = sorted(set(values), key",
        "        mixed = sorted(values, key",
        "VALUES: the same value once",
    ),
    Bug(
        "TOP forgets its order",
        "esql_aggregates",
        '    reverse = order.value.lower() == "desc"',
        "    reverse = False",
        "TOP: descending",
    ),
    Bug(
        "a row is in one group",
        "esql_stats",
        "            combinations = list(product(*(dict.fromkeys(values_of(key)) or (None,) for key in found)))",
        "            combinations = [tuple(values_of(key)[0] for key in found)]",
        "STATS: several values are in each group",
    ),
    Bug(
        "null is no group",
        "esql_stats",
        "            combinations = [tuple(found)]",
        "            combinations = [tuple(found)] if None not in found else []",
        "STATS: a count by a column, null being a group",
    ),
    Bug(
        "the filter of an aggregate is forgotten",
        "esql_stats",
        "for at, run, keep in runs if keep is None or keep(row)",
        "for at, run, keep in runs",
        "STATS: WHERE of an aggregate",
    ),
    Bug(
        "without rows there is no row",
        "esql_stats",
        "    if not groups:\n        held[()] = [[] for _ in aggregates]\n",
        "",
        "STATS: without rows",
    ),
    Bug(
        "null comes first",
        "esql_commands",
        "else descending\n        rows = _sorted",
        "else True\n        rows = _sorted",
        "SORT: ascending, null last",
    ),
    Bug(
        "several values sort by the smallest",
        "esql_commands",
        "    choose = max if descending else min",
        "    choose = min",
        "SORT: several values, the highest descending",
    ),
    Bug(
        "the first pattern of KEEP wins",
        "esql_commands",
        "strength <= best[name][0]",
        "strength < best[name][0]",
        "KEEP: of patterns the rightmost",
    ),
    Bug(
        "a renamed column stands beside the old one",
        "esql_commands",
        "                if name != new\n",
        "                if name != new or name == old\n"
        "            }\n            | {old: column}\n            | {\n"
        "                name: held for name, held in table.columns.items() if name not in (old, new)\n",
        "RENAME",
    ),
    Bug(
        "EVAL leaves a column where it was",
        "esql_commands",
        "        columns.pop(name, None)\n",
        "",
        "EVAL: a column of the same name goes to the end",
    ),
    Bug(
        "there is no default limit",
        "esql_engine",
        "self._max_limit if limited else self._default_limit",
        "self._max_limit",
        "Limitations: the default limit",
    ),
    Bug(
        "a LIMIT may be as large as it likes",
        "esql_engine",
        "self._max_limit if limited else self._default_limit",
        "None if limited else self._default_limit",
        "Limitations: the largest limit",
    ),
)


@contextmanager
def fresh_modules() -> Iterator[None]:
    """Load the engine's modules anew inside, and have the old ones back after."""
    kept = {name: module for name, module in sys.modules.items() if name.startswith("oracles.esql_")}
    package: Any = importlib.import_module("oracles")
    attributes = {name.rpartition(".")[2]: module for name, module in kept.items()}
    for name in kept:
        del sys.modules[name]
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.startswith("oracles.esql_")]:
            del sys.modules[name]
        sys.modules.update(kept)
        for name, module in attributes.items():
            setattr(package, name, module)


def changed(bug: Bug) -> str:
    """The source with the bug. There must be one place for it."""
    source = (HERE / f"{bug.module}.py").read_text(encoding="utf-8")
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


def expected(example: Example) -> str:
    """The answer of an example, as text, so that 1, 1.0 and true differ."""
    return example.rows if isinstance(example.rows, str) else repr([list(row.items()) for row in example.rows])


def answer(example: Example, engine: Callable[..., Any]) -> str:
    """What an engine gives for an example: rows as text, or the name of its error."""
    try:
        asked = engine({"e": example.documents}, {"e": example.mapping}, **example.options)
        return repr([list(row.items()) for row in asked.query(example.query, NOW)])
    except Exception as error:
        return type(error).__name__


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_an_example_notices(bug: Bug) -> None:
    source = changed(bug)
    with fresh_modules():
        load(bug.module, source)
        engine: Any = importlib.import_module("oracles.esql_engine")
        given = answer(EXAMPLES[bug.example], engine.EsqlEngine)
    assert given != expected(EXAMPLES[bug.example])
    # The engine runs: the bug is in what it says.
    assert given.startswith("[") or given in ERRORS, given


def test_the_same_sources_give_the_same_answers() -> None:
    with fresh_modules():
        engine: Any = importlib.import_module("oracles.esql_engine")
        given = {page: answer(example, engine.EsqlEngine) for page, example in EXAMPLES.items()}
    assert given == {page: expected(example) for page, example in EXAMPLES.items()}


def test_there_are_thirty_bugs_or_more() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30
