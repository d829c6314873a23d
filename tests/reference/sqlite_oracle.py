"""The other implementation: rules and correlations as SQL of the pySigma SQLite backend, run in sqlite3.

A script for an environment of its own, since the backend needs another pySigma than this project. It reads a JSON array
from stdin and writes the array of answers to stdout:
- {"rule", "fields", "placeholders"}: true or false;
- {"correlation", "rules", "log"}, each event of the log with `id` and `ts` among its fields, time and span in one unit:
  an array of [first group-by value, time at which it is complete].
What fails is answered by {"error": text}.
"""

from __future__ import annotations

import importlib
import json
import re
import sqlite3
import sys
from collections.abc import Sequence
from typing import Any

FULLTEXT = "everything"


def searched(pattern: str, value: object) -> bool:
    """SQLite's REGEXP operator, which comes without a function."""
    return value is not None and re.search(pattern, str(value)) is not None


def found(events: Sequence[dict[str, Any]], fields: Sequence[str], queries: Sequence[str]) -> list[sqlite3.Row]:
    """The rows that the queries find in a table of the events, which has these columns at least."""
    # Zircolite, for which the backend is made, stores booleans as text.
    rows = [{key: str(v).lower() if isinstance(v, bool) else v for key, v in event.items()} for event in events]
    names = list(dict.fromkeys([*(name for row in rows for name in row), *fields]))
    with sqlite3.connect(":memory:") as database:
        database.row_factory = sqlite3.Row
        database.create_function("REGEXP", 2, searched)
        columns = ", ".join(f'"{name}"' for name in names)
        database.execute(f"CREATE TABLE logs ({columns})")
        places = ", ".join("?" * len(names))
        database.executemany(f"INSERT INTO logs VALUES ({places})", [[row.get(name) for name in names] for row in rows])
        return [row for query in queries for row in database.execute(query)]


def judge(rule: dict[str, Any], fields: dict[str, Any], placeholders: dict[str, list[str]]) -> bool:
    """Whether any of the rule's queries finds the one row that holds the event."""
    backends = importlib.import_module("sigma.backends.sqlite")
    collection = importlib.import_module("sigma.collection").SigmaCollection.from_dicts([rule])
    pipelines = importlib.import_module("sigma.processing.pipeline")
    steps = importlib.import_module("sigma.processing.transformations")
    expansion = pipelines.ProcessingItem(steps.ValueListPlaceholderTransformation())
    pipeline = pipelines.ProcessingPipeline(items=[expansion] if placeholders else [], vars=placeholders)
    backend = backends.sqliteBackend(pipeline, collate_nocase=True, fulltext_field=FULLTEXT)
    queries = backend.convert(collection)
    everything = "\x1f".join(value for value in fields.values() if isinstance(value, str))
    return bool(found([{**fields, FULLTEXT: everything}], backend.required_fields(collection.rules[0]), queries))


def correlate(
    correlation: dict[str, Any], rules: list[dict[str, Any]], log: list[dict[str, Any]]
) -> list[tuple[str, int]]:
    """The first group-by value and the time of completion of each row that the correlation's query finds."""
    backends = importlib.import_module("sigma.backends.sqlite")
    collection = importlib.import_module("sigma.collection").SigmaCollection.from_dicts([*rules, correlation])
    backend = backends.sqliteBackend(
        None, collate_nocase=True, timestamp_field="ts", timestamp_seconds_expression="{field}", event_id_field="id"
    )
    queries = backend.convert(collection)
    fields = [name for rule in collection.rules[:-1] for name in backend.required_fields(rule)]
    section = correlation["correlation"]
    group_by = section["group-by"]
    counted = [section["condition"]["field"]] if section["type"] == "value_count" else []
    aliased = [field for alias in section.get("aliases", {}).values() for field in alias.values()]
    rows = found(log, [*fields, *group_by, *counted, *aliased], queries)
    return [(json.loads(row["group_keys"])[group_by[0]], row["occurrence_time"]) for row in rows]


def main() -> None:
    results: list[Any] = []
    for one in json.load(sys.stdin):
        try:
            results.append(correlate(**one) if "correlation" in one else judge(**one))
        except Exception as error:
            results.append({"error": f"{type(error).__name__}: {error}"})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
