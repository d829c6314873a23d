"""The pipelines that a user gives: found, read, and held against what the backends read of the pipeline state."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigma_t1020.problems import Fault, Problem, shown
from sigma_t1020.resources import is_folder

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingItemBase, ProcessingPipeline

    from sigma_t1020.problems import Place
    from sigma_t1020.rules.yaml_documents import Document

_PIPELINE_HINT = "a pySigma pipeline is a mapping with name, priority and transformations"
# What a pipeline's parts must be for pySigma, which answers others with AttributeError and the like.
_PARTS: Mapping[str, tuple[type, str]] = {
    "name": (str, "a text"),
    "priority": (int, "a whole number (below 20 to map your own names, above 20 to set state)"),
    "allowed_backends": (list, "a list of backends"),
    "vars": (dict, "a mapping"),
    "transformations": (list, "a list of transformations"),
    "postprocessing": (list, "a list of transformations"),
    "finalizers": (list, "a list of finalizers"),
}
# From this ratio of difflib's on, a key is taken for a misspelt one: one slip in the shortest, two in the longer ones.
_ALIKE = 0.8
# Of pySigma-backend-splunk, for a pipeline that serves it too: no misspelt `data_model`.
_OTHERS_KEYS = frozenset({"data_model_set"})


class PipelineProblem(Exception):
    """A pipeline that cannot be used; the message says which, why and what to do."""


@dataclass(frozen=True)
class Setting:
    """A place where a pipeline sets a key of the state. `line` is 1-based, None for a pipeline that is no file."""

    key: str
    path: str
    line: int | None


@dataclass(frozen=True)
class GivenPipeline:
    """A pipeline of a user's, `name` being its file or the name under which it is installed."""

    name: str
    pipeline: ProcessingPipeline
    settings: tuple[Setting, ...] = ()


def find_pipelines(name: str) -> list[GivenPipeline]:
    """The pipeline of a file, of each .yml file below a folder, or one that is installed. Raises PipelineProblem."""
    if is_folder(name):
        files = sorted(str(file) for file in Path(name).rglob("*.yml"))
        if not files:
            raise PipelineProblem(f"{name}: no .yml file in this folder; name a pipeline file or a folder of them")
        return [read_pipeline(file) for file in files]
    if not os.path.lexists(name):
        from sigma.plugins import InstalledSigmaPlugins

        installed = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False).pipelines
        if name in installed:
            found: Any = installed[name]
            return [_installed(name, found() if callable(found) else found)]
        hint = "see `sigma-t1020 list pipelines` for ours"
        raise PipelineProblem(f"{name}: no such file or folder, and no pipeline of that name is installed; {hint}")
    return [read_pipeline(name)]


def read_pipeline(path: str) -> GivenPipeline:
    """Anyone's pipeline file. Raises PipelineProblem with the line where it is known."""
    from sigma.processing.pipeline import ProcessingPipeline

    document = _document(path)
    for fault in _faults(document.data):
        raise PipelineProblem(str(Problem(path, document.line_of(*fault.at), fault.message, fault.hint)))
    settings = tuple(
        Setting(item["key"], path, document.line_of(*at, "key"))
        for at, item in _transformations(document.data.get("transformations") or [], ("transformations",))
        if item.get("type") == "set_state" and "key" in item
    )
    try:
        # As pySigma's resolver has it: templates may read variables from the pipeline's own folder only.
        pipeline = ProcessingPipeline.from_dict(document.data, vars_allowed_paths=(str(Path(path).resolve().parent),))
    except Exception as error:  # only pySigma runs here, which answers an odd pipeline with any of Python's exceptions
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PipelineProblem(
            str(Problem(path, None, f"not a usable pySigma pipeline: {reason}", "correct it"))
        ) from None
    return GivenPipeline(path, pipeline, settings)


def _document(path: str) -> Document:
    """The one mapping that a pipeline file is. Raises PipelineProblem."""
    from sigma_t1020.rules.yaml_documents import MAX_BYTES, RuleYamlError, decode, parse

    try:
        with Path(path).open("rb") as file:
            documents = parse(decode(file.read(MAX_BYTES + 1)), path)
    except RuleYamlError as fault:
        raise PipelineProblem(str(Problem(path, fault.line, fault.message, fault.hint))) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PipelineProblem(str(Problem(path, None, f"cannot be read: {reason}", "check the path"))) from None
    for document in documents:
        if document.problem is not None:
            raise PipelineProblem(str(document.problem))
    if len(documents) != 1 or not isinstance(documents[0].data, dict):
        raise PipelineProblem(str(Problem(path, None, "not a pySigma pipeline", _PIPELINE_HINT)))
    return documents[0]


