"""SPL predicates, and printers for trees of them: as a search expression and as an expression of `where`.

Splunk's index answers a search expression quickly, but only `where` can express every condition. So a condition is
split: tests that `search` can make exactly stay there; for the others, `search` has a wider form and `where` the exact
one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..common.expression import All, AnyOf, Node, Not, Test, all_of, any_of, merge_alternatives
from ..common.layout import INDENT
from .text import eval_name, search_name, search_value, text

if TYPE_CHECKING:
    from typing import TypeGuard

WIDTH = 110
#: The values of a test that only asks whether the event has the field.
ANY = ("*",)


@dataclass(frozen=True)
class Predicate:
    """A test of one field; a keyword tests `_raw`.

    In `search`, the test compares the field by `compared` with any of `values`, as written between quotation marks.
    `exact` says that this is the whole test; otherwise it is wider. An empty `values` means that `search` has no form.

    In an expression, the test matches any of `regexes` with `flags`, or is `condition`, an expression that holds only
    if no field of `needs` is null. Without either, it tests that the field is present.
    """

    field: str
    values: tuple[str, ...] = ()
    exact: bool = True
    compared: str = "="
    regexes: tuple[str, ...] = ()
    flags: str = ""
    condition: str = ""
    needs: tuple[str, ...] = ()

    @property
    def joinable(self) -> bool:
        """Whether `a or b` of two such predicates on one field can be one predicate."""
        return bool(self.regexes) and self.compared == "="


def merge(node: Node[Predicate]) -> Node[Predicate]:
    """Merge alternatives on one field into one list, and likewise negated ones."""

    def together(one: Predicate, other: Predicate) -> Predicate:
        values = dict.fromkeys((*one.values, *other.values))
        regexes = dict.fromkeys((*one.regexes, *other.regexes))
        return replace(one, values=ANY if ANY[0] in values else tuple(values), regexes=tuple(regexes))

    def key(what: Predicate) -> Predicate | None:
        return replace(what, values=(), regexes=()) if what.joinable else None

    return merge_alternatives(node, key, together)


def is_exact(node: Node[Predicate]) -> bool:
    """Whether `search` can test the condition exactly."""
    if isinstance(node, Test):
        return node.what.exact and bool(node.what.values)
    if isinstance(node, Not):
        return is_exact(node.arg)
    return all(is_exact(arg) for arg in node.args)


def wider(node: Node[Predicate]) -> Node[Predicate] | None:
    """A condition for `search` that holds wherever this one does; None if it would hold for every event."""
    if isinstance(node, Test):
        return node if node.what.values else None
    if isinstance(node, Not):
        return node if is_exact(node) else None
    args = [found for arg in node.args if (found := wider(arg)) is not None]
    if isinstance(node, AnyOf) and len(args) < len(node.args):
        return None
    if not args:
        return None
    # `a=* OR a=x` is `a=*`, and `a=* a=x` is `a=x`.
    there = {arg.what.field for arg in args if _is_any(arg)}
    tested = {arg.what.field for arg in args if isinstance(arg, Test) and not _is_any(arg)}
    if isinstance(node, AnyOf):
        args = [arg for arg in args if _is_any(arg) or not (isinstance(arg, Test) and arg.what.field in there)]
        return any_of(map(_anything, args))
    return all_of(_anything(arg) for arg in args if not (_is_any(arg) and arg.what.field in tested))


def _is_any(node: Node[Predicate]) -> TypeGuard[Test[Predicate]]:
    """Whether `search` only tests that the field is present."""
    return isinstance(node, Test) and node.what.values == ANY


def _anything(node: Node[Predicate]) -> Node[Predicate]:
    """Drop the expression from a test that `search` reduces to the field's presence, so that such tests are equal."""
    return Test(Predicate(node.what.field, ANY)) if _is_any(node) else node


def search(node: Node[Predicate], indent: str = "", prefix: str = "") -> str:
    """Print the node as a search expression, with further lines below `indent`.

    Every test in it must have a form in `search`. `prefix` is put before each field's name. Every join is in
    parentheses, because `search` gives OR precedence over AND.
    """
    if isinstance(node, Test):
        return _searched(node.what, indent, prefix)
    if isinstance(node, Not):
        inner = search(node.arg, indent, prefix)
        return f"NOT {inner}"
    deeper = indent + INDENT
    word = "AND" if isinstance(node, All) else "OR"
    parts = [search(arg, deeper, prefix) for arg in node.args]
    flat = f"({f' {word} '.join(parts)})"
    if len(indent) + len(flat) <= WIDTH and "\n" not in flat:
        return flat
    return "(" + f"\n{deeper}{word} ".join(parts) + ")"


def _searched(what: Predicate, indent: str, prefix: str) -> str:
    field = search_name(prefix + what.field)
    if what.values == ANY:
        return f"{field}=*"
    quoted = [value if value.isdecimal() else search_value(value) for value in what.values]
    if len(quoted) == 1:
        return f"{field}{what.compared}{quoted[0]}"
    flat = f"{field} IN ({', '.join(quoted)})"
    if len(indent) + len(flat) <= WIDTH:
        return flat
    deeper = f"\n{indent}{INDENT}"
    return f"{field} IN ({deeper}" + f",{deeper}".join(quoted) + f"\n{indent})"


def expression(node: Node[Predicate], inside: str = "") -> str:
    """Print the node as an expression of `where` or `if`; `inside` is the word of the join around it.

    The documentation does not say what NOT returns for null, so a negated test checks for null first.
    """
    if isinstance(node, Test):
        return _positive(node.what, inside)
    if isinstance(node, Not):
        if isinstance(node.arg, Test):
            return _negative(node.arg.what, inside)
        return f"NOT ({expression(node.arg)})"
    if not node.args:
        return "true()" if isinstance(node, All) else "false()"
    word = "AND" if isinstance(node, All) else "OR"
    joined = f" {word} ".join(expression(arg, word) for arg in node.args)
    return f"({joined})" if inside else joined


def _test(what: Predicate) -> str:
    if what.condition:
        return what.condition
    alternatives = "|".join(what.regexes)
    flags = f"(?{what.flags})" if what.flags else ""
    return f"match({eval_name(what.field)}, {text(flags + alternatives)})"


def _needed(what: Predicate) -> tuple[str, ...]:
    return what.needs or (what.field,)


def _positive(what: Predicate, inside: str) -> str:
    present = [f"isnotnull({eval_name(field)})" for field in _needed(what)]
    if not what.regexes and not what.condition:
        return present[0]
    # Neither match() nor a comparison is true for null.
    return f"({_test(what)})" if inside == "OR" and " AND " in what.condition else _test(what)


def _negative(what: Predicate, inside: str) -> str:
    missing = [f"isnull({eval_name(field)})" for field in _needed(what)]
    if not what.regexes and not what.condition:
        return missing[0]
    joined = " OR ".join([*missing, f"NOT {_test(what)}" if what.regexes else f"NOT ({_test(what)})"])
    return f"({joined})" if inside == "AND" else joined


def where_lines(nodes: Iterable[Node[Predicate]]) -> list[str]:
    """One `| where` for each conjunct, with one alternative a line if one line is too long."""
    lines = []
    for node in dict.fromkeys(nodes):
        line = f"| where {expression(node)}"
        if len(line) > WIDTH and isinstance(node, AnyOf):
            line = "| where " + f"\n{INDENT}OR ".join(expression(arg, "OR") for arg in node.args)
        lines.append(line)
    return lines
