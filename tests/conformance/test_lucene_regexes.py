"""Regular expressions printed for Lucene: they have the texts in which the rule's expression is found, and no other."""

from __future__ import annotations

import pytest
import volumes
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles.lucene_regexp import VersionsDiffer, check, matches
from reference.regexes import UnsupportedRegexError, compile_regex
from sigma.backends.t1020.common.regexes import RegexError
from sigma.backends.t1020.elastic import regexes as lucene

_ATOMS = st.sampled_from(
    (
        *(
            "a",
            "B",
            "k",
            "é",
            "-",
            "/",
            "1",
            " ",
            r"\.",
            r"\\",
            r"\d",
            r"\w",
            r"\s",
            r"\S",
            r"\W",
            ".",
            "[a-c]",
            "[^b]",
        ),
        *("[A-Z0-9]", "[^a-z-]", r"\"", "#", "@", "&", "<", "~", r"\n", r"[\]x]", r"[.\-+]", "(?:ab|C)", "(x|)"),
    )
)
_REPEATED = st.builds(str.__add__, _ATOMS, st.sampled_from(("", "", "", "*", "+", "?", "{2}", "{1,3}", "*?")))
_BRANCH = st.lists(_REPEATED, min_size=1, max_size=4).map("".join)
_GROUPED = st.one_of(_BRANCH, st.lists(_BRANCH, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})"))
_START = st.sampled_from(("", "", "^", r"\A", "(^|[ /])", "(?:^a|b)", "^?"))
_END = st.sampled_from(("", "", "$", "($|/)", "(?:a$|b)", "(x|$)"))
PATTERNS = st.builds(
    lambda start, parts, end: start + "".join(parts) + end, _START, st.lists(_GROUPED, max_size=3), _END
)
TEXTS = st.text(st.sampled_from(list('aAbBcCkKéÉxX-/1. \n\\"#@&<~]+')), max_size=8)
FLAGS = st.sampled_from(("", "", "i", "m", "s", "im", "is"))


@volumes.examples(2500)
@given(PATTERNS, FLAGS, st.lists(TEXTS, min_size=4, max_size=8))
def test_a_text_matches_where_the_rules_expression_is_found_in_it(pattern: str, flags: str, texts: list[str]) -> None:
    try:
        expected = compile_regex(pattern, flags)
        item = lucene.whole(lucene.parsed(pattern, flags))
    except (RegexError, UnsupportedRegexError):
        assume(False)
    # To Python, `\\W` without regard to case has the letters k and s, by way of signs that are these in small.
    assume(not ("i" in flags and any(name in pattern for name in (r"\W", r"\S"))))
    printed = lucene.printed(item)
    folded = lucene.folded(item) if "i" in flags and pattern.isascii() else None
    try:
        for text in texts:
            wanted = expected.search(text) is not None
            assert matches(printed, text) is wanted, (printed, text)
            if folded is not None:
                assert matches(lucene.printed(folded), text, ignore_case=True) is wanted, (lucene.printed(folded), text)
    except VersionsDiffer:
        # Of the empty text in one case alone; the backends then write both cases.
        assert "()" in printed


@volumes.examples(500)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=4))
def test_one_of_several_values_is_found_in_their_joined_text(pattern: str, texts: list[str]) -> None:
    try:
        expected = compile_regex(pattern, "s")
        item = lucene.whole(lucene.parsed(pattern, "s"))
    except (RegexError, UnsupportedRegexError):
        assume(False)
    printed = lucene.printed(lucene.one_of_many(item, "\N{SYMBOL FOR RECORD SEPARATOR}"))
    wanted = any(expected.search(text) for text in texts)
    assert matches(printed, "\N{SYMBOL FOR RECORD SEPARATOR}".join(texts)) is wanted, (printed, texts)


@given(st.lists(st.text("abc", min_size=30, max_size=60), min_size=20, max_size=60, unique=True))
@volumes.examples(30)
def test_what_is_too_long_is_parted_into_what_is_not(words: list[str]) -> None:
    item = lucene.whole(lucene.parsed(f"^(?:{'|'.join(words)})$", ""))
    pieces = [lucene.printed(piece) for piece in lucene.pieces(item)]
    assert len(pieces) > 1 or len(lucene.printed(item)) <= lucene.MAX_LENGTH
    for piece in pieces:
        check(piece)
    for text in (*words[:5], words[0] + "x"):
        assert any(matches(piece, text) for piece in pieces) is (text in words)


@pytest.mark.parametrize("pattern", ["[-/.]", r"[\-./]", "[&'(]", r'["#$]', r"[\[-_]"])
def test_no_range_begins_with_an_escaped_character(pattern: str) -> None:
    printed = lucene.printed(lucene.whole(lucene.parsed(pattern, "")))
    expected = compile_regex(pattern, "")
    for code in range(32, 127):
        # The oracle raises VersionsDiffer for such a range.
        assert matches(printed, chr(code)) is (expected.search(chr(code)) is not None), (printed, chr(code))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bcurl\b", "uses \\b or \\B; write out the characters that may stand there"),
        ("a^b", "has ^ or $ in the middle"),
        ("(a$)b", "has ^ or $ in the middle"),
        ("(^a)*", "repeats ^ or $"),
        ("a(?=b)", "uses a look-ahead or look-behind"),
        (r"(a)\1", "uses a backreference"),
        ("a{1001}", "repeats more than 1,000 times"),
        ("a" * 1001, "is longer than 1,000 characters"),
        (r"\p{Lu}", "is not valid"),
        ("[[:alpha:]]", "uses a POSIX class"),
    ],
)
def test_what_lucene_cannot_say_is_refused_with_the_reason(pattern: str, words: str) -> None:
    with pytest.raises(RegexError) as caught:
        lucene.pieces(lucene.whole(lucene.parsed(pattern, "")))
    assert words in f"{caught.value}; {caught.value.hint}"
