"""What pySigma misreads: that it still does, what the backend makes of it, and that nothing of this stays behind.

The meaning is `encode` of the reference. Where pySigma is right one day, the test of that fault fails, and says so.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from reference.encodings import encode
from sigma.backends.t1020 import T1020KustoBackend
from sigma.backends.t1020.common.encodings import encode_anew, know_utf16le
from sigma.backends.t1020.common.losses import Unsupported
from sigma.exceptions import SigmaValueError
from sigma.rule import SigmaDetectionItem, SigmaRule
from sigma.types import SigmaCasedString, SigmaExpansion, SigmaString, SigmaType
from sigma_t1020.convert import Options, convert
from sigma_t1020.resources import load_pipeline
from sigma_t1020.rules.loading import load
from sigma_t1020.targets import TARGETS

from conformance.kusto import to_kql

GONE = "pySigma has mended this: take it out of the backend"


def document(key: str, values: object) -> dict[str, object]:
    """A rule of one item."""
    return {
        "title": "Encoded",
        "logsource": {"category": "process_creation", "product": "windows"},
        "detection": {"selection": {key: values}, "condition": "selection"},
    }


def item(modifiers: str, *values: str) -> SigmaDetectionItem:
    """An item as pySigma's parser makes it."""
    return SigmaDetectionItem.from_mapping(f"CommandLine|{modifiers}", list(values))


def flat(values: Sequence[SigmaType]) -> list[SigmaString]:
    """The strings of values and of the alternatives in them."""
    found: list[SigmaString] = []
    for value in values:
        if isinstance(value, SigmaExpansion):
            found += flat(value.values)
        else:
            assert isinstance(value, SigmaString)
            found.append(value)
    return found


def texts(values: Sequence[SigmaType]) -> list[str]:
    """The same without the wildcards around them."""
    return ["".join(part for part in value.s if isinstance(part, str)) for value in flat(values)]


#: Modifiers, what a rule writes, what it means, and the encodings of that in the reference's words.
FAULTS = {
    "the mark of utf16": ("utf16|base64", "secret", ["secret"], ("utf16", "base64")),
    "the mark of utf16 by offset": ("utf16|base64offset|contains", "secret", ["secret"], ("utf16", "base64offset")),
    "characters for bytes": ("base64offset|contains", "ключ é", ["ключ é"], ("base64offset",)),
    "one letter of two bytes": ("base64offset|contains", "é", ["é"], ("base64offset",)),
    "characters for bytes of utf16be": ("utf16be|base64offset", "쎩", ["쎩"], ("utf16be", "base64offset")),
    "dashes beyond ASCII by offset": (
        "windash|base64offset|contains",
        " -enc",
        [f" {dash}enc" for dash in "-/–—―"],
        ("base64offset",),
    ),
    "dashes behind an encoding": ("wide|windash|base64", " -e", [f" {dash}e" for dash in "-/–—―"], ("wide", "base64")),
    "an escaped asterisk": ("base64", r"a\*b\?", ["a*b?"], ("base64",)),
    "an escaped asterisk by offset": ("wide|base64offset", r"a\*b", ["a*b"], ("wide", "base64offset")),
}


@pytest.mark.parametrize(("modifiers", "written", "meant", "names"), FAULTS.values(), ids=list(FAULTS))
def test_pysigma_encodes_it_otherwise_and_the_backend_as_it_is_meant(
    modifiers: str, written: str, meant: Sequence[str], names: Sequence[str]
) -> None:
    right = [text for value in meant for text in encode(value, names)]
    one = item(modifiers, written)
    assert texts(one.value) != right, GONE
    encode_anew(one)
    assert texts(one.value) == right
    encode_anew(one)
    assert texts(one.value) == right, "a second time changes nothing"


@pytest.mark.parametrize("modifiers", ["wide|base64", "utf16be|base64", "base64", "wide|base64offset", "base64offset"])
def test_what_pysigma_encodes_rightly_stays(modifiers: str) -> None:
    one = item(f"{modifiers}|contains|all", "secret", "C:\\Users\\")
    before = list(one.value)
    encode_anew(one)
    assert one.value == before
    assert texts(one.value) == [
        text for value in ("secret", "C:\\Users\\") for text in encode(value, modifiers.split("|"))
    ]


