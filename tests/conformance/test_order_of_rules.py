"""Rules of different log sources in one run, in any order, give what they give alone."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from golden.cases import cases
from sigma.backends.t1020 import T1020EqlBackend, T1020EsqlBackend, T1020KustoBackend, T1020SplunkBackend
from sigma.collection import SigmaCollection
from sigma_t1020.resources import load_pipeline

PAIRS: list[tuple[Any, str]] = [
    (T1020KustoBackend, "t1020_sentinel"),
    (T1020KustoBackend, "t1020_defender"),
    (T1020SplunkBackend, "t1020_splunk_sysmon"),
    (T1020SplunkBackend, "t1020_splunk_cim"),
    (T1020EqlBackend, "t1020_elastic_defend"),
    (T1020EqlBackend, "t1020_elastic_winlogbeat"),
    (T1020EsqlBackend, "t1020_elastic_defend"),
    (T1020EsqlBackend, "t1020_elastic_winlogbeat"),
]


def _documents() -> list[Mapping[str, Any]]:
    """Rules of the golden cases, of each log source some, under names of their own."""
    found: list[Mapping[str, Any]] = [
        {**document, "name": f"{case.name}_{name}"}
        for case in cases()
        for name, document in case.documents.items()
        if "detection" in document
    ]
    return found[::3]


def _converted(backend: Any, documents: list[Mapping[str, Any]]) -> dict[str, list[str]]:
    """By rule its queries; what is refused has none."""
    collection = SigmaCollection.from_dicts([dict(document) for document in documents])
    found = {}
    for rule in collection.rules:
        queries = backend.convert_rule(rule)
        found[str(rule.name)] = [str(query) for query in queries]
    return found


@pytest.mark.parametrize(("backend", "pipeline"), PAIRS, ids=[f"{b.identifier} {p}" for b, p in PAIRS])
def test_rules_in_one_run_give_what_they_give_alone(backend: Any, pipeline: str) -> None:
    documents = _documents()
    alone: dict[str, list[str]] = {}
    for document in documents:
        alone |= _converted(backend(load_pipeline(pipeline), collect_errors=True), [document])
    assert sum(map(bool, alone.values())) > 15
    random.Random(1).shuffle(documents)
    assert _converted(backend(load_pipeline(pipeline), collect_errors=True), documents) == alone
