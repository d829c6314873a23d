"""The rules of a correlation as one base search, and the expressions that carry their events back in time.

An event is carried as one text, `ms|id|…`: its time in ms (thirteen digits from 2001 to 2286, so that the texts sort by
time), its identity, and the fields that a result shows.
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

#: Source: Splunk's limits.conf, `max_stream_window`, the limit of `streamstats`.
MAX_STREAM_WINDOW = 10_000
MS, EVENT_ID = "Ms", "EventId"
NO_KEY = "NoKey"
#: The names of the fields that the searches make; fields of the events must not have them.
_MADE = re.compile(
    r"Ms|EventId|NoKey|Rules|Items?|ItemsTied|(Step|Rule)[0-9]+\w*|Reached[0-9]*|Nth[A-Z]*|Seen|Good|Completed[0-9]*|"
    r"RunEnd|info_(min_time|max_time|sid|search_time)|(Has)?Value|ValueCount|Values|Counted|Previous|WindowStart|EventCount|LastTime|EdgeMs|EdgeId|SecondMs"
)
#: The fields of an event's place in its index; Splunk writes their values, which contain no bar.
_PLACE = frozenset(("_bkt", "_cd"))
BOUND = Loss(
    LossCode.BOUND,
    f"Splunk carries at most {MAX_STREAM_WINDOW:,} events at a time (max_stream_window); if the rules find more of one "
    "key within the time span, the later ones do not count",
)


def overwritten(leg: Leg[Search]) -> list[str]:
    """The fields of the events that the search would overwrite before it reads them."""
    model = leg.search.model
    read = {*leg.columns, *model.event_id, *model.projection, *model.evidence}
    read.update(test.field for test in leaves(all_of(leg.search.tests)))
    return sorted(field for field in read if _MADE.fullmatch(field) or field in {f"Key{key}" for key in leg.keys})


@dataclass(frozen=True)
class Legs(FlaggedLegs[Search]):
    """All rules of a correlation as one search; a rule's flag is 1 in its events and null in others."""

    @property
    def by(self) -> str:
        """The keys as stats commands group by them."""
        return ", ".join(search_name(key) for key in self.keys.values()) or NO_KEY

    def lines(self, frame: SplunkFrame, span: int) -> list[str]:
        """The lines that find the events and give each one its flags, keys, time in ms, and identity."""
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
        # Events with a null or empty key never join, so they are dropped here.
        present = [f'isnotnull({eval_name(key)}) AND {eval_name(key)}!=""' for key in self.keys.values()]
        if present:
            lines.append(f"| where {' AND '.join(present)}")
        return lines

    def _is(self, number: int) -> str:
        """An expression for "the event matches this rule", given that it matches one of the rules.

        If the log sources of the rules exclude each other, it has only the tests that distinguish this one, and those
        that `search` cannot make exactly.
        """
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
    """An expression for a field as a part of a carried text, without the bar that separates the parts."""
    return f'replace(coalesce({eval_name(field)}, ""), "[|]", "/")'


def carried(flag: str, shown: Iterable[str]) -> str:
    """An expression for the carried text of an event with the flag; null for other events."""
    parts = [MS, EVENT_ID, *(_never_null(field) for field in shown)]
    joined = '."|".'.join(parts)
    return f"if({flag}=1, {joined}, null())"


def part(item: str, number: int) -> str:
    """An expression for a part of a carried text: 0 is the time as text, 1 the identity, 2 the first shown field."""
    return f'mvindex(split({item}, "|"), {number})'


def ms(item: str) -> str:
    """An expression for the time of a carried text, as a number."""
    return f"tonumber({part(item, 0)})"


def kept(items: str, condition: str) -> str:
    """An expression for the carried texts that satisfy a condition, in which `items` stands for one of them."""
    return f"mvmap({items}, if({condition}, {items}, null()))"


def ahead(items: Mapping[str, str], span: int, by: str) -> list[str]:
    """The lines that give each event the carried texts of the events that follow it or have the same time.

    `items` maps each field that these lines make to the field of the carried texts. The documentation does not say
    which events lie on the boundary of streamstats' window, so the window is one second longer than the time span, and
    `within` cuts it to size. Events of one time come in any order, so eventstats collects them.
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
    """An expression for the carried texts within the time span of the event; `without_itself` leaves out its own text.

    The time is compared as well as the identity, so that events without an identity are not taken for the event itself.
    """
    condition = f"{ms(items)}<={MS}+{span * 1000}"
    other = f" AND ({ms(items)}!={MS} OR {marked(part(items, 1))}!={marked(EVENT_ID)})" if without_itself else ""
    return kept(items, condition + other)


def marked(identity: str) -> str:
    """An expression that puts a mark before an identity, so that two of them are never compared as numbers."""
    return f'("=".{identity})'


def values_shown(items: str, number: int) -> str:
    """An expression for the distinct values of one part of the carried texts, without empty ones."""
    value = part(items, number)
    return f"mvdedup(mvmap({items}, if({value}!={text('')}, {value}, null())))"
