"""Correlations in Kusto: the query class of each type, and the rules, keys and values that it takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sigma.correlations import SigmaCorrelationRule

from ..common.backend import QueryBackend
from ..common.columns import Column, Kind
from ..common.correlation_keys import AT_GROUP_BY, Keys
from ..common.correlations import AT_RULES, refuse_overlapping
from ..common.expression import All
from ..common.log_model import LogModel
from ..common.losses import Unsupported
from ..common.query import Leg, losses_of
from .counts import Count
from .ordered import Ordered
from .query import Correlation, KustoFrame, Search
from .temporal import Temporal
from .text import name
from .windows import NO_KEY, Source

#: The names of the columns that the queries make; the column of a key gets another name.
_OWN_COLUMN = re.compile(
    r"TimeBin|Step[0-9].*|Rule[0-9].*|At|Turn|(Old)?(Change|Held|Count)|(Event|Value)Count|LastTime|Values?|All.+"
)


class KustoCorrelations(QueryBackend[KustoFrame]):
    """Makes the query of each correlation type."""

    language = "KQL"
    search_class = Search

    def _ordered(self, rule: SigmaCorrelationRule, searches: Sequence[Search]) -> Ordered:
        for search in searches:
            if not search.model.event_id:
                raise Unsupported(
                    f"the pipeline sets no event_id for {search.model.table}; set it to the columns that, with the "
                    "time, identify an event",
                    at=AT_RULES,
                )
        keys = _carried(rule, searches, {*searches[0].model.projection, *searches[0].model.event_id})
        steps = [Leg(search, own) for search, own in zip(searches, keys, strict=True)]
        return Ordered(steps, rule.timespan.seconds, self._fields(keys))

    def _temporal(self, rule: SigmaCorrelationRule, searches: Sequence[Search]) -> Temporal:
        keys = _window_keys(rule, searches)
        sources = _sources(rule, searches, keys)
        for source in sources:
            refuse_overlapping(len(source.conditions), source.model.table)
        return Temporal(sources, rule.timespan.seconds, self._fields(keys), losses_of(searches), len(searches))

    def _counted(self, rule: SigmaCorrelationRule, searches: Sequence[Search], operator: str, limit: int) -> Count:
        keys = _window_keys(rule, searches)
        sources = _sources(rule, searches, keys)
        return Count(sources, rule.timespan.seconds, self._fields(keys), losses_of(searches), operator, limit)

    def _fields(self, keys: Sequence[Mapping[str, Column]]) -> dict[str, Column]:
        """The columns of the correlation's rows that hold its group-by fields."""
        carried = zip(self._asking.group_by, keys[0].items(), strict=False)
        return {field: Column(name(column), own.type, name=column) for field, (column, own) in carried}

    def _correlated(self, inner: SigmaCorrelationRule, number: int, outer: SigmaCorrelationRule) -> Search:
        """The search that finds the keys and times at which `inner`, rule `number` of `outer`, came true."""
        query = self.correlated.get(id(inner))
        called = inner.name or str(inner.id)
        if not isinstance(query, Correlation):
            raise Unsupported(
                f"the correlation {called} was not converted; correct it, or put it before this one", at=AT_RULES
            )
        asked = self._asking.of[number]
        for field in asked.values():
            if field not in query.fields:
                known = ", ".join(query.fields) or "no field"
                raise Unsupported(
                    f"{field} is not in the group-by of the correlation {called}, which has {known}; add it there",
                    at=AT_GROUP_BY,
                )
        value = next((query.fields[asked[field]] for field in self._asking.counted), None)
        keys = Keys({field: query.fields[asked[field]] for field in self._asking.group_by}, value)
        columns = [column.name for column in query.fields.values()]
        model = LogModel(
            table=f"Fired{number}",
            time_column=query.time_column,
            columns={column.name: column.type for column in query.fields.values()},
            event_id=tuple(columns) or (NO_KEY,),
            projection=(query.time_column, *columns),
        )
        return Search(model, All(()), {id(outer): keys}, query.losses, query)


def _carried(correlation: SigmaCorrelationRule, searches: Sequence[Search], taken: set[str]) -> list[dict[str, Column]]:
    """The columns of the group-by fields for each rule, under the names that they have in the query."""
    keys = [search.keys[id(correlation)].by for search in searches]
    names = _key_names(keys, taken)
    return [{names[field]: column for field, column in own.items()} for own in _of_one_type(keys)]


def _window_keys(correlation: SigmaCorrelationRule, searches: Sequence[Search]) -> list[dict[str, Column]]:
    """The same as _carried, but without a group-by, a constant is the key; queries with windows need one."""
    keys = _carried(correlation, searches, {column for search in searches for column in search.model.projection})
    return [own or {NO_KEY: Column("", "long")} for own in keys]


def _sources(
    correlation: SigmaCorrelationRule, searches: Sequence[Search], keys: Sequence[Mapping[str, Column]]
) -> list[Source]:
    """The rules of a correlation with sliding windows, joined by table. Raises Unsupported if their columns differ."""
    found: dict[tuple[str, str], dict[int, Leg[Search]]] = {}
    for number, (search, own) in enumerate(zip(searches, keys, strict=True), start=1):
        leg = Leg(search, own, search.keys[id(correlation)].value)
        legs = found.setdefault((search.model.table, search.model.time_column), {})
        if any((other.keys, other.value) != (leg.keys, leg.value) for other in legs.values()):
            raise Unsupported(
                f"two rules of the correlation read {search.model.table} and take a field from different columns; "
                "use the same column in both",
                at=("correlation", "aliases"),
            )
        legs[number] = leg
    return [Source.of(legs) for legs in found.values()]


def _key_names(keys: Sequence[Mapping[str, Column]], taken: set[str]) -> dict[str, str]:
    """The name that the column of each group-by field has in the query.

    It is the column's own name if all rules have the field in the same column. Otherwise, it is the field's Sigma name,
    with a prefix if that name is taken.
    """
    names: dict[str, str] = {}
    for field in keys[0]:
        texts = {own[field].text for own in keys}
        text = next(iter(texts))
        plain = re.fullmatch(r"\w+", text) and not _OWN_COLUMN.fullmatch(text)
        if len(texts) == 1 and plain and not any(own[field].computed for own in keys):
            names[field] = text
            continue
        carried = field
        while carried in taken or carried in names.values() or _OWN_COLUMN.fullmatch(carried):
            carried = f"Key{carried}"
        names[field] = carried
    return names


def _of_one_type(keys: Sequence[Mapping[str, Column]]) -> list[dict[str, Column]]:
    """The keys of each rule, with casts if the columns of a field differ in type, because a join requires one type."""
    casts: dict[str, str] = {}
    for field in keys[0]:
        kinds = {own[field].type for own in keys}
        of_numbers = all(own[field].kind is Kind.NUMBER for own in keys)
        if len(kinds) > 1:
            casts[field] = "tolong" if kinds <= {"int", "long"} else "todouble" if of_numbers else "tostring"
    target = {"tolong": "long", "todouble": "real", "tostring": "string"}
    return [
        {
            field: replace(column, text=f"{casts[field]}({column.text})", type=target[casts[field]])
            if field in casts and column.type != target[casts[field]]
            else column
            for field, column in own.items()
        }
        for own in keys
    ]
