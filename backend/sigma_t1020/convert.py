"""From loaded rules to queries: one target at a time, each rule by itself, so that one failure costs one rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigma_t1020.loading import Loaded, LoadedRule
from sigma_t1020.problems import Problem
from sigma_t1020.queries import Query
from sigma_t1020.resources import load_pipeline
from sigma_t1020.targets import TARGETS, Target

if TYPE_CHECKING:
    from sigma.backends.t1020 import T1020KustoBackend
    from sigma.processing.pipeline import ProcessingPipeline


class PipelineProblem(Exception):
    """A pipeline that cannot be used; the message says which, why and what to do."""


@dataclass(frozen=True)
class Options:
    """How to convert. Time spans are texts such as 24h; an empty `schedule` means a look-back.

    `pipelines` come on top of the target's own: names of installed ones, files or folders. `wanted` are the
    ids of the only rules to print, or None for all that are not hidden.
    """

    pipelines: Sequence[str] = ()
    lookback: str = "24h"
    schedule: str = ""
    delay: str = "5m"
    combine: bool = False
    wanted: Collection[str] | None = None
    branches: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Conversion:
    """The queries of one target, in the order of the rules, and what could not be converted."""

    queries: tuple[Query, ...]
    problems: tuple[Problem, ...]


def convert(loaded: Loaded, filters: Sequence[LoadedRule] | None, target: Target, options: Options) -> Conversion:
    """Convert what was loaded for one target. Raises PipelineProblem; all else becomes a Problem."""
    backend = _backend(target, options)
    collection = loaded.collection(filters)
    form = "combined" if options.combine else "default"
    backend.init_processing_pipeline(form)
    shown = _shown(collection.rules, options.wanted)
    results: dict[int, list[Any]] = {}
    problems: list[Problem] = []
    for rule in collection.rules:
        source = loaded.find(rule)
        if source is None:
            raise LookupError(f"no source of {rule.title}")
        rule._output = id(rule) in shown
        if options.branches and (branch := options.branches.get(str(rule.id))):
            rule.custom_attributes.setdefault("branch", branch)
        convert_one: Callable[..., list[Any]] = (
            backend.convert_correlation_rule if source.is_correlation else backend.convert_rule
        )
        try:
            results[id(rule)] = convert_one(rule, form)
        except (ValueError, NotImplementedError, TypeError, KeyError, AttributeError, LookupError) as error:
            problems.append(_problem(source, error))
    order = {id(loaded_rule): index for index, loaded_rule in enumerate(loaded.rules)}
    converted = [
        (source, rule, results[id(rule)])
        for rule in collection.rules
        if results.get(id(rule)) and (source := loaded.find(rule)) is not None
    ]
    converted.sort(key=lambda item: order.get(id(item[0]), len(order)))
    if options.combine:
        queries = _combined(backend, [part for _, _, parts in converted for part in parts], target)
    else:
        in_file = Counter(item.path for item in loaded.rules)
        queries = [
            query
            for source, rule, parts in converted
            for query in _queries(source, rule, parts, target, in_file[source.path] == 1)
        ]
    return Conversion(tuple(queries), tuple(problems))


def _backend(target: Target, options: Options) -> T1020KustoBackend:
    from sigma.backends.t1020 import backends

    pipeline = load_pipeline(target.pipeline)
    backend = backends[target.dialect.backend]
    if options.pipelines:
        pipeline = _with_others(pipeline, target, options.pipelines)
    return backend(pipeline, lookback=options.lookback, schedule=options.schedule, delay=options.delay)


def _with_others(own: ProcessingPipeline, target: Target, others: Sequence[str]) -> ProcessingPipeline:
    """The target's pipeline and others in the order of their priorities, as sigma-cli joins them."""
    import yaml
    from sigma.exceptions import SigmaError, SigmaPipelineNotFoundError
    from sigma.processing.resolver import ProcessingPipelineResolver

    known: dict[str, Any] = {target.pipeline: own}
    if any(not Path(other.rstrip("/*")).exists() for other in others):
        from sigma.plugins import InstalledSigmaPlugins

        installed = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False)
        known = {**installed.pipelines, **known}
    resolver = ProcessingPipelineResolver(known)
    for other in others:
        try:
            resolver.resolve([other], target.dialect.backend)
        except SigmaPipelineNotFoundError:
            raise PipelineProblem(
                f"{other}: no such pipeline, file or folder; `sigma-t1020 list pipelines` names ours"
            ) from None
        except (SigmaError, yaml.YAMLError, OSError, TypeError, ValueError, KeyError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise PipelineProblem(f"{other}: not a usable pySigma pipeline: {reason}") from None
    return resolver.resolve([target.pipeline, *others], target.dialect.backend)


def _shown(rules: Sequence[Any], wanted: Collection[str] | None) -> set[int]:
    """Identities of the rules to print: those asked for; else all that no correlation hides.

    A correlation hides what it refers to, unless it or another one that refers to it says `generate: true`.
    """
    if wanted is not None:
        return {id(rule) for rule in rules if str(rule.id) in wanted or rule.name in wanted}
    return {
        id(rule)
        for rule in rules
        if not rule._backreferences
        or any(getattr(correlation, "generate", False) for correlation in rule._backreferences)
    }


def _queries(source: LoadedRule, rule: Any, parts: Sequence[str], target: Target, alone: bool) -> list[Query]:
    return [
        Query(
            id=str(rule.id) if rule.id else None,
            title=rule.title,
            kind="correlation" if source.is_correlation else "rule",
            part=number,
            parts=len(parts),
            level=str(rule.level).lower() if rule.level else None,
            target=target.name,
            dialect=target.dialect.name,
            pipeline=target.pipeline,
            text=text,
            losses=(),
            stem=_stem(source, rule, alone),
        )
        for number, text in enumerate(parts, start=1)
    ]


def _stem(source: LoadedRule, rule: Any, alone: bool) -> str:
    """A file name for a rule: that of its file if it is alone there, else its name or id."""
    if alone and source.path != "<stdin>":
        return Path(source.path).stem
    text = rule.name or (str(rule.id) if rule.id else rule.title)
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in text)[:80].lstrip(".") or "rule"


