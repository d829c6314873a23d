"""The EQL backend: Sigma rules and correlations as event queries and sequences of Elastic that mean the same."""

from __future__ import annotations

from typing import Any, ClassVar

from sigma.conversion.state import ConversionState
from sigma.rule import SigmaRule

from sigma.correlations import SigmaCorrelationRule

from ..common.backend import QueryBackend
from ..common.losses import Unsupported
from ..common.time_frame import Alert
from .correlations import EqlCorrelations
from .predicates import told
from .query import EqlFrame, EventSequence, Search


class T1020EqlBackend(QueryBackend[EqlFrame], EqlCorrelations):
    """EQL queries, for Elasticsearch 8.19 and later, of the documents that a pipeline names (log_model.STATE_KEYS).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (period of a job) with `delay` (5m), of
    which the text says nothing: they are what the loss `time` asks of the search or the rule.
    """

    name: ClassVar[str] = "EQL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_eql"
    formats: ClassVar[dict[str, str]] = {"default": "EQL, one query for each rule and correlation"}
    requires_pipeline: ClassVar[bool] = True
    correlation_methods: ClassVar[dict[str, str]] = {"default": "Sequences"}
    default_correlation_method: ClassVar[str] = "default"

    def _time_frame(self, lookback: int, period: int, delay: int) -> EqlFrame:
        return EqlFrame(lookback, period, delay)

    def _alert(self, rule_id: str, title: str, branch: str, rank: int) -> Alert:
        return Alert(rule_id, title, branch, rank)

    def finish_query(self, rule: SigmaRule | SigmaCorrelationRule, query: Any, state: ConversionState) -> Any:
        """The converted condition with what the pipeline says of its documents; text is made in finalize_query."""
        if isinstance(query, (Search, EventSequence)):
            return query
        assert isinstance(rule, SigmaRule)
        model, condition, losses = self._searched(rule, query, state)
        return Search(model, told(condition, self._sigma_name), {}, losses)

    def finalize_query(
        self,
        rule: SigmaRule | SigmaCorrelationRule,
        query: Any,
        index: int,
        state: ConversionState,
        output_format: str,
    ) -> Any:
        """See QueryBackend. That the text has no time is a loss of each query that is printed."""
        text = super().finalize_query(rule, query, index, state, output_format)
        self.losses[id(rule)][index] = (*query.losses, self.frame.loss)
        return text

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: Any, index: int, state: ConversionState
    ) -> str:
        """The query's text."""
        if not isinstance(query, (Search, EventSequence)):
            raise TypeError(f"{type(query).__name__} is no query of this backend")
        return query.render()

    def finalize_output_combined(self, queries: list[Any]) -> list[str]:
        """Refused by name."""
        raise Unsupported("EQL cannot join several rules into one query; use --dialect esql")
