"""Where the pack and our own pipelines lie, in the installed package or in the repository."""

from __future__ import annotations

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
    """Read a pipeline of ours, by the C parser where there is one: the file is long and this is start-up time."""
    import yaml
    from sigma.processing.pipeline import ProcessingPipeline

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with pipeline_path(name).open(encoding="utf-8") as stream:
        return ProcessingPipeline.from_dict(yaml.load(stream, loader))
