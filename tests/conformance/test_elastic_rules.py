"""Single rules as EQL and ES|QL: generated pairs of rule and event, run by the oracles, agree with the reference.

On both log models, and with fields that hold arrays. ES|QL runs in turn under every reading of what its pages leave
open, EQL under its default and every single doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

import pytest
import volumes
from events.ecs_documents import NotHeld
from oracles.eql_values import SINGLE_DOUBTS
from oracles.esql_values import ALL_READINGS
from reference.events import Event, Value
from reference.generators import ALL, Pair, pairs, read_by_pysigma, sample
from reference.meaning import matches
from reference.modifiers import TIME_PARTS
from sigma.backends.t1020.common.losses import Unsupported
from sigma.exceptions import SigmaTransformationError
from sigma.processing.pipeline import ProcessingPipeline

from conformance.elastic import (
    DEFEND,
    WINLOGBEAT,
    eql_engine,
    esql_engine,
    ids_by_eql,
    ids_by_esql,
    to_eql,
    to_esql,
)
from conformance.placeholders import placeholders

NOW = datetime(2032, 1, 1)
LOOKBACK = "36500d"
#: What a dialect or a log model cannot say at all, by words of its refusal.
_BOTH = ("not in these documents", "not in Defend's", "hold several values", "holds several values", "every event")
_EQL = (
    "EQL cannot compare two fields",
    "EQL has no function for a part of a time",
    "EQL cannot join for a regular",
)
UNSAID = {"esql": _BOTH, "eql": (*_BOTH, *_EQL)}
#: Fields of both log models that hold one value by nature, and may hold an array all the same.
ARRAYS = {
    "Image": "process.executable",
    "CommandLine": "process.command_line",
    "ParentImage": "process.parent.executable",
    "ParentCommandLine": "process.parent.command_line",
    "OriginalFileName": "process.pe.original_file_name",
    "CurrentDirectory": "process.working_directory",
    "ProcessId": "process.pid",
    "DestinationPort": "destination.port",
}


def _many() -> ProcessingPipeline:
    """That fields hold arrays; a new one each time, since the items of a pipeline know the one that they are in."""
    fields = ["event.category", "event.type", "event.action", *ARRAYS.values()]
    state = {"type": "set_state", "key": "multivalued", "val": fields}
    return ProcessingPipeline.from_dict({"name": "arrays", "priority": 30, "transformations": [state]})


@dataclass(frozen=True)
class Language:
    """A dialect: how rules become queries, and how these run."""

    name: str
    modifiers: frozenset[str]
    convert: Callable[..., list[str]]
    find: Callable[[Sequence[Event], str, Sequence[str], int], set[str]]


def _by_esql(events: Sequence[Event], model: str, queries: Sequence[str], number: int) -> set[str]:
    return ids_by_esql(esql_engine(events, model, ALL_READINGS[number % len(ALL_READINGS)]), queries, NOW)


def _by_eql(events: Sequence[Event], model: str, queries: Sequence[str], number: int) -> set[str]:
    return ids_by_eql(eql_engine(events, model, SINGLE_DOUBTS[number % len(SINGLE_DOUBTS)]), queries)


#: EQL has no word for parts of times and for other fields; what it then says is in the tests of refusals.
LANGUAGES = [
    Language("esql", ALL, to_esql, _by_esql),
    Language("eql", ALL - TIME_PARTS.keys() - {"fieldref"}, to_eql, _by_eql),
]


def _holdable(one: Pair) -> bool:
    """Pairs whose difference the documents can hold: an address and its IPv4-mapped form are one to them."""
    written = f"{one.rule['detection']} {one.match.fields} {one.event.fields}".lower()
    return read_by_pysigma(one) and "::ffff:" not in written


PAIRS = volumes.of(5000)


def _with_arrays(event: Event, rng: Random) -> Event:
    """The event with other values beside its own, in any order."""
    fields: dict[str, Value] = dict(event.fields)
    for name in ARRAYS.keys() & fields.keys():
        value = fields[name]
        if isinstance(value, str) and value:
            fields[name] = rng.sample([value, f"other{rng.randrange(9)}", f"Third\\{value[:1]}"], 3)
        elif isinstance(value, int) and not isinstance(value, bool):
            fields[name] = rng.sample([value, 99_999_999], 2)
    return replace(event, fields=fields)


def _drawn(modifiers: frozenset[str]) -> Iterator[tuple[int, Pair]]:
    drawn = (one for part in range(40) for one in sample(pairs(modifiers), 1000, 700 + part))
    yield from enumerate(one for one in drawn if _holdable(one))


#: What Defend's connections do not have.
_NAMES = ("SourceHostname", "DestinationHostname")


def _as_held(model: str, event: Event) -> Event:
    """The event as its document tells it: the ingest pipeline of Winlogbeat removes empty texts and "-"."""
    gone = ("", "-") if model == WINLOGBEAT else ()
    kept = {
        name: value
        for name, value in event.fields.items()
        if not (isinstance(value, str) and value in gone) and not (model == DEFEND and name in _NAMES)
    }
    return replace(event, fields=kept)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
def test_generated_rules_find_their_events_and_no_near_miss(language: Language) -> None:
    wrong: list[str] = []
    outcome: Counter[str] = Counter()
    arrays = 0
    for number, one in _drawn(language.modifiers):
        if outcome["pairs"] == PAIRS:
            break
        many = number % 3 == 0
        for model in (DEFEND, WINLOGBEAT) if number % 2 else (WINLOGBEAT, DEFEND):
            if model == WINLOGBEAT and "empty" in one.features:
                # A named loss there; see test_elastic_losses.
                continue
            events = [replace(one.match, id="match"), replace(one.event, id="event")]
            if many:
                events = [_with_arrays(event, Random(number)) for event in events]
            try:
                more = _many() if many else None
                queries = language.convert([one.rule], model, placeholders(one), more, lookback=LOOKBACK)
                found = language.find(events, model, queries, number)
            except NotHeld:
                outcome["not held"] += 1
                continue
            except (Unsupported, SigmaTransformationError) as error:
                known = any(words in str(error) for words in UNSAID[language.name])
                outcome["unsaid" if known else f"refused: {error}"] += 1
                continue
            for event in events:
                label = matches(one.rule, _as_held(model, event), one.placeholders)
                outcome[f"{label}"] += 1
                if (event.id in found) is not label:
                    verb = "missed" if label else "found"
                    wrong.append(f"{model} {verb} {dict(event.fields)} by {one.rule['detection']} as {queries}")
            outcome["pairs"] += 1
            arrays += many
            break
    refused = [what for what in outcome if what.startswith("refused: ")]
    assert not refused
    assert not wrong, f"{len(wrong)}\n" + "\n\n".join(wrong[:4])
    assert outcome["pairs"] == PAIRS, outcome
    assert outcome["False"] > PAIRS * 0.3
    assert arrays > PAIRS * 0.24
