"""Time frames, which say what events a query reads, alerts, and the spelling of time spans."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Self

#: The look-back of a query, and how late the events of a scheduled query may arrive, if no option sets them.
DEFAULT_LOOKBACK = "24h"
DEFAULT_DELAY = "5m"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# Kusto's time spans end at 10,675,199 days.
_MAX_SPAN = 100 * 366 * _UNITS["d"]


def seconds(span: str | int) -> int:
    """The seconds in a time span such as 30s, 5m, 24h, 7d or 2w. Raises ValueError for anything else."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", str(span))
    if match is None:
        raise ValueError(f"{span!r} is not a time span; write a number and s, m, h, d or w, such as 24h")
    return int(match[1]) * _UNITS[match[2]]


def option_seconds(span: str | int, least: int = 1) -> int:
    """The seconds in the time span of an option, from `least` to a hundred years. Raises ValueError otherwise."""
    total = seconds(span)
    if total < least:
        raise ValueError("must be longer than zero")
    if total > _MAX_SPAN:
        raise ValueError(f"{span!r} is longer than a hundred years")
    return total


def timespan(total: int) -> str:
    """Format seconds as a time span in the largest unit that divides them; one day is 24h."""
    for unit in ("d", "h", "m"):
        if total > _UNITS[unit] * (unit == "d") and total % _UNITS[unit] == 0:
            return f"{total // _UNITS[unit]}{unit}"
    return f"{total}s"


@dataclass(frozen=True)
class TimeFrame:
    """Which events a query reads; all spans are in seconds.

    If `period` is 0, the query looks back `lookback` from now. Otherwise it is for a job that runs every `period`: it
    keeps the matches that become complete in (now - delay - period, now - delay], so that overlapping runs report each
    match once and miss none whose events arrive at most `delay` late.

    A query that is part of another one reads `before` further back, and keeps all matches if `whole` is set.
    """

    lookback: int
    period: int = 0
    delay: int = 0
    before: int = 0
    whole: bool = False

    @property
    def scheduled(self) -> bool:
        """Whether the query keeps only the matches that became complete in this run."""
        return bool(self.period) and not self.whole

    def inner(self, span: int) -> Self:
        """The time frame of a correlation that another one, with the time span `span`, refers to."""
        return replace(self, before=self.before + span, whole=True)


@dataclass(frozen=True)
class Alert:
    """What identifies the rows of one rule in a combined query; `rank` grows with the rule's level."""

    rule_id: str
    title: str
    branch: str
    rank: int = 0

    COLUMNS: ClassVar[tuple[str, ...]] = ("RuleId", "RuleTitle", "Branch")

    @property
    def values(self) -> tuple[str, str, str]:
        """The values of COLUMNS, in order."""
        return self.rule_id, self.title, self.branch

    def assigned(self, literal: Callable[[str], str], sign: str) -> list[str]:
        """Assignments of the values to COLUMNS; `literal` writes a string and `sign` joins column and value."""
        return [f"{column}{sign}{literal(value)}" for column, value in zip(self.COLUMNS, self.values, strict=True)]
