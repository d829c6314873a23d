"""The engine gives what Splunk's pages show."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from oracles.spl_engine import SplEngine
from oracles.spl_examples import AGGREGATES, COMMANDS, EXAMPLES, EXPRESSIONS, SEARCH, Example

NOW = datetime(2024, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_a_page_is_followed(example: Example) -> None:
    answer = SplEngine(example.events, **example.options).query(example.query, NOW)
    assert [list(row.items()) for row in answer] == [list(row.items()) for row in example.rows]


def test_no_two_examples_have_one_name() -> None:
    assert len(EXAMPLES) == len(SEARCH) + len(EXPRESSIONS) + len(COMMANDS) + len(AGGREGATES)
