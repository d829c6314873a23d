"""The table schemas of Microsoft Sentinel and of Defender XDR, as pySigma-backend-kusto lists them.

Facts only: table names, column names and column types, from its modules `sigma.pipelines.azuremonitor.tables`
(Sentinel, whose tables have TimeGenerated) and `sigma.pipelines.microsoftxdr.tables` (Defender, Timestamp).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Literal, TypeAlias

SchemaName: TypeAlias = Literal["sentinel", "defender"]

Schema: TypeAlias = Mapping[str, Mapping[str, str]]
"""Table name -> column name -> Kusto type (string, long, int, real, bool, datetime, dynamic, guid, …)."""

# Where each list is. Imported only when asked for: Sentinel's is 2.7 MB of Python.
_SOURCES: dict[SchemaName, tuple[str, str]] = {
    "sentinel": ("sigma.pipelines.azuremonitor.tables", "AZURE_MONITOR_TABLES"),
    "defender": ("sigma.pipelines.microsoftxdr.tables", "MICROSOFT_XDR_TABLES"),
}

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
    """All tables of one product. Raises ValueError for another name, and for a type that Kusto lacks."""
    if name not in _SOURCES:
        raise ValueError(f"no schema named {name!r}; there are {', '.join(_SOURCES)}")
    module, attribute = _SOURCES[name]
    source: Mapping[str, Mapping[str, Mapping[str, str]]] = getattr(importlib.import_module(module), attribute)
    return {
        table: {column: _kusto_type(table, column, facts["data_type"]) for column, facts in columns.items()}
        for table, columns in source.items()
    }


def _kusto_type(table: str, column: str, data_type: str) -> str:
    try:
        return _KUSTO_TYPES[data_type.lower()]
    except KeyError:
        raise ValueError(f"{table}.{column} has the type {data_type!r}, which no Kusto type stands for") from None
