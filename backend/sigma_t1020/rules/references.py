"""What correlations refer to: references that lead nowhere, to several rules, to what is broken, or in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from sigma_t1020.problems import Place, Problem, shown
from sigma_t1020.rules.loaded_rule import LoadedRule
from sigma_t1020.rules.rule_shape import MAX_FAULTS_A_RULE

# pySigma visits a nested correlation once for each way that leads to it: without a bound that is exponential.
MAX_RULES_OF_A_CORRELATION, MAX_LEVELS = 1_000, 20


def keys_of(data: dict[str, Any]) -> set[str]:
    """Keys by which a rule can be referred to: of its id and its name."""
    return {_key(data[key]) for key in ("id", "name") if isinstance(data.get(key), str)}


def _key(reference: object) -> str:
    """What pySigma looks a reference up by: a UUID among the ids, anything else among the names."""
    try:
        return str(UUID(str(reference)))
    except ValueError:
        return f"name {reference}"


def without_duplicates(rules: Iterable[LoadedRule]) -> tuple[list[LoadedRule], list[Problem]]:
    """The rules but those whose id another one before has; documents that share a global one's id are its variants."""
    first: dict[str, LoadedRule] = {}
    unique: list[LoadedRule] = []
    problems: list[Problem] = []
    for rule in rules:
        identifier = rule.document.data.get("id")
        earlier = first.setdefault(_key(identifier), rule) if identifier else rule
        if earlier is rule:
            unique.append(rule)
        else:
            message = f"duplicate id {identifier}, first in {earlier.place}"
            problems.append(rule.problem(message, "give each rule its own id", rule.line_of("id")))
    return unique, problems


def referenced_first(rules: Sequence[LoadedRule]) -> list[LoadedRule]:
    """Rules of which all references are good, in their order, but each after those it refers to."""
    index = _index(rules)
    ordered: dict[LoadedRule, None] = {}

    def visit(rule: LoadedRule) -> None:
        if rule not in ordered:
            for other in _targets(rule, index):
                visit(other)
            ordered[rule] = None

    for rule in rules:
        visit(rule)
    return list(ordered)


def referable(rules: Sequence[LoadedRule], unusable: Mapping[str, str]) -> tuple[list[LoadedRule], list[Problem]]:
    """The rules but correlations that cannot be resolved; `unusable` has places of broken rules by their `keys_of`."""
    index = _index(rules)
    problems: dict[LoadedRule, list[Problem]] = {}
    waiting: dict[LoadedRule, list[LoadedRule]] = {}
    # How many rules each stands for.
    sizes = {rule: 1 for rule in rules if not rule.is_correlation}
    for rule in rules:
        if rule.is_correlation:
            problems[rule] = list(islice(_reference_problems(rule, index, unusable), MAX_FAULTS_A_RULE))
            if not problems[rule]:
                waiting[rule] = _targets(rule, index)
    for _ in range(MAX_LEVELS):
        ready = {rule: targets for rule, targets in waiting.items() if all(other in sizes for other in targets)}
        sizes |= {rule: 1 + sum(sizes[other] for other in targets) for rule, targets in ready.items()}
        for rule in ready:
            del waiting[rule]
            if sizes[rule] > MAX_RULES_OF_A_CORRELATION:
                del sizes[rule]
                message = f"the correlation stands for more than {MAX_RULES_OF_A_CORRELATION:,} rules"
                problems[rule] = [_refusal(rule, message, "split it")]
    for rule in waiting:
        problems[rule] = [_dead_end(rule, waiting, sizes)]
    return [rule for rule in rules if rule in sizes], [problem for own in problems.values() for problem in own]


def _index(rules: Iterable[LoadedRule]) -> dict[str, list[LoadedRule]]:
    index: dict[str, list[LoadedRule]] = {}
    for rule in rules:
        for key in keys_of(rule.data):
            index.setdefault(key, []).append(rule)
    return index


def _targets(rule: LoadedRule, index: Mapping[str, list[LoadedRule]]) -> list[LoadedRule]:
    return [index[_key(reference)][0] for reference in rule.references]


def _reference_problems(
    rule: LoadedRule, index: Mapping[str, list[LoadedRule]], unusable: Mapping[str, str]
) -> Iterator[Problem]:
    """A problem for each reference, those of the aliases too, that does not name exactly one rule."""
    for at, reference in _references(rule):
        found, name = index.get(_key(reference), []), shown(reference)
        if len(found) > 1:
            places = ", ".join(other.place for other in found[:3])
            hint = "refer to the rule by its id"
            yield _refusal(rule, f"refers to {name}, a name that several rules have: {places}", hint, at)
        elif not found and (place := unusable.get(_key(reference))):
            yield _refusal(rule, f"refers to {name}, which cannot be used ({place})", "correct that rule first", at)
        elif not found:
            hint = "give the file of that rule as well, or correct the name or id"
            yield _refusal(rule, f"refers to {name}, which is not among the rules given", hint, at)


def _references(rule: LoadedRule) -> Iterator[tuple[Place, str]]:
    """(path below `correlation`, reference) of each."""
    correlation = rule.data["correlation"]
    key = "rules" if "rules" in correlation else "condition"
    for number, reference in enumerate(rule.references):
        yield (key, number), reference
    for alias, fields in (correlation.get("aliases") or {}).items():
        for reference in fields:
            yield ("aliases", alias, reference), reference


def _dead_end(
    rule: LoadedRule, waiting: Mapping[LoadedRule, list[LoadedRule]], sizes: Mapping[LoadedRule, int]
) -> Problem:
    """Why a correlation still waits for others: follow the first of each that is not resolved."""
    way = [rule]
    while way[-1] in waiting and way[-1] not in way[:-1] and len(way) <= MAX_LEVELS:
        blocked = next((other for other in waiting[way[-1]] if other not in sizes), None)
        if blocked is None:  # the next round would resolve it, but there is none
            break
        way.append(blocked)
    if way == [rule, rule]:
        return _refusal(rule, "the correlation refers to itself", "remove it from its `rules`")
    if way[-1] in way[:-1]:
        names = (str(each.data.get("name") or each.data.get("id") or each.rule.title) for each in way)
        message = f"a circle of correlations: {' → '.join(shown(name, '') for name in names)}"
        return _refusal(rule, message, "break the circle")
    if way[-1] in waiting:
        return _refusal(rule, f"more than {MAX_LEVELS} levels of correlations", "split it")
    message = f"refers to a correlation that cannot be used ({way[1].place})"
    return _refusal(rule, message, "correct that one first")


def _refusal(rule: LoadedRule, message: str, hint: str, at: Place = ("rules",)) -> Problem:
    return rule.problem(message, hint, rule.line_of("correlation", *at))
