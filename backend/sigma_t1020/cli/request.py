"""What a run of `convert` was asked for, and what cannot be asked for together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from sigma.backends.t1020.common.time_frame import DEFAULT_DELAY, DEFAULT_LOOKBACK

from sigma_t1020 import pack
from sigma_t1020.convert import Options
from sigma_t1020.targets import ALL, DIALECT_OPTIONS, TARGETS, Target, named, targets_with

if TYPE_CHECKING:
    from sigma_t1020.rules.loading import LoadedRule


@dataclass(frozen=True)
class Request:
    """The arguments and options of one run; an option that was not given is None, False or empty."""

    rules: tuple[str, ...]
    targets: tuple[str, ...]
    pipelines: tuple[str, ...]
    form: str
    lookback: str | None
    schedule: str | None
    delay: str | None
    filters: tuple[str, ...]
    dialect: str | None
    combine: bool
    strict: bool
    output: str | None
    dialect_options: Mapping[str, str]
    """Values of the options that only some dialects have, by name."""

    @classmethod
    def of(cls, context: click.Context) -> Request:
        """What the command line says. Raises click.UsageError for what cannot be asked for together."""
        params = dict(context.params)
        own = {option.name: params.pop(option.name) for option in DIALECT_OPTIONS}
        request = cls(**params, dialect_options={name: value for name, value in own.items() if value is not None})
        for contradiction in request.contradictions():
            raise click.UsageError(contradiction)
        return request

    def contradictions(self) -> Iterator[str]:
        """What cannot be asked for together, in words that say what to do."""
        if self.schedule and self.lookback:
            yield "--lookback and --schedule exclude each other: a scheduled job finds its own range"
        if self.delay and not self.schedule:
            yield "--delay needs --schedule"
        if self.output == "":
            yield "-o is empty: name a file or a folder, or - for standard output"
        yield from self._of_the_dialect()
        yield from self._of_combine()
        yield from self._of_dialect_options()

    def _of_the_dialect(self) -> Iterator[str]:
        if not self.dialect:
            return
        speakers = [target.name for target in TARGETS.values() if target.speaks(self.dialect)]
        if not {ALL, *speakers} & {*self.targets}:
            yield f"--dialect {self.dialect} is for another target: add --target {speakers[0]}"

    def _of_combine(self) -> Iterator[str]:
        """A target that was named must be able to combine; of all targets, each takes a dialect that can."""
        for target in named(name for name in self.targets if name != ALL) if self.combine else ():
            dialect = target.spoken(self.dialect).dialect
            if not dialect.combines:
                able = target.combining.dialect
                step = f"add --dialect {able.name}" if able.combines else "leave out --combine"
                yield f"{dialect.title} cannot join several rules into one query: {step}"

    def _of_dialect_options(self) -> Iterator[str]:
        spoken = [target.spoken(self.dialect) for target in named(self.targets)]
        for name in self.dialect_options:
            if any(target.dialect.takes(name) for target in spoken):
                continue
            able = [target.name for target in targets_with(name)]
            if any(target.name in able for target in spoken):
                yield f"--dialect {self.dialect} takes no --{name}: leave one of them out"
            else:
                yield f"--{name} is for another target: add --target {able[0]}"

    def spoken(self) -> list[Target]:
        """The targets, each in the dialect asked for if it has it, and with --combine in one that can combine."""
        spoken = [target.spoken(self.dialect) for target in named(self.targets)]
        return [target.combining for target in spoken] if self.combine else spoken

    def options(self, wanted: Collection[LoadedRule] | None) -> Options:
        """How to convert; `wanted` are the only rules to print, or None for all that are not hidden."""
        return Options(
            pipelines=self.pipelines,
            lookback=self.lookback or DEFAULT_LOOKBACK,
            schedule=self.schedule or "",
            delay=self.delay or DEFAULT_DELAY,
            combine=self.combine,
            wanted=wanted,
            strict=self.strict,
            branches=pack.branches(),
            dialect_options=self.dialect_options,
        )
