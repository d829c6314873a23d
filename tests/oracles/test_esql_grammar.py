"""What is read of a query, and what is no ES|QL."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracles.esql_grammar import (
    EsqlError,
    EsqlUnsupported,
    Node,
    commands,
    commands_of_whole,
    kind,
    parse,
    place,
    source,
    string_literals,
)

SHIPPED = sorted((Path(__file__).parents[2] / "dist" / "elastic").glob("*_*_*.esql"))


def test_the_commands_of_a_query() -> None:
    query = 'from a\n| where x == "|" // one\n| MV_EXPAND y | stats c = COUNT(*) BY z'
    found = commands(query)
    assert [(one.name, one.line, one.column) for one in found] == [
        ("from", 1, 1),
        ("where", 2, 3),
        ("mv_expand", 3, 3),
        ("stats", 3, 17),
    ]
    assert found[1].text == 'where x == "|"'


def tree(node: Node) -> object:
    """The names of the nodes, and the texts and places of the tokens."""
    children = [node.getChild(number) for number in range(node.getChildCount())]
    return (kind(node), [tree(child) for child in children]) if children else (node.getText(), place(node))


@pytest.mark.parametrize(
    "query",
    [
        *(pytest.param(path.read_text(encoding="utf-8"), id=path.stem) for path in SHIPPED),
        'FROM a\n| WHERE x == """y | LIMIT 1""" // z\n| WHERE b == """c"""\n| LIMIT 2',
        "FROM a /* b\n| LIMIT 1 */\n| KEEP c\n| LIMIT 2",
        "ROW a = 1 // b\n| EVAL\n  c = 2\n| DROP c",
        "FROM a | WHERE x == 1\n| LIMIT 1",
    ],
)
def test_commands_parsed_one_by_one_are_those_of_the_whole_query(query: str) -> None:
    whole = commands_of_whole(query)
    assert commands(query) == whole
    assert [tree(one.node) for one in commands(query)] == [tree(one.node) for one in whole]


def test_string_literals_are_decoded_in_their_order() -> None:
    query = (
        r'FROM "i" | WHERE a LIKE "C:\\\\*" OR b IN ("x\"y", """q\n"z""") | EVAL c = CASE(d == "\t", ["e", "f"], "")'
    )
    assert string_literals(query) == [r"C:\\*", 'x"y', 'q\\n"z', "\t", "e", "f", ""]


def test_the_indices_and_metadata_of_from() -> None:
    assert source('FROM logs-*,"a,b" , -c METADATA _id, _index | LIMIT 1').patterns == ("logs-*", "a", "b", "-c")
    assert source("FROM logs-*,a METADATA _id, _index").metadata == ("_id", "_index")
    assert source("FROM a").metadata == ()
    with pytest.raises(EsqlError, match="does not begin with FROM"):
        source("ROW a = 1")


@pytest.mark.parametrize("pattern", ["other:logs", "logs::failures", "<logs-{now/d}>"])
def test_clusters_selectors_and_date_math_are_refused(pattern: str) -> None:
    with pytest.raises(EsqlError):
        source(f"FROM {pattern}")


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("FROM a |", 1, 9),
        ("FROM a\n| WHERE x = 1", 2, 11),
        ('FROM a | WHERE x == "y', 1, 21),
        (r'FROM a | WHERE x == "\d"', 1, 21),
        ("FROM a | WHERE x == 'y'", 1, 21),
        ("FROM a | NOTHING x", 1, 10),
        ("FROM a | WHERE x LIKE y", 1, 23),
        ("FROM a | WHERE first == 1", 1, 16),
        ('FROM a | WHERE x RLIKE ("a", "b")', 1, 24),
        ("FROM a | EVAL x = 1 |", 1, 22),
        ("FROM a | KEEP x y", 1, 17),
        ("", 1, 1),
    ],
)
def test_what_is_no_esql_has_a_place(query: str, line: int, column: int) -> None:
    with pytest.raises(EsqlError) as refusal:
        parse(query)
    assert (refusal.value.line, refusal.value.column) == (line, column)
    assert not isinstance(refusal.value, EsqlUnsupported)


def test_a_condition_may_be_long() -> None:
    query = "FROM a | WHERE " + " OR ".join(f"x == {number}" for number in range(400))
    assert len(commands(query)) == 2
