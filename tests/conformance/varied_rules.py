"""Whole rules and correlations as people write them, from a seed: files for a folder, and what must come of each.

The same seed gives the same files, byte by byte, on every machine.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import yaml

from conformance.varied_items import SOURCES, Item, Outcome, item

#: How likely an item is one of those that are refused or may be.
RARE = 0.02

#: Conditions, and the selections that they join: several of a prefix where a name ends in *.
FORMS: Sequence[tuple[str | list[str], Sequence[str]]] = (
    ("selection", ("selection",)),
    ("selection and not filter", ("selection", "filter")),
    ("selection and not 1 of filter_*", ("selection", "filter_*")),
    ("1 of selection_*", ("selection_*",)),
    ("all of selection_*", ("selection_*",)),
    ("any of selection_*", ("selection_*",)),
    (
        "all of selection_* and not 1 of filter_main_* and not 1 of filter_optional_*",
        ("selection_*", "filter_main_*", "filter_optional_*"),
    ),
    (
        "(selection_a or selection_b) and not (filter or exclusion)",
        ("selection_a", "selection_b", "filter", "exclusion"),
    ),
    ("selection and not (filter_a and not filter_b)", ("selection", "filter_a", "filter_b")),
    ("1 of them", ("selection_a", "selection_b", "_helper")),
    ("all of them", ("selection_a", "selection_b")),
    ("not 1 of filter_*", ("filter_*",)),
    ("not (selection and filter)", ("selection", "filter")),
    ("((a and b) or (c and not d)) and not (e or not (a or d))", ("a", "b", "c", "d", "e")),
    ("image or 1 of cli_* and not filter", ("image", "cli_*", "filter")),
    ("not not selection", ("selection",)),
    (["selection_a", "selection_b and not filter"], ("selection_a", "selection_b", "filter")),
    (["1 of selection_*", "not filter", "selection_a"], ("selection_*", "selection_a", "filter")),
)
FOREIGN: Sequence[Mapping[str, str]] = (
    {"category": "dns_query", "product": "windows"},
    {"category": "file_access", "product": "windows"},
    {"category": "ps_script", "product": "windows"},
    {"category": "process_access", "product": "windows"},
    {"category": "webserver"},
    {"product": "windows", "service": "security"},
    {"product": "windows", "service": "sysmon"},
    {"product": "linux", "service": "auditd"},
    {"product": "aws", "service": "cloudtrail"},
)
CORRELATIONS = (
    *("temporal_ordered",) * 6,
    *("temporal", "temporal", "event_count", "event_count", "value_count", "value_count"),
    *("value_sum", "value_avg", "value_percentile", "value_median"),
)


_UNUSED = {
    Outcome.CONVERTED: Outcome.CONVERTED,
    Outcome.EITHER: Outcome.EITHER,
    Outcome.REFUSED: Outcome.EITHER,
}


@dataclass(frozen=True)
class Varied:
    """One document and what must come of it. `queries` is how many it gives if it is converted.

    `words` name what a refusal may be about; `problems` are its own, not those of the rules that it refers to.
    """

    document: Mapping[str, Any]
    outcome: Outcome
    words: tuple[str, ...]
    queries: int
    form: str

    @property
    def id(self) -> str:
        """The id of the rule."""
        return str(self.document["id"])


@dataclass(frozen=True)
class VariedFile:
    """The documents of one file."""

    name: str
    documents: tuple[Varied, ...]

    @cached_property
    def text(self) -> str:
        """The file's content."""
        return yaml.safe_dump_all(
            [dict(one.document) for one in self.documents], allow_unicode=True, sort_keys=False, width=110
        )

    def at(self, line: int) -> Varied:
        """The document that a line stands in."""
        ends = [number for number, text in enumerate(self.text.splitlines(), 1) if text == "---"]
        return self.documents[sum(end < line for end in ends)]


def varied_files(seed: int, count: int) -> list[VariedFile]:
    """Files with `count` documents in all, or one or two more."""
    rng = Random(seed)
    files: list[VariedFile] = []
    made = 0
    while made < count:
        documents = _correlated(rng, made) if rng.random() < 0.08 else (_rule(rng, made),)
        files.append(VariedFile(f"rule_{len(files):04d}.yml", tuple(documents)))
        made += len(documents)
    return files


def write(files: Sequence[VariedFile], folder: Path, order: Random | None = None) -> None:
    """Put the files into a folder, under other names with `order`, so that they are read in another order."""
    numbers = list(range(len(files)))
    if order is not None:
        order.shuffle(numbers)
    for number, file in zip(numbers, files, strict=True):
        name = file.name if order is None else f"{number:04d}_{file.name}"
        (folder / name).write_text(file.text, encoding="utf-8")


def modifiers(document: Mapping[str, Any]) -> Iterator[str]:
    """The modifiers in a document, one time for each item that has it."""
    pending: list[Any] = [document.get("detection")]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            for key, below in value.items():
                yield from str(key).split("|")[1:]
                pending.append(below)
        elif isinstance(value, list):
            pending.extend(value)


def _head(rng: Random, number: int) -> dict[str, Any]:
    title = rng.choice(
        ("Renamed Tool", "Upload by Script", "Ärger // mit | Zeichen", "Key 'Run' \"set\"", "Many: Colons")
    )
    return {
        "title": f"{title} {number}",
        "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "name": f"rule_{number}",
        "status": rng.choice(("test", "experimental", "stable")),
        "level": rng.choice(("low", "medium", "high", "critical")),
    }


