"""The KQL backend: Sigma rules and correlations as Kusto queries that mean the same."""

from __future__ import annotations

from typing import Any, ClassVar

from sigma.conversion.state import ConversionState
from sigma.rule import SigmaRule

from sigma.correlations import SigmaCorrelationRule

from ..common.backend import QueryBackend
from ..common.expression import All
from ..common.losses import Unsupported
from .correlations import KustoCorrelations
from .losses import widened
from .predicates import merge
from .query import Correlation, KustoAlert, KustoFrame, Query, Search, combine


class T1020KustoBackend(QueryBackend[KustoFrame], KustoCorrelations):
    """Kusto queries for the tables that a pipeline names (see log_model.STATE_KEYS).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (period of a job) with `delay` (5m).
    Output formats: `default`, a query a rule; `combined`, one query of all rules.
    """

    name: ClassVar[str] = "KQL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_kusto"
    formats: ClassVar[dict[str, str]] = {
        "default": "KQL, one query for each rule and correlation",
        "combined": "One KQL query of all rules, with RuleId, RuleTitle and Branch",
    }
    requires_pipeline: ClassVar[bool] = True
    correlation_methods: ClassVar[dict[str, str]] = {
        "default": "Join on the key and on time bins, one row for each first event"
    }

    def _time_frame(self, lookback: int, period: int, delay: int) -> KustoFrame:
        return KustoFrame(lookback, period, delay)

    def _alert(self, rule_id: str, title: str, branch: str, rank: int) -> KustoAlert:
        return KustoAlert(rule_id, title, branch, rank)

    # --- Rules ------------------------------------------------------------------------------------

    def finish_query(self, rule: SigmaRule | SigmaCorrelationRule, query: Any, state: ConversionState) -> Query:
        """The converted condition with what the pipeline says of its table; text is made in finalize_query."""
        if isinstance(query, Correlation):
            self.correlated[id(rule)] = query
        if isinstance(query, (Search, Correlation)):
            return query
        assert isinstance(rule, SigmaRule)
        model = self._model(rule, state.processing_state)
        condition, losses = widened(query)
        if condition == All(()):
            raise Unsupported(
                f"nothing is left to search for: {losses[0].message}"
                if losses
                else "the condition holds for every event",
                losses[0].field if losses else "",
            )
        return Search(model, merge(condition), {}, losses)

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: Any, index: int, state: ConversionState
    ) -> str:
        """The query's text."""
        if not isinstance(query, (Search, Correlation)):
            raise TypeError(f"{type(query).__name__} is no query of this backend")
        return query.render(self.frame)

    def finalize_output_combined(self, queries: list[Any]) -> list[str]:
        """All queries as one."""
        return [combine(queries, self.frame)] if queries else []
