"""Where the pack and our own pipelines lie, in the installed package or in the repository."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingPipeline

_PACKAGE = Path(__file__).resolve().parent


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
    """Read a pipeline of ours. Each call gives an object of its own, since a conversion changes it."""
    pipeline: ProcessingPipeline = pickle.loads(_pickled_pipeline(name))
    return pipeline


@cache
def _pickled_pipeline(name: str) -> bytes:
    """A pipeline of ours, pickled: reading its file and building its items take far longer than copying.

    By the C parser of YAML where there is one, since this is start-up time.
    """
    import yaml
    from sigma.processing.pipeline import ProcessingPipeline

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with pipeline_path(name).open(encoding="utf-8") as stream:
        return pickle.dumps(ProcessingPipeline.from_dict(yaml.load(stream, loader)))
