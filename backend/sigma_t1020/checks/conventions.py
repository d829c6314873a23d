"""Rules by the conventions of Sigma and SigmaHQ: the validators of pySigma and of SigmaHQ that run offline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from sigma_t1020.checks.findings import Finding, Severity, finding
from sigma_t1020.problems import Place, Problem

if TYPE_CHECKING:
    from sigma.rule import SigmaRule
    from sigma.validators.base import SigmaRuleValidator, SigmaValidationIssue

    from sigma_t1020.rules.loading import Loaded, LoadedRule

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

_SEVERITIES = {"HIGH": Severity.ERROR, "MEDIUM": Severity.WARNING, "LOW": Severity.INFO}
#: The part of a rule that a validator looks at, by the name of its module; the others look at detections.
_PARTS = {
    "author": "author",
    "correlation": "correlation",
    "date": "date",
    "description": "description",
    "falsepositive": "falsepositives",
    "fields": "fields",
    "filename": "title",
    "level": "level",
    "logsource": "logsource",
    "logsources": "logsource",
    "metadata": "title",
    "references": "references",
    "status": "status",
    "tags": "tags",
    "title": "title",
}


def check_conventions(loaded: Loaded) -> Iterator[Finding]:
    """What the validators find. Those of SigmaHQ are in an extra: where it is not installed, one finding says so."""
    from sigma.plugins import InstalledSigmaPlugins
    from sigma.validation import SigmaValidator

    plugins = InstalledSigmaPlugins.autodiscover(include_backends=False, include_pipelines=False)
    # Classes; pySigma's annotation says instances.
    known = cast("dict[str, type[SigmaRuleValidator]]", plugins.validators)
    if not any(name.startswith("sigmahq_") for name in known):
        message = "SigmaHQ's conventions were not checked: its validators are not installed"
        yield finding("validators-absent", Problem(None, None, message, INSTALL))
    validator = SigmaValidator({known[name] for name in sorted(known.keys() - ONLINE - NOT_OURS)})
    # Without the filters: what they add to a condition is not the rule's. Correlations are validated too, which
    # pySigma's annotation leaves out.
    rules = cast("list[SigmaRule]", loaded.collection(()).rules)
    for issue in validator.validate_rules(iter(rules)):
        for rule in issue.rules:
            if (source := loaded.find(rule)) is not None:
                yield _finding(issue, source)


def _finding(issue: SigmaValidationIssue, source: LoadedRule) -> Finding:
    """An issue as a finding: its description, with the details that its class adds."""
    details = {
        key: value
        for key, value in vars(issue).items()
        if key != "rules" and isinstance(value, (str, int, list, set, tuple))
    }
    shown = ", ".join(f"{key} {_text(value)}" for key, value in sorted(details.items()))
    sigmahq = type(issue).__module__.startswith("sigma.validators.sigmahq")
    return Finding(
        source.path,
        _line(issue, source),
        type(issue).__name__,
        _SEVERITIES[issue.severity.name],
        issue.description.rstrip(".") + (f" ({shown})" if shown else ""),
        "see SigmaHQ's conventions for rules" if sigmahq else "see the Sigma specification",
    )


def _text(value: object) -> str:
    """A detail of an issue; a set has no order of its own."""
    if isinstance(value, (list, tuple, set)):
        return " ".join(map(str, sorted(value, key=str) if isinstance(value, set) else value))
    return str(value)


def _line(issue: SigmaValidationIssue, source: LoadedRule) -> int:
    """The line of the field that an issue names; else of the part of the rule that its validator looks at."""
    named = getattr(issue, "detection_item", issue)
    field = getattr(named, "field", None) or getattr(named, "fieldname", None)
    if isinstance(field, str) and (line := source.line_of_field(field)) is not None:
        return line
    part = _PARTS.get(type(issue).__module__.rpartition(".")[2], "detection")
    place: Place = (part,)
    if part == "detection" and "condition" in type(issue).__name__.lower():
        place = (part, "condition")
    return source.line_of(*place)
