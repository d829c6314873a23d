"""The group-by fields and counted fields of correlations, and the columns that hold them in each rule's log source."""

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
from .log_model import LogModel
from .losses import NoSuchField, Unsupported

AT_GROUP_BY = ("correlation", "group-by")


@dataclass(frozen=True)
class Keys:
    """The columns of one log source that a correlation needs.

    `by` has the columns of the group-by fields under their Sigma names, `value` the column of the counted field, if
    there is one. `refusal` is set if the log source lacks one of them.
    """

    by: Mapping[str, Column]
    value: Column | None = None
    refusal: Unsupported | None = None


@dataclass(frozen=True)
class Asking:
    """The fields that a correlation asks for, under the names that its author wrote.

    A pySigma pipeline renames the fields of a correlation before it is converted, so these names are saved first.
    `of` maps the number of each referenced correlation, from 1, to the names of the fields in it.
    """

    group_by: Sequence[str]
    counted: Sequence[str]
    of: Mapping[int, Mapping[str, str]]

    @classmethod
    def of_rule(cls, rule: SigmaCorrelationRule) -> Asking:
        """Read the fields of a correlation that no pipeline has changed yet."""
        group_by, counted = list(rule.group_by or ()), counted_fields(rule)
        of = {
            number: {field: aliased(rule, reference.rule, field) for field in [*group_by, *counted]}
            for number, reference in enumerate(rule.referenced_rules, start=1)
            if isinstance(reference.rule, SigmaCorrelationRule)
        }
        return cls(group_by, counted, of)


class CorrelationKeys(Front):
    """The front, extended by the columns that correlations need from their rules."""

    #: The fields of the correlation that is being converted.
    _asking: Asking

    def _keys_for_correlations(self, rule: SigmaRule) -> dict[int, Keys]:
        """The columns that each correlation needs from the rule, by `id` of the correlation.

        They are looked up with a copy of the rule, before the pipeline renames the rule's fields. pySigma would rename
        a correlation's fields once for all its rules, but each rule may read a table of its own.
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
                # The rule itself is fine; the correlation is refused when it is converted.
                keys[id(correlation)] = Keys({}, refusal=_refusal(correlation, rule, asked, error))
                continue
            value = next((found[field] for field in counted_fields(correlation)), None)
            keys[id(correlation)] = Keys({field: found[field] for field in group_by}, value)
        return keys

    def _resolve(self, rule: SigmaRule, fields: Mapping[str, str]) -> dict[str, Column]:
        """Find the columns of `fields` in the log source of a rule; the result has the same keys.

        Raises Unsupported if a field has no column there, or several.
        """
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
                found[asked] = self._key_column(self._column(model.join_keys[field], model, field), model)
                continue
            if not isinstance(item, SigmaDetectionItem) or item.field is None:
                raise Unsupported(
                    f"a correlation asks for {asked}, which is several columns of {model.table}; choose one", field
                )
            column = self._column(item.field, model, field)
            if not column.text:
                raise Unsupported(
                    f"a correlation asks for {asked}, which has no column in {model.table}; choose another field",
                    field,
                )
            found[asked] = self._key_column(column, model)
        return found

    def _key_column(self, column: Column, model: LogModel) -> Column:
        """The column of a group-by or counted field as correlations read it; by default unchanged."""
        return column


def aliased(correlation: SigmaCorrelationRule, rule: SigmaRule | SigmaCorrelationRule, field: str) -> str:
    """The name of a correlation's field in a rule: the field itself, unless it is an alias."""
    return _own_name(correlation, rule, field) or field


def _own_name(correlation: SigmaCorrelationRule, rule: SigmaRule | SigmaCorrelationRule, alias: str) -> str:
    found = correlation.aliases.aliases.get(alias)
    names = found.mapping.items() if found else ()
    return next((str(own) for reference, own in names if reference.reference in (rule.name, str(rule.id))), "")


def _refusal(
    correlation: SigmaCorrelationRule, rule: SigmaRule, asked: Mapping[str, str], error: SigmaError
) -> Unsupported:
    """The refusal of a correlation whose rule lacks a field; `asked` maps its fields to their names in the rule."""
    name = rule.name or rule.id
    if not isinstance(error, Unsupported):
        # The message comes from the pipeline and speaks of a test of the field.
        fields = " or ".join(asked.values())
        return Unsupported(f"{name} has no column for {fields}: {error}", at=AT_GROUP_BY)
    alias = error.field
    if (
        isinstance(error, NoSuchField)
        and asked.get(alias) == alias
        and alias in correlation.aliases.aliases
        and not _own_name(correlation, rule, alias)
    ):
        return Unsupported(
            f"the alias {alias} names no field of {name}, and {name} has no field called {alias}; "
            f"add `{name}: …` to the alias",
            at=("correlation", "aliases", alias),
        )
    return error


def counted_fields(correlation: SigmaCorrelationRule) -> list[str]:
    """The fields whose values a correlation counts."""
    found = getattr(correlation.condition, "fieldref", None) or []
    return [found] if isinstance(found, str) else list(found)
