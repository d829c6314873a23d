"""The rules of a correlation as one base search, and the expressions that carry their events back in time.

What is carried of an event is one text, `ms|id|…`: its time in milliseconds since 1970, what tells it from others, and
what a result shows of it. Times have thirteen digits from 2001 to 2286, so that such texts sort by time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..common.expression import All, Node, all_of, conjuncts, leaves
from ..common.losses import Loss, LossCode
from ..common.one_stream import FlaggedLegs
from ..common.query import Leg
from .predicates import Predicate, expression, is_exact, merge
from .query import Search, SplunkFrame, any_search, base_search, eval_line, tests_by_source_field
from .text import eval_name, search_name, text

#: Splunk's limits.conf, `max_stream_window` ('streamstats').
MAX_STREAM_WINDOW = 10_000
MS, EVENT_ID = "Ms", "EventId"
NO_KEY = "NoKey"
#: The fields that the searches of correlations make.
_MADE = re.compile(
    r"Ms|EventId|NoKey|Rules|Items?|ItemsTied|(Step|Rule)[0-9]+\w*|Reached[0-9]*|Nth[A-Z]*|Seen|Good|Completed[0-9]*|"
    r"(Has)?Value|ValueCount|Values|Counted|Previous|WindowStart|EventCount|LastTime|EdgeMs|EdgeId|SecondMs"
)
#: Where an event lies in its index: Splunk's own words, in which there is no bar.
_PLACE = frozenset(("_bkt", "_cd"))
BOUND = Loss(
    LossCode.BOUND,
    f"Splunk carries at most {MAX_STREAM_WINDOW:,} events at a time (max_stream_window); where the rules find more on "
    "one key within the time span, the later of them do not count",
)


def overwritten(leg: Leg[Search]) -> list[str]:
    """The fields of the events that a search would write over before it reads them."""
    model = leg.search.model
    read = {*leg.columns, *model.event_id, *model.projection, *model.evidence}
    read.update(test.field for test in leaves(all_of(leg.search.tests)))
    return sorted(field for field in read if _MADE.fullmatch(field) or field in {f"Key{key}" for key in leg.keys})


@dataclass(frozen=True)
class Legs(FlaggedLegs[Search]):
    """All rules of a correlation as one search; the flag of a rule is null of events that are not of it."""

    @property
    def by(self) -> str:
        """The group-by of stats commands."""
        return ", ".join(search_name(key) for key in self.keys.values()) or NO_KEY

    def lines(self, frame: SplunkFrame, span: int) -> list[str]:
        """From the base search to events with flags, keys, time in ms and identity."""
        lines = [base_search(frame, any_search(leg.search for leg in self.legs)), *frame.filters(span)]
        lines.extend(eval_line([f"{self.flag(number)}=if({self._is(number)}, 1, null())"]) for number in self.numbers)
        keys = [f"{eval_name(name)}={self._key(field)}" for field, name in self.made_keys.items()]
        identity = '.":".'.join(map(_identity, self.legs[0].search.model.event_id))
        lines.append(
            eval_line(
                [
                    *(keys or ([] if self.keys else [f"{NO_KEY}=0"])),
                    f"{MS}=round(_time*1000)",
                    f"{EVENT_ID}={identity}",
                ]
            )
        )
        lines.append(f"| where {' OR '.join(f'{self.flag(number)}=1' for number in self.numbers)}")
        # A null or empty key joins nothing.
        present = [f'isnotnull({eval_name(key)}) AND {eval_name(key)}!=""' for key in self.keys.values()]
        if present:
            lines.append(f"| where {' AND '.join(present)}")
        return lines

    def _is(self, number: int) -> str:
        """Whether an event is one of a rule, given that it is one of any: what tells it apart, and no more."""
        search = self.legs[number - 1].search
        others = [leg.search for at, leg in enumerate(self.legs, start=1) if at != number]
        parting = [search.model.apart_from(other.model) for other in others]
        tests: Sequence[Node[Predicate]] = search.tests
        if not others:
            tests = search.inexact
        elif all(parting):
            by_field = tests_by_source_field(search.model)
            telling = {field: test for field, test in by_field.items() if field in frozenset().union(*parting)}
            first = next(iter(telling))
            source = [telling[first]] if all(first in fields for fields in parting) else list(telling.values())
            tests = [*source, *(test for test in conjuncts(merge(search.condition)) if not is_exact(test))]
        node: Node[Predicate] = all_of(tests)
        return expression(node) if node != All(()) else "true()"

    def _key(self, field: str) -> str:
        own = (leg.keys[field].text for leg in self.legs)
        cases = (f"{self.flag(number)}=1, {eval_name(text)}" for number, text in zip(self.numbers, own, strict=True))
        return f"case({', '.join(cases)})"


def _identity(field: str) -> str:
    return f'coalesce({eval_name(field)}, "")' if field in _PLACE else _never_null(field)


def _never_null(field: str) -> str:
    """A field as part of a carried text, which a bar would end."""
    return f'replace(coalesce({eval_name(field)}, ""), "[|]", "/")'


def carried(flag: str, shown: Iterable[str]) -> str:
    """The text that is carried of an event with that flag."""
    parts = [MS, EVENT_ID, *(_never_null(field) for field in shown)]
    joined = '."|".'.join(parts)
    return f"if({flag}=1, {joined}, null())"


def part(item: str, number: int) -> str:
    """A part of a carried text: 0 its time as text, 1 its identity, then what is shown."""
    return f'mvindex(split({item}, "|"), {number})'


def ms(item: str) -> str:
    """The time of a carried text, a number."""
    return f"tonumber({part(item, 0)})"


def kept(items: str, condition: str) -> str:
    """The carried texts of which a condition holds, in which `items` is each of them."""
    return f"mvmap({items}, if({condition}, {items}, null()))"


def ahead(items: Mapping[str, str], span: int, by: str) -> list[str]:
    """Give each event what follows it: for each name the carried texts of a field, those of its own time among them.

    The window of streamstats is a second longer than the time span, and cut to it afterwards by the times themselves,
    since its boundary is documented nowhere. Events of one time come in any order, so they are collected apart.
    """
    stream = ", ".join(f"values({field}) AS {name}" for name, field in items.items())
    tied = ", ".join(f"values({field}) AS {name}Tied" for name, field in items.items())
    return [
        "| sort 0 -_time",
        f"| streamstats time_window={span + 1}s {stream} BY {by}",
        f"| eventstats {tied} BY {by}, {MS}",
        *(eval_line([f"{name}=mvsort(mvdedup(mvappend({name}, {name}Tied)))"]) for name in items),
    ]


def within(items: str, span: int, without_itself: bool) -> str:
    """The carried texts that lie within the time span of the event, without that of the event itself if asked.

    Its time tells an event from others too, so that nothing is missed where an event has no identity.
    """
    condition = f"{ms(items)}<={MS}+{span * 1000}"
    other = f" AND ({ms(items)}!={MS} OR {marked(part(items, 1))}!={marked(EVENT_ID)})" if without_itself else ""
    return kept(items, condition + other)


def marked(identity: str) -> str:
    """An identity with a mark before it, which keeps two of them from being compared as numbers."""
    return f'("=".{identity})'


def values_shown(items: str, number: int) -> str:
    """The distinct values that are shown of carried texts, without the empty ones."""
    value = part(items, number)
    return f"mvdedup(mvmap({items}, if({value}!={text('')}, {value}, null())))"
