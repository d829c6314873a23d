"""Reading a case, converting it, and what its events must give by their labels and by the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from reference.correlation import CountMatch, Match, correlate
from reference.events import Event
from reference.meaning import conditions, in_log_source
from sigma_t1020.convert import Options, convert
from sigma_t1020.output import ConvertedQuery, to_text
from sigma_t1020.rules.loading import load
from sigma_t1020.targets import TARGETS, Target

ROOT = Path(__file__).parent
INPUTS = frozenset(("rule.yml", "options.yml", "events.yml"))
#: When every query runs, UTC.
NOW = datetime(2025, 6, 15, 12, 0)
#: What a later step of an ordered correlation shows first, by its log source.
EVIDENCE = {"process_creation": "CommandLine", "network_connection": "DestinationIp"}

Label: TypeAlias = tuple[str, str]
"""A query's name (that of its rule, and its number where a rule has several) and the event that it must give."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EVENT_KEYS = frozenset(("says", "fires", "time", "category", "product", "inventory", "fields"))


@dataclass(frozen=True)
class Labelled:
    """An event and the names of the queries that must give it.

    `inventory` is the platform that the device inventory has for its host; None: it does not know the host.
    """

    event: Event
    fires: frozenset[str]
    inventory: str | None


@dataclass(frozen=True)
class Converted:
    """What a target makes of a case: its generated files, and its queries one by one."""

    files: Mapping[str, str]
    queries: tuple[ConvertedQuery, ...]


