"""The ES|QL backend, which converts Sigma rules and correlations to ES|QL queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..common.expression import Node
from ..common.log_model import LogModel
from ..common.losses import Loss
from ..common.query import Query
from ..common.semantic_tests import SemanticTest
from ..common.time_frame import Alert
from ..elastic.lowering import answerable, lower
from ..elastic.predicates import Predicate
from .correlations import EsqlCorrelations
from .query import BOUND, EsqlFrame, Search, combine


class T1020EsqlBackend(EsqlCorrelations):
    """Converts Sigma rules to ES|QL for Elasticsearch 8.19 and later.

    The pipeline chooses the documents that a query reads (see LogModel).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (the period of a job) with `delay` (5m).
    """

    name: ClassVar[str] = "ES|QL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_esql"
    formats: ClassVar[dict[str, str]] = {
        "default": "ES|QL, one query for each rule and correlation",
        "combined": "One ES|QL query of all rules, with RuleId, RuleTitle and Branch, and one for each correlation",
    }
    correlation_methods: ClassVar[dict[str, str]] = {"default": "Events of one key in overlapping buckets of time"}
    frame_class = EsqlFrame

    def _lowered(self, test: SemanticTest, model: LogModel) -> Node[Predicate]:
        return lower(test, model, joins_arrays=True)

    def _settled(self, condition: Node[Predicate], model: LogModel) -> tuple[Node[Predicate], tuple[Loss, ...]]:
        return answerable(condition, model)

    def _losses_of(self, query: Query) -> tuple[Loss, ...]:
        """The losses of the query, and those that apply to a whole query only: of its rows, and of its runs."""
        if isinstance(query, Search):
            return (*query.losses, BOUND)
        return (*query.losses, self.frame.loss) if self.frame.period else query.losses

    def finalize_output_combined(self, queries: Sequence[tuple[Alert, Any]]) -> list[str]:
        """One query of all rules, and one for each correlation."""
        return combine(queries, self.frame)
