"""The SPL backend, which converts Sigma rules and correlations to Splunk searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sigma.processing.pipeline import ProcessingPipeline

from ..common.backend import BadOption
from ..common.expression import Node
from ..common.log_model import LogModel
from ..common.losses import Loss, Unsupported
from ..common.semantic_tests import SemanticTest
from ..common.time_frame import DEFAULT_DELAY, DEFAULT_LOOKBACK, Alert
from .correlations import SplunkCorrelations
from .lowering import lower
from .predicates import Predicate
from .query import DEFAULT_INDEX, SplunkFrame, combine, is_index
from .text import eval_name


class T1020SplunkBackend(SplunkCorrelations):
    """Converts Sigma rules to Splunk searches; the pipeline chooses the events that a search reads (see LogModel).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (the period of a job) with `delay` (5m);
    `index` (any), the index to search, or a macro in backticks.
    """

    name: ClassVar[str] = "SPL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_splunk"
    formats: ClassVar[dict[str, str]] = {
        "default": "SPL, one search for each rule and correlation",
        "combined": "One SPL search of all rules, with RuleId, RuleTitle and Branch, and one for each correlation",
    }
    correlation_methods: ClassVar[dict[str, str]] = {
        "default": "One base search, carried back through the events in order of time"
    }

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
            # The name may have been 2024_01 or 0202401, because int() accepts underscores and leading zeros.
            raise BadOption(
                "index",
                f"sigma-cli reads the index as the number {index}, which may not be what you wrote; put the index in a "
                "macro, or use sigma-t1020 convert --index",
            )
        if not is_index(index):
            raise BadOption("index", f"{index!r} is not an index; write its name, or a macro in backticks")
        self.index = index
        super().__init__(processing_pipeline, collect_errors, lookback, schedule, delay, **backend_options)

    def _time_frame(self, lookback: int, period: int, delay: int) -> SplunkFrame:
        return SplunkFrame(lookback, period, delay, index=self.index)

    @staticmethod
    def _written_name(column: str) -> str:
        """The field's name, which each command quotes in its own way. Raises Unsupported if SPL cannot quote it."""
        eval_name(column)
        return column

    def _lowered(self, test: SemanticTest, model: LogModel) -> Node[Predicate]:
        return lower(test, model)

    def _settled(self, condition: Node[Predicate], model: LogModel) -> tuple[Node[Predicate], tuple[Loss, ...]]:
        if not model.data_model and not model.source_values:
            raise Unsupported(
                f"the pipeline does not say which events are {model.table}, so the search would read the whole index; "
                "set `sources` and `source_values`",
                at=("logsource", "category"),
            )
        return condition, ()

    def finalize_output_combined(self, queries: Sequence[tuple[Alert, Any]]) -> list[str]:
        """One search of all rules of events, and one for each data model and each correlation."""
        return combine(queries, self.frame)
