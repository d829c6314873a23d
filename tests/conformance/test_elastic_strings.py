"""Any text, as a value, comes back from Elastic's grammars as that text, and finds itself alone."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import eql_grammar, esql_grammar
from reference.events import Event
from reference.generators import sample
from reference.patterns import fold
from sigma.backends.t1020 import eql_text, esql_text

from conformance.elastic import eql_engine, esql_engine, to_eql, to_esql
from conformance.hard_texts import HARD, PLACES, TEXTS, ordinary, sigma_value, variants

NOW = datetime(2030, 1, 1)
START = 1_800_000_000_000


def _rule(text: str, modifiers: str = "") -> dict[str, object]:
    """A rule that looks for the text in the command line."""
    return {
        "title": "Text",
        "logsource": {"category": "process_creation"},
        "detection": {"selection": {f"CommandLine{modifiers}": sigma_value(text)}, "condition": "selection"},
    }


@settings(max_examples=1000, deadline=None)
@given(st.one_of(TEXTS, HARD))
def test_the_grammars_read_a_literal_as_its_text(text: str) -> None:
    assert esql_grammar.string_literals(f"ROW x = {esql_text.string(text)}") == [text]
    assert eql_grammar.string_literals(f"process where a == {eql_text.string(text)}") == [text]


@settings(max_examples=400, deadline=None)
@given(st.one_of(TEXTS, HARD), st.sampled_from(PLACES))
def test_no_value_adds_a_command_or_a_condition(text: str, modifiers: str) -> None:
    (esql,) = to_esql([_rule(text, modifiers)])
    assert [command.name for command in esql_grammar.commands(esql)] == ["from", *["where"] * 4, "keep", "limit"]
    (eql,) = to_eql([_rule(text, modifiers)])
    (step,) = eql_grammar.steps(eql)
    assert step.category == "process"
    # What chooses the log source, and the value.
    assert len(eql_grammar.string_literals(eql)) == 4


@settings(max_examples=300, deadline=None)
@given(st.text(min_size=1, max_size=12).filter(lambda text: text.strip(".") == text and ".." not in text))
def test_any_name_of_a_field_is_read_as_that_name(field: str) -> None:
    query = f"FROM a | WHERE {esql_text.name(field)} == 1"
    if not set(field) & set("\n\r"):
        assert [command.name for command in esql_grammar.commands(query)] == ["from", "where"]
        eql_grammar.parse(f"process where {eql_text.name(field)} == 1")


@pytest.mark.parametrize("number", range(2))
def test_a_value_finds_itself_and_its_case_variants_and_nothing_else(number: int) -> None:
    texts = [text for text in dict.fromkeys(sample(st.one_of(TEXTS, HARD), 100, number)) if ordinary(text)]
    assert len(texts) > 60
    stored = sorted({variant for text in texts for variant in variants(text) if ordinary(variant)} - {""})
    events = [
        Event(str(n), START, {"HostId": "h", "CommandLine": one}, "process_creation", "windows")
        for n, one in enumerate(stored)
    ]
    esql, eql = esql_engine(events), eql_engine(events)
    wrong: list[str] = []
    for text in texts:
        for modifiers, same in (("", lambda one, text=text: fold(one) == fold(text)), ("|cased", text.__eq__)):
            expected = {one for one in stored if same(one)}
            (query,) = to_esql([_rule(text, modifiers)], lookback="9999d")
            by_esql = {stored[int(str(row["_id"]))] for row in esql.query(query, NOW)}
            (query,) = to_eql([_rule(text, modifiers)])
            by_eql = {stored[int(str(alert[0]["_id"]))] for alert in eql.query(query)}
            for name, found in (("ES|QL", by_esql), ("EQL", by_eql)):
                if found != expected:
                    wrong.append(f"{name}: {text!r}{modifiers} found {sorted(found)!r}, not {sorted(expected)!r}")
    assert not wrong, "\n".join(wrong[:5])
