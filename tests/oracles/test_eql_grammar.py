"""EQL's grammar: what Elasticsearch refuses is refused, at its position, whatever PyPI's `eql` takes."""

from __future__ import annotations

import pytest
import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles.eql_grammar import parse, steps, string_literals
from oracles.eql_tokens import EqlError, EqlUnsupported
from oracles.eql_tree import Comparison, Field, Literal, Logic, Lookup, Not

S = "sequence [any where true] [any where true]"


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("", 0),
        ("any", 3),
        ("any where", 9),
        ('process where f == "a" and', 26),
        ('where f == "a"', 0),
        ("process where f = 1", 16),
        ("process where f <> 1", 17),
        ("process where f == 'a'", 19),
        ('process where f == ?"a"', 19),
        ("process where f == ?'a'", 19),
        ('process where f == "a', 19),
        ('process where f == "a\nb"', 19),
        (r'process where f == "a\xb"', 19),
        (r'process where f == "\u0041"', 19),
        (r'process where f == "\u{1}"', 20),
        (r'process where f == "a\u{000000041}"', 21),
        (r'process where f == "\u{d800}"', 20),
        (r'process where f == "\u{110000}"', 20),
        ('process where f == """a\n"""', 21),
        ('process where f not like "a*"', 20),
        ('process where f not : "a*"', 20),
        ('process where f !: "a"', 16),
        ('process where f like "a", "b"', 24),
        ("process where f in ()", 20),
        ('process where f in "a"', 19),
        ("process where f like g", 21),
        ("process where 1 < f < 3", 20),
        ("process where NOT f == 1", 18),
        ("process where f == TRUE AND g", 24),
        ("process where f AND g", 16),
        ("process where user.any == 1", 19),
        ("process where sample == 1", 14),
        ("process where my_field.x == 1 ]", 30),
        ("process where f.6 == 1", 15),
        ("process where a[0] == 1", 15),
        ("process where f ~ 1", 16),
        ("process where child of [process where true]", 14),
        ("my-event where true", 2),
        ("join [any where true] [any where true]", 0),
        ("sequence [any where true]", 9),
        ("sequence [any where true] until [any where true]", 9),
        ("sequence with maxspan=5s by f [any where true] [any where true]", 25),
        ("sequence with maxspan=5 [any where true] [any where true]", 24),
        ("sequence with maxspan=1.5s [any where true] [any where true]", 22),
        ("sequence with maxspan=0s [any where true] [any where true]", 22),
        ("sequence with maxspan=5y [any where true] [any where true]", 22),
        ("sequence with maxspan==5s [any where true] [any where true]", 21),
        ("sequence by f == 1 [any where true] [any where true]", 14),
        ("sequence by 1 [any where true] [any where true]", 14),
        ("sequence [any where true] by f [any where true]", 32),
        ("sequence [any where true] with runs=0 [any where true]", 36),
        ("sequence [any where true] with runs=101", 36),
        ("sequence [any where true] with times=2", 31),
        ("sequence [any where true] fork [any where true]", 26),
        ("process where f == 1 /* a /* b */ c", 21),
    ],
)
def test_elasticsearch_refuses(query: str, position: int) -> None:
    with pytest.raises(EqlError) as refused:
        parse(query)
    assert not isinstance(refused.value, EqlUnsupported), refused.value
    assert refused.value.position == position


@pytest.mark.parametrize(
    "query",
    [
        "any where true | head 5",
        "sample by f [any where true] [any where true]",
        "sequence with maxspan=1h [any where true] ![any where true]",
        "any where f + 1 == 2",
        "any where my-field == 2",
        "any where -f == 2",
        r'any where f == "it\'s"',
        f"{S} until [any where true] with runs=2",
        "any where " + "(" * 2000 + "true" + ")" * 2000,
    ],
)
def test_what_is_right_and_not_known_here(query: str) -> None:
    with pytest.raises(EqlUnsupported):
        parse(query)


def test_a_condition() -> None:
    (step,) = steps('process where not a == 1 and b.`c-d` in~ ("x", "y") or ?e : "z*" // end')
    assert step.category == "process"
    assert step.condition == Logic(
        "or",
        Logic(
            "and",
            Not(Comparison("==", Field("a", False, 18), Literal(1, 23), 20), 14),
            Lookup("in", True, Field("b.c-d", False, 29), (Literal("x", 42), Literal("y", 47)), 37),
        ),
        Lookup("like", True, Field("e", True, 55), (Literal("z*", 60),), 58),
    )


def test_a_sequence() -> None:
    query = parse("""
        sequence by a, ?b with maxspan=2m
          [any where true] by c
          ["my file" where false] by d with runs=2
        until [process where true] by `e`
    """)
    assert [(step.category, [key.name for key in step.keys]) for step in query.steps] == [
        (None, ["a", "b", "c"]),
        ("my file", ["a", "b", "d"]),
        ("my file", ["a", "b", "d"]),
    ]
    assert query.steps[0].keys[1].optional
    assert query.maxspan == 120_000
    assert query.until
    assert query.until.keys[2].name == "e"


def test_sequence_without_anything_ends_in_its_events() -> None:
    assert parse(S).maxspan is None
    assert parse("sequence by f [any where true] [any where true]").steps[1].keys[0].name == "f"


@pytest.mark.parametrize(
    ("written", "held"),
    [
        (r'"a\b\t\n\f\r\"\\"', 'a\b\t\n\f\r"\\'),
        (r'"\u{41}\u{1F600}\u{0000200f}"', "A😀\u200f"),
        ('"it\'s\ta"', "it's\ta"),
        ('""', ""),
        ('""""""', ""),
        ('"""a\\n"b""c\\"""', 'a\\n"b""c\\'),
        ('"""a""""', 'a"'),
        ('"""a"""""', 'a""'),
        ('"// no /* comment"', "// no /* comment"),
    ],
)
def test_what_a_string_holds(written: str, held: str) -> None:
    assert string_literals(f"any where f == {written} and true") == [held]


@volumes.examples(100)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=10))
def test_any_text_can_be_written(text: str) -> None:
    escaped = "".join(f"\\u{{{ord(c):08x}}}" if c in '\\"\r\n' else c for c in text)
    assert string_literals(f'any where f == "{escaped}"') == [text]


@volumes.examples(100)
@given(st.text("abfn\"\\'u{}?*/.:=[]() \n~1-", max_size=15))
def test_any_condition_is_read_or_refused(text: str) -> None:
    position = 0
    try:
        string_literals(f"any where f == {text}")
    except EqlError as error:
        position = error.position
    assert 0 <= position <= 15 + len(text)
