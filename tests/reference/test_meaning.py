"""Selections, conditions and two-valued logic."""

from __future__ import annotations

from typing import Any

import pytest

from reference.conditions import ConditionError
from reference.events import Event, Value
from reference.meaning import conditions, in_log_source, matches
from reference.modifiers import RuleError


def holds(detection: dict[str, Any], **fields: Value) -> bool:
    return matches({"detection": detection}, Event("e1", 0, fields))


def test_a_map_is_and_a_list_of_maps_is_or() -> None:
    both = {"s": {"A": "1", "B": ["2", "3"]}, "condition": "s"}
    assert holds(both, A="1", B="3")
    assert not holds(both, A="1", B="4")
    assert not holds(both, B="3")
    either = {"s": [{"A": "1", "B": "2"}, {"C": "3"}], "condition": "s"}
    assert holds(either, A="1", B="2")
    assert holds(either, A="x", C="3")
    assert not holds(either, A="1", B="x", C="x")
    nested = {"s": [[{"A": "1"}, {"A": "2"}], {"B": "3"}, "word"], "condition": "s"}
    assert holds(nested, A="2")
    assert holds(nested, C="a word here")
    assert not holds(nested, A="3")


def test_the_same_field_may_stand_twice_with_other_modifiers() -> None:
    rule = {"s": {"A|startswith": "a", "A|endswith": "z"}, "condition": "s"}
    assert holds(rule, A="abz")
    assert not holds(rule, A="ab")


def test_keywords_are_sought_in_the_strings_of_all_fields() -> None:
    words = {"k": ["event::clear", "a*z"], "condition": "k"}
    assert holds(words, A="x", B="xx EVENT::CLEAR xx")
    assert holds(words, B="..a-z..")
    assert not holds(words, A="event::", B="clear")
    assert not holds(words)
    every = {"k": {"|all": ["one", "two"]}, "condition": "k"}
    assert holds(every, A="one", B="Two")
    assert not holds(every, A="one one")
    assert holds({"k": "one", "condition": "k"}, A=["x", "ones"])
    assert holds({"k": {"|re": "^o.e$"}, "condition": "k"}, A="one")
    assert not holds({"k": {"|cased": "ONE"}, "condition": "k"}, A="one")
    assert holds({"k": [4688], "condition": "k"}, A="id 4688")
    assert not holds({"k": [4688], "condition": "k"}, A=4688)
    for wrong in ([None], {"|exists": True}, {"|gt": 1}, {"|fieldref": "A"}):
        with pytest.raises(RuleError):
            holds({"k": wrong, "condition": "k"}, A="one")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # a and c hold; b, sel_x and _hidden do not; sel_y does.
        ("a", True),
        ("b", False),
        ("not b", True),
        ("not not a", True),
        ("a and b", False),
        ("a or b", True),
        ("a or b and b", True),
        ("(a or b) and b", False),
        ("b and b or a", True),
        ("not b and a", True),
        ("not (b or a)", False),
        ("not a or c", True),
        ("not (a and b) and c", True),
        ("1 of sel_*", True),
        ("all of sel_*", False),
        ("not all of sel_*", True),
        ("any of sel_*", True),
        ("1 of s*_x", False),
        ("2 of sel_*", False),
        ("3 of them", True),
        ("4 of them", False),
        ("1 of them", True),
        ("all of them", False),
        ("1 of _*", False),
        ("a and not 1 of _hid*", True),
        ("all of *y", True),
        ("1 of *", True),
        ("(((a)))", True),
        ("a and(b or c)", True),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    detection: dict[str, Any] = {
        "a": {"A": "1"},
        "b": {"A": "2"},
        "c": {"B": "3"},
        "sel_x": {"A": "2"},
        "sel_y": {"A": "1"},
    }
    assert holds({**detection, "_hidden": {"A": "2"}, "condition": condition}, A="1", B="3") is expected


def test_them_leaves_out_names_with_an_underscore() -> None:
    rule = {"a": {"A": "1"}, "_b": {"A": "2"}, "condition": "all of them"}
    assert holds(rule, A="1")
    assert not holds({**rule, "condition": "1 of them"}, A="2")
    assert not holds({**rule, "condition": "1 of *b or a"} | {"xb": {"A": "3"}}, A="2")


@pytest.mark.parametrize(
    "condition",
    [
        *("", "and", "a and", "a b", "(a", "a)", "not", "x", "1 of x*", "0 of a*", "some of a*", "a | count() > 5"),
        *("1 of", "all of (a)", "a or or a", "-1 of a*", "1 of _c*"),
    ],
)
def test_a_broken_condition_is_refused(condition: str) -> None:
    with pytest.raises(ConditionError):
        holds({"a": {"A": "1"}, "condition": condition}, A="1")


def test_a_list_of_conditions_is_or_and_each_is_told() -> None:
    rule = {"detection": {"a": {"A": "1"}, "b": {"A": "2"}, "condition": ["a", "b", "not a"]}}
    assert conditions(rule, Event("e1", 0, {"A": "2"})) == [False, True, True]
    assert conditions(rule, Event("e1", 0, {"A": "1"})) == [True, False, False]
    assert matches(rule, Event("e1", 0, {}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("A", value) for value in ("x", "*", "", 1, True)),
        *((f"A|{name}", "x") for name in ("contains", "startswith", "endswith", "re", "cased", "base64", "fieldref")),
        *(("A|contains", ""), ("A|re", ".*"), ("A|cidr", "0.0.0.0/0"), ("A|gt", 1), ("A|lte", 1), ("A|hour", 1)),
        ("A|exists", True),
    ],
)
def test_a_missing_field_matches_nothing_and_not_of_that_is_true(key: str, value: Any) -> None:
    missing: list[dict[str, Value]] = [{}, {"A": None}, {"A": []}]
    for fields in missing:
        event = Event("e1", 0, fields)
        assert not matches({"detection": {"s": {key: value}, "condition": "s"}}, event)
        assert matches({"detection": {"s": {key: value}, "condition": "not s"}}, event)
        assert not matches({"detection": {"s": {key: value}, "condition": "not not s"}}, event)


def test_a_missing_field_matches_null_and_exists_false() -> None:
    for item in ({"A": None}, {"A|exists": False}):
        assert holds({"s": item, "condition": "s"}, B="x")
        assert not holds({"s": item, "condition": "not s"}, B="x")
        assert not holds({"s": item, "condition": "s"}, A="")


@pytest.mark.parametrize("rule", [{}, {"detection": {"a": {"A": "1"}}}, {"detection": {"a": {}, "condition": "a"}}])
def test_a_rule_without_a_meaning_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(RuleError):
        matches(rule, Event("e1", 0, {}))


def test_the_log_source_is_judged_where_both_sides_name_it() -> None:
    rule = {"logsource": {"category": "process_creation", "product": "windows"}}
    assert in_log_source(rule, Event("e1", 0, {}))
    assert in_log_source(rule, Event("e1", 0, {}, "process_creation", "windows"))
    assert not in_log_source(rule, Event("e1", 0, {}, "process_creation", "linux"))
    assert not in_log_source(rule, Event("e1", 0, {}, "network_connection", "windows"))
    assert in_log_source({}, Event("e1", 0, {}, "network_connection", "windows"))
