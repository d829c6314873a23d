"""Options and arguments that several commands have."""

from __future__ import annotations

import click

RULES = click.argument("rules", nargs=-1, metavar="[RULE]...")
PIPELINES = click.option(
    "--pipeline",
    "-p",
    "pipelines",
    multiple=True,
    metavar="PIPELINE",
    help="Further pySigma pipeline (name, file or folder), on top of the target's own or, if it has its name, for it.",
)


def span(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A time span such as 24h, as Kusto and Splunk users write it."""
    if value is None:
        return None
    from sigma.backends.t1020.common.time_frame import option_seconds

    try:
        option_seconds(value, least=0 if parameter.name == "delay" else 1)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value
