"""From loaded rules to queries: one target at a time, each rule by itself, so that one failure costs one rule."""

from __future__ import annotations

import os
import re
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sigma.backends.t1020.common.time_frame import DEFAULT_DELAY, DEFAULT_LOOKBACK

from sigma_t1020.output import ConvertedQuery
from sigma_t1020.pipelines import PipelineProblem, find_pipelines, unread_settings
from sigma_t1020.problems import Problem
from sigma_t1020.resources import load_pipeline
from sigma_t1020.rules.loading import Loaded, LoadedRule
from sigma_t1020.targets import TARGETS, Target

if TYPE_CHECKING:
    from sigma.backends.t1020.common.backend import QueryBackend
    from sigma.backends.t1020.common.losses import Loss
    from sigma.processing.pipeline import ProcessingPipeline

# Bytes of a file name, which may have 255, for the part before number and suffix.
MAX_STEM = 200
# What pySigma adds to its messages: where it was, and the transformation with all its innards.
_NOISE = re.compile(
    r" \(while (?:applying|converting|finalizing)[^()]* rule .*\)$| for \w+\(processing_item=.*", re.DOTALL
)


@dataclass(frozen=True)
class Options:
    """How to convert. Time spans are texts such as 24h; an empty `schedule` means a look-back.

    `pipelines` come on top of the target's own: names of installed ones, files or folders. `wanted` are the only
    rules to print, or None for all that are not hidden. `strict` makes a problem of each loss that a rule causes.
    `branches` gives a rule's branch by its id. `dialect_options` are the values, by name, of options that only some
    dialects have; a dialect without one ignores it.
    """

    pipelines: Sequence[str] = ()
    lookback: str = DEFAULT_LOOKBACK
    schedule: str = ""
    delay: str = DEFAULT_DELAY
    combine: bool = False
    wanted: Collection[LoadedRule] | None = None
    strict: bool = False
    branches: Mapping[str, str] | None = None
    dialect_options: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Conversion:
    """The queries of one target, in the order of the rules, and what could not be converted.

    `converted` is by rule what the queries were made of: their texts, or the parts of a combined query. `unread` is
    where pipelines set a key of the state that nothing reads, which changes no query.
    """

    queries: tuple[ConvertedQuery, ...]
    problems: tuple[Problem, ...]
    converted: tuple[ConvertedRule, ...] = ()
    unread: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class ConvertedRule:
    """What one rule became: texts, or in a combined query the parts of it."""

    source: LoadedRule
    rule: Any
    parts: Sequence[Any]
    losses: Sequence[tuple[Loss, ...]]


def convert(loaded: Loaded, filters: Sequence[LoadedRule] | None, target: Target, options: Options) -> Conversion:
    """Convert what was loaded for one target. Raises PipelineProblem; what is wrong with a rule becomes a Problem."""
    pipeline, pipelines, unread = _pipelines(target, options)
    backend = _backend(target, options, pipeline)
    collection = loaded.collection(filters)
    form = "combined" if options.combine else "default"
    backend.init_processing_pipeline(form)
    sources = [_source(loaded, rule) for rule in collection.rules]
    shown = _shown(collection.rules, sources, options.wanted)
    converted: list[ConvertedRule] = []
    problems: list[Problem] = []
    for source, rule in zip(sources, collection.rules, strict=True):
        rule._output = id(rule) in shown
        if options.branches and (branch := options.branches.get(str(rule.id))):
            rule.custom_attributes.setdefault("branch", branch)
        parts = _parts(backend, source, rule, form, target)
        if isinstance(parts, Problem):
            problems.append(parts)
        elif options.strict and (losses := _lost(backend, source, rule)):
            problems.extend(losses)
        elif parts:
            converted.append(ConvertedRule(source, rule, parts, _losses(backend, rule, len(parts))))
    order = {item: index for index, item in enumerate(loaded.rules)}
    converted.sort(key=lambda item: order[item.source])
    if options.combine:
        queries = _combined(backend, converted, target, pipelines)
    else:
        in_file = Counter(item.path for item in loaded.rules)
        queries = [
            query for item in converted for query in _queries(item, target, pipelines, in_file[item.source.path] == 1)
        ]
    return Conversion(tuple(queries), tuple(problems), tuple(converted), unread)


def _source(loaded: Loaded, rule: Any) -> LoadedRule:
    source = loaded.find(rule)
    if source is None:
        raise LookupError(f"no source of {rule.title}")
    return source


