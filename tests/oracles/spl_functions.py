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
from oracles.spl_eval import Context, Decide, Evaluate, condition, is_quoted, like_test, operand, value, within
from oracles.spl_grammar import Node, SplUnsupported, refuse, tokens_of, trees_of, unquoted
from oracles.spl_regexes import pcre
from oracles.spl_values import Event, Number, Scalar, Value, number, reduced, several, single, text, values_of


def _arguments(tree: Node, least: int, most: int | None = None) -> list[Node]:
    found = trees_of(tree)
    if len(found) < least or (most is not None and len(found) > most):
        refuse(f"{tree.children[0]}() with {len(found)} arguments", tree)
    return found


def _literal(tree: Node, what: str) -> str:
    if not is_quoted(tree):
        refuse(f"{what} that is not in quotation marks", tree)
    return unquoted(tokens_of(tree)[0])


def _whole(held: Value | None, what: str) -> int | None:
    found = operand(held, what)
    if isinstance(found, Decimal):
        raise SplUnsupported(f"{what} with a fraction")
    return found


# Conditions: 'Comparison and Conditional functions', 'Informational functions'.


def _is_null(tree: Node, context: Context) -> Decide:
    held = value(_arguments(tree, 1, 1)[0], context)
    return lambda event: held(event) is None


def _is_not_null(tree: Node, context: Context) -> Decide:
    held = value(_arguments(tree, 1, 1)[0], context)
    return lambda event: held(event) is not None


def _is_number(tree: Node, context: Context) -> Decide:
    held = value(_arguments(tree, 1, 1)[0], context)
    return lambda event: (alone := single(held(event), "isnum()")) is not None and number(alone) is not None


def _match(tree: Node, context: Context) -> Decide:
    """match(): whether the regex finds any part of the text."""
    subject, regex = _arguments(tree, 2, 2)
    held, found = value(subject, context), pcre(_literal(regex, "a regex")).search
    unknown = context.unknown

    def holds(event: Event) -> bool | None:
        alone = single(held(event), "match()")
        return unknown if alone is None else found(text(alone)) is not None

    return holds


def _cidrmatch(tree: Node, context: Context) -> Decide:
    cidr, subject = _arguments(tree, 2, 2)
    held, holds = value(subject, context), in_range(_literal(cidr, "a range"))
    unknown = context.unknown

    def matches(event: Event) -> bool | None:
        alone = single(held(event), "cidrmatch()")
        return unknown if alone is None else holds(text(alone))

    return matches


def _like(tree: Node, context: Context) -> Decide:
    subject, pattern = _arguments(tree, 2, 2)
    return like_test(subject, pattern, context)


CONDITIONS: dict[str, Callable[[Node, Context], Decide]] = {
    "isnull": _is_null,
    "isnotnull": _is_not_null,
    "isnum": _is_number,
    "match": _match,
    "cidrmatch": _cidrmatch,
    "like": _like,
    "in": lambda tree, context: within(_arguments(tree, 2), context),
    "true": lambda tree, context: _constant(_arguments(tree, 0, 0), True),
    "false": lambda tree, context: _constant(_arguments(tree, 0, 0), False),
}
"""The functions that are conditions."""


def _constant(arguments: list[Node], answer: bool) -> Decide:
    return lambda event: answer


# Choices: 'Comparison and Conditional functions'.


def _case(tree: Node, context: Context) -> Evaluate:
    """case(): the value of the first condition that is true, null where none is."""
    parts = _arguments(tree, 2)
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
    test, yes, no = _arguments(tree, 3, 3)
    decide, then, otherwise = condition(test, context), value(yes, context), value(no, context)
    return lambda event: then(event) if decide(event) else otherwise(event)


def _coalesce(tree: Node, context: Context) -> Evaluate:
    parts = [value(part, context) for part in _arguments(tree, 1)]

    def first(event: Event) -> Value | None:
        for part in parts:
            held = part(event)
            if held is not None:
                return held
        return None

    return first


