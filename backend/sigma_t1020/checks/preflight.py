"""`check --preflight`: what the rules use, asked of the workspace where they will run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sigma.backends.t1020.common.time_frame import DEFAULT_LOOKBACK, seconds

from sigma_t1020.convert import Options, convert

if TYPE_CHECKING:
    from sigma_t1020.problems import Problem
    from sigma_t1020.rules.loading import Loaded, LoadedRule
    from sigma_t1020.targets import Target


@dataclass(frozen=True)
class Preflight:
    """The query for one target (None where no rule could be converted), and what could not be converted."""

    query: str | None
    problems: tuple[Problem, ...]


def preflight(
    loaded: Loaded,
    target: Target,
    pipelines: Sequence[str] = (),
    lookback: str = DEFAULT_LOOKBACK,
    wanted: Collection[LoadedRule] | None = None,
) -> Preflight:
    """What the rules use, asked of a workspace; the arguments are those of convert.Options. Raises PipelineProblem."""
    # Combined queries come as objects, before they become text.
    done = convert(loaded, None, target, Options(pipelines=pipelines, lookback=lookback, combine=True, wanted=wanted))
    queries = [(str(item.rule.title), query) for item in done.converted for _alert, query in item.parts]
    if not queries or target.dialect.preflight is None:
        return Preflight(None, done.problems)
    return Preflight(target.dialect.preflight(queries, target.title, seconds(lookback)), done.problems)
