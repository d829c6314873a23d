"""What Microsoft's own parser says about queries: their grammar, and names and types by the product's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sigma_t1020.checks.findings import Finding, Severity, finding
from sigma_t1020.problems import Problem, shown

if TYPE_CHECKING:
    from sigma_t1020.kusto_language.language import Diagnostic, KustoLanguage
    from sigma_t1020.kusto_language.schemas import Schema
    from sigma_t1020.rules.loading import LoadedRule

#: Lints that the queries break on purpose, and why.
#: KS500 asks for `has` in the place of `contains`: that finds whole terms only, and a rule means any part of a text.
DELIBERATE = frozenset({"KS500"})
# A table, and a function, that the schema does not have.
_UNKNOWN_NAMES = frozenset({"KS204", "KS211"})
_UNKNOWN_COLUMN = "KS142"
_TOO_DEEP = "KS245"
_SEVERITIES = {"Error": Severity.ERROR, "Warning": Severity.WARNING}


@dataclass(frozen=True)
class CheckedQuery:
    """A query, the rule that it came from and the target that it is for.

    `tables` are those that its pipelines name, with the types of the columns that they declare.
    """

    source: LoadedRule
    target: str
    text: str
    tables: Schema

    @property
    def line(self) -> int:
        """The line of the rule that a finding about its query stands on."""
        return searched_on(self.source)


def searched_on(source: LoadedRule) -> int:
    """The line where a rule begins to say what to search for."""
    return source.line_of("correlation" if source.is_correlation else "detection")


def check_queries(queries: Iterable[CheckedQuery], own_pipelines: bool) -> Iterator[Finding]:
    """What the parser says about the queries, from one node process for all of them.

    `own_pipelines`: the tables may be the user's own, so that an unknown one is an info, and so is any unknown name in
    its query. Where the parser is not installed, or fails, one finding says so.
    """
    from sigma_t1020.kusto_language.install import ParserMissing
    from sigma_t1020.kusto_language.language import KustoLanguage, KustoLanguageError, ParserGone

    queries = list(queries)
    if not queries:
        return
    try:
        with KustoLanguage() as language:
            for query in queries:
                try:
                    yield from _check(language, query, own_pipelines)
                except ParserGone:
                    raise
                except KustoLanguageError as error:
                    message = f"Microsoft's parser fails on the query: {error}"
                    yield finding("parser-failed", query.source.problem(message, "", query.line), query.target)
    except ParserMissing as error:
        message, _, hint = str(error).partition("; ")
        yield finding("parser-absent", Problem(None, None, f"queries were not checked: {message}", hint))
    except (OSError, KustoLanguageError) as error:
        yield finding("parser-failed", Problem(None, None, f"Microsoft's parser does not run: {error}"))


def _check(language: KustoLanguage, query: CheckedQuery, own_pipelines: bool) -> Iterator[Finding]:
    from sigma_t1020.kusto_language.schemas import load_schema

    own = {}
    if own_pipelines:
        own = {table: columns for table, columns in query.tables.items() if table not in load_schema(query.target)}
    unknown = dict.fromkeys(own)
    # In a query of an unknown table the parser cannot tell every column from a table.
    doubtful = own_pipelines and (_UNKNOWN_NAMES | {_UNKNOWN_COLUMN} if own else _UNKNOWN_NAMES)
    for found in language.diagnostics(query.text, query.target, own):
        if found.code in DELIBERATE:
            continue
        if doubtful and found.code in doubtful:
            unknown[query.text[found.start : found.start + found.length]] = None
            continue
        yield Finding(
            query.source.path,
            query.line,
            found.code,
            _SEVERITIES.get(found.severity, Severity.INFO),
            " ".join(found.message.split()).rstrip("."),
            _hint(found, own_pipelines),
            (query.target,),
            _excerpt(query.text, found.start),
        )
    for name in unknown:
        problem = query.source.problem(
            f"{name} is not in the known schema, so what depends on it was not checked", "", query.line
        )
        yield finding("unknown-name", problem, query.target)


def _hint(found: Diagnostic, own_pipelines: bool) -> str:
    if found.code == _TOO_DEEP:
        return "split the rule: beyond about 450 alternatives the rest of the query is not checked"
    if own_pipelines:
        return "correct the pipeline given with -p; if it is correct, report it with the rule"
    return "report the query with its rule, because no rule should lead to it"


def _excerpt(text: str, start: int) -> str:
    """The line of the query on which a diagnostic begins, without its indentation, shortened."""
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    return shown(text[begin : len(text) if end < 0 else end].strip(), "", 100)
