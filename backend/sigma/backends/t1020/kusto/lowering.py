"""Conditions as trees of Kusto tests: what each Sigma value means on a column of the rule's table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sigma.conditions import (
    ConditionFieldEqualsValueExpression,
    ConditionValueExpression,
)
from sigma.conversion.state import ConversionState
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaFieldReference,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    TimestampPart,
)

from ..common import regexes
from ..common.expression import Node, Test, all_of
from ..common.front import COMPARISONS, ModelConditions, choices, flag_letters, network_text
from ..common.log_model import Column, ValueMap
from ..common.losses import Unsupported
from ..common.value_parts import Parts, anywhere, as_text, parts_of
from . import values
from .predicates import EVERY_COLUMN, Predicate
from .text import name, string

_PLAIN_VALUES = "write the value without modifiers"

#: Kusto docs, the pages of these functions; weeks are those of ISO 8601 ('week_of_year()').
_TIME_PARTS = {
    TimestampPart.MINUTE: 'datetime_part("minute", {})',
    TimestampPart.HOUR: "hourofday({})",
    TimestampPart.DAY: "dayofmonth({})",
    TimestampPart.WEEK: "week_of_year({})",
    TimestampPart.MONTH: "monthofyear({})",
    TimestampPart.YEAR: "getyear({})",
}


class KustoConditions(ModelConditions):
    """A backend that converts conditions to trees of Kusto's tests (expression.Node of Predicate)."""

    @staticmethod
    def _written_name(column: str) -> str:
        """A column's name as Kusto writes it."""
        return name(column)

    def _holds(self, mapped: ValueMap, value: str, state: ConversionState) -> Node[Predicate]:
        return Test(Predicate(name(mapped.column), "==", tuple(string(word) for word in mapped.values[value])))

    # --- Fields -----------------------------------------------------------------------------------

    def _subject(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> tuple[Column, str]:
        """The column of a condition and the field's Sigma name. Raises Unsupported for a field with a value map."""
        model = self._known_model(state)
        if (mapped := model.value_maps.get(cond.field)) is not None:
            raise Unsupported(f"{cond.field} takes {choices(mapped)}; {_PLAIN_VALUES}", cond.field)
        sigma_name = self._sigma_name(cond.field)
        return self._column(cond.field, model, sigma_name), sigma_name

    def _as_string(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> tuple[Column, str]:
        """The same with the column as a string, for tests of its text."""
        column, sigma_name = self._subject(cond, state)
        if not column.text:
            product = "" if self._known_model(state).path_separator else "give the rule a product, and "
            raise Unsupported(
                f"{sigma_name} is stored as a file name alone; {product}test it with |endswith and one separator "
                "before the name, such as '\\cmd.exe'",
                sigma_name,
            )
        if column.type == "datetime":
            raise Unsupported(f"{sigma_name} is a time here; compare no texts with it", sigma_name)
        if column.type != "string":
            column = replace(column, text=f"tostring({column.text})", type="string")
        return column, sigma_name

    # --- Strings ----------------------------------------------------------------------------------

    def convert_condition_field_eq_val_str(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A string, with or without wildcards, without regard to case."""
        return self._text(cond, state, cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A string, with or without wildcards, by case."""
        return self._text(cond, state, cased=True)

    def _text(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, cased: bool) -> Node[Predicate]:
        assert isinstance(cond.value, SigmaString)
        parts = parts_of(cond.value, self._sigma_name(cond.field))
        text = as_text(parts)
        if (mapped := self._mapped(cond, state, text)) is not None:
            return mapped
        column, _sigma_name = self._subject(cond, state)
        if parts == [None]:
            return values.present(column)
        if column.type in values.NUMERIC and (number := values.as_whole_number(text)) is not None:
            return Test(Predicate(column.text, "==", (number,), nullable=True))
        if column.type == "bool" and text.lower() in ("true", "false"):
            return Test(Predicate(column.text, "==", (text.lower(),), nullable=True))
        if (file_name := values.base_name(column, parts, self._known_model(state).path_separator)) is not None:
            return values.compare(Column(name(column.base_name)), "equals", file_name, cased)
        column, sigma_name = self._as_string(cond, state)
        return values.matches_text(column, parts, cased, sigma_name)

    def convert_condition_field_eq_val_re(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A regular expression, unanchored, by case unless it says otherwise."""
        assert isinstance(cond.value, SigmaRegularExpression)
        column, sigma_name = self._as_string(cond, state)
        expression, finds_nothing = self._printed(cond.value, sigma_name, sigma_name)
        test: Node[Predicate] = Test(
            Predicate(column.text, "matches regex", (string(expression),), computed=column.computed)
        )
        # A missing value is an empty string here, and matches nothing.
        return all_of((values.present(column), test)) if finds_nothing else test

    @staticmethod
    def _printed(value: SigmaRegularExpression, what: str, field: str) -> tuple[str, bool]:
        """The expression as RE2 reads it, and whether an empty text has it. Raises Unsupported, naming `what`."""
        letters = flag_letters(value)
        try:
            expression = regexes.to_re2(str(value.regexp), letters)
        except regexes.RegexError as error:
            raise Unsupported(
                f"{what}: the regular expression {error}, which KQL's RE2 cannot run; {error.hint}", field
            ) from None
        return expression, regexes.matches_nothing(str(value.regexp), letters)

    def convert_condition_field_eq_val_cidr(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """An address in a network, IPv4 or IPv6."""
        assert isinstance(cond.value, SigmaCIDRExpression)
        column, _sigma_name = self._as_string(cond, state)
        network = cond.value.network
        return Test(
            Predicate(column.text, f"ipv{network.version}", (string(network_text(network)),), computed=column.computed)
        )

    # --- Numbers and truth values -----------------------------------------------------------------

    def convert_condition_field_eq_val_num(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A number, as the column's type has it."""
        return self._number(cond, state, "==", str(cond.value))

    def convert_condition_field_compare_op_val(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A numeric comparison."""
        value = cond.value
        assert isinstance(value, SigmaCompareExpression)
        if isinstance(value.number, SigmaTimestampPart):
            return self._time_part(cond, state, COMPARISONS[value.op], value.number)
        return self._number(cond, state, COMPARISONS[value.op], str(value.number))

    def _number(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, operator: str, number: str
    ) -> Node[Predicate]:
        if operator == "==" and (mapped := self._mapped(cond, state, number)) is not None:
            return mapped
        column, sigma_name = self._subject(cond, state)
        if column.type in values.NUMERIC:
            return Test(Predicate(column.text, operator, (number,), nullable=True))
        if operator == "==" and column.type == "string" and column.text:
            return values.compare(column, "equals", number, cased=False)
        raise Unsupported(f"{sigma_name} is of type {column.type} here, not a number; compare it as such", sigma_name)

    def convert_condition_field_eq_val_bool(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A truth value, as the column's type has it."""
        assert isinstance(cond.value, SigmaBool)
        word = "true" if cond.value.boolean else "false"
        if (mapped := self._mapped(cond, state, word)) is not None:
            return mapped
        column, sigma_name = self._subject(cond, state)
        if column.type == "bool":
            return Test(Predicate(column.text, "==", (word,), nullable=True))
        if column.type == "string" and column.text:
            return values.compare(column, "equals", word, cased=False)
        raise Unsupported(f"{sigma_name} is of type {column.type} here, not bool; compare it as such", sigma_name)

    # --- Missing values ---------------------------------------------------------------------------

    def _present(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Node[Predicate]:
        if (mapped := self._mapped(cond, state, "*")) is not None:
            return mapped
        column, _sigma_name = self._subject(cond, state)
        return values.present(column)

    # --- Times and other fields ---------------------------------------------------------------------

    def _time_part(
        self,
        cond: ConditionFieldEqualsValueExpression,
        state: ConversionState,
        operator: str,
        value: SigmaTimestampPart,
    ) -> Node[Predicate]:
        column, sigma_name = self._subject(cond, state)
        part = value.timestamp_part
        if column.type != "datetime":
            raise Unsupported(
                f"{sigma_name} is of type {column.type} here, not a time, so it has no {part.name.lower()}; test a "
                "field that holds a time",
                sigma_name,
            )
        subject = _TIME_PARTS[part].format(column.text)
        return Test(Predicate(subject, operator, (str(value),), nullable=True, computed=column.computed))

    def convert_condition_field_eq_field(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A field compared with another one of the same event."""
        reference = cond.value
        assert isinstance(reference, SigmaFieldReference)
        how = {(True, True): "contains", (True, False): "startswith", (False, True): "endswith"}
        sides = []
        for field in (cond.field, reference.field):
            side = ConditionFieldEqualsValueExpression(field, reference)
            column, sigma_name = self._subject(side, state)
            if not column.text:
                raise Unsupported(f"{sigma_name} is stored as a file name alone; compare no field with it", sigma_name)
            sides.append(column)
        column, other = sides
        return values.equals_column(column, other, how.get((reference.starts_with, reference.ends_with), "equals"))

    # --- Keywords -----------------------------------------------------------------------------------

    def convert_condition_val_str(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A text anywhere in the event."""
        assert isinstance(cond.value, SigmaString)
        cased = isinstance(cond.value, SigmaCasedString)
        parts = parts_of(cond.value, "the keyword")
        if not [part for part in parts if part is not None]:
            raise Unsupported("a keyword is empty and would find every event; remove it", at=("detection",))
        return self._keyword(anywhere(parts), state, cased)

    def convert_condition_val_num(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A number, as text, anywhere in the event."""
        return self._keyword([None, str(cond.value), None], state, cased=False)

    def _keyword(self, parts: Parts, state: ConversionState, cased: bool) -> Node[Predicate]:
        return values.in_any_column(parts, cased, self._computed(state))

    def _computed(self, state: ConversionState) -> tuple[str, ...]:
        """What a table has in parts only, such as a user with the domain, is computed, so that it is a column too."""
        return tuple(self._known_model(state).expressions)

    def convert_condition_val_re(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A regular expression anywhere in the event."""
        assert isinstance(cond.value, SigmaRegularExpression)
        expression, finds_nothing = self._printed(cond.value, "a keyword", "")
        if finds_nothing:
            raise Unsupported(
                "a keyword's expression is found in an empty text too, so in every event; correct it", at=("detection",)
            )
        test = Predicate(EVERY_COLUMN, "matches regex", (string(expression),), computed=self._computed(state))
        return Test(test)
