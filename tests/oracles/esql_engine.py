"""Runs ES|QL on documents in memory, as Elastic's public documentation says: an oracle for queries made elsewhere.

There is no engine of ES|QL to be had, so this one is written from the pages and their examples; each module names
those it follows. Where they are silent or disagree, a construct is refused (EsqlUnsupported), or is a reading that a
test can choose (`Readings`). What Elasticsearch refuses is an EsqlError before anything runs: syntax, unknown columns,
types. Not here: analysed text, permissions, shards, time zones.

FROM ('FROM'; 'Multi-index queries'; 'Union types'): a pattern with `*`, a list, `-name` for all but. A field that one
index has and another has not is null there; one with two types is an error where it is used. The columns come in the
order of their names, METADATA last. Documents have no promised order; here they come as given, index by index.

LIMIT ('Limitations', 'Result set size limit'; pull request 99816): 1000 rows unless there is a LIMIT anywhere in the
query, and 10,000 at most. Both are for what is returned, not for what the commands before see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from oracles.esql_commands import row, run
from oracles.esql_grammar import Command, EsqlError, EsqlUnsupported, Source, commands, source
from oracles.esql_table import Table, rows_in_any_order
from oracles.esql_values import FIELD_TYPES, Context, Readings, Row, loaded, milliseconds_of
from oracles.esql_verifier import Column

METADATA = {"_id": "keyword", "_index": "keyword", "_version": "long"}


class EsqlEngine:
    """Indices on which queries run.

    indices: name -> documents, each a mapping of dotted field names to None, text, a number, a Boolean or a list of
    these. A date is an ISO text, milliseconds since 1970, or a datetime. `_id` and `_version` may be given; else they
    are made. mappings: name -> field -> mapping type, such as keyword or date. version: the functions of a younger one
    do not exist. default_limit and max_limit: rows. Raises TypeError for what a field cannot hold, ValueError for a
    field without a mapping.

    `warnings` has those of the last query, each once.
    """

    def __init__(
        self,
        indices: Mapping[str, Sequence[Mapping[str, object]]],
        mappings: Mapping[str, Mapping[str, str]],
        *,
        version: str = "8.19",
        readings: Readings | None = None,
        default_limit: int = 1000,
        max_limit: int = 10_000,
    ) -> None:
        self._mappings = {name: dict(mappings[name]) for name in indices}
        self._documents = {name: self._load(name, documents) for name, documents in indices.items()}
        self._version = tuple(int(part) for part in version.split("."))
        self._readings = readings or Readings()
        self._default_limit = default_limit
        self._max_limit = max_limit
        self.warnings: list[str] = []

    def _load(self, index: str, documents: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
        types = {name: FIELD_TYPES.get(type_, "") for name, type_ in self._mappings[index].items()}
        held = []
        for number, document in enumerate(documents):
            made: dict[str, object] = {"_index": index, "_version": 1, "_id": f"{index}-{number}"}
            for name, value in document.items():
                if name in METADATA:
                    made[name] = value
                elif name not in types:
                    raise ValueError(f"the index {index} has no mapping for {name}")
                elif types[name]:
                    made[name] = loaded(value, types[name], wanted=name)
            held.append(made)
        return held

    def query(self, esql: str, now: datetime) -> list[dict[str, object]]:
        """What a query gives that starts at `now` (UTC where that names no zone), in the order of rows and columns.

        A date is an int, milliseconds since 1970; several values are a list; null is None. Raises EsqlError for what
        Elasticsearch refuses, EsqlUnsupported for what is left open or out, also where that shows only as it runs.
        """
        first, *others = commands(esql)
        context = Context(milliseconds_of(now), self._version, self._readings)
        table = self._start(esql, first, context)
        for command in others:
            table = run(command, table, context)
        self.warnings = list(context.warnings)
        columns = [(name, column) for name, column in table.columns.items()]
        limited = any(command.name == "limit" for command in others)
        rows = table.rows[: self._max_limit if limited else self._default_limit]
        return [{name: _shown(one, column) for name, column in columns} for one in rows]

    def _start(self, esql: str, first: Command, context: Context) -> Table:
        if first.name == "row":
            return row(first, context)
        if first.name != "from":
            raise EsqlUnsupported(f"the source command {first.name.upper()}", first.line, first.column)
        named = source(esql)
        for name in named.metadata:
            if name not in METADATA:
                raise EsqlUnsupported(f"the metadata field {name}", first.line, first.column)
        indices = self._indices(named, first)
        columns = self._columns(indices, named.metadata)
        names = list(columns)
        rows: list[Row] = [
            [document.get(name) for name in names] for index in indices for document in self._documents[index]
        ]
        if self._readings.upside_down:
            rows = [[value[::-1] if type(value) is tuple else value for value in one] for one in rows]
        return Table(columns, rows_in_any_order(rows, context))

    def _indices(self, named: Source, first: Command) -> list[str]:
        held: dict[str, None] = {}
        for pattern in named.patterns:
            wanted = re.compile(".*".join(map(re.escape, pattern.removeprefix("-").split("*"))))
            found = [name for name in self._mappings if wanted.fullmatch(name)]
            if pattern.startswith("-"):
                held = {name: None for name in held if name not in found}
                continue
            if not found and "*" not in pattern:
                raise EsqlError(f"Unknown index [{pattern}]", first.line, first.column)
            held.update(dict.fromkeys(found))
        if not held:
            raise EsqlError(f"Unknown index [{','.join(named.patterns)}]", first.line, first.column)
        return list(held)

    def _columns(self, indices: list[str], metadata: Iterable[str]) -> dict[str, Column]:
        types: dict[str, set[str]] = {}
        for index in indices:
            for name, type_ in self._mappings[index].items():
                types.setdefault(name, set()).add(type_)
        columns: dict[str, Column] = {}
        for at, (name, held) in enumerate(sorted(types.items())):
            known = {FIELD_TYPES.get(type_, "") for type_ in held}
            unusable = ""
            if len(known) > 1:
                unusable = f"due to ambiguities being mapped as [{len(held)}] incompatible types: {sorted(held)}"
            elif known == {""}:
                unusable = f"with unsupported type {sorted(held)}"
            columns[name] = Column(at, "unsupported" if unusable else min(known), "field", unusable)
        for name in metadata:
            columns[name] = Column(len(columns), METADATA[name], "renamed")
        return columns


def _shown(row: Row, column: Column) -> object:
    if column.unusable:
        return None
    value = row[column.index]
    return list(value) if type(value) is tuple else value
