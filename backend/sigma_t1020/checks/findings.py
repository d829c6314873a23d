"""Findings: what `check` says about rules and their queries, each with a place, a severity, a code and a next step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sigma_t1020.problems import Problem


class Severity(str, Enum):
    """How bad a finding is, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Code:
    """What all findings of one code have in common; `hint` is for those that have none of their own."""

    severity: Severity
    description: str
    hint: str


#: The closed list of our own codes. Those of others stand for themselves: the names of the issues of pySigma's and
#: SigmaHQ's validators (SigmahqTitleCaseIssue), and Microsoft's codes (KS142, SEM0064).
CODES: Mapping[str, Code] = {
    "load": Code(Severity.ERROR, "A file or a rule in it cannot be used", "correct it"),
    "convert": Code(
        Severity.ERROR, "A rule cannot be converted for a target", "rewrite the rule, or leave that target out"
    ),
    "loss": Code(Severity.INFO, "A query finds more than its rule says", "`convert --strict` makes it an error"),
    "unknown-name": Code(
        Severity.INFO,
        "A pipeline given with -p leads to a name that the product's schema lacks",
        "correct the name, or ignore this if it is your own",
    ),
    "unread-state": Code(
        Severity.INFO,
        "A pipeline given with -p sets a state key that nothing reads",
        "see `sigma-t1020 list state-keys` for the keys that the backends read",
    ),
    "parser-absent": Code(
        Severity.INFO, "The parser of a dialect is not installed, so its queries were not checked", "see the message"
    ),
    "parser-failed": Code(
        Severity.ERROR,
        "The parser of a dialect did not answer, so queries were not checked",
        "install it again, or report the problem with the rule",
    ),
    "validators-absent": Code(
        Severity.INFO, "SigmaHQ's validators are not installed, so its conventions were not checked", "see the message"
    ),
}


@dataclass(frozen=True)
class Finding:
    """One finding. `line` is 1-based; `path` is None for what concerns the run, not a file.

    `targets` are those whose query or conversion it is about, () for one about the rule itself; `excerpt` is the
    line of the query.
    """

    path: str | None
    line: int | None
    code: str
    severity: Severity
    message: str
    hint: str
    targets: tuple[str, ...] = ()
    excerpt: str = ""

    @property
    def order(self) -> tuple[str, int, int, str, str, str]:
        """By file and line, the worst first."""
        return self.path or "", self.line or 0, self.severity.rank, self.code, self.message, self.excerpt


def finding(code: str, problem: Problem, target: str = "") -> Finding:
    """A finding of one of our own codes."""
    known = CODES[code]
    return Finding(
        problem.path,
        problem.line,
        code,
        known.severity,
        problem.message,
        problem.hint or known.hint,
        (target,) if target else (),
    )


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, with all targets that it is about, in order."""
    targets: dict[Finding, dict[str, None]] = {}
    for item in findings:
        targets.setdefault(replace(item, targets=()), {}).update(dict.fromkeys(item.targets))
    found = [replace(item, targets=tuple(sorted(names))) for item, names in targets.items()]
    return sorted(found, key=lambda item: (item.order, item.targets))


def at_least(findings: Iterable[Finding], severity: Severity) -> list[Finding]:
    """The findings that are of that severity or worse."""
    return [item for item in findings if item.severity.rank <= severity.rank]
