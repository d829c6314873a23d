"""Pairs of a generated rule and an event, labelled by construction.

A pair is built from atoms, each of which is true or false by the value of its field, and a form, which says
what the rule makes of their truth. One atom is critical: the rule's truth hangs on it. The matching event has
it one way, the near miss the other way, so that these two differ by one edit.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from random import Random
from typing import Any, TypeAlias

from reference import atoms, atoms_typed, texts
from reference.atoms import Atom, Maker
from reference.events import Event, Scalar
from reference.modifiers import COMPARISONS, MODIFIERS, TIME_PARTS

ALL = MODIFIERS
"""Every modifier of the specification."""

FIELDS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "process_creation": {
        "text": (
            *("Image", "CommandLine", "ParentImage", "ParentCommandLine", "User", "OriginalFileName"),
            "CurrentDirectory",
        ),
        "number": ("ProcessId", "ParentProcessId"),
        "time": ("UtcTime",),
    },
    "network_connection": {
        "text": ("Image", "User", "DestinationHostname", "SourceHostname"),
        "number": ("DestinationPort", "SourcePort", "ProcessId"),
        "address": ("DestinationIp", "SourceIp"),
        "boolean": ("Initiated",),
        "time": ("UtcTime",),
    },
}
"""The fields of each category by what they hold."""

_PLACES = ("contains", "startswith", "endswith")
_WIDE = ("wide", "utf16le", "utf16be", "utf16")


@dataclass(frozen=True)
class _Kind:
    """A kind of atom: the modifiers of its item in order, and the kind and number of fields that it takes."""

    names: tuple[str, ...]
    maker: Maker
    holds: str = "text"
    fields: int = 1


def _kinds() -> list[_Kind]:
    places = [(), *((place,) for place in _PLACES)]
    return [
        *(_Kind(names, atoms.string) for names in places * 2),
        *(_Kind((*names, "cased"), atoms.string) for names in places),
        *(_Kind(names, atoms.all_strings) for names in (("contains", "all"), ("contains", "all", "cased"))),
        _Kind((), atoms.keyword),
        _Kind(("all",), atoms.keyword, fields=2),
        *(_Kind(names, atoms.expanded) for names in (("expand",), ("contains", "expand"), ("expand", "cased"))),
        *(_Kind(("windash", *names), atoms.dashed) for names in places),
        *(_Kind(("re", *flags), atoms_typed.regex) for flags in ((), ("i",), ("m",), ("s",), ("i", "m"), ("i", "s"))),
        *(_Kind(names, atoms_typed.encoded) for names in (("base64",), ("base64", "contains"))),
        _Kind(("base64offset", "contains"), atoms_typed.encoded),
        *(
            _Kind((wide, encoding, "contains"), atoms_typed.encoded)
            for wide in _WIDE
            for encoding in ("base64", "base64offset")
        ),
        *(_Kind(("fieldref", *names), atoms_typed.reference, fields=2) for names in places),
        *(_Kind((*names, "neq"), atoms_typed.negated) for names in places),
        _Kind(("fieldref", "neq"), atoms_typed.negated, fields=2),
        _Kind(("exists",), atoms_typed.existence),
        *(_Kind((), maker) for maker in (atoms_typed.null, atoms_typed.empty, atoms_typed.anything)),
        *(_Kind(("cidr",), atoms.network, "address") for _ in range(2)),
        *(_Kind((), atoms_typed.number, "number") for _ in range(2)),
        *(_Kind((name,), atoms_typed.number, "number") for name in COMPARISONS),
        _Kind(("neq",), atoms_typed.negated_number, "number"),
        *(_Kind((part,), atoms_typed.time_part, "time") for part in TIME_PARTS for _ in range(2)),
        *(_Kind((part, name), atoms_typed.time_part, "time") for part in TIME_PARTS for name in COMPARISONS),
        _Kind((), atoms_typed.boolean, "boolean"),
    ]


KINDS = _kinds()

Truth: TypeAlias = Callable[[Sequence[bool]], bool]


@dataclass(frozen=True)
class _Form:
    """How a rule puts atoms together: the names of its selections, one for each atom, in `condition`; atoms
    whose names are equal are items of one map (`shape` map) or maps of one list (list)."""

    names: tuple[str, ...]
    condition: str | list[str]
    truth: Truth
    shape: str = "map"


FORMS = (
    _Form(("selection",), "selection", lambda t: t[0]),
    _Form(("selection",), "not selection", lambda t: not t[0]),
    _Form(("selection", "selection"), "selection", all),
    _Form(("selection", "selection"), "not selection", lambda t: not all(t)),
    _Form(("selection", "selection"), "selection", any, "list"),
    _Form(("selection", "selection", "filter"), "not filter and selection", lambda t: any(t[:2]) and not t[2], "list"),
    _Form(("one", "two"), "one and two", all),
    _Form(("one", "two"), "one or two", any),
    _Form(("selection", "filter"), "selection and not filter", lambda t: t[0] and not t[1]),
    _Form(("sel_a", "sel_b"), "1 of sel_*", any),
    _Form(("sel_a", "sel_b"), "all of sel_*", all),
    _Form(("one", "two"), "all of them", all),
    _Form(("one", "_two"), "1 of them", lambda t: t[0]),
    _Form(("one", "_two"), "1 of them and not _two", lambda t: t[0] and not t[1]),
    _Form(
        ("selection", "filter_a", "filter_b"),
        "selection and not 1 of filter_*",
        lambda t: t[0] and not any(t[1:]),
    ),
    _Form(("a", "b", "c"), "(a or b) and not c", lambda t: any(t[:2]) and not t[2]),
    _Form(("a", "b", "c"), "a or b and c", lambda t: t[0] or all(t[1:])),
    _Form(("a", "b", "c"), "not a and (b or not c)", lambda t: not t[0] and (t[1] or not t[2])),
    _Form(("a", "b"), "not (a or b)", lambda t: not any(t)),
    _Form(("one", "two"), ["one", "two"], any),
)


@dataclass(frozen=True)
class Pair:
    """A rule and an event. `matches` says whether the rule holds, by construction; `match` is the event for which it
    does, `event` itself or one edit from it. `placeholders` are those of `expand`. `features` names what a target may
    lack: unicode, encoded (an encoded value beyond ASCII), newline, keyword, null, empty, any (a lone asterisk), list,
    number, boolean, time, ipv4, ipv6, not, conditions (a list of them)."""

    rule: Mapping[str, Any]
    event: Event
    matches: bool
    match: Event
    modifiers: frozenset[str]
    features: frozenset[str]
    placeholders: Mapping[str, Sequence[str | int]]


def read_by_pysigma(one: Pair) -> bool:
    """Whether pySigma 1.5 can parse the rule, once it knows utf16le, and keeps what it says: text beyond ASCII is
    refused as UTF-16, and of a value from a placeholder cased is lost. What it only encodes wrongly can be encoded anew
    from the rule's text."""
    beyond_ascii = "encoded" in one.features and bool(one.modifiers & set(_WIDE))
    lost = {"expand", "cased"} <= one.modifiers
    return not (beyond_ascii or lost)


