"""What Microsoft's parser has against many queries: it takes half the time where it is asked of several at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from sigma_t1020.kusto_language.language import Diagnostic, kusto_language
from sigma_t1020.kusto_language.schemas import Schema, SchemaName

_AT_ONCE = 25


def complaints(
    queries: Iterable[str], schema: SchemaName | Schema, lints: Collection[str] = ()
) -> list[tuple[str, Diagnostic]]:
    """Each error, and each lint with one of these codes, beside its query.

    Queries without a `let` are asked of as statements of one text, and one by one where that is at fault: nothing in
    one can make up for what another lacks, since no parenthesis goes past a semicolon, and no literal past a line.
    """
    found: list[tuple[str, Diagnostic]] = []
    statements = []
    for query in queries:
        if query.startswith("let "):
            found += _of_one(query, schema, lints)
        else:
            statements.append(query)
    remaining = iter(statements)
    while several := list(islice(remaining, _AT_ONCE)):
        if any(_of_one("\n;\n".join(several), schema, lints)):
            found += (one for query in several for one in _of_one(query, schema, lints))
    return found


def _of_one(query: str, schema: SchemaName | Schema, lints: Collection[str]) -> Iterator[tuple[str, Diagnostic]]:
    for found in kusto_language().diagnostics(query, schema):
        if found.severity == "Error" or found.code in lints:
            yield query, found
