r"""Runs KQL on generated events: the Python package duckdb-kql, which translates KQL for DuckDB.

It refuses what it cannot translate, and its authors measure it against Microsoft's own engine. It is still
another engine than Microsoft's. What was found to differ, or to be missing, in the version that the tests
install (1.1):

Grammar
- The literals h"…", ```…``` and ~~~…~~~ keep their marks, and \u, \x, octal, \a, \b, \f and \v lose only
  their backslash, without an error. `query` therefore rewrites literals first (`plain_literals`).
- No test of all columns, `* contains "x"`. `query` spreads it over the columns of the one table (`spread_stars`).
- A bound of `between` that is an expression needs parentheses: `between (a .. (b + 5m))`.
- `between (a .. 5m)`, where the second bound is a length, works for a literal `a` only, not for a column.
- `partition`, `mv-apply`, `scan`, `serialize`, `project-keep`, `project-reorder`, `distinct *`, `search`,
  `find`, `as`, `evaluate`, `make-series`, `sample`, `top-nested`, `set notruncation` and functions with
  tabular bodies are refused.

Functions and aggregates
- No `range()`, `prev`, `next`, `row_number`, `ingestion_time`, `bin_at`, `column_ifexists`, `hash`,
  `strcmp`, `parse_path`, `set_union`, `bag_keys`, `pack_all`, `unixtime_milliseconds_todatetime`,
  `has_ipv4`; no `count_distinct`, `minif`, `maxif`, `make_set_if`, `make_list_if`, `make_bag`,
  `take_anyif`, `take_any(*)`, `percentiles`.
- No ipv4_… and ipv6_… tests, no `tohex`, no `row_cumsum`. The usual ones are supplied by kusto_addresses.py and
  kusto_numbers.py.

Meaning
- `null == 5` is false and `null != 5` is true, as in Kusto ('Null values'); `null < 5` is null in both.
- A string is never null in Kusto. DuckDB knows null strings, so `load` stores "" where a row has none.
- `dcount` is exact; Kusto's is an estimate. `make_set` and `make_list` have no order, there or here.
- `=~`, `in~`, `contains`, `startswith` and `endswith` compare DuckDB's lower() of both sides; `has` follows
  RE2, for which also long s is s, final sigma is sigma, micro sign is mu and some forty more. Nobody here
  knows what Kusto does with those, so let no test depend on them.
- The boundaries of `has` are those of Unicode letters and digits, as in Kusto; an edge of the needle that is
  neither has no boundary, so a needle with two such edges is found as by `contains`.
- A string compared with a number is an error of conversion at run time, or silently works where the text is
  a number.
- An `or` of a thousand operands ends in RecursionError; `has_any` of a thousand terms takes 15 s for 100,000
  rows, four hundred `contains` in an `or` 0.4 s.
- The number of rows, the size of a set and the memory are not limited; Kusto's are.
- Times are whole microseconds; Kusto's are 100 ns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import islice
from types import TracebackType
from typing import TypeAlias

import duckdb_kql
from duckdb import DuckDBPyConnection
from oracles.kusto_addresses import supply_address_tests
from oracles.kusto_numbers import supply_numbers
from sigma_t1020.kusto_language.schemas import Schema, SchemaName, load_schema

Value: TypeAlias = object
"""str, int, float, bool, datetime, timedelta or None; for a `dynamic` column, what json.dumps takes."""

_DUCKDB_TYPES = {
    "bool": "BOOLEAN",
    "datetime": "TIMESTAMP",
    "decimal": "DECIMAL(38, 17)",
    "dynamic": "JSON",
    "guid": "UUID",
    "int": "INTEGER",
    "long": "BIGINT",
    "real": "DOUBLE",
    "string": "VARCHAR",
    "timespan": "INTERVAL",
}

_EPOCH = datetime(1970, 1, 1)

# Connections whose tables are dropped: to open one takes longer than most queries.
_IDLE: set[DuckDBPyConnection] = set()

# Rows of one INSERT. A column goes over as one list, so more rows at once are faster, until memory counts.
_ROWS_AT_ONCE = 50_000


class KustoEngine:
    """An empty database with the tables of one product. Use it as a context manager.

    `schema` is the name of a product or a mapping table -> column -> Kusto type. A table is made when it is
    first loaded or queried; one that is never loaded is empty. One engine is for one thread.
    """

    def __init__(self, schema: SchemaName | Schema) -> None:
        self._schema: Schema = load_schema(schema) if isinstance(schema, str) else schema
        self._made: set[str] = set()
        self._connection = _IDLE.pop() if _IDLE else _connected()

    def __enter__(self) -> KustoEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the tables."""
        while self._made:
            self._connection.execute(f"DROP TABLE {_quoted(self._made.pop())}")
        _IDLE.add(self._connection)

    def load(self, table: str, rows: Iterable[Mapping[str, Value]]) -> int:
        """Append rows to a table; returns how many.

        A column that a row does not have, or has as None, gets Kusto's default: "" for strings, null for
        all other types. A datetime is a whole number of milliseconds since 1970, or a datetime (UTC where
        it names no zone). A `dynamic` is a Python value, stored as JSON. Raises ValueError for an unknown
        table or column, TypeError for a value that the column's type does not take.
        """
        columns = self._make(table)
        remaining = iter(rows)
        loaded = 0
        while batch := list(islice(remaining, _ROWS_AT_ONCE)):
            self._insert(table, columns, batch)
            loaded += len(batch)
        return loaded

    def query(self, kql: str, now: datetime) -> list[dict[str, Value]]:
        """The rows that a query gives when it runs at `now` (UTC where it names no zone), in the engine's
        order.

        Datetimes come back with the zone UTC, timespans as timedelta, dynamic values as Python values. Raises
        duckdb_kql.KqlError for what duckdb-kql cannot parse or translate, duckdb.Error for what fails when
        it runs.
        """
        for table in set(re.findall(r"\w+", kql)) & self._schema.keys() - self._made:
            self._make(table)
        made = tuple((table, tuple(self._schema[table])) for table in sorted(self._made))
        sql = _translated(spread_stars(plain_literals(kql), self._schema), made)
        # The queries declare no parameters: the one that a translation may have is the clock.
        cursor = self._connection.execute(str(sql), dict.fromkeys(sql.parameters, _utc(now)))
        fields = [(str(name), str(kind)) for name, kind, *_ in cursor.description or ()]
        return [
            {name: _to_python(value, kind) for (name, kind), value in zip(fields, row, strict=True)}
            for row in cursor.fetchall()
        ]

    def _make(self, table: str) -> Mapping[str, str]:
        """Create a table unless it is there. Returns its columns."""
        if table not in self._schema:
            raise ValueError(f"the schema has no table {table!r}")
        columns = self._schema[table]
        if table not in self._made:
            definitions = ", ".join(
                f"{_quoted(column)} {_DUCKDB_TYPES[kind]}" + (" DEFAULT ''" if kind == "string" else "")
                for column, kind in columns.items()
            )
            self._connection.execute(f"CREATE TABLE {_quoted(table)} ({definitions})")
            self._made.add(table)
        return columns

    def _insert(self, table: str, columns: Mapping[str, str], batch: Sequence[Mapping[str, Value]]) -> None:
        # One list a column, in the order of the first row that names it. Columns that no row names keep
        # their default.
        named = list(dict.fromkeys(column for row in batch for column in row))
        unknown = [column for column in named if column not in columns]
        if unknown:
            raise ValueError(f"the table {table} has no column {', '.join(map(repr, unknown))}")
        if not named:
            # KQL can see an event without any value, and SQL has no INSERT of several such rows.
            named = [next(iter(columns))]
        kinds = [columns[column] for column in named]
        values = [
            [_to_duckdb(row.get(column), table, column, kind) for row in batch]
            for column, kind in zip(named, kinds, strict=True)
        ]
        unnested = ", ".join(f"unnest(?::{_DUCKDB_TYPES[kind]}[])" for kind in kinds)
        names = ", ".join(map(_quoted, named))
        self._connection.execute(f"INSERT INTO {_quoted(table)} ({names}) SELECT {unnested}", values)


