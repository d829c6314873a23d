"""Conditions as trees of SPL tests: what each Sigma value means on a field of Splunk's events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionValueExpression
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
from ..common.expression import Node, Test, any_of, negate
from ..common.front import COMPARISONS, ModelConditions, choices, flag_letters, network_text
from ..common.log_model import Column, LogModel, ValueMap
from ..common.losses import Unsupported
from ..common.value_parts import anywhere, as_text, parts_of
from .predicates import Predicate
from .text import eval_name, is_plain, is_range, longest, text, widened

_RAW = "_raw"
#: What XML writes for these, in the text of an event that is XML.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
#: Any one character there.
_ONE_IN_XML = "(?:&(?:amp|lt|gt|quot|apos|#39);|.)"
#: Of a time written as Sysmon does, `2025-06-15 10:00:00.123`: from which character on, and how many.
_TIME_PARTS = {
    TimestampPart.MINUTE: (15, 2),
    TimestampPart.HOUR: (12, 2),
    TimestampPart.DAY: (9, 2),
    TimestampPart.MONTH: (6, 2),
    TimestampPart.YEAR: (1, 4),
}


class SplunkConditions(ModelConditions):
    """A backend that converts conditions to trees of SPL's tests (expression.Node of Predicate)."""

    equals = "="

    @staticmethod
    def _written_name(column: str) -> str:
        """A field's own name; each command quotes it in its own way."""
        eval_name(column)
        return column

    def _column(self, field: str, model: LogModel, sigma_name: str) -> Column:
        """The same; a field that another dialect has is refused with its name."""
        for dialect, fields in model.elsewhere.items():
            if sigma_name in fields:
                raise Unsupported(f"{sigma_name} is no field of {model.table}; --dialect {dialect} has it", sigma_name)
        return super()._column(field, model, sigma_name)

    def _holds(self, mapped: ValueMap, value: str, state: ConversionState) -> Node[Predicate]:
        return any_of(Test(_text_test(mapped.column, [word], cased=False)) for word in mapped.values[value])

    def _field(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Column:
        model = self._known_model(state)
        if (mapped := model.value_maps.get(cond.field)) is not None:
            raise Unsupported(f"{cond.field} takes {choices(mapped)}; write the value without modifiers", cond.field)
        return self._column(cond.field, model, self._sigma_name(cond.field))

    def _present(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Node[Predicate]:
        if (mapped := self._mapped(cond, state, "*")) is not None:
            return mapped
        column, model = self._field(cond, state), self._known_model(state)
        if model.missing:
            # Only after the grouping has each row without a value this one.
            pattern = regexes.pcre_wildcard([model.missing], True)
            return negate(Test(Predicate(column.text, (), False, regexes=(pattern,), flags="is")))
        return Test(Predicate(column.text, ("*",)))

    def _told_from_missing(
        self, predicate: Predicate, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Node[Predicate]:
        """The test of a text. Raises Unsupported where it also finds what stands for no value."""
        model = self._known_model(state)
        flags = re.IGNORECASE * ("i" in predicate.flags) | re.DOTALL
        if model.missing and any(re.search(p.replace(r"\z", r"\Z"), model.missing, flags) for p in predicate.regexes):
            name = self._sigma_name(cond.field)
            raise Unsupported(
                f"{name}: {model.table} writes {model.missing!r} for no value, which this finds too; "
                f"{instead(model, 'write more of the value')}",
                name,
            )
        return Test(predicate)

    def _text_field(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Column:
        column = self._field(cond, state)
        if column.type == "datetime":
            raise Unsupported(
                f"{self._sigma_name(cond.field)} is a time here; compare no texts with it", self._sigma_name(cond.field)
            )
        return column

    # --- Strings ----------------------------------------------------------------------------------

    def convert_condition_field_eq_val_str(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A string, with or without wildcards, without regard to case."""
        return self._string(cond, state, cased=False)

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A string, with or without wildcards, by case."""
        return self._string(cond, state, cased=True)

    def _string(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, cased: bool) -> Any:
        assert isinstance(cond.value, SigmaString)
        parts = parts_of(cond.value, self._sigma_name(cond.field))
        if (mapped := self._mapped(cond, state, as_text(parts))) is not None:
            return mapped
        if parts == [None]:
            return self._present(cond, state)
        if not parts and (model := self._known_model(state)).missing:
            name = self._sigma_name(cond.field)
            raise Unsupported(
                f"{name}: '' cannot be told from no value in {model.table}; {instead(model, 'test for null')}", name
            )
        return self._told_from_missing(_text_test(self._text_field(cond, state).text, parts, cased), cond, state)

    def convert_condition_field_eq_val_re(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A regular expression, unanchored, by case unless it says otherwise."""
        assert isinstance(cond.value, SigmaRegularExpression)
        field = self._text_field(cond, state).text
        return self._told_from_missing(_regex_test(field, cond.value, self._sigma_name(cond.field)), cond, state)

    def convert_condition_field_eq_val_cidr(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """An address in a network. Splunk's Search Reference, 'search' and 'cidrmatch', have both versions of IP."""
        assert isinstance(cond.value, SigmaCIDRExpression)
        field, network = self._text_field(cond, state).text, network_text(cond.value.network)
        return Test(Predicate(field, (network,), condition=f"cidrmatch({text(network)}, {eval_name(field)})"))

    # --- Numbers and truth values -----------------------------------------------------------------

    def convert_condition_field_eq_val_num(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A number, which is text in an event."""
        return Test(_text_test(self._text_field(cond, state).text, [str(cond.value)], cased=False))

    def convert_condition_field_eq_val_bool(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A truth value, which is text in an event."""
        assert isinstance(cond.value, SigmaBool)
        word = "true" if cond.value.boolean else "false"
        if (mapped := self._mapped(cond, state, word)) is not None:
            return mapped
        return Test(_text_test(self._text_field(cond, state).text, [word], cased=False))

    def convert_condition_field_compare_op_val(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A numeric comparison."""
        value = cond.value
        assert isinstance(value, SigmaCompareExpression)
        operator = COMPARISONS[value.op]
        if isinstance(value.number, SigmaTimestampPart):
            return self._time_part(cond, state, operator, value.number)
        column = self._field(cond, state)
        if column.type not in ("number", "string"):
            name = self._sigma_name(cond.field)
            raise Unsupported(f"{name} is of type {column.type} here, not a number; compare it as such", name)
        # Of what is no number, `search` compares the text; tonumber() makes a null of it.
        exact = column.type == "number" and not self._known_model(state).missing
        subject = eval_name(column.text)
        condition = f"{subject if exact else f'tonumber({subject})'}{operator}{value.number}"
        values = (str(value.number),) if exact else ()
        return Test(Predicate(column.text, values, exact, operator, condition=condition))

    # --- Missing values ---------------------------------------------------------------------------

    # --- Times and other fields -------------------------------------------------------------------

    def _time_part(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, operator: str, value: Any
    ) -> Node[Predicate]:
        column, sigma_name = self._field(cond, state), self._sigma_name(cond.field)
        part = value.timestamp_part
        if column.type != "datetime":
            raise Unsupported(
                f"{sigma_name} is of type {column.type} here, not a time, so it has no {part.name.lower()}; test a "
                "field that holds a time",
                sigma_name,
            )
        field = eval_name(column.text)
        if part is TimestampPart.WEEK:
            # Noon, so that no change of the clocks moves the day, whichever zone the user has.
            day = f'strptime(substr({field}, 1, 10)." 12:00", "%Y-%m-%d %H:%M")'
            subject = f'strftime({day}, "%V")'
        else:
            start, length = _TIME_PARTS[part]
            subject = f"substr({field}, {start}, {length})"
        return Test(Predicate(column.text, condition=f"tonumber({subject}){operator}{value}"))

    def convert_condition_field_eq_field(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A field compared with another one of the same event, as text without regard to case."""
        reference = cond.value
        assert isinstance(reference, SigmaFieldReference)
        sides = [
            self._text_field(ConditionFieldEqualsValueExpression(field, reference), state).text
            for field in (cond.field, reference.field)
        ]
        subject, other = (f"lower({eval_name(side)})" for side in sides)
        length = f"len({eval_name(sides[1])})"
        # Two texts that look like numbers would be compared as such.
        start, end, whole = (
            f'("=".{one})=("=".{other})'
            for one in (f"substr({subject}, 1, {length})", f"substr({subject}, 0-{length})", subject)
        )
        if reference.starts_with and reference.ends_with:
            # The documentation does not say whether split() keeps what is empty before the first and after the last.
            condition = f"{length}>0 AND ({start} OR {end} OR mvcount(split({subject}, {other}))>1)"
        else:
            condition = f"{length}>0 AND {start if reference.starts_with else end if reference.ends_with else whole}"
        if missing := self._known_model(state).missing:
            condition += f" AND {other}!={text(missing)}"
        return Test(Predicate(sides[0], condition=condition, needs=tuple(dict.fromkeys(sides))))

    # --- Keywords ---------------------------------------------------------------------------------

    def convert_condition_val_str(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A text anywhere in the event: in its raw text, as Splunk users know it."""
        self._refuse_raw(state)
        assert isinstance(cond.value, SigmaString)
        parts = parts_of(cond.value, "the keyword")
        if not [part for part in parts if part is not None]:
            raise Unsupported("a keyword is empty and would find every event; remove it", at=("detection",))
        return self._keyword(parts, isinstance(cond.value, SigmaCasedString))

    def convert_condition_val_num(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A number, as text, anywhere in the event."""
        self._refuse_raw(state)
        return self._keyword([str(cond.value)], cased=False)

    def _refuse_raw(self, state: ConversionState) -> None:
        """A data model has no raw text."""
        if (model := self._known_model(state)).data_model:
            message = f"{model.table} has no raw text for a keyword; {instead(model, 'name the field')}"
            raise Unsupported(message, at=("detection",))

    @staticmethod
    def _keyword(parts: Sequence[str | None], cased: bool) -> Node[Predicate]:
        whole = anywhere(parts)
        patterns = dict.fromkeys((regexes.pcre_wildcard(whole, not cased), _in_xml(whole, not cased)))
        return Test(Predicate(_RAW, regexes=tuple(patterns), flags="s" if cased else "is"))

    def convert_condition_val_re(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A regular expression anywhere in the event."""
        self._refuse_raw(state)
        assert isinstance(cond.value, SigmaRegularExpression)
        return Test(_regex_test(_RAW, cond.value, "a keyword"))


def instead(model: LogModel, otherwise: str) -> str:
    """What to do about what a data model cannot say: use the dialect that can, or, where none has the log source, what
    `otherwise` says."""
    return next((f"use --dialect {dialect}" for dialect in model.elsewhere), otherwise)


def _text_test(field: str, parts: Sequence[str | None], cased: bool) -> Predicate:
    """A string test with wildcards: exact in `search` where that knows no other wildcard and no case."""
    wanted = "".join("*" if not part else widened(part) for part in parts)
    value = longest(wanted) if parts else "*"
    plain = all(part is None or (part and is_plain(part)) for part in parts)
    exact = bool(parts) and not cased and plain and value == wanted and not is_range(value)
    values = (value,) if not is_range(value) else ("*",)
    pattern = regexes.pcre_wildcard(parts, not cased) if parts else r"^\z"
    return Predicate(field, values, exact, regexes=(pattern,), flags="s" if cased else "is")


def _in_xml(parts: Sequence[str | None], ignore_case: bool) -> str:
    """The same keyword in an event that is XML, where some characters are written as entities."""
    escaped = [part and "".join(_ENTITIES.get(character, character) for character in part) for part in parts]
    pattern = regexes.pcre_wildcard(escaped, ignore_case, one=_ONE_IN_XML)
    # Quotation marks need no entity in text, and are written either way.
    return pattern.replace("&quot;", '(?:"|&quot;)').replace("&apos;", "(?:'|&apos;|&#39;)")


def _regex_test(field: str, value: SigmaRegularExpression, what: str) -> Predicate:
    letters = flag_letters(value)
    try:
        pattern = regexes.to_pcre(str(value.regexp), letters)
    except regexes.RegexError as error:
        raise Unsupported(
            f"{what}: the regular expression {error}, which is not the same on every target; {error.hint}",
            "" if field == _RAW else what,
        ) from None
    # The flags stand at the start of the expression already, so no other one joins it.
    return Predicate(field, ("*",) if field != _RAW else (), False, "=~", regexes=(pattern,))
