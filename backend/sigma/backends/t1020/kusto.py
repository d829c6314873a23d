"""The KQL backend: Sigma rules and correlations as Kusto queries that mean the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from sigma.conversion.state import ConversionState
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

from sigma.correlations import SigmaCorrelationRule

from .encodings import know_utf16le
from .expression import All
from .kusto_correlations import Asking, KustoCorrelations
from .kusto_losses import widened
from .kusto_predicates import merge
from .kusto_query import Alert, Correlation, Query, Search, TimeFrame, combine
from .kusto_text import seconds
from .losses import Loss, Unsupported
from .misread import correct_misread

DEFAULT_LOOKBACK = "24h"
DEFAULT_DELAY = "5m"


class T1020KustoBackend(KustoCorrelations):
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
        know_utf16le()
        self.correlated = {}
        self.losses: dict[int, dict[int, tuple[Loss, ...]]] = {}
        """By the identity of a converted rule and the index of its query: what that gives up."""
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
        self.losses.pop(id(rule), None)
        self._converting = rule
        if not hasattr(self, "last_processing_pipeline"):
            self.init_processing_pipeline(output_format)
        try:
            correct_misread(rule)
        except Unsupported as error:
            if not self.collect_errors:
                raise
            self.errors.append((rule, error))
            return []
        keys = self._keys_for_correlations(rule)
        queries: list[Any] = super().convert_rule(rule, output_format, callback)
        if not rule._backreferences:
            return queries
        searches = [replace(search, keys=keys) for search in rule.get_conversion_result() if isinstance(search, Search)]
        rule.set_conversion_result(searches)
        form = output_format or self.default_format
        states = rule.get_conversion_states()
        return [
            self.finalize_query(rule, search, index, states[index], form)
            for index, search in enumerate(searches if queries else ())
        ]

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

    def finalize_query(
        self,
        rule: SigmaRule | SigmaCorrelationRule,
        query: Any,
        index: int,
        state: ConversionState,
        output_format: str,
    ) -> Any:
        """The query's text; in the combined format, which needs them all first, the query with its names."""
        self.losses.setdefault(id(rule), {})[index] = query.losses
        if output_format == "combined":
            branch = rule.custom_attributes.get("branch", "")
            return Alert(str(rule.id or ""), rule.title, str(branch)), query
        return super().finalize_query(rule, query, index, state, output_format)

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: Any, index: int, state: ConversionState
    ) -> str:
        """The query's text."""
        if not isinstance(query, (Search, Correlation)):
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
        self.losses.pop(id(rule), None)
        self.correlated.pop(id(rule), None)
        self._asking = Asking.of_rule(rule)
        queries: list[Any] = super().convert_correlation_rule(rule, output_format, method, callback)
        # pySigma prints what another correlation refers to all the same.
        return queries if rule._output else []
