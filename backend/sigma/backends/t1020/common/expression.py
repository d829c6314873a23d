"""Conditions as trees: tests joined by All, AnyOf and Not.

pySigma's own conversion joins strings, which cannot be reordered, merged or negated afterwards. The backends build
these trees instead and print them once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Test(Generic[T]):
    """A leaf; `what` is a semantic test or a dialect's predicate."""

    what: T


@dataclass(frozen=True)
class All(Generic[T]):
    """Holds if every argument holds, or if there are no arguments."""

    args: tuple[Node[T], ...]


@dataclass(frozen=True)
class AnyOf(Generic[T]):
    """Holds if any argument holds; fails if there are no arguments."""

    args: tuple[Node[T], ...]


@dataclass(frozen=True)
class Not(Generic[T]):
    """Holds if the argument does not hold; logic is two-valued."""

    arg: Node[T]


Node = Test[T] | All[T] | AnyOf[T] | Not[T]


def _flattened(kind: type[All[T]] | type[AnyOf[T]], args: Iterable[Node[T]]) -> Node[T]:
    """Join nodes: flatten nested joins of the same kind, drop repeats, and return a single node as it is."""
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
    """The negated node, with NOT moved down to the tests (De Morgan), so that a query keeps one clause a line."""
    if isinstance(node, Not):
        return node.arg
    if isinstance(node, AnyOf):
        return all_of(negate(arg) for arg in node.args)
    if isinstance(node, All):
        return any_of(negate(arg) for arg in node.args)
    return Not(node)


def leaves(node: Node[T]) -> Iterator[T]:
    """Yield what each test of the tree tests, in order."""
    if isinstance(node, Test):
        yield node.what
    elif isinstance(node, Not):
        yield from leaves(node.arg)
    else:
        for arg in node.args:
            yield from leaves(arg)


def rewrite(node: Node[T], join: Callable[[All[T] | AnyOf[T]], Node[T]]) -> Node[T]:
    """Rebuild the tree bottom-up, replacing each join by what `join` returns for it."""
    if isinstance(node, All):
        joined = all_of(rewrite(arg, join) for arg in node.args)
    elif isinstance(node, AnyOf):
        joined = any_of(rewrite(arg, join) for arg in node.args)
    else:
        return node
    return join(joined) if isinstance(joined, (All, AnyOf)) else joined


def lowered(node: Node[T], lower: Callable[[T], Node[U]]) -> Node[U]:
    """Replace each test by the tree that `lower` returns for it, with NOT moved down to the leaves."""
    if isinstance(node, Test):
        return lower(node.what)
    if isinstance(node, Not):
        return negate(lowered(node.arg, lower))
    args = (lowered(arg, lower) for arg in node.args)
    return all_of(args) if isinstance(node, All) else any_of(args)


def conjuncts(node: Node[T]) -> tuple[Node[T], ...]:
    """The nodes that must all hold: the arguments of All, or the node itself."""
    return node.args if isinstance(node, All) else (node,)


def common_first(every: Sequence[Sequence[Node[T]]]) -> list[Node[T]]:
    """Join lists of conjuncts as alternatives: first the nodes that all lists share, then any of the remainders."""
    common = [node for node in every[0] if all(node in nodes for nodes in every)]
    rest = [all_of(node for node in nodes if node not in common) for nodes in every]
    return [*common, *([] if All(()) in rest else [any_of(rest)])]


def merge_alternatives(node: Node[T], key: Callable[[T], T | None], together: Callable[[T, T], T]) -> Node[T]:
    """Merge alternatives with the same `key` into one test, and likewise tests that are all negated.

    `key` returns None for a test that cannot be merged; `together` merges two tests. A merged test takes the place of
    the first of its parts.
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
