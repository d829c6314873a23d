"""SPL searches of single rules, many rules combined into one search, and the commands that correlations share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..common import regexes
from ..common.expression import All, Node, Not, Test, all_of, common_first, conjuncts
from ..common.layout import INDENT, assignments, filled, one_a_line
from ..common.log_model import LogModel
from ..common.query import PipedQuery, Query, RuleSearch, Syntax
from ..common.time_frame import Alert, TimeFrame, timespan
from .predicates import ANY, WIDTH, Predicate, expression, is_exact, merge, search, where_lines, wider
from .text import eval_name, is_range, search_name, search_value, text

DEFAULT_INDEX = "*"
#: The field for the end of the range that a scheduled search reads, in seconds.
RUN_END = "RunEnd"


def is_index(text: str) -> bool:
    """Whether the text is the name of an index, in which `*` is a wildcard, or a macro in backticks."""
    return re.fullmatch(r"`[^`\n]+`|[\w.*-]+", text) is not None


@dataclass(frozen=True)
class SplunkFrame(TimeFrame):
    """A time frame as SPL writes it, and the index to search: a name, in which `*` is a wildcard, or a macro.

    With a schedule, the base search has no time range, because the saved search sets one. `where` keeps the events of
    the run, so a range that reaches too far back does no harm. A run is told by the end of its range, not by now(): a
    search that starts late keeps the range of its scheduled time (Reporting Manual, 'Prioritize concurrently scheduled
    reports in Splunk Web'), but now() is when it started (Search Reference, 'Date and Time functions').
    """

    index: str = DEFAULT_INDEX

    def base(self) -> str:
        """The beginning of a base search: the index and, without a schedule, the time range."""
        if self.index.startswith("`"):
            index = self.index
        else:
            index = "index=*" if self.index == "*" else f"index={search_value(self.index)}"
        return index if self.period else f"{index} earliest=-{timespan(self.lookback)}"

    def filters(self, earlier: int = 0) -> list[str]:
        """The lines that keep the events of a scheduled run.

        `earlier` is how long before its completion a match may begin, in seconds. Times are rounded to ms here as they
        are for completion, so that no event falls between two runs. A range does not include its end, so neither does
        the run. The range of a search over all time has no end: then it is now.
        """
        if not self.period:
            return []
        start = self.period + self.delay + earlier
        time = "round(_time*1000)"
        until = f"({RUN_END}-{self.delay})" if self.delay else RUN_END
        return [
            "| addinfo",
            eval_line([f'{RUN_END}=if(info_max_time="+Infinity", now(), info_max_time)']),
            f"| where {time}>=({RUN_END}-{start})*1000 AND {time}<{until}*1000",
        ]

    def completed(self, ms: str) -> list[str]:
        """The lines that filter by the time that completed a match, an expression in ms."""
        return [f"| where {ms}>={self.since}"] if self.scheduled else []

    @property
    def since(self) -> str:
        """An expression for the time, in ms, from which on a match must become complete."""
        return f"({RUN_END}-{self.period + self.delay})*1000"


def tests_by_source_field(model: LogModel) -> dict[str, Node[Predicate]]:
    """The tests that choose the events of a log source, such as its source and event code, by field."""
    return {field: Test(_exactly(field, values)) for field, values in model.source_values.items()}


def source_tests(model: LogModel) -> list[Node[Predicate]]:
    """The tests that choose the events of a log source, and those that exclude others."""
    return [
        *tests_by_source_field(model).values(),
        *(Not(Test(_exactly(field, values))) for field, values in model.unlike.items()),
    ]


def _exactly(field: str, values: Sequence[str]) -> Predicate:
    if all(value.isdecimal() for value in values):
        tests = " OR ".join(f"{eval_name(field)}={value}" for value in values)
        return Predicate(field, tuple(values), condition=f"({tests})" if len(values) > 1 else tests)
    patterns = tuple(regexes.pcre_wildcard([part or None for part in _parts(value)], True) for value in values)
    return Predicate(field, tuple(values), regexes=patterns, flags="is")


def _parts(value: str) -> list[str]:
    """The texts between the value's asterisks, and an empty text for each asterisk."""
    return [part if part != "*" else "" for part in re.split(r"(\*)", value) if part]


def eval_line(items: Sequence[str]) -> str:
    """`| eval a=1, b=2`, with one assignment a line if one line is too long."""
    return assignments("| eval", items, WIDTH)


def table(columns: Iterable[str], leading: Sequence[str] = ()) -> list[str]:
    """The command that chooses the columns of a result; the leading columns come first, on the first line."""
    found = [search_name(column) for column in dict.fromkeys(columns)]
    return [f"| table {''.join(f'{column}, ' for column in leading)}{listed(found)}"] if found else []


def listed(items: Sequence[str]) -> str:
    """`a, b, c`, wrapped between items."""
    return f",\n{INDENT}".join(filled(items, WIDTH - len(INDENT)))


class Piped(PipedQuery):
    """A search with SPL's commands."""

    syntax = Syntax(eval_line, table, text, sign="=")


@dataclass(frozen=True)
class Search(Piped, RuleSearch):
    """The search of one rule."""

    @property
    def tests(self) -> Sequence[Node[Predicate]]:
        """All tests that an event must meet, those of the log source first."""
        tests = [*source_tests(self.model), *conjuncts(merge(self.condition))]
        return [_of_dataset(test) for test in tests] if self.model.data_model else tests

    @property
    def inexact(self) -> list[Node[Predicate]]:
        """The tests that `search` cannot make exactly."""
        return [test for test in self.tests if not is_exact(test)]

    @property
    def wide(self) -> Node[Predicate]:
        """The condition for `search`, which holds wherever the tests do."""
        return all_of(found for test in self.tests if (found := wider(test)) is not None)

    @property
    def shown(self) -> list[str]:
        """The columns of the result."""
        return ["_time", *self.model.projection, "count"] if self.model.data_model else list(self.model.projection)

    def rows(self, frame: SplunkFrame) -> tuple[list[str], list[str]]:
        return [*_found([self], frame), *where_lines(self.inexact)], self.shown


def _found(searches: Sequence[Search], frame: SplunkFrame) -> list[str]:
    """The lines that find what any of the searches may find; all are of events, or all of one data model."""
    model = searches[0].model
    if not model.data_model:
        return [base_search(frame, any_search(searches)), *frame.filters()]
    # tstats groups by all columns of the result, so that `where` can make the remaining tests.
    dataset = model.data_model.rpartition(".")[2]
    where = [f"earliest=-{timespan(frame.lookback)}"] if not frame.period else []
    if (wide := any_search(searches)) != All(()):
        where.extend(search(test, INDENT, f"{dataset}.") for test in conjuncts(wide))
    condition = f"\n{INDENT}AND ".join(where)
    fields = list(dict.fromkeys(field for one in searches for field in one.model.projection))
    return [
        f"| tstats summariesonly=false fillnull_value={model.missing} count",
        f"{INDENT}FROM datamodel={model.data_model}",
        *([f"{INDENT}WHERE {condition}"] if where else []),
        f"{INDENT}BY {listed(['_time', *(f'{dataset}.{field}' for field in fields)])} span=1s",
        f"| rename {listed([f'{dataset}.{field} AS {field}' for field in fields])}",
        *frame.filters(),
    ]


def _of_dataset(node: Node[Predicate]) -> Node[Predicate]:
    """The node without the tests that the documentation of tstats does not allow in WHERE: ranges, < and >."""
    if isinstance(node, Test):
        what = node.what
        plain = what.compared == "=" and not any(map(is_range, what.values)) and what.values != ANY
        return node if plain else Test(replace(what, values=(), exact=False))
    if isinstance(node, Not):
        return Not(_of_dataset(node.arg))
    return type(node)(tuple(map(_of_dataset, node.args)))


def base_search(frame: SplunkFrame, node: Node[Predicate]) -> str:
    """The first command: the index, the time range, and the condition, one clause a line."""
    clauses = [search(test, INDENT) for test in conjuncts(node)] if node != All(()) else []
    return f"\n{INDENT}".join([frame.base(), *clauses])


def any_search(searches: Iterable[Search]) -> Node[Predicate]:
    """A condition for `search` that holds for what any of the searches finds; shared tests come first."""
    return all_of(common_first([conjuncts(one.wide) for one in searches]))


def combine(queries: Sequence[tuple[Alert, Query]], frame: SplunkFrame) -> list[str]:
    """One search of all rules of events, and one for each data model and each correlation, with an alert's columns.

    An event that several rules find is one row, with the alert of the rule of the highest level; `RuleIds` lists all of
    these rules.
    """
    rules: dict[str, list[tuple[Alert, Search]]] = {}
    for alert, query in queries:
        if isinstance(query, Search):
            rules.setdefault(query.model.data_model, []).append((alert, query))
    found = [_combined(alike, frame) for alike in rules.values()]
    return [*found, *(query.render(frame, alert) for alert, query in queries if not isinstance(query, Search))]


def _combined(rules: Sequence[tuple[Alert, Search]], frame: SplunkFrame) -> str:
    by_level = sorted(rules, key=lambda pair: -pair[0].rank)
    keys = {alert.rule_id or alert.title: alert for alert, _search in by_level}
    matched = [
        f"if({expression(all_of(found.tests))}, {text(alert.rule_id or alert.title)}, null())"
        for alert, found in by_level
    ]
    told = {
        column: [f"RuleId={text(key)}, {text(alert.values[place])}" for key, alert in keys.items()]
        for place, column in enumerate(Alert.COLUMNS)
    }
    columns = [name for _alert, found in rules for name in found.shown]
    return "\n".join(
        [
            *_found([found for _alert, found in rules], frame),
            f"| eval RuleIds=mvdedup(mvappend({one_a_line([*matched, 'null()'])}))",
            "| where isnotnull(RuleIds)",
            "| eval RuleId=mvindex(RuleIds, 0)",
            *(f"| eval {column}=case({one_a_line(told[column])})" for column in Alert.COLUMNS[1:]),
            *table([*Alert.COLUMNS, "RuleIds", *columns]),
        ]
    )
