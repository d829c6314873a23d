"""The ES|QL backend: Sigma rules and correlations as queries of Elasticsearch that mean the same."""

from __future__ import annotations

from typing import Any, ClassVar

from sigma.conversion.state import ConversionState
from sigma.rule import SigmaRule

from sigma.correlations import SigmaCorrelationRule

from ..common.backend import QueryBackend
from .correlations import EsqlCorrelations
from .query import BOUND, Correlation, EsqlAlert, EsqlFrame, Search, combine


class T1020EsqlBackend(QueryBackend[EsqlFrame], EsqlCorrelations):
    """ES|QL queries, for Elasticsearch 8.19 and later, of the documents that a pipeline names (log_model.STATE_KEYS).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (period of a job) with `delay` (5m).
    """

    name: ClassVar[str] = "ES|QL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_esql"
    formats: ClassVar[dict[str, str]] = {
        "default": "ES|QL, one query for each rule and correlation",
        "combined": "One ES|QL query of all rules, with RuleId, RuleTitle and Branch, and one for each correlation",
    }
    requires_pipeline: ClassVar[bool] = True
    correlation_methods: ClassVar[dict[str, str]] = {"default": "Events of one key in overlapping buckets of time"}
    default_correlation_method: ClassVar[str] = "default"

    def _time_frame(self, lookback: int, period: int, delay: int) -> EsqlFrame:
        return EsqlFrame(lookback, period, delay)

    def _alert(self, rule_id: str, title: str, branch: str, rank: int) -> EsqlAlert:
        return EsqlAlert(rule_id, title, branch, rank)

    def finish_query(self, rule: SigmaRule | SigmaCorrelationRule, query: Any, state: ConversionState) -> Any:
        """The converted condition with what the pipeline says of its documents; text is made in finalize_query."""
        if isinstance(query, (Search, Correlation)):
            return query
        assert isinstance(rule, SigmaRule)
        model, condition, losses = self._searched(rule, query, state)
        return Search(model, condition, {}, losses)

    def finalize_query(
        self,
        rule: SigmaRule | SigmaCorrelationRule,
        query: Any,
        index: int,
        state: ConversionState,
        output_format: str,
    ) -> Any:
        """See QueryBackend. The cap on rows is a loss of each query that is printed, not of the parts of another."""
        text = super().finalize_query(rule, query, index, state, output_format)
        if isinstance(query, Search):
            self.losses[id(rule)][index] = (*query.losses, BOUND)
        return text

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: Any, index: int, state: ConversionState
    ) -> str:
        """The query's text."""
        if not isinstance(query, (Search, Correlation)):
            raise TypeError(f"{type(query).__name__} is no query of this backend")
        return query.render(self.frame)

    def finalize_output_combined(self, queries: list[Any]) -> list[str]:
        """All rules as one query, and a query for each correlation."""
        return combine(queries, self.frame)
