"""What the conditions of all dialects have in common: log sources, fields, logic. Subclasses say what a value means."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any, ClassVar, cast

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
from sigma.types import SigmaCompareExpression, SigmaExpansion, SigmaRegularExpression, SigmaRegularExpressionFlag

from .expression import Node, all_of, any_of, negate
from .log_model import Column, LogModel, ValueMap, categories, mapped_fields
from .losses import NoSuchField, Unsupported

#: Sigma's comparisons as all the dialects write them.
COMPARISONS = {
    SigmaCompareExpression.CompareOperators.LT: "<",
    SigmaCompareExpression.CompareOperators.LTE: "<=",
    SigmaCompareExpression.CompareOperators.GT: ">",
    SigmaCompareExpression.CompareOperators.GTE: ">=",
}
_MODEL = "t1020_log_model"
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}


def flag_letters(value: SigmaRegularExpression) -> str:
    """The flags of an expression as Sigma's own letters, in order."""
    return "".join(sorted(_FLAGS[flag] for flag in value.flags))


def network_text(network: IPv4Network | IPv6Network) -> str:
    """The network in one spelling: from Python 3.13 on, mapped ones are written with an IPv4 tail."""
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        high, low = divmod(int(network.network_address) & 0xFFFFFFFF, 1 << 16)
        return f"::ffff:{high:x}:{low:x}/{network.prefixlen}"
    return str(network)


