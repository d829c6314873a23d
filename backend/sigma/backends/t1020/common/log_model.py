"""The log model: what a pipeline's state says about a log source, such as its table, columns and join keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from .columns import Column
from .state_keys import ELASTIC, EQL, ESQL, KUSTO, SPLUNK, StateKey, keys_of
from .state_kinds import (
    NAME,
    NAME_BY_NAME,
    NAME_SET,
    NAMES,
    NAMES_BY_NAME,
    TEXT,
    VALUE_SET,
    VALUES,
    VALUES_BY_NAME,
    Kind,
    Misfit,
    filled,
    list_of,
    mapping_of,
    part,
    text,
)

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline


@dataclass(frozen=True)
class ValueMap:
    """A field whose values the table writes differently: its column, and the stored words by value in lower case."""

    column: str
    values: Mapping[str, Sequence[str]]


def _value_map(value: object) -> ValueMap:
    if not isinstance(value, Mapping) or set(value) != {"column", "values"}:
        raise Misfit(value, "a mapping with `column` and `values`")
    return ValueMap(part("column", filled, value["column"]), part("values", _read_words, value["values"]))


def _types_by_column(value: object) -> dict[str, str]:
    return {column: kind for kind, columns in NAMES_BY_NAME.read(value).items() for column in columns}


_read_words = mapping_of(
    list_of(text, "a list of one text or more", bool),
    "a mapping of texts in lower case to lists of texts",
    lambda word: word == word.lower(),
)
_COLUMNS = Kind("a mapping of types to lists of columns", _types_by_column, dict[str, str])
_PAIRS_TAKE = "a mapping of fields to two columns each"
_PAIRS = Kind(
    _PAIRS_TAKE,
    mapping_of(list_of(filled, "a list of two columns", lambda size: size == 2), _PAIRS_TAKE),
    dict[str, tuple[str, ...]],
)
_VALUE_MAPS_TAKE = "a mapping of fields to a `column` and its `values`"
_VALUE_MAPS = Kind(_VALUE_MAPS_TAKE, mapping_of(_value_map, _VALUE_MAPS_TAKE), dict[str, ValueMap])


@dataclass(frozen=True)
class LogModel:
    """The pipeline's state for one rule. Each field declares the key that it is read from."""

    table: str = StateKey(
        "query_table",
        NAME,
        "the table of the log source (unset: rules for it are refused)",
        example="DeviceProcessEvents",
        notes={SPLUNK | ELASTIC: "only messages show it"},
    ).as_field()
    products: Sequence[str] = StateKey(
        "products",
        NAMES,
        "the products whose events the log source has; a rule for another one is refused (unset: no check)",
        example="[windows, linux]",
    ).as_field()
    time_column: str = StateKey(
        "time_column",
        NAME,
        "the column that holds the time of an event",
        example="TimeGenerated",
        backends=KUSTO,
        default="TimeGenerated",
    ).as_field()
    columns: Mapping[str, str] = StateKey(
        "columns",
        _COLUMNS,
        "the columns by type; a rule that tests a field which is none of them is refused (unset: no check)",
        example="{string: [DeviceName, FileName], long: [ProcessId]}",
        notes={
            KUSTO: "the types are Kusto's",
            SPLUNK: "the types are string, number and datetime (a text such as 2025-06-15 10:00:00.123)",
            ELASTIC: "the types are those of Elasticsearch's mappings",
        },
    ).as_field()
    path_separator: str = StateKey(
        "path_separator",
        TEXT,
        "what stands before a file name in a path (unset: no path is tested by its file name alone)",
        example=r"'\'",
        backends=KUSTO,
    ).as_field()
    base_names: Mapping[str, str] = StateKey(
        "base_names",
        NAME_BY_NAME,
        "path column → column of its file name; a path column that `columns` lacks exists as that file name only",
        example="{FolderPath: FileName}",
        backends=KUSTO,
    ).as_field()
    expressions: Mapping[str, str] = StateKey(
        "expressions",
        NAME_BY_NAME,
        "field → KQL expression of type string that gives its value; the query adds it as a column",
        example="""{User: 'strcat(AccountDomain, "\\", AccountName)'}""",
        backends=KUSTO,
    ).as_field()
    value_maps: Mapping[str, ValueMap] = StateKey(
        "value_maps",
        _VALUE_MAPS,
        "field → the column that tells its value, and by value in lower case what that column then holds",
        example="{Initiated: {column: direction, values: {'true': [outbound], 'false': [inbound]}}}",
    ).as_field()
    source_filters: Sequence[str] = StateKey(
        "source_filters",
        NAMES,
        "KQL predicates that choose the rows of the log source",
        example="""['ActionType == "ProcessCreated"']""",
        backends=KUSTO,
    ).as_field()
    inbound_rows: Mapping[str, Sequence[str]] = StateKey(
        "inbound_rows",
        NAMES_BY_NAME,
        "column → words, one of which it has in rows of a connection that another device began (unset: no such rows)",
        example="{ActionType: [InboundConnectionAccepted]}",
        backends=KUSTO,
    ).as_field()
    inbound_columns: Mapping[str, str] = StateKey(
        "inbound_columns",
        NAME_BY_NAME,
        "column → the column that holds its field in those rows; a rule that names a column by itself means that one",
        example="{RemoteIP: LocalIP, LocalIP: RemoteIP}",
        backends=KUSTO,
    ).as_field()
    event_category: str = StateKey(
        "event_category",
        TEXT,
        "the event category, a value of event.category in the documents (unset: any)",
        example="process",
        backends=EQL,
    ).as_field()
    indices: Sequence[str] = StateKey(
        "indices",
        NAMES,
        "the patterns of the indices",
        example="['logs-endpoint.events.process-*']",
        backends=ELASTIC,
    ).as_field()
    sources: Sequence[str] = StateKey(
        "sources",
        VALUES,
        "values of the field `source`, one of which an event has; `source_values` can name that field instead",
        example="['XmlWinEventLog:Microsoft-Windows-Sysmon/Operational']",
        backends=SPLUNK,
    ).as_field()
    source_values: Mapping[str, Sequence[str]] = StateKey(
        "source_values",
        VALUES_BY_NAME,
        "field → values, one of which it has; all these fields together choose the events of the log source",
        example="{event.code: [1]}",
        backends=SPLUNK | ELASTIC,
        notes={SPLUNK: "an asterisk is a wildcard", ELASTIC: "an array has any of its values"},
    ).as_field()
    unlike: Mapping[str, Sequence[str]] = StateKey(
        "unlike",
        VALUES_BY_NAME,
        "field → values, none of which it has in the events of the log source",
        example="{process_path: ['/*']}",
        backends=SPLUNK | ELASTIC,
        notes={SPLUNK: "an asterisk is a wildcard"},
    ).as_field()
    data_model: str = StateKey(
        "data_model",
        TEXT,
        "model and dataset, as in `FROM datamodel=`, for a search by tstats; the fields carry the dataset's name",
        example="Endpoint.Processes",
        backends=SPLUNK,
    ).as_field()
    missing: str = StateKey(
        "missing",
        TEXT,
        "what a data model has where an event has no value; tstats fills it in, since it drops rows without a value",
        example="unknown",
        backends=SPLUNK,
    ).as_field()
    elsewhere: Mapping[str, Sequence[str]] = StateKey(
        "elsewhere",
        NAMES_BY_NAME,
        "dialect → fields that it has and this log model lacks; a refusal names the dialect",
        example="{spl: [Company, Product]}",
        backends=SPLUNK,
    ).as_field()
    multivalued: frozenset[str] = StateKey(
        "multivalued",
        NAME_SET,
        "the columns that hold several values (arrays); no correlation groups by them or counts them",
        example="[process.args]",
        backends=SPLUNK | ELASTIC,
    ).as_field()
    optional: frozenset[str] = StateKey(
        "optional",
        NAME_SET,
        "the columns that an installation's mappings may lack, which EQL writes as ?column",
        example="[process.pe.imphash]",
        backends=EQL,
    ).as_field()
    joined: Mapping[str, Sequence[str]] = StateKey(
        "joined",
        _PAIRS,
        "field → two columns that are its value when a backslash joins them",
        example="{User: [user.domain, user.name]}",
        backends=ELASTIC,
    ).as_field()
    removed: frozenset[str] = StateKey(
        "removed",
        VALUE_SET,
        "texts that an event may have and its document lacks; a test for one finds documents without a value",
        example="['', '-']",
        backends=ELASTIC,
    ).as_field()
    metadata: Sequence[str] = StateKey(
        "metadata",
        NAMES,
        "patterns of columns that tell how an event was collected or where it belongs, not what happened; no keyword "
        "is looked for in them, nor in those of `source_values` and `unlike`",
        example="['agent.*', 'event.*']",
        backends=ELASTIC,
    ).as_field()
    join_keys: Mapping[str, str] = StateKey(
        "join_keys",
        NAME_BY_NAME,
        "field → column that stands for it in the group-by of a correlation",
        example="{Computer: DeviceId}",
    ).as_field()
    event_id: Sequence[str] = StateKey(
        "event_id",
        NAMES,
        "columns that tell one event from every other",
        example="[DeviceId, ReportId]",
        backends=KUSTO | SPLUNK,
        notes={KUSTO: "the time column counts as one of them"},
    ).as_field()
    projection: Sequence[str] = StateKey(
        "projection",
        NAMES,
        "the columns of a result row",
        example="[DeviceName, FileName, ProcessCommandLine]",
        backends=KUSTO | SPLUNK | ESQL,
        notes={ESQL: "_id, _index and _version are added"},
    ).as_field()
    evidence: Sequence[str] = StateKey(
        "evidence",
        NAMES,
        "columns collected from the later steps of a correlation; the first is the one that tells most",
        example="[RemoteIP, RemotePort]",
        backends=KUSTO | SPLUNK | ESQL,
    ).as_field()

    @classmethod
    def from_state(cls, state: Mapping[str, Any], backend: str = "") -> LogModel | None:
        """Read the keys of a pipeline's state that a backend reads, or all keys without a backend.

        Returns None if no pipeline item chose a table for the rule. Raises Unsupported for a value that its key
        does not take.
        """
        if "query_table" not in state:
            return None
        keys = {name: key for name, key in _KEYS.items() if not backend or backend in key.backends}
        model = cls(**{name: key.of(state) for name, key in keys.items()})
        return replace(
            model,
            source_values=_with_values({"source": model.sources, **model.source_values}),
            unlike=_with_values(model.unlike),
        )

    def apart_from(self, other: LogModel) -> frozenset[str]:
        """The fields whose required values no event of both log sources could have; empty if there may be one."""
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
        """Whether no index name can match patterns of both log sources.

        Only patterns whose single asterisk is at the end are compared.
        """
        if not self.indices or not other.indices:
            return False
        starts = [[pattern[:-1] for pattern in model.indices] for model in (self, other)]
        if any("*" in start for group in starts for start in group):
            return False
        if not all(pattern.endswith("*") for model in (self, other) for pattern in model.indices):
            return False
        return not any(one.startswith(two) or two.startswith(one) for one in starts[0] for two in starts[1])

    def column(self, name: str) -> Column | None:
        """The column of a mapped field; None if the table does not have it."""
        known = any(name in names for names in (self.columns, self.expressions, self.joined))
        if not known and name in self.base_names:
            return Column("", base_name=self.base_names[name], name=name)
        return self.named(name) if known or not self.columns else None

    def named(self, name: str) -> Column:
        """The column with this name; the table need not list it."""
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
        """Up to three known field names that resemble `name`; `mapped` are the fields that the pipeline renames."""
        known = {*self.columns, *self.base_names, *self.expressions, *self.joined, *self.value_maps, *mapped}
        by_lower = {known_name.lower(): known_name for known_name in sorted(known)}
        return [by_lower[match] for match in get_close_matches(name.lower(), sorted(by_lower), 3, 0.5)]


