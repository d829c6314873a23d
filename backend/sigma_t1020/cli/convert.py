"""The command line: options, output and exit status. What is done lies in the modules that it calls."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sigma_t1020 import __version__
from sigma_t1020.targets import ESQL, KQL, TARGETS, Target

if TYPE_CHECKING:
    from sigma_t1020.convert import Options
    from sigma_t1020.loading import Loaded, LoadedRule
    from sigma_t1020.problems import Problem
    from sigma_t1020.queries import Query

EXIT_PROBLEMS = 1

RULES = click.argument("rules", nargs=-1, metavar="[RULE]...")
PIPELINES = click.option(
    "--pipeline",
    "-p",
    "pipelines",
    multiple=True,
    metavar="PIPELINE",
    help="Further pySigma pipeline (name, file or folder), on top of the target's own or, if it has its name, for it.",
)
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it; a narrow terminal shows the first columns only, JSON has all.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sigma-t1020")
def cli() -> None:
    """Sigma rules for ATT&CK T1020 (Automated Exfiltration), and any others, as SIEM queries that mean the same.

    Exit status: 0 all good, 1 something was reported, 2 wrong usage.
    """


def _span(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A time span such as 24h, as Kusto and Splunk users write it."""
    if value is None:
        return None
    from sigma.backends.t1020.frame import option_seconds

    try:
        option_seconds(value, least=0 if parameter.name == "delay" else 1)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def _dialects(target: Target) -> list[str]:
    """The names of a target's dialects, its usual one first."""
    return [target.dialect.name, *target.others]


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

    loaded, wanted, problems = _load(rules)
    _keep_sources(loaded, output)
    chosen, unfit = _load_filters(filters, loaded)
    options = conversion.Options(
        pipelines=pipelines,
        lookback=lookback or "24h",
        schedule=schedule or "",
        delay=delay or "5m",
        combine=combine,
        wanted=wanted,
        strict=strict,
        branches={rule: str(entry["branch"]) for rule, entry in pack.metadata().items()},
        index=index or "",
    )
    queries, refused = _convert(loaded, chosen, targets, options, dialect)
    problems = [*problems, *unfit, *refused]
    _report(problems)
    if queries:
        _print_queries(queries, form, output)
    elif not problems:
        _fail("nothing to convert: no rule is left to print; name rule files, or no RULE for the shipped pack")
    if problems:
        sys.exit(EXIT_PROBLEMS)


def _check_index(index: str, targets: Sequence[str]) -> None:
    """Refuse what is no index, and an index for targets that have none."""
    from sigma.backends.t1020.splunk_query import is_index

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
) -> tuple[list[Query], list[Problem]]:
    """The queries of all targets, and each problem once."""
    from sigma_t1020 import convert as conversion
    from sigma_t1020.resources import PipelineProblem

    queries: list[Query] = []
    problems: dict[Problem, None] = {}
    for target in conversion.every_target(targets):
        if dialect and dialect in target.others:
            target = target.spoken(dialect)
        if options.combine and not target.dialect.combines:
            target = target.languages[-1]
        try:
            done = conversion.convert(loaded, filters, target, options)
        except PipelineProblem as error:
            _fail(str(error))
        queries += done.queries
        problems.update(dict.fromkeys(done.problems))
    return queries, list(problems)


def _load(rules: Sequence[str]) -> tuple[Loaded, list[LoadedRule] | None, list[Problem]]:
    """The rules named, the only ones to print (None: all that are not hidden), and what is wrong."""
    from sigma_t1020 import pack
    from sigma_t1020.convert import is_called, only
    from sigma_t1020.loading import load
    from sigma_t1020.problems import Problem

    references = [rule for rule in rules if _is_reference(rule)]
    paths = [rule for rule in rules if rule not in references]
    loaded = load(paths) if paths else pack.load_pack()
    problems = list(loaded.problems)
    wanted = []
    for name in references:
        found = [item for item in loaded.rules if is_called(item, name)]
        wanted += found
        if not found:
            among = "among the files given" if paths else "in the pack"
            hint = "`sigma-t1020 list rules` names those of the pack"
            problems.append(
                Problem(name, None, f"no such file or folder, and no rule {among} has that id or name", hint)
            )
    if wanted or (references and not paths):
        return only(loaded, wanted), wanted, problems
    return loaded, None, problems


