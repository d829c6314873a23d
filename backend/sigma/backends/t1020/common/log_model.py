"""What a pipeline says of a log source: tables, columns, join keys. Dialects read it, none writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from .columns import Column

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline


@dataclass(frozen=True)
class ValueMap:
    """A field that a table writes in other words: its column, and by value in lower case what stands there."""

    column: str
    values: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class LogModel:
    """The pipeline state of one rule, typed."""

    table: str
    time_column: str
    columns: Mapping[str, str] = field(default_factory=dict)
    base_names: Mapping[str, str] = field(default_factory=dict)
    expressions: Mapping[str, str] = field(default_factory=dict)
    value_maps: Mapping[str, ValueMap] = field(default_factory=dict)
    source_filters: Sequence[str] = ()
    source_values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unlike: Mapping[str, Sequence[str]] = field(default_factory=dict)
    data_model: str = ""
    missing: str = ""
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)
    event_category: str = ""
    indices: Sequence[str] = ()
    multivalued: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    joined: Mapping[str, Sequence[str]] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    metadata: Sequence[str] = ()
    join_keys: Mapping[str, str] = field(default_factory=dict)
    event_id: Sequence[str] = ()
    projection: Sequence[str] = ()
    evidence: Sequence[str] = ()
    products: Sequence[str] = ()
    path_separator: str = ""

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LogModel | None:
        """Read a pipeline's state; None where no pipeline item chose a table for the rule."""
        table = state.get("query_table")
        if not table:
            return None
        return cls(
            table=str(table),
            time_column=str(state.get("time_column", "TimeGenerated")),
            columns={str(name): kind for kind, names in state.get("columns", {}).items() for name in names},
            base_names=state.get("base_names", {}),
            expressions=state.get("expressions", {}),
            value_maps={
                name: ValueMap(str(entry["column"]), entry["values"])
                for name, entry in state.get("value_maps", {}).items()
            },
            source_filters=tuple(state.get("source_filters", ())),
            source_values={
                name: tuple(map(str, values))
                for name, values in {"source": state.get("sources"), **state.get("source_values", {})}.items()
                if values
            },
            unlike={str(name): tuple(values) for name, values in state.get("unlike", {}).items()},
            data_model=str(state.get("data_model", "")),
            missing=str(state.get("missing", "")),
            elsewhere=state.get("elsewhere", {}),
            event_category=str(state.get("event_category", "")),
            indices=tuple(state.get("indices", ())),
            multivalued=frozenset(state.get("multivalued", ())),
            optional=frozenset(state.get("optional", ())),
            joined=state.get("joined", {}),
            removed=frozenset(map(str, state.get("removed", ()))),
            metadata=tuple(state.get("metadata", ())),
            join_keys=state.get("join_keys", {}),
            event_id=tuple(state.get("event_id", ())),
            projection=tuple(state.get("projection", ())),
            evidence=tuple(state.get("evidence", ())),
            products=tuple(state.get("products", ())),
            path_separator=str(state.get("path_separator", "")),
        )

    def apart_from(self, other: LogModel) -> frozenset[str]:
        """The fields by which no event can be of both log sources."""
        mine, others = self.source_values, other.source_values
        if self._other_indices(other):
            return frozenset(("_index",))
        return frozenset(
            field
            for field in (mine.keys() & others.keys()) - self.multivalued - other.multivalued
            if not any("*" in value for value in (*mine[field], *others[field]))
            and not {value.lower() for value in mine[field]} & {value.lower() for value in others[field]}
        )

    def _other_indices(self, other: LogModel) -> bool:
        """Whether no index has a name of both log sources' patterns: such as end in an asterisk, and have no other."""
        if not self.indices or not other.indices:
            return False
        starts = [[pattern[:-1] for pattern in model.indices] for model in (self, other)]
        if any("*" in start for group in starts for start in group):
            return False
        if not all(pattern.endswith("*") for model in (self, other) for pattern in model.indices):
            return False
        return not any(one.startswith(two) or two.startswith(one) for one in starts[0] for two in starts[1])

    def column(self, name: str) -> Column | None:
        """The column that a mapped field names; None where the table has none of that name."""
        known = any(name in names for names in (self.columns, self.expressions, self.joined))
        if not known and name in self.base_names:
            return Column("", base_name=self.base_names[name], name=name)
        return self.named(name) if known or not self.columns else None

    def named(self, name: str) -> Column:
        """The column of that name, whether or not the table is known to have it."""
        if name in self.joined:
            return Column(name, halves=tuple(map(self.named, self.joined[name])), name=name)
        if name in self.expressions:
            return Column(name, computed=(name,), name=name)
        return Column(
            name,
            self.columns.get(name, "string"),
            self.base_names.get(name, ""),
            many=name in self.multivalued,
            optional=name in self.optional,
            name=name,
        )

    def nearest(self, name: str, mapped: Sequence[str] = ()) -> list[str]:
        """At most three known field names that resemble `name`; `mapped` are those that a pipeline renames."""
        known = {*self.columns, *self.base_names, *self.expressions, *self.joined, *self.value_maps, *mapped}
        by_lower = {known_name.lower(): known_name for known_name in sorted(known)}
        return [by_lower[match] for match in get_close_matches(name.lower(), sorted(by_lower), 3, 0.5)]


def _items(pipeline: ProcessingPipeline, applied_only: bool) -> Iterator[ProcessingItem]:
    """All processing items, those of nested pipelines after the item that holds them.

    `applied_only`: without the nested ones that did not apply to the last rule.
    """
    for item in pipeline.items:
        yield item
        nested = getattr(item.transformation, "_nested_pipeline", None)
        if nested is not None and not (applied_only and item.identifier not in pipeline.applied_ids):
            yield from _items(nested, False)


def mapped_fields(pipeline: ProcessingPipeline) -> list[str]:
    """The field names that the pipeline renames for the last rule's log source: what it may call its fields."""
    names: set[str] = set()
    for item in _items(pipeline, True):
        mapping = getattr(item.transformation, "mapping", None)
        if isinstance(mapping, dict):
            names.update(name for name in mapping if isinstance(name, str))
    return sorted(names)


def categories(pipeline: ProcessingPipeline) -> list[str]:
    """The log source categories that any item of the pipeline asks for."""
    found: set[str] = set()
    for item in _items(pipeline, False):
        for condition in item.rule_conditions:
            category = getattr(condition, "category", None)
            if isinstance(category, str):
                found.add(category)
    return sorted(found)