def _combined(backend: T1020KustoBackend, parts: list[Any], target: Target) -> list[Query]:
    return [
        Query(
            id=None,
            title=f"{len(parts)} rules in one query",
            kind="combined",
            part=1,
            parts=1,
            level=None,
            target=target.name,
            dialect=target.dialect.name,
            pipeline=target.pipeline,
            text=text,
            losses=(),
            stem="combined",
        )
        for text in backend.finalize_output_combined(parts)
    ]


def _problem(source: LoadedRule, error: Exception) -> Problem:
    """A conversion error on the line of the field at fault."""
    field = getattr(error, "field", "")
    line = source.line_of_field(field) if field else None
    message = str(error.args[0]) if error.args else type(error).__name__
    message, _, hint = message.partition("; ")
    return source.problem(" ".join(message.split()), " ".join(hint.split()), line)


def every_target(names: Sequence[str]) -> list[Target]:
    """The targets of that name; `all` is all of them."""
    return list(TARGETS.values()) if "all" in names else [TARGETS[name] for name in names]


def touches(sigma_filter: LoadedRule, loaded: Loaded) -> bool:
    """Whether a filter changes any of the rules."""
    applied: Any = sigma_filter.fresh()
    for item in loaded.rules:
        if item.is_correlation:
            continue
        rule: Any = item.fresh()
        before = list(rule.detection.condition)
        applied.apply_on_rule(rule)
        if rule.detection.condition != before:
            return True
    return False


def without_losses(conversion: Conversion) -> Conversion:
    """Under --strict a loss is a Problem, but for the bounds of an engine."""
    kept = tuple(q for q in conversion.queries if all(code == "bound" for code, _ in q.losses))
    faults = tuple(
        Problem(None, None, f"{query.title}: {message}", "without --strict it is a named loss")
        for query in conversion.queries
        for code, message in query.losses
        if code != "bound"
    )
    return replace(conversion, queries=kept, problems=conversion.problems + faults)
