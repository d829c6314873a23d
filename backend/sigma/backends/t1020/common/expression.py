"""A condition as a tree that dialects print: tests joined by all, any and not.

pySigma's own conversion joins strings, so nothing can be reordered, merged or negated afterwards. The
backends here return these nodes instead, and print once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Test(Generic[T]):
    """A leaf: what it tests is the dialect's matter."""

    what: T


@dataclass(frozen=True)
class All(Generic[T]):
    """Holds when every argument does; holds when there is none."""

    args: tuple[Node[T], ...]


@dataclass(frozen=True)
class AnyOf(Generic[T]):
    """Holds when an argument does; fails when there is none."""

    args: tuple[Node[T], ...]


@dataclass(frozen=True)
class Not(Generic[T]):
    """Holds when the argument does not (logic is two-valued)."""

    arg: Node[T]


Node = Test[T] | All[T] | AnyOf[T] | Not[T]


def _flattened(kind: type[All[T]] | type[AnyOf[T]], args: Iterable[Node[T]]) -> Node[T]:
    """Join nodes: nested joins of the same kind dissolve, repeats go, a single one stands for itself."""
    flat: dict[Node[T], None] = {}
    for arg in args:
        flat.update(dict.fromkeys(arg.args if isinstance(arg, kind) else (arg,)))
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat))


def all_of(args: Iterable[Node[T]]) -> Node[T]:
    """The conjunction of the nodes, flattened."""
    return _flattened(All, args)


def any_of(args: Iterable[Node[T]]) -> Node[T]:
    """The disjunction of the nodes, flattened."""
    return _flattened(AnyOf, args)


def negate(node: Node[T]) -> Node[T]:
    """The node's opposite, with NOT moved down to the tests (de Morgan), so that clauses stay one a line."""
    if isinstance(node, Not):
        return node.arg
    if isinstance(node, AnyOf):
        return all_of(negate(arg) for arg in node.args)
    if isinstance(node, All):
        return any_of(negate(arg) for arg in node.args)
    return Not(node)


def leaves(node: Node[T]) -> Iterator[T]:
    """What the tests of a tree test, in order."""
    if isinstance(node, Test):
        yield node.what
    elif isinstance(node, Not):
        yield from leaves(node.arg)
    else:
        for arg in node.args:
            yield from leaves(arg)


def rewrite(node: Node[T], join: Callable[[All[T] | AnyOf[T]], Node[T]]) -> Node[T]:
    """Rebuild the tree from its leaves up, passing each join to `join`."""
    if isinstance(node, All):
        joined = all_of(rewrite(arg, join) for arg in node.args)
    elif isinstance(node, AnyOf):
        joined = any_of(rewrite(arg, join) for arg in node.args)
    else:
        return node
    return join(joined) if isinstance(joined, (All, AnyOf)) else joined


def lowered(node: Node[T], lower: Callable[[T], Node[U]]) -> Node[U]:
    """The tree with another one in the place of each test, NOT moved down to its leaves."""
    if isinstance(node, Test):
        return lower(node.what)
    if isinstance(node, Not):
        return negate(lowered(node.arg, lower))
    args = (lowered(arg, lower) for arg in node.args)
    return all_of(args) if isinstance(node, All) else any_of(args)


def conjuncts(node: Node[T]) -> tuple[Node[T], ...]:
    """What must hold at once."""
    return node.args if isinstance(node, All) else (node,)


def common_first(every: Sequence[Sequence[Node[T]]]) -> list[Node[T]]:
    """What holds where all nodes of any of the lists do: what all lists have, then the alternatives of the rest."""
    common = [node for node in every[0] if all(node in nodes for nodes in every)]
    rest = [all_of(node for node in nodes if node not in common) for nodes in every]
    return [*common, *([] if All(()) in rest else [any_of(rest)])]


def merge_alternatives(node: Node[T], key: Callable[[T], T | None], together: Callable[[T, T], T]) -> Node[T]:
    """Make one test of alternatives that have a `key` in common, and of their negations; None is no key.

    `together` makes one of two. A test made of several stands where the first of them stood.
    """

    def join(joined: All[T] | AnyOf[T]) -> Node[T]:
        negative = isinstance(joined, All)
        tests: dict[T, T] = {}
        order: list[tuple[T | None, Node[T]]] = []
        for arg in joined.args:
            leaf = arg.arg if negative and isinstance(arg, Not) else None if negative else arg
            alike = key(leaf.what) if isinstance(leaf, Test) else None
            if alike is None or not isinstance(leaf, Test):
                order.append((None, arg))
            elif alike in tests:
                tests[alike] = together(tests[alike], leaf.what)
            else:
                tests[alike] = leaf.what
                order.append((alike, arg))
        found: list[Node[T]] = []
        for alike, arg in order:
            test = arg if alike is None else Test(tests[alike])
            found.append(Not(test) if negative and alike is not None else test)
        return all_of(found) if negative else any_of(found)

    return rewrite(node, join)
