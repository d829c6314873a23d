"""Anyone's Sigma rules from files, folders or standard input: what can be used, and a Problem for what cannot."""

from __future__ import annotations

import copy
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID

from sigma_t1020.problems import (
    RULE_HINT,
    Fault,
    Place,
    Problem,
    RuleObject,
    build,
    check,
    effort,
    kind,
    shown,
    unshared,
)
from sigma_t1020.rule_yaml import MAX_BYTES, Document, RuleYamlError, decode, parse

if TYPE_CHECKING:
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaRuleLocation

SUFFIXES = (".yml", ".yaml")
MAX_PROBLEMS_A_FILE = 100
# Microseconds of pySigma's work, about: a collection of two thousand rules needs less.
MAX_EFFORT_A_FILE = 1_500_000
# pySigma visits a nested correlation once for each way that leads to it: without a bound that is exponential.
MAX_RULES_OF_A_CORRELATION, MAX_LEVELS = 1_000, 20

_FOLDER_HINT = "name a folder of rules; hidden folders below it are passed over"
_TOO_MUCH = Fault(
    ("detection",), "too much to expand: |windash, `of` or a long condition", "write fewer dashes, or split the rule"
)
Layer = tuple[dict[str, Any], tuple[Document, ...]]


@dataclass(frozen=True, eq=False)
class LoadedRule:
    """A healthy rule, correlation or filter; `data` is its document together with the global one it builds on."""

    rule: RuleObject
    document: Document
    path: str
    data: dict[str, Any] = field(repr=False)
    inherited: tuple[Document, ...] = field(default=(), repr=False)

    @property
    def is_correlation(self) -> bool:
        """Whether it correlates other rules."""
        return "correlation" in self.data

    @property
    def references(self) -> tuple[str, ...]:
        """Ids or names of the rules that it correlates, in order; () for a plain rule."""
        if not self.is_correlation:
            return ()
        rule: Any = self.rule
        if rule.rules is None:
            return tuple(rule.condition.get_referenced_rules())
        return tuple(reference.reference for reference in rule.rules)

    def fresh(self) -> RuleObject:
        """A new pySigma object, since processing pipelines change the one they are given."""
        return build(self.data, _location(self.path, self.document))

    def line_of(self, *at: str | int) -> int:
        """1-based line of the key at a path, in the document or in the global one; else of what encloses it."""
        return _line((self.document, *self.inherited), at)

    def line_of_field(self, name: str) -> int | None:
        """Line of the first detection key of that field, or of its use in a group-by, alias or condition."""
        line = self._line_where(lambda key, _: str(key).split("|")[0] == name)
        return self.line_of_value(name) if line is None and self.is_correlation else line

    def line_of_value(self, value: object) -> int | None:
        """Line of the first detection or correlation value that equals it, as text."""
        return self._line_where(lambda _, item: not isinstance(item, (dict, list)) and str(item) == str(value))

    def problem(self, message: str, hint: str = "", line: int | None = None) -> Problem:
        """A Problem of this rule, on `line` or where its document begins."""
        return Problem(self.path, line or self.document.line, message, hint)

    def _line_where(self, wanted: Callable[[str | int, Any], bool]) -> int | None:
        for body in ("detection", "correlation", "filter"):
            for at, key, value in _walk(self.data.get(body), (body,)):
                if wanted(key, value):
                    return self.line_of(*at)
        return None


@dataclass(frozen=True)
class Loaded:
    """What a set of paths held: rules and correlations in order of path and line, filters, and sorted problems."""

    rules: tuple[LoadedRule, ...] = ()
    filters: tuple[LoadedRule, ...] = ()
    problems: tuple[Problem, ...] = ()

    def collection(self, filters: Iterable[LoadedRule] | None = None) -> SigmaCollection:
        """New pySigma objects of all rules with references resolved and filters applied (None: those loaded).

        Rules keep their order, except that a referenced rule comes before what refers to it.
        """
        from sigma.collection import SigmaCollection

        rules: list[Any] = [loaded.fresh() for loaded in _referenced_first(self.rules)]
        for loaded in self.filters if filters is None else filters:
            sigma_filter: Any = loaded.fresh()
            for rule in rules:
                _apply(sigma_filter, rule)
        collection = SigmaCollection(rules)
        for rule in rules:
            if hasattr(rule, "aliases"):
                rule.aliases.resolve_rule_references(collection)
        return collection

    def find(self, rule: RuleObject) -> LoadedRule | None:
        """What an object of `collection()` was built from, by its source (path and line)."""
        return self._by_place.get((rule.source.path, rule.source.line)) if rule.source else None

    @cached_property
    def _by_place(self) -> dict[tuple[Path, int | None], LoadedRule]:
        return {(Path(item.path), item.document.line): item for item in (*self.rules, *self.filters)}


