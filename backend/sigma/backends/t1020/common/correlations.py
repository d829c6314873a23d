"""The conversion of correlations that all dialects share, and what it refuses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import eq, ge, gt, le, lt, ne
from typing import Any, ClassVar

from sigma.exceptions import SigmaConversionError
from sigma.rule import SigmaRule

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaRuleReference,
)

from .correlation_keys import CorrelationKeys, counted_fields
from .expression import any_of
from .losses import Unsupported
from .query import Query, RuleSearch, losses_of
from .time_frame import TimeFrame

AT_RULES = ("correlation", "rules")
AT_CONDITION = ("correlation", "condition")
AT_TYPE = ("correlation", "type")
OPERATORS = {
    SigmaCorrelationConditionOperator.LT: "<",
    SigmaCorrelationConditionOperator.LTE: "<=",
    SigmaCorrelationConditionOperator.GT: ">",
    SigmaCorrelationConditionOperator.GTE: ">=",
    SigmaCorrelationConditionOperator.EQ: "==",
    SigmaCorrelationConditionOperator.NEQ: "!=",
}
#: The most rules of one log source in `temporal`. One event may match several, so queries check each subset of them.
MAX_OVERLAPPING = 5
_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq, "!=": ne}


def _refused(kind: str) -> Callable[..., list[Any]]:
    """A conversion method that refuses a correlation type."""

    def refuse(backend: Correlations, *_: Any, **__: Any) -> list[Any]:
        raise Unsupported(
            f"the correlation type {kind} is not supported in {backend.language}; use event_count, "
            "value_count, temporal or temporal_ordered",
            at=AT_TYPE,
        )

    return refuse


class Correlations(CorrelationKeys):
    """The front, extended by correlations; subclasses make the queries.

    A rule is converted before the correlations that refer to it, and keeps its searches as its conversion result.
    """

    #: The name of the dialect in messages.
    language: ClassVar[str]
    #: The dialect's class for the search of a rule.
    search_class: ClassVar[type[RuleSearch]]
    #: The dialect's time frame, which says which events are read; the backend sets it.
    frame: Any

    @abstractmethod
    def _ordered(self, rule: SigmaCorrelationRule, searches: Sequence[Any]) -> Query:
        """The query of a `temporal_ordered` correlation of two or more rules, with a group-by."""

    @abstractmethod
    def _temporal(self, rule: SigmaCorrelationRule, searches: Sequence[Any]) -> Query:
        """The query of a `temporal` correlation of two or more rules."""

    @abstractmethod
    def _counted(self, rule: SigmaCorrelationRule, searches: Sequence[Any], operator: str, limit: int) -> Query:
        """The query of an `event_count` or `value_count` whose count satisfies `operator` and `limit`."""

    def convert_correlation_temporal_ordered_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Convert a correlation of rules that match in order within the time span."""
        searches = self._searches(rule, least=2)
        if not self._asking.group_by:
            raise Unsupported(
                "the correlation has no group-by; name the field that its rules share, such as Computer", at=AT_TYPE
            )
        return [self._ordered(rule, searches)]

    def convert_correlation_temporal_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Convert a correlation of rules that match in any order within the time span."""
        return [self._temporal(rule, self._searches(rule, least=2))]

    def convert_correlation_event_count_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Convert a correlation that counts events within the time span."""
        return [self._count(rule)]

    def convert_correlation_value_count_rule(
        self, rule: SigmaCorrelationRule, output_format: str | None = None, method: str = "default"
    ) -> list[Any]:
        """Convert a correlation that counts the distinct values of a field within the time span."""
        if len(counted_fields(rule)) != 1:
            raise Unsupported("value_count counts one field's values; set `field` in the condition", at=AT_CONDITION)
        return [self._count(rule)]

    def _count(self, rule: SigmaCorrelationRule) -> Query:
        condition = rule.condition
        assert isinstance(condition, SigmaCorrelationCondition)
        searches, operator = self._searches(rule), OPERATORS[condition.op]
        if operator not in (">", ">="):
            self._refuse_upper_bound(condition.op.name.lower(), searches)
        return self._counted(rule, searches, operator, condition.count)

    def _refuse_upper_bound(self, word: str, searches: Sequence[RuleSearch]) -> None:
        """Raise Unsupported if the query of a count with lt, lte, eq or neq would find less than the rule means."""
        frame: TimeFrame = self.frame
        if frame.period:
            raise Unsupported(
                f"a count with {word} is never complete, so no scheduled run can report it; use gt or gte",
                at=AT_CONDITION,
            )
        if losses := losses_of(searches):
            raise Unsupported(
                f"a rule finds more than it says ({losses[0].message}), so a count with {word} would find less; "
                "correct the rule, or use gt or gte",
                at=AT_CONDITION,
            )

    def _searches(self, rule: SigmaCorrelationRule, least: int = 1) -> list[Any]:
        """The search of each rule of a correlation.

        Raises Unsupported for a rule that has no search or lacks a field, and for fewer rules than `least`.
        """
        searches = [
            self._correlated(reference.rule, number, rule)
            if isinstance(reference.rule, SigmaCorrelationRule)
            else self._search(reference)
            for number, reference in enumerate(rule.referenced_rules, start=1)
        ]
        if len(searches) < least:
            raise Unsupported("the correlation has only one rule; name two or more", at=AT_RULES)
        for search in searches:
            if (refusal := search.keys[id(rule)].refusal) is not None:
                raise refusal
        return searches

    def _correlated(self, inner: SigmaCorrelationRule, number: int, outer: SigmaCorrelationRule) -> RuleSearch:
        """The search that finds when `inner`, rule `number` of `outer`, came true. Raises Unsupported by default."""
        raise Unsupported(
            f"{inner.name or inner.id} is a correlation, and {self.language} cannot correlate correlations; name rules "
            "instead",
            at=AT_RULES,
        )

    def _search(self, reference: SigmaRuleReference) -> RuleSearch:
        rule = reference.rule
        assert isinstance(rule, SigmaRule)
        try:
            found = [search for search in rule.get_conversion_result() if isinstance(search, self.search_class)]
        except SigmaConversionError:
            found = []
        if not found:
            raise Unsupported(
                f"the rule {reference.reference} was not converted; correct it, or put it before this one", at=AT_RULES
            )
        # An event that meets several conditions of a rule counts once.
        return replace(found[0], condition=any_of(search.condition for search in found), losses=losses_of(found))

    convert_correlation_value_sum_rule = _refused("value_sum")
    convert_correlation_value_avg_rule = _refused("value_avg")
    convert_correlation_value_percentile_rule = _refused("value_percentile")
    convert_correlation_value_median_rule = _refused("value_median")
    convert_correlation_extended_temporal_rule = _refused("temporal with a condition in words")
    convert_correlation_extended_temporal_ordered_rule = _refused("temporal_ordered with a condition in words")


