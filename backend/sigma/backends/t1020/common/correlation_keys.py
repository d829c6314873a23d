"""What correlations ask of their rules, and where the log source of each rule has it: group-by and counted fields."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections, SigmaRule
from sigma.types import SigmaExists

from sigma.correlations import SigmaCorrelationRule

from .columns import Column
from .front import Front
from .losses import NoSuchField, Unsupported

AT_GROUP_BY = ("correlation", "group-by")


@dataclass(frozen=True)
class Keys:
    """Where a log source has what a correlation asks for: its group-by fields under their Sigma names, and the field
    whose values it counts, if it counts any. `refusal` says what it does not have."""

    by: Mapping[str, Column]
    value: Column | None = None
    refusal: Unsupported | None = None


@dataclass(frozen=True)
class Asking:
    """What a correlation asks of each correlation to which it refers, in the rule's own words.

    pySigma's pipelines rename the fields of a correlation too, before it is converted, once for all that it refers to:
    `group_by` and `counted` are its fields, `of` is by the number of a reference what each is called there.
    """

    group_by: Sequence[str]
    counted: Sequence[str]
    of: Mapping[int, Mapping[str, str]]

    @classmethod
    def of_rule(cls, rule: SigmaCorrelationRule) -> Asking:
        """Before a pipeline has seen the correlation."""
        group_by, counted = list(rule.group_by or ()), counted_fields(rule)
        of = {
            number: {field: aliased(rule, reference.rule, field) for field in [*group_by, *counted]}
            for number, reference in enumerate(rule.referenced_rules, start=1)
            if isinstance(reference.rule, SigmaCorrelationRule)
        }
        return cls(group_by, counted, of)


class CorrelationKeys(Front):
    """The front, and the columns that correlations ask their rules for."""

    #: Of the correlation that is being converted.
    _asking: Asking

    def _keys_for_correlations(self, rule: SigmaRule) -> dict[int, Keys]:
        """For each correlation that refers to the rule: the fields it asks for as this log source has them.

        Asked before the pipeline renames the rule's fields, with a stand-in rule of the same log source: pySigma
        would rename the correlation's fields once for all legs, though each leg has its own table.
        """
        keys: dict[int, Keys] = {}
        for correlation in rule._backreferences:
            if not isinstance(correlation, SigmaCorrelationRule) or id(correlation) in keys:
                continue
            group_by = list(correlation.group_by or ())
            asked = {field: aliased(correlation, rule, field) for field in [*group_by, *counted_fields(correlation)]}
            try:
                found = self._resolve(rule, asked)
            except SigmaError as error:
                # The rule itself has nothing wrong: the correlation is refused for it, when its turn comes.
                keys[id(correlation)] = Keys({}, refusal=_refusal(correlation, rule, asked, error))
                continue
            value = next((found[field] for field in counted_fields(correlation)), None)
            keys[id(correlation)] = Keys({field: found[field] for field in group_by}, value)
        return keys

    def _resolve(self, rule: SigmaRule, fields: Mapping[str, str]) -> dict[str, Column]:
        """Where the log source of a rule has some fields; the keys of `fields` are kept."""
        if not fields:
            return {}
        probe = copy.copy(rule)
        probe.fields = []
        items = [SigmaDetectionItem(field, [], [SigmaExists(True)]) for field in fields.values()]
        detection = SigmaDetection(list(items))
        probe.detection = SigmaDetections({"probe": detection}, ["probe"])
        self.last_processing_pipeline.apply(probe)
        model = self._model(probe, self.last_processing_pipeline.state)
        found: dict[str, Column] = {}
        for (asked, field), item in zip(fields.items(), detection.detection_items, strict=True):
            if field in model.join_keys:
                found[asked] = self._column(model.join_keys[field], model, field)
                continue
            if not isinstance(item, SigmaDetectionItem) or item.field is None:
                raise Unsupported(
                    f"a correlation asks for {asked}, several columns of {model.table}; choose one", field
                )
            column = self._column(item.field, model, field)
            if not column.text:
                raise Unsupported(
                    f"{asked}, which a correlation asks for, has no column in {model.table}; choose another field",
                    field,
                )
            found[asked] = column
        return found


def aliased(correlation: SigmaCorrelationRule, rule: SigmaRule | SigmaCorrelationRule, field: str) -> str:
    """What a field of a correlation is called in a rule: the same, unless an alias says otherwise."""
    return _own_name(correlation, rule, field) or field


def _own_name(correlation: SigmaCorrelationRule, rule: SigmaRule | SigmaCorrelationRule, alias: str) -> str:
    found = correlation.aliases.aliases.get(alias)
    names = found.mapping.items() if found else ()
    return next((str(own) for reference, own in names if reference.reference in (rule.name, str(rule.id))), "")


def _refusal(
    correlation: SigmaCorrelationRule, rule: SigmaRule, asked: Mapping[str, str], error: SigmaError
) -> Unsupported:
    """Why a correlation cannot have what it asks of a rule; `asked` has its fields and what they are called there."""
    name = rule.name or rule.id
    if not isinstance(error, Unsupported):
        # A pipeline's own words, which are about a test of the field.
        fields = " or ".join(asked.values())
        return Unsupported(f"it asks {name} for {fields}, which is no column there: {error}", at=AT_GROUP_BY)
    alias = error.field
    if (
        isinstance(error, NoSuchField)
        and asked.get(alias) == alias
        and alias in correlation.aliases.aliases
        and not _own_name(correlation, rule, alias)
    ):
        return Unsupported(
            f"the alias {alias} does not say what it is in {name}, which has no field of that name; "
            f"add `{name}: …` to it",
            at=("correlation", "aliases", alias),
        )
    return error


def counted_fields(correlation: SigmaCorrelationRule) -> list[str]:
    """The fields whose values a correlation counts."""
    found = getattr(correlation.condition, "fieldref", None) or []
    return [found] if isinstance(found, str) else list(found)
