"""`check`: rules by the validators' conventions, their conversion for each target, and the queries by their grammar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sigma_t1020.checks.findings import Finding, Severity, finding, merged
from sigma_t1020.checks.query_grammar import CheckedQuery, check_queries, searched_on
from sigma_t1020.convert import Options, convert
from sigma_t1020.problems import Place, Problem
from sigma_t1020.targets import KQL

if TYPE_CHECKING:
    from sigma_t1020.rules.loading import Loaded, LoadedRule
    from sigma_t1020.targets import Target

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


def check(
    loaded: Loaded, problems: Iterable[Problem], targets: Sequence[Target], pipelines: Sequence[str] = ()
) -> list[Finding]:
    """All findings, in the order of path and line: the problems of loading among them. Raises PipelineProblem.

    `pipelines` come on top of the targets' own: names of installed ones, files or folders.
    """
    from sigma.backends.t1020.common.losses import Cause

    findings = [*(finding("load", problem) for problem in problems), *_conventions(loaded)]
    queries: list[CheckedQuery] = []
    # A dialect that can say more is the one that is asked, where a target has several of the same documents.
    for target in (target.languages[-1] for target in targets):
        done = convert(loaded, None, target, Options(pipelines=pipelines))
        findings.extend(finding("convert", problem, target.name) for problem in done.problems)
        converted = [item for item in done.converted for _part in item.parts]
        for (source, rule), query in zip(((item.source, item.rule) for item in converted), done.queries, strict=True):
            line = searched_on(source)
            findings.extend(
                finding("loss", source.problem(loss.message, "", line), target.name)
                for loss in query.losses
                if loss.code.cause is Cause.RULE
            )
            if target.dialect is KQL:
                queries.append(CheckedQuery(source, target.name, query.text, _tables(rule)))
    return merged([*findings, *check_queries(queries, bool(pipelines))])


def _tables(rule: Any) -> dict[str, dict[str, str]]:
    """The tables of a converted rule or of those that it correlates, with the columns that the pipelines declare."""
    from sigma.backends.t1020.common.log_model import LogModel

    tables: dict[str, dict[str, str]] = {}
    for leg in _legs(rule):
        for state in leg.get_conversion_states():
            if model := LogModel.from_state(state.processing_state):
                columns = {model.time_column: "datetime", **model.columns}
                tables.setdefault(model.table, {}).update(columns)
    return tables


def _legs(rule: Any) -> Iterator[Any]:
    """The rule itself, or those that a correlation, or one to which it refers, correlates."""
    references = getattr(rule, "referenced_rules", ())
    if not references:
        yield rule
    for reference in references:
        yield from _legs(reference.rule)


def _conventions(loaded: Loaded) -> Iterator[Finding]:
    """Findings of pySigma's and SigmaHQ's validators that run offline; the latter are in an extra."""
    from sigma.plugins import InstalledSigmaPlugins
    from sigma.validation import SigmaValidator

    # Classes; pySigma's annotation says instances.
    known: dict[str, Any] = {
        **InstalledSigmaPlugins.autodiscover(include_backends=False, include_pipelines=False).validators
    }
    if not any(name.startswith("sigmahq_") for name in known):
        message = "SigmaHQ's conventions were not checked: its validators are not installed"
        yield finding("validators-absent", Problem(None, None, message, INSTALL))
    validator = SigmaValidator({known[name] for name in sorted(known.keys() - ONLINE - NOT_OURS)})
    # Without the filters: what they add to a condition is none of the rule's.
    collection = loaded.collection(())
    rules: list[Any] = collection.rules
    for issue in validator.validate_rules(iter(rules)):
        for rule in issue.rules:
            if (source := loaded.find(rule)) is not None:
                yield _issue(issue, source)


def _issue(issue: Any, source: LoadedRule) -> Finding:
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


def _text(value: Any) -> str:
    """A detail of an issue; a set has no order of its own."""
    if isinstance(value, (list, tuple, set)):
        return " ".join(map(str, sorted(value, key=str) if isinstance(value, set) else value))
    return str(value)


def _line(issue: Any, source: LoadedRule) -> int:
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