def pair(rng: Random, modifiers: frozenset[str] = ALL) -> Pair:
    """A pair whose rule has none but the given modifiers; half of all pairs match."""
    usable = [kind for kind in KINDS if set(kind.names) <= modifiers]
    while True:
        form = rng.choice(FORMS)
        kinds = [_kind(rng, usable, modifiers) for _ in form.names]
        category = _category(rng, kinds)
        fields = category and _fields(rng, kinds, FIELDS[category])
        keywords = [kind.maker is atoms.keyword for kind in kinds]
        # A keyword is no item of a map, and two of them could stand in each other's way.
        fits = sum(keywords) <= 1 and not (any(keywords) and len(set(form.names)) < len(form.names))
        if category and fields and fits:
            made = [kind.maker(rng, chosen, kind.names) for kind, chosen in zip(kinds, fields, strict=True)]
            if len({name for atom in made for name in atom.placeholders}) == sum(bool(a.placeholders) for a in made):
                names = frozenset(name for kind in kinds for name in kind.names)
                return _pair(rng, form, made, names, category)


def _kind(rng: Random, usable: Sequence[_Kind], modifiers: frozenset[str]) -> _Kind:
    """Each modifier is as likely as another, and as one item in eight without any."""
    while True:
        target = rng.choice(sorted(modifiers)) if modifiers and rng.random() < 0.875 else None
        kinds = [kind for kind in usable if target in kind.names or (target is None and not kind.names)]
        if kinds:
            return rng.choice(kinds)


