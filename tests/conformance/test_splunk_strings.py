"""Any text, as a value, finds itself and its case variants in SPL, nothing else, and never ends its literal."""

from __future__ import annotations

from datetime import datetime

import pytest
import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles.spl_engine import SplEngine
from oracles.spl_grammar import commands, string_literals
from reference.generators import sample
from reference.patterns import fold
from sigma.backends.t1020.splunk.text import text as literal

from conformance import hard_texts
from conformance.hard_texts import HARD, PLACES, TEXTS, ordinary, sigma_value, variants
from conformance.splunk import to_spl

NOW = datetime(2030, 1, 1)


def _spl(text: str, modifiers: str = "") -> str:
    """A rule that looks for the text in the command line, as SPL."""
    rule = {
        "title": "Text",
        "logsource": {"category": "process_creation"},
        "detection": {"selection": {f"CommandLine{modifiers}": sigma_value(text)}, "condition": "selection"},
    }
    (spl,) = to_spl([rule], lookback="9999d")
    return spl


@volumes.examples(1000)
@given(st.one_of(TEXTS, HARD))
def test_the_grammar_reads_a_literal_as_its_text(text: str) -> None:
    # A backtick is a macro's, so that no literal of ours has one; see the tests of whole searches.
    text = text.replace("`", "'")
    assert string_literals(f"index=main | eval x={literal(text)}") == [text]


@volumes.examples(600)
@given(st.one_of(TEXTS, HARD), st.sampled_from(PLACES))
def test_no_value_adds_a_command_or_a_macro(text: str, modifiers: str) -> None:
    spl = _spl(text, modifiers)
    assert commands(spl) in (["search", "table"], ["search", "where", "table"])
    assert "`" not in spl


def _event(text: str) -> dict[str, object]:
    return {
        "_time": NOW.replace(year=2029),
        "index": "main",
        "source": "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational",
        "EventCode": "1",
        "CommandLine": text,
    }


@pytest.mark.parametrize("number", range(4))
def test_a_value_finds_itself_and_its_case_variants_and_nothing_else(number: int) -> None:
    texts = [text for text in dict.fromkeys(sample(hard_texts.text, volumes.of(120, 20), number)) if ordinary(text)]
    assert len(texts) > volumes.of(120, 20) * 0.6
    stored = sorted({variant for text in texts for variant in variants(text) if ordinary(variant)} - {""})
    engine = SplEngine(map(_event, stored))
    wrong: list[str] = []
    for text in texts:
        for modifiers, same in (("", lambda one, text=text: fold(one) == fold(text)), ("|cased", text.__eq__)):
            found = {str(row["CommandLine"]) for row in engine.query(_spl(text, modifiers), NOW)}
            if found != {one for one in stored if same(one)}:
                wrong.append(f"{text!r}{modifiers} found {sorted(found)!r}")
    assert not wrong, "\n".join(wrong[:5])
