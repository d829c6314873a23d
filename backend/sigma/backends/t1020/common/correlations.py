"""What the correlations of all dialects have in common: what they ask of their rules, and what is refused."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any, ClassVar, NoReturn

from sigma.exceptions import SigmaConversionError, SigmaError
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections, SigmaRule
from sigma.types import SigmaExists

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaRuleReference,
)

from .expression import Node
from .front import ModelConditions
from .log_model import Column, LogModel
from .losses import Loss, NoSuchField, Unsupported

AT_RULES = ("correlation", "rules")
AT_CONDITION = ("correlation", "condition")
AT_GROUP_BY = ("correlation", "group-by")
OPERATORS = {
    SigmaCorrelationConditionOperator.LT: "<",
    SigmaCorrelationConditionOperator.LTE: "<=",
    SigmaCorrelationConditionOperator.GT: ">",
    SigmaCorrelationConditionOperator.GTE: ">=",
    SigmaCorrelationConditionOperator.EQ: "==",
    SigmaCorrelationConditionOperator.NEQ: "!=",
}
_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}


@dataclass(frozen=True)
class Keys:
    """Where a log source has what a correlation asks for: its group-by fields under their Sigma names, and the field
    whose values it counts, if it counts any. `refusal` says what it does not have."""

    by: Mapping[str, Column]
    value: Column | None = None
    refusal: Unsupported | None = None


@dataclass(frozen=True)
class RuleSearch:
    """The rows of one log source that meet a rule's condition, before a dialect writes them.

    `keys`: what each correlation (by the identity of its rule object) that refers to the rule asks of its events.
    """

    model: LogModel
    condition: Node[Any]
    keys: Mapping[int, Keys]
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class Asking:
    """What a correlation asks of each correlation to which it refers, in the rule's own words.

    pySigma's pipelines rename the fields of a correlation too, before it is converted, once for all that it refers to:
    `group_by` and `counted` are its fields, `of` is by the number of a reference what each is called there.
    """

    group_by: Sequence[str]
    counted: Sequence[str]
    of: Mapping[int, Mapping[str, str]]

    @classmethod
    def of_rule(cls, rule: SigmaCorrelationRule) -> Asking:
        """Before a pipeline has seen the correlation."""
        group_by, counted = list(rule.group_by or ()), counted_fields(rule)
        of = {
            number: {field: aliased(rule, reference.rule, field) for field in [*group_by, *counted]}
            for number, reference in enumerate(rule.referenced_rules, start=1)
            if isinstance(reference.rule, SigmaCorrelationRule)
        }
        return cls(group_by, counted, of)


class CorrelatingConditions(ModelConditions):
    """Conditions, and what correlations ask of their rules. A rule is converted before the correlations that name it,
    and keeps its searches as its conversion result."""

    #: What messages call the dialect.
    language: ClassVar[str]
    #: Of the correlation that is being converted.
    _asking: Asking

    # --- What a correlation asks of its rules -----------------------------------------------------------

    def _keys_for_correlations(self, rule: SigmaRule) -> dict[int, Keys]:
        """For each correlation that refers to the rule: the fields it asks for as this log source has them.

        Asked before the pipeline renames the rule's fields, with a stand-in rule of the same log source: pySigma
        would rename the correlation's fields once for all legs, though each leg has its own table.
        """
        keys: dict[int, Keys] = {}
        for correlation in rule._backreferences:
            if not isinstance(correlation, SigmaCorrelationRule) or id(correlation) in keys:
                continue
            group_by = list(correlation.group_by or ())
            asked = {field: aliased(correlation, rule, field) for field in [*group_by, *counted_fields(correlation)]}
            try:
                found = self._resolve(rule, asked)
            except SigmaError as error:
                # The rule itself has nothing wrong: the correlation is refused for it, when its turn comes.
                keys[id(correlation)] = Keys({}, refusal=_refusal(correlation, rule, asked, error))
                continue
            value = next((found[field] for field in counted_fields(correlation)), None)
            keys[id(correlation)] = Keys({field: found[field] for field in group_by}, value)
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
                raise Unsupported(
                    f"a correlation asks for {asked}, several columns of {model.table}; choose one", field
                )
            column = self._column(item.field, model, field)
            if not column.text:
                raise Unsupported(
                    f"{asked}, which a correlation asks for, has no column in {model.table}; choose another field",
                    field,
                )
            found[asked] = column
        return found

    # --- Refused ----------------------------------------------------------------------------------------

    def _refuse_correlation(self, kind: str) -> NoReturn:
        raise Unsupported(
            f"the correlation type {kind} is not supported in {self.language}; use event_count, "
            "value_count, temporal or temporal_ordered",
            at=("correlation", "type"),
        )

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


def refuse_condition(rule: SigmaCorrelationRule) -> None:
    """Raises Unsupported for a condition that no query here heeds, or that never comes true."""
    condition = rule.condition
    if not isinstance(condition, SigmaCorrelationCondition):
        return
    wanted = f"{condition.op.name.lower()}: {condition.count}"
    if rule.type in (SigmaCorrelationType.TEMPORAL, SigmaCorrelationType.TEMPORAL_ORDERED):
        # pySigma writes "at least so many as there are rules" where a rule has no condition.
        rules = len(rule.rules or ())
        if [_comes_true(condition, count) for count in range(rules + 1)] != [False] * rules + [True]:
            raise Unsupported(
                f"`{wanted}` of {rules} rules: {rule.type.name.lower()} asks for all of its rules; leave the condition "
                "out, or write a correlation for each choice of rules",
                at=AT_CONDITION,
            )
        return
    reason = ""
    if rule.type is SigmaCorrelationType.EVENT_COUNT and not _may_come_true(condition, 1):
        reason = (
            "a time span starts with an event that is counted; no query here finds the absence of events, use gt or gte"
        )
    elif rule.type is SigmaCorrelationType.VALUE_COUNT:
        counted = counted_fields(rule)
        if len(counted) == 1 and counted[0] in (rule.group_by or ()) and not _comes_true(condition, 1):
            reason = f"each {counted[0]} has one value of itself; count another field"
        elif not _may_come_true(condition, 0):
            reason = "no count is negative; write another number"
    if reason:
        raise Unsupported(f"`{wanted}` never comes true: {reason}", at=AT_CONDITION)


def _comes_true(condition: SigmaCorrelationCondition, count: int) -> bool:
    return bool(_COMPARE[OPERATORS[condition.op]](count, condition.count))


def _may_come_true(condition: SigmaCorrelationCondition, least: int) -> bool:
    """Whether some count does, of those from `least` on."""
    return any(_comes_true(condition, max(least, count)) for count in (least, condition.count, condition.count + 1))


def aliased(correlation: SigmaCorrelationRule, rule: SigmaRule | SigmaCorrelationRule, field: str) -> str:
    """What a field of a correlation is called in a rule: the same, unless an alias says otherwise."""
    return _own_name(correlation, rule, field) or field


def _own_name(correlation: SigmaCorrelationRule, rule: SigmaRule | SigmaCorrelationRule, alias: str) -> str:
    found = correlation.aliases.aliases.get(alias)
    names = found.mapping.items() if found else ()
    return next((str(own) for reference, own in names if reference.reference in (rule.name, str(rule.id))), "")


def _refusal(
    correlation: SigmaCorrelationRule, rule: SigmaRule, asked: Mapping[str, str], error: SigmaError
) -> Unsupported:
    """Why a correlation cannot have what it asks of a rule; `asked` has its fields and what they are called there."""
    name = rule.name or rule.id
    if not isinstance(error, Unsupported):
        # A pipeline's own words, which are about a test of the field.
        fields = " or ".join(asked.values())
        return Unsupported(f"it asks {name} for {fields}, which is no column there: {error}", at=AT_GROUP_BY)
    alias = error.field
    if (
        isinstance(error, NoSuchField)
        and asked.get(alias) == alias
        and alias in correlation.aliases.aliases
        and not _own_name(correlation, rule, alias)
    ):
        return Unsupported(
            f"the alias {alias} does not say what it is in {name}, which has no field of that name; "
            f"add `{name}: …` to it",
            at=("correlation", "aliases", alias),
        )
    return error


def counted_fields(correlation: SigmaCorrelationRule) -> list[str]:
    """The fields whose values a correlation counts."""
    found = getattr(correlation.condition, "fieldref", None) or []
    return [found] if isinstance(found, str) else list(found)


def searches_of(reference: SigmaRuleReference) -> list[RuleSearch]:
    """The searches that a rule has become, one for each condition. Raises Unsupported where there is none."""
    rule = reference.rule
    assert isinstance(rule, SigmaRule)
    try:
        found = [search for search in rule.get_conversion_result() if isinstance(search, RuleSearch)]
    except SigmaConversionError:
        found = []
    if not found:
        raise Unsupported(
            f"its rule {reference.reference} was not converted; mend it, or put it before this one", at=AT_RULES
        )
    return found


def losses_of(searches: Iterable[RuleSearch]) -> tuple[Loss, ...]:
    """What the searches give up, each loss once."""
    return tuple(dict.fromkeys(loss for search in searches for loss in search.losses))