_TOKEN_WITH_TEXT = re.compile(
    r"""
    (?P<comment> //[^\n]* )
    | (?<!\w) [hH]? @ (?P<verbatim> "(?:[^"]|"")*" | '(?:[^']|\'\')*' )
    | (?<!\w) [hH]? (?P<fence> ```|~~~ ) (?P<lines> .*? ) (?P=fence)
    | (?<!\w) [hH]? (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)
_NAMED_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NEEDS_ESCAPE = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r"})


def plain_literals(kql: str) -> str:
    """The same query with every string literal as "…", where only backslash, quote and line ends are escaped.

    The forms and escapes are those of Kusto's page 'The string data type'. Comments stay as they are.
    """
    return _TOKEN_WITH_TEXT.sub(_plain_literal, kql)


_STAR_TEST = re.compile(r'\* (contains(?:_cs)?|has(?:_cs)?|matches regex) ("(?:[^"\\]|\\.)*")')


def spread_stars(kql: str, schema: Schema) -> str:
    """The same query with every test of all columns (`* contains "x"`) as tests of each column that holds text.

    Microsoft's page 'where operator': the predicate holds if it does for any column. The query, whose literals are
    plain, must read one table; what it adds by `extend` counts as a column. Raises ValueError for several tables.
    """
    if not _STAR_TEST.search(kql):
        return kql
    tables = [table for table in schema if re.search(rf"^{table}$", kql, re.MULTILINE)]
    if len(tables) != 1:
        raise ValueError(f"a test of all columns needs one table, not {', '.join(tables) or 'none'}")
    columns = [column for column, kind in schema[tables[0]].items() if kind == "string"]
    columns.extend(re.findall(r"^\| extend (\w+) =", kql, re.MULTILINE))

    def each(test: re.Match[str]) -> str:
        return "(" + " or ".join(f"{column} {test[1]} {test[2]}" for column in columns) + ")"

    return _STAR_TEST.sub(each, kql)


def _plain_literal(token: re.Match[str]) -> str:
    if token["comment"] is not None:
        return token[0]
    if token["lines"] is not None:
        value = token["lines"]
    elif token["verbatim"] is not None:
        quote = token["verbatim"][0]
        value = token["verbatim"][1:-1].replace(quote * 2, quote)
    else:
        units = _ESCAPE.sub(_unescaped, token["quoted"][1:-1])
        # Two escaped halves of a character outside the basic plane are that character.
        value = units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return '"' + value.translate(_NEEDS_ESCAPE) + '"'


def _unescaped(escape: re.Match[str]) -> str:
    four, two, octal, other = escape.groups()
    if other is not None:
        return _NAMED_ESCAPES.get(other, other)
    return chr(int(octal, 8) if octal is not None else int(four or two, 16))


def _connected() -> DuckDBPyConnection:
    """A new database, and the functions that duckdb-kql lacks."""
    connection = duckdb_kql.connect()
    # Two workers share two cores, and most of these queries are small.
    connection.execute("SET threads = 1")
    supply_address_tests(connection)
    supply_numbers()
    return connection


@lru_cache(maxsize=512)
def _translated(kql: str, tables: tuple[tuple[str, tuple[str, ...]], ...]) -> duckdb_kql.TranslationResult:
    """The SQL of a query over tables with these columns, for any `now`: a replayed job asks the same query often."""
    schema = {table: list(columns) for table, columns in tables}
    return duckdb_kql.to_sql(kql, schema=schema, query_now=_EPOCH)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(tzinfo=None) if moment.tzinfo else moment


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "decimal": (int, float),
    "guid": (str,),
    "int": (int,),
    "long": (int,),
    "real": (int, float),
    "string": (str,),
    "timespan": (timedelta,),
}


def _to_duckdb(value: Value, table: str, column: str, kind: str) -> Value:
    """What is stored for a value of a row. Raises TypeError where the type of the column does not take it."""
    if value is None:
        return "" if kind == "string" else None
    if kind == "dynamic":
        return json.dumps(value)
    if kind == "datetime":
        if isinstance(value, datetime):
            return _utc(value)
        if isinstance(value, int):
            return _EPOCH + timedelta(milliseconds=value)
    elif isinstance(value, _PYTHON_TYPES[kind]) and (kind == "bool") == isinstance(value, bool):
        return value
    raise TypeError(f"{table}.{column} is a {kind}, which {value!r} is not")


def _to_python(value: Value, kind: str) -> Value:
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc)
    if kind == "JSON" and isinstance(value, str):
        return json.loads(value)
    return value