class ModelConditions(Backend):
    """A backend that converts conditions to trees of tests (expression.Node), by a log model."""

    #: How the dialect compares numbers.
    equals: ClassVar[str] = "=="
    #: The rule that is being converted, of which a conversion state knows nothing.
    _converting: SigmaRule

    @staticmethod
    @abstractmethod
    def _written_name(column: str) -> str:
        """A column's name as the dialect writes it."""

    # --- Log source and fields --------------------------------------------------------------------

    def _model(self, rule: SigmaRule, state: Mapping[str, Any]) -> LogModel:
        """The log model that the pipeline gave a rule. Raises Unsupported where it knows no table for it."""
        model = LogModel.from_state(state)
        if model is None:
            known = categories(self.last_processing_pipeline)
            source = ", ".join(
                f"{key} {value}"
                for key in ("category", "product", "service")
                if (value := getattr(rule.logsource, key)) is not None
            )
            hint = f"it knows the categories {', '.join(known)}" if known else "give a pipeline with -p"
            raise Unsupported(
                f"the log source ({source}) has no table in the pipeline; {hint}", at=("logsource", "category")
            )
        if model.products and rule.logsource.product not in (None, *model.products):
            raise Unsupported(
                f"{model.table} has no events of the product {rule.logsource.product}; it has those of "
                f"{', '.join(model.products)}",
                at=("logsource", "product"),
            )
        return model

    def _sigma_name(self, field: str) -> str:
        """The name that the rule gave a field before the pipeline renamed it."""
        sources = self.last_processing_pipeline.field_mappings.target_fields.get(field)
        return min(source for source in sources if source) if sources else field

    def _column(self, field: str, model: LogModel, sigma_name: str) -> Column:
        """The column of a field, its text as the dialect writes it."""
        column = model.column(field)
        if column is None:
            if field != sigma_name:
                raise Unsupported(
                    f"{sigma_name} is {field} here, which the pipeline does not list among the columns of "
                    f"{model.table}; add it there",
                    sigma_name,
                )
            near = model.nearest(sigma_name, mapped_fields(self.last_processing_pipeline))
            hint = f"; did you mean {', '.join(near)}?" if near else "; `-p` takes a pipeline that maps it"
            raise NoSuchField(f"{sigma_name} is no field of {model.table}{hint}", sigma_name)
        return replace(column, text=self._written_name(column.text)) if column.text else column

    def _known_model(self, state: ConversionState) -> LogModel:
        """The log model of a condition's rule, read once a rule. Raises Unsupported where there is none."""
        known = cast("dict[str, Any]", state.processing_state)
        if _MODEL not in known:
            known[_MODEL] = self._model(self._converting, known)
        return cast(LogModel, known[_MODEL])

    def _mapped(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, value: str
    ) -> Node[Any] | None:
        """The test that stands for a value of a field with a value map; None for other fields."""
        mapped = self._known_model(state).value_maps.get(cond.field)
        if mapped is None:
            return None
        if value == "*":
            return any_of(self._holds(mapped, known, state) for known in mapped.values)
        if value.lower() not in mapped.values:
            raise Unsupported(
                f"{cond.field} is {value!r}, which these tables do not tell; it takes {choices(mapped)}", cond.field
            )
        return self._holds(mapped, value.lower(), state)

    @abstractmethod
    def _holds(self, mapped: ValueMap, value: str, state: ConversionState) -> Node[Any]:
        """The test that a value of a field with a value map stands for."""

    # --- Logic ------------------------------------------------------------------------------------

    def convert_condition_or(self, cond: ConditionOR, state: ConversionState) -> Any:
        """Any of the arguments."""
        return any_of(self._arguments(cond, state))

    def convert_condition_and(self, cond: ConditionAND, state: ConversionState) -> Any:
        """All of the arguments."""
        return all_of(self._arguments(cond, state))

    def convert_condition_not(self, cond: ConditionNOT, state: ConversionState) -> Any:
        """Not the argument; NOT moves down to the tests."""
        (argument,) = self._arguments(cond, state)
        return negate(argument)

    def convert_condition_as_in_expression(self, cond: ConditionOR | ConditionAND, state: ConversionState) -> Any:
        """Never asked for: lists are made of the finished tree, where negation and case are known."""
        raise NotImplementedError

    def _arguments(self, cond: ConditionItem, state: ConversionState) -> list[Node[Any]]:
        converted: list[Any] = [self.convert_condition(arg, state) for arg in cond.args]
        if any(node is None for node in converted):
            # A term that a pipeline dropped: dropping it here too would change the meaning in silence.
            raise Unsupported(
                "a selection is empty after the pipeline; remove it from the condition", at=("detection", "condition")
            )
        return converted

    def convert_condition_field_eq_expansion(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """Any of the values that modifiers make of one; of |windash|base64offset these are lists in a list."""
        assert isinstance(cond.value, SigmaExpansion)
        each = (ConditionFieldEqualsValueExpression(cond.field, value) for value in cond.value.values)
        converted: list[Any] = [self.convert_condition(one, state) for one in each]
        return any_of(converted)

    # --- Missing values and times -----------------------------------------------------------------

    @abstractmethod
    def _present(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Node[Any]:
        """The test that a field has a value."""

    @abstractmethod
    def _time_part(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, operator: str, value: Any
    ) -> Node[Any]:
        """A comparison of a part of a time, a SigmaTimestampPart, with a number."""

    def convert_condition_field_eq_val_null(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """The event does not have the field."""
        return negate(self._present(cond, state))

    def convert_condition_field_exists(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Any:
        """The event has the field."""
        return self._present(cond, state)

    def convert_condition_field_not_exists(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """The event does not have the field."""
        return negate(self._present(cond, state))

    def convert_condition_field_eq_val_timestamp_part(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A part of a time, such as its hour."""
        return self._time_part(cond, state, self.equals, cond.value)

    # --- Pieces of query text ----------------------------------------------------------------------

    def convert_condition_query_expr(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """Refused by name."""
        raise Unsupported(
            "a pipeline gives a piece of query text, which cannot be checked; use fields and values", at=("detection",)
        )

    def convert_condition_field_eq_query_expr(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """Refused by name."""
        sigma_name = self._sigma_name(cond.field)
        raise Unsupported(
            f"{sigma_name}: a pipeline gives a piece of query text, which cannot be checked; use values", sigma_name
        )


def choices(mapped: ValueMap) -> str:
    """What a field with a value map takes, in words."""
    return " or ".join(mapped.values)
