"""The command line: options, output and exit status. What is done lies in the modules that it calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sigma_t1020 import __version__
from sigma_t1020.targets import TARGETS

if TYPE_CHECKING:
    from sigma_t1020.loading import Loaded, LoadedRule
    from sigma_t1020.problems import Problem
    from sigma_t1020.queries import Query

EXIT_PROBLEMS = 1

RULES = click.argument("rules", nargs=-1, metavar="[RULE]...")
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sigma-t1020")
def cli() -> None:
    """Sigma rules for ATT&CK T1020 (Automated Exfiltration), and any others, as SIEM queries that mean the same.

    Exit status: 0 all good, 1 something was reported on stderr, 2 wrong usage.
    """


def _span(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A time span such as 24h, as Kusto and Splunk users write it."""
    import re

    if value is not None and not re.fullmatch(r"[0-9]{1,9}[smhdw]", value):
        raise click.BadParameter(f"{value!r} is no time span: write a number and s, m, h, d or w, such as 24h")
    if value is not None and parameter.name != "delay" and int(value[:-1]) == 0:
        raise click.BadParameter("must be longer than nothing")
    return value


@cli.command()
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
@click.option(
    "--pipeline",
    "-p",
    "pipelines",
    multiple=True,
    metavar="PIPELINE",
    help="Further pySigma pipeline (name, file or folder), on top of the target's own.",
)
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["query", "json"]),
    default="query",
    show_default=True,
    help="Queries under a comment with title and id, or a JSON array.",
)
@click.option("--lookback", callback=_span, metavar="SPAN", help="How far back the query reads.  [default: 24h]")
@click.option(
    "--schedule",
    callback=_span,
    metavar="PERIOD",
    help="For a job that runs every PERIOD instead: each match is reported once.",
)
@click.option(
    "--delay",
    callback=_span,
    metavar="SPAN",
    help="With --schedule: how late events may come and still be found.  [default: 5m]",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FILTER",
    help="Sigma Filter file or folder to apply, or all: the shipped ones.",
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
    combine: bool,
    strict: bool,
    output: str | None,
) -> None:
    """Convert rules into queries.

    RULE is a file or folder of Sigma rules, - for standard input, or the id or name of a rule of the shipped pack.
    Without any, the pack's rules are converted.
    """
    if schedule and lookback:
        raise click.UsageError("--lookback and --schedule exclude each other: a scheduled job finds its own range")
    if delay and not schedule:
        raise click.UsageError("--delay needs --schedule")
    from sigma_t1020 import convert as conversion
    from sigma_t1020 import pack

    loaded, wanted = _load(rules)
    chosen, problems = _load_filters(filters, loaded)
    options = conversion.Options(
        pipelines=pipelines,
        lookback=lookback or "24h",
        schedule=schedule or "",
        delay=delay or "5m",
        combine=combine,
        wanted=wanted,
        branches={rule: str(entry["branch"]) for rule, entry in pack.metadata().items()},
    )
    queries: list[Query] = []
    for target in conversion.every_target(targets):
        try:
            done = conversion.convert(loaded, chosen, target, options)
        except conversion.PipelineProblem as error:
            _fail(str(error))
        if strict:
            done = conversion.without_losses(done)
        queries.extend(done.queries)
        problems.extend(problem for problem in done.problems if problem not in problems)
    problems = [*loaded.problems, *problems]
    _report(problems)
    if queries:
        _print_queries(queries, form, output)
    elif not problems:
        _fail("nothing to convert: no rule is left to print; name rule files, or no RULE for the shipped pack")
    if problems:
        sys.exit(EXIT_PROBLEMS)


def _load(rules: Sequence[str]) -> tuple[Loaded, set[str] | None]:
    """The rules named, and the ids or names of the only ones to print (None: all that are not hidden)."""
    from sigma_t1020 import pack
    from sigma_t1020.loading import load

    if not rules:
        return pack.load_pack(), None
    if all(_is_reference(rule) for rule in rules):
        shipped = pack.load_pack()
        known = {str(key): str(item.rule.id) for item in shipped.rules for key in (item.rule.id, item.rule.name)}
        missing = [rule for rule in rules if rule.lower() not in known]
        if missing:
            _fail(f"{missing[0]}: no such file or folder, and no rule of the pack has that id or name")
        return shipped, {known[rule.lower()] for rule in rules}
    return load(list(rules)), None


def _is_reference(rule: str) -> bool:
    """Whether an argument can be an id or a name, not a path: nothing of that name exists, and it has no separator."""
    return rule != "-" and not any(c in rule for c in "/\\.") and not os.path.lexists(rule)


