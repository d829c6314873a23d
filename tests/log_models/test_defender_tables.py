"""The two pipelines of Defender's tables say the same of them but for the time column and the listed columns."""

from __future__ import annotations

import re
from typing import Any

import yaml

from log_models.heads import PIPELINES

SENTINEL = (PIPELINES / "t1020_sentinel.yml").read_text("utf-8")
DEFENDER = (PIPELINES / "t1020_defender.yml").read_text("utf-8")


def by_defender(text: str) -> str:
    """Text of Sentinel's pipeline with Defender's time column in the place of Sentinel's, and under its name."""
    return re.sub(r"\bt1020_sentinel\b", "t1020_defender", re.sub(r"\bTimeGenerated\b", "Timestamp", text))


def without_columns(value: Any) -> Any:
    """A part of a pipeline without the values of the key `columns`."""
    if isinstance(value, list):
        return [without_columns(item) for item in value]
    if not isinstance(value, dict):
        return value
    of_columns = value.get("key") == "columns"
    return {name: without_columns(item) for name, item in value.items() if not (of_columns and name == "val")}


def comments(text: str) -> list[str]:
    """The comments of a pipeline but for the first paragraph, which says what product it is for."""
    lines = text[text.index("\n#\n") :].splitlines()
    return [line.strip() for line in lines if line.lstrip().startswith("#")]


def test_they_differ_in_name_time_column_and_listed_columns_alone() -> None:
    sentinel, defender = yaml.safe_load(by_defender(SENTINEL)), yaml.safe_load(DEFENDER)
    assert without_columns(sentinel) == without_columns(defender)
    assert sentinel != defender, "the products list different columns"


def test_each_names_its_own_time_column_only() -> None:
    # The first paragraph and the documentation of the key name Sentinel's, which is the default.
    body = DEFENDER.partition("\nname:")[2]
    assert "TimeGenerated" not in body
    assert "Timestamp" not in SENTINEL


def test_their_comments_are_the_same() -> None:
    assert list(map(by_defender, comments(SENTINEL))) == list(map(by_defender, comments(DEFENDER)))
