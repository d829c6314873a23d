"""Anyone's Sigma rules from files, folders or standard input: what can be used, and a Problem for what cannot."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from sigma_t1020.problems import Problem
from sigma_t1020.rules.documents import FileRules, rules_of
from sigma_t1020.rules.files import STDIN, read, rule_files, unreadable
from sigma_t1020.rules.loaded_rule import LoadedRule
from sigma_t1020.rules.references import referable, referenced_first, without_duplicates
from sigma_t1020.rules.rule_shape import RULE_HINT, RuleObject
from sigma_t1020.rules.yaml_documents import RuleYamlError, decode, parse

if TYPE_CHECKING:
    from sigma.collection import SigmaCollection

__all__ = ["Loaded", "LoadedRule", "load"]


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

        rules: list[Any] = [loaded.fresh() for loaded in referenced_first(self.rules)]
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
    if not paths:
        return Loaded(
            problems=(Problem(None, None, "no rules were given", "name rule files or folders, or - for stdin"),)
        )
    files, problems = rule_files(map(str, paths))
    candidates: list[LoadedRule] = []
    unusable: dict[str, str] = {}
    for path in files:
        found = _load_file(path, stdin)
        candidates += found.rules
        problems += found.problems
        unusable = found.unusable | unusable
    unique, duplicates = without_duplicates(candidates)
    filters = [item for item in unique if "filter" in item.data]
    rules, unresolved = referable([item for item in unique if "filter" not in item.data], unusable)
    return Loaded(tuple(rules), tuple(filters), tuple(sorted([*problems, *duplicates, *unresolved])))


def _load_file(path: str, stdin: BinaryIO | None) -> FileRules:
    name = "<stdin>" if path == STDIN else path
    try:
        documents = parse(decode(read(path, stdin)), name)
    except RuleYamlError as error:
        return FileRules(problems=[error.problem(name)])
    except (OSError, ValueError) as error:
        return FileRules(problems=[unreadable(name, error)])
    found = rules_of(name, documents)
    if not found.rules and not found.problems:
        empty = "the file is empty" if all(each.data is None for each in documents) else "only a global document"
        found.problems.append(Problem(name, None, f"no Sigma rule: {empty}", RULE_HINT))
    return found


def _apply(sigma_filter: Any, rule: Any) -> None:
    """Apply a filter; pySigma gives all rules the filter's own detections, which a pipeline would map once a rule."""
    if hasattr(rule, "detection"):
        before = set(rule.detection.detections)
        sigma_filter.apply_on_rule(rule)
        for name in rule.detection.detections.keys() - before:
            rule.detection.detections[name] = copy.deepcopy(rule.detection.detections[name])
