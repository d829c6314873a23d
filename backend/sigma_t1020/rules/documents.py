"""The rules of one file from its documents, with pySigma's collection actions: global, reset and repeat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sigma_t1020.problems import Fault, Problem, kind, shown
from sigma_t1020.rules.effort import effort
from sigma_t1020.rules.loaded_rule import LoadedRule, line_in, source_of
from sigma_t1020.rules.references import keys_of
from sigma_t1020.rules.rule_shape import RULE_HINT, RuleObject, check
from sigma_t1020.rules.yaml_documents import Document

# Microseconds of pySigma's work, about: a collection of two thousand rules needs less.
MAX_EFFORT_A_FILE = 1_500_000
# Of a chain of repeats only the nearest are searched for a line.
MAX_INHERITED = 10

_TOO_MUCH = Fault(
    ("detection",), "too much to expand: |windash, `of` or a long condition", "write fewer dashes, or split the rule"
)


@dataclass
class FileRules:
    """What one file holds; `unusable` has the places of rules that cannot be used, by the keys of their references."""

    rules: list[LoadedRule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unusable: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Base:
    """What a document builds on: data, and the documents it comes from."""

    data: dict[str, Any] = field(default_factory=dict)
    documents: tuple[Document, ...] = ()


def rules_of(path: str, documents: Iterable[Document]) -> FileRules:
    """The rules of a file. One that builds on an unreadable document is not used: it would be wider than was meant."""
    reader = _Reader(path)
    for document in documents:
        reader.read(document)
    return reader.found


class _Reader:
    """Documents of a file in order, as sigma.collection.from_dicts takes them; a base is None if it is unreadable."""

    def __init__(self, path: str) -> None:
        self.found = FileRules()
        self._path, self._allowance = path, MAX_EFFORT_A_FILE
        self._global: _Base | None = _Base()
        self._previous: _Base | None = _Base()

    def read(self, document: Document) -> None:
        """Take the next document."""
        if document.problem is not None:
            self.found.problems.append(document.problem)
            self._previous = None
            if document.action == "global":
                self._global = None
        elif isinstance(document.data, dict):
            self._act(document, {key: value for key, value in document.data.items() if key != "action"})
        elif document.data is not None:
            self._report(document.line, f"{kind(document.data)}, not a Sigma rule", RULE_HINT)

    def _act(self, document: Document, own: dict[str, Any]) -> None:
        action = document.data.get("action")
        if action == "reset":
            self._global = _Base()
        elif action == "global":
            self._global = self._previous = _Base(own, (document,))
        elif action not in (None, "repeat"):
            self._report(document.line_of("action"), f"unknown action {shown(action)}", "use global, reset or repeat")
        elif action is None and ("correlation" in own or "filter" in own):
            self._use(document, own, _Base())
        else:
            self._build(document, own, repeats=action == "repeat")

    def _build(self, document: Document, own: dict[str, Any], repeats: bool) -> None:
        """Use a document together with its base, and keep both for the next one to repeat."""
        base = self._previous if repeats else self._global
        if base is None:
            self._report(document.line, "this document builds on one that could not be read", "correct that one first")
            self._note(document, own)
            return
        # As in pySigma a repeat overrides what it repeats, but a global document overrides the rule.
        data = _merged(base.data, own) if repeats else _merged(own, base.data)
        self._previous = _Base(data, (document, *base.documents[:MAX_INHERITED]))
        self._use(document, data, base)

    def _use(self, document: Document, data: dict[str, Any], base: _Base) -> None:
        rule, faults = self._check(document, data)
        if rule is not None and not faults:
            self.found.rules.append(LoadedRule(rule, document, self._path, data, base.documents))
            return
        self._note(document, data)
        for fault in faults:
            self._report(line_in((document, *base.documents), fault.at), fault.message, fault.hint)

    def _check(self, document: Document, data: dict[str, Any]) -> tuple[RuleObject | None, list[Fault]]:
        if self._allowance <= 0:
            return None, [_TOO_MUCH]
        cost = effort(data)
        if cost > self._allowance:
            self._allowance -= cost // 50  # the estimate itself takes time
            return None, [_TOO_MUCH]
        self._allowance -= cost
        return check(data, source_of(self._path, document))

    def _note(self, document: Document, data: dict[str, Any]) -> None:
        for key in keys_of(data):
            self.found.unusable.setdefault(key, f"{self._path}:{document.line}")

    def _report(self, line: int, message: str, hint: str) -> None:
        self.found.problems.append(Problem(self._path, line, message, hint))


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Both mappings in a new one, level by level; `over` wins."""
    merged = dict(under)
    for key, value in over.items():
        below = under.get(key)
        merged[key] = _merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged
