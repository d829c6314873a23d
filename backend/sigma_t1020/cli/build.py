"""`sigma-t1020 pack` and `sigma-t1020 build`: the files that people download."""

from __future__ import annotations

import sys

import click

from sigma_t1020.cli.console import EXIT_PROBLEMS, fail, names_folder, put, report, write_files


@click.command()
@click.option("--output", "-o", metavar="FILE", help="Write there instead of to standard output.")
def pack(output: str | None) -> None:
    """Print the pack's rules as one YAML file."""
    from sigma_t1020.pack import one_file

    if output == "" or (output and names_folder(output)):
        raise click.UsageError(f"-o {output} is a folder: name a file in it")
    put(one_file(), output)


@click.command()
@click.option(
    "--check", "check_only", is_flag=True, help="Write nothing; list the files that are missing, changed or orphaned."
)
@click.option("--output", "-o", metavar="DIR", default="dist", show_default=True, help="Folder to write to.")
def build(check_only: bool, output: str) -> None:
    """Build what people download: the pack, the queries of each target, and their checksums."""
    if output == "":
        raise click.UsageError("-o is empty: name a folder")
    from pathlib import Path

    from sigma_t1020.building import build_files, differences, outdated

    built, problems = build_files()
    report(problems)
    if problems:
        sys.exit(EXIT_PROBLEMS)
    folder = Path(output)
    if check_only:
        differing = differences(folder, built)
        for line in differing:
            click.echo(line, err=True)
        if differing:
            fail(f"{output} is out of date: run `sigma-t1020 build -o {output}`")
        return
    old = outdated(folder, built)
    write_files(built, output)
    for path in old:
        path.unlink()
