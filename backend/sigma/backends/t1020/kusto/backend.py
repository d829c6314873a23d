"""The KQL backend, which converts Sigma rules and correlations to Kusto queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sigma.conversion.state import ConversionState
from sigma.rule import SigmaRule

from sigma.correlations import SigmaCorrelationRule

from ..common.columns import Column
from ..common.expression import Node
from ..common.log_model import LogModel
from ..common.losses import Loss
from ..common.query import Query
from ..common.semantic_tests import SemanticTest
from ..common.time_frame import Alert
from .correlations import KustoCorrelations
from .directions import by_direction, of_each_direction
from .losses import widened
from .lowering import lower
from .predicates import Predicate
from .query import KustoFrame, combine
from .text import name


class T1020KustoBackend(KustoCorrelations):
    """Converts Sigma rules to Kusto queries; the pipeline chooses the tables that a query reads (see LogModel).

    Options (`sigma convert -O key=value`): `lookback` (24h), or `schedule` (the period of a job) with `delay` (5m).
    Output formats: `default`, one query for each rule; `combined`, one query of all rules.
    """

    name: ClassVar[str] = "KQL that means what the rule means, ordered correlations included"
    identifier: ClassVar[str] = "t1020_kusto"
    formats: ClassVar[dict[str, str]] = {
        "default": "KQL, one query for each rule and correlation",
        "combined": "One KQL query of all rules, with RuleId, RuleTitle and Branch",
    }
    correlation_methods: ClassVar[dict[str, str]] = {
        "default": "Join on the key and on time bins, one row for each first event"
    }
    frame_class = KustoFrame

    @staticmethod
    def _written_name(column: str) -> str:
        return name(column)

    def _key_column(self, column: Column, model: LogModel) -> Column:
        """The column, which depends on who began a connection if it is one of its ends."""
        return of_each_direction(column, model)

    def finish_query(self, rule: SigmaRule | SigmaCorrelationRule, query: Any, state: ConversionState) -> Query:
        """Make the search of a rule, whose tests of source and destination depend on who began a connection."""
        if isinstance(rule, SigmaRule):
            query = by_direction(query, self._known_model(state))
        return super().finish_query(rule, query, state)

    def _lowered(self, test: SemanticTest, model: LogModel) -> Node[Predicate]:
        return lower(test, model)

    def _settled(self, condition: Node[Predicate], model: LogModel) -> tuple[Node[Predicate], tuple[Loss, ...]]:
        return widened(condition)

    def finalize_output_combined(self, queries: Sequence[tuple[Alert, Any]]) -> list[str]:
        """One query of all rules and correlations."""
        return [combine(queries, self.frame)] if queries else []
