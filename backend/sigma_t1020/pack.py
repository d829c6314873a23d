"""The shipped pack: rules, correlations, filters and what metadata.yml says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sigma_t1020.resources import directory

if TYPE_CHECKING:
    from sigma_t1020.rules.loading import Loaded

HEADER = """\
# sigma-t1020: Sigma rules for ATT&CK T1020, Automated Exfiltration. All rules of the pack in one file.
# The correlations come last: converters that read in order then know the rules which they refer to.
"""


def rule_paths() -> list[Path]:
    """The folders of rules and correlations."""
    root = directory("sigma")
    return [root / "rules", root / "correlations"]


def load_pack() -> Loaded:
    """The shipped rules and correlations, without the filters."""
    from sigma_t1020.rules.loading import load

    return load(rule_paths())


def filter_paths() -> list[Path]:
    """The shipped filters' files, sorted."""
    return sorted((directory("sigma") / "filters").glob("*.yml"))


@cache
def metadata() -> Mapping[str, Mapping[str, Any]]:
    """By rule id: branch, confidence, version and what else sigma/metadata.yml explains."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (directory("sigma") / "metadata.yml").open(encoding="utf-8") as stream:
        found: dict[str, Mapping[str, Any]] = yaml.load(stream, loader)
    return found


def branches() -> Mapping[str, str]:
    """By rule id the branch that the rule belongs to."""
    return {rule: str(entry["branch"]) for rule, entry in metadata().items()}


def _sources() -> Iterator[Path]:
    for folder in rule_paths():
        yield from sorted(folder.rglob("*.yml"))


def one_file() -> str:
    """All rules and correlations as one YAML file of many documents, as they are written."""
    texts = [path.read_text(encoding="utf-8").strip("\n") for path in _sources()]
    return HEADER + "".join(f"---\n{text}\n" for text in texts)