def _with_values(values: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The fields with values; with an empty list, a pipeline unsets a field that an earlier one set."""
    return {field: found for field, found in values.items() if found}


# By the names of LogModel's fields.
_KEYS = keys_of(LogModel)
#: Every key of the pipeline state, by name, in the order in which they are documented.
STATE_KEYS: Mapping[str, StateKey[Any]] = {key.name: key for key in _KEYS.values()}


def _items(pipeline: ProcessingPipeline, applied_only: bool) -> Iterator[ProcessingItem]:
    """Yield all processing items, those of a nested pipeline after the item that holds it.

    With `applied_only`, skip the nested pipelines that did not apply to the last rule.
    """
    for item in pipeline.items:
        yield item
        nested = getattr(item.transformation, "_nested_pipeline", None)
        if nested is not None and not (applied_only and item.identifier not in pipeline.applied_ids):
            yield from _items(nested, False)


def mapped_fields(pipeline: ProcessingPipeline) -> list[str]:
    """The field names that the pipeline renames for the last rule's log source, sorted."""
    names: set[str] = set()
    for item in _items(pipeline, True):
        mapping = getattr(item.transformation, "mapping", None)
        if isinstance(mapping, dict):
            names.update(name for name in mapping if isinstance(name, str))
    return sorted(names)


def categories(pipeline: ProcessingPipeline) -> list[str]:
    """The log source categories in the rule conditions of the pipeline's items, sorted."""
    found: set[str] = set()
    for item in _items(pipeline, False):
        for condition in item.rule_conditions:
            category = getattr(condition, "category", None)
            if isinstance(category, str):
                found.add(category)
    return sorted(found)