def _faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Where a pipeline is not shaped as pySigma or our backends take for granted."""
    for key, value in data.items():
        if key not in _PARTS:
            yield Fault((key,), f"a pipeline has no key {key}", f"use one of {', '.join(_PARTS)}")
        elif not isinstance(value, _PARTS[key][0]) or isinstance(value, bool):
            yield Fault((key,), f"`{key}` is not {_PARTS[key][1]}", "correct it")
    if data.get("finalizers"):
        message = "finalizers are not supported, because they join all queries into one text"
        yield Fault(("finalizers",), message, "remove them, and choose a --format")
    for key in ("transformations", "postprocessing"):
        for at, item in _transformations(data.get(key) or [], (key,)):
            if not isinstance(item, dict):
                yield Fault(at, "a transformation is not a mapping", "write `- type: …` with its options below")
            elif item.get("type") == "set_state" and key == "transformations":
                yield from _state_faults(item, at)


def _transformations(items: Sequence[Any], at: Place) -> Iterator[tuple[Place, Any]]:
    """Each transformation of a list with its place, those of a nested list after the one that holds them."""
    for number, item in enumerate(items):
        here = (*at, number)
        yield here, item
        if isinstance(item, dict) and item.get("type") == "nest" and isinstance(item.get("items"), list):
            yield from _transformations(item["items"], (*here, "items"))


def _state_faults(item: Mapping[str, Any], at: Place) -> Iterator[Fault]:
    """What is wrong with a set_state: its key is no text, or does not take the value."""
    from sigma.backends.t1020.common.log_model import STATE_KEYS

    key = item.get("key", "")
    if not isinstance(key, str):
        yield Fault((*at, "key"), f"the key of a set_state is {shown(key)}, not a text", "put it in quotes")
    elif key in STATE_KEYS and "val" in item and (fault := STATE_KEYS[key].fault(item["val"])) is not None:
        yield Fault((*at, "val", *fault.at), fault.message, fault.hint)


def _installed(name: str, pipeline: ProcessingPipeline) -> GivenPipeline:
    """A pipeline that is no file. Raises PipelineProblem where it sets a key to what that does not take."""
    from sigma.backends.t1020.common.log_model import STATE_KEYS
    from sigma.processing.transformations import SetStateTransformation

    settings: list[Setting] = []
    for item in _items(pipeline):
        setting = item.transformation
        if isinstance(setting, SetStateTransformation) and isinstance(setting.key, str):
            settings.append(Setting(setting.key, name, None))
            if setting.key in STATE_KEYS and (fault := STATE_KEYS[setting.key].fault(setting.val)) is not None:
                raise PipelineProblem(str(Problem(name, None, fault.message, fault.hint)))
    return GivenPipeline(name, pipeline, tuple(settings))


def unread_settings(settings: Iterable[Setting], pipeline: ProcessingPipeline) -> tuple[Problem, ...]:
    """The settings that no backend reads, and no condition or template of the joined `pipeline`.

    Raises PipelineProblem for one that resembles a key which backends read: it is misspelt.
    """
    from sigma.backends.t1020.common.log_model import STATE_KEYS

    unknown = [setting for setting in settings if setting.key not in STATE_KEYS]
    if not unknown:
        return ()
    asked, templates = {*_asked(pipeline)}, [*_templates(pipeline)]
    unread = []
    for setting in unknown:
        if setting.key in asked or any(setting.key in text for text in templates):
            continue
        message = f"nothing reads the state key {shown(setting.key, '')}"
        if setting.key not in _OTHERS_KEYS and (near := get_close_matches(setting.key.lower(), STATE_KEYS, 1, _ALIKE)):
            hint = f"did you mean {near[0]}? A key of your own needs a less similar name"
            raise PipelineProblem(str(Problem(setting.path, setting.line, message, hint)))
        unread.append(Problem(setting.path, setting.line, message))
    return tuple(unread)


def _items(pipeline: ProcessingPipeline) -> Iterator[ProcessingItemBase]:
    """All items of a pipeline, those of nested ones included."""
    items: Iterable[ProcessingItemBase] = (*pipeline.items, *pipeline.postprocessing_items)
    for item in items:
        yield item
        nested = getattr(item.transformation, "_nested_pipeline", None)
        if nested is not None:
            yield from _items(nested)


def _asked(pipeline: ProcessingPipeline) -> Iterator[str]:
    """The keys of the state by which conditions of a pipeline decide."""
    from sigma.processing.conditions.state import ProcessingStateConditionBase

    for item in _items(pipeline):
        for kind in ("rule_conditions", "detection_item_conditions", "field_name_conditions"):
            conditions = getattr(item, kind, ())
            for condition in conditions.values() if isinstance(conditions, dict) else conditions:
                if isinstance(condition, ProcessingStateConditionBase):
                    yield condition.key


def _templates(pipeline: ProcessingPipeline) -> Iterator[str]:
    """The texts of a pipeline's templates, which see the state too."""
    for item in _items(pipeline):
        template, path = (getattr(item.transformation, name, None) for name in ("template", "path"))
        if isinstance(template, str) and isinstance(path, str):
            with suppress(OSError):
                yield (Path(path) / template).read_text("utf-8", "replace")
        elif isinstance(template, str):
            yield template