def _parts(
    backend: QueryBackend[Any], source: LoadedRule, rule: Any, form: str, target: Target
) -> Sequence[Any] | Problem:
    """The converted conditions of a rule, none if it is hidden; a Problem where pySigma or a pipeline refuses it.

    pySigma refuses by a SigmaError or a NotImplementedError. It also fails on a few rules (null as a keyword,
    |windash|windash) and on many odd pipelines, by any exception. What is raised anywhere else is a bug of this
    program and is raised again, so that nobody looks for it in the rule.
    """
    from sigma.exceptions import SigmaError

    convert_one: Callable[..., list[Any]] = (
        backend.convert_correlation_rule if source.is_correlation else backend.convert_rule
    )
    try:
        parts = convert_one(rule, form)
    except (SigmaError, NotImplementedError) as error:
        return _problem(source, error, backend)
    except Exception as error:
        modules = _modules(error)
        if any(module.startswith("sigma.processing.") for module in modules):
            message = f"a pipeline fails on this rule: {_message(error)}"
            return source.problem(message, "correct the pipeline given with -p, or limit it with rule_conditions")
        if not modules[-1].startswith("sigma.") or modules[-1].startswith("sigma.backends.t1020"):
            raise
        return source.problem(f"pySigma fails on this rule: {_message(error)}", "write its values in a simpler form")
    conditions = 1 if source.is_correlation else len(rule.detection.parsed_condition)
    if rule._output and len(parts) < conditions:
        message = f"nothing is left to search for in {target.name} after the pipeline"
        hint = "correct the pipeline given with -p, which drops everything that the condition tests"
        return source.problem(message, hint)
    return parts


def _losses(backend: QueryBackend[Any], rule: Any, parts: int) -> list[tuple[Loss, ...]]:
    """What each part of a converted rule gives up."""
    found = backend.losses.get(id(rule), {})
    return [found.get(index, ()) for index in range(parts)]


def _lost(backend: QueryBackend[Any], source: LoadedRule, rule: Any) -> list[Problem]:
    """The losses of a converted rule that the rule causes, each on the line of its field."""
    from sigma.backends.t1020.common.losses import Cause

    lost = (loss for losses in backend.losses.get(id(rule), {}).values() for loss in losses)
    found = (loss for loss in lost if loss.code.cause is Cause.RULE)
    hint = "leave out --strict to convert the rule with this loss"
    return [source.problem(loss.message, hint, source.line_of_field(loss.field)) for loss in dict.fromkeys(found)]


def _modules(error: BaseException) -> list[str]:
    """Modules that an exception came through, where it was raised last.

    Of the first one, if others came out of its handling: pySigma, which adds to an exception's arguments, itself
    fails on one that has none.
    """
    while error.__context__ is not None:
        error = error.__context__
    frames = traceback.walk_tb(error.__traceback__)
    return [str(frame.f_globals.get("__name__", "")) for frame, _line in frames]


def _pipelines(target: Target, options: Options) -> tuple[ProcessingPipeline, str, tuple[Problem, ...]]:
    """The target's pipelines as one, their names for the output, and what they set that nothing reads."""
    given = [one for name in options.pipelines for one in find_pipelines(name)]
    # Twice the same would rename what is renamed already: another log model, or a copy, takes the own one's place.
    models = target.log_models
    base = next((one.pipeline.name for one in given if one.pipeline.name in models), None) or target.pipeline
    named: dict[str, ProcessingPipeline] = {base: load_pipeline(base)}
    for one in given:
        _check_pipeline(one.name, one.pipeline, target, options)
        named[base if one.pipeline.name == base else one.name] = one.pipeline
    # By priority, as sigma-cli joins them.
    ordered = sorted(named, key=lambda name: (named[name].priority, name))
    joined = reduce(add, (named[name] for name in ordered))
    unread = unread_settings([setting for one in given for setting in one.settings], joined)
    return joined, ", ".join([base, *(name for name in named if name != base)]), unread


def _backend(target: Target, options: Options, pipeline: ProcessingPipeline) -> QueryBackend[Any]:
    """The target's backend, which speaks its dialect."""
    from sigma.backends.t1020 import backend_class

    backend: Callable[..., QueryBackend[Any]] = backend_class(target.dialect.backend)
    own = [option.name for option in target.dialect.options if option.name in options.dialect_options]
    return backend(
        pipeline,
        lookback=options.lookback,
        schedule=options.schedule,
        delay=options.delay,
        **{name: options.dialect_options[name] for name in own},
    )


def _check_pipeline(name: str, pipeline: ProcessingPipeline, target: Target, options: Options) -> None:
    """Raise PipelineProblem for what would be without effect, or is not meant for the target."""
    backend = target.dialect.backend
    other = next((known for known in TARGETS.values() if pipeline.name in known.log_models), target)
    if other.name != target.name:
        raise PipelineProblem(f"{name} is the pipeline of the target {other.name}; use --target {other.name}")
    if pipeline.allowed_backends and backend not in pipeline.allowed_backends:
        meant = ", ".join(sorted(pipeline.allowed_backends))
        hint = f"leave it out, or add {backend} to its allowed_backends"
        raise PipelineProblem(f"{name} is a pipeline for {meant}, not for {backend}; {hint}")
    if options.combine and pipeline.postprocessing_items:
        raise PipelineProblem(
            f"{name}: postprocessing applies to single queries; leave out --combine, or remove `postprocessing`"
        )


