"""SPL searches of the cases: parsed by the oracle's grammar, run by its engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from events.data_models_in_splunk import data_models
from events.sysmon_in_splunk import splunk_event
from oracles.spl_engine import SplEngine
from oracles.spl_grammar import SplError, commands, parse
from reference.events import Event
from sigma_t1020.output import ConvertedQuery
from sigma_t1020.targets import Target

from golden.cases import NOW, Case, Label, Labelled

#: Without join, append, multisearch, transaction, map and subsearches.
COMMANDS = frozenset(("search", "where", "eval", "sort", "streamstats", "eventstats", "stats", "table", "addinfo"))
#: Of what Sysmon does not log.
OF_DATA_MODELS = frozenset(("tstats", "rename", "where", "eval", "table", "addinfo"))
#: A range does not include its end, and the labels do: the run that they are of ends with the next millisecond.
RANGE_END = NOW + timedelta(milliseconds=1)


def complaints(query: ConvertedQuery, target: Target) -> list[str]:
    """What the grammar refuses, and commands that no search of ours has."""
    try:
        parse(query.text)
    except SplError as error:
        return [f"{error}: {query.text}"]
    if query.text.startswith("| tstats "):
        return [f"the command {name}" for name in commands(query.text) if name not in OF_DATA_MODELS]
    sources = [] if "source" in query.text and "EventCode" in query.text.partition("\n|")[0] else ["no source"]
    return sources + [f"the command {name}" for name in commands(query.text) if name not in COMMANDS]


def holds(event: Event) -> bool:
    """Whether the data can hold the event as it is: all of them."""
    return True


def found(case: Case, target: Target, events: Sequence[Labelled]) -> Counter[Label]:
    """How often each search gives each event."""
    rows: Counter[Label] = Counter()
    log = [_in_splunk(labelled.event) for labelled in events]
    models = data_models({labelled.event.id: labelled.event for labelled in events})
    for query in case.converted(target).queries:
        # Without the projection, a row of a rule is the whole event.
        text = query.text.rpartition("\n| table ")[0]
        for row in SplEngine(log, datamodels=models).query(text, NOW, RANGE_END):
            ids = row.get("RuleIds", row.get("RuleId"))
            several = ids if isinstance(ids, list) else [ids]
            for name in map(case.rule_of, several) if case.options.combine else [case.name_of(query)]:
                rows[name, _event(row, log)] += 1
    return rows


def _in_splunk(event: Event) -> dict[str, object]:
    """The event with the identity of its host where Sysmon has it: in Computer, by which the cases group."""
    return splunk_event(replace(event, fields={**event.fields, "Computer": event.fields.get("HostId")}))


def _event(row: Mapping[str, object], log: Sequence[Mapping[str, object]]) -> str:
    """The name of the event that a row is of; a count has none, and is of the first one with its time and its key."""
    if named := row.get("_cd", row.get("vendor_product")):
        return str(named)
    same = [one for one in log if all(one.get(field, value) == value for field, value in row.items())]
    return str(same[0]["_cd"])
