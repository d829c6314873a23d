"""The way of a rule through a backend: its options, what it keeps for correlations, what it gives up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

import click
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

from sigma.correlations import SigmaCorrelationRule

from .correlation_keys import Asking
from .correlations import Correlations, refuse_condition
from .encodings import know_utf16le
from .expression import All, Node, lowered
from .log_model import LogModel
from .losses import Loss, Unsupported
from .misread import correct_misread
from .query import Query, RuleSearch
from .time_frame import DEFAULT_DELAY, DEFAULT_LOOKBACK, Alert, TimeFrame, option_seconds, timespan

Frame = TypeVar("Frame", bound=TimeFrame)


class BadOption(click.UsageError, ValueError):
    """An option of a backend that cannot be. sigma-cli prints click's errors, and lets a ValueError be a traceback."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"Backend option '{option}': {message}")


def _option_seconds(option: str, span: str | int, least: int = 1) -> int:
    try:
        return option_seconds(span, least)
    except ValueError as error:
        raise BadOption(option, str(error)) from None


class QueryBackend(Correlations, Generic[Frame]):
    """What the backends of all dialects do alike. `frame` is which events their queries read."""

    requires_pipeline: ClassVar[bool] = True
    default_correlation_method: ClassVar[str] = "default"
    #: The dialect's time frame, of spans in seconds.
    frame_class: type[Frame]

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
        self.correlated: dict[int, Query] = {}
        """The queries of converted correlations, by the identity of their rules, for those that refer to them."""
        self.losses: dict[int, dict[int, tuple[Loss, ...]]] = {}
        """By the identity of a converted rule and the index of its query: what that gives up."""
        self.frame = self._time_frame(
            _option_seconds("lookback", lookback),
            _option_seconds("schedule", schedule) if schedule not in ("", None) else 0,
            _option_seconds("delay", delay, least=0),
        )

    def _time_frame(self, lookback: int, period: int, delay: int) -> Frame:
        return self.frame_class(lookback, period, delay)

    @abstractmethod
    def finalize_output_combined(self, queries: Sequence[tuple[Alert, Any]]) -> list[str]:
        """The queries of the format `combined`, of what finalize_query gives there."""

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
        collected = len(self.errors)
        queries: list[Any] = super().convert_rule(rule, output_format, callback)
        if not rule._backreferences or len(self.errors) > collected:
            return queries
        searches = [
            replace(search, keys=keys) for search in rule.get_conversion_result() if isinstance(search, RuleSearch)
        ]
        rule.set_conversion_result(searches)
        form = output_format or self.default_format
        states = rule.get_conversion_states()
        return [
            self.finalize_query(rule, search, index, states[index], form)
            for index, search in enumerate(searches if queries else ())
        ]

    def finish_query(self, rule: SigmaRule | SigmaCorrelationRule, query: Any, state: ConversionState) -> Query:
        """The query of a rule's condition, which comes as a tree of semantic tests; its text is made at the end."""
        if isinstance(rule, SigmaCorrelationRule):
            correlated: Query = query
            self.correlated[id(rule)] = correlated
            return correlated
        model = self._known_model(state)
        condition, losses = self._settled(lowered(query, lambda test: self._lowered(test, model)), model)
        if condition == All(()):
            raise Unsupported(
                f"nothing is left to search for: {losses[0].message}"
                if losses
                else "the condition holds for every event",
                losses[0].field if losses else "",
            )
        search: Query = self.search_class(model, condition, {}, losses)
        return search

    @abstractmethod
    def _settled(self, condition: Node[Any], model: LogModel) -> tuple[Node[Any], tuple[Loss, ...]]:
        """The condition as the log source can answer it, never narrower, and what is lost. Raises Unsupported."""

    def finalize_query(
        self,
        rule: SigmaRule | SigmaCorrelationRule,
        query: Query,
        index: int,
        state: ConversionState,
        output_format: str,
    ) -> Any:
        """The query's text; in the combined format, which needs them all first, the query with its names."""
        self.losses.setdefault(id(rule), {})[index] = self._losses_of(query)
        if output_format == "combined":
            branch = rule.custom_attributes.get("branch", "")
            rank = rule.level.value if rule.level else 0
            return Alert(str(rule.id or ""), rule.title, str(branch), rank), query
        return super().finalize_query(rule, query, index, state, output_format)

    def _losses_of(self, query: Query) -> tuple[Loss, ...]:
        """What a query gives up that is printed by itself."""
        return query.losses

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: Query, index: int, state: ConversionState
    ) -> str:
        """The query's text."""
        return query.render(self.frame)

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
        queries: list[Any] = []
        try:
            refuse_condition(rule)
            self._refuse_longer_than_looked_back(rule)
            queries = super().convert_correlation_rule(rule, output_format, method, callback)
        except SigmaError as error:
            # pySigma collects the errors of rules, not those of correlations.
            if not self.collect_errors:
                raise
            errors: list[Any] = self.errors
            errors.append((rule, error))
        # pySigma prints what another correlation refers to all the same.
        return queries if rule._output else []

    def _refuse_longer_than_looked_back(self, rule: SigmaCorrelationRule) -> None:
        span, lookback = rule.timespan.seconds, self.frame.lookback
        if not self.frame.period and span > lookback:
            raise Unsupported(
                f"the time span of {timespan(span)} is longer than the look-back of {timespan(lookback)}, in which it "
                f"cannot be seen; use a longer one, such as {timespan(2 * span)}",
                at=("correlation", "timespan"),
            )
