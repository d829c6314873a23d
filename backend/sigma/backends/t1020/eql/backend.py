"""The EQL backend, which converts Sigma rules to event queries and correlations to sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..common.expression import Node
from ..common.log_model import LogModel
from ..common.losses import Loss, Unsupported
from ..common.query import Query
from ..common.semantic_tests import SemanticTest
from ..common.time_frame import Alert
from ..elastic.lowering import answerable, lower
from ..elastic.predicates import Predicate
from .correlations import EqlCorrelations
from .predicates import told
from .query import EqlFrame


class T1020EqlBackend(EqlCorrelations):
    """Converts Sigma rules to EQL for Elasticsearch 8.19 and later.

    The pipeline chooses the documents that a query reads (see LogModel).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (the period of a job) with `delay` (5m).
    An EQL query has no time range, so the loss `time` asks for it in the search or rule that runs the query.
    """

    name: ClassVar[str] = "EQL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_eql"
    formats: ClassVar[dict[str, str]] = {"default": "EQL, one query for each rule and correlation"}
    correlation_methods: ClassVar[dict[str, str]] = {"default": "Sequences"}
    frame_class = EqlFrame

    def _lowered(self, test: SemanticTest, model: LogModel) -> Node[Predicate]:
        return lower(test, model, joins_arrays=False)

    def _settled(self, condition: Node[Predicate], model: LogModel) -> tuple[Node[Predicate], tuple[Loss, ...]]:
        found, losses = answerable(condition, model)
        return told(found), losses

    def _losses_of(self, query: Query) -> tuple[Loss, ...]:
        """The losses of the query, and the one of its missing time range."""
        return (*query.losses, self.frame.loss)

    def finalize_output_combined(self, queries: Sequence[tuple[Alert, Any]]) -> list[str]:
        """Refuse the output format `combined`. Raises Unsupported."""
        raise Unsupported("EQL cannot join several rules into one query; use --dialect esql")
