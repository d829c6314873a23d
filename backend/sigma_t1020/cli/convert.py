"""`sigma-t1020 convert`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sigma_t1020.cli.console import EXIT_PROBLEMS, echo, fail, names_folder, report, write_files
from sigma_t1020.cli.inputs import keep_sources, load_filters, load_rules
from sigma_t1020.cli.options import PIPELINES, RULES, DefaultedSpan, default_span, span
from sigma_t1020.targets import ESQL, TARGETS, Target

if TYPE_CHECKING:
    from sigma_t1020.convert import Options
    from sigma_t1020.output import ConvertedQuery
    from sigma_t1020.problems import Problem
    from sigma_t1020.rules.loading import Loaded, LoadedRule


def _dialects(target: Target) -> list[str]:
    """The names of a target's dialects, its usual one first."""
    return [target.dialect.name, *target.others]


@click.command()
@RULES
@click.option(
    "--target",
    "-t",
    "targets",
    multiple=True,
    required=True,
    type=click.Choice([*TARGETS, "all"]),
    help="SIEM to convert for; all is every one that is built.",
)
@PIPELINES
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["query", "json"]),
    default="query",
    show_default=True,
    help="Queries under a comment with title and id, or a JSON array.",
)
@click.option("--lookback", cls=DefaultedSpan, callback=span, metavar="SPAN", help="How far back the query reads.")
@click.option(
    "--schedule",
    callback=span,
    metavar="PERIOD",
    help="For a job that runs every PERIOD instead: each match is reported once.",
)
@click.option(
    "--delay",
    cls=DefaultedSpan,
    callback=span,
    metavar="SPAN",
    help="With --schedule: how late events may come and still be found.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FILTER",
    help="Sigma Filter file or folder to apply, or all: the shipped ones.",
)
@click.option(
    "--dialect",
    type=click.Choice([dialect for target in TARGETS.values() if target.others for dialect in _dialects(target)]),
    help="Splunk: spl of events, or tstats of data models (single rules). Elastic: eql, or esql.  [default: spl, eql]",
)
@click.option(
    "--index",
    metavar="INDEX",
    help="Splunk: the index to search, or a macro in backticks; data models have their own.  [default: any]",
)
@click.option("--combine", is_flag=True, help="One query of all rules, with RuleId, RuleTitle and Branch.")
@click.option("--strict", is_flag=True, help="A named loss is an error.")
@click.option(
    "--output", "-o", metavar="FILE|DIR", help="Write there; a folder (or a name that ends in /) gets a file a query."
)
def convert(
    rules: tuple[str, ...],
    targets: tuple[str, ...],
    pipelines: tuple[str, ...],
    form: str,
    lookback: str | None,
    schedule: str | None,
    delay: str | None,
    filters: tuple[str, ...],
    dialect: str | None,
    index: str | None,
    combine: bool,
    strict: bool,
    output: str | None,
) -> None:
    """Convert rules into queries.

    RULE is a file or folder of Sigma rules, or - for standard input; or the id or name of one of them, or of the
    shipped pack if no file is given: then only that is printed. Without any RULE the whole pack is converted.
    """
    if schedule and lookback:
        raise click.UsageError("--lookback and --schedule exclude each other: a scheduled job finds its own range")
    if delay and not schedule:
        raise click.UsageError("--delay needs --schedule")
    if output == "":
        raise click.UsageError("-o is empty: name a file or a folder, or - for standard output")
    if dialect:
        speakers = [name for name, target in TARGETS.items() if dialect in _dialects(target)]
        if not {"all", *speakers} & {*targets}:
            raise click.UsageError(f"--dialect {dialect} is of another target: add --target {speakers[0]}")
    if combine and "elastic" in targets and dialect != ESQL.name:
        raise click.UsageError("EQL cannot join several rules into one query: add --dialect esql")
    if dialect == "tstats" and index:
        raise click.UsageError("--dialect tstats takes no --index: a data model has its own indexes")
    if index is not None:
        _check_index(index, targets)
    from sigma_t1020 import convert as conversion
    from sigma_t1020 import pack

    loaded, wanted, problems = load_rules(rules)
    keep_sources(loaded, output)
    chosen, unfit = load_filters(filters, loaded)
    options = conversion.Options(
        pipelines=pipelines,
        lookback=lookback or default_span("lookback"),
        schedule=schedule or "",
        delay=delay or default_span("delay"),
        combine=combine,
        wanted=wanted,
        strict=strict,
        branches={rule: str(entry["branch"]) for rule, entry in pack.metadata().items()},
        index=index or "",
    )
    queries, refused = _convert(loaded, chosen, targets, options, dialect)
    problems = [*problems, *unfit, *refused]
    report(problems)
    if queries:
        _print_queries(queries, form, output)
    elif not problems:
        fail("nothing to convert: no rule is left to print; name rule files, or no RULE for the shipped pack")
    if problems:
        sys.exit(EXIT_PROBLEMS)


def _check_index(index: str, targets: Sequence[str]) -> None:
    """Refuse what is no index, and an index for targets that have none."""
    from sigma.backends.t1020.splunk.query import is_index

    if not is_index(index):
        raise click.UsageError(f"--index {index!r} is no index: write its name, or a macro in backticks")
    if not any(name in ("all", "splunk") for name in targets):
        raise click.UsageError("--index is Splunk's: add --target splunk")


def _convert(
    loaded: Loaded,
    filters: Sequence[LoadedRule] | None,
    targets: Sequence[str],
    options: Options,
    dialect: str | None,
) -> tuple[list[ConvertedQuery], list[Problem]]:
    """The queries of all targets, and each problem once."""
    from sigma_t1020 import convert as conversion
    from sigma_t1020.resources import PipelineProblem

    queries: list[ConvertedQuery] = []
    problems: dict[Problem, None] = {}
    for target in conversion.every_target(targets):
        if dialect and dialect in target.others:
            target = target.spoken(dialect)
        if options.combine and not target.dialect.combines:
            target = target.languages[-1]
        try:
            done = conversion.convert(loaded, filters, target, options)
        except PipelineProblem as error:
            fail(str(error))
        queries += done.queries
        problems.update(dict.fromkeys(done.problems))
    return queries, list(problems)


def _print_queries(queries: Sequence[ConvertedQuery], form: str, output: str | None) -> None:
    from sigma_t1020.output import files, to_json, to_text

    if output is None or output == "-":
        echo(to_json(queries) if form == "json" else to_text(queries))
    elif names_folder(output):
        write_files({Path(output) / name: content for name, content in files(queries, form).items()})
    else:
        write_files({Path(output): to_json(queries) if form == "json" else to_text(queries)})
