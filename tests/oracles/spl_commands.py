"""The commands of the pipe that are neither expressions nor aggregates. Search Reference, the page of each.

sort
- Events without the field come last, ascending or descending. Without a count it passes 10,000 events, with 0 all.
- Equal events keep their order; the page does not say so.
- auto, the default, compares pairs: numbers as numbers, IP addresses as such, else text. The page's rule for text that
  begins with a digit and its own example disagree, so a field with such text, or with text beside numbers, is refused:
  say str() or num(). Text is in the order of its code points, capitals first.
- `desc` at the end, `limit=`, and fields without a comma between them are not in the grammar.

dedup keeps the first event of each combination of values; one without any of the fields is dropped unless
keepempty=true. consecutive=true compares with the event before only. keepevents and sortby are not in the grammar.

rename: where the old name is not there, the new field is emptied ('Renaming a field that does not exist'), here for
each event by itself. Wildcards, and a name on both sides of one command, are refused.

fields keeps _time and _raw unless they are removed by name or by a wildcard that begins with an underscore. table keeps
what it names, in that order, and no more. fillnull gives "0" unless told otherwise; without fields it fills those that
any event has.

regex drops an event without the field; with != the page does not say, so that is refused when it runs. rex sets a field
for each named group that took part, and several values where max_match is not 1. Both refuse several values.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from oracles.spl_grammar import Node, SplUnsupported, refuse, tokens_of, trees_of, unquoted
from oracles.spl_regexes import pcre, wildcard
from oracles.spl_search import raw
from oracles.spl_values import Event, Events, Scalar, Step, number, several, single, text

SORT_LIMIT = 10_000
"""What `sort` passes without a count."""


def _names(tree: Node) -> list[str]:
    return [_name(part) for part in trees_of(tree) if part.data == "field"]


def _name(tree: Node) -> str:
    return unquoted(tokens_of(tree)[0])


def sort(tree: Node) -> Step:
    """The events in order, and no more than the count."""
    counts = [int(token) for token in tokens_of(tree) if token.type == "INT"]
    limit = counts[0] if counts else SORT_LIMIT
    keys = []
    for part in trees_of(tree):
        tokens = {token.type: str(token) for token in tokens_of(part)}
        keys.append((_name(trees_of(part)[0]), tokens.get("KIND", "auto"), tokens.get("SIGN") == "-"))

    def run(events: Events) -> Events:
        # From the last field to the first: each pass keeps what the one before it has done among equals.
        for name, kind, down in reversed(keys):
            present = [(single(event.get(name), "sort"), event) for event in events]
            values = [alone for alone, _ in present if alone is not None]
            rank = _ranks(kind, values)
            filled = [(rank(alone), event) for alone, event in present if alone is not None]
            # A reversed sort keeps the order of equals, as Python defines it.
            filled.sort(key=lambda pair: pair[0], reverse=down)
            events = [event for _, event in filled] + [event for alone, event in present if alone is None]
        return events[:limit] if limit else events

    return run


def _ranks(kind: str, values: list[Scalar]) -> Callable[[Scalar], Any]:
    if kind == "auto":
        if all(number(each) is not None for each in values):
            kind = "num"
        elif all(_address(each) is not None for each in values):
            kind = "ip"
        elif any(number(each) is not None or text(each)[:1].isdigit() for each in values):
            raise SplUnsupported("sort of text that begins with a digit, or of text and numbers: say str() or num()")
        else:
            kind = "str"
    if kind == "str":
        return text
    of = number if kind == "num" else _address
    if any(of(each) is None for each in values):
        raise SplUnsupported(f"sort {kind}() of {next(each for each in values if of(each) is None)!r}")
    return of


def _address(value: Scalar) -> tuple[int, int] | None:
    try:
        address = ipaddress.ip_address(text(value))
    except ValueError:
        return None
    return address.version, int(address)


def dedup(tree: Node) -> Step:
    """The first events of each combination of values."""
    counts = [int(token) for token in tokens_of(tree) if token.type == "INT"]
    most = counts[0] if counts else 1
    options = {}
    for part in trees_of(tree):
        if part.data == "option":
            name, word = tokens_of(part)
            options[name.rstrip("= \t\n")] = word.lower() in ("true", "t", "1")
    if most < 1 or (most > 1 and options.get("consecutive")):
        refuse("dedup of none, or of several consecutive events", tree)
    names = _names(tree)

    def run(events: Events) -> Events:
        seen: dict[tuple[str, ...], int] = {}
        kept = []
        for event in events:
            values = [single(event.get(name), "dedup") for name in names]
            if None in values:
                if options.get("keepempty"):
                    kept.append(event)
                continue
            key = tuple(text(each) for each in values if each is not None)
            if options.get("consecutive") and key not in seen:
                seen.clear()
            seen[key] = seen.get(key, 0) + 1
            if seen[key] <= most:
                kept.append(event)
        return kept

    return run


def rename(tree: Node) -> Step:
    """The events with fields under new names."""
    pairs = []
    for part in trees_of(tree):
        old, new = _names(part)
        pairs.append((old, new))
    every = [name for pair in pairs for name in pair]
    if len(set(every)) < len(every) or any("*" in name for name in every):
        refuse("rename with a wildcard, or of a name that it has twice", tree)

    def run(events: Events) -> Events:
        for event in events:
            for old, new in pairs:
                event.pop(new, None)
                if old in event:
                    event[new] = event.pop(old)
        return events

    return run


def _selector(names: Iterable[str]) -> Callable[[str], bool]:
    plain = {name for name in names if "*" not in name}
    patterns = [(name, wildcard(name, ignore_case=False).fullmatch) for name in names if "*" in name]

    def selects(name: str) -> bool:
        return name in plain or any(
            match(name) is not None and (pattern.startswith("_") or not name.startswith("_"))
            for pattern, match in patterns
        )

    return selects


def fields(tree: Node) -> Step:
    """The events without the fields that are not wanted."""
    names = _names(tree)
    selects = _selector(names)
    removes = any(token == "-" for token in tokens_of(tree))

    def keeps(name: str) -> bool:
        return not selects(name) if removes else selects(name) or name in ("_time", "_raw")

    return lambda events: [{name: value for name, value in event.items() if keeps(name)} for event in events]


def table(tree: Node) -> Step:
    """The events with the named fields alone, in the order of the names."""
    names = _names(tree)

    def run(events: Events) -> Events:
        rows = []
        for event in events:
            row: Event = {}
            for name in names:
                if "*" in name:
                    selects = _selector([name])
                    row.update({each: event[each] for each in event if selects(each)})
                elif name in event:
                    row[name] = event[name]
            rows.append(row)
        return rows

    return run


def fillnull(tree: Node) -> Step:
    """The events with a value in place of nulls."""
    fills = [unquoted(tokens_of(part)[0]) for part in trees_of(tree) if part.data == "fill"]
    value = fills[0] if fills else "0"
    names = _names(tree)
    if any("*" in name for name in names):
        refuse("fillnull with a wildcard", tree)

    def filled(events: Events) -> Events:
        wanted = names or list(dict.fromkeys(name for event in events for name in event))
        for event in events:
            for name in wanted:
                event.setdefault(name, value)
        return events

    return filled


def regex(tree: Node) -> Step:
    """The events whose field, or `_raw`, the regex finds a part of; with != the others."""
    names = _names(tree)
    tokens = {token.type: token for token in tokens_of(tree)}
    found = pcre(unquoted(tokens["STRING"])).search
    negated = tokens.get("REGEX_OPERATOR") == "!="

    def holds(event: Event) -> bool:
        alone = single(event.get(names[0]), "regex") if names else raw(event)
        if alone is None:
            if negated:
                raise SplUnsupported("regex with != of a field that is not there")
            return False
        return (found(text(alone)) is not None) != negated

    return lambda events: [event for event in events if holds(event)]


def rex(tree: Node) -> Step:
    """The events with a field for each named group of the regex."""
    subject, most = "_raw", 1
    for option in trees_of(tree):
        if trees_of(option):
            (subject,) = _names(option)
        else:
            most = int(next(token for token in tokens_of(option) if token.type == "INT"))
    pattern = pcre(unquoted(next(token for token in tokens_of(tree) if token.type == "STRING")))
    if not pattern.groupindex:
        refuse("rex without a named group", tree)

    def run(events: Events) -> Events:
        for event in events:
            alone = raw(event) if subject == "_raw" else single(event.get(subject), "rex")
            matches: list[re.Match[str]] = []
            for match in pattern.finditer("" if alone is None else text(alone)):
                matches.append(match)
                if len(matches) == most:
                    break
            for name in pattern.groupindex if alone is not None else ():
                taken = several(match[name] for match in matches if match[name] is not None)
                if taken is not None:
                    event[name] = taken
        return events

    return run


PLAIN: dict[str, Callable[[Node], Step]] = {
    "sort": sort,
    "dedup": dedup,
    "rename": rename,
    "fields": fields,
    "table": table,
    "fillnull": fillnull,
    "regex": regex,
    "rex": rex,
}
"""The commands that need nothing but their arguments."""