def load(paths: Sequence[Path | str], stdin: BinaryIO | None = None) -> Loaded:
    """Load rule files, folders (every .yml and .yaml below, but not in hidden folders) and `-`, standard input.

    Never raises: what cannot be read or used becomes a Problem and leaves the rest as it is.
    """
    candidates: list[LoadedRule] = []
    problems: list[Problem] = []
    failed: dict[str, tuple[str, int]] = {}
    for path in _files([str(path) for path in paths], problems):
        name = "<stdin>" if path == "-" else path
        try:
            documents = parse(decode(_read(path, stdin)), name)
        except RuleYamlError as fault:
            problems.append(Problem(name, fault.line, fault.message, fault.hint))
        except (AttributeError, OSError, ValueError) as error:
            problems.append(_os_problem(name, error))
        else:
            found, faults = _rules_of(name, documents, failed)
            candidates += found
            if not found and not faults:
                empty = (
                    "the file is empty" if all(each.data is None for each in documents) else "only a global document"
                )
                faults.append(Problem(name, None, f"no Sigma rule: {empty}", RULE_HINT))
            problems += faults
    unique = _unique(candidates, problems)
    filters = [item for item in unique if "filter" in item.data]
    rules = _referable([item for item in unique if "filter" not in item.data], failed, problems)
    if not paths:
        problems.append(Problem(None, None, "no rules were given", "name rule files or folders, or - for stdin"))
    return Loaded(tuple(rules), tuple(filters), tuple(_capped(sorted(problems))))


def _capped(problems: list[Problem]) -> Iterator[Problem]:
    """The first problems of each file, and how many more there are."""
    for path, group in groupby(problems, lambda problem: problem.path):
        own = list(group)
        yield from own[:MAX_PROBLEMS_A_FILE]
        if more := len(own[MAX_PROBLEMS_A_FILE:]):
            yield Problem(path, None, f"{more} more problems in this file", "correct the first ones")


def _files(paths: list[str], problems: list[Problem]) -> Iterator[str]:
    """Each file once, folders expanded and sorted; adds a problem for what cannot be listed."""
    seen: set[tuple[int, int]] = set()
    for path in dict.fromkeys(paths):
        if path == "-":
            yield path
            continue
        found: list[str] = []
        pending, before, empty = [path], len(problems), True
        while pending:
            current = pending.pop()
            try:
                status = Path(current).stat()
                known = (status.st_dev, status.st_ino) in seen
                seen.add((status.st_dev, status.st_ino))
                if not stat.S_ISDIR(status.st_mode):
                    empty = False
                    found += [] if known else [current]
                elif known:  # a link to a folder above it would never end
                    empty = False
                else:
                    with os.scandir(current) as entries:
                        pending += [entry.path for entry in entries if _wanted(entry)]
            except (OSError, ValueError) as error:
                problems.append(_os_problem(current, error))
        if empty and len(problems) == before:
            problems.append(Problem(path, None, f"no {' or '.join(SUFFIXES)} files in this folder", _FOLDER_HINT))
        yield from sorted(found)


def _wanted(entry: os.DirEntry[str]) -> bool:
    if entry.name.lower().endswith(SUFFIXES):
        return True
    try:
        return not entry.name.startswith(".") and entry.is_dir()
    except OSError:
        return True  # stat will say what is wrong with it


def _read(path: str, stdin: BinaryIO | None) -> bytes:
    """At most MAX_BYTES + 1 bytes. Raises OSError, or RuleYamlError for what is no regular file and might never end."""
    if path == "-":
        return (stdin or sys.stdin.buffer).read(MAX_BYTES + 1)
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise RuleYamlError(None, "a pipe, socket or device, not a file", "pipe it into `-` (standard input)")
    with Path(path).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _os_problem(path: str, error: Exception) -> Problem:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    hint = "check the path" if not isinstance(error, PermissionError) else "check its permissions"
    return Problem(path, None, f"cannot be read: {reason}", hint)


