"""Kusto predicates, and a printer for trees of them, one clause a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..common.columns import Column
from ..common.expression import All, AnyOf, Node, Not, Test, conjuncts, leaves, merge_alternatives
from ..common.layout import INDENT
from .text import name

#: Longer lines are broken at a clause or in a list, if there is one.
WIDTH = 100
#: The subject of a test of all columns (Kusto docs, 'where operator').
EVERY_COLUMN = "*"
#: Kusto nests the operands of an `or` chain and accepts about 450 levels (KS245).
LONGEST_CHAIN = 100


class Operator(NamedTuple):
    """How Kusto writes an operator with one operand, with a list, and negated; if empty, by not()."""

    one: str
    many: str
    not_one: str
    not_many: str
    #: The rank of its cost for a row, from 0 for an equality on an indexed column to 5 for a regular expression.
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
    """`subject operator operand`; with several operands, any of them is enough.

    - `subject`: a column or an expression; "*" is every column.
    - `operator`: a key of OPERATORS, or "raw" (the subject is the whole predicate), "missing" (the subject holds no
      value), "empty" (it holds an empty text, see losses.widened), "ipv4" or "ipv6" (it lies in one of the networks).
    - `operands`: literals, or one column.
    - `nullable`: the subject's type has a null, for which a negated comparison must hold.
    - `computed`: the columns that the query must compute first.
    - `column`: the column of the subject, if it has one.
    """

    subject: str
    operator: str
    operands: tuple[str, ...] = ()
    nullable: bool = False
    computed: tuple[str, ...] = ()
    column: Column | None = field(default=None, compare=False)

    @property
    def cost(self) -> int:
        """The rank of its cost for a row, as in Operator."""
        if self.subject == EVERY_COLUMN:
            return 6
        own = {"ipv4": 4, "ipv6": 4, "raw": 1}.get(self.operator, 0)
        if self.operator in OPERATORS:
            own = OPERATORS[self.operator].cost
        # A computed value has no index.
        return max(own, 2) if self.computed or ("(" in self.subject and self.operator != "raw") else own

    @property
    def joinable(self) -> bool:
        """Whether `a or b` of two such predicates can be one predicate with two operands."""
        if self.subject == EVERY_COLUMN:
            return False
        return self.operator in ("ipv4", "ipv6") or bool(self.operator in OPERATORS and OPERATORS[self.operator].many)


def merge(node: Node[Predicate]) -> Node[Predicate]:
    """Merge alternatives on one column into one list (in~, has_any, …), and likewise negated ones."""

    def together(one: Predicate, other: Predicate) -> Predicate:
        return replace(one, operands=tuple(dict.fromkeys((*one.operands, *other.operands))))

    return merge_alternatives(node, lambda what: replace(what, operands=()) if what.joinable else None, together)


def cost(node: Node[Predicate]) -> int:
    """The rank of a node: that of its most expensive test, with alternatives after single tests of the same rank."""
    if isinstance(node, Test):
        return node.what.cost * 2
    if isinstance(node, Not):
        return cost(node.arg)
    return max((cost(arg) for arg in node.args), default=0) + (1 if isinstance(node, AnyOf) else 0)


def cheapest_first(nodes: Iterable[Node[Predicate]]) -> list[Node[Predicate]]:
    """The nodes sorted by rank; nodes of the same rank keep the order of the rule."""
    return sorted(nodes, key=cost)


def _listed(operands: Sequence[str], prefix: str, indent: str, before: int, brackets: str = "()") -> str:
    """`prefix("a", "b")`, with one operand a line if one line, after `before` characters, is too long."""
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
        # The ipv6 functions read IPv4 text as its mapped form; requiring a colon excludes IPv4.
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
        # The functions return null for other texts; not() of null is null, and the row would be lost.
        guard = f'{predicate.subject} !contains ":" or ' if predicate.operator == "ipv6" else ""
        head = f"{guard}not(coalesce("
        text = f"{head}{_in_networks(predicate, indent, before + len(head))}, false))"
        return f"({text})" if inside and guard else text
    if predicate.operator in _OPPOSITE:
        text = f"{predicate.subject} {_OPPOSITE[predicate.operator]} {predicate.operands[0]}"
    else:
        # `* !contains` holds if any column lacks the text, not if all columns do.
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
    """Print the node, with further lines below `indent`.

    `before` is the number of characters before it on the first line. `inside` says that the node stands in a join, so
    a join of its own needs parentheses.
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
    """The same join as a join of shorter joins."""
    args = cheapest_first(node.args)
    size = max(LONGEST_CHAIN, -(-len(args) // LONGEST_CHAIN))
    return type(node)(tuple(type(node)(tuple(args[at : at + size])) for at in range(0, len(args), size)))


def computed_columns(node: Node[Predicate]) -> set[str]:
    """The columns that the query must compute before it can test the node."""
    return {column for predicate in leaves(node) for column in predicate.computed}


def where_lines(nodes: Iterable[Node[Predicate]], computed: Mapping[str, str], needed: Iterable[str] = ()) -> list[str]:
    """One `| where` for each conjunct, the cheapest first, and an `| extend` before the first use of a computed column.

    `computed` has the expression of each computed column; those in `needed` are computed in any case.
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
