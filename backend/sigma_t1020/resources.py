"""Where the pack and the pipelines lie, in the installed package or in the repository, and how pipelines are read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingPipeline

    from sigma_t1020.problems import Place

_PACKAGE = Path(__file__).resolve().parent

_PIPELINE_HINT = "a pySigma pipeline is a mapping with name, priority and transformations"
# What a pipeline's parts must be for pySigma, which answers others with AttributeError and the like.
_PARTS: Mapping[str, tuple[type, str]] = {
    "name": (str, "a text"),
    "priority": (int, "a whole number; a shop's own names are mapped below 20, state is set above"),
    "allowed_backends": (list, "a list of backends"),
    "vars": (dict, "a mapping"),
    "transformations": (list, "a list of transformations"),
    "postprocessing": (list, "a list of transformations"),
    "finalizers": (list, "a list of finalizers"),
}
_TEXT, _TEXTS, _MAP = "a text", "a list of texts", "a mapping of texts to texts"
# What the backends read from the pipeline state (the header of pipelines/*.yml describes it).
_STATE = {
    "query_table": _TEXT,
    "time_column": _TEXT,
    "columns": "a mapping of types to lists of texts",
    "base_names": _MAP,
    "expressions": _MAP,
    "value_maps": "a mapping of fields to a column and its values",
    "source_filters": _TEXTS,
    "event_category": _TEXT,
    "indices": _TEXTS,
    "multivalued": _TEXTS,
    "optional": _TEXTS,
    "metadata": _TEXTS,
    "removed": _TEXTS,
    "joined": "a mapping of types to lists of texts",
    "join_keys": _MAP,
    "event_id": _TEXTS,
    "projection": _TEXTS,
    "evidence": _TEXTS,
}


class PipelineProblem(Exception):
    """A pipeline that cannot be used; the message says which, why and what to do."""


def directory(name: str) -> Path:
    """The folder `sigma` or `pipelines`: an installed package carries it under data/."""
    installed = _PACKAGE / "data" / name
    return installed if installed.is_dir() else _PACKAGE.parents[1] / name


def near(path: str) -> str:
    """A path as seen from the current folder, if it lies below it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (OSError, ValueError):
        return path


def is_folder(path: str) -> bool:
    """Path.is_dir, but False for a name that is too long and the like, which raises there."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def pipeline_path(name: str) -> Path:
    """The file of a pipeline of ours."""
    return directory("pipelines") / f"{name}.yml"


def load_pipeline(name: str) -> ProcessingPipeline:
    """Read a pipeline of ours, by the C parser where there is one: the file is long and this is start-up time."""
    import yaml
    from sigma.processing.pipeline import ProcessingPipeline

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with pipeline_path(name).open(encoding="utf-8") as stream:
        return ProcessingPipeline.from_dict(yaml.load(stream, loader))


def find_pipelines(name: str) -> list[tuple[str, ProcessingPipeline]]:
    """(name, pipeline) of a file, of each .yml file below a folder, or of a pipeline that is installed.

    Raises PipelineProblem.
    """
    if is_folder(name):
        files = sorted(str(file) for file in Path(name).rglob("*.yml"))
        if not files:
            raise PipelineProblem(f"{name}: no .yml file in this folder; name a pipeline file or a folder of them")
        return [(file, read_pipeline(file)) for file in files]
    if not os.path.lexists(name):
        from sigma.plugins import InstalledSigmaPlugins

        installed = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False).pipelines
        if name in installed:
            found: Any = installed[name]
            return [(name, found() if callable(found) else found)]
        hint = "`sigma-t1020 list pipelines` names ours"
        raise PipelineProblem(f"{name}: no such file or folder, and no pipeline of that name is installed; {hint}")
    return [(name, read_pipeline(name))]


def read_pipeline(path: str) -> ProcessingPipeline:
    """Anyone's pipeline file. Raises PipelineProblem with the line where it is known."""
    from sigma.processing.pipeline import ProcessingPipeline

    from sigma_t1020.problems import Problem
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
    document = documents[0]
    for at, message, hint in _faults(document.data):
        raise PipelineProblem(str(Problem(path, document.line_of(*at), message, hint)))
    try:
        # As pySigma's resolver has it: templates may read variables from the pipeline's own folder only.
        return ProcessingPipeline.from_dict(document.data, vars_allowed_paths=(str(Path(path).resolve().parent),))
    except Exception as error:  # only pySigma runs here, which answers an odd pipeline with any of Python's exceptions
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PipelineProblem(
            str(Problem(path, None, f"not a usable pySigma pipeline: {reason}", "correct it"))
        ) from None


def _faults(data: Mapping[str, Any]) -> Iterator[tuple[Place, str, str]]:
    """Where a pipeline is not shaped as pySigma or our backends take for granted, what is wrong, and what to do."""
    for key, value in data.items():
        if key not in _PARTS:
            yield (key,), f"a pipeline has no key {key}", f"it has {', '.join(_PARTS)}"
        elif not isinstance(value, _PARTS[key][0]) or isinstance(value, bool):
            yield (key,), f"`{key}` is not {_PARTS[key][1]}", "correct it"
    if data.get("finalizers"):
        yield ("finalizers",), "finalizers, which join all queries into one text", "remove them, and choose a --format"
    for key in ("transformations", "postprocessing"):
        yield from _item_faults(data.get(key) or [], (key,))


def _item_faults(items: Sequence[Any], at: Place) -> Iterator[tuple[Place, str, str]]:
    for number, item in enumerate(items):
        here = (*at, number)
        if not isinstance(item, dict):
            yield here, "a transformation that is no mapping", "write `- type: …` with its options below"
        elif item.get("type") == "nest" and isinstance(item.get("items"), list):
            yield from _item_faults(item["items"], (*here, "items"))
        elif item.get("type") == "set_state" and item.get("key") in _STATE and "val" in item:
            want = _STATE[item["key"]]
            if not _is(want, item["val"]):
                yield (*here, "val"), f"the state {item['key']} is not {want}", "see the head of pipelines/*.yml"


def _is(want: str, value: Any) -> bool:
    if want == _TEXT:
        return isinstance(value, str) and bool(value.strip())
    if want == _TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if want == _STATE["value_maps"]:
        return isinstance(value, dict) and all(
            isinstance(entry, dict) and _is(_TEXT, entry.get("column")) and _is(_STATE["columns"], entry.get("values"))
            for entry in value.values()
        )
    inner = _TEXTS if want == _STATE["columns"] else _TEXT
    return isinstance(value, dict) and all(_is(inner, item) for item in value.values())
