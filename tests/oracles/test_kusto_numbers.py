"""The numbers of kusto_numbers.py against Python's own."""

from __future__ import annotations

from datetime import datetime

import pytest
from oracles.kusto_engine import KustoEngine

NUMBERS = (0, 1, 255, 256, 4294967295, 4294967296, 2**63 - 1, -1, -256)


@pytest.mark.parametrize("length", [1, 8, 16])
def test_tohex_writes_as_many_digits_as_asked_for_or_needed(length: int) -> None:
    with KustoEngine({"T": {"N": "long"}}) as engine:
        engine.load("T", [{"N": number} for number in NUMBERS])
        rows = engine.query(f"T | extend X = tohex(N, {length}) | project N, X", datetime(2030, 1, 1))
    assert {row["N"]: row["X"] for row in rows} == {number: format(number % 2**64, f"0{length}x") for number in NUMBERS}
