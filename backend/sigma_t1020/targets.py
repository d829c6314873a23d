"""What can be converted to: one table, from which the command line, the build and the checks follow.

No other module asks for a target or a dialect by its name: what one of them has or lacks is a field of its row. What a
row needs of other modules is imported when it is first used, so that the table adds nothing to a start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sigma_t1020.checks.findings import Finding
    from sigma_t1020.checks.query_grammar import CheckedQuery

#: Stands for all targets where one can be named.
ALL = "all"


@dataclass(frozen=True)
class DialectOption:
    """An option of `convert` that only some dialects have: their backends take and check it, under the same name."""

    name: str
    metavar: str
    help: str


@dataclass(frozen=True)
class Checker:
    """What `check` puts the queries of a dialect through; `title` is its name in sentences.

    `check` takes queries, and whether the user named pipelines, whose tables and columns may be unknown.
    """

    title: str
    check: Callable[[Iterable[CheckedQuery], bool], Iterator[Finding]]


@dataclass(frozen=True)
class Dialect:
    """A query language: its pySigma backend, how its files are named, and what a comment begins and ends with.

    `title` is its name in sentences, `about` what the help says of it. `combines` says whether it can put several rules
    into one query. `preflight` makes the query of `check --preflight`, of the backend's query
    objects with the titles of their rules, the product's title, and the look-back in seconds.
    """

    name: str
    title: str
    backend: str
    suffix: str
    comment: tuple[str, str]
    about: str = ""
    combines: bool = True
    options: tuple[DialectOption, ...] = ()
    checker: Checker | None = None
    preflight: Callable[[Sequence[tuple[str, Any]], str, int], str] | None = None

    def takes(self, option: str) -> bool:
        """Whether it has the option of that name, among those that only some dialects have."""
        return any(option == own.name for own in self.options)


@dataclass(frozen=True)
class Target:
    """A product that queries run on: its usual dialect, and the pipeline that it needs."""

    name: str
    title: str
    dialect: Dialect
    pipeline: str
    others: tuple[tuple[Dialect, str], ...] = ()
    """Further dialects, each with the pipeline that it needs."""
    models: tuple[str, ...] = ()
    """Pipelines of other log models, which take the place of the target's own where they are named."""
    tables: str = ""
    """Where the product's tables and their columns are listed, as module:attribute; empty where nothing lists them."""

    def speaks(self, name: str) -> bool:
        """Whether it has a dialect of that name."""
        return any(name == spoken.dialect.name for spoken in self.in_each_dialect)

    def spoken(self, name: str | None) -> Target:
        """The target in the dialect of that name; as it is where it has none such."""
        others = (replace(self, dialect=dialect, pipeline=pipeline, others=()) for dialect, pipeline in self.others)
        return next((other for other in others if other.dialect.name == name), self)

    @property
    def in_each_dialect(self) -> list[Target]:
        """The target in each of its dialects, the usual one first."""
        return [self, *(self.spoken(dialect.name) for dialect, _pipeline in self.others)]

    @property
    def languages(self) -> list[Target]:
        """The target in each of its dialects whose files have a name of their own."""
        return [self, *(spoken for spoken in self.in_each_dialect if spoken.dialect.suffix != self.dialect.suffix)]

    @property
    def fullest(self) -> Target:
        """The target in the dialect that can say the most of what rules ask: the last of its languages."""
        return self.languages[-1]

    @property
    def combining(self) -> Target:
        """The target in a dialect that can put several rules into one query; as it is where none can."""
        return next((spoken for spoken in self.in_each_dialect if spoken.dialect.combines), self)

    @property
    def log_models(self) -> tuple[str, ...]:
        """The pipelines of its log models, of which a conversion needs one; the first where none is named."""
        return self.pipeline, *self.models


def named(names: Iterable[str]) -> list[Target]:
    """The targets of these names, each once, in the order given; all of them where one name is `all`."""
    names = list(dict.fromkeys(names))
    return list(TARGETS.values()) if ALL in names else [TARGETS[name] for name in names]


def targets_with(option: str) -> list[Target]:
    """The targets of which a dialect has the option of that name."""
    return [target for target in TARGETS.values() if any(each.dialect.takes(option) for each in target.in_each_dialect)]


def _check_kql(queries: Iterable[CheckedQuery], own_pipelines: bool) -> Iterator[Finding]:
    from sigma_t1020.checks.query_grammar import check_queries

    return check_queries(queries, own_pipelines)


def _preflight_kql(queries: Sequence[tuple[str, Any]], title: str, lookback: int) -> str:
    from sigma.backends.t1020.kusto.preflight import preflight_query

    return preflight_query(queries, title, lookback)


_INDEX = DialectOption(
    "index",
    "INDEX",
    "Splunk: the index to search, or a macro in backticks; data models have their own.  [default: any]",
)
_KQL = Dialect(
    "kql",
    "KQL",
    "t1020_kusto",
    ".kql",
    ("// ", ""),
    checker=Checker("Microsoft's KQL parser", _check_kql),
    preflight=_preflight_kql,
)
_SPL = Dialect("spl", "SPL", "t1020_splunk", ".spl", ("``` ", " ```"), about="of events", options=(_INDEX,))
_TSTATS = Dialect("tstats", "tstats", "t1020_splunk", ".spl", ("``` ", " ```"), about="of data models (single rules)")
_EQL = Dialect("eql", "EQL", "t1020_eql", ".eql", ("// ", ""), combines=False)
_ESQL = Dialect("esql", "ES|QL", "t1020_esql", ".esql", ("// ", ""))

TARGETS = {
    target.name: target
    for target in (
        Target(
            "sentinel",
            "Microsoft Sentinel, Defender XDR tables",
            _KQL,
            "t1020_sentinel",
            tables="sigma.pipelines.azuremonitor.tables:AZURE_MONITOR_TABLES",
        ),
        Target(
            "defender",
            "Microsoft Defender XDR, advanced hunting",
            _KQL,
            "t1020_defender",
            tables="sigma.pipelines.microsoftxdr.tables:MICROSOFT_XDR_TABLES",
        ),
        Target(
            "splunk",
            "Splunk, Sysmon's operational log",
            _SPL,
            "t1020_splunk_sysmon",
            others=((_TSTATS, "t1020_splunk_cim"),),
        ),
        Target(
            "elastic",
            "Elastic Security, Elastic Defend's events",
            _EQL,
            "t1020_elastic_defend",
            others=((_ESQL, "t1020_elastic_defend"),),
            models=("t1020_elastic_winlogbeat",),
        ),
    )
}
DIALECTS = {spoken.dialect.name: spoken.dialect for target in TARGETS.values() for spoken in target.in_each_dialect}
#: The options that some dialects have, each once.
DIALECT_OPTIONS = tuple(dict.fromkeys(option for dialect in DIALECTS.values() for option in dialect.options))