def _rule(rng: Random, number: int, category: str | None = None, rare: float = RARE) -> Varied:
    category = category or rng.choice((*SOURCES, "process_creation", "process_creation", "network_connection"))
    condition, names = rng.choice(FORMS)
    source = SOURCES[category]
    logsource: Mapping[str, Any] = {"category": category, "product": rng.choice(source.products)}
    items: list[Item] = []
    selections: dict[str, Any] = {}
    for name in _spelled(rng, names):
        selections[name], made = _selection(rng, category, rare)
        # `them` leaves it out: what is wrong with it may not matter.
        items += [replace(one, outcome=_UNUSED[one.outcome]) for one in made] if name.startswith("_") else made
    outcome, words = _judged(items)
    if rare and rng.random() < 0.03:
        logsource, outcome, words = rng.choice(FOREIGN), Outcome.REFUSED, (*words, "log source")
    elif rng.random() < 0.1 and source.products != ("windows",):
        logsource = {**logsource, "service": rng.choice(("sysmon", "edr"))}
    document = {
        **_head(rng, number),
        "logsource": {key: value for key, value in logsource.items() if value},
        "detection": {**selections, "condition": condition},
    }
    queries = len(condition) if isinstance(condition, list) else 1
    return Varied(document, outcome, words, queries, str(condition))


def _spelled(rng: Random, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name.endswith("*"):
            yield from (name[:-1] + suffix for suffix in rng.sample(("img", "cli", "b1", "x_y"), rng.randint(1, 3)))
        else:
            yield name


def _selection(rng: Random, category: str, rare: float) -> tuple[Any, list[Item]]:
    """A map, a list of maps, or keywords."""
    source = SOURCES[category]
    items = [item(rng, source, rare) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
    keywords = [one for one in items if one.key == ""]
    if keywords:
        return keywords[0].value, keywords[:1]
    shape = rng.random()
    if shape < 0.25:
        return [{one.key: one.value} for one in items], items
    merged = {one.key: one for one in items}
    if shape < 0.35 and len(merged) > 1:
        (first, one), *rest = merged.items()
        return [{first: one.value}, {key: other.value for key, other in rest}], list(merged.values())
    return {key: one.value for key, one in merged.items()}, list(merged.values())


def _judged(items: Sequence[Item]) -> tuple[Outcome, tuple[str, ...]]:
    """What becomes of a rule with these items, and the words of those that may be refused."""
    outcomes = {one.outcome for one in items}
    outcome = next((known for known in (Outcome.REFUSED, Outcome.EITHER) if known in outcomes), Outcome.CONVERTED)
    return outcome, tuple(word for one in items if one.outcome is not Outcome.CONVERTED for word in one.words)


def _correlated(rng: Random, number: int) -> Sequence[Varied]:
    """A correlation and its rules, in any order in their file."""
    kind = rng.choice(CORRELATIONS)
    categories = rng.sample(list(SOURCES), rng.randint(2, 3) if kind.startswith("temporal") else 1)
    rules = [_rule(rng, number + at, category, 0.005) for at, category in enumerate(categories)]
    names = [str(one.document[rng.choice(("name", "id"))]) for one in rules]
    section: dict[str, Any] = {"type": kind, "rules": names, "timespan": rng.choice(("30s", "5m", "1h", "12h", "24h"))}
    known = ("temporal_ordered", "temporal", "event_count", "value_count")
    outcome = Outcome.CONVERTED if kind in known else Outcome.REFUSED
    words: tuple[str, ...] = ("correlation", *names)
    draw = rng.random()
    if draw < 0.6:
        section["group-by"] = ["Computer"]
    elif draw < 0.75:
        section["group-by"] = rng.choice((["Computer", "User"], ["Image"], ["User"], ["ProcessId", "Computer"]))
    elif draw < 0.85:
        section["group-by"] = ["Host", "Computer"]
        section["aliases"] = {"Host": dict.fromkeys(names, "User")}
    elif draw < 0.93:
        section["group-by"] = ["NoSuchField"]
        outcome, words = Outcome.REFUSED, (*words, "NoSuchField")
    elif kind == "temporal_ordered":
        outcome = Outcome.REFUSED
    if kind in ("event_count", "value_count") or kind.startswith("value_"):
        field = {} if kind == "event_count" else {"field": "ProcessId" if kind != "value_count" else "Image"}
        percentile = {"percentile": 95} if kind == "value_percentile" else {}
        operator = rng.choice(("gt", "gte", "lt", "lte", "eq"))
        section["condition"] = {**field, operator: rng.randint(2, 50), **percentile}
        if kind == "value_count" and section.get("group-by") == ["Image"] and operator in ("gt", "gte", "eq"):
            # Each image has one.
            outcome, words = Outcome.REFUSED, (*words, "never comes true")
    if rng.random() < 0.3:
        section["generate"] = True
    if any(one.outcome is not Outcome.CONVERTED for one in rules):
        # Refused with its rules; a field that one of them lacks is that rule's fault.
        refused = outcome is Outcome.REFUSED or any(one.outcome is Outcome.REFUSED for one in rules)
        outcome = Outcome.REFUSED if refused else Outcome.EITHER
    document = {**_head(rng, number + len(rules)), "correlation": section}
    hidden = [
        one if section.get("generate") else Varied(one.document, one.outcome, (*one.words, *words), 0, one.form)
        for one in rules
    ]
    documents = [*hidden, Varied(document, outcome, words, 1, kind)]
    return rng.sample(documents, len(documents))
