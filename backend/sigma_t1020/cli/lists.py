"""`sigma-t1020 list …`: tables of what there is."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from sigma_t1020.cli.console import echo

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print it; a narrow terminal shows the first columns only, JSON has all.",
)


@click.group(name="list")
def lists() -> None:
    """List rules, targets, pipelines, state keys or filters."""


@lists.command(name="rules")
@FORMAT
def list_rules(form: str) -> None:
    """The rules and correlations of the shipped pack."""
    from sigma_t1020.listing import rules

    _print_table(rules(), form)


@lists.command(name="targets")
@FORMAT
def list_targets(form: str) -> None:
    """The targets of convert."""
    from sigma_t1020.listing import targets

    _print_table(targets(), form)


@lists.command(name="pipelines")
@FORMAT
def list_pipelines(form: str) -> None:
    """Which pipeline knows which log source category; as JSON, the pipelines with their categories and dialects."""
    from sigma_t1020.listing import log_sources, pipelines

    _print_table(pipelines() if form == "json" else log_sources(), form)


@lists.command(name="state-keys")
@FORMAT
def list_state_keys(form: str) -> None:
    """What a pipeline of your own can set in the pipeline state: what each key means and takes, and what reads it."""
    from sigma_t1020.listing import state_keys

    _print_table(state_keys(), form)


@lists.command(name="filters")
@FORMAT
def list_filters(form: str) -> None:
    """The shipped Sigma Filters, one for each family of false positives."""
    from sigma_t1020.listing import filters

    _print_table(filters(), form)


def _print_table(rows: Sequence[dict[str, Any]], form: str) -> None:
    """Rows of one shape, as JSON, or as a table of the first columns for which there is room."""
    import json

    if form == "json":
        echo(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
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
    echo("".join(line.rstrip() + "\n" for line in text.getvalue().splitlines()))


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
