"""Lucene's regexes: the examples of Elastic's pages, recorded answers of Lucene's own engine, properties."""

from __future__ import annotations

import json
import re

import pytest
import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles.lucene_record import ANSWERS
from oracles.lucene_regexp import MAX_REGEX_LENGTH, LuceneRegexError, VersionsDiffer, check, matches

RECORDED = json.loads(ANSWERS.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        # 'Regular expression syntax': reserved characters, standard operators, optional operators.
        (r"\@", "@", "a"),
        (r"\\", "\\", "\\\\"),
        ('"john@smith.com"', "john@smith.com", "john.smith.com"),
        (r"a\\.*", "a\\b", "ab"),
        ("ab.", "aba abb abz ab\n", "ab abab"),
        ("abc?", "ab abc", "abcc a"),
        ("ab+", "ab abb abbb", "a"),
        ("ab*", "a ab abb abbb", "b"),
        ("a{2}", "aa", "a aaa"),
        ("a{2,4}", "aa aaa aaaa", "a aaaaa"),
        ("a{2,}", "aa aaa aaaaaaaaa", "a"),
        ("abc|xyz", "abc xyz", "abcxyz"),
        ("abc(def)?", "abc abcdef", "abcd"),
        ("[abc]", "a b c", "d ab"),
        ("[a-c]", "a b c", "d -"),
        ("[-abc]", "- a b c", "d"),
        (r"[abc\-]", "- a b c", "d \\"),
        ("[^abc]", "d - \n", "a b c"),
        ("[^a-c]", "d -", "a b c"),
        ("[^-abc]", "d", "- a b c"),
        (r"[^abc\-]", "d", "- a b c"),
        ("a~bc", "adc aec", "abc"),
        ("foo<1-100>", "foo1 foo2 foo99 foo100 foo007", "foo0 foo101 foo"),
        ("foo<01-100>", "foo1 foo01", "foo0 foo101"),
        ("foo<01-10>", "foo01 foo10", "foo1 foo010"),
        ("aaa.+&.+bbb", "aaabbb aaaXbbb", "aaa bbb"),
        ("@&~(abc.+)", "abc xyz", "abcd"),
        # Anchors are not needed, and are themselves.
        ("^abc$", "^abc$", "abc"),
        # What the reader of an atom takes.
        ("a|*", "a *", "b"),
        ("]}", "]}", "]"),
        ("[]a]", "] a", "[]a]"),
        ("[a\\-z]", "a - z", "b \\"),
        ("~ab", "b xb abb", "ab a"),
        ("a~(b)?c", "ac abbc", "abc b"),
        ("a#|b", "b", "a"),
        ("<5-15>", "5 05 10 015", "4 16 5a"),
        ("<15-5>", "5 10", "4"),
        (r"\d\D\s\S\w\W", "0a\t__- 9.\nxZ!", "0a\u00a0__- ٣a\t__- éa\t__-"),
        (r"[\w.\-]+", "a-b.c_9", "é"),
        (r"[\w-]+", "a-b", "."),
        ("[-.]+", "-.", "a"),
        ("..", "😀é", "😀"),
    ],
)
def test_a_pattern_matches(pattern: str, matching: str, others: str) -> None:
    assert [text for text in matching.split(" ") if not matches(pattern, text)] == []
    assert [text for text in others.split(" ") if matches(pattern, text)] == []


@pytest.mark.parametrize(
    ("pattern", "position"),
    [
        ("a|", 2),
        ("(a", 2),
        ("(", 1),
        ("a)", 1),
        ("[a", 2),
        ("[", 1),
        ("[]", 2),
        ("[^]", 3),
        ("[.-]", 4),
        ("[z-a]", 1),
        ("a{", 2),
        ("a{,2}", 2),
        ("a{1", 3),
        ("a{2147483648}", 2),
        ('"a', 2),
        ("<a>", 3),
        ("<1-a>", 5),
        ("<1-2-3>", 7),
        ("<1-2", 4),
        ("\\", 1),
        ("a~", 2),
        (r"\n", 0),
        (r"[\t]", 1),
        (r"(?i)a|\q", 6),
    ],
)
def test_lucene_refuses(pattern: str, position: int) -> None:
    with pytest.raises(LuceneRegexError) as refused:
        check(pattern)
    assert refused.value.position == position
    assert not isinstance(refused.value, VersionsDiffer)


@pytest.mark.parametrize("pattern", ["a{3,2}", r"[\.-z]", "#*", "(a&b){2,}"])
def test_what_versions_differ_in_is_refused(pattern: str) -> None:
    with pytest.raises(VersionsDiffer):
        check(pattern)


@pytest.mark.parametrize("pattern", ["()", "a|()", '""', ""])
def test_an_empty_text_is_refused_ignoring_case(pattern: str) -> None:
    assert matches(pattern, "")
    with pytest.raises(VersionsDiffer):
        matches(pattern, "", ignore_case=True)


