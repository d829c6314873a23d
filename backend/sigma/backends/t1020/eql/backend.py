"""The EQL backend: Sigma rules and correlations as event queries and sequences of Elastic that mean the same."""

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
    """EQL queries, for Elasticsearch 8.19 and later, of the documents that a pipeline names (log_model.LogModel).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (period of a job) with `delay` (5m), of
    which the text says nothing: they are what the loss `time` asks of the search or the rule.
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
        """Those of the query, and that its text has no time."""
        return (*query.losses, self.frame.loss)

    def finalize_output_combined(self, queries: Sequence[tuple[Alert, Any]]) -> list[str]:
        """Refused by name."""
        raise Unsupported("EQL cannot join several rules into one query; use --dialect esql")
