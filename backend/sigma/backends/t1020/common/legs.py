"""The rules of a correlation as one stream of events, flagged by rule, in dialects that have no join. No dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Generic, TypeVar

from sigma.correlations import SigmaCorrelationRule, SigmaRuleReference

from .correlations import AT_RULES, RuleSearch, losses_of, searches_of
from .expression import any_of
from .log_model import LogModel
from .losses import Unsupported

Search = TypeVar("Search", bound=RuleSearch)


@dataclass(frozen=True)
class Leg(Generic[Search]):
    """One rule of a correlation: where its log source has the group-by fields, and the value to count, if any."""

    search: Search
    keys: Mapping[str, str]
    value: str = ""


@dataclass(frozen=True)
class FlaggedLegs(Generic[Search]):
    """All rules of a correlation. `called` is how the flags of their events are called: Step or Rule, and a number."""

    legs: Sequence[Leg[Search]]
    called: str

    def flag(self, number: int) -> str:
        """The column that is 1 of an event of that rule; from 1."""
        return f"{self.called}{number}"

    def model(self, number: int) -> LogModel:
        """The log source of a rule; from 1."""
        return self.legs[number - 1].search.model

    def apart(self, one: int, other: int) -> bool:
        """Whether no event can be of both rules; from 1."""
        return bool(self.model(one).apart_from(self.model(other)))

    @property
    def numbers(self) -> range:
        """The numbers of the rules."""
        return range(1, len(self.legs) + 1)

    def needed_sets(self, number: int) -> list[tuple[int, ...]]:
        """The sets of other rules of which each must find at least as many events as it has rules.

        Then each of these rules has an event of its own, by Hall's theorem. Of rules of which no event can be two,
        smaller sets say all.
        """
        others = [other for other in self.numbers if other != number]
        return [
            chosen
            for size in range(1, len(others) + 1)
            for chosen in combinations(others, size)
            if size == 1 or self._connected(chosen)
        ]

    def _connected(self, chosen: tuple[int, ...]) -> bool:
        """Whether the rules hang together by possible common events."""
        seen, pending = {chosen[0]}, [chosen[0]]
        while pending:
            at = pending.pop()
            for other in chosen:
                if other not in seen and not self.apart(at, other):
                    seen.add(other)
                    pending.append(other)
        return len(seen) == len(chosen)


def searches_by_rule(correlation: SigmaCorrelationRule, kind: type[Search], language: str, least: int) -> list[Search]:
    """What each rule of a correlation has become, its conditions joined. Raises Unsupported for correlations among
    them, and for fewer than `least`."""
    searches = [_search(reference, kind, language) for reference in correlation.referenced_rules]
    if len(searches) < least:
        raise Unsupported("the correlation has a single rule; name two or more", at=AT_RULES)
    for search in searches:
        refusal = search.keys[id(correlation)].refusal
        if refusal is not None:
            raise refusal
    return searches


def _search(reference: SigmaRuleReference, kind: type[Search], language: str) -> Search:
    if isinstance(reference.rule, SigmaCorrelationRule):
        raise Unsupported(
            f"its rule {reference.reference} is a correlation, which {language} cannot correlate again; name rules",
            at=AT_RULES,
        )
    found = [search for search in searches_of(reference) if isinstance(search, kind)]
    # An event that meets several conditions of a rule is one event.
    return replace(found[0], condition=any_of(search.condition for search in found), losses=losses_of(found))


def leg_of(search: Search, correlation: SigmaCorrelationRule) -> Leg[Search]:
    """The rule with the fields that a correlation asks of it. Raises Unsupported for one that holds arrays."""
    keys = search.keys[id(correlation)]
    for field, column in (*keys.by.items(), *([("the counted field", keys.value)] if keys.value else [])):
        if column.text in search.model.multivalued:
            raise Unsupported(
                f"{field} may hold several values in {search.model.table}, so that no correlation can group by it or "
                "count it; choose another field",
                at=("correlation", "group-by" if field in keys.by else "condition"),
            )
    own = {field: column.text for field, column in keys.by.items()}
    return Leg(search, own, keys.value.text if keys.value else "")


def refuse_two_readings(legs: FlaggedLegs[Any]) -> None:
    """Raise Unsupported where an event of two rules would have two keys or values."""
    for one, other in combinations(legs.numbers, 2):
        mine, others = legs.legs[one - 1], legs.legs[other - 1]
        if not legs.apart(one, other) and (mine.keys, mine.value) != (others.keys, others.value):
            raise Unsupported(
                f"two rules of the correlation read {legs.model(one).table} and take a field from different columns; "
                "use one for both",
                at=("correlation", "aliases"),
            )


def refuse_nameless(search: RuleSearch) -> None:
    """Raise Unsupported where nothing tells one event from another."""
    if not search.model.event_id:
        raise Unsupported(
            f"the pipeline names no event_id for {search.model.table}; set it to the fields that tell one event from "
            "another",
            at=AT_RULES,
        )
