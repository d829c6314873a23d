"""What the tests of the Kusto backend share: conversion as sigma-cli does it, rows back as the reference has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from functools import cache
from typing import Any

from events.defender_tables import report_id, row
from oracles.kusto_engine import KustoEngine
from reference.correlation import Evidence, Match, OrderedMatch
from reference.events import Event
from sigma.backends.t1020 import T1020KustoBackend
from sigma.backends.t1020.common.losses import Loss
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline
from sigma_t1020.resources import load_pipeline

#: For generated events, which name a host and its id apart, and whose paths are of no platform.
CANONICAL = {
    "name": "canonical events",
    "priority": 30,
    "transformations": [
        {"type": "set_state", "key": "join_keys", "val": {"HostId": "DeviceId", "Computer": "DeviceName"}},
        {"type": "set_state", "key": "source_filters", "val": []},
    ],
}


def to_kql(
    documents: Sequence[Mapping[str, Any]], product: str = "sentinel", canonical: bool = True, **options: Any
) -> list[str]:
    """The queries of some documents, as `sigma convert` makes them; `options` are the backend's.

    `canonical`: a group-by means the field of the canonical event that it names, HostId among them, and rows of
    every platform are read.
    """
    return _converted(documents, T1020KustoBackend(_pipeline(product, canonical), **options))


def to_kql_with_losses(
    documents: Sequence[Mapping[str, Any]], more: ProcessingPipeline | None = None, **options: Any
) -> tuple[list[str], list[Loss]]:
    """The queries of some canonical documents, and all that these give up; `more` comes first of the pipelines."""
    backend = T1020KustoBackend((more or ProcessingPipeline()) + _pipeline("sentinel", True), **options)
    queries = _converted(documents, backend)
    return queries, [loss for found in backend.losses.values() for losses in found.values() for loss in losses]


@cache
def _pipeline(product: str, canonical: bool) -> ProcessingPipeline:
    pipeline = load_pipeline(f"t1020_{product}")
    return pipeline + ProcessingPipeline.from_dict(CANONICAL) if canonical else pipeline


def _converted(documents: Sequence[Mapping[str, Any]], backend: T1020KustoBackend) -> list[str]:
    collection = SigmaCollection.from_dicts([dict(document) for document in documents])
    converted: list[str] = backend.convert(collection)
    return converted


def load(engine: KustoEngine, events: Iterable[Event], product: str = "sentinel") -> None:
    """Load events into the tables that they belong to."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        table, values = row(event, product)
        tables.setdefault(table, []).append(values)
    for table, rows in tables.items():
        engine.load(table, rows)


def milliseconds(moment: Any) -> int:
    """A query's datetime as ms since the epoch."""
    assert isinstance(moment, datetime)
    return round(moment.replace(tzinfo=timezone.utc).timestamp() * 1000)


OrderedTuple = tuple[int, int, tuple[tuple[int, frozenset[str], int, int], ...]]


def reference_tuples(matches: Iterable[Match]) -> set[OrderedTuple]:
    """(e1, its time, for each later step count, set, first and last) as the reference has them."""
    return {
        (report_id(match.event_id), match.time, tuple(_evidence(step) for step in match.steps))
        for match in matches
        if isinstance(match, OrderedMatch)
    }


def _evidence(step: Evidence) -> tuple[int, frozenset[str], int, int]:
    return step.count, step.values, step.first, step.last


def query_tuples(rows: Iterable[Mapping[str, Any]], evidence: Sequence[str], time: str) -> list[OrderedTuple]:
    """The same of a query's rows; `evidence` names the evidence column of each later step, `time` that of e1."""
    return [
        (
            found["ReportId"],
            milliseconds(found[time]),
            tuple(
                (
                    found[f"Step{number}Count"],
                    # Kusto has no missing string: an event without the value gives an empty one.
                    frozenset(found[f"Step{number}{column}"]) - {""},
                    milliseconds(found[f"Step{number}First"]),
                    milliseconds(found[f"Step{number}Last"]),
                )
                for number, column in enumerate(evidence, start=2)
            ),
        )
        for found in rows
    ]
