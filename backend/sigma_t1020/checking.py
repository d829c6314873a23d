"""`check`: rules against SigmaHQ's conventions and against every target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sigma_t1020.convert import Options, convert
from sigma_t1020.problems import Problem
from sigma_t1020.targets import TARGETS

if TYPE_CHECKING:
    from sigma_t1020.loading import Loaded

INSTALL = "pip install 'sigma-t1020[check]'"

#: Validators that download ATT&CK, D3FEND or SigmaHQ data, which nothing here does.
ONLINE = frozenset(
    {
        "attacktag",
        "d3_fendtag",
        "sigmahq_category_event_id",
        "sigmahq_category_windows_provider_name",
        "sigmahq_fieldname_cast",
        "sigmahq_filename_prefix",
        "sigmahq_invalid_fieldname",
        "sigmahq_logsource_unknown",
        "sigmahq_redundant_field",
        "sigmahq_tags_techniques_without_tactics",
    }
)

#: `fields` is a part of every rule of the pack, as its owner asks: what an analyst wants to see beside an alert. The
#: specification has it; this validator of SigmaHQ's calls it deprecated, a rule of its own repository.
NOT_OURS = frozenset({"sigmahq_fields_existence"})


def check(loaded: Loaded) -> list[Problem]:
    """All findings, in the order of path and line."""
    findings = list(_conventions(loaded))
    for target in TARGETS.values():
        findings.extend(problem for problem in convert(loaded, None, target, Options()).problems)
    return sorted(set(findings))


def _conventions(loaded: Loaded) -> Iterator[Problem]:
    """Findings of pySigma's and SigmaHQ's validators that run offline; the latter are in an extra."""
    from sigma.plugins import InstalledSigmaPlugins
    from sigma.validation import SigmaValidator

    # Classes; pySigma's annotation says instances.
    known: dict[str, Any] = {
        **InstalledSigmaPlugins.autodiscover(include_backends=False, include_pipelines=False).validators
    }
    if not any(name.startswith("sigmahq_") for name in known):
        yield Problem(None, None, "SigmaHQ's validators are not installed", INSTALL)
        return
    validator = SigmaValidator({known[name] for name in sorted(known.keys() - ONLINE - NOT_OURS)})
    # Without the filters: what they add to a condition is none of the rule's.
    collection = loaded.collection(())
    rules: list[Any] = collection.rules
    for issue in validator.validate_rules(iter(rules)):
        for rule in issue.rules:
            if (source := loaded.find(rule)) is not None:
                yield source.problem(*_words(issue))


def _words(issue: Any) -> tuple[str, str]:
    """What an issue says, and its details."""
    details = {
        key: value
        for key, value in vars(issue).items()
        if key != "rules" and isinstance(value, (str, int, list, set, tuple))
    }
    shown = ", ".join(f"{key} {value}" for key, value in sorted(details.items()))
    return f"{type(issue).__name__}: {issue.description}", shown
