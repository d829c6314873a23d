"""PyPI's `eql` beside the oracle: where they agree, and each known difference, so that a change of it is noticed.

Also the sequences of Elasticsearch as its SequenceMatcher builds them, stage after stage, beside those of `eql`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import eql
import pytest
import volumes
from eql.events import Event
from eql.parser import allow_runs, elasticsearch_syntax, skip_optimizations
from hypothesis import given
from hypothesis import strategies as st
from oracles.eql_engine import EqlEngine
from oracles.eql_examples import at, column, letters, sequence
from oracles.eql_grammar import parse, string_literals
from oracles.eql_tokens import EqlError

Events = Sequence[Mapping[str, object]]


def package(query: str, events: Events) -> list[list[object]]:
    """The `_id` of the events that `eql` finds, as Elasticsearch's syntax, `@timestamp` in milliseconds.

    Its optimizer is left out, which errs: see below.
    """
    found: list[list[object]] = []
    with ExitStack() as flags:
        for flag in (elasticsearch_syntax, allow_runs, skip_optimizations):
            flags.enter_context(flag)
        parsed = eql.parse_query(query)
    engine = eql.PythonEngine()
    engine.add_output_hook(lambda output: found.append([event.data["id"] for event in output.events]))
    engine.add_query(parsed)
    engine.stream_events(
        Event("process", int(str(event["@timestamp"])) * 10_000, {**event, "id": event["_id"]}) for event in events
    )
    return found


def oracle(query: str, events: Events) -> list[list[object]]:
    """The `_id` of the events that the oracle finds."""
    return [[event["_id"] for event in alert] for alert in EqlEngine(events).query(query)]


# Lower case, and no missing field: there they agree.
TEXTS = st.text("ab*?\\.", max_size=4)
_LITERAL = TEXTS.map(lambda text: '"' + text.replace("\\", "\\\\") + '"')
# Without wildcards, which Elasticsearch may read in the arguments of functions.
_PLAIN = st.text("ab.", min_size=1, max_size=3).map(lambda text: '"' + text.replace("\\", "\\\\") + '"')
_NUMBER = st.integers(-3, 3).map(str)
_ATOM = st.one_of(
    st.builds("f {} {}".format, st.sampled_from(("==", "!=")), _LITERAL),
    st.builds("{} == f".format, _LITERAL),
    st.builds("f {} ({}, {})".format, st.sampled_from(("in", "in~", "not in")), _LITERAL, _LITERAL),
    # Without `?`, which is no wildcard of the package.
    st.builds(
        "f {} {}".format, st.sampled_from((":", "like", "like~")), _LITERAL.map(lambda text: text.replace("?", "*"))
    ),
    st.builds("{}{}(f, {})".format, st.sampled_from(("startsWith", "endsWith")), st.sampled_from(("", "~")), _PLAIN),
    st.builds("length(f) {} {}".format, st.sampled_from(("==", "!=", "<", ">=")), _NUMBER),
    st.builds("n {} {}".format, st.sampled_from(("==", "!=", "<", "<=", ">", ">=")), _NUMBER),
    st.sampled_from(("true", "false")),
)
_CONDITION = st.recursive(
    _ATOM,
    lambda inner: st.one_of(
        st.builds("not {}".format, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(("and", "or")), inner),
        st.builds("{} {} {}".format, inner, st.sampled_from(("and", "or")), inner),
    ),
    max_leaves=5,
)


@volumes.examples(150)
@given(_CONDITION, st.lists(st.tuples(TEXTS, st.integers(-3, 3)), max_size=4))
def test_conditions_without_nulls_agree(condition: str, values: list[tuple[str, int]]) -> None:
    events = at(*({"f": text, "n": number} for text, number in values))
    assert oracle(f"any where {condition}", events) == package(f"any where {condition}", events)


@volumes.examples(100)
@given(st.text("abn\"\\'u{}4?*. ~:=()", max_size=12))
def test_what_the_oracle_reads_the_package_reads(text: str) -> None:
    # `4.` is a number of Elasticsearch's alone.
    query = f"any where f == {text.replace('4.', '')}"
    try:
        EqlEngine([]).query(query)
    except EqlError:
        return
    with elasticsearch_syntax:
        parsed = eql.parse_query(query)
    literals = string_literals(query)
    assert len(literals) != 1 or repr(literals[0]) in repr(parsed) or literals[0] in str(parsed.first.query.right.value)


def stages(events: Events, query: str) -> list[list[object]]:
    """The sequences as Elasticsearch builds them: all events of a stage, then all of the next.

    Each event of a stage takes the latest sequence before it, and what is older is dropped. A sequence is dropped too
    where its span is exceeded, or an end lies between its last event and the new one.
    """
    parsed = parse(query)
    ends: list[tuple[int, object]] = []
    found: list[list[object]] = []

    def hits(number: int) -> list[tuple[int, int, object, object]]:
        step = parsed.steps[number] if number >= 0 else parsed.until
        if step is None:
            return []
        wanted = step.condition.right.value  # type: ignore[union-attr]
        chosen = [(place, event) for place, event in enumerate(events) if event["f"] == wanted]
        keys = [field.name for field in step.keys]
        return [
            (place, int(str(event["@timestamp"])), tuple(event.get(key) for key in keys), event["_id"])
            for place, event in chosen
            if all(event.get(key) is not None for key in keys)
        ]

    ends = sorted((place, key) for place, _, key, _ in hits(-1))
    # Per key the sequences so far, in order: place of the last event, time of the first, ids.
    held: dict[object, list[tuple[int, int, list[object]]]] = {}
    for place, moment, key, name in hits(0):
        held.setdefault(key, []).append((place, moment, [name]))
    for number in range(1, len(parsed.steps)):
        grown: dict[object, list[tuple[int, int, list[object]]]] = {}
        for place, moment, key, name in hits(number):
            group = held.get(key, [])
            before = bisect_left([last for last, _, _ in group], place)
            if not before:
                continue
            last, start, names = group[before - 1]
            del group[:before]
            ended = any(last < end < place and ending == key for end, ending in ends)
            if not ended and (parsed.maxspan is None or moment - start <= parsed.maxspan):
                grown.setdefault(key, []).append((place, start, [*names, name]))
        held = grown
    for group in held.values():
        found += [names for _, _, names in group]
    return found


@volumes.examples(300)
@given(
    st.lists(st.tuples(st.sampled_from("ABCU"), st.sampled_from(("x", "X", None)), st.integers(0, 3)), max_size=14),
    st.sampled_from(("AB", "AAB", "ABC", "AA", "BAB", "ABAC")),
    st.sampled_from(("", "by k", "with maxspan=4ms", "by k with maxspan=7ms")),
    st.booleans(),
)
def test_sequences_are_those_of_the_stages(
    drawn: list[tuple[str, str | None, int]], wanted: str, head: str, ends: bool
) -> None:
    now, events = 0, []
    for number, (letter, key, pause) in enumerate(drawn):
        now += pause
        events.append({"_id": str(number), "@timestamp": now, "f": letter, "k": key})
    query = sequence(*wanted, head=head, tail='until [any where f == "U"]' if ends else "")
    assert sorted(map(str, oracle(query, events))) == sorted(map(str, stages(events, query)))


@volumes.examples(50)
@given(st.text("ABC", max_size=10), st.sampled_from(("A", "B")), st.integers(2, 3), st.integers(1, 9))
def test_sequences_of_seconds_agree_with_the_package(text: str, repeated: str, runs: int, span: int) -> None:
    query = f'sequence with maxspan={span}s [any where f == "{repeated}"] with runs={runs} [any where f == "C"]'
    assert oracle(query, letters(text)) == package(query, letters(text))


_KEYS = at({"f": "a", "k": "x"}, {"f": "b", "k": "X"}, {"f": "a"}, {"f": "b"})


@pytest.mark.parametrize(
    ("query", "events", "elastic", "endgame"),
    [
        # == and in ignore case there, and so do functions without ~.
        ('any where f == "a"', column("a", "A"), [["1"]], [["1"], ["2"]]),
        ('any where f in ("a")', column("a", "A"), [["1"]], [["1"], ["2"]]),
        ('any where f like "A*"', column("a", "A"), [["2"]], [["1"], ["2"]]),
        ('any where startsWith(f, "A")', column("a", "A"), [["2"]], [["1"], ["2"]]),
        # ? is no wildcard.
        ('any where f : "a?"', column("ab", "a?"), [["1"], ["2"]], [["2"]]),
        # The end of a text may have a newline more.
        ('any where f : "a"', column("a\n"), [], [["1"]]),
        # A regex is found at the start of a value, is Python's, and ignores case.
        ('any where f regex "a"', column("a", "ab", "A"), [["1"]], [["1"], ["2"], ["3"]]),
        ('any where f regex "a~b"', column("ac", "a~b"), [["1"], ["2"]], [["2"]]),
        # Null is not three-valued, but no query either: != and not need the field.
        ('any where f != "a"', column("b", None), [["1"], ["2"]], [["1"]]),
        ('any where not f : "a"', column("b", None), [["1"], ["2"]], [["1"]]),
        ("any where not f < 5", column(6, None), [["1"], ["2"]], [["1"]]),
        # A list is no value.
        ('any where f == "a"', column(["a", "b"]), [["1"]], []),
        # Null joins null, keys ignore case, spans are of whole seconds.
        ('sequence by k [any where f == "a"] [any where f == "b"]', _KEYS, [], [["1", "2"], ["3", "4"]]),
        (sequence("A", "B", head="with maxspan=1500ms"), at({"f": "A"}, {"f": "B"}, step=1200), [["1", "2"]], []),
    ],
)
def test_a_known_difference(query: str, events: Events, elastic: object, endgame: object) -> None:
    assert oracle(query, events) == elastic
    assert package(query, events) == endgame


@pytest.mark.parametrize(
    "query",
    [
        "any where user.any == 1",
        "process where child of [process where true]",
        "join [any where true] [any where true]",
        'any where match(f, "a")',
        'any where wildcard(f, "a*")',
        'any where f[0] == "a"',
        r'any where f == "\u{zz}"',
        r'any where f == "it\'s"',
        "any where f == 1 | unique f",
    ],
)
def test_the_package_takes_what_the_oracle_refuses(query: str) -> None:
    with pytest.raises(EqlError):
        EqlEngine([]).query(query)
    try:
        with elasticsearch_syntax:
            assert eql.parse_query(query)
    except ValueError:
        # It reads the escape and then finds that it is none.
        assert "zz" in query


def test_its_optimizer_takes_unequal_for_equal() -> None:
    query = 'any where f in ("a", "c") or f != "b"'
    with elasticsearch_syntax:
        assert "!=" not in str(eql.parse_query(query))
    assert package(query, column("d")) == oracle(query, column("d")) == [["1"]]


@pytest.mark.parametrize("query", ["any where @f == 1", "any where `a``b` == 1", "any where f == 4."])
def test_the_package_refuses_what_elasticsearch_takes(query: str) -> None:
    assert parse(query)
    with elasticsearch_syntax, pytest.raises(eql.EqlError):
        eql.parse_query(query)