def _shown(rules: Sequence[Any], sources: Sequence[LoadedRule], wanted: Collection[LoadedRule] | None) -> set[int]:
    """Identities of the rules to print: those asked for; else all that no correlation hides.

    A correlation hides what it refers to, unless it or another one that refers to it says `generate: true`.
    """
    if wanted is not None:
        return {id(rule) for rule, source in zip(rules, sources, strict=True) if source in wanted}
    return {
        id(rule)
        for rule in rules
        if not rule._backreferences
        or any(getattr(correlation, "generate", False) for correlation in rule._backreferences)
    }


def _queries(converted: ConvertedRule, target: Target, pipelines: str, alone: bool) -> list[ConvertedQuery]:
    source, rule, parts = converted.source, converted.rule, converted.parts
    return [
        ConvertedQuery(
            id=str(rule.id) if rule.id else None,
            title=rule.title,
            kind="correlation" if source.is_correlation else "rule",
            part=number,
            parts=len(parts),
            level=str(rule.level).lower() if rule.level else None,
            target=target.name,
            dialect=target.dialect.name,
            pipeline=pipelines,
            text=text,
            losses=losses,
            stem=_stem(source, rule, alone),
        )
        for number, (text, losses) in enumerate(zip(parts, converted.losses, strict=True), start=1)
    ]


def _stem(source: LoadedRule, rule: Any, alone: bool) -> str:
    """A file name for a rule: that of its file if it is alone there, else its name or id."""
    if alone and source.path != "<stdin>":
        text = Path(source.path).stem
    else:
        text = str(rule.name or rule.id or rule.title)
        text = "".join(c if c.isalnum() or c in "-_." else "_" for c in text).lstrip(".") or "rule"
    while len(os.fsencode(text)) > MAX_STEM:
        text = text[:-1]
    return text


def _combined(
    backend: QueryBackend[Any], converted: Sequence[ConvertedRule], target: Target, pipelines: str
) -> list[ConvertedQuery]:
    from sigma.backends.t1020.common.losses import Loss

    parts = [part for item in converted for part in item.parts]
    losses = dict.fromkeys(
        Loss(loss.code, f"{item.rule.title}: {loss.message}")
        for item in converted
        for part in item.losses
        for loss in part
    )
    texts = backend.finalize_output_combined(parts)
    return [
        ConvertedQuery(
            id=None,
            title=f"{len(converted)} rule{'s' * (len(converted) != 1)} in one query",
            kind="combined",
            part=number,
            parts=len(texts),
            level=None,
            target=target.name,
            dialect=target.dialect.name,
            pipeline=pipelines,
            text=text,
            losses=tuple(losses),
            stem="combined",
        )
        for number, text in enumerate(texts, start=1)
    ]


def _problem(source: LoadedRule, error: Exception, backend: QueryBackend[Any]) -> Problem:
    """A conversion error on the line of the field at fault, which a backend knows as the pipeline renamed it."""
    field = getattr(error, "field", "")
    renamed = backend.last_processing_pipeline.field_mappings.target_fields.get(field, ())
    names = [field, *sorted(name for name in renamed if name)] if field else []
    # A pipeline's refusal has its field in its words alone.
    names.extend(re.findall(r"\w+", _message(error)) if not field and not getattr(error, "at", ()) else ())
    line = next((line for name in names if (line := source.line_of_field(name)) is not None), None)
    if line is None and (at := getattr(error, "at", ())):
        line = source.line_of(*at)
    message, _, hint = _message(error).partition("; ")
    return source.problem(message, hint, line)


def _message(error: Exception) -> str:
    """What an exception says, on one line; pySigma's keep their message in the first argument."""
    text = str(error.args[0]) if error.args else ""
    return " ".join(_NOISE.sub("", text).split()) or type(error).__name__


def only(loaded: Loaded, wanted: Collection[LoadedRule]) -> Loaded:
    """The rules that are wanted and those which they refer to, so that no other one's problems are reported."""
    needed: set[LoadedRule] = set()
    pending = list(wanted)
    while pending:
        item = pending.pop()
        if item in needed:
            continue
        needed.add(item)
        aliases = (item.data["correlation"].get("aliases") or {}).values() if item.is_correlation else ()
        names = {*item.references, *(reference for alias in aliases for reference in alias)}
        pending += [other for other in loaded.rules if any(is_called(other, name) for name in names)]
    return replace(loaded, rules=tuple(item for item in loaded.rules if item in needed))


def is_called(item: LoadedRule, name: str) -> bool:
    """Whether a rule has that name, or that id in any spelling of a UUID."""
    try:
        return item.rule.id == UUID(name)
    except ValueError:
        return item.rule.name == name


def changed_by(sigma_filter: LoadedRule, loaded: Loaded) -> Iterator[LoadedRule]:
    """Yield the rules that a filter changes."""
    applied: Any = sigma_filter.fresh()
    for item in loaded.rules:
        if item.is_correlation:
            continue
        rule: Any = item.fresh()
        before = list(rule.detection.condition)
        applied.apply_on_rule(rule)
        if rule.detection.condition != before:
            yield item