@dataclass(frozen=True)
class Case:
    """One folder. Its files are read when they are asked for."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def options(self) -> Options:
        """How to convert: the content of options.yml, the defaults where there is none."""
        path = self.folder / "options.yml"
        found: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
        form = found.pop("format", "default")
        if form not in ("default", "combined") or not found.keys() <= {"lookback", "schedule", "delay"}:
            raise ValueError(f"{path}: takes lookback, schedule, delay, and `format: combined`")
        base = Options(combine=form == "combined")
        return replace(
            base,
            lookback=found.get("lookback", base.lookback),
            schedule=found.get("schedule", base.schedule),
            delay=found.get("delay", base.delay),
        )

    @cached_property
    def documents(self) -> Mapping[str, Mapping[str, Any]]:
        """The Sigma documents by their names, in the order of the file."""
        path = self.folder / "rule.yml"
        return {document["name"]: document for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))}

    def converted(self, target: Target) -> Converted:
        """What the target makes of the case; nothing where that is a combined query, and its dialect has none."""
        if self.options.combine and not target.dialect.combines:
            return Converted({}, ())
        return _converted(self.folder, self.options, target)

    def names(self, target: Target) -> list[str]:
        """The names of the queries by which its rows are told apart, in their order."""
        if self.options.combine and not target.dialect.combines:
            return []
        single = _converted(self.folder, replace(self.options, combine=False), target)
        return [self.name_of(query) for query in single.queries]

    def name_of(self, query: ConvertedQuery) -> str:
        """The name of a query of one rule."""
        rule = self.rule_of(query.id)
        return f"{rule} {query.part}" if query.parts > 1 else rule

    def rule_of(self, rule_id: object) -> str:
        """The name of the document with that id."""
        return next(name for name, document in self.documents.items() if document["id"] == rule_id)

    def events(self, names: Sequence[str]) -> list[Labelled]:
        """The labelled events; `names` are those of all queries. Raises ValueError for one that is malformed."""
        path = self.folder / "events.yml"
        found = [self._event(raw, names) for raw in yaml.safe_load(path.read_text(encoding="utf-8"))]
        ids = [labelled.event.id for labelled in found]
        if len(set(ids)) < len(ids):
            raise ValueError(f"{path}: two events of one name")
        return found

    def _event(self, raw: Mapping[str, Any], names: Sequence[str]) -> Labelled:
        fires = raw["fires"] if isinstance(raw["fires"], list) else list(names) if raw["fires"] else []
        # A query that one target refuses, others may give.
        wrong = [*(raw.keys() - _EVENT_KEYS), *(name for name in fires if name.partition(" ")[0] not in self.documents)]
        if wrong:
            raise ValueError(f"{self.name}/events.yml: {raw['says']}: not known: {wrong}; the rules have other names")
        source: Mapping[str, str] = next(d["logsource"] for d in self.documents.values() if "logsource" in d)
        product = raw.get("product", source.get("product"))
        moment = datetime.strptime(f"{NOW:%Y-%m-%d} {raw.get('time', '11:00:00.000')}", "%Y-%m-%d %H:%M:%S.%f")
        event = Event(
            raw["says"],
            milliseconds(moment),
            {"HostId": "host-1", "Computer": "pc-1", **raw.get("fields", {})},
            raw.get("category", source.get("category")),
            product,
        )
        return Labelled(event, frozenset(fires) & frozenset(names), raw.get("inventory", product))

    def by_reference(self, names: Sequence[str], log: Sequence[Event]) -> set[Label]:
        """The labels that the reference gives, the time that the query reads taken into account."""
        found: set[Label] = set()
        for name in names:
            rule, _, part = name.partition(" ")
            if "correlation" in self.documents[rule]:
                found |= {(name, self._first_event(rule, match, log)) for match in self.matches(rule, log)}
                continue
            found |= {
                (name, event.id)
                for event in log
                if in_log_source(self.documents[rule], event)
                and conditions(self.documents[rule], event)[int(part or 1) - 1]
                and self.since < event.time <= self.until
            }
        return found

    def _first_event(self, name: str, match: Match, log: Sequence[Event]) -> str:
        """The event that a row of a correlation shows: the one that begins its window."""
        if not isinstance(match, CountMatch):
            return match.event_id
        section = _by_host(self.documents[name]["correlation"])
        rules = [self.documents[rule] for rule in section["rules"]]
        (first,) = (
            event.id
            for event in log
            if event.time == match.time
            and tuple(str(event.fields.get(field)) for field in section.get("group-by", ())) == match.key
            and any(in_log_source(rule, event) and any(conditions(rule, event)) for rule in rules)
        )
        return first

    def matches(self, name: str, log: Sequence[Event]) -> list[Match]:
        """The rows of a correlation, by the reference."""
        section = _by_host(self.documents[name]["correlation"])
        rules = {
            key: document if "detection" in document else {**document, "correlation": _by_host(document["correlation"])}
            for key, document in self.documents.items()
        }
        evidence = {key: EVIDENCE[rule["logsource"]["category"]] for key, rule in rules.items() if "logsource" in rule}
        # A query that looks back sees nothing older; a scheduled one reads as far back as a match can begin.
        readable = [e for e in log if e.time <= self.until and (self.options.schedule or e.time > self.since)]
        matches: list[Match] = correlate(section, rules, readable, evidence)
        return [match for match in matches if match.completed is None or match.completed > self.since]

    @property
    def until(self) -> int:
        """The last moment that a query reads, in ms."""
        return milliseconds(NOW - _span(self.options.delay) if self.options.schedule else NOW)

    @property
    def since(self) -> int:
        """A match counts if it is complete after this moment, in ms."""
        span = _span(self.options.schedule or self.options.lookback)
        return self.until - round(span.total_seconds() * 1000)


def cases() -> list[Case]:
    """All cases, by name."""
    folders = sorted(path for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__")
    return [Case(folder) for folder in folders]


def milliseconds(moment: datetime) -> int:
    """A moment in UTC, without a zone, as ms since the epoch."""
    return round(moment.replace(tzinfo=timezone.utc).timestamp() * 1000)


#: Each target in each of its languages; the name tells them apart.
LANGUAGES = {
    f"{target.name}{'' if number == 0 else '_' + spoken.dialect.name}": spoken
    for target in TARGETS.values()
    for number, spoken in enumerate(target.languages)
}


def error_file(target: Target) -> str:
    """The name of the file of refusals."""
    several = len(TARGETS[target.name].languages) > 1
    return f"{target.name}{target.dialect.suffix if several else ''}.error"


@cache
def _converted(folder: Path, options: Options, target: Target) -> Converted:
    loaded = load([folder / "rule.yml"])
    conversion = convert(loaded, (), target, options)
    problems = [*loaded.problems, *conversion.problems]
    files: dict[str, str] = {}
    if conversion.queries:
        files[f"{target.name}{target.dialect.suffix}"] = to_text(conversion.queries)
    if problems:
        files[error_file(target)] = "".join(f"{line}\n" for line in _relative(problems, folder))
    return Converted(files, conversion.queries)


def _relative(problems: Sequence[object], folder: Path) -> Iterator[str]:
    """The problems, without the place where the repository lies."""
    for problem in problems:
        yield str(problem).replace(f"{folder}/", "")


def _by_host(section: Mapping[str, Any]) -> dict[str, Any]:
    """The section with the host's id in place of its name: the identity that a group-by on Computer means."""
    host = {"Computer": "HostId"}
    return {
        **section,
        "group-by": [host.get(field, field) for field in section.get("group-by", ())],
        "aliases": {
            alias: {rule: host.get(field, field) for rule, field in fields.items()}
            for alias, fields in section.get("aliases", {}).items()
        },
    }


def _span(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
