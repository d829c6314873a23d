"""What a whole query is about besides its rows: the time that it reads, and the alert that it raises. No dialect."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Self

#: What a query reads where nobody says otherwise, and how late events of a scheduled one may come.
DEFAULT_LOOKBACK = "24h"
DEFAULT_DELAY = "5m"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# Kusto's time spans end at 10,675,199 days.
_MAX_SPAN = 100 * 366 * _UNITS["d"]


def seconds(span: str | int) -> int:
    """Seconds of a span such as 30s, 5m, 24h, 7d, 2w. Raises ValueError that says what a span looks like."""
    match = re.fullmatch(r"([0-9]{1,9})([smhdw])", str(span))
    if match is None:
        raise ValueError(f"{span!r} is no time span: write a number and s, m, h, d or w, such as 24h")
    return int(match[1]) * _UNITS[match[2]]


def option_seconds(span: str | int, least: int = 1) -> int:
    """Seconds of a span that a user gave, from `least` to a hundred years. Raises ValueError that says why not."""
    total = seconds(span)
    if total < least:
        raise ValueError("must be longer than nothing")
    if total > _MAX_SPAN:
        raise ValueError(f"{span!r} is longer than a hundred years")
    return total


def timespan(total: int) -> str:
    """A timespan of so many seconds, in the largest unit that divides them (a day is 24h)."""
    for unit in ("d", "h", "m"):
        if total > _UNITS[unit] * (unit == "d") and total % _UNITS[unit] == 0:
            return f"{total // _UNITS[unit]}{unit}"
    return f"{total}s"


@dataclass(frozen=True)
class TimeFrame:
    """Which events a query reads, spans in seconds.

    With `period` 0 the query looks back `lookback` from now. Else it is for a job that runs every `period`:
    it keeps the matches that are first complete in (now - delay - period, now - delay], so that overlapping
    runs report each once and miss none whose events are late by at most `delay`. `before` is how much further back
    it reads, and with `whole` it keeps all matches: for what is a part of another query.
    """

    lookback: int
    period: int = 0
    delay: int = 0
    before: int = 0
    whole: bool = False

    @property
    def scheduled(self) -> bool:
        """Whether only those matches count that became complete in this run."""
        return bool(self.period) and not self.whole

    def inner(self, span: int) -> Self:
        """For a correlation to which one of that time span refers: all its matches, `span` further back."""
        return replace(self, before=self.before + span, whole=True)


@dataclass(frozen=True)
class Alert:
    """What tells the rows of one rule from those of the others in a combined query; `rank` orders levels."""

    rule_id: str
    title: str
    branch: str
    rank: int = 0

    COLUMNS: ClassVar[tuple[str, ...]] = ("RuleId", "RuleTitle", "Branch")

    @property
    def values(self) -> tuple[str, str, str]:
        """Those of COLUMNS."""
        return self.rule_id, self.title, self.branch

    def assigned(self, literal: Callable[[str], str], sign: str) -> list[str]:
        """The columns as assignments of a dialect's literals, with its sign between."""
        return [f"{column}{sign}{literal(value)}" for column, value in zip(self.COLUMNS, self.values, strict=True)]
