"""ES|QL queries of the cases: parsed by Elastic's grammar, run by the oracle's engine on Elastic Defend's documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from conformance.elastic import esql_engine, holds
from oracles.esql_grammar import EsqlError, commands
from reference.events import Event
from sigma_t1020.output import ConvertedQuery
from sigma_t1020.targets import Target

from golden.cases import NOW, Case, Label, Labelled

#: What queries here are made of.
COMMANDS = frozenset(("from", "where", "eval", "stats", "mv_expand", "keep", "limit"))

__all__ = ["complaints", "found", "holds"]


def complaints(query: ConvertedQuery, target: Target) -> list[str]:
    """What the grammar refuses, and commands that no query of ours has."""
    try:
        found = [command.name for command in commands(query.as_text())]
    except EsqlError as error:
        return [f"{error}: {query.text}"]
    return [f"the command {name}" for name in found if name not in COMMANDS]


def found(case: Case, target: Target, events: Sequence[Labelled]) -> Counter[Label]:
    """How often each query gives each event."""
    rows: Counter[Label] = Counter()
    log = [labelled.event for labelled in events]
    engine = esql_engine(log)
    # Of a scheduled query without STATS, the service chooses the documents by their time.
    in_range = esql_engine([event for event in log if case.since < event.time <= case.until])
    for query in case.converted(target).queries:
        chosen = in_range if case.options.schedule and "NOW()" not in query.text else engine
        for row in chosen.query(query.text, NOW):
            name = case.rule_of(row["RuleId"]) if case.options.combine else case.name_of(query)
            rows[name, _event(row, log)] += 1
    return rows


def _event(row: Mapping[str, object], log: Sequence[Event]) -> str:
    """The name of the event that a row is of; a count has none, and is of the first one with its time and its key."""
    if named := row.get("_id", row.get("EventId")):
        return str(named).partition("/")[2] or str(named)
    keys = {"host.id": "HostId", "host.name": "Computer", "KeyUser": "User"}
    fields = {keys[name]: value for name, value in row.items() if name in keys}
    same = [
        one
        for one in log
        if one.time == row["@timestamp"] and all(one.fields.get(name) == value for name, value in fields.items())
    ]
    return same[0].id
