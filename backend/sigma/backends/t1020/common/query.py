"""What every dialect's queries are: their losses and their text, before one is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .expression import Node
from .log_model import LogModel
from .losses import Loss
from .time_frame import Alert

if TYPE_CHECKING:
    from .correlation_keys import Keys


class Query(Protocol):
    """The query of a rule or of a correlation."""

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What the query gives up."""

    def render(self, frame: Any, alert: Alert | None = None) -> str:
        """The query's text; `frame` is the dialect's time frame. With `alert`, its columns come first."""


@dataclass(frozen=True)
class RuleSearch(ABC):
    """The rows of one log source that meet a rule's condition, a tree of the dialect's predicates.

    `keys`: what each correlation (by the identity of its rule object) that refers to the rule asks of its events.
    """

    model: LogModel
    condition: Node[Any]
    keys: Mapping[int, Keys]
    losses: tuple[Loss, ...] = ()

    @abstractmethod
    def render(self, frame: Any, alert: Alert | None = None) -> str:
        """See Query."""


def losses_of(searches: Iterable[RuleSearch]) -> tuple[Loss, ...]:
    """What the searches give up, each loss once."""
    return tuple(dict.fromkeys(loss for search in searches for loss in search.losses))


class PipedQuery(ABC):
    """A query of commands joined by pipes, of which the last chooses the columns of the result."""

    @abstractmethod
    def rows(self, frame: Any) -> tuple[list[str], list[str]]:
        """The query's lines up to its result, and the result's columns."""

    @staticmethod
    @abstractmethod
    def assigned(items: Sequence[str]) -> str:
        """The command that makes columns, of assignments."""

    @staticmethod
    @abstractmethod
    def projected(columns: Iterable[str], leading: Sequence[str] = ()) -> list[str]:
        """The commands that choose the columns of the result, those of an alert leading."""

    @staticmethod
    @abstractmethod
    def constants(alert: Alert) -> list[str]:
        """The columns of an alert, as assignments."""

    def render(self, frame: Any, alert: Alert | None = None) -> str:
        """See Query."""
        lines, columns = self.rows(frame)
        if alert:
            return "\n".join([*lines, self.assigned(self.constants(alert)), *self.projected(columns, Alert.COLUMNS)])
        return "\n".join([*lines, *self.projected(columns)])