def refuse_overlapping(rules: int, table: str) -> None:
    """Raise Unsupported if more rules read one log source than `temporal` can check for distinct events."""
    if rules > MAX_OVERLAPPING:
        raise Unsupported(
            f"{rules} rules of the correlation read {table}, and one event may match several of them; name at most "
            f"{MAX_OVERLAPPING}",
            at=AT_RULES,
        )


def refuse_condition(rule: SigmaCorrelationRule) -> None:
    """Raise Unsupported for a condition that no dialect supports, or that never comes true."""
    condition = rule.condition
    if not isinstance(condition, SigmaCorrelationCondition):
        return
    wanted = f"{condition.op.name.lower()}: {condition.count}"
    if rule.type in (SigmaCorrelationType.TEMPORAL, SigmaCorrelationType.TEMPORAL_ORDERED):
        # pySigma sets the condition to `gte: <number of rules>` if the correlation has none.
        rules = len(rule.rules or ())
        if [_comes_true(condition, count) for count in range(rules + 1)] != [False] * rules + [True]:
            raise Unsupported(
                f"`{wanted}` of {rules} rules: {rule.type.name.lower()} needs all of its rules; leave the condition "
                "out, or write one correlation for each combination of rules",
                at=AT_CONDITION,
            )
        return
    reason = ""
    if rule.type is SigmaCorrelationType.EVENT_COUNT and not _may_come_true(condition, 1):
        reason = "a time span starts with an event that is counted, so a count is at least 1; use gt or gte"
    elif rule.type is SigmaCorrelationType.VALUE_COUNT:
        counted = counted_fields(rule)
        if len(counted) == 1 and counted[0] in (rule.group_by or ()) and not _comes_true(condition, 1):
            reason = f"each {counted[0]} has only one value of {counted[0]}; count another field"
        elif not _may_come_true(condition, 0):
            reason = "a count is never negative; write another number"
    if reason:
        raise Unsupported(f"`{wanted}` never comes true: {reason}", at=AT_CONDITION)


def _comes_true(condition: SigmaCorrelationCondition, count: int) -> bool:
    return bool(_COMPARE[OPERATORS[condition.op]](count, condition.count))


def _may_come_true(condition: SigmaCorrelationCondition, least: int) -> bool:
    """Whether the condition holds for any count of at least `least`."""
    return any(_comes_true(condition, max(least, count)) for count in (least, condition.count, condition.count + 1))
