"""Options and arguments of several commands, and those that the table of targets declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

import click

from sigma_t1020.targets import ALL, DIALECT_OPTIONS, TARGETS, Dialect, Target

if TYPE_CHECKING:
    Command = TypeVar("Command", bound=Callable[..., object])

RULES = click.argument("rules", nargs=-1, metavar="[RULE]...")
PIPELINES = click.option(
    "--pipeline",
    "-p",
    "pipelines",
    multiple=True,
    metavar="PIPELINE",
    help="Further pySigma pipeline (name, file or folder), besides the target's own; one of the same name replaces it.",
)


def target_names(targets: Iterable[Target]) -> click.Choice[str]:
    """The name of one of the targets, or `all`."""
    return click.Choice([*(target.name for target in targets), ALL])


def targets_option(text: str, default: str | None = None) -> Callable[[Command], Command]:
    """`--target`, once or several times; required where there is no default."""
    return click.option(
        "--target",
        "-t",
        "targets",
        multiple=True,
        required=default is None,
        default=None if default is None else [default],
        show_default=default is not None,
        type=target_names(TARGETS.values()),
        help=text,
    )


def dialect_option() -> Callable[[Command], Command]:
    """`--dialect`, of the targets that have several."""
    several = [target for target in TARGETS.values() if target.others]
    dialects = [[spoken.dialect for spoken in target.in_each_dialect] for target in several]
    texts = [
        f"{target.name.capitalize()}: {', or '.join(map(_described, spoken))}."
        for target, spoken in zip(several, dialects, strict=True)
    ]
    usual = ", ".join(target.dialect.name for target in several)
    return click.option(
        "--dialect",
        type=click.Choice([dialect.name for spoken in dialects for dialect in spoken]),
        help=f"{' '.join(texts)}  [default: {usual}]",
    )


def _described(dialect: Dialect) -> str:
    return f"{dialect.name} {dialect.about}".rstrip()


def dialects_own_options(command: Command) -> Command:
    """The options that only some dialects have, in the order of the table."""
    for option in reversed(DIALECT_OPTIONS):
        command = click.option(f"--{option.name}", metavar=option.metavar, help=option.help)(command)
    return command


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
