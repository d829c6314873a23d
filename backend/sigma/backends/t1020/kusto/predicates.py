"""Kusto predicates, and how a tree of them is laid out, one clause a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..common.columns import Column
from ..common.expression import All, AnyOf, Node, Not, Test, conjuncts, leaves, merge_alternatives
from ..common.layout import INDENT
from .text import name

#: Lines longer than this are broken where a clause or a list allows it.
WIDTH = 100
#: The subject of a test of all columns (Kusto docs, 'where operator').
EVERY_COLUMN = "*"
#: Kusto nests the operands of a chain of `or` in each other, and takes some 450 levels (KS245).
LONGEST_CHAIN = 100


class Operator(NamedTuple):
    """How Kusto writes one operator: with one operand, with a list, and negated (empty: by not())."""

    one: str
    many: str
    not_one: str
    not_many: str
    #: Rank of what a row costs: 0 an equality on an indexed column … 5 a regular expression.
    cost: int


#: Source: Kusto docs, 'String operators' and 'Numerical operators'.
OPERATORS = {
    "=~": Operator("=~", "in~", "!~", "!in~", 0),
    "==": Operator("==", "in", "!=", "!in", 0),
    "has": Operator("has", "has_any", "!has", "", 1),
    "has_cs": Operator("has_cs", "", "!has_cs", "", 1),
    "startswith": Operator("startswith", "", "!startswith", "", 2),
    "startswith_cs": Operator("startswith_cs", "", "!startswith_cs", "", 2),
    "endswith": Operator("endswith", "", "!endswith", "", 3),
    "endswith_cs": Operator("endswith_cs", "", "!endswith_cs", "", 3),
    "contains": Operator("contains", "", "!contains", "", 3),
    "contains_cs": Operator("contains_cs", "", "!contains_cs", "", 3),
    "<": Operator("<", "", "", "", 0),
    "<=": Operator("<=", "", "", "", 0),
    ">": Operator(">", "", "", "", 0),
    ">=": Operator(">=", "", "", "", 0),
    "matches regex": Operator("matches regex", "", "", "", 5),
}


@dataclass(frozen=True)
class Predicate:
    """`subject operator operand`, any of the operands where there are several.

    `operands` are literals, or one column. Other operators than those of OPERATORS: "raw" (the subject is the
    whole predicate, a filter of the log source), "missing" (the subject holds nothing), "empty" (it holds an
    empty text, see `widened`), "ipv4" and "ipv6" (the address lies in one of the networks). The subject "*" is
    every column. `nullable` says that the subject's type has a null, of which no comparison must become true.
    `computed` names the columns that are computed first, if it needs any. `column` is that of the subject, where it is
    one.
    """

    subject: str
    operator: str
    operands: tuple[str, ...] = ()
    nullable: bool = False
    computed: tuple[str, ...] = ()
    column: Column | None = field(default=None, compare=False)

    @property
    def cost(self) -> int:
        """Rank of what a row costs, as in Operator."""
        if self.subject == EVERY_COLUMN:
            return 6
        own = {"ipv4": 4, "ipv6": 4, "raw": 1}.get(self.operator, 0)
        if self.operator in OPERATORS:
            own = OPERATORS[self.operator].cost
        # No index helps a computed value.
        return max(own, 2) if self.computed or ("(" in self.subject and self.operator != "raw") else own

    @property
    def joinable(self) -> bool:
        """Whether `a or b` of two such predicates can be one predicate with two operands."""
        if self.subject == EVERY_COLUMN:
            return False
        return self.operator in ("ipv4", "ipv6") or bool(self.operator in OPERATORS and OPERATORS[self.operator].many)


def merge(node: Node[Predicate]) -> Node[Predicate]:
    """Make one list of alternatives on one column (in~, has_any, …), and of their negations."""

    def together(one: Predicate, other: Predicate) -> Predicate:
        return replace(one, operands=tuple(dict.fromkeys((*one.operands, *other.operands))))

    return merge_alternatives(node, lambda what: replace(what, operands=()) if what.joinable else None, together)


def cost(node: Node[Predicate]) -> int:
    """Rank of a node: that of its dearest test; alternatives come after single tests of the same rank."""
    if isinstance(node, Test):
        return node.what.cost * 2
    if isinstance(node, Not):
        return cost(node.arg)
    return max((cost(arg) for arg in node.args), default=0) + (1 if isinstance(node, AnyOf) else 0)


def cheapest_first(nodes: Iterable[Node[Predicate]]) -> list[Node[Predicate]]:
    """The nodes by rank, those of one rank in the order that the rule has them."""
    return sorted(nodes, key=cost)


def _listed(operands: Sequence[str], prefix: str, indent: str, before: int, brackets: str = "()") -> str:
    """`prefix("a", "b")`, one operand a line where they do not fit behind the `before` columns to their left."""
    opening, closing = brackets[: len(brackets) // 2], brackets[len(brackets) // 2 :]
    flat = f"{prefix}{opening}{', '.join(operands)}{closing}"
    if before + len(flat) <= WIDTH:
        return flat
    inner = ",\n".join(f"{indent}{INDENT}{operand}" for operand in operands)
    return f"{prefix}{opening}\n{inner}\n{indent}{closing}"


def _in_networks(predicate: Predicate, indent: str, before: int) -> str:
    if len(predicate.operands) == 1:
        return f"{predicate.operator}_is_in_range({predicate.subject}, {predicate.operands[0]})"
    head = f"{predicate.operator}_is_in_any_range({predicate.subject}, dynamic"
    return _listed(predicate.operands, head, indent, before + 1, "([])") + ")"


def _positive(predicate: Predicate, indent: str, before: int) -> str:
    if predicate.operator == "raw":
        return predicate.subject
    if predicate.operator in ("missing", "empty"):
        return f"{'isnull' if predicate.nullable else 'isempty'}({predicate.subject})"
    if predicate.operator == "ipv4":
        return _in_networks(predicate, indent, before)
    if predicate.operator == "ipv6":
        # The ipv6 functions take IPv4 text for its mapped form; the colon keeps IPv4 out.
        guard = f'{predicate.subject} contains ":" and '
        return guard + _in_networks(predicate, indent, before + len(guard))
    operator = OPERATORS[predicate.operator]
    if len(predicate.operands) == 1:
        return f"{predicate.subject} {operator.one} {predicate.operands[0]}"
    return _listed(predicate.operands, f"{predicate.subject} {operator.many} ", indent, before)


_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _negative(predicate: Predicate, indent: str, before: int, inside: bool) -> str:
    if predicate.operator in ("missing", "empty"):
        return f"{'isnotnull' if predicate.nullable else 'isnotempty'}({predicate.subject})"
    if predicate.operator in ("ipv4", "ipv6"):
        # Null for what is no address of that kind: NOT of it would be null too, and the row lost.
        guard = f'{predicate.subject} !contains ":" or ' if predicate.operator == "ipv6" else ""
        head = f"{guard}not(coalesce("
        text = f"{head}{_in_networks(predicate, indent, before + len(head))}, false))"
        return f"({text})" if inside and guard else text
    if predicate.operator in _OPPOSITE:
        text = f"{predicate.subject} {_OPPOSITE[predicate.operator]} {predicate.operands[0]}"
    else:
        # `* !contains` asks for one column without the text, not for none with it.
        operator = OPERATORS.get(predicate.operator) if predicate.subject != EVERY_COLUMN else None
        word = operator and (operator.not_one if len(predicate.operands) == 1 else operator.not_many)
        if not word:
            return f"not({_positive(predicate, indent, before + len('not('))})"
        if len(predicate.operands) == 1:
            text = f"{predicate.subject} {word} {predicate.operands[0]}"
        else:
            text = _listed(predicate.operands, f"{predicate.subject} {word} ", indent, before)
    if not predicate.nullable:
        return text
    text = f"isnull({predicate.subject}) or {text}"
    return f"({text})" if inside else text


def render(node: Node[Predicate], indent: str = "", before: int = 0, inside: bool = False) -> str:
    """The node as Kusto text, its continuation lines indented below `indent`.

    `before`: how many columns of the first line are taken; `inside`: the text stands in a join, so that a join
    of its own needs parentheses.
    """
    if isinstance(node, Test):
        text = _positive(node.what, indent, before)
        return f"({text})" if inside and node.what.operator == "ipv6" else text
    if isinstance(node, Not):
        if not isinstance(node.arg, Test):
            return f"not({render(node.arg, indent, before)})"
        return _negative(node.arg.what, indent, before, inside)
    if not node.args:
        return "true" if isinstance(node, All) else "false"
    if len(node.args) > LONGEST_CHAIN:
        node = _in_groups(node)
    word = "and" if isinstance(node, All) else "or"
    deeper = indent + INDENT
    taken = len(deeper) + len(word) + 1
    texts = [
        render(arg, deeper, taken if number else before, inside=True)
        for number, arg in enumerate(cheapest_first(node.args))
    ]
    text = f"\n{deeper}{word} ".join(texts)
    return f"({text})" if inside else text


def _in_groups(node: All[Predicate] | AnyOf[Predicate]) -> All[Predicate] | AnyOf[Predicate]:
    """The same join as one of joins, none of them long."""
    args = cheapest_first(node.args)
    size = max(LONGEST_CHAIN, -(-len(args) // LONGEST_CHAIN))
    return type(node)(tuple(type(node)(tuple(args[at : at + size])) for at in range(0, len(args), size)))


def computed_columns(node: Node[Predicate]) -> set[str]:
    """The columns that must be computed before the node can be tested."""
    return {column for predicate in leaves(node) for column in predicate.computed}


def where_lines(nodes: Iterable[Node[Predicate]], computed: Mapping[str, str], needed: Iterable[str] = ()) -> list[str]:
    """One `| where` for each conjunct, the cheap ones first; computed columns where they are first needed.

    `computed`: by name the expression that gives a column; `needed`: those that are wanted in any case.
    """
    together = dict.fromkeys(conjunct for node in nodes for conjunct in conjuncts(node))
    lines: list[str] = []
    known: set[str] = set()
    for node in sorted(cheapest_first(together), key=lambda node: bool(computed_columns(node))):
        for column in sorted(computed_columns(node) - known):
            lines.append(f"| extend {name(column)} = {computed[column]}")
            known.add(column)
        lines.append(f"| where {render(node, '', len('| where '))}")
    lines.extend(f"| extend {name(column)} = {computed[column]}" for column in sorted({*needed} - known))
    return lines
