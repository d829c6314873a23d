"""What the tests of the Elastic backends share: conversion as sigma-cli does it, and engines that run what is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

from events.ecs_documents import FIELDS, MODELS, Document, NotHeld, mapping_of
from oracles.eql_engine import EqlEngine
from oracles.eql_values import SOURCE
from oracles.eql_values import Readings as EqlReadings
from oracles.esql_engine import EsqlEngine
from oracles.esql_values import Readings as EsqlReadings
from reference.events import Event
from sigma.backends.t1020 import T1020EqlBackend, T1020EsqlBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline
from sigma_t1020.resources import load_pipeline

DEFEND, WINLOGBEAT = MODELS
#: For generated events, which name a host and its id apart; and a short result, which is quickly parsed.
IDENTITY = {DEFEND: "host.id", WINLOGBEAT: "agent.id"}
HOST_NAME = {DEFEND: "host.name", WINLOGBEAT: "winlog.computer_name"}


@cache
def _pipeline(name: str) -> ProcessingPipeline:
    items = [
        {"type": "set_state", "key": "join_keys", "val": {"HostId": IDENTITY[name], "Computer": HOST_NAME[name]}},
        {"type": "set_state", "key": "projection", "val": ["_id"]},
        *(_few_columns(name, category) for category in FIELDS),
    ]
    canonical = {"name": "canonical events", "priority": 30, "transformations": items}
    return load_pipeline(name) + ProcessingPipeline.from_dict(canonical)


def _few_columns(name: str, category: str) -> dict[str, object]:
    """The columns that generated events fill, so that a keyword is looked for in these alone."""
    index, document = MODELS[name](Event("none", 0, {}, category))
    names = {*document, *FIELDS[category].values(), IDENTITY[name], HOST_NAME[name], "network.direction"}
    columns: dict[str, list[str]] = {}
    for column, kind in mapping_of(name, index).items():
        if column in names or column.startswith("user."):
            columns.setdefault(kind, []).append(column)
    conditions = [{"type": "logsource", "category": category}]
    return {"type": "set_state", "key": "columns", "val": columns, "rule_conditions": conditions}


def to_esql(
    documents: Sequence[Mapping[str, Any]],
    name: str = DEFEND,
    more: ProcessingPipeline | None = None,
    more_last: ProcessingPipeline | None = None,
    **options: Any,
) -> list[str]:
    """The queries of some canonical documents, as `sigma convert` makes them; `more` comes first of the pipelines."""
    pipeline = (more or ProcessingPipeline()) + _pipeline(name) + (more_last or ProcessingPipeline())
    backend = T1020EsqlBackend(pipeline, **options)
    converted: list[str] = backend.convert(SigmaCollection.from_dicts([dict(document) for document in documents]))
    return converted


def to_eql(
    documents: Sequence[Mapping[str, Any]],
    name: str = DEFEND,
    more: ProcessingPipeline | None = None,
    more_last: ProcessingPipeline | None = None,
    **options: Any,
) -> list[str]:
    """The same in EQL."""
    pipeline = (more or ProcessingPipeline()) + _pipeline(name) + (more_last or ProcessingPipeline())
    backend = T1020EqlBackend(pipeline, **options)
    converted: list[str] = backend.convert(SigmaCollection.from_dicts([dict(document) for document in documents]))
    return converted


def esql_engine(events: Iterable[Event], name: str = DEFEND, readings: EsqlReadings | None = None) -> EsqlEngine:
    """An engine with the documents of the events, each in its index."""
    indices: dict[str, list[Document]] = {}
    for category in FIELDS:
        # An index may be empty, but not missing.
        indices[MODELS[name](Event("none", 0, {}, category))[0]] = []
    for event in events:
        index, document = MODELS[name](event)
        indices.setdefault(index, []).append(document)
    return EsqlEngine(indices, {index: mapping_of(name, index) for index in indices}, readings=readings)


def eql_engine(events: Iterable[Event], name: str = DEFEND, readings: EqlReadings | None = None) -> EqlEngine:
    """The same for EQL."""
    documents = []
    types: dict[str, str] = {}
    for category in FIELDS:
        types.update(mapping_of(name, MODELS[name](Event("none", 0, {}, category))[0]))
    for event in events:
        index, document = MODELS[name](event)
        documents.append({**document, "_index": index})
        types.update(mapping_of(name, index))
    types.pop("@timestamp", None)
    return EqlEngine(documents, mapping=types, readings=readings or SOURCE)


def ids_by_esql(engine: EsqlEngine, queries: Iterable[str], now: datetime) -> set[str]:
    """The ids of the documents that any of the queries finds."""
    return {str(row["_id"]) for query in queries for row in engine.query(query, now)}


def ids_by_eql(engine: EqlEngine, queries: Iterable[str]) -> set[str]:
    """The same in EQL."""
    return {str(event["_id"]) for query in queries for alert in engine.query(query) for event in alert}


class KibanaRule:
    """An ES|QL rule on the indices of Elastic Defend; see replay.System.

    elastic/kibana, security_solution: a run reads the documents whose @timestamp lies in its range, which ends when it
    starts; a query without STATS reports a document once over all runs. It does not make up for a skipped run. `reads`
    is the range from `from` to `to`. With `on_time`, all runs start when they are scheduled.
    """

    def __init__(self, esql: str, reads: timedelta, on_time: bool = True) -> None:
        self._esql = esql
        self._reads = reads
        self._on_time = on_time
        self._last = datetime.min
        self._events: list[Event] = []
        self._reported: set[object] = set()

    def load(self, events: Sequence[Event]) -> None:
        """See System."""
        self._events.extend(events)

    def run(self, started: datetime, scheduled: datetime) -> Sequence[Mapping[str, Any]]:
        """See System."""
        if scheduled < self._last and not self._on_time:
            return []
        self._last = scheduled
        now = scheduled if self._on_time else started
        since, until = (moment.replace(tzinfo=timezone.utc).timestamp() * 1000 for moment in (now - self._reads, now))
        read = [event for event in self._events if since <= event.time <= until]
        rows = esql_engine(read).query(self._esql, now)
        if "| STATS" in self._esql:
            return rows
        new = [row for row in rows if (row["_id"], row["_index"], row["_version"]) not in self._reported]
        self._reported.update((row["_id"], row["_index"], row["_version"]) for row in new)
        return new


def holds(event: Event) -> bool:
    """Whether Elastic Defend's documents can hold the event as it is.

    They tell no IPv4-mapped address from the IPv4 one, have categories and types of their own, and write a number of
    the registry as the same digits of a text.
    """
    if "::ffff:" in str(event.fields) or (event.category == "registry_set" and event.fields.get("Details") == "1"):
        return False
    try:
        MODELS[DEFEND](event)
    except NotHeld:
        return False
    return True