def _rules_of(
    path: str, documents: list[Document], failed: dict[str, tuple[str, int]]
) -> tuple[list[LoadedRule], list[Problem]]:
    """Rules of one file, with pySigma's collection actions (global, reset, repeat: sigma.collection.from_dicts).

    `failed` gets the ids and names of those that cannot be used. A rule that builds on a document which cannot be
    read is not used either: it would be wider than its author meant.
    """
    rules: list[LoadedRule] = []
    problems: list[Problem] = []
    base: Layer | None = ({}, ())
    previous: Layer | None = ({}, ())
    allowance = MAX_EFFORT_A_FILE
    for document in documents:
        data, action = document.data, document.action
        if document.problem is not None:
            problems.append(document.problem)
            previous = None
            base = None if action == "global" else base
            continue
        if data is None:
            continue
        if not isinstance(data, dict):
            problems.append(Problem(path, document.line, f"{kind(data)}, not a Sigma rule", RULE_HINT))
            continue
        own = unshared(data)
        action = own.pop("action", None)
        if action == "reset":
            base = ({}, ())
        elif action == "global":
            base = previous = (own, (document,))
        elif action not in (None, "repeat"):
            line = document.line_of("action")
            problems.append(Problem(path, line, f"unknown action {shown(action)}", "use global, reset or repeat"))
        else:
            stands_alone = action is None and ("correlation" in own or "filter" in own)
            under: Layer | None = ({}, ()) if stands_alone else previous if action == "repeat" else base
            if under is None:
                message = "this document builds on one that could not be read"
                problems.append(Problem(path, document.line, message, "correct that one first"))
                _note(own, (path, document.line), failed)
                continue
            merged = _merged(under[0], own) if action == "repeat" else _merged(own, under[0])
            if not stands_alone:
                previous = (merged, (document, *under[1][:10]))
            rule, faults, cost = None, [_TOO_MUCH], effort(merged) if allowance > 0 else 0
            if cost <= allowance and allowance > 0:
                rule, faults = check(merged, _location(path, document))
                allowance -= cost
            else:
                allowance -= cost // 50  # the estimate itself takes time
            if rule is not None and not faults:
                rules.append(LoadedRule(rule, document, path, merged, under[1]))
                continue
            _note(merged, (path, document.line), failed)
            problems += [
                Problem(path, _line((document, *under[1]), fault.at), fault.message, fault.hint) for fault in faults
            ]
    return rules, problems


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Both mappings in a new one, level by level; `over` wins."""
    merged = dict(under)
    for key, value in over.items():
        below = under.get(key)
        merged[key] = _merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def _line(documents: Sequence[Document], at: Place) -> int:
    """Line of a path in the first document that has it; in none: of what would enclose it in the first."""
    found = (document.find(*at) for document in documents)
    return next((line for line in found if line is not None), documents[0].line_of(*at))


def _walk(value: Any, at: Place) -> Iterator[tuple[Place, str | int, Any]]:
    """(path, key, value) of everything below `value`, in the order of the file."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*at, key), key, item
        yield from _walk(item, (*at, key))


def _location(path: str, document: Document) -> SigmaRuleLocation:
    from sigma.exceptions import SigmaRuleLocation

    return SigmaRuleLocation(Path(path), document.line)


def _key(reference: object) -> str:
    """What pySigma looks a reference up by: a UUID among the ids, anything else among the names."""
    try:
        return str(UUID(str(reference)))
    except ValueError:
        return f"name {reference}"


def _keys(data: dict[str, Any]) -> set[str]:
    return {_key(data[key]) for key in ("id", "name") if isinstance(data.get(key), str)}


def _note(data: dict[str, Any], place: tuple[str, int], failed: dict[str, tuple[str, int]]) -> None:
    for key in _keys(data):
        failed.setdefault(key, place)


def _apply(sigma_filter: Any, rule: Any) -> None:
    """Apply a filter; pySigma gives all rules the filter's own detections, which a pipeline would map once a rule."""
    if hasattr(rule, "detection"):
        before = set(rule.detection.detections)
        sigma_filter.apply_on_rule(rule)
        for name in rule.detection.detections.keys() - before:
            rule.detection.detections[name] = copy.deepcopy(rule.detection.detections[name])


def _index(rules: Iterable[LoadedRule]) -> dict[str, list[LoadedRule]]:
    index: dict[str, list[LoadedRule]] = {}
    for rule in rules:
        for key in _keys(rule.data):
            index.setdefault(key, []).append(rule)
    return index


def _referenced_first(rules: Sequence[LoadedRule]) -> list[LoadedRule]:
    """The rules in their order, but each after those it refers to."""
    index = _index(rules)
    ordered: dict[LoadedRule, None] = {}

    def visit(rule: LoadedRule) -> None:
        if rule not in ordered:
            for reference in rule.references:
                visit(index[_key(reference)][0])
            ordered[rule] = None

    for rule in rules:
        visit(rule)
    return list(ordered)


