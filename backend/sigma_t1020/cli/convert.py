"""`sigma-t1020 convert`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from sigma_t1020.cli.console import EXIT_PROBLEMS, echo, fail, names_folder, report, write_files
from sigma_t1020.cli.inputs import keep_sources, load_filters, load_rules
from sigma_t1020.cli.shared_options import (
    PIPELINES,
    RULES,
    DefaultedSpan,
    dialect_option,
    dialects_own_options,
    span,
    targets_option,
)

if TYPE_CHECKING:
    from sigma_t1020.convert import Options
    from sigma_t1020.output import ConvertedQuery
    from sigma_t1020.problems import Problem
    from sigma_t1020.rules.loading import Loaded, LoadedRule
    from sigma_t1020.targets import Target


@click.command()
@RULES
@targets_option("SIEM to convert for; all means every one.")
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
    help="Instead, for a job that runs every PERIOD: each match is reported once.",
)
@click.option(
    "--delay",
    cls=DefaultedSpan,
    callback=span,
    metavar="SPAN",
    help="With --schedule: how late events may arrive and still be found.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FILTER",
    help="Sigma Filter file or folder to apply, or all for the shipped ones.",
)
@dialect_option()
@dialects_own_options
@click.option("--combine", is_flag=True, help="One query for all rules, with RuleId, RuleTitle and Branch.")
@click.option("--strict", is_flag=True, help="Refuse a rule whose query would find more than the rule says.")
@click.option(
    "--output",
    "-o",
    metavar="FILE|DIR",
    help="Write there; a folder (or a name that ends in /) gets a file for each query.",
)
@click.pass_context
def convert(context: click.Context, /, **_options: object) -> None:
    """Convert rules into queries.

    RULE is a file or folder of Sigma rules, or - for standard input. It may also be the id or name of a rule in those
    files or, if there are none, in the shipped pack: then only that rule is printed. Without RULE the whole pack is
    converted.
    """
    from sigma_t1020.cli.request import Request

    request = Request.of(context)
    loaded, wanted, problems = load_rules(request.rules)
    keep_sources(loaded, request.output)
    filters, unfit = load_filters(request.filters, loaded)
    if unfit:
        # Without the filter, the queries would find what their user wants to leave out.
        report([*problems, *unfit])
        fail("nothing is converted without a filter that was asked for; correct it, or leave it out")
    queries, refused = _convert(loaded, filters, request.spoken(), request.options(wanted))
    problems = [*problems, *refused]
    report(problems)
    if queries:
        _print_queries(queries, request.form, request.output)
    elif not problems:
        fail("nothing to convert: no rule is left to print; name rule files, or leave RULE out for the shipped pack")
    if problems:
        sys.exit(EXIT_PROBLEMS)


def _convert(
    loaded: Loaded, filters: Sequence[LoadedRule] | None, targets: Sequence[Target], options: Options
) -> tuple[list[ConvertedQuery], list[Problem]]:
    """The queries of all targets, and each problem once."""
    from sigma_t1020 import convert as conversion
    from sigma_t1020.pipelines import PipelineProblem

    queries: list[ConvertedQuery] = []
    problems: dict[Problem, None] = {}
    for target in targets:
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
        write_files(files(queries, form), output)
    else:
        write_files({output: to_json(queries) if form == "json" else to_text(queries)})