def _load_filters(filters: Sequence[str], loaded: Loaded) -> tuple[list[LoadedRule] | None, list[Problem]]:
    """The filters to apply besides those among the rules, and what is wrong with them."""
    if not filters:
        return None, []
    from sigma_t1020 import pack
    from sigma_t1020.convert import touches
    from sigma_t1020.loading import load

    chosen = list(loaded.filters)
    problems: list[Problem] = []
    for name in filters:
        everything = name == "all" or Path(name).is_dir()
        found = load(pack.filter_paths() if name == "all" else [name])
        problems.extend(found.problems)
        problems.extend(item.problem("no filter", "give rules as RULE") for item in found.rules)
        if not everything:
            problems.extend(
                item.problem("the filter touches no rule", "check its logsource and the rules that it names")
                for item in found.filters
                if not touches(item, loaded)
            )
        chosen.extend(found.filters)
    return chosen, problems


def _print_queries(queries: Sequence[Query], form: str, output: str | None) -> None:
    from sigma_t1020.queries import files, to_json, to_text

    if output is None or output == "-":
        _echo(to_json(queries) if form == "json" else to_text(queries))
    elif output.endswith(("/", os.sep)) or Path(output).is_dir():
        _write({Path(output) / name: content for name, content in files(queries, form).items()})
    else:
        _write({Path(output): to_json(queries) if form == "json" else to_text(queries)})


@cli.group(name="list")
def list_() -> None:
    """List what there is."""


@list_.command(name="rules")
@FORMAT
def list_rules(form: str) -> None:
    """The rules and correlations of the shipped pack."""
    from sigma_t1020.listing import rules

    _print_table(rules(), form)


@list_.command(name="targets")
@FORMAT
def list_targets(form: str) -> None:
    """What can be converted to."""
    from sigma_t1020.listing import targets

    _print_table(targets(), form)


@list_.command(name="pipelines")
@FORMAT
def list_pipelines(form: str) -> None:
    """The pipelines, and the log source categories that each knows."""
    from sigma_t1020.listing import pipelines

    _print_table(pipelines(), form)


@list_.command(name="filters")
@FORMAT
def list_filters(form: str) -> None:
    """The shipped Sigma Filters, one for each family of false positives."""
    from sigma_t1020.listing import filters

    _print_table(filters(), form)


def _print_table(rows: Sequence[dict[str, Any]], form: str) -> None:
    """Rows of one shape, as a table or as JSON."""
    import json

    if form == "json":
        _echo(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0] if rows else ():
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 160).print(table)


def _cell(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


@cli.command()
@RULES
def check(rules: tuple[str, ...]) -> None:
    """Check rules: that they load, meet SigmaHQ's conventions (offline ones) and convert for every target.

    RULE is as for convert. SigmaHQ's conventions need the extra: pip install 'sigma-t1020[check]'.
    """
    from sigma_t1020.checking import check as check_rules

    loaded, _wanted = _load(rules)
    problems = [*loaded.problems, *check_rules(loaded)]
    _report(problems)
    if problems:
        sys.exit(EXIT_PROBLEMS)
    click.echo(f"{len(loaded.rules)} rules: no findings", err=True)


@cli.command(name="pack")
@click.option("--output", "-o", metavar="FILE", help="Write there instead of to standard output.")
def pack_(output: str | None) -> None:
    """Print the pack's rules as one YAML file."""
    from sigma_t1020.pack import one_file

    if output is None or output == "-":
        _echo(one_file())
    else:
        _write({Path(output): one_file()})


@cli.command()
@click.option("--check", "check_only", is_flag=True, help="Write nothing; say what is not what the sources make.")
@click.option("--output", "-o", metavar="DIR", default="dist", show_default=True, help="Where to build.")
def build(check_only: bool, output: str) -> None:
    """Build what people download: the pack, the queries of each target, and their checksums."""
    from sigma_t1020.building import build_files, differences

    built, problems = build_files()
    _report(problems)
    if problems:
        sys.exit(EXIT_PROBLEMS)
    differing = differences(Path(output), built)
    if check_only:
        for line in differing:
            click.echo(line, err=True)
        if differing:
            _fail(f"{output} is not what the sources make: run `sigma-t1020 build -o {output}`")
        return
    _write({Path(output) / name: content for name, content in built.items()})
    for name in differing:
        path, _, state = name.partition(": ")
        if state == "orphaned":
            Path(path).unlink()


def _echo(text: str) -> None:
    """Write to standard output as UTF-8 with LF, whatever the locale says."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()


def _write(files: dict[Path, str]) -> None:
    from sigma_t1020.queries import write

    for path, content in files.items():
        try:
            write(path, content)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            _fail(f"{path}: cannot be written: {reason}; choose another place with -o")


def _report(problems: Iterable[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem), err=True)


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(EXIT_PROBLEMS)


def main() -> None:
    """Entry point: no traceback reaches a user, and a closed pipe is no error."""
    try:
        cli()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_PROBLEMS)
    except Exception as error:
        if os.environ.get("SIGMA_T1020_TRACEBACK"):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        _fail(f"sigma-t1020 failed: {reason}; please report it, with SIGMA_T1020_TRACEBACK=1 set for the details")