# Text: 'Text functions', 'Conversion functions'.


def _of_text(change: Callable[..., Value | None], least: int, most: int) -> Callable[[Node, Context], Evaluate]:
    """A function whose arguments are texts, or numbers as text. Null where one is null."""

    def made(tree: Node, context: Context) -> Evaluate:
        name = f"{tree.children[0]}()"
        parts = [value(part, context) for part in _arguments(tree, least, most)]

        def changed(event: Event) -> Value | None:
            held = [single(part(event), name) for part in parts]
            present = [text(alone) for alone in held if alone is not None]
            return change(*present) if len(present) == len(held) else None

        return changed

    return made


def _substr(subject: str, start: str, length: str | None = None) -> str:
    """substr(): places count from 1, or from the end where negative."""
    begin = _whole(start, "substr()") or 0
    count = None if length is None else _whole(length, "substr()")
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
    (part,) = _arguments(tree, 1, 1)
    if part.data in ("compared", "like", "within", "all_of", "any_of", "negated", "exclusive") or (
        part.data == "call" and str(part.children[0]) in CONDITIONS
    ):
        decide = condition(part, context)
        return lambda event: None if (held := decide(event)) is None else str(held)
    return _of_text(lambda subject: subject, 1, 1)(tree, context)


def _replace(tree: Node, context: Context) -> Evaluate:
    """replace(): each part that the regex finds; \\1 stands for its first group."""
    subject, regex, replacement = _arguments(tree, 3, 3)
    held, substitute = value(subject, context), pcre(_literal(regex, "a regex")).sub
    template = _literal(replacement, "a replacement")
    if "\\" in re.sub(r"\\[1-9](?![0-9])", "", template):
        refuse(r"a backslash in a replacement that is not \1 to \9", replacement)

    def replaced(event: Event) -> Value | None:
        alone = single(held(event), "replace()")
        return None if alone is None else substitute(template, text(alone))

    return replaced


def _strip(how: Callable[[str, str], str]) -> Callable[[Node, Context], Evaluate]:
    # 'Text functions', trim(): spaces and tabs unless told which characters.
    return _of_text(lambda subject, characters=" \t": how(subject, characters), 1, 2)


# Numbers: 'Mathematical functions', 'Statistical eval functions'.


def _of_number(change: Callable[[Number], Number]) -> Callable[[Node, Context], Evaluate]:
    def made(tree: Node, context: Context) -> Evaluate:
        name = f"{tree.children[0]}()"
        part = value(_arguments(tree, 1, 1)[0], context)
        return lambda event: None if (held := operand(part(event), name)) is None else reduced(change(held))

    return made


def _round(tree: Node, context: Context) -> Evaluate:
    parts = _arguments(tree, 1, 2)
    held = value(parts[0], context)
    digits = value(parts[1], context) if len(parts) == 2 else lambda event: 0

    def rounded(event: Event) -> Value | None:
        amount, places = operand(held(event), "round()"), _whole(digits(event), "round()")
        if amount is None or places is None:
            return None
        return reduced(Decimal(amount).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))

    return rounded


