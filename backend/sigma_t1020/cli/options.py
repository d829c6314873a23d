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


class DefaultedSpan(click.Option):
    """A time span that has a default. None says that it was not given; see `default_span` for what then holds."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, which ends in the default: looked up now, since that costs an import."""
        record = super().get_help_record(ctx)
        return record and (record[0], f"{record[1]}  [default: {default_span(self.human_readable_name)}]")


def default_span(option: str) -> str:
    """What holds where `lookback` or `delay` is not given."""
    from sigma.backends.t1020.common.time_frame import DEFAULT_DELAY, DEFAULT_LOOKBACK

    return {"lookback": DEFAULT_LOOKBACK, "delay": DEFAULT_DELAY}[option]


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