def _way(rule: LoadedRule, among: Iterable[LoadedRule], index: dict[str, list[LoadedRule]]) -> str:
    """`a → b → a`, following the first reference of each to one of `among`."""
    remaining, way = set(among), [rule]
    names = [str(rule.data.get("name") or rule.data.get("id") or rule.data["title"])]
    while len(way) < 8 and way[-1] not in way[:-1]:
        targets = [(reference, index[_key(reference)][0]) for reference in way[-1].references]
        name, following = next(target for target in targets if target[1] in remaining)
        names.append(name)
        way.append(following)
    return " → ".join(shown(name, "") for name in names) + ("" if way[-1] in way[:-1] else " → …")


def _unique(candidates: list[LoadedRule], problems: list[Problem]) -> list[LoadedRule]:
    """Without those whose id another one before has; documents that share a global one's id are its variants."""
    first: dict[str, LoadedRule] = {}
    unique = []
    for item in candidates:
        identifier = item.document.data.get("id")
        earlier = first.setdefault(_key(identifier), item) if identifier else item
        if earlier is item:
            unique.append(item)
        else:
            message = f"duplicate id {identifier}, first in {earlier.path}:{earlier.document.line}"
            problems.append(item.problem(message, "give each rule its own id", item.line_of("id")))
    return unique


def _referable(
    rules: list[LoadedRule], failed: dict[str, tuple[str, int]], problems: list[Problem]
) -> list[LoadedRule]:
    """The rules without correlations that refer to what is not there, cannot be used, or comes back to them."""
    index = _index(rules)
    broken: set[LoadedRule] = set()
    waiting: dict[LoadedRule, int] = {}
    users: dict[LoadedRule, list[LoadedRule]] = {}

    def refuse(rule: LoadedRule, message: str, at: Place = ("rules",), hint: str = "") -> None:
        broken.add(rule)
        line = rule.line_of("correlation", *at)
        problems.append(rule.problem(message, hint or "correct `rules` of the correlation", line))

    for rule in rules:
        if not rule.is_correlation:
            continue
        aliases = rule.data["correlation"].get("aliases") or {}
        key = "rules" if "rules" in rule.data["correlation"] else "condition"
        places: list[tuple[Place, str]] = [((key, number), name) for number, name in enumerate(rule.references)]
        places += [(("aliases", name, reference), reference) for name in aliases for reference in aliases[name]]
        below = set()
        for at, reference in places:
            found = index.get(_key(reference), [])
            if len(found) == 1:
                below |= {found[0]} if found[0].is_correlation and at[0] != "aliases" else set()
            elif found:
                where = ", ".join(f"{other.path}:{other.document.line}" for other in found[:3])
                refuse(rule, f"refers to {shown(reference)}, which several rules are called: {where}", at)
            elif place := failed.get(_key(reference)):
                hint = "correct that rule first"
                refuse(
                    rule,
                    f"refers to {shown(reference)}, which cannot be used ({place[0]}:{place[1]})",
                    at,
                    hint,
                )
            else:
                hint = "give the file of that rule too, or correct the name or id"
                refuse(rule, f"refers to {shown(reference)}, which is not among the rules given", at, hint)
        if rule in below:
            refuse(rule, "the correlation refers to itself")
        waiting[rule] = len(below)
        for other in below:
            users.setdefault(other, []).append(rule)
    ready = [rule for rule, count in waiting.items() if not count]
    size: dict[LoadedRule, tuple[int, int]] = {}
    while ready:
        rule = ready.pop()
        del waiting[rule]
        for user in users.get(rule, ()):
            waiting[user] -= 1
            ready += [] if waiting[user] else [user]
        if rule not in broken:
            below_all = [index[_key(reference)][0] for reference in rule.references]
            if bad := next((other for other in below_all if other in broken), None):
                place_of = f"{bad.path}:{bad.document.line}"
                refuse(
                    rule,
                    f"refers to a correlation that cannot be used ({place_of})",
                    hint="correct that one first",
                )
            sizes = [size.get(other, (1, 0)) for other in below_all]
            size[rule] = (1 + sum(s[0] for s in sizes), 1 + max((s[1] for s in sizes), default=0))
            if size[rule][0] > MAX_RULES_OF_A_CORRELATION or size[rule][1] > MAX_LEVELS:
                refuse(rule, "the correlation stands for too many rules or too many levels", hint="split it")
    for rule in waiting:
        if rule not in broken:
            refuse(rule, f"a circle of correlations: {_way(rule, waiting, index)}", hint="break the circle")
    return [rule for rule in rules if rule not in broken]
