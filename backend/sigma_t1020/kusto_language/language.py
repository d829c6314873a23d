"""What Microsoft's own KQL parser says about a query.

The parser is the npm package @kusto/language-service-next, the code behind the query editors of Azure Data
Explorer and Sentinel. One node process loads it once and answers for all queries (language.js).

What it does not see: it does not look inside regexes; it does not know the limits of a service (rows,
memory, the number of values in a list); and it accepts `==`, `!=`, `in`, `!in` between a string and a
number, which the engine refuses, so language.js adds that one check, from the types that the parser
has bound. A query nested more than about 450 deep (an `or` of so many operands) is refused with KS245 and
not analysed further.
"""

from __future__ import annotations

import atexit
import bisect
import contextlib
import functools
import itertools
import json
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeAlias

from sigma_t1020.kusto_language.install import find_node, require_parser
from sigma_t1020.kusto_language.schemas import Schema, SchemaName, load_schema

Severity: TypeAlias = Literal["Error", "Warning", "Suggestion", "Information", "Hidden"]

# Longer than any query takes (a hundredth of it is usual), short enough that somebody still waits for it.
_SECONDS_PER_QUERY = 60.0


@dataclass(frozen=True)
class Diagnostic:
    """One complaint about a query.

    `code` is Microsoft's: KS0xx to KS4xx from the parser and its binder, KS5xx from the analyzers (lints),
    SEM0064 for the comparison that only the engine refuses. `start` and `length` are in characters of the
    query, as Python counts them.
    """

    code: str
    severity: Severity
    message: str
    start: int
    length: int


class KustoLanguageError(RuntimeError):
    """The parser failed, hung or died: a fault of it, never a complaint about the query."""


class ParserGone(KustoLanguageError):
    """The parser's process does not run any more: no further query will be answered."""


class KustoLanguage:
    """One node process with Microsoft's parser in it. Use it as a context manager, or `kusto_language()`.

    Starts in about a second, then takes about 5 ms a query. Safe to share between threads. Raises
    ParserMissing, naming the command to run, where node or the parser is not installed.
    """

    def __init__(self) -> None:
        command = [str(find_node()), str(Path(__file__).with_suffix(".js")), str(require_parser())]
        self._lock = threading.Lock()
        self._defined: set[str] = set()
        # Nobody reads stderr until the process has died: language.js writes nothing there, node only
        # when it crashes.
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8")

    def __enter__(self) -> KustoLanguage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process. Calling it twice is harmless."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                # What is left in the buffer has no reader any more.
                with contextlib.suppress(OSError):
                    stream.close()

    def diagnostics(self, kql: str, schema: SchemaName | Schema, own_tables: Schema | None = None) -> list[Diagnostic]:
        """All complaints about a query, errors and lints, the parser's before the analyzers'.

        `schema` is the name of a product or a mapping table -> column -> Kusto type. `own_tables` are further tables,
        of which not all columns need be listed: any other name is a column of any type. Raises ValueError for an
        unknown schema name, KustoLanguageError where the parser itself fails.
        """
        request: dict[str, object] = {"op": "diagnostics", "schema": self._define(schema), "query": kql}
        if own_tables:
            request["open"] = {table: dict(columns) for table, columns in own_tables.items()}
        found = self._ask(request)
        if not isinstance(found, list):
            raise KustoLanguageError(f"unexpected answer: {found!r}")
        offsets = _character_offsets(kql)
        return [
            Diagnostic(code, severity, message, offsets(start), offsets(start + length) - offsets(start))
            for code, severity, message, start, length in found
        ]

    def string_literals(self, kql: str) -> list[str]:
        """The values of all string literals of a query, in the order of the text, as the parser decodes them.

        Adjacent literals, which KQL joins, are one value. Lossless for any text, lone surrogates included.
        """
        found = self._ask({"op": "strings", "query": kql})
        if not isinstance(found, list):
            raise KustoLanguageError(f"unexpected answer: {found!r}")
        return [str(value) for value in found]

    def _define(self, schema: SchemaName | Schema) -> str:
        """Give the process a schema once. Returns the name under which it knows it."""
        name = schema if isinstance(schema, str) else json.dumps(schema, default=dict)
        if name not in self._defined:
            tables: Schema = load_schema(schema) if isinstance(schema, str) else schema
            self._ask(
                {
                    "op": "define",
                    "schema": name,
                    "tables": {table: dict(columns) for table, columns in tables.items()},
                }
            )
            self._defined.add(name)
        return name

    def _ask(self, request: Mapping[str, object]) -> object:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with self._lock:
            watchdog = threading.Timer(_SECONDS_PER_QUERY, self._process.kill)
            watchdog.start()
            try:
                # json.dumps escapes to ASCII, so a line is a line whatever the query holds.
                stdin.write(json.dumps(request) + "\n")
                stdin.flush()
                line = stdout.readline()
            except (OSError, ValueError) as error:
                raise ParserGone(f"the parser's process is gone: {error}") from error
            finally:
                watchdog.cancel()
        if not line:
            self._process.wait()
            assert self._process.stderr is not None
            said = self._process.stderr.read().strip()
            raise ParserGone(f"the parser's process died: {said[-2000:] or 'it said nothing'}")
        answer: dict[str, object] = json.loads(line)
        if "error" in answer:
            raise KustoLanguageError(str(answer["error"]))
        return answer["ok"]


def _character_offsets(text: str) -> Callable[[int], int]:
    """Turns an offset in UTF-16 code units, which the parser counts, into one in characters of `text`."""
    if text.isascii():
        return lambda offset: offset
    units = list(itertools.accumulate((2 if ord(character) > 0xFFFF else 1 for character in text), initial=0))
    return lambda offset: bisect.bisect_left(units, offset)


@functools.cache
def kusto_language() -> KustoLanguage:
    """The one parser of this Python process, started at the first call and ended with the process."""
    service = KustoLanguage()
    atexit.register(service.close)
    return service
