"""The KQL backend: Sigma rules and ordered correlations as Kusto queries that mean the same."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn

from sigma.backends.kusto.kusto import KustoBackend
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaConversionError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections, SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

from sigma.correlations import SigmaCorrelationRule

from . import regexes
from .expression import Node, Test, all_of, any_of, negate
from .kusto_predicates import Predicate, merge
from .kusto_query import Alert, Ordered, Query, Search, TimeFrame, combine
from .kusto_text import name, seconds, string
from .log_model import Column, LogModel, categories, mapped_fields
from .losses import Unsupported

NUMERIC = frozenset({"int", "long", "real", "decimal"})
DEFAULT_LOOKBACK = "24h"
DEFAULT_DELAY = "5m"

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}


def _lower(text: str) -> str:
    """Lower case, a character for a character, as tolower() does."""
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)


def _has_foreign_letters(text: str) -> bool:
    return any(not c.isascii() and c.lower() != c.upper() for c in text)


def _is_term_edge(character: str) -> bool:
    """Whether a term may end here: `has` then finds what `contains` finds, by the index."""
    return not character.isalnum() and character != "_"


class T1020KustoBackend(KustoBackend):
    """Kusto queries for the tables that a pipeline names (see log_model.STATE_KEYS).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (period of a job) with `delay` (5m).
    Output formats: `default`, a query a rule; `combined`, one query of all rules.
    """

    name: ClassVar[str] = "KQL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_kusto"
    formats = {
        "default": "KQL, one query for each rule and correlation",
        "combined": "One KQL query of all rules, with RuleId, RuleTitle and Branch",
    }
    requires_pipeline = True
    correlation_methods: ClassVar[dict[str, str] | None] = {
        "default": "Join on the key and on time bins, one row for each first event"
    }

    # Lists are made of the finished tree, where negation and case are known.
    convert_or_as_in: ClassVar[bool] = False
    convert_and_as_in: ClassVar[bool] = False

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
                found[asked] = model.column(model.join_keys[field]) or Column(name(model.join_keys[field]))
                continue
            if not isinstance(item, SigmaDetectionItem) or item.field is None:
                raise Unsupported(f"group-by {asked} has several columns in {model.table}; choose one", field)
            column = self._column(item.field, model, field)
            if not column.text:
                raise Unsupported(f"group-by {asked} has no column in {model.table}", field)
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
        steps: list[list[Search]] = []
        for reference in rule.referenced_rules:
            leg = reference.rule
            if not isinstance(leg, SigmaRule):
                raise Unsupported(f"refers to the correlation {reference.reference}; refer to rules")
            try:
                found = leg.get_conversion_result()
            except SigmaConversionError:
                found = []
            searches = [search for search in found if isinstance(search, Search)]
            if not searches:
                raise Unsupported(f"its rule {reference.reference} was not converted; mend that first")
            steps.append(searches)
        if len(steps) < 2:
            raise Unsupported("needs at least two rules to have an order")
        keys = [step[0].keys[id(rule)] for step in steps]
        if not keys[0]:
            raise Unsupported("has no group-by; name the field that its rules share, such as Computer")
        return [Ordered(steps, keys, rule.timespan.seconds)]

    def _refuse_correlation(self, kind: str) -> NoReturn:
        raise Unsupported(f"the correlation type {kind} is not supported in KQL; temporal_ordered is")

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

    # --- Log source and fields --------------------------------------------------------------------

    def _model(self, rule: SigmaRule, state: Mapping[str, Any]) -> LogModel:
        model = LogModel.from_state(state)
        if model is None:
            known = categories(self.last_processing_pipeline)
            source = ", ".join(
                f"{key} {value}"
                for key in ("category", "product", "service")
                if (value := getattr(rule.logsource, key)) is not None
            )
            raise Unsupported(
                f"the log source ({source}) has no table in the pipeline"
                + (f"; it knows the categories {', '.join(known)}" if known else "; give one with -p")
            )
        return model

    def _sigma_name(self, field: str) -> str:
        """The name that the rule gave a field before the pipeline renamed it."""
        sources = self.last_processing_pipeline.field_mappings.target_fields.get(field)
        return sorted(source for source in sources if source)[0] if sources else field

    def _column(self, field: str, model: LogModel, sigma_name: str) -> Column:
        column = model.column(field)
        if column is None:
            near = model.nearest(sigma_name, mapped_fields(self.last_processing_pipeline))
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise Unsupported(f"{sigma_name} is no field of {model.table}{hint}", sigma_name)
        return Column(name(column.text), column.type, column.base_name) if field in model.columns else column

    def _subject(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> tuple[Column, LogModel, str]:
        """The column of a condition, the log model, and the field's Sigma name for messages."""
        model = LogModel.from_state(state.processing_state)
        if model is None:
            # finish_query says so with the rule at hand; until then any column will do.
            return Column(name(cond.field)), LogModel("", ""), cond.field
        sigma_name = self._sigma_name(cond.field)
        return self._column(cond.field, model, sigma_name), model, sigma_name

    def _value_predicate(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, value: str
    ) -> Node[Predicate] | None:
        """The predicate that stands for a field's value; None for a field that has none."""
        choices = state.processing_state.get("value_predicates", {}).get(cond.field)
        if choices is None:
            return None
        if value.lower() not in choices:
            raise Unsupported(
                f"{cond.field} is {value!r}, which these tables do not record; it takes " + " or ".join(choices),
                cond.field,
            )
        return Test(Predicate(choices[value.lower()], "raw"))

    # --- Logic ------------------------------------------------------------------------------------

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> Any:
        """Any of the arguments."""
        return any_of(self._arguments(cond, state))

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> Any:
        """All of the arguments."""
        return all_of(self._arguments(cond, state))

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Any:
        """Not the argument; NOT moves down to the tests."""
        (argument,) = self._arguments(cond, state)
        return negate(argument)

    def _arguments(self, cond: ConditionItem, state: ConversionState) -> list[Node[Predicate]]:
        converted: list[Any] = [self.convert_condition(arg, state) for arg in cond.args]
        if any(node is None for node in converted):
            # A term that a pipeline dropped: dropping it here too would change the meaning in silence.
            raise Unsupported("a selection is empty after the pipeline; remove it from the condition")
        return converted

    # --- Tests ------------------------------------------------------------------------------------

    def convert_condition_field_eq_val_str(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A string, with or without wildcards, without regard to case."""
        return self._text(cond, state, cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A string, with or without wildcards, by case."""
        return self._text(cond, state, cased=True)

    def _text(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, cased: bool) -> Node[Predicate]:
        assert isinstance(cond.value, SigmaString)
        parts = self._parts(cond.value, cond.field)
        if "value_predicates" in state.processing_state and (special := self._value_predicate_of(cond, state, parts)):
            return special
        column, _model, sigma_name = self._subject(cond, state)
        if column.type in NUMERIC and len(parts) == 1 and (number := _as_number(parts[0])) is not None:
            return Test(Predicate(column.text, "==", (number,), nullable=True))
        if column.type == "bool" and len(parts) == 1 and str(parts[0]).lower() in ("true", "false"):
            return Test(Predicate(column.text, "==", (str(parts[0]).lower(),), nullable=True))
        if parts == [None]:
            return self._exists(column, sigma_name)
        base = self._base_name(column, parts)
        if base is not None:
            return _compare(column.base_name, "equals", base, cased)
        if not column.text:
            raise Unsupported(
                f"{sigma_name} is stored as a file name alone here; test it with |endswith and one "
                "separator before the name, such as '\\cmd.exe'",
                sigma_name,
            )
        subject = column.text if column.type == "string" else f"tostring({column.text})"
        if not parts:
            return Test(Predicate(subject, "missing"))
        inner, lead, trail = parts, parts[0] is None, parts[-1] is None
        if len(inner) > 1:
            inner = inner[1 if lead else 0 : -1 if trail else None]
        if len(inner) != 1 or not inner[0]:
            if cased or not any(part and _has_foreign_letters(part) for part in parts):
                return self._regex(subject, regexes.wildcard_pattern(parts, not cased))
            lowered = [_lower(part) if part else part for part in parts]
            return self._regex(f"tolower({subject})", regexes.wildcard_pattern(lowered, False))
        how = {(True, True): "contains", (True, False): "endswith", (False, True): "startswith"}
        return _compare(subject, how.get((lead, trail), "equals"), inner[0], cased)

    def _value_predicate_of(
        self,
        cond: ConditionFieldEqualsValueExpression,
        state: ConversionState,
        parts: list[str | None],
    ) -> Node[Predicate] | None:
        if cond.field not in state.processing_state["value_predicates"]:
            return None
        text = "".join("*" if part is None else part or "?" for part in parts)
        return self._value_predicate(cond, state, text)

    @staticmethod
    def _parts(value: SigmaString, field: str) -> list[str | None]:
        """The value's literal texts, None for `*`, "" for `?`; runs of `*` are one."""
        parts: list[str | None] = []
        for part in value.s:
            if part is SpecialChars.WILDCARD_MULTI:
                if not parts or parts[-1] is not None:
                    parts.append(None)
            elif part is SpecialChars.WILDCARD_SINGLE:
                parts.append("")
            elif isinstance(part, str):
                if parts and parts[-1]:
                    parts[-1] += part
                elif part:
                    parts.append(part)
            else:
                raise Unsupported(
                    f"{field} has the placeholder %{getattr(part, 'name', part)}%; give it values in a pipeline",
                    field,
                )
        return parts

    @staticmethod
    def _base_name(column: Column, parts: list[str | None]) -> str | None:
        """The file name that `*\\name` asks for, if the column's file names are stored apart."""
        if not column.base_name or len(parts) != 2 or parts[0] is not None or not parts[1]:
            return None
        separator, file_name = parts[1][0], parts[1][1:]
        if separator not in "\\/" or not file_name or any(c in "\\/" for c in file_name):
            return None
        return file_name

    def _regex(self, subject: str, expression: str) -> Node[Predicate]:
        return Test(Predicate(subject, "matches regex", (string(expression),)))

    def convert_condition_field_eq_val_num(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A number, as the column's type has it."""
        return self._number(cond, state, "==", str(cond.value))

    def convert_condition_field_compare_op_val(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A numeric comparison."""
        value = cond.value
        assert isinstance(value, SigmaCompareExpression)
        if type(value.number) is not SigmaNumber:
            raise Unsupported(f"{cond.field} compares a part of a time, which is not supported", cond.field)
        operator = self.compare_operators[value.op]
        return self._number(cond, state, operator, str(value.number))

    def _number(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, operator: str, number: str
    ) -> Node[Predicate]:
        if special := self._value_predicate(cond, state, number):
            return special
        column, model, sigma_name = self._subject(cond, state)
        if not column.text:
            raise Unsupported(f"{sigma_name} is no number in {model.table}", sigma_name)
        if column.type in NUMERIC:
            return Test(Predicate(column.text, operator, (number,), nullable=True))
        if operator == "==" and column.type == "string":
            return _compare(column.text, "equals", number, cased=False)
        raise Unsupported(f"{sigma_name} is of type {column.type} here, not a number", sigma_name)

    def convert_condition_field_eq_val_bool(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A truth value, as the column's type has it."""
        assert isinstance(cond.value, SigmaBool)
        word = "true" if cond.value.boolean else "false"
        if special := self._value_predicate(cond, state, word):
            return special
        column, model, sigma_name = self._subject(cond, state)
        if column.type == "bool":
            return Test(Predicate(column.text, "==", (word,), nullable=True))
        if column.type == "string" and column.text:
            return _compare(column.text, "equals", word, cased=False)
        raise Unsupported(f"{sigma_name} is of type {column.type} in {model.table}, not bool", sigma_name)

    def convert_condition_field_eq_val_re(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A regular expression, unanchored, by case unless it says otherwise."""
        assert isinstance(cond.value, SigmaRegularExpression)
        subject, sigma_name = self._string_subject(cond, state)
        flags = "".join(sorted(_FLAGS[flag] for flag in cond.value.flags))
        try:
            expression = regexes.to_re2(str(cond.value.regexp), flags)
        except regexes.RegexError as error:
            raise Unsupported(
                f"{sigma_name}: the regular expression {error}; KQL's RE2 cannot run it, so split it into a "
                "selection and a filter",
                sigma_name,
            ) from None
        return self._regex(subject, expression)

    def _string_subject(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> tuple[str, str]:
        """The column as a string, and the field's Sigma name."""
        self._refuse_value_predicate(cond, state)
        column, model, sigma_name = self._subject(cond, state)
        if not column.text:
            raise Unsupported(f"{sigma_name} is stored as a file name alone in {model.table}", sigma_name)
        return (column.text if column.type == "string" else f"tostring({column.text})"), sigma_name

    def _refuse_value_predicate(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> None:
        choices = state.processing_state.get("value_predicates", {}).get(cond.field)
        if choices is not None:
            raise Unsupported(f"{cond.field} takes {' or '.join(choices)}, as a plain value", cond.field)

    def convert_condition_field_eq_val_cidr(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """An address in a network, IPv4 or IPv6."""
        assert isinstance(cond.value, SigmaCIDRExpression)
        subject, _sigma_name = self._string_subject(cond, state)
        network = cond.value.network
        return Test(Predicate(subject, f"ipv{network.version}", (string(str(network)),)))

    def convert_condition_field_eq_val_null(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """No value. Kusto's strings are never null, so an empty one is none."""
        return negate(self._present(cond, state))

    def convert_condition_field_exists(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        """Any value."""
        return self._present(cond, state)

    def convert_condition_field_not_exists(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """No value."""
        return negate(self._present(cond, state))

    def _present(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Node[Predicate]:
        choices = state.processing_state.get("value_predicates", {}).get(cond.field)
        if choices is not None:
            return any_of(Test(Predicate(text, "raw")) for text in choices.values())
        column, _model, sigma_name = self._subject(cond, state)
        return self._exists(column, sigma_name)

    @staticmethod
    def _exists(column: Column, sigma_name: str) -> Node[Predicate]:
        subject = column.text or column.base_name
        return negate(Test(Predicate(subject, "missing", nullable=column.type not in ("string", "dynamic"))))

    # --- Refused until the backend says all of Sigma -----------------------------------------------

    def convert_condition_field_eq_field(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """Refused by name."""
        raise Unsupported(f"{self._sigma_name(cond.field)}: |fieldref is not supported in KQL yet", cond.field)

    def convert_condition_field_eq_val_timestamp_part(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """Refused by name."""
        raise Unsupported(
            f"{self._sigma_name(cond.field)}: parts of a time (|hour, |day, …) are not supported in KQL yet",
            cond.field,
        )

    def convert_condition_val_str(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """Refused by name."""
        self._refuse_keyword(cond)

    def convert_condition_val_num(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """Refused by name."""
        self._refuse_keyword(cond)

    def convert_condition_val_re(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """Refused by name."""
        self._refuse_keyword(cond)

    def convert_condition_query_expr(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """Refused by name."""
        self._refuse_keyword(cond)

    def _refuse_keyword(self, cond: ConditionValueExpression) -> NoReturn:
        raise Unsupported(f"the keyword {cond.value!s} has no field; KQL needs one: name the field it is in")


def _as_number(part: str | None) -> str | None:
    """The text as a number literal, if it is a plain whole number."""
    return part if part and part.isascii() and part.isdigit() and str(int(part)) == part else None


def _compare(subject: str, how: str, needle: str, cased: bool) -> Node[Predicate]:
    """A string test without wildcards; `how` is equals, contains, startswith or endswith.

    Kusto's case-insensitive operators know ASCII letters only (Kusto docs, 'String operators'), so letters
    beyond them are compared in lower case.
    """
    if not cased and _has_foreign_letters(needle):
        subject, needle, cased = f"tolower({subject})", _lower(needle), True
    operator = {"equals": "=="}.get(how, f"{how}_cs") if cased else {"equals": "=~"}.get(how, how)
    if (
        how == "contains"
        and _is_term_edge(needle[0])
        and _is_term_edge(needle[-1])
        and any(c.isalnum() for c in needle)
    ):
        operator = "has_cs" if cased else "has"
    return Test(Predicate(subject, operator, (string(needle),)))
