"""How the functions of ES|QL are declared: name -> what compiles a call of it.

The declarations follow the table 'Supported types' of each function's page. A function of single values is null for
null and for several values ('Multivalued fields'); those that do otherwise are compiled by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from oracles.esql_grammar import EsqlError, EsqlUnsupported, Node, place
from oracles.esql_values import Context
from oracles.esql_verifier import Expression, cast_literal, error, folded, need, single_valued


@dataclass(frozen=True)
class Call:
    """A call of a function: its name in upper case, its text, its compiled arguments."""

    name: str
    text: str
    arguments: list[Expression]
    context: Context
    node: Node

    def count(self, least: int, most: int | None = None) -> None:
        """Raise EsqlError for another number of arguments."""
        if not least <= len(self.arguments) <= (least if most is None else most):
            raise error(f"error building [{self.name}]: it expects {_times(least, most)} arguments", self.node)

    def cast(self, types: Mapping[int, str]) -> Call:
        """The call with string literals cast at these places."""
        return replace(
            self,
            arguments=[cast_literal(one, types[at]) if at in types else one for at, one in enumerate(self.arguments)],
        )


def _times(least: int, most: int | None) -> str:
    return str(least) if most in (None, least) else f"at least {least}"


MANY = 10_000
"""No function takes more arguments."""

FUNCTIONS: dict[str, Callable[[Call], Expression]] = {}
"""Name -> what compiles a call."""

SINCE: dict[str, tuple[int, ...]] = {}
"""Functions younger than 8.19 -> the version they came with."""


def registered(name: str, build: Callable[[Call], Expression], since: tuple[int, ...] = ()) -> None:
    """Declare a function."""
    FUNCTIONS[name] = build
    if since:
        SINCE[name] = since


def simple(name: str, kinds: str, result: str, apply: Callable[..., Any], since: tuple[int, ...] = ()) -> None:
    """Declare a function of single values.

    `kinds` are those of the arguments, separated by commas: `?` ends an optional one, `*` one that may be repeated.
    """
    wanted = [kind.strip() for kind in kinds.split(",")]

    def build(call: Call) -> Expression:
        call.count(sum(kind[-1] not in "?*" for kind in wanted), MANY if wanted[-1].endswith("*") else len(wanted))
        for at, argument in enumerate(call.arguments):
            need(argument, wanted[min(at, len(wanted) - 1)].rstrip("?*"), f"argument {at + 1} of [{name}]")
        run = single_valued(call.context, call.text, call.arguments, apply)
        return folded(Expression(result, run, call.text, call.node), call.arguments)

    registered(name, build, since)


def found(name: str, node: Node, context: Context) -> Callable[[Call], Expression]:
    """What compiles a call of a function. Raises EsqlError for one that the version does not have."""
    build = FUNCTIONS.get(name)
    if name in SINCE and context.version < SINCE[name]:
        raise EsqlError(f"Unknown function [{name}]: it is younger than the version", *place(node))
    if build is None:
        raise EsqlUnsupported(f"Unknown function [{name}], or one that this oracle leaves out", *place(node))
    return build
