"""KQL queries of the cases: judged by Microsoft's parser, run on an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

from conformance.kusto import query_tuples, reference_tuples
from events.defender_tables import TIME_COLUMNS, report_id
from oracles.kusto_engine import KustoEngine
from reference.events import Event
from sigma_t1020.kusto_language.language import kusto_language
from sigma_t1020.output import ConvertedQuery
from sigma_t1020.targets import Target

from golden.cases import NOW, Case, Label, Labelled
from golden.kusto_tables import load

#: Lints that mean a wrong query here: a number compared with strings, isnull of a string, obsolete and slow forms.
REFUSED_LINTS = frozenset(("KS107", "KS501", "KS508", "KS515"))
#: The column of a later step's evidence that the cases compare, by log source.
EVIDENCE_COLUMNS = {"process_creation": "ProcessCommandLine", "network_connection": "RemoteIP"}


def complaints(query: ConvertedQuery, target: Target) -> list[str]:
    """The errors and the refused lints that Microsoft's parser finds in a query."""
    text = query.as_text()
    return [
        f"{found.code} {found.message}: {text[found.start : found.start + found.length]}"
        for found in kusto_language().diagnostics(text, target.name)
        if found.severity == "Error" or found.code in REFUSED_LINTS
    ]


def holds(event: Event) -> bool:
    """Whether the data can hold the event as it is: all of them."""
    return True


def found(case: Case, target: Target, events: Sequence[Labelled]) -> Counter[Label]:
    """How often each query gives each event. The rows of an ordered correlation must be those of the reference."""
    rows: Counter[Label] = Counter()
    ids = {report_id(labelled.event.id): labelled.event.id for labelled in events}
    with KustoEngine(target.name) as engine:
        load(engine, events, target.name)
        for query in case.converted(target).queries:
            answer = engine.query(query.as_text(), NOW)
            for row in answer:
                name = case.rule_of(row["RuleId"]) if case.options.combine else case.name_of(query)
                rows[name, ids[cast(int, row["ReportId"])]] += 1
            if query.kind == "correlation" and "Step2Count" in query.text:
                _compare_steps(case, case.name_of(query), target, answer, events)
    return rows


def _compare_steps(
    case: Case, name: str, target: Target, rows: Sequence[Mapping[str, Any]], events: Sequence[Labelled]
) -> None:
    later = case.documents[name]["correlation"]["rules"][1:]
    if any("correlation" in case.documents[rule] for rule in later):
        return  # a correlation shows nothing but key and time
    columns = [EVIDENCE_COLUMNS[case.documents[rule]["logsource"]["category"]] for rule in later]
    expected = reference_tuples(case.matches(name, [labelled.event for labelled in events]))
    assert set(query_tuples(rows, columns, TIME_COLUMNS[target.name])) == expected, f"{case.name}: the steps' evidence"
