"""A rule that can be used, with what it was built from: where it, its fields and its values stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigma_t1020.problems import Place, Problem
from sigma_t1020.rules.rule_shape import RuleObject, build
from sigma_t1020.rules.yaml_documents import Document

if TYPE_CHECKING:
    from sigma.exceptions import SigmaRuleLocation


@dataclass(frozen=True, eq=False)
class LoadedRule:
    """A healthy rule, correlation or filter; `data` is its document together with those it builds on, `inherited`."""

    rule: RuleObject
    document: Document
    path: str
    data: dict[str, Any] = field(repr=False)
    inherited: tuple[Document, ...] = field(default=(), repr=False)

    @property
    def place(self) -> str:
        """Its path and the line on which its document begins."""
        return f"{self.path}:{self.document.line}"

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
        return build(self.data, source_of(self.path, self.document))

    def line_of(self, *at: str | int) -> int:
        """1-based line of the key at a path, in its document or in one it builds on; else of what encloses it."""
        return line_in((self.document, *self.inherited), at)

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
            for at, value in _walk(self.data.get(body), (body,)):
                if wanted(at[-1], value):
                    return self.line_of(*at)
        return None


def line_in(documents: tuple[Document, ...], at: Place) -> int:
    """Line of a path in the first document that has it; in none: of what would enclose it in the first."""
    found = (document.find(*at) for document in documents)
    return next((line for line in found if line is not None), documents[0].line_of(*at))


def source_of(path: str, document: Document) -> SigmaRuleLocation:
    """Where a document stands, as pySigma says it."""
    from sigma.exceptions import SigmaRuleLocation

    return SigmaRuleLocation(Path(path), document.line)


def _walk(value: Any, at: Place) -> Iterator[tuple[Place, Any]]:
    """(path, value) of everything below `value`, in the order of the file."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*at, key), item
        yield from _walk(item, (*at, key))
