"""Runs EQL on events, as Elasticsearch does: event queries and sequences.

    engine = EqlEngine([{"@timestamp": 0, "event.category": "process", "process.name": "cmd.exe"}])
    engine.query('process where process.name : "CMD.EXE"')

Event queries are evaluated here (eql_conditions). Sequences are decided by PyPI's `eql`, which nobody here wrote:
every event is labelled with the steps whose conditions it matches, and its PythonEngine runs the sequence over the
labels. That is the same machine as on the page 'EQL syntax reference', 'How sequence queries handle matches': one
pending sequence for each key and state, the newer one overwrites. Kept from it are the differences of the two:

- `with maxspan` of `eql` is in whole seconds, so that a millisecond here is a second there. In both the last event
  may be exactly that long after the first (SequenceMatcher.exceedsMaxSpan).
- Join keys are numbers here, as `eql` ignores their case and joins null with null. A null key joins nothing, unless
  it is written `?key` (page, 'Optional by fields').
- `with runs` is written out, as on the page.
- Elasticsearch looks at `until` between the events of a sequence, `eql` at every event. An event that matches both a
  step and `until` is refused: the two differ, and the page does not tell.
- Sequences come in the order of their last events, an event query's events in that of their timestamps.
- Events of one timestamp: see Readings.ties_reversed. Either may come first, so they can be steps of one sequence.

Refused, beside what the grammar refuses: join keys of several values; events without `@timestamp`.

Not modelled: `size`, which is 10 for sequences and events unless the search says otherwise; `fetch_size` and the
windows in which Elasticsearch reads; shards, ignore_above, normalizers, doc values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import eql
from eql.events import Event
from eql.parser import skip_optimizations
from oracles.eql_conditions import Conditions
from oracles.eql_grammar import parse
from oracles.eql_operands import KINDS, Predicate
from oracles.eql_tokens import EqlError, EqlUnsupported
from oracles.eql_tree import Field, Query, Step
from oracles.eql_values import SOURCE, Held, Readings, address, kind, loaded

Document = Mapping[str, object]


class EqlEngine:
    """Events in memory, and queries on them."""

    def __init__(
        self,
        events: Sequence[Document],
        *,
        mapping: Mapping[str, str] | None = None,
        readings: Readings = SOURCE,
        category: str = "event.category",
    ) -> None:
        """Load events: flat documents with `@timestamp` in whole milliseconds, in the order that breaks ties.

        mapping: field types by name, all that the index has beside `@timestamp`; without one every field is known.
        category: the event category field. Raises TypeError, ValueError for events that do not fit.
        """
        self._mapping, self._readings, self._category = mapping, readings, category
        rows: list[tuple[int, dict[str, Any], Document]] = []
        for event in reversed(events) if readings.ties_reversed else events:
            time = event.get("@timestamp")
            if not isinstance(time, int) or isinstance(time, bool):
                raise ValueError(f"@timestamp is in whole milliseconds, not {time!r}")
            held = loaded({name: value for name, value in event.items() if name not in ("@timestamp", "_id", "_index")})
            self._fits(held)
            rows.append((time, held, event))
        rows.sort(key=lambda row: row[0])
        self._rows = rows

    def _fits(self, held: Held) -> None:
        """Values are of the type that the mapping declares."""
        if self._mapping is None:
            return
        for name, values in held.items():
            wanted = KINDS.get(self._mapping.get(name, ""))
            for value in values:
                if wanted == "ip":
                    address(str(value))
                elif wanted is not None and wanted != kind(value):
                    raise TypeError(f"{name} is a {self._mapping[name]}, not {value!r}")

    def query(self, query: str) -> list[list[Document]]:
        """The alerts: one event each, or those of a sequence. Raises EqlError, EqlUnsupported."""
        parsed = parse(query)
        matching = [self._matching(step) for step in parsed.steps]
        if len(parsed.steps) == 1:
            return [[event] for _, held, event in self._rows if matching[0](held)]
        return self._sequences(parsed, matching)

    def _matching(self, step: Step) -> Predicate:
        conditions = Conditions(self._mapping, self._readings)
        holds = conditions.condition(step.condition).holds
        category = step.category
        for key in step.keys:
            conditions.field_kind(key)
        if category is None:
            return holds
        conditions.field_kind(Field(self._category, False, step.at))
        field, none = self._category, ()
        return lambda event: category in event.get(field, none) and holds(event)

    def _sequences(self, query: Query, matching: list[Predicate]) -> list[list[Document]]:
        until = self._matching(query.until) if query.until else None
        keys: dict[object, int] = {}
        labelled = []
        for number, (time, held, _) in enumerate(self._rows):
            labels: dict[str, int] = {"row": number}
            for index, (step, holds) in enumerate(zip(query.steps, matching, strict=True)):
                if holds(held) and (key := _key(step, held)) is not None:
                    labels[f"step{index}"] = 1
                    labels[f"key{index}"] = keys.setdefault(key, len(keys))
            if query.until and until and until(held) and (key := _key(query.until, held)) is not None:
                if len(labels) > 1:
                    raise EqlUnsupported("an event is a step of the sequence, and ends it", query.until.at)
                labels |= {"ending": 1, "key": keys.setdefault(key, len(keys))}
            if len(labels) > 1:
                # `eql` counts in ticks of a tenth of a microsecond, of which a second has ten million.
                labelled.append(Event("generic", time * 10_000_000, labels))
        found = run(_labels_only(query), labelled)
        return [[self._rows[row][2] for row in rows] for rows in found]


def _labels_only(query: Query) -> str:
    """The sequence over labels. A second stands for a millisecond."""
    span = f" with maxspan={query.maxspan}s" if query.maxspan else ""
    terms = [f"[any where step{index} == 1] by key{index}" for index in range(len(query.steps))]
    end = " until [any where ending == 1] by key" if query.until else ""
    return f"sequence{span} {' '.join(terms)}{end}"


def _key(step: Step, held: Held) -> tuple[object, ...] | None:
    """The join key of an event, None where a null keeps it from joining. True and 1 are different."""
    key: list[object] = []
    for field in step.keys:
        values = held.get(field.name, ())
        if len(values) > 1:
            raise EqlUnsupported(f"{field.name} joins by several values", field.at)
        if not values and not field.optional:
            return None
        key.append((kind(values[0]), values[0]) if values else None)
    return tuple(key)


def run(query: str, events: list[Event]) -> list[list[int]]:
    """What PyPI's `eql` finds: the `row` of every event of every sequence."""
    found: list[list[int]] = []
    engine = eql.PythonEngine()
    engine.add_output_hook(lambda output: found.append([event.data["row"] for event in output.events]))
    # Its optimizer errs (test_eql_package.py), and is not needed.
    with skip_optimizations:
        engine.add_query(eql.parse_query(query))
    engine.stream_events(events)
    return found


__all__ = ["EqlEngine", "EqlError", "EqlUnsupported"]
