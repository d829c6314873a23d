r"""The functions of `eval` and `where`. Search Reference, the pages of the evaluation functions.

Each takes the tree of its call and gives what `spl_eval` compiles to. Regexes, CIDR ranges and the formats of times
must be literals, so that a query is refused when it is compiled. A function of one value gives null for null, and
refuses several values when it runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from oracles import spl_times
from oracles.spl_addresses import in_range
from oracles.spl_calls import arguments, literal, of_text, whole
from oracles.spl_eval import Context, Decide, Evaluate, condition, like_test, operand, value, within
from oracles.spl_grammar import Node, SplUnsupported, refuse
from oracles.spl_multivalue import MULTIVALUE
from oracles.spl_regexes import pcre
from oracles.spl_values import Event, Number, Scalar, Value, number, reduced, single, text, values_of

# Conditions: 'Comparison and Conditional functions', 'Informational functions'.


def _is_null(tree: Node, context: Context) -> Decide:
    held = value(arguments(tree, 1, 1)[0], context)
    return lambda event: held(event) is None


def _is_not_null(tree: Node, context: Context) -> Decide:
    held = value(arguments(tree, 1, 1)[0], context)
    return lambda event: held(event) is not None


def _is_number(tree: Node, context: Context) -> Decide:
    held = value(arguments(tree, 1, 1)[0], context)
    return lambda event: (alone := single(held(event), "isnum()")) is not None and number(alone) is not None


def _match(tree: Node, context: Context) -> Decide:
    """match(): whether the regex finds any part of the text."""
    subject, regex = arguments(tree, 2, 2)
    held, found = value(subject, context), pcre(literal(regex, "a regex")).search
    unknown = context.unknown

    def holds(event: Event) -> bool | None:
        alone = single(held(event), "match()")
        return unknown if alone is None else found(text(alone)) is not None

    return holds


def _cidrmatch(tree: Node, context: Context) -> Decide:
    cidr, subject = arguments(tree, 2, 2)
    held, holds = value(subject, context), in_range(literal(cidr, "a range"))
    unknown = context.unknown

    def matches(event: Event) -> bool | None:
        alone = single(held(event), "cidrmatch()")
        return unknown if alone is None else holds(text(alone))

    return matches


def _like(tree: Node, context: Context) -> Decide:
    subject, pattern = arguments(tree, 2, 2)
    return like_test(subject, pattern, context)


CONDITIONS: dict[str, Callable[[Node, Context], Decide]] = {
    "isnull": _is_null,
    "isnotnull": _is_not_null,
    "isnum": _is_number,
    "match": _match,
    "cidrmatch": _cidrmatch,
    "like": _like,
    "in": lambda tree, context: within(arguments(tree, 2), context),
    "true": lambda tree, context: _constant(arguments(tree, 0, 0), True),
    "false": lambda tree, context: _constant(arguments(tree, 0, 0), False),
}
"""The functions that are conditions."""


def _constant(none: list[Node], answer: bool) -> Decide:
    return lambda event: answer


# Choices: 'Comparison and Conditional functions'.


def _case(tree: Node, context: Context) -> Evaluate:
    """case(): the value of the first condition that is true, null where none is."""
    parts = arguments(tree, 2)
    if len(parts) % 2:
        refuse("case() with a condition that has no value", tree)
    pairs = [
        (condition(test, context), value(result, context)) for test, result in zip(parts[::2], parts[1::2], strict=True)
    ]

    def chosen(event: Event) -> Value | None:
        for test, result in pairs:
            if test(event):
                return result(event)
        return None

    return chosen


def _if(tree: Node, context: Context) -> Evaluate:
    test, yes, no = arguments(tree, 3, 3)
    decide, then, otherwise = condition(test, context), value(yes, context), value(no, context)
    return lambda event: then(event) if decide(event) else otherwise(event)


def _coalesce(tree: Node, context: Context) -> Evaluate:
    parts = [value(part, context) for part in arguments(tree, 1)]

    def first(event: Event) -> Value | None:
        for part in parts:
            held = part(event)
            if held is not None:
                return held
        return None

    return first


# Text: 'Text functions', 'Conversion functions'.


def _substr(subject: str, start: str, length: str | None = None) -> str:
    """substr(): places count from 1, or from the end where negative."""
    begin = whole(start, "substr()") or 0
    count = None if length is None else whole(length, "substr()")
    if not begin or (count is not None and count < 0):
        raise SplUnsupported("substr() from 0 or of a negative length")
    offset = begin - 1 if begin > 0 else max(len(subject) + begin, 0)
    return subject[offset:] if count is None else subject[offset : offset + count]


def _tonumber(subject: str, base: str = "10") -> Number | None:
    if base == "10":
        return number(subject)
    try:
        return int(subject, int(base))
    except ValueError:
        return None


def _tostring(tree: Node, context: Context) -> Evaluate:
    """tostring() of one argument: a Boolean is True or False."""
    (part,) = arguments(tree, 1, 1)
    if part.data in ("compared", "like", "within", "all_of", "any_of", "negated", "exclusive") or (
        part.data == "call" and str(part.children[0]) in CONDITIONS
    ):
        decide = condition(part, context)
        return lambda event: None if (held := decide(event)) is None else str(held)
    return of_text(lambda subject: subject, 1, 1)(tree, context)


def _replace(tree: Node, context: Context) -> Evaluate:
    """replace(): each part that the regex finds; \\1 stands for its first group."""
    subject, regex, replacement = arguments(tree, 3, 3)
    held, substitute = value(subject, context), pcre(literal(regex, "a regex")).sub
    template = literal(replacement, "a replacement")
    if "\\" in re.sub(r"\\[1-9](?![0-9])", "", template):
        refuse(r"a backslash in a replacement that is not \1 to \9", replacement)

    def replaced(event: Event) -> Value | None:
        alone = single(held(event), "replace()")
        return None if alone is None else substitute(template, text(alone))

    return replaced


def _strip(how: Callable[[str, str], str]) -> Callable[[Node, Context], Evaluate]:
    # 'Text functions', trim(): spaces and tabs unless told which characters.
    return of_text(lambda subject, characters=" \t": how(subject, characters), 1, 2)


# Numbers: 'Mathematical functions', 'Statistical eval functions'.


def _of_number(change: Callable[[Number], Number]) -> Callable[[Node, Context], Evaluate]:
    def made(tree: Node, context: Context) -> Evaluate:
        name = f"{tree.children[0]}()"
        part = value(arguments(tree, 1, 1)[0], context)
        return lambda event: None if (held := operand(part(event), name)) is None else reduced(change(held))

    return made


def _round(tree: Node, context: Context) -> Evaluate:
    parts = arguments(tree, 1, 2)
    held = value(parts[0], context)
    digits = value(parts[1], context) if len(parts) == 2 else lambda event: 0

    def rounded(event: Event) -> Value | None:
        amount, places = operand(held(event), "round()"), whole(digits(event), "round()")
        if amount is None or places is None:
            return None
        return reduced(Decimal(amount).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))

    return rounded


def _extreme(choose: Callable[..., Scalar]) -> Callable[[Node, Context], Evaluate]:
    """min() and max(): text is greater than numbers ('Statistical eval functions'). Null does not count."""

    def made(tree: Node, context: Context) -> Evaluate:
        parts = [value(part, context) for part in arguments(tree, 1)]

        def chosen(event: Event) -> Value | None:
            held = [alone for part in parts for alone in values_of(part(event))]
            return choose(held, key=_rank) if held else None

        return chosen

    return made


def _rank(held: Scalar) -> tuple[int, Number, str]:
    found = number(held)
    return (1, 0, text(held)) if found is None else (0, found, "")


# Times: 'Date and Time functions'.


def _now(tree: Node, context: Context) -> Evaluate:
    arguments(tree, 0, 0)
    started = int(context.now // 1)
    return lambda event: started


def _timed(change: Callable[[Number, str], Value | None]) -> Callable[[Node, Context], Evaluate]:
    def made(tree: Node, context: Context) -> Evaluate:
        name = f"{tree.children[0]}()"
        at, form = arguments(tree, 2, 2)
        held, wanted = value(at, context), literal(form, "a time format")
        change(0, wanted)
        return lambda event: None if (found := operand(held(event), name)) is None else change(found, wanted)

    return made


def _strptime(tree: Node, context: Context) -> Evaluate:
    subject, form = arguments(tree, 2, 2)
    held, wanted = value(subject, context), literal(form, "a time format")
    spl_times.strptime("", wanted)

    def read(event: Event) -> Value | None:
        alone = single(held(event), "strptime()")
        return None if alone is None else spl_times.strptime(text(alone), wanted)

    return read


VALUES: dict[str, Callable[[Node, Context], Evaluate]] = {
    "case": _case,
    "if": _if,
    "coalesce": _coalesce,
    "null": lambda tree, context: _nothing(arguments(tree, 0, 0)),
    "lower": of_text(str.lower, 1, 1),
    "upper": of_text(str.upper, 1, 1),
    "len": of_text(len, 1, 1),
    "substr": of_text(_substr, 2, 3),
    "replace": _replace,
    "trim": _strip(str.strip),
    "ltrim": _strip(str.lstrip),
    "rtrim": _strip(str.rstrip),
    "tonumber": of_text(_tonumber, 1, 2),
    "tostring": _tostring,
    "floor": _of_number(lambda held: Decimal(held).to_integral_value(ROUND_FLOOR)),
    "ceil": _of_number(lambda held: Decimal(held).to_integral_value(ROUND_CEILING)),
    "ceiling": _of_number(lambda held: Decimal(held).to_integral_value(ROUND_CEILING)),
    "abs": _of_number(lambda held: -held if held < 0 else held),
    "round": _round,
    "min": _extreme(min),
    "max": _extreme(max),
    "now": _now,
    "relative_time": _timed(lambda at, form: spl_times.relative(form, at)),
    "strftime": _timed(spl_times.strftime),
    "strptime": _strptime,
    **MULTIVALUE,
}
"""The functions that are values."""


def _nothing(none: list[Node]) -> Evaluate:
    return lambda event: None
