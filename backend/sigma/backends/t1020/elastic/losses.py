"""What Elastic's documents cannot tell apart: widens the condition accordingly, and names the losses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, ip_network

from ..common.columns import Column
from ..common.expression import All, Node, Not, Test, all_of, any_of
from ..common.losses import Loss, LossCode, Unsupported
from ..common.semantic_tests import Present, Texts, Value
from .predicates import Networks, Predicate


def settled(node: Node[Predicate], removed: frozenset[str]) -> tuple[Node[Predicate], tuple[Loss, ...]]:
    """Return the condition in a form that the documents can answer, never narrower, and the losses.

    `removed` has texts that ingestion removes: a test for one also finds events without a value, and its negation
    excludes nothing. A network that the rule writes only as an IPv4-mapped one also finds IPv4 addresses. `node` must
    have NOT only at its leaves. Raises Unsupported if the query would be narrower.
    """
    settling = _Settling(removed)
    return settling.settle(node), tuple(settling.losses)


def networks_of(what: Networks) -> list[str]:
    """The networks of the test, without the IPv4-mapped ones that lie in another one."""
    return list(dict.fromkeys([*what.networks, *_alone(what)]))


def _alone(what: Networks) -> list[str]:
    """The IPv4-mapped networks that do not lie in one of the other networks."""
    others = [network for network in map(ip_network, what.networks) if isinstance(network, IPv4Network)]
    return [text for text in what.mapped if not any(IPv4Network(text).subnet_of(other) for other in others)]


@dataclass
class _Settling:
    removed: frozenset[str]
    losses: dict[Loss, None] = field(default_factory=dict)

    def settle(self, node: Node[Predicate]) -> Node[Predicate]:
        if isinstance(node, Test):
            return self._positive(node)
        if isinstance(node, Not):
            return self._negative(node)
        negative = isinstance(node, All)
        # `Field: ['', null]` and its negation lose nothing.
        told = {found for arg in node.args if (found := _missing(arg, negative)) is not None}
        args = [self.settle(arg) for arg in node.args if self._removed_of(arg, negative) not in told]
        if isinstance(node, All):
            return all_of(args)
        return All(()) if All(()) in args else any_of(args)

    def _removed_of(self, node: Node[Predicate], negative: bool) -> Column | None:
        """The field that the node tests only for texts that no document has; None for other nodes."""
        leaf = node.arg if negative and isinstance(node, Not) else None if negative else node
        if isinstance(leaf, Test) and isinstance(leaf.what, Texts) and not self._parted(leaf.what)[1]:
            return leaf.what.column
        return None

    def _parted(self, what: Texts) -> tuple[list[str], tuple[Value, ...]]:
        """Split the values into those that no document has, as text, and the others."""
        gone, kept = [], []
        for value in what.values:
            text = "".join(part or "*" for part in value)
            # Only text fields can hold an empty text.
            if text in self.removed or not (text or what.column.is_text):
                gone.append(text)
            else:
                kept.append(value)
        return gone, tuple(kept)

    def _positive(self, node: Test[Predicate]) -> Node[Predicate]:
        what = node.what
        if isinstance(what, Texts):
            gone, kept = self._parted(what)
            if gone:
                name = what.column.called
                self._lose(LossCode.EMPTY, name, f"{name}: {gone[0]!r} also finds events without {name}")
                missing: Node[Predicate] = Not(Test(Present(what.column)))
                return any_of([missing, Test(replace(what, values=kept))]) if kept else missing
        if isinstance(what, Networks) and (alone := _alone(what)):
            name = what.column.called
            self._lose(
                LossCode.ADDRESS,
                name,
                f"{name}: {', '.join(alone)} in IPv4-mapped form also finds IPv4 addresses, which are stored alike",
            )
        return node

    def _negative(self, node: Not[Predicate]) -> Node[Predicate]:
        assert isinstance(node.arg, Test)
        what = node.arg.what
        if isinstance(what, Texts):
            gone, kept = self._parted(what)
            if gone:
                name = what.column.called
                self._lose(
                    LossCode.EMPTY,
                    name,
                    f"not {name}: {gone[0]!r} excludes nothing, since no document has it; exclude {name}: null as well",
                )
                return Not(Test(replace(what, values=kept))) if kept else All(())
        if isinstance(what, Networks) and (alone := _alone(what)):
            name = what.column.called
            raise Unsupported(
                f"{name}: excluding {', '.join(alone)} in IPv4-mapped form would exclude IPv4 addresses too, which are "
                "stored alike; exclude the IPv4 network as well",
                name,
            )
        return node

    def _lose(self, code: LossCode, name: str, message: str) -> None:
        self.losses[Loss(code, message, name)] = None


def _missing(node: Node[Predicate], negative: bool) -> Column | None:
    """The field that the node tests for having no value or, with `negative`, for having one; else None."""
    leaf = node if negative else node.arg if isinstance(node, Not) else None
    return leaf.what.column if isinstance(leaf, Test) and isinstance(leaf.what, Present) else None