def _is_reference(rule: str) -> bool:
    """Whether an argument can be an id or a name, not a path: nothing of that name exists, and it has no separator."""
    return rule != "-" and not any(c in rule for c in "/\\.") and not os.path.lexists(rule)


def _keep_sources(loaded: Loaded, output: str | None) -> None:
    """Refuse to put the result in the place of one of the rules."""
    if not output or not os.path.lexists(output):
        return
    place = os.path.realpath(output)
    if any(os.path.realpath(item.path) == place for item in (*loaded.rules, *loaded.filters)):
        raise click.UsageError(f"-o {output} is one of the rule files, which would be lost: choose another name")


def _load_filters(filters: Sequence[str], loaded: Loaded) -> tuple[list[LoadedRule] | None, list[Problem]]:
    """The filters to apply with those among the rules, each once (None: only the latter), and what is wrong."""
    if not filters:
        return None, []
    from sigma_t1020 import pack
    from sigma_t1020.convert import touches
    from sigma_t1020.loading import load
    from sigma_t1020.resources import is_folder

    chosen = {(item.path, item.document.line): item for item in loaded.filters}
    problems: list[Problem] = []
    for name in dict.fromkeys(filters):
        many = name == "all" or is_folder(name)
        found = load(pack.filter_paths() if name == "all" else [name])
        problems.extend(found.problems)
        problems.extend(item.problem("a rule, not a filter", "give rules as RULE") for item in found.rules)
        if not many:
            problems.extend(
                item.problem("the filter touches no rule", "check its logsource and the rules that it names")
                for item in found.filters
                if not touches(item, loaded)
            )
        chosen.update({(item.path, item.document.line): item for item in found.filters})
    return list(chosen.values()), problems


def _print_queries(queries: Sequence[Query], form: str, output: str | None) -> None:
    from sigma_t1020.queries import files, to_json, to_text

    if output is None or output == "-":
        _echo(to_json(queries) if form == "json" else to_text(queries))
    elif _names_folder(output):
        _write({Path(output) / name: content for name, content in files(queries, form).items()})
    else:
        _write({Path(output): to_json(queries) if form == "json" else to_text(queries)})


def _names_folder(output: str) -> bool:
    from sigma_t1020.resources import is_folder

    return output.endswith(("/", os.sep)) or is_folder(output)


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
    """Which pipeline knows which log source category; as JSON, the pipelines with their categories and dialects."""
    from sigma_t1020.listing import log_sources, pipelines

    _print_table(pipelines() if form == "json" else log_sources(), form)


@list_.command(name="filters")
@FORMAT
def list_filters(form: str) -> None:
    """The shipped Sigma Filters, one for each family of false positives."""
    from sigma_t1020.listing import filters

    _print_table(filters(), form)


