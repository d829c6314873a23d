"""EQL queries of the cases: parsed by Elasticsearch's grammar, run by the oracle on Elastic Defend's documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conformance.elastic import eql_engine, holds
from oracles.eql_grammar import parse
from oracles.eql_tokens import EqlError
from sigma_t1020.output import ConvertedQuery
from sigma_t1020.targets import Target

from golden.cases import Case, Label, Labelled

__all__ = ["complaints", "found", "holds"]


def complaints(query: ConvertedQuery, target: Target) -> list[str]:
    """What the grammar refuses."""
    try:
        parse(query.as_text())
    except EqlError as error:
        return [f"{error}: {query.text}"]
    return []


def found(case: Case, target: Target, events: Sequence[Labelled]) -> Counter[Label]:
    """How often each query gives each event. Of a sequence the key alone is compared: it keeps one pending match of a
    key, so that several first events may give one alert."""
    rows: Counter[Label] = Counter()
    # The text of a query has no time: the search that runs it has, as these do.
    scheduled = bool(case.options.schedule)
    readable = [labelled for labelled in events if case.since < labelled.event.time <= case.until]
    farther = [labelled for labelled in events if labelled.event.time <= case.until] if scheduled else readable
    for query in case.converted(target).queries:
        name = case.name_of(query)
        if query.kind == "rule":
            for alert in eql_engine([labelled.event for labelled in readable]).query(query.text):
                rows[name, str(alert[0]["_id"])] += 1
            continue
        keys = {alert[0].get("host.id") for alert in eql_engine([one.event for one in farther]).query(query.text)}
        fired = [labelled.event for labelled in events if name in labelled.fires]
        rows.update((name, event.id) for event in fired if event.fields["HostId"] in keys)
        # A run that reads farther back finds again what an earlier one found.
        others = set() if scheduled else keys - {event.fields["HostId"] for event in fired}
        rows.update((name, f"another alert of {key}") for key in others)
    return rows