@pytest.mark.parametrize("modifiers", ["cased|base64", "cased|windash|contains", "cased|wide|base64offset"])
def test_cased_holds_wherever_it_stands(modifiers: str) -> None:
    one = item(modifiers, " -a")
    assert not any(isinstance(value, SigmaCasedString) for value in flat(one.value)), GONE
    encode_anew(one)
    assert all(isinstance(value, SigmaCasedString) for value in flat(one.value))
    assert texts(one.value)


@pytest.mark.parametrize("modifier", ["wide", "utf16", "utf16be"])
def test_pysigmas_parser_refuses_utf16_beyond_ascii_so_that_no_such_rule_comes_to_a_backend(modifier: str) -> None:
    with pytest.raises(SigmaValueError, match="only allowed for"):
        item(f"{modifier}|base64", "é")


@pytest.mark.parametrize(
    ("key", "values", "message"),
    [
        ("CommandLine|wide", "x", "no field holds UTF-16 bytes"),
        ("CommandLine|base64|wide", "x", "no field holds UTF-16 bytes"),
        ("CommandLine|wide|utf16|base64", "x", "no field holds UTF-16 bytes"),
        ("CommandLine|base64offset|contains", ["long", "x"], "a value of one letter is too short"),
        ("CommandLine|base64|contains", "", "an empty value cannot be encoded"),
        ("CommandLine|wide|base64offset|contains", "", "too short"),
        ("CommandLine|expand|base64", "%x%", "pySigma encodes the name of a placeholder"),
        ("CommandLine|expand|cased", "%x%", "pySigma ignores .cased with .expand"),
        ("CommandLine|contains", [], "the list of values is empty"),
    ],
)
def test_what_has_no_right_reading_is_refused_by_name(key: str, values: object, message: str) -> None:
    with pytest.raises(Unsupported, match=f"^CommandLine: .*{message}"):
        to_kql([document(key, values)])


def test_pysigma_still_loses_what_is_refused_for_that() -> None:
    (placeholder,) = flat(item("cased|expand", "%x%y").value)
    assert not any(isinstance(one, SigmaCasedString) for one in placeholder.replace_placeholders(lambda _: iter("x")))
    assert item("cased|fieldref", "Image").value == item("fieldref", "Image").value, GONE
    assert texts(item("expand|base64", "%x%").value) == encode("%x%", ("base64",)), GONE


def test_wildcards_are_not_encoded_even_where_no_parser_refused_them() -> None:
    one = SigmaDetectionItem("A", item("base64", "x").modifiers, [SigmaString("a*b")], auto_modifiers=False)
    with pytest.raises(ValueError, match="wildcards cannot be encoded"):
        encode_anew(one)


def test_a_conversion_changes_neither_what_a_rule_writes_nor_how_pysigma_reads_the_next() -> None:
    rule = SigmaRule.from_dict(document("CommandLine|utf16|base64", "abc"))
    before = texts(item("utf16|base64", "abc").value)
    (query,) = T1020KustoBackend(load_pipeline("t1020_sentinel")).convert_rule(rule)
    assert f'"{encode("abc", ("utf16", "base64"))[0]}"' in query
    (one,) = rule.detection.detections["selection"].detection_items
    assert isinstance(one, SigmaDetectionItem)
    assert one.original_value == [SigmaString("abc")]
    assert texts(item("utf16|base64", "abc").value) == before


def test_targets_one_after_the_other_have_the_same_values_and_the_loaded_rule_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rule.yml"
    text = "title: T\nlogsource: {{category: process_creation}}\ndetection:\n  s: {{{0}: abc}}\n  condition: s\n"
    path.write_text(text.format("CommandLine|utf16le|base64"), encoding="utf-8")
    loaded = load([path])
    assert not loaded.problems
    before = str(loaded.rules[0].rule)
    for name in ("sentinel", "defender", "sentinel"):
        (query,) = convert(loaded, None, TARGETS[name], Options()).queries
        assert f'"{encode("abc", ("utf16le", "base64"))[0]}"' in query.text
    assert str(loaded.rules[0].rule) == before


def test_utf16le_is_wide() -> None:
    know_utf16le()
    (wide,) = to_kql([document("CommandLine|wide|base64offset|contains", "secret")])
    assert to_kql([document("CommandLine|utf16le|base64offset|contains", "secret")]) == [wide]


def test_pysigma_does_not_know_utf16le_and_an_import_alone_does_not_teach_it() -> None:
    program = (
        "import sigma.backends.t1020, sigma_t1020.cli, sigma_t1020.rules.loading\n"
        "from sigma.modifiers import modifier_mapping\n"
        "print('utf16le' in modifier_mapping)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n", GONE
