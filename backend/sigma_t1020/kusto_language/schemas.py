"""The table schemas of Microsoft Sentinel and of Defender XDR, as pySigma-backend-kusto lists them.

Facts only: table names, column names and column types, from the lists that the table of targets names. Sentinel's
tables have TimeGenerated, Defender's Timestamp.
"""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Mapping
from typing import TypeAlias

from sigma_t1020.targets import TARGETS

SchemaName: TypeAlias = str
"""The name of a target whose tables are listed."""

Schema: TypeAlias = Mapping[str, Mapping[str, str]]
"""Table name -> column name -> Kusto type (string, long, int, real, bool, datetime, dynamic, guid, …)."""

# The lists name types as the tables' documentation does; Kusto has one name for each.
_KUSTO_TYPES = {
    "bigint": "long",
    "bool": "bool",
    "boolean": "bool",
    "datetime": "datetime",
    "double": "real",
    "dynamic": "dynamic",
    "guid": "guid",
    "int": "int",
    "long": "long",
    "real": "real",
    "string": "string",
}


@functools.cache
def load_schema(name: SchemaName) -> Schema:
    """All tables of one product. Raises ValueError for another name, and for a type that Kusto lacks.

    The list is imported now: Sentinel's is 2.7 MB of Python.
    """
    lists = {target.name: target.tables for target in TARGETS.values() if target.tables}
    if name not in lists:
        raise ValueError(f"no schema named {name!r}; there are {', '.join(lists)}")
    source: Mapping[str, Mapping[str, Mapping[str, str]]] = pkgutil.resolve_name(lists[name])
    return {
        table: {column: _kusto_type(table, column, facts["data_type"]) for column, facts in columns.items()}
        for table, columns in source.items()
    }


def _kusto_type(table: str, column: str, data_type: str) -> str:
    try:
        return _KUSTO_TYPES[data_type.lower()]
    except KeyError:
        raise ValueError(f"{table}.{column} has the type {data_type!r}, which no Kusto type stands for") from None
