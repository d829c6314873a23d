"""What an example of Elastic's pages is, and the small documents that the examples are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

NOW = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
"""When every example runs."""

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class Example:
    """A query on documents of the index `e`, and the rows that it gives. `page` names the page that says so."""

    page: str
    query: str
    rows: Rows | str
    documents: Rows = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def at(text: str) -> int:
    """Milliseconds since 1970 of a time without a zone."""
    return round(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() * 1000)


def gives(page: str, row: str, expression: str, result: object, **options: Any) -> Example:
    query = f"ROW {row} | EVAL result = {expression} | KEEP result"
    return Example(page, query, result if result in ERRORS else [{"result": result}], options=options)


ERRORS = ("EsqlError", "EsqlUnsupported")

PEOPLE = (
    {"id": 1, "name": "Georgi", "lang": 2, "jobs": ["Senior Python Developer", "Accountant"], "still": True},
    {"id": 2, "name": "Bezalel", "lang": 5, "jobs": "Senior Team Lead", "still": False},
    {"id": 3, "name": "Parto", "lang": 4, "jobs": None, "still": True},
    {"id": 4, "name": None, "lang": None, "jobs": ["Tech Lead", "Accountant"], "still": False},
    {"id": 5, "name": "Eberhardt", "lang": 2, "jobs": "Accountant", "still": True},
)
PEOPLE_MAPPING = {"id": "integer", "name": "keyword", "lang": "integer", "jobs": "keyword", "still": "boolean"}


def people(page: str, query: str, *rows: Mapping[str, object], **options: Any) -> Example:
    return Example(page, f"FROM e | {query}", rows, PEOPLE, PEOPLE_MAPPING, options)


def ids(page: str, condition: str, *wanted: int, **options: Any) -> Example:
    """The people for whom a condition of WHERE is true."""
    query = f"FROM e | WHERE {condition} | SORT id | KEEP id"
    return Example(page, query, [{"id": one} for one in wanted], PEOPLE, PEOPLE_MAPPING, options)


def refused(page: str, query: str, how: str = "EsqlError", **options: Any) -> Example:
    return Example(page, f"FROM e | {query}", how, PEOPLE, PEOPLE_MAPPING, options)


HIRES = tuple(
    {"hired": f"1985-{day}T00:00:00Z", "pay": pay}
    for day, pay in (
        ("02-18", 26_001),
        ("02-24", 29_999),
        ("05-13", 44_817),
        ("07-09", 62_405),
        ("11-19", 49_000),
        ("11-20", 50_000),
    )
)
HOSTS = (
    {"id": 1, "ip": "127.0.0.1"},
    {"id": 2, "ip": "127.0.0.2"},
    {"id": 3, "ip": ["127.0.0.1", "127.0.0.2", "127.0.0.3"]},
    {"id": 4, "ip": "127.0.0.3"},
    {"id": 5, "ip": None},
    {"id": 6, "ip": "fe80::cae2:65ff:fece:feb9"},
    {"id": 7, "ip": "::1"},
)


def hosts(page: str, condition: str, *wanted: int) -> Example:
    query = f"FROM e | WHERE {condition} | SORT id | KEEP id"
    return Example(page, query, [{"id": one} for one in wanted], HOSTS, {"id": "integer", "ip": "ip"})