def _print_table(rows: Sequence[dict[str, Any]], form: str) -> None:
    """Rows of one shape, as JSON, or as a table of the first columns for which there is room."""
    import json

    if form == "json":
        _echo(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return
    import shutil
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    # Through a pipe a row is a line, so that grep finds it whole.
    terminal = sys.stdout is not None and sys.stdout.isatty()
    known = terminal or os.environ.get("COLUMNS", "").isdecimal()
    width = shutil.get_terminal_size().columns if known else 10_000
    cells = [{column: _cell(value) for column, value in row.items()} for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = _columns(cells, width)
    for column, no_wrap in columns.items():
        table.add_column(column, overflow="fold", no_wrap=no_wrap)
    for row in cells:
        table.add_row(*(row[column] for column in columns))
    text = StringIO()
    Console(file=text, highlight=False, markup=False, width=width, force_terminal=terminal).print(table)
    _echo("".join(line.rstrip() + "\n" for line in text.getvalue().splitlines()))


def _columns(cells: Sequence[dict[str, str]], width: int) -> dict[str, bool]:
    """The columns that fit, and whether they are to stay on one line: all but those of running text."""
    chosen: dict[str, bool] = {}
    left = width
    for column in cells[0] if cells else ():
        longest = max(len(text) for text in (column, *(row[column] for row in cells)))
        running = any(" " in row[column] for row in cells)
        left -= min(longest, 40 if running else longest) + 1
        if chosen and left < -1:
            break
        chosen[column] = not running
    return chosen


def _cell(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


@cli.command()
@RULES
@click.option(
    "--target",
    "-t",
    "targets",
    multiple=True,
    default=["all"],
    show_default=True,
    type=click.Choice([*TARGETS, "all"]),
    help="SIEM whose queries to check.",
)
@PIPELINES
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["text", "json", "sarif", "junit"]),
    help="A line a finding, a JSON array, SARIF 2.1.0 or JUnit XML.  [default: text]",
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info"]),
    help="Exit with 1 where a finding is at least that bad.  [default: warning]",
)
@click.option("--output", "-o", metavar="FILE", help="Write there instead of to standard output.")
@click.option(
    "--preflight",
    type=click.Choice([*(name for name, target in TARGETS.items() if target.dialect is KQL), "all"]),
    help="Check nothing; print a query that shows whether your workspace has the tables, fields and keys.",
)
@click.option("--lookback", callback=_span, metavar="SPAN", help="With --preflight: how far back.  [default: 24h]")
@click.option(
    "--install-parser", is_flag=True, help="Only fetch Microsoft's KQL parser by npm, once for you; it checks queries."
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
    need pip install 'sigma-t1020[check]', the parser --install-parser; what is not installed is said, and passed over.

    The report goes to standard output, a summary to stderr. Exit status: 0 no finding of --fail-on or worse, 1 there
    is one, 2 wrong usage.
    """
    if output == "" or (output and _names_folder(output)):
        raise click.UsageError(f"-o {output} is a folder: name a file in it" if output else "-o is empty: name a file")
    if lookback and not preflight:
        raise click.UsageError("--lookback needs --preflight")
    if preflight and (form or fail_on or targets != ("all",)):
        raise click.UsageError("--preflight prints a query: leave out --format, --fail-on and --target")
    if install_parser:
        if rules or preflight or output or pipelines or form or fail_on:
            raise click.UsageError("--install-parser stands alone")
        _install_parser()
    elif preflight:
        _preflight(rules, pipelines, preflight, lookback or "24h", output)
    else:
        _check(rules, targets, pipelines, form or "text", fail_on or "warning", output)


def _check(
    rules: Sequence[str], targets: Sequence[str], pipelines: Sequence[str], form: str, fail_on: str, output: str | None
) -> None:
    from sigma_t1020 import checking
    from sigma_t1020.convert import every_target
    from sigma_t1020.findings import Severity, at_least
    from sigma_t1020.reports import Report, summary
    from sigma_t1020.resources import PipelineProblem

    loaded, _wanted, problems = _load(rules)
    _keep_sources(loaded, output)
    try:
        findings = checking.check(loaded, problems, every_target(targets), pipelines)
    except PipelineProblem as error:
        _fail(str(error))
    files = [item.path for item in (*loaded.rules, *loaded.filters)]
    report = Report(findings, files, Severity(fail_on)).render(form)
    _put(report, output)
    click.echo(summary(len(loaded.rules), len(loaded.filters), findings), err=True)
    if at_least(findings, Severity(fail_on)):
        sys.exit(EXIT_PROBLEMS)


def _preflight(rules: Sequence[str], pipelines: Sequence[str], target: str, lookback: str, output: str | None) -> None:
    from sigma_t1020.convert import every_target
    from sigma_t1020.preflight import preflight
    from sigma_t1020.resources import PipelineProblem

    loaded, wanted, problems = _load(rules)
    _keep_sources(loaded, output)
    queries: list[str] = []
    for each in (known for known in every_target([target]) if known.dialect is KQL):
        try:
            done = preflight(loaded, each, pipelines, lookback, wanted)
        except PipelineProblem as error:
            _fail(str(error))
        problems += [problem for problem in done.problems if problem not in problems]
        queries += [done.query] if done.query else []
    _report(problems)
    if queries:
        _put("\n".join(queries), output)
    elif not problems:
        _fail("nothing to ask for: no rule is left; name rule files, or no RULE for the shipped pack")
    if problems:
        sys.exit(EXIT_PROBLEMS)


def _install_parser() -> None:
    from sigma_t1020.kusto_language.install import FOLDER_VARIABLE, ParserMissing, install

    try:
        click.echo(install(), err=True)
    except ParserMissing as error:
        _fail(str(error))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}the parser cannot be installed: {error.strerror}; set {FOLDER_VARIABLE} to a folder of yours")


@cli.command(name="pack")
@click.option("--output", "-o", metavar="FILE", help="Write there instead of to standard output.")
def pack_(output: str | None) -> None:
    """Print the pack's rules as one YAML file."""
    from sigma_t1020.pack import one_file

    if output == "" or (output and _names_folder(output)):
        raise click.UsageError(f"-o {output} is a folder: name a file in it")
    _put(one_file(), output)


@cli.command()
@click.option("--check", "check_only", is_flag=True, help="Write nothing; say what is not what the sources make.")
@click.option("--output", "-o", metavar="DIR", default="dist", show_default=True, help="Where to build.")
def build(check_only: bool, output: str) -> None:
    """Build what people download: the pack, the queries of each target, and their checksums."""
    from sigma_t1020.building import build_files, differences, outdated

    built, problems = build_files()
    _report(problems)
    if problems:
        sys.exit(EXIT_PROBLEMS)
    folder = Path(output)
    if check_only:
        differing = differences(folder, built)
        for line in differing:
            click.echo(line, err=True)
        if differing:
            _fail(f"{output} is not what the sources make: run `sigma-t1020 build -o {output}`")
        return
    old = outdated(folder, built)
    _write({folder / name: content for name, content in built.items()})
    for path in old:
        path.unlink()


def _echo(text: str) -> None:
    """Write to standard output as UTF-8 with LF, whatever the locale says."""
    if sys.stdout is None:
        _fail("standard output is closed; write to another place")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise  # whoever reads has enough: click ends quietly
    except OSError as error:
        # What is still in the buffer would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"standard output cannot be written: {error.strerror}; write to another place")


def _put(text: str, output: str | None) -> None:
    """Write to a file, or to standard output for None and `-`."""
    if output is None or output == "-":
        _echo(text)
    else:
        _write({Path(output): text})


def _write(files: dict[Path, str]) -> None:
    from sigma_t1020.problems import Problem
    from sigma_t1020.queries import write

    for path, content in files.items():
        try:
            write(path, content)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            _fail(str(Problem(str(path), None, f"cannot be written: {reason}", "choose another place with -o")))


def _report(problems: Iterable[Problem]) -> None:
    from dataclasses import replace

    from sigma_t1020.resources import near

    for problem in problems:
        click.echo(str(replace(problem, path=problem.path and near(problem.path))), err=True)


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(EXIT_PROBLEMS)


def main() -> None:
    """Entry point: no traceback reaches a user."""
    # A short process makes objects that live to its end; looking for garbage among them took a seventh of its time.
    gc.set_threshold(50_000)
    if not sys.warnoptions:
        # Python's advice on regular expressions is meant for who compiles them; rules have their own findings.
        warnings.simplefilter("ignore", FutureWarning)
    try:
        cli()
    except Exception as error:
        if os.environ.get("SIGMA_T1020_TRACEBACK"):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        _fail(f"sigma-t1020 failed: {reason}; please report it, with SIGMA_T1020_TRACEBACK=1 set for the details")
    finally:
        gc.freeze()
