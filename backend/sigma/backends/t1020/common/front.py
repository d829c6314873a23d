"""The front turns Sigma's conditions, as pySigma parsed them, into a tree of semantic tests for all dialects."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any, ClassVar, TypeAlias, cast

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import Backend
from sigma.conversion.state import ConversionState
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
)

from .columns import Column, Kind
from .expression import Node, Test, all_of, any_of, negate
from .log_model import LogModel, ValueMap, categories, mapped_fields
from .losses import NoSuchField, Unsupported
from .semantic_tests import (
    InNetwork,
    Keyword,
    KeywordMatches,
    Matches,
    Numbers,
    OneOf,
    Present,
    Same,
    SemanticTest,
    Texts,
    TimePart,
    Truth,
)
from .value_parts import anywhere, as_text, parts_of

FieldItem: TypeAlias = ConditionFieldEqualsValueExpression
Tree: TypeAlias = Node[SemanticTest]

_MODEL = "t1020_log_model"
_EQUALS = "=="
_COMPARISONS = {
    SigmaCompareExpression.CompareOperators.LT: "<",
    SigmaCompareExpression.CompareOperators.LTE: "<=",
    SigmaCompareExpression.CompareOperators.GT: ">",
    SigmaCompareExpression.CompareOperators.GTE: ">=",
}
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_TRUTHS = {"true": True, "false": False}
#: The comparison of two fields, by pySigma's starts_with and ends_with of the reference.
_HOW = {
    (False, False): "equals",
    (True, True): "contains",
    (True, False): "startswith",
    (False, True): "endswith",
}


def network_text(network: IPv4Network | IPv6Network) -> str:
    """The network in the same spelling on every Python: from 3.13 on, str() gives mapped ones an IPv4 tail."""
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        high, low = divmod(int(network.network_address) & 0xFFFFFFFF, 1 << 16)
        return f"::ffff:{high:x}:{low:x}/{network.prefixlen}"
    return str(network)


def not_of_type(column: Column, wanted: str) -> Unsupported:
    """The refusal of a value that a column of this type cannot hold."""
    return Unsupported(f"{column.field} is of type {column.type}, not {wanted}; use a value of that type", column.field)


def not_a_time(column: Column) -> Column:
    """Return the column for a test of its text. Raises Unsupported for a time."""
    if column.kind is Kind.TIME:
        raise Unsupported(f"{column.field} is a time here; do not compare it with text", column.field)
    return column


class Front(Backend):
    """A backend whose `convert_condition` returns a tree of semantic tests, with NOT only at the leaves.

    The columns of the tests come from the log model in the pipeline's state.
    """

    #: The backend's name in sigma-cli; a state key lists the backends that read it by this name.
    identifier: ClassVar[str]
    #: The rule that is being converted; pySigma's conversion state does not name it.
    _converting: SigmaRule

    @staticmethod
    def _written_name(column: str) -> str:
        """The column's name as the dialect writes it in a query; by default unchanged."""
        return column

    def _model(self, rule: SigmaRule, state: Mapping[str, Any]) -> LogModel:
        """The log model that the pipeline gave the rule. Raises Unsupported if the pipeline has no table for it."""
        model = LogModel.from_state(state, self.identifier)
        if model is None:
            known = categories(self.last_processing_pipeline)
            source = ", ".join(
                f"{key} {value}"
                for key in ("category", "product", "service")
                if (value := getattr(rule.logsource, key)) is not None
            )
            hint = f"use one of the categories {', '.join(known)}" if known else "give a pipeline with -p"
            raise Unsupported(
                f"the log source ({source}) has no table in the pipeline; {hint}", at=("logsource", "category")
            )
        if model.products and rule.logsource.product not in (None, *model.products):
            raise Unsupported(
                f"{model.table} has no events of the product {rule.logsource.product}; use one of "
                f"{', '.join(model.products)}",
                at=("logsource", "product"),
            )
        return model

    def _known_model(self, state: ConversionState) -> LogModel:
        """The log model of a condition's rule, which is read once for each rule. Raises Unsupported as _model does."""
        known = cast("dict[str, Any]", state.processing_state)
        if _MODEL not in known:
            known[_MODEL] = self._model(self._converting, known)
        return cast(LogModel, known[_MODEL])

    def _sigma_name(self, field: str) -> str:
        """The name that the rule gave a field before the pipeline renamed it."""
        sources = self.last_processing_pipeline.field_mappings.target_fields.get(field)
        return min(source for source in sources if source) if sources else field

    def _column(self, field: str, model: LogModel, sigma_name: str) -> Column:
        """The column of a field. Raises Unsupported if the log source does not have it."""
        for dialect, fields in model.elsewhere.items():
            if sigma_name in fields:
                raise Unsupported(f"{sigma_name} is not a field of {model.table}; use --dialect {dialect}", sigma_name)
        column = model.column(field)
        if column is None:
            if field != sigma_name:
                raise Unsupported(
                    f"{sigma_name} is {field} here, which the pipeline does not list in the columns of "
                    f"{model.table}; add it to `columns`",
                    sigma_name,
                )
            near = model.nearest(sigma_name, mapped_fields(self.last_processing_pipeline))
            hint = f"; did you mean {', '.join(near)}?" if near else "; give a pipeline that maps it with -p"
            raise NoSuchField(f"{sigma_name} is not a field of {model.table}{hint}", sigma_name)
        return replace(column, text=column.text and self._written_name(column.text), field=sigma_name)

    def _subject(self, field: str, state: ConversionState) -> Column:
        """The column that a condition tests. Raises Unsupported for an unknown field and for one with a value map."""
        model = self._known_model(state)
        if (mapped := model.value_maps.get(field)) is not None:
            raise Unsupported(f"{field} takes {_choices(mapped)}; write the value without modifiers", field)
        return self._column(field, model, self._sigma_name(field))

    def _text_subject(self, field: str, state: ConversionState) -> Column:
        return not_a_time(self._subject(field, state))

    def _mapped(self, cond: FieldItem, state: ConversionState, value: str) -> Tree | None:
        """The test that a value map gives for a value of its field; None if the field has no value map."""
        model = self._known_model(state)
        mapped = model.value_maps.get(cond.field)
        if mapped is None:
            return None
        column = model.named(mapped.column)
        column = replace(column, text=self._written_name(column.text), field=cond.field)
        if value == "*":
            return any_of(Test(OneOf(column, tuple(words))) for words in mapped.values.values())
        if value.lower() not in mapped.values:
            raise Unsupported(
                f"{cond.field} is {value!r}, which these tables do not record; use {_choices(mapped)}", cond.field
            )
        return Test(OneOf(column, tuple(mapped.values[value.lower()])))

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> Tree:
        """Convert a disjunction."""
        return any_of(self._arguments(cond, state))

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> Tree:
        """Convert a conjunction."""
        return all_of(self._arguments(cond, state))

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Tree:
        """Convert a negation; NOT moves down to the tests."""
        (argument,) = self._arguments(cond, state)
        return negate(argument)

    def convert_condition_as_in_expression(self, cond: ConditionOR | ConditionAND, state: ConversionState) -> Tree:
        """Not used: the dialects make lists from the finished tree, where negation and case are known."""
        raise NotImplementedError

    def _arguments(self, cond: ConditionItem, state: ConversionState) -> list[Tree]:
        converted: list[Any] = [self.convert_condition(arg, state) for arg in cond.args]
        if any(node is None for node in converted):
            # The pipeline dropped a term; dropping it from the condition would silently change the meaning.
            raise Unsupported(
                "the pipeline left a selection empty; remove it from the condition", at=("detection", "condition")
            )
        return converted

    def convert_condition_field_eq_expansion(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert the alternatives that modifiers make of one value; |windash|base64offset gives nested lists."""
        assert isinstance(cond.value, SigmaExpansion)
        each = (FieldItem(cond.field, value) for value in cond.value.values)
        converted: list[Any] = [self.convert_condition(one, state) for one in each]
        return any_of(converted)

    def convert_condition_field_eq_val_str(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a string, with or without wildcards; case does not matter."""
        return self._text(cond, state, cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a case-sensitive string, with or without wildcards."""
        return self._text(cond, state, cased=True)

    def _text(self, cond: FieldItem, state: ConversionState, cased: bool) -> Tree:
        assert isinstance(cond.value, SigmaString)
        parts = parts_of(cond.value, self._sigma_name(cond.field))
        text = as_text(parts)
        if (mapped := self._mapped(cond, state, text)) is not None:
            return mapped
        if parts == [None]:
            return Test(Present(self._subject(cond.field, state)))
        column = self._text_subject(cond.field, state)
        if column.kind is Kind.NUMBER and text.isascii() and text.isdigit() and str(int(text)) == text:
            return Test(Numbers(column, _EQUALS, (text,)))
        if column.kind is Kind.TRUTH and text.lower() in _TRUTHS:
            return Test(Truth(column, _TRUTHS[text.lower()]))
        return Test(Texts(column, (tuple(parts),), cased))

    def convert_condition_field_eq_val_re(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a regular expression; it is unanchored, and case-sensitive without the flag i."""
        assert isinstance(cond.value, SigmaRegularExpression)
        column = self._text_subject(cond.field, state)
        return Test(Matches(column, str(cond.value.regexp), _flag_letters(cond.value)))

    def convert_condition_field_eq_val_cidr(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a test for an address in an IPv4 or IPv6 network."""
        assert isinstance(cond.value, SigmaCIDRExpression)
        return Test(InNetwork(self._text_subject(cond.field, state), cond.value.network))

    def convert_condition_field_eq_val_num(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a number."""
        number = str(cond.value)
        if (mapped := self._mapped(cond, state, number)) is not None:
            return mapped
        return self._number(cond, state, _EQUALS, number)

    def convert_condition_field_compare_op_val(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a comparison of a field, or of a part of its time, with a number."""
        value = cond.value
        assert isinstance(value, SigmaCompareExpression)
        operator = _COMPARISONS[value.op]
        if isinstance(value.number, SigmaTimestampPart):
            return self._time_part(cond, state, operator, value.number)
        return self._number(cond, state, operator, str(value.number))

    def _number(self, cond: FieldItem, state: ConversionState, operator: str, number: str) -> Tree:
        column = self._subject(cond.field, state)
        if column.kind is Kind.TIME:
            raise not_of_type(column, "a number")
        return Test(Numbers(column, operator, (number,)))

    def convert_condition_field_eq_val_bool(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a truth value."""
        assert isinstance(cond.value, SigmaBool)
        if (mapped := self._mapped(cond, state, str(cond.value.boolean).lower())) is not None:
            return mapped
        column = self._subject(cond.field, state)
        if column.kind is Kind.TIME:
            raise not_of_type(column, "bool")
        return Test(Truth(column, cond.value.boolean))

    def convert_condition_field_eq_val_timestamp_part(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a test for a part of a time, such as its hour."""
        assert isinstance(cond.value, SigmaTimestampPart)
        return self._time_part(cond, state, _EQUALS, cond.value)

    def _time_part(self, cond: FieldItem, state: ConversionState, operator: str, value: SigmaTimestampPart) -> Tree:
        column, part = self._subject(cond.field, state), value.timestamp_part.name.lower()
        if column.kind is not Kind.TIME:
            raise Unsupported(
                f"{column.field} is of type {column.type} here, not a time, so it has no {part}; test a field that "
                "holds a time",
                column.field,
            )
        return Test(TimePart(column, part, operator, str(value)))

    def convert_condition_field_exists(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a test that the event has the field."""
        mapped = self._mapped(cond, state, "*")
        return Test(Present(self._subject(cond.field, state))) if mapped is None else mapped

    def convert_condition_field_eq_val_null(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert null, which means that the event does not have the field."""
        return negate(self.convert_condition_field_exists(cond, state))

    def convert_condition_field_not_exists(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a test that the event does not have the field."""
        return negate(self.convert_condition_field_exists(cond, state))

    def convert_condition_field_eq_field(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Convert a comparison with another field of the same event."""
        reference = cond.value
        assert isinstance(reference, SigmaFieldReference)
        column, other = (self._subject(field, state) for field in (cond.field, reference.field))
        return Test(Same(column, other, _HOW[reference.starts_with, reference.ends_with]))

    def convert_condition_val_str(self, cond: ConditionValueExpression, state: ConversionState) -> Tree:
        """Convert a keyword: a text anywhere in the event."""
        assert isinstance(cond.value, SigmaString)
        parts = parts_of(cond.value, "the keyword")
        if not [part for part in parts if part is not None]:
            raise Unsupported("an empty keyword would match every event; remove it", at=("detection",))
        return Test(Keyword(tuple(anywhere(parts)), isinstance(cond.value, SigmaCasedString)))

    def convert_condition_val_num(self, cond: ConditionValueExpression, state: ConversionState) -> Tree:
        """Convert a keyword that is a number: its digits anywhere in the event."""
        return Test(Keyword((None, str(cond.value), None), cased=False))

    def convert_condition_val_re(self, cond: ConditionValueExpression, state: ConversionState) -> Tree:
        """Convert a keyword that is a regular expression, found anywhere in the event."""
        assert isinstance(cond.value, SigmaRegularExpression)
        return Test(KeywordMatches(str(cond.value.regexp), _flag_letters(cond.value)))

    def convert_condition_query_expr(self, cond: ConditionValueExpression, state: ConversionState) -> Tree:
        """Refuse query text from a pipeline. Raises Unsupported."""
        raise Unsupported(
            "a pipeline inserts query text, which cannot be checked; use fields and values", at=("detection",)
        )

    def convert_condition_field_eq_query_expr(self, cond: FieldItem, state: ConversionState) -> Tree:
        """Refuse query text that a pipeline gives as a field's value. Raises Unsupported."""
        sigma_name = self._sigma_name(cond.field)
        raise Unsupported(
            f"{sigma_name}: a pipeline inserts query text, which cannot be checked; use values", sigma_name
        )

    @abstractmethod
    def _lowered(self, test: SemanticTest, model: LogModel) -> Node[Any]:
        """The dialect's predicates for one test. Raises Unsupported if the dialect cannot express it."""


def _flag_letters(value: SigmaRegularExpression) -> str:
    """The flags of an expression as Sigma's letters (i, m, s), in order."""
    return "".join(sorted(_FLAGS[flag] for flag in value.flags))


def _choices(mapped: ValueMap) -> str:
    """The values that a value map takes, joined by "or" for messages."""
    return " or ".join(mapped.values)
