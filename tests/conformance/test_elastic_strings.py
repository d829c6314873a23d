"""Any text, as a value, comes back from Elastic's grammars as that text, and finds itself alone."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles import eql_grammar, esql_grammar
from reference.events import Event
from reference.generators import sample
from reference.patterns import fold
from sigma.backends.t1020.common.losses import Unsupported
from sigma.backends.t1020.eql import text as eql_text
from sigma.backends.t1020.esql import text as esql_text

from conformance import hard_texts
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


@volumes.examples(1000)
@given(st.one_of(TEXTS, HARD))
def test_the_grammars_read_a_literal_as_its_text(text: str) -> None:
    assert esql_grammar.string_literals(f"ROW x = {esql_text.string(text)}") == [text]
    assert eql_grammar.string_literals(f"process where a == {eql_text.string(text)}") == [text]


@volumes.examples(400)
@given(st.one_of(TEXTS, HARD), st.sampled_from(PLACES))
def test_no_value_adds_a_command_or_a_condition(text: str, modifiers: str) -> None:
    (esql,) = to_esql([_rule(text, modifiers)])
    assert [command.name for command in esql_grammar.commands(esql)] == ["from", *["where"] * 4, "keep", "limit"]
    (eql,) = to_eql([_rule(text, modifiers)])
    (step,) = eql_grammar.steps(eql)
    assert step.category == "process"
    # What chooses the log source, and the value.
    assert len(eql_grammar.string_literals(eql)) == 4


@volumes.examples(300)
@given(st.text(min_size=1, max_size=12).filter(lambda text: text.strip(".") == text and ".." not in text))
def test_any_name_of_a_field_is_read_as_that_name(field: str) -> None:
    query = f"FROM a | WHERE {esql_text.name(field)} == 1"
    if not set(field) & set("\n\r"):
        assert [command.name for command in esql_grammar.commands(query)] == ["from", "where"]
        eql_grammar.parse(f"process where {eql_text.name(field)} == 1")


@pytest.mark.parametrize("number", range(2))
def test_a_value_finds_itself_and_its_case_variants_and_nothing_else(number: int) -> None:
    texts = [text for text in dict.fromkeys(sample(hard_texts.text, volumes.of(100, 20), number)) if ordinary(text)]
    assert len(texts) > volumes.of(100, 20) * 0.6
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


# --- Limits of Elasticsearch --------------------------------------------------------------------------

#: ES|QL's parser takes 400 levels in 8.19 and 293 in a later release, EQL's about as many.
LEVELS = 200


def _levels(tree: Any) -> int:
    """How deep the conditions of a parse tree nest."""
    deepest, pending = 0, [(tree, 0)]
    while pending:
        node, above = pending.pop()
        kinds = ("LogicalBinaryContext", "LogicalNotContext", "ParenthesizedExpressionContext")
        level = above + (type(node).__name__ in kinds)
        deepest = max(deepest, level)
        pending.extend((child, level) for child in getattr(node, "children", None) or ())
    return deepest


def _open(text: str) -> int:
    """How deep the parentheses of a query nest, outside its strings."""
    level = deepest = 0
    for character in re.sub(r'"(?:\\.|[^"\\])*"', "", text):
        level += {"(": 1, ")": -1}.get(character, 0)
        deepest = max(deepest, level)
    return deepest


@pytest.mark.parametrize(
    ("field", "condition"),
    [
        ("CommandLine|contains", "s"),
        ("CommandLine|contains", "p and not s"),
        ("CommandLine|contains|all", "s"),
        ("DestinationIp", "s"),
    ],
)
def test_a_thousand_values_nest_no_deeper_than_the_parsers_go(field: str, condition: str) -> None:
    address = field == "DestinationIp"
    values = [f"10.0.{number // 250}.{number % 250}" if address else f"ärger{number}x" for number in range(1000)]
    rule = {
        "title": "Long",
        "logsource": {"category": "network_connection" if address else "process_creation", "product": "windows"},
        "detection": {"s": {field: values}, "p": {"ProcessId": 1}, "condition": condition},
    }
    (esql,) = to_esql([rule], lookback="9999d")
    assert _levels(esql_grammar.parse(esql)) < LEVELS
    assert len(esql_grammar.commands(esql)) < 250
    (eql,) = to_eql([rule])
    assert _open(eql) < 10
    assert len(re.findall(r"\bor\b", max(re.split(r"[()]", eql), key=len))) < LEVELS
    if field == "CommandLine|contains" and condition == "s":
        events = [
            Event(text, START, {"HostId": "h", "CommandLine": text}, "process_creation", "windows")
            for text in ("ÄRGER999X", "ärger1000x")
        ]
        assert [row["_id"] for row in esql_engine(events).query(esql, NOW)] == ["ÄRGER999X"]
        assert [alert[0]["_id"] for alert in eql_engine(events).query(eql)] == ["ÄRGER999X"]


@pytest.mark.parametrize("convert", [to_eql, to_esql])
def test_a_value_whose_expression_is_too_long_is_refused_by_name(convert: Any) -> None:
    with pytest.raises(Unsupported, match=r"^process\.command_line: the value needs an expression of 1,2.. characters"):
        convert([_rule("ärger" * 60, "|contains")])


def test_no_expression_is_asked_of_a_lowered_text() -> None:
    """From 9.1 on, Elasticsearch makes of that an expression without regard to case, whose ranges heed it."""
    for modifiers in ("|re|i", "|re"):
        (esql,) = to_esql(
            [{**_rule("x"), "detection": {"s": {f"CommandLine{modifiers}": "a[b-d]+e"}, "condition": "s"}}]
        )
        assert "RLIKE" in esql
        assert "TO_LOWER" not in esql
