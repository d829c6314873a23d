"""Connections that another device began: which column then holds the source, and which the destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..common.columns import Column
from ..common.expression import All, AnyOf, Node, Test, all_of, common_first, conjuncts, lowered, negate, rewrite
from ..common.front import Tree
from ..common.log_model import LogModel
from ..common.losses import Unsupported
from ..common.semantic_tests import Keyword, KeywordMatches, OneOf, Same, SemanticTest
from .text import name, string

_ALWAYS: Tree = All(())
_NEVER: Tree = AnyOf(())


def by_direction(tree: Tree, model: LogModel) -> Tree:
    """The condition with the columns of each direction, from Sigma's source and destination.

    Defender's tables name the ends of a connection by where they are, local and remote; Sigma names them by who began.
    The log model says in which rows another device began (`inbound_rows`), and where these hold the fields
    (`inbound_columns`). A condition that leaves out one direction keeps the columns of the other one; what does not
    depend on the direction stands once.
    """
    if not _tells_direction(model):
        return tree
    inbound = _settled(tree, model, True)
    outbound = _settled(tree, model, False)
    if inbound in (_NEVER, outbound):
        return tree
    direction: Tree = all_of(
        Test(OneOf(_column(column, model, column), tuple(words))) for column, words in model.inbound_rows.items()
    )
    if outbound == _NEVER:
        return all_of((direction, inbound))
    return all_of(common_first([[negate(direction), *conjuncts(outbound)], [direction, *conjuncts(inbound)]]))


def of_each_direction(column: Column, model: LogModel) -> Column:
    """The column as an expression, if inbound rows hold its field in another one; for a correlation's keys."""
    inbound = _in_inbound_rows(column, model) if _tells_direction(model) else column
    if inbound is column:
        return column
    tests = (_any_word(name(tells), list(map(string, words))) for tells, words in model.inbound_rows.items())
    text = f"iff({' and '.join(tests)}, {inbound.text}, {column.text})"
    return replace(column, text=text, computed=(*column.computed, *inbound.computed))


def _tells_direction(model: LogModel) -> bool:
    """Whether the table says who began: a pipeline may have moved the rules to another table, and left these keys."""
    return bool(model.inbound_rows) and all(model.column(column) for column in model.inbound_rows)


def _any_word(column: str, words: Sequence[str]) -> str:
    return f"{column} in ({', '.join(words)})" if len(words) > 1 else f"{column} == {words[0]}"


def _settled(tree: Tree, model: LogModel, inbound: bool) -> Tree:
    """The condition in rows of one direction, where the tests that tell the direction are decided."""

    def settle(test: SemanticTest) -> Tree:
        if isinstance(test, OneOf) and (words := model.inbound_rows.get(test.column.name)):
            if inbound and set(words) <= set(test.values):
                return _ALWAYS
            rest = tuple(value for value in test.values if (value in words) is inbound)
            return Test(replace(test, values=rest)) if rest else _NEVER
        return Test(_turned(test, model) if inbound else test)

    return rewrite(lowered(tree, settle), _absorbed)


def _absorbed(joined: All[Any] | AnyOf[Any]) -> Node[Any]:
    """A join that one of its arguments decides is that argument."""
    decisive = _NEVER if isinstance(joined, All) else _ALWAYS
    return decisive if decisive in joined.args else joined


def _turned(test: SemanticTest, model: LogModel) -> SemanticTest:
    """The test on the columns that hold its fields in inbound rows."""
    if isinstance(test, Keyword | KeywordMatches):
        return test
    column = _in_inbound_rows(test.column, model)
    if isinstance(test, Same):
        # pySigma records no renaming of a field that another one is compared with, so that one follows the other.
        by_itself = test.column.name in model.inbound_columns and column is test.column
        other = test.other if by_itself else _in_inbound_rows(test.other, model, renamed=True)
        return replace(test, column=column, other=other)
    return replace(test, column=column)


def _in_inbound_rows(column: Column, model: LogModel, renamed: bool = False) -> Column:
    """The column that holds the field in inbound rows.

    A field that was not renamed is the column itself, which a rule may name, unless the query computes it.
    """
    renamed = renamed or column.field != column.name or bool(column.computed)
    if column.name not in model.inbound_columns or not renamed:
        return column
    return _column(model.inbound_columns[column.name], model, column.field)


def _column(column: str, model: LogModel, field: str) -> Column:
    found = model.column(column)
    if found is None:
        raise Unsupported(
            f"{field} is {column} in inbound connections, which the pipeline does not list in the columns of "
            f"{model.table}; add it to `columns`",
            field,
        )
    return replace(found, text=name(found.text), field=field)
