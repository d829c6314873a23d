"""The KQL backend: Sigma rules and ordered correlations as Kusto queries that mean the same."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, NoReturn

from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaConversionError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections, SigmaRule
from sigma.types import SigmaExists

from sigma.correlations import SigmaCorrelationRule

from .expression import any_of
from .kusto_conditions import NUMERIC, KustoConditions
from .kusto_predicates import merge
from .kusto_query import Alert, Ordered, Query, Search, Step, TimeFrame, combine
from .kusto_text import seconds
from .log_model import Column
from .losses import Unsupported

DEFAULT_LOOKBACK = "24h"
DEFAULT_DELAY = "5m"
#: Names that a correlation's query gives to columns of its own.
_OWN_COLUMN = re.compile(r"TimeBin|Step[0-9].*")


class T1020KustoBackend(KustoConditions):
    """Kusto queries for the tables that a pipeline names (see log_model.STATE_KEYS).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (period of a job) with `delay` (5m).
    Output formats: `default`, a query a rule; `combined`, one query of all rules.
    """

    name: ClassVar[str] = "KQL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_kusto"
    formats: dict[str, str] = {
        "default": "KQL, one query for each rule and correlation",
        "combined": "One KQL query of all rules, with RuleId, RuleTitle and Branch",
    }
    requires_pipeline: bool = True
    correlation_methods: ClassVar[dict[str, str] | None] = {
        "default": "Join on the key and on time bins, one row for each first event"
    }

    def __init__(
        self,
        processing_pipeline: ProcessingPipeline | None = None,
        collect_errors: bool = False,
        lookback: str = DEFAULT_LOOKBACK,
        schedule: str = "",
        delay: str = DEFAULT_DELAY,
        **backend_options: Any,
    ) -> None:
        super().__init__(processing_pipeline, collect_errors, **backend_options)
        self.frame = TimeFrame(
            lookback=seconds(lookback),
            period=seconds(schedule) if schedule else 0,
            delay=seconds(delay),
        )
        if (schedule and not self.frame.period) or not self.frame.lookback:
            raise ValueError("a look-back and a schedule must be longer than 0s")

    # --- Rules ------------------------------------------------------------------------------------

    def convert_rule(
        self,
        rule: SigmaRule,
        output_format: str | None = None,
        callback: Callable[..., Any] | None = None,
    ) -> list[Any]:
        """Convert one rule; see Backend.convert_rule.

        A rule that a correlation refers to keeps its searches, unfinished, for that correlation.
        """
        if not hasattr(self, "last_processing_pipeline"):
            self.init_processing_pipeline(output_format)
        try:
            keys = self._keys_for_correlations(rule)
        except Unsupported as error:
            if not self.collect_errors:
                raise
            self.errors.append((rule, error))
            return []
        queries: list[Any] = super().convert_rule(rule, output_format, callback)
        if not rule._backreferences:
            return queries
        searches = [
            Search(search.model, search.condition, keys)
            for search in rule.get_conversion_result()
            if isinstance(search, Search)
        ]
        rule.set_conversion_result(searches)
        form = output_format or self.default_format
        states = rule.get_conversion_states()
        return [
            self.finalize_query(rule, search, index, states[index], form)
            for index, search in enumerate(searches if queries else ())
        ]

    def _keys_for_correlations(self, rule: SigmaRule) -> dict[int, dict[str, Column]]:
        """For each correlation that refers to the rule: its group-by fields as this log source has them.

        Asked before the pipeline renames the rule's fields, with a stand-in rule of the same log source: pySigma
        would rename the correlation's fields once for all legs, though each leg has its own table.
        """
        keys: dict[int, dict[str, Column]] = {}
        for correlation in rule._backreferences:
            if not isinstance(correlation, SigmaCorrelationRule) or id(correlation) in keys:
                continue
            fields: dict[str, str] = {}
            for asked in correlation.group_by or ():
                alias = correlation.aliases.aliases.get(asked)
                fields[asked] = asked
                for reference, field in alias.mapping.items() if alias else ():
                    if reference.reference in (rule.name, str(rule.id)):
                        fields[asked] = field
            keys[id(correlation)] = self._resolve(rule, fields)
        return keys

    def _resolve(self, rule: SigmaRule, fields: Mapping[str, str]) -> dict[str, Column]:
        """Where the log source of a rule has some fields; the keys of `fields` are kept."""
        if not fields:
            return {}
        probe = copy.copy(rule)
        probe.fields = []
        items = [SigmaDetectionItem(field, [], [SigmaExists(True)]) for field in fields.values()]
        detection = SigmaDetection(list(items))
        probe.detection = SigmaDetections({"probe": detection}, ["probe"])
        self.last_processing_pipeline.apply(probe)
        model = self._model(probe, self.last_processing_pipeline.state)
        found: dict[str, Column] = {}
        for (asked, field), item in zip(fields.items(), detection.detection_items, strict=True):
            if field in model.join_keys:
                found[asked] = self._column(model.join_keys[field], model, field)
                continue
            if not isinstance(item, SigmaDetectionItem) or item.field is None:
                raise Unsupported(f"group-by {asked} has several columns in {model.table}; choose one", field)
            column = self._column(item.field, model, field)
            if not column.text:
                raise Unsupported(f"group-by {asked} has no column in {model.table}; choose another field", field)
            found[asked] = column
        return found

    def finish_query(self, rule: SigmaRule | SigmaCorrelationRule, query: Any, state: ConversionState) -> Query:
        """The converted condition with what the pipeline says of its table; text is made in finalize_query."""
        if isinstance(query, (Search, Ordered)):
            return query
        assert isinstance(rule, SigmaRule)
        model = self._model(rule, state.processing_state)
        return Search(model, merge(query), {})

    def finalize_query(
        self,
        rule: SigmaRule | SigmaCorrelationRule,
        query: Any,
        index: int,
        state: ConversionState,
        output_format: str,
    ) -> Any:
        """The query's text; in the combined format, which needs them all first, the query with its names."""
        if output_format == "combined":
            branch = rule.custom_attributes.get("branch", "")
            return Alert(str(rule.id or ""), rule.title, str(branch)), query
        return super().finalize_query(rule, query, index, state, output_format)

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: Any, index: int, state: ConversionState
    ) -> str:
        """The query's text."""
        if not isinstance(query, (Search, Ordered)):
            raise TypeError(f"{type(query).__name__} is no query of this backend")
        return query.render(self.frame)

    def finalize_output_combined(self, queries: list[tuple[Alert, Query]]) -> list[str]:
        """All queries as one."""
        return [combine(queries, self.frame)] if queries else []

    # --- Correlations -----------------------------------------------------------------------------

    def convert_correlation_rule(
        self,
        rule: SigmaCorrelationRule,
        output_format: str | None = None,
        method: str | None = None,
        callback: Callable[..., Any] | None = None,
    ) -> list[Any]:
        """Convert one correlation; see Backend.convert_correlation_rule. Its rules must be converted before."""
        queries: list[Any] = super().convert_correlation_rule(rule, output_format, method, callback)
        # pySigma prints what another correlation refers to all the same.
        return queries if rule._output else []

    def convert_correlation_temporal_ordered_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Rules in order on one key within the time span."""
        searches: list[Search] = []
        for reference in rule.referenced_rules:
            leg = reference.rule
            if not isinstance(leg, SigmaRule):
                raise Unsupported(
                    f"the correlation refers to another one, {reference.reference}; refer to rules", at=_AT_RULES
                )
            try:
                found = [search for search in leg.get_conversion_result() if isinstance(search, Search)]
            except SigmaConversionError:
                found = []
            if not found:
                raise Unsupported(f"its rule {reference.reference} was not converted; mend that first", at=_AT_RULES)
            # An event that meets several conditions of a rule is one event.
            condition = merge(any_of(search.condition for search in found))
            searches.append(replace(found[0], condition=condition))
            if not found[0].model.event_id:
                raise Unsupported(
                    f"the pipeline names no event_id for {found[0].model.table}; set it to the columns that, with the "
                    "time, tell one event from another",
                    at=_AT_RULES,
                )
        if len(searches) < 2:
            raise Unsupported("the correlation orders a single rule; name two or more", at=_AT_RULES)
        keys = [search.keys[id(rule)] for search in searches]
        if not keys[0]:
            raise Unsupported(
                "the correlation has no group-by; name the field that its rules share, such as Computer",
                at=("correlation", "type"),
            )
        names = _key_names(keys, {*searches[0].model.projection, *searches[0].model.event_id})
        steps = [
            Step(search, {names[field]: column for field, column in own.items()})
            for search, own in zip(searches, _of_one_type(keys), strict=True)
        ]
        return [Ordered(steps, rule.timespan.seconds)]

    def _refuse_correlation(self, kind: str) -> NoReturn:
        raise Unsupported(
            f"the correlation type {kind} is not supported in KQL yet; temporal_ordered is", at=("correlation", "type")
        )

    def convert_correlation_event_count_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("event_count")

    def convert_correlation_value_count_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("value_count")

    def convert_correlation_temporal_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("temporal")

    def convert_correlation_value_sum_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("value_sum")

    def convert_correlation_value_avg_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("value_avg")

    def convert_correlation_value_percentile_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("value_percentile")

    def convert_correlation_value_median_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("value_median")

    def convert_correlation_extended_temporal_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("temporal with a condition in words")

    def convert_correlation_extended_temporal_ordered_rule(self, *_: Any, **__: Any) -> list[Any]:
        """Refused by name."""
        self._refuse_correlation("temporal_ordered with a condition in words")


_AT_RULES = ("correlation", "rules")


def _key_names(keys: Sequence[Mapping[str, Column]], taken: set[str]) -> dict[str, str]:
    """By group-by field the name of the column that carries it through the join.

    Its own where all steps have it in the same column; else the Sigma name, unless that name stands for
    something else already.
    """
    names: dict[str, str] = {}
    for field in keys[0]:
        texts = {own[field].text for own in keys}
        text = next(iter(texts))
        if len(texts) == 1 and re.fullmatch(r"\w+", text) and not any(own[field].expression for own in keys):
            names[field] = text
            continue
        carried = field
        while carried in taken or carried in names.values() or _OWN_COLUMN.fullmatch(carried):
            carried = f"Key{carried}"
        names[field] = carried
    return names


def _of_one_type(keys: Sequence[Mapping[str, Column]]) -> list[dict[str, Column]]:
    """The keys of each step, cast where the steps' columns of a field differ in type: a join takes one type alone."""
    casts: dict[str, str] = {}
    for field in keys[0]:
        kinds = {own[field].type for own in keys}
        if len(kinds) > 1:
            casts[field] = "tolong" if kinds <= {"int", "long"} else "todouble" if kinds <= NUMERIC else "tostring"
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
