"""Correlations that cannot be resolved are refused, with what stands in the way and where."""

from __future__ import annotations

from pathlib import Path

from rule_texts import CORRELATION, GOOD, HEAD, PLAIN, load_beside_good
from sigma_t1020.rules.references import MAX_LEVELS


def test_circular_correlations_are_named(tmp_path: Path) -> None:
    text = "---\n".join(
        f"title: {name}\nname: {name}\ncorrelation:\n  type: temporal\n  timespan: 5m\n  rules: [{other}]\n"
        for name, other in (("a", "b"), ("b", "c"), ("c", "b"))
    )
    _, problems = load_beside_good(tmp_path, text)
    assert [(problem.line, problem.message.split(": ")[1]) for problem in problems] == [
        (6, "a → b → c → b"),
        (13, "b → c → b"),
        (20, "c → b → c"),
    ]


def test_correlation_of_a_broken_rule_says_so(tmp_path: Path) -> None:
    text = HEAD + "name: broken\n---\n" + CORRELATION + "  rules: [broken]\n---\n"
    text += CORRELATION.replace("both", "above") + "  rules: [both]\n"
    loaded, problems = load_beside_good(tmp_path, text)
    assert [problem.line for problem in problems] == [1, 10, 17]
    assert problems[1].message == f"refers to 'broken', which cannot be used ({tmp_path / 'bad.yml'}:1)"
    assert "cannot be used" in problems[2].message
    assert len(loaded.rules) == 1


def test_duplicate_id_is_reported_and_the_first_is_kept(tmp_path: Path) -> None:
    loaded, [problem] = load_beside_good(
        tmp_path, GOOD + "---\n" + GOOD.replace("Rule", "Second").replace("000a", "000A")
    )
    assert problem.line == 10
    assert problem.message.endswith(f"first in {tmp_path / 'bad.yml'}:1")
    assert [rule.rule.title for rule in loaded.rules] == ["Rule", "Rule"]


def test_name_that_two_rules_have_cannot_be_referred_to(tmp_path: Path) -> None:
    _, [problem] = load_beside_good(tmp_path, PLAIN + PLAIN + CORRELATION + "  rules: [plain]\n")
    assert (problem.line, "several rules" in problem.message) == (16, True)


def test_correlations_of_correlations_have_a_limit_of_levels(tmp_path: Path) -> None:
    chain = "---\n".join(
        [PLAIN[:-4].replace("plain", "c0")]
        + [CORRELATION.replace("both", f"c{n}") + f"  rules: [c{n - 1}]\n" for n in range(1, MAX_LEVELS + 3)]
    )
    loaded, problems = load_beside_good(tmp_path, chain)
    assert len(loaded.rules) == 1 + MAX_LEVELS + 1
    assert [problem.message for problem in problems] == [f"more than {MAX_LEVELS} levels of correlations"] * 2
