"""The base classes of the queries of all dialects, and the syntax of languages with piped commands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from .columns import Column
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
        """The losses of the query."""

    def render(self, frame: Any, alert: Alert | None = None) -> str:
        """Return the query's text; `frame` is the dialect's time frame. With `alert`, its columns come first."""


@dataclass(frozen=True)
class RuleSearch(ABC):
    """The rows of one log source that meet a rule's condition, a tree of the dialect's predicates.

    `keys` has the columns that each correlation needs from the rule, by `id` of the correlation.
    """

    model: LogModel
    condition: Node[Any]
    keys: Mapping[int, Keys]
    losses: tuple[Loss, ...] = ()

    @abstractmethod
    def render(self, frame: Any, alert: Alert | None = None) -> str:
        """Return the query's text, as Query.render does."""


Search = TypeVar("Search", bound=RuleSearch)


@dataclass(frozen=True)
class Leg(Generic[Search]):
    """One rule of a correlation: its search, the columns of the group-by fields, and the column to count, if any."""

    search: Search
    keys: Mapping[str, Column]
    value: Column | None = None

    @property
    def model(self) -> LogModel:
        """The log source of the rule."""
        return self.search.model

    @property
    def columns(self) -> list[str]:
        """The columns of the group-by fields and of the value."""
        return [column.text for column in (*self.keys.values(), self.value) if column]


def losses_of(searches: Iterable[RuleSearch]) -> tuple[Loss, ...]:
    """The losses of the searches, without repeats."""
    return tuple(dict.fromkeys(loss for search in searches for loss in search.losses))


@dataclass(frozen=True)
class Syntax:
    """How a language of piped commands writes a result.

    - `assigned` makes the command that assigns columns.
    - `projected` makes the commands that choose the columns of the result; its second argument has those that come
      first, such as an alert's.
    - `literal` writes a string literal.
    - `sign` joins a column and its value in an assignment.
    """

    assigned: Callable[[Sequence[str]], str]
    projected: Callable[[Sequence[str], Sequence[str]], list[str]]
    literal: Callable[[str], str]
    sign: str


class PipedQuery(ABC):
    """A query of commands joined by pipes; the last command chooses the columns of the result."""

    syntax: ClassVar[Syntax]

    @abstractmethod
    def rows(self, frame: Any) -> tuple[list[str], list[str]]:
        """Return the query's lines without the last command, and the columns of the result."""

    def render(self, frame: Any, alert: Alert | None = None) -> str:
        """Return the query's text, as Query.render does."""
        lines, columns = self.rows(frame)
        if alert:
            lines = [*lines, self.syntax.assigned(alert.assigned(self.syntax.literal, self.syntax.sign))]
        return "\n".join([*lines, *self.syntax.projected(columns, alert.COLUMNS if alert else ())])
