"""`sigma-t1020 check`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from sigma_t1020.cli.console import EXIT_PROBLEMS, fail, names_folder, put, report
from sigma_t1020.cli.inputs import keep_sources, load_rules
from sigma_t1020.cli.shared_options import (
    PIPELINES,
    RULES,
    DefaultedSpan,
    default_span,
    span,
    target_names,
    targets_option,
)
from sigma_t1020.targets import ALL, TARGETS, named


@click.command()
@RULES
@targets_option("SIEM whose queries to check.", default=ALL)
@PIPELINES
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["text", "json", "sarif", "junit"]),
    help="A line for each finding, a JSON array, SARIF 2.1.0 or JUnit XML.  [default: text]",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    help="Exit with 1 if a finding is at least that severe.  [default: warning]",
)
@click.option("--output", "-o", metavar="FILE", help="Write there instead of to standard output.")
@click.option(
    "--preflight",
    type=target_names(target for target in TARGETS.values() if target.dialect.preflight),
    help="Check nothing; print a query that shows whether your workspace has the tables, fields and keys.",
)
@click.option(
    "--lookback", cls=DefaultedSpan, callback=span, metavar="SPAN", help="With --preflight: how far back it looks."
)
@click.option(
    "--install-parser",
    is_flag=True,
    help="Only install Microsoft's KQL parser with npm, once for each user; it checks queries.",
)
def check(
    rules: tuple[str, ...],
    targets: tuple[str, ...],
    pipelines: tuple[str, ...],
    form: str | None,
    fail_on: str | None,
    output: str | None,
    preflight: str | None,
    lookback: str | None,
    install_parser: bool,
) -> None:
    """Check rules and the queries they make; nothing but --install-parser uses the network.

    RULE is as for convert. The rules must load, meet the conventions of Sigma and SigmaHQ (those that can be checked
    offline) and convert; each query must pass Microsoft's KQL parser with the product's tables. SigmaHQ's conventions
    need pip install 'sigma-t1020[check]', the parser --install-parser; what is not installed is reported and skipped.

    The report goes to standard output, a summary to stderr. Exit status: 0 no finding is as severe as --fail-on, 1 one
    is, 2 wrong usage.
    """
    if output == "" or (output and names_folder(output)):
        raise click.UsageError(f"-o {output} is a folder: name a file in it" if output else "-o is empty: name a file")
    if lookback and not preflight:
        raise click.UsageError("--lookback needs --preflight")
    if preflight and (form or fail_on or targets != (ALL,)):
        raise click.UsageError("--preflight prints a query: leave out --format, --fail-on and --target")
    if install_parser:
        if rules or preflight or output or pipelines or form or fail_on:
            raise click.UsageError("--install-parser takes no RULE and no other option")
        _install_parser()
    elif preflight:
        _preflight(rules, pipelines, preflight, lookback or default_span("lookback"), output)
    else:
        _check(rules, targets, pipelines, form or "text", fail_on or "warning", output)


def _check(
    rules: Sequence[str], targets: Sequence[str], pipelines: Sequence[str], form: str, fail_on: str, output: str | None
) -> None:
    from sigma_t1020.checks import check as checking
    from sigma_t1020.checks.findings import Severity, at_least
    from sigma_t1020.checks.reports import Report, summary
    from sigma_t1020.pipelines import PipelineProblem

    loaded, _wanted, problems = load_rules(rules)
    keep_sources(loaded, output)
    try:
        findings = checking.check(loaded, problems, named(targets), pipelines)
    except PipelineProblem as error:
        fail(str(error))
    files = [item.path for item in (*loaded.rules, *loaded.filters)]
    put(Report(findings, files, Severity(fail_on)).render(form), output)
    click.echo(summary(len(loaded.rules), len(loaded.filters), findings), err=True)
    if at_least(findings, Severity(fail_on)):
        sys.exit(EXIT_PROBLEMS)


def _preflight(rules: Sequence[str], pipelines: Sequence[str], target: str, lookback: str, output: str | None) -> None:
    from sigma_t1020.checks.preflight import preflight
    from sigma_t1020.pipelines import PipelineProblem

    loaded, wanted, problems = load_rules(rules)
    keep_sources(loaded, output)
    queries: list[str] = []
    for each in (known for known in named([target]) if known.dialect.preflight):
        try:
            done = preflight(loaded, each, pipelines, lookback, wanted)
        except PipelineProblem as error:
            fail(str(error))
        problems += [problem for problem in done.problems if problem not in problems]
        queries += [done.query] if done.query else []
    report(problems)
    if queries:
        put("\n".join(queries), output)
    elif not problems:
        fail("nothing to ask for: no rule is left; name rule files, or leave RULE out for the shipped pack")
    if problems:
        sys.exit(EXIT_PROBLEMS)


def _install_parser() -> None:
    from sigma_t1020.kusto_language.install import FOLDER_VARIABLE, ParserMissing, install

    try:
        click.echo(install(), err=True)
    except ParserMissing as error:
        fail(str(error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        fail(f"{place}the parser cannot be installed: {error.strerror}; set {FOLDER_VARIABLE} to a folder of your own")