def test_the_length_that_elasticsearch_takes() -> None:
    check("a" * MAX_REGEX_LENGTH)
    with pytest.raises(LuceneRegexError, match="1001 characters"):
        check("a" * (MAX_REGEX_LENGTH + 1))
    with pytest.raises(LuceneRegexError, match="1002 characters"):
        check("😀" * (MAX_REGEX_LENGTH // 2 + 1))


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("abc", "ABC", True),
        ('"aBc"', "AbC", True),
        ("[abc]", "B", True),
        ("[^abc]", "B", False),
        ("[a-c]", "B", False),
        ("[a-cB]", "B", True),
        (r"a\.B", "A.b", True),
    ],
)
def test_ignoring_case_is_of_single_characters(pattern: str, text: str, found: bool) -> None:
    assert matches(pattern, text, ignore_case=True) is found


@pytest.mark.parametrize(("pattern", "text"), [("é", "É"), ("k", "\u212a"), ("[s]", "ſ"), ("σ", "ς"), ("я", "Я")])
def test_which_letters_have_cases_is_refused_or_said(pattern: str, text: str) -> None:
    assert not matches(pattern, text, ignore_case=True, unicode_case=False)
    assert matches(pattern, text, ignore_case=True, unicode_case=True)
    with pytest.raises(VersionsDiffer):
        matches(pattern, text, ignore_case=True)
    assert matches(f".*|{pattern}", text, ignore_case=True)


def test_recorded_answers_of_lucene() -> None:
    wrong: list[tuple[object, ...]] = []
    compared = refused = unsure = 0
    for pattern, *answers in RECORDED:
        if not answers:
            with pytest.raises(LuceneRegexError):
                check(pattern)
            refused += 1
            continue
        texts, heeding, ignoring = answers
        for ignore, bits in ((False, heeding), (True, ignoring)):
            for text, bit in zip(texts, bits, strict=True):
                try:
                    found = matches(pattern, text, ignore_case=ignore, unicode_case=False)
                except VersionsDiffer:
                    unsure += 1
                    continue
                compared += 1
                if found != (bit == "1"):
                    wrong.append((pattern, text, ignore, bit))
    assert not wrong
    assert compared > 10_000
    assert refused > 200
    assert unsure < 700


_ATOMS = st.sampled_from(
    ["a", "b", "A", "1", ".", r"\.", r"\\", "[ab]", "[^ab]", "[a-c1]", r"\d", r"[\w-]", "(ab)", r"\W"]
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quantified = st.tuples(inner, st.sampled_from(["?", "*", "+", "{2}", "{1,2}", "{0,}"])).map(
        lambda p: f"({p[0]}){p[1]}"
    )
    joined = st.lists(inner, min_size=2, max_size=3).map("".join)
    alternatives = st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})")
    return quantified | joined | alternatives


# What Lucene and Python read alike, with (?s) and ASCII classes.
ALIKE = st.recursive(_ATOMS, _grown, max_leaves=8)
TEXTS = st.text(alphabet="aabbAc1.\\-\né", max_size=8)


@volumes.examples(400)
@given(ALIKE, TEXTS)
def test_simple_patterns_match_as_in_python(pattern: str, text: str) -> None:
    assert matches(pattern, text) is bool(re.fullmatch(pattern, text, re.DOTALL | re.ASCII))


@volumes.examples(200)
@given(ALIKE, ALIKE, TEXTS)
def test_intersection_complement_and_union(one: str, two: str, text: str) -> None:
    first, second = matches(one, text), matches(two, text)
    assert matches(f"({one})&({two})", text) is (first and second)
    assert matches(f"({one})|({two})", text) is (first or second)
    assert matches(f"~({one})", text) is (not first)
    assert matches(f"~(~({one})|({two}))", text) is (first and not second)
    assert matches(f"({one})({two})", text) is any(
        matches(one, text[:at]) and matches(two, text[at:]) for at in range(len(text) + 1)
    )


@volumes.examples(200)
@given(st.integers(0, 1200), st.integers(0, 1200), st.text(alphabet="0123456789", max_size=5), st.integers(1, 5))
def test_intervals_are_of_numbers(low: int, high: int, digits: str, width: int) -> None:
    first, last = sorted((low, high))
    within = digits != "" and first <= int(digits) <= last
    if len(str(low)) != len(str(high)):
        assert matches(f"<{low}-{high}>", digits) is within
    low_text, high_text = str(low).zfill(width), str(high).zfill(width)
    if len(low_text) == len(high_text):
        assert matches(f"<{low_text}-{high_text}>", digits) is (within and len(digits) == len(low_text))


@volumes.examples(300)
@given(st.text(max_size=12), TEXTS)
def test_escaped_text_is_itself(literal: str, text: str) -> None:
    escaped = re.sub(r'([.?+*|{}\[\]()"\\#@&<>~])', r"\\\1", literal)
    assert matches(escaped, literal)
    assert matches(escaped, text) is (literal == text)
    if '"' not in literal:
        assert matches(f'"{literal}"', literal)


@volumes.examples(300)
@given(st.text(alphabet='ab1.?+*|{}[]()"\\#@&<>~^-,dS', max_size=10), TEXTS)
def test_any_pattern_has_an_answer_or_is_refused(pattern: str, text: str) -> None:
    try:
        check(pattern)
    except LuceneRegexError:
        return
    matches(pattern, text)
