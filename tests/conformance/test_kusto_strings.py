"""Any text, as a value, comes back from Microsoft's parser as that text, and in the engine finds itself alone."""

from __future__ import annotations

from datetime import datetime

import pytest
import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles.kusto_engine import KustoEngine
from reference.events import Event
from reference.generators import sample
from reference.patterns import fold
from sigma.backends.t1020.kusto.text import string
from sigma_t1020.kusto_language.language import kusto_language

from conformance import hard_texts
from conformance.hard_texts import HARD, PLACES, TEXTS, ordinary, sigma_value, variants
from conformance.kusto import load, to_kql


def query_of(text: str, modifiers: str = "") -> str:
    """A rule that looks for the text in the command line, as KQL."""
    rule = {
        "title": "Text",
        "logsource": {"category": "process_creation"},
        "detection": {"selection": {f"CommandLine{modifiers}": sigma_value(text)}, "condition": "selection"},
    }
    (query,) = to_kql([rule], lookback="9999d")
    return query


@volumes.examples(1500)
@given(st.one_of(TEXTS, HARD))
def test_the_parser_reads_a_literal_as_its_text(text: str) -> None:
    assert kusto_language().string_literals(f"print {string(text)}") == [text]


@volumes.examples(600)
@given(st.one_of(TEXTS, HARD), st.sampled_from(PLACES))
def test_a_value_comes_back_from_the_parser_as_that_text(text: str, modifiers: str) -> None:
    literals = kusto_language().string_literals(query_of(text, modifiers))
    assert len(literals) == 1
    # Letters beyond ASCII are compared in lower case (Kusto's own operators know ASCII alone).
    assert literals[0] in (text, fold(text))
    assert "|cased" not in modifiers or literals[0] == text


@pytest.mark.parametrize("number", range(4))
def test_a_value_finds_itself_and_its_case_variants_and_nothing_else(number: int) -> None:
    texts = [text for text in dict.fromkeys(sample(hard_texts.text, volumes.of(60, 20), number)) if ordinary(text)]
    assert len(texts) > volumes.of(60, 20) * 0.6
    stored = sorted({variant for text in texts for variant in variants(text) if ordinary(variant)} - {""})
    wrong: list[str] = []
    with KustoEngine("sentinel") as engine:
        from datetime import datetime

        now = datetime(2030, 1, 1)
        rows = [{"TimeGenerated": now, "ReportId": n, "ProcessCommandLine": one} for n, one in enumerate(stored)]
        engine.load("DeviceProcessEvents", rows)
        for text in texts:
            found = {
                stored[row["ReportId"]] for row in engine.query(query_of(text), now) if isinstance(row["ReportId"], int)
            }
            if found != {one for one in stored if fold(one) == fold(text)}:
                wrong.append(f"{text!r} found {sorted(found)!r}")
    assert not wrong, "\n".join(wrong[:5])


def test_hundreds_of_alternatives_are_grouped_and_find_the_last() -> None:
    values = [f"ärger{number}x" for number in range(400)]
    rule = {
        "title": "Long",
        "logsource": {"category": "process_creation", "product": "windows"},
        "detection": {"selection": {"CommandLine|contains": values}, "condition": "selection"},
    }
    (query,) = to_kql([rule])
    assert not [found for found in kusto_language().diagnostics(query, "sentinel") if found.severity == "Error"]
    texts = ["ÄRGER399X", "ärger400x"]
    events = [
        Event(text, 1_749_985_200_000, {"HostId": "h", "CommandLine": text}, "process_creation", "windows")
        for text in texts
    ]
    with KustoEngine("sentinel") as engine:
        load(engine, events)
        found = engine.query(query, datetime(2025, 6, 15, 12, 0))
    assert [row["ProcessCommandLine"] for row in found] == ["ÄRGER399X"]
