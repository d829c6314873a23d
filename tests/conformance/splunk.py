"""What the tests of the SPL backend share: conversion as sigma-cli does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sigma.backends.t1020 import T1020SplunkBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline
from sigma_t1020.resources import load_pipeline

#: For generated events, which name a host and its id apart.
CANONICAL = {
    "name": "canonical events",
    "priority": 30,
    "transformations": [{"type": "set_state", "key": "join_keys", "val": {"HostId": "host"}}],
}


def to_spl(documents: Sequence[Mapping[str, Any]], more: ProcessingPipeline | None = None, **options: Any) -> list[str]:
    """The searches of some canonical documents, as `sigma convert` makes them; `more` comes first of the pipelines."""
    backend = T1020SplunkBackend((more or ProcessingPipeline()) + _pipeline(), **options)
    converted: list[str] = backend.convert(SigmaCollection.from_dicts([dict(document) for document in documents]))
    return converted


@cache
def _pipeline() -> ProcessingPipeline:
    return load_pipeline("t1020_splunk_sysmon") + ProcessingPipeline.from_dict(CANONICAL)
