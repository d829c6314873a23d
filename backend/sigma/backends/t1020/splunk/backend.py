"""The SPL backend: Sigma rules and correlations as Splunk searches that mean the same."""

from __future__ import annotations

from typing import Any, ClassVar

from sigma.conversion.state import ConversionState
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

from sigma.correlations import SigmaCorrelationRule

from ..common.backend import BadOption, QueryBackend
from ..common.expression import All
from ..common.losses import Unsupported
from ..common.time_frame import DEFAULT_DELAY, DEFAULT_LOOKBACK
from .correlations import SplunkCorrelations
from .query import DEFAULT_INDEX, Correlation, Search, SplunkAlert, SplunkFrame, combine, is_index


class T1020SplunkBackend(QueryBackend[SplunkFrame], SplunkCorrelations):
    """Splunk searches of the events that a pipeline names (see log_model.STATE_KEYS).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (period of a job) with `delay` (5m);
    `index` (any), the index to search, or a macro in backticks.
    """

    name: ClassVar[str] = "SPL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_splunk"
    formats: ClassVar[dict[str, str]] = {
        "default": "SPL, one search for each rule and correlation",
        "combined": "One SPL search of all rules, with RuleId, RuleTitle and Branch, and one for each correlation",
    }
    requires_pipeline: ClassVar[bool] = True
    correlation_methods: ClassVar[dict[str, str]] = {
        "default": "One base search, carried back through the events in order of time"
    }
    default_correlation_method: ClassVar[str] = "default"

    def __init__(
        self,
        processing_pipeline: ProcessingPipeline | None = None,
        collect_errors: bool = False,
        lookback: str = DEFAULT_LOOKBACK,
        schedule: str = "",
        delay: str = DEFAULT_DELAY,
        index: str = DEFAULT_INDEX,
        **backend_options: Any,
    ) -> None:
        if isinstance(index, int):
            # Of 2024_01 as of 202401: int() lets an underscore and a leading zero pass.
            raise BadOption(
                "index",
                f"sigma-cli made the number {index} of it, which may not be what was written; put the index into a "
                "macro, or use sigma-t1020 convert --index",
            )
        if not is_index(index):
            raise BadOption("index", f"{index!r} is no index: write its name, or a macro in backticks")
        self.index = index
        super().__init__(processing_pipeline, collect_errors, lookback, schedule, delay, **backend_options)

    def _time_frame(self, lookback: int, period: int, delay: int) -> SplunkFrame:
        return SplunkFrame(lookback, period, delay, index=self.index)

    def _alert(self, rule_id: str, title: str, branch: str, rank: int) -> SplunkAlert:
        return SplunkAlert(rule_id, title, branch, rank)

    def finish_query(self, rule: SigmaRule | SigmaCorrelationRule, query: Any, state: ConversionState) -> Any:
        """The converted condition with what the pipeline says of its events; text is made in finalize_query."""
        if isinstance(query, (Search, Correlation)):
            return query
        assert isinstance(rule, SigmaRule)
        if query == All(()):
            raise Unsupported("the condition holds for every event")
        model = self._model(rule, state.processing_state)
        if not model.data_model and not model.source_values:
            raise Unsupported(
                f"the pipeline does not say which events are {model.table}, so that all of the index would be "
                "searched; set sources and source_values",
                at=("logsource", "category"),
            )
        return Search(model, query, {})

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: Any, index: int, state: ConversionState
    ) -> str:
        """The search's text."""
        if not isinstance(query, (Search, Correlation)):
            raise TypeError(f"{type(query).__name__} is no query of this backend")
        return query.render(self.frame)

    def finalize_output_combined(self, queries: list[Any]) -> list[str]:
        """All rules as one search, and a search for each correlation."""
        return combine(queries, self.frame)
