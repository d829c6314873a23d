"""The base class of the backends: their options, and how a rule becomes a query with its losses."""

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
    """A backend option has an invalid value.

    It is a click error too, because sigma-cli prints those and shows a traceback for a plain ValueError.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"Backend option '{option}': {message}")


def _option_seconds(option: str, span: str | int, least: int = 1) -> int:
    try:
        return option_seconds(span, least)
    except ValueError as error:
        raise BadOption(option, str(error)) from None


class QueryBackend(Correlations, Generic[Frame]):
    """The base of all backends. `frame` says which events their queries read."""

    requires_pipeline: ClassVar[bool] = True
    default_correlation_method: ClassVar[str] = "default"
    #: The dialect's class of time frame; it takes look-back, period and delay in seconds.
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
        """The queries of converted correlations by `id` of the rule, for the correlations that refer to them."""
        self.losses: dict[int, dict[int, tuple[Loss, ...]]] = {}
        """The losses of each query, by `id` of the converted rule and index of the query."""
        self.frame = self._time_frame(
            _option_seconds("lookback", lookback),
            _option_seconds("schedule", schedule) if schedule not in ("", None) else 0,
            _option_seconds("delay", delay, least=0),
        )

    def _time_frame(self, lookback: int, period: int, delay: int) -> Frame:
        return self.frame_class(lookback, period, delay)

    @abstractmethod
    def finalize_output_combined(self, queries: Sequence[tuple[Alert, Any]]) -> list[str]:
        """The queries of the output format `combined`, made from what finalize_query returned in that format."""

    def convert_rule(
        self,
        rule: SigmaRule,
        output_format: str | None = None,
        callback: Callable[..., Any] | None = None,
    ) -> list[Any]:
        """Convert one rule, as pySigma's Backend.convert_rule does.

        If a correlation refers to the rule, the rule keeps its searches as its conversion result.
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
        """Make the search of a rule from its tree of semantic tests; a correlation's query is already made.

        Raises Unsupported if the condition holds for every event.
        """
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
        """Return the condition in a form that the log source can answer, never narrower, and its losses.

        Raises Unsupported if every such form would be narrower.
        """

    def finalize_query(
        self,
        rule: SigmaRule | SigmaCorrelationRule,
        query: Query,
        index: int,
        state: ConversionState,
        output_format: str,
    ) -> Any:
        """Return the query's text or, in the format `combined`, its alert and the query itself."""
        self.losses.setdefault(id(rule), {})[index] = self._losses_of(query)
        if output_format == "combined":
            branch = rule.custom_attributes.get("branch", "")
            rank = rule.level.value if rule.level else 0
            return Alert(str(rule.id or ""), rule.title, str(branch), rank), query
        return super().finalize_query(rule, query, index, state, output_format)

    def _losses_of(self, query: Query) -> tuple[Loss, ...]:
        """The losses of a query that is printed on its own, not as a part of another."""
        return query.losses

    def finalize_query_default(
        self, rule: SigmaRule | SigmaCorrelationRule, query: Query, index: int, state: ConversionState
    ) -> str:
        """Return the query's text."""
        return query.render(self.frame)

    def convert_correlation_rule(
        self,
        rule: SigmaCorrelationRule,
        output_format: str | None = None,
        method: str | None = None,
        callback: Callable[..., Any] | None = None,
    ) -> list[Any]:
        """Convert one correlation, as pySigma's Backend.convert_correlation_rule does.

        The rules that it refers to must have been converted already.
        """
        self.losses.pop(id(rule), None)
        self.correlated.pop(id(rule), None)
        self._asking = Asking.of_rule(rule)
        queries: list[Any] = []
        try:
            refuse_condition(rule)
            self._refuse_longer_than_looked_back(rule)
            queries = super().convert_correlation_rule(rule, output_format, method, callback)
        except SigmaError as error:
            # pySigma collects the errors of rules, but not those of correlations.
            if not self.collect_errors:
                raise
            errors: list[Any] = self.errors
            errors.append((rule, error))
        # pySigma would also print a correlation that only serves another one.
        return queries if rule._output else []

    def _refuse_longer_than_looked_back(self, rule: SigmaCorrelationRule) -> None:
        span, lookback = rule.timespan.seconds, self.frame.lookback
        if not self.frame.period and span > lookback:
            raise Unsupported(
                f"the time span of {timespan(span)} is longer than the look-back of {timespan(lookback)}; use a longer "
                f"look-back, such as {timespan(2 * span)}",
                at=("correlation", "timespan"),
            )
