"""Where the pack's files are, and the pack as pySigma reads it, for all tests of this folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sigma.collection import SigmaCollection

PACK = Path(__file__).parents[2] / "sigma"
RULE_FILES = tuple(sorted((PACK / "rules").rglob("*.yml")) + sorted((PACK / "correlations").glob("*.yml")))
FILTER_FILES = tuple(sorted((PACK / "filters").glob("*.yml")))


def load_rules() -> SigmaCollection:
    """A fresh collection of all rules and correlations: filters and pipelines change the rules that they are given."""
    return SigmaCollection.load_ruleset([str(path) for path in RULE_FILES], collect_errors=True)


@cache
def document(path: Path) -> dict[str, Any]:
    """A file's YAML as plain data, shared by all callers: not to be changed."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def rule_document(stem: str) -> dict[str, Any]:
    """The YAML of the rule whose file name is `stem`.yml."""
    (path,) = [path for path in RULE_FILES if path.stem == stem]
    return document(path)


@cache
def non_public_networks() -> tuple[str, ...]:
    """sigma/networks.yml, in its order."""
    return tuple(document(PACK / "networks.yml")["non_public"])
