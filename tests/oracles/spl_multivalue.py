"""The functions of several values. Search Reference, 'Multivalue eval functions', and split() of 'Text functions'."""

from __future__ import annotations

from collections.abc import Callable

from oracles.spl_calls import arguments, literal, of_text, whole
from oracles.spl_eval import Context, Evaluate, condition, value
from oracles.spl_grammar import Node, SplUnsupported, refuse, tokens_of, unquoted
from oracles.spl_regexes import pcre
from oracles.spl_values import Event, Scalar, Value, several, single, text, values_of


def _of_values(change: Callable[[tuple[Scalar, ...]], Value | None]) -> Callable[[Node, Context], Evaluate]:
    def made(tree: Node, context: Context) -> Evaluate:
        part = value(arguments(tree, 1, 1)[0], context)
        return lambda event: change(values_of(part(event)))

    return made


def _mvappend(tree: Node, context: Context) -> Evaluate:
    parts = [value(part, context) for part in arguments(tree, 1)]
    return lambda event: several(alone for part in parts for alone in values_of(part(event)))


def _mvindex(tree: Node, context: Context) -> Evaluate:
    """mvindex(): places count from 0, or from the end where negative; both ends count. Null outside."""
    parts = [value(part, context) for part in arguments(tree, 2, 3)]

    def chosen(event: Event) -> Value | None:
        held = values_of(parts[0](event))
        places = [whole(part(event), "mvindex()") for part in parts[1:]]
        if None in places:
            return None
        first, last = ((place or 0) + (len(held) if (place or 0) < 0 else 0) for place in (places[0], places[-1]))
        if len(places) == 1:
            return held[first] if 0 <= first < len(held) else None
        if not 0 <= first <= last < len(held):
            # 'mvindex' gives null for a place outside, and does not say so of one end of a range.
            if last < first or first >= len(held) or last < 0:
                return None
            raise SplUnsupported("mvindex() with one end outside")
        return several(held[first : last + 1])

    return chosen


def _mvjoin(tree: Node, context: Context) -> Evaluate:
    held, delimiter = (value(part, context) for part in arguments(tree, 2, 2))

    def joined(event: Event) -> Value | None:
        values, between = values_of(held(event)), single(delimiter(event), "mvjoin()")
        return text(between).join(map(text, values)) if values and between is not None else None

    return joined


def _mvfind(tree: Node, context: Context) -> Evaluate:
    subject, regex = arguments(tree, 2, 2)
    held, found = value(subject, context), pcre(literal(regex, "a regex")).search
    return lambda event: next((at for at, alone in enumerate(values_of(held(event))) if found(text(alone))), None)


def _split(subject: str, delimiter: str) -> Value | None:
    if not delimiter:
        raise SplUnsupported("split() at an empty delimiter")
    return several(subject.split(delimiter))


def _fields(tree: Node) -> set[str]:
    return {unquoted(tokens_of(field)[0]) for field in tree.find_data("field")}


def _mvfilter(tree: Node, context: Context) -> Evaluate:
    """mvfilter(): the values for which the condition, which names one field, is true."""
    (part,) = arguments(tree, 1, 1)
    names = _fields(part)
    if len(names) != 1:
        refuse("mvfilter() names one field", tree)
    (name,) = names
    decide = condition(part, context)
    return lambda event: several(alone for alone in values_of(event.get(name)) if decide({name: alone}))


def _mvmap(tree: Node, context: Context) -> Evaluate:
    """mvmap(): the expression for each value of the field, without those that are null."""
    field, expression = arguments(tree, 2, 2)
    if field.data != "field":
        refuse("mvmap() of what is no field", tree)
    name = unquoted(tokens_of(field)[0])
    result = value(expression, context)

    def mapped(event: Event) -> Value | None:
        return several(
            each for alone in values_of(event.get(name)) for each in values_of(result({**event, name: alone}))
        )

    return mapped


MULTIVALUE: dict[str, Callable[[Node, Context], Evaluate]] = {
    "split": of_text(_split, 2, 2),
    "mvcount": _of_values(lambda held: len(held) or None),
    "mvdedup": _of_values(lambda held: several(dict.fromkeys(held))),
    "mvsort": _of_values(lambda held: several(sorted(map(text, held)))),
    "mvappend": _mvappend,
    "mvindex": _mvindex,
    "mvjoin": _mvjoin,
    "mvfind": _mvfind,
    "mvfilter": _mvfilter,
    "mvmap": _mvmap,
}
"""The functions above by name."""
