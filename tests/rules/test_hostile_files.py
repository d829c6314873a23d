"""Files made to cost time or memory, and arbitrary ones, neither raise nor keep anyone waiting."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import volumes
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from processor import processor_seconds
from rule_texts import GOOD, PLAIN, correlation, detection, load_beside_good, of_condition, value
from sigma_t1020.rules.loading import load
from sigma_t1020.rules.yaml_documents import MAX_BYTES

# Inputs made to cost time or memory; whether they load is not the point.
HOSTILE: dict[str, str] = {
    "brackets": "[" * 100_000,
    "nested blocks": "".join(" " * n + "a:\n" for n in range(400)),
    "number of a million digits": "a: 1" + ":59" * 1_000_000,
    "documents": "---\n5\n" * 400_000,
    "empty documents": "---\n" * 400_000,
    "empty lists": "[" + "[]," * 1_000_000 + "]",
    "list items": "- a\n" * 1_000_000,
    "anchors": "".join(f"a{n}: &a{n} x\n" for n in range(150_000)),
    "key of a million characters": "a" * 1_000_000 + ": x",
    "directives": "%a\n" * 1_000_000,
    "broken documents": "---\n[\n" * 100_000,
    "value of wildcards": value("Image|contains: '" + "*\\" * 400_000 + "'"),
    "value of a million letters": value("Image|base64offset|contains: '" + "x" * 1_000_000 + "'"),
    "long regex": value("Image|re: '" + "(a|b)?" * 400_000 + "'"),
    "wildcards in a selector": detection(f"  {'a' * 900}: {{A: b}}\n  condition: 1 of {'*a' * 30}*b\n"),
    "condition that multiplies": detection(
        "".join(f"  s{n}: {{A: b}}\n" for n in range(3000)) + f"  condition: {' and '.join(['1 of them'] * 300)}\n"
    ),
    "variants": value("A|windash:\n" + "      - ' -a -b -c -d'\n" * 30),
    "many rules of variants": "---\n".join([value("A|windash: ' -a -b -c -d -e -f'")] * 4000),
    "many long conditions": "---\n".join([of_condition(" or ".join(["selection"] * 300))] * 1500),
    "many regexes": "---\n".join([value("A|re: '" + "(a|b)?" * 1500 + "'")] * 500),
    "many aliases": "---\n".join(["a: &a [" + "x," * 99 + "]\nb: [" + "*a," * 99 + "]\n"] * 4000),
    "global document of many values": "action: global\ndetection:\n  s:\n    A:\n"
    + "      - x\n" * 20_000
    + "".join(f"---\ntitle: x{n}\nlogsource: {{product: x}}\ndetection: {{condition: s}}\n" for n in range(4000)),
    "repeated document": of_condition("selection") + "".join(f"---\naction: repeat\nx{n}: y\n" for n in range(4000)),
    "correlations that double": "---\n".join(
        [PLAIN[:-4].replace("plain", "c0")]
        + [f"title: c\nname: c{n}\ncorrelation: {{type: temporal, timespan: 5m, rules: [c{n - 1}, c{n - 1}]}}\n"
           for n in range(1, 2000)]
    ),
    "chain of correlations": "---\n".join(
        f"title: c\nname: c{n}\ncorrelation: {{type: temporal, timespan: 5m, rules: [c{n + 1}]}}\n" for n in range(4000)
    ),
    "merges": "".join(
        f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], k{n}: x}}\n" if n else "a0: &a0 {k: x}\n" for n in range(30)
    ),
    "many unknown modifiers": "---\n".join([value("\n    ".join(f"A{n}|contain{n}: x" for n in range(20)))] * 4000),
    "many broken regexes": value("\n    ".join(f"A{n}|re: '(('" for n in range(30_000))),
    "many broken conditions": "---\n".join([of_condition(f"[{', '.join(f'selectio{n}' for n in range(20))}]")] * 2500),
    "many bad tags": GOOD + "tags:\n" + "- x\n" * 100_000,
    "many dangling aliases": correlation("  rules: [plain]\n  aliases:\n    u:\n")
    + "".join(f"      x{n}: User\n" for n in range(30_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_soon(name: str, tmp_path: Path) -> None:
    load_beside_good(tmp_path, HOSTILE[name])


def test_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    _, [problem] = load_beside_good(tmp_path, "# " + "x" * MAX_BYTES)
    assert "more than 5 MiB" in problem.message


def test_thousand_rules_load_in_seconds(tmp_path: Path) -> None:
    rule = of_condition("selection and not 1 of filter_*").replace("title: Rule", "title: Rule {n}\nname: r{n}")
    for n in range(1000):
        (tmp_path / f"{n}.yml").write_text(rule.replace("{n}", str(n)))
    start = processor_seconds()
    loaded = load([tmp_path])
    loaded.collection()
    assert processor_seconds() - start < 10
    assert (len(loaded.rules), loaded.problems) == (1000, ())


WORDS = """
    title id name logsource product detection condition selection Image|re Image|cidr A|windash A|base64offset|contains
    |all correlation filter rules type timespan group-by aliases gte field action tags date level related status fields
    generate x _x
"""
KEYS = st.sampled_from(["", *WORDS.split()])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dates(),
    st.text(max_size=8),
    st.sampled_from(
        ["selection", "1 of *", "not x", "temporal", "5m", "global", "repeat", "x", "any", "(", "|", "windows"]
    ),
)
STRUCTURES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=5), max_leaves=12
)
RULES = st.fixed_dictionaries(
    {"title": st.just("x") | STRUCTURES, "logsource": st.just({"product": "x"}) | STRUCTURES},
    optional={
        "detection": st.dictionaries(KEYS, STRUCTURES, max_size=4) | STRUCTURES,
        "correlation": st.dictionaries(KEYS, STRUCTURES, max_size=6) | STRUCTURES,
        "filter": st.dictionaries(KEYS, STRUCTURES, max_size=4) | STRUCTURES,
        "action": st.sampled_from(["global", "repeat", "reset"]) | STRUCTURES,
        "name": st.just("x") | STRUCTURES,
        "id": STRUCTURES,
        "tags": STRUCTURES,
        "related": STRUCTURES,
        "date": STRUCTURES,
    },
)


@volumes.examples(300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(RULES | STRUCTURES, max_size=4))
def test_no_structure_raises(documents: list[object]) -> None:
    import yaml

    loaded = load(["-"], stdin=io.BytesIO(yaml.safe_dump_all(documents, allow_unicode=True).encode()))
    assert loaded.rules or loaded.filters or loaded.problems
    loaded.collection()
    assert [problem for problem in loaded.problems if not str(problem).isprintable()] == []


@volumes.examples(300)
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_raise(raw: bytes) -> None:
    loaded = load(["-"], stdin=io.BytesIO(raw))
    assert loaded.rules == ()
    assert loaded.problems
