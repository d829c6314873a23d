"""What Elastic's documents cannot tell: the condition that is wider then, and the losses by name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, ip_network

from ..common.columns import Column
from ..common.expression import All, Node, Not, Test, all_of, any_of
from ..common.losses import Loss, LossCode, Unsupported
from ..common.semantic_tests import Present, Texts, Value
from .predicates import Networks, Predicate


def settled(node: Node[Predicate], removed: frozenset[str]) -> tuple[Node[Predicate], tuple[Loss, ...]]:
    """The condition as the documents can answer it, never narrower, and what is lost.

    `removed` are texts which the documents lack where the event has them: a test for one finds the events without a
    value too, and NOT of it excludes none. Networks that a rule wrote as IPv4-mapped ones, and not as IPv4 too, find
    IPv4 addresses as well. `node` has NOT at its leaves alone. Raises Unsupported where a query would be narrower.
    """
    settling = _Settling(removed)
    return settling.settle(node), tuple(settling.losses)


def networks_of(what: Networks) -> list[str]:
    """The networks to ask for, without those that are within others."""
    return list(dict.fromkeys([*what.networks, *_alone(what)]))


def _alone(what: Networks) -> list[str]:
    """Those of the mapped networks that are not among the others."""
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
        # `Field: ['', null]`, or not of it: nothing is lost.
        told = {found for arg in node.args if (found := _missing(arg, negative)) is not None}
        args = [self.settle(arg) for arg in node.args if self._removed_of(arg, negative) not in told]
        if isinstance(node, All):
            return all_of(args)
        return All(()) if All(()) in args else any_of(args)

    def _removed_of(self, node: Node[Predicate], negative: bool) -> Column | None:
        """The field that is tested for nothing but a text which no document has."""
        leaf = node.arg if negative and isinstance(node, Not) else None if negative else node
        if isinstance(leaf, Test) and isinstance(leaf.what, Texts) and not self._parted(leaf.what)[1]:
            return leaf.what.column
        return None

    def _parted(self, what: Texts) -> tuple[list[str], tuple[Value, ...]]:
        """Those of the values that no document has, as texts, and the others."""
        gone, kept = [], []
        for value in what.values:
            text = "".join(part or "*" for part in value)
            # No field of another type can hold an empty text.
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
                f"{name}: {', '.join(alone)}, written as of IPv6, also finds IPv4 addresses, which are stored alike",
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
                f"{name}: to exclude {', '.join(alone)}, written as of IPv6, would exclude IPv4 addresses too, which "
                "are stored alike; exclude the IPv4 network as well",
                name,
            )
        return node

    def _lose(self, code: LossCode, name: str, message: str) -> None:
        self.losses[Loss(code, message, name)] = None


def _missing(node: Node[Predicate], negative: bool) -> Column | None:
    """The field of which the node says that it has no value; with `negative`, that it has one."""
    leaf = node if negative else node.arg if isinstance(node, Not) else None
    return leaf.what.column if isinstance(leaf, Test) and isinstance(leaf.what, Present) else None
