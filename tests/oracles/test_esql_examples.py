"""The engine gives what Elastic's pages show."""

from __future__ import annotations

import pytest
from oracles.esql_engine import EsqlEngine
from oracles.esql_example import NOW, Example
from oracles.esql_examples import ALL, EXAMPLES
from oracles.esql_grammar import EsqlError


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_a_page_is_followed(example: Example) -> None:
    engine = EsqlEngine({"e": example.documents}, {"e": example.mapping}, **example.options)
    if isinstance(example.rows, str):
        with pytest.raises(EsqlError) as refusal:
            engine.query(example.query, NOW)
        assert type(refusal.value).__name__ == example.rows
        return
    answer = engine.query(example.query, NOW)
    # As text, so that 1, 1.0 and true differ.
    assert repr([list(row.items()) for row in answer]) == repr([list(row.items()) for row in example.rows])


def test_no_two_examples_have_one_name() -> None:
    assert len(EXAMPLES) == sum(map(len, ALL))