def _category(rng: Random, kinds: Sequence[_Kind]) -> str | None:
    able = [name for name, held in FIELDS.items() if all(kind.holds in held for kind in kinds)]
    return rng.choice(able) if able else None


def _fields(rng: Random, kinds: Sequence[_Kind], held: Mapping[str, Sequence[str]]) -> list[Sequence[str]] | None:
    """Fields for each atom, no field twice; None if there are too few."""
    free = {name: rng.sample(fields, len(fields)) for name, fields in held.items()}
    chosen: list[Sequence[str]] = []
    for kind in kinds:
        if len(free[kind.holds]) < kind.fields:
            return None
        chosen.append([free[kind.holds].pop() for _ in range(kind.fields)])
    return chosen


def _pair(rng: Random, form: _Form, made: Sequence[Atom], names: frozenset[str], category: str) -> Pair:
    truths, critical = rng.choice(_decisions(form.truth, len(made)))
    flipped = [truth is not (at == critical) for at, truth in enumerate(truths)]
    background = _background(rng, category)
    event_id = f"e{rng.getrandbits(48):012x}"
    match = _event(event_id, category, background, made, truths)
    wanted = rng.random() < 0.5
    event = match if wanted else _event(event_id, category, background, made, flipped)
    features = frozenset(feature for atom in made for feature in atom.features)
    if "not " in str(form.condition):
        features |= {"not"}
    if isinstance(form.condition, list):
        features |= {"conditions"}
    placeholders = {name: values for atom in made for name, values in atom.placeholders.items()}
    rule = {
        "title": f"Generated {rng.getrandbits(32):08x}",
        "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "status": "test",
        "logsource": {"category": category, "product": "windows"},
        "detection": _detection(form, made),
        "level": "medium",
    }
    return Pair(rule, event, wanted, match, names, features, placeholders)


def _decisions(truth: Truth, count: int) -> list[tuple[list[bool], int]]:
    """Each way in which the form is true, with each atom whose change alone makes it false."""
    found = []
    for truths in itertools.product((True, False), repeat=count):
        for critical in range(count):
            flipped = [one is not (at == critical) for at, one in enumerate(truths)]
            if truth(truths) and not truth(flipped):
                found.append((list(truths), critical))
    return found


def _event(
    event_id: str,
    category: str,
    background: Mapping[str, Scalar],
    made: Sequence[Atom],
    truths: Sequence[bool],
) -> Event:
    fields = dict(background)
    for atom, truth in zip(made, truths, strict=True):
        fields.update(atom.hit if truth else atom.miss)
    moment = datetime.strptime(str(fields["UtcTime"]), atoms_typed.TIME_FORMAT).replace(tzinfo=timezone.utc)
    kept = {name: value for name, value in fields.items() if value is not None}
    return Event(event_id, int(moment.timestamp()) * 1000, kept, category, "windows")


def _background(rng: Random, category: str) -> dict[str, Scalar]:
    """The fields of an event before its atoms; some are missing."""
    held = FIELDS[category]
    fields: dict[str, Scalar] = {"Computer": f"host{rng.randint(1, 9)}.corp.example"}
    for name in held["text"]:
        fields[name] = texts.run(rng, 4, texts.RESERVED) or "x"
    fields |= {name: rng.randint(1, 65535) for name in held["number"]}
    fields |= {name: f"192.0.2.{rng.randint(1, 254)}" for name in held.get("address", ())}
    fields |= {name: rng.random() < 0.5 for name in held.get("boolean", ())}
    fields = {name: value for name, value in fields.items() if rng.random() < 0.8}
    moment = datetime(2025, rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59))
    return {**fields, "UtcTime": moment.strftime(atoms_typed.TIME_FORMAT)}


def _detection(form: _Form, made: Sequence[Atom]) -> dict[str, Any]:
    selections: dict[str, Any] = {}
    for name, atom in zip(form.names, made, strict=True):
        if not atom.key:
            selections[name] = atom.values if isinstance(atom.values, list) else [atom.values]
        elif name not in selections:
            several = form.shape == "list" and form.names.count(name) > 1
            selections[name] = [{atom.key: atom.values}] if several else {atom.key: atom.values}
        elif form.shape == "list":
            selections[name].append({atom.key: atom.values})
        else:
            selections[name][atom.key] = atom.values
    return {**selections, "condition": form.condition}