def _extreme(choose: Callable[..., Scalar]) -> Callable[[Node, Context], Evaluate]:
    """min() and max(): text is greater than numbers ('Statistical eval functions'). Null does not count."""

    def made(tree: Node, context: Context) -> Evaluate:
        parts = [value(part, context) for part in _arguments(tree, 1)]

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
    _arguments(tree, 0, 0)
    started = int(context.now // 1)
    return lambda event: started


def _timed(change: Callable[[Number, str], Value | None]) -> Callable[[Node, Context], Evaluate]:
    def made(tree: Node, context: Context) -> Evaluate:
        name = f"{tree.children[0]}()"
        at, form = _arguments(tree, 2, 2)
        held, literal = value(at, context), _literal(form, "a time format")
        change(0, literal)
        return lambda event: None if (found := operand(held(event), name)) is None else change(found, literal)

    return made


def _strptime(tree: Node, context: Context) -> Evaluate:
    subject, form = _arguments(tree, 2, 2)
    held, literal = value(subject, context), _literal(form, "a time format")
    spl_times.strptime("", literal)

    def read(event: Event) -> Value | None:
        alone = single(held(event), "strptime()")
        return None if alone is None else spl_times.strptime(text(alone), literal)

    return read


# Several values: 'Multivalue eval functions'.


def _of_values(change: Callable[[tuple[Scalar, ...]], Value | None]) -> Callable[[Node, Context], Evaluate]:
    def made(tree: Node, context: Context) -> Evaluate:
        part = value(_arguments(tree, 1, 1)[0], context)
        return lambda event: change(values_of(part(event)))

    return made


def _mvappend(tree: Node, context: Context) -> Evaluate:
    parts = [value(part, context) for part in _arguments(tree, 1)]
    return lambda event: several(alone for part in parts for alone in values_of(part(event)))


def _mvindex(tree: Node, context: Context) -> Evaluate:
    """mvindex(): places count from 0, or from the end where negative; both ends count. Null outside."""
    parts = [value(part, context) for part in _arguments(tree, 2, 3)]

    def chosen(event: Event) -> Value | None:
        held = values_of(parts[0](event))
        places = [_whole(part(event), "mvindex()") for part in parts[1:]]
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
    held, delimiter = (value(part, context) for part in _arguments(tree, 2, 2))

    def joined(event: Event) -> Value | None:
        values, between = values_of(held(event)), single(delimiter(event), "mvjoin()")
        return text(between).join(map(text, values)) if values and between is not None else None

    return joined


def _mvfind(tree: Node, context: Context) -> Evaluate:
    subject, regex = _arguments(tree, 2, 2)
    held, found = value(subject, context), pcre(_literal(regex, "a regex")).search
    return lambda event: next((at for at, alone in enumerate(values_of(held(event))) if found(text(alone))), None)


def _split(subject: str, delimiter: str) -> Value | None:
    if not delimiter:
        raise SplUnsupported("split() at an empty delimiter")
    return several(subject.split(delimiter))


def _fields(tree: Node) -> set[str]:
    return {unquoted(tokens_of(field)[0]) for field in tree.find_data("field")}


def _mvfilter(tree: Node, context: Context) -> Evaluate:
    """mvfilter(): the values for which the condition, which names one field, is true."""
    (part,) = _arguments(tree, 1, 1)
    names = _fields(part)
    if len(names) != 1:
        refuse("mvfilter() names one field", tree)
    (name,) = names
    decide = condition(part, context)
    return lambda event: several(alone for alone in values_of(event.get(name)) if decide({name: alone}))


def _mvmap(tree: Node, context: Context) -> Evaluate:
    """mvmap(): the expression for each value of the field, without those that are null."""
    field, expression = _arguments(tree, 2, 2)
    if field.data != "field":
        refuse("mvmap() of what is no field", tree)
    name = unquoted(tokens_of(field)[0])
    result = value(expression, context)

    def mapped(event: Event) -> Value | None:
        return several(
            each for alone in values_of(event.get(name)) for each in values_of(result({**event, name: alone}))
        )

    return mapped


VALUES: dict[str, Callable[[Node, Context], Evaluate]] = {
    "case": _case,
    "if": _if,
    "coalesce": _coalesce,
    "null": lambda tree, context: _nothing(_arguments(tree, 0, 0)),
    "lower": _of_text(str.lower, 1, 1),
    "upper": _of_text(str.upper, 1, 1),
    "len": _of_text(len, 1, 1),
    "substr": _of_text(_substr, 2, 3),
    "replace": _replace,
    "trim": _strip(str.strip),
    "ltrim": _strip(str.lstrip),
    "rtrim": _strip(str.rstrip),
    "split": _of_text(_split, 2, 2),
    "tonumber": _of_text(_tonumber, 1, 2),
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
"""The functions that are values."""


def _nothing(arguments: list[Node]) -> Evaluate:
    return lambda event: None
