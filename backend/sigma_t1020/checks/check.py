"""`check`: whether rules load, follow the conventions and convert, and whether a parser accepts their queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sigma_t1020.checks.conventions import check_conventions
from sigma_t1020.checks.findings import Finding, finding, merged
from sigma_t1020.checks.query_grammar import CheckedQuery, searched_on
from sigma_t1020.convert import Options, convert

if TYPE_CHECKING:
    from sigma_t1020.problems import Problem
    from sigma_t1020.rules.loading import Loaded
    from sigma_t1020.targets import Checker, Target


def check(
    loaded: Loaded, problems: Iterable[Problem], targets: Sequence[Target], pipelines: Sequence[str] = ()
) -> list[Finding]:
    """All findings, in the order of path and line: the problems of loading among them. Raises PipelineProblem.

    `pipelines` come on top of the targets' own: names of installed ones, files or folders.
    """
    from sigma.backends.t1020.common.losses import Cause

    findings = [*(finding("load", problem) for problem in problems), *check_conventions(loaded)]
    queries: dict[Checker, list[CheckedQuery]] = {}
    for target in (target.fullest for target in targets):
        done = convert(loaded, None, target, Options(pipelines=pipelines))
        findings.extend(finding("convert", problem, target.name) for problem in done.problems)
        findings.extend(finding("unread-state", problem, target.name) for problem in done.unread)
        converted = [item for item in done.converted for _part in item.parts]
        for (source, rule), query in zip(((item.source, item.rule) for item in converted), done.queries, strict=True):
            line = searched_on(source)
            findings.extend(
                finding("loss", source.problem(loss.message, "", line), target.name)
                for loss in query.losses
                if loss.code.cause is Cause.RULE
            )
            if checker := target.dialect.checker:
                queries.setdefault(checker, []).append(CheckedQuery(source, target.name, query.text, _tables(rule)))
    for checker, asked in queries.items():
        findings.extend(checker.check(asked, bool(pipelines)))
    return merged(findings)


def _tables(rule: Any) -> dict[str, dict[str, str]]:
    """The tables of a converted rule or of those that it correlates, with the columns that the pipelines declare."""
    from sigma.backends.t1020.common.log_model import LogModel

    tables: dict[str, dict[str, str]] = {}
    for leg in _legs(rule):
        for state in leg.get_conversion_states():
            if model := LogModel.from_state(state.processing_state):
                columns = {model.time_column: "datetime", **model.columns}
                tables.setdefault(model.table, {}).update(columns)
    return tables


def _legs(rule: Any) -> Iterator[Any]:
    """The rule itself, or those that a correlation, or one to which it refers, correlates."""
    references = getattr(rule, "referenced_rules", ())
    if not references:
        yield rule
    for reference in references:
        yield from _legs(reference.rule)
