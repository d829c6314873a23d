"""The rows of the `list` commands: plain dicts of one shape, for tables and JSON alike; the first keys tell most."""

from __future__ import annotations

from typing import Any

from sigma_t1020 import pack
from sigma_t1020.convert import is_called
from sigma_t1020.resources import load_pipeline, near, pipeline_path
from sigma_t1020.targets import TARGETS, Target

# What an unset key stands for, as YAML.
_EMPTY: dict[type, str] = {str: "''", tuple: "[]", frozenset: "[]", dict: "{}"}


def rules() -> list[dict[str, Any]]:
    """Every rule and correlation of the pack; `used by` are the correlations that hide it."""
    loaded = pack.load_pack()
    described = pack.metadata()
    rows = []
    for item in loaded.rules:
        rule: Any = item.rule
        source = getattr(rule, "logsource", None)
        users = [other.rule.title for other in loaded.rules if any(is_called(item, name) for name in other.references)]
        rows.append(
            {
                "id": str(rule.id),
                "title": rule.title,
                "level": str(rule.level).lower(),
                "kind": "correlation" if item.is_correlation else "rule",
                "branch": described.get(str(rule.id), {}).get("branch", ""),
                "log source": f"{source.product}/{source.category}" if source else "",
                "used by": users,
            }
        )
    return rows


def targets() -> list[dict[str, Any]]:
    """The targets of convert."""
    return [
        {
            "target": target.name,
            "title": target.title,
            "dialect": spoken.dialect.name,
            "backend": spoken.dialect.backend,
            "pipeline": spoken.pipeline,
        }
        for target in TARGETS.values()
        for spoken in target.in_each_dialect
    ]


def pipelines() -> list[dict[str, Any]]:
    """Our pipelines with the log sources that they know."""
    from sigma.backends.t1020.common.log_model import categories

    return [
        {
            "pipeline": name,
            "target": target.name,
            "dialects": dialects,
            "file": pipeline_path(name).name,
            "log sources": categories(load_pipeline(name)),
        }
        for target in TARGETS.values()
        for name, dialects in _by_pipeline(target).items()
    ]


def log_sources() -> list[dict[str, Any]]:
    """By log source category the pipelines that know it, each in a column of its own."""
    known = {row["pipeline"].removeprefix("t1020_"): row["log sources"] for row in pipelines()}
    names = sorted({category for found in known.values() for category in found})
    return [
        {"log source": category, **{pipeline: "x" if category in found else "" for pipeline, found in known.items()}}
        for category in names
    ]


def _by_pipeline(target: Target) -> dict[str, list[str]]:
    """The pipelines of a target, each with the dialects that it serves."""
    found: dict[str, list[str]] = {}
    for spoken in target.in_each_dialect:
        found.setdefault(spoken.pipeline, []).append(spoken.dialect.name)
    for model in target.models:
        found[model] = found[target.pipeline]
    return found


def state_keys() -> list[dict[str, Any]]:
    """Every key of the pipeline state that the backends read; `default` and `example` are YAML."""
    from sigma.backends.t1020.common.log_model import STATE_KEYS

    return [
        {
            "key": key.name,
            "takes": key.kind.takes,
            "meaning": "; ".join(
                [key.meaning, *(f"{', '.join(sorted(backends))}: {note}" for backends, note in key.notes.items())]
            ),
            "default": key.unset if key.unset and isinstance(key.unset, str) else _EMPTY[type(key.unset)],
            "example": key.example,
            "read by": sorted(key.backends),
        }
        for key in STATE_KEYS.values()
    ]


def filters() -> list[dict[str, Any]]:
    """The shipped filters; `path` can be given to --filter."""
    from sigma_t1020.rules.loading import load

    return [
        {
            "path": near(item.path),
            "title": item.rule.title,
            "id": str(item.rule.id),
            "description": " ".join(str(item.rule.description or "").split()),
        }
        for item in load(pack.filter_paths()).filters
    ]
