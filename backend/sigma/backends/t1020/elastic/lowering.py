"""Conditions as trees of tests of Elastic's documents: what each Sigma value means on a field, for EQL and ES|QL."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv6Address, IPv6Network
from typing import Any, ClassVar

from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionValueExpression
from sigma.conversion.state import ConversionState
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaFieldReference,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
)

from ..common.expression import All, Node, Not, Test, all_of, any_of, negate
from ..common.front import COMPARISONS, ModelConditions, choices, flag_letters, network_text
from ..common.log_model import LogModel, ValueMap
from ..common.losses import Loss, Unsupported
from ..common.regexes import RegexError
from ..common.value_parts import anywhere, as_text, parts_of
from . import regexes as lucene
from .losses import settled
from .predicates import (
    BETWEEN,
    NUMBERS,
    Field,
    Matches,
    Networks,
    Numbers,
    OneOf,
    Predicate,
    Present,
    Same,
    Texts,
    TimePart,
    Truth,
    merge,
)

_MAPPED = IPv6Network("::ffff:0:0/96")
#: Of any IPv4 address, as Elasticsearch keeps it among those of IPv6.
_EVERY_IPV4 = "0.0.0.0/0"
#: Columns that tell where a document is, not what it says.
METADATA = frozenset(("_id", "_index", "_version"))


def field_of(model: LogModel, name: str) -> Field:
    """A column of the log model; raises KeyError where it has none of that name."""
    if name in model.joined:
        return Field(tuple(model.joined[name]), "keyword", label=name)
    kind = model.columns[name] if model.columns else "keyword"
    return Field((name,), kind, name in model.multivalued, name in model.optional)


class ElasticConditions(ModelConditions):
    """A backend with trees of tests (expression.Node of Predicate) in the place of pySigma's strings."""

    #: Whether an array is tested as one text, since the dialect's functions take a single value.
    joins_arrays: ClassVar[bool]

    @staticmethod
    def _written_name(column: str) -> str:
        """A column's own name; each dialect quotes it in its own way."""
        return column

    def _holds(self, mapped: ValueMap, value: str, state: ConversionState) -> Node[Predicate]:
        return Test(OneOf(field_of(self._known_model(state), mapped.column), tuple(mapped.values[value])))

    def _field(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> tuple[Field, str]:
        """The field of a condition and its Sigma name. Raises Unsupported for one with a value map, or unknown."""
        model = self._known_model(state)
        if (mapped := model.value_maps.get(cond.field)) is not None:
            raise Unsupported(f"{cond.field} takes {choices(mapped)}; write the value without modifiers", cond.field)
        sigma_name = self._sigma_name(cond.field)
        self._column(cond.field, model, sigma_name)
        return field_of(model, cond.field), sigma_name

    def _text_field(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Field:
        field, sigma_name = self._field(cond, state)
        if field.type in ("date", "date_nanos"):
            raise Unsupported(f"{sigma_name} is a time here; compare no texts with it", sigma_name)
        return field

    def _searched(
        self, rule: SigmaRule, condition: Node[Predicate], state: ConversionState
    ) -> tuple[LogModel, Node[Predicate], tuple[Loss, ...]]:
        """A rule's log source, its condition as the documents can answer it, and what is lost. Raises Unsupported."""
        model = self._model(rule, state.processing_state)
        if not model.indices or not model.source_values:
            raise Unsupported(
                f"the pipeline does not say which documents are {model.table}, so that all would be searched; set "
                "indices and source_values",
                at=("logsource", "category"),
            )
        settled_condition, losses = settled(merge(condition), model.removed, self._sigma_name)
        if settled_condition == All(()):
            raise Unsupported("the condition holds for every event")
        return model, settled_condition, losses

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
        text = as_text(parts)
        if (mapped := self._mapped(cond, state, text)) is not None:
            return mapped
        if parts == [None]:
            return self._present(cond, state)
        field = self._text_field(cond, state)
        if field.type in NUMBERS and text.isascii() and text.isdigit() and str(int(text)) == text:
            return Test(Numbers(field, "==", (text,)))
        if field.type == "boolean" and text.lower() in ("true", "false"):
            return Test(Truth(field, text.lower() == "true"))
        return Test(Texts(field, (tuple(parts),), cased))

    def convert_condition_field_eq_val_re(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A regular expression, unanchored, by case unless it says otherwise."""
        assert isinstance(cond.value, SigmaRegularExpression)
        sigma_name = self._sigma_name(cond.field)
        return Test(_expression(self._text_field(cond, state), cond.value, sigma_name, sigma_name, self.joins_arrays))

    def convert_condition_field_eq_val_cidr(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """An address in a network, IPv4 or IPv6.

        Elasticsearch keeps IPv4 addresses as IPv4-mapped ones of IPv6, so that it does not tell the two apart, and
        refuses networks written as such (its class InetAddresses, parseCidr).
        """
        assert isinstance(cond.value, SigmaCIDRExpression)
        field, sigma_name = self._text_field(cond, state), self._sigma_name(cond.field)
        if field.many or not (field.is_text or field.type == "ip"):
            raise Unsupported(
                f"{sigma_name} holds {'several values' if field.many else 'no address'} here; test another field",
                sigma_name,
            )
        network = cond.value.network
        if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
            address = IPv6Address(network.network_address).ipv4_mapped
            return Test(Networks(field, (), (f"{address}/{network.prefixlen - 96}",)))
        test: Node[Predicate] = Test(Networks(field, (network_text(network),)))
        if isinstance(network, IPv6Network) and network.supernet_of(_MAPPED):
            return all_of((test, negate(Test(Networks(field, (_EVERY_IPV4,))))))
        return test

    # --- Numbers and truth values -----------------------------------------------------------------

    def convert_condition_field_eq_val_num(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A number, as the field's type has it."""
        number = str(cond.value)
        if (mapped := self._mapped(cond, state, number)) is not None:
            return mapped
        field = self._text_field(cond, state)
        if field.type in NUMBERS:
            return Test(Numbers(field, "==", (number,)))
        return Test(Texts(field, ((number,),), cased=False))

    def convert_condition_field_compare_op_val(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A numeric comparison."""
        value = cond.value
        assert isinstance(value, SigmaCompareExpression)
        operator = COMPARISONS[value.op]
        if isinstance(value.number, SigmaTimestampPart):
            return self._time_part(cond, state, operator, value.number)
        field, sigma_name = self._field(cond, state)
        if field.type not in NUMBERS:
            raise Unsupported(
                f"{sigma_name} is of type {field.type} here, not a number; compare it as such", sigma_name
            )
        return Test(Numbers(field, operator, (str(value.number),)))

    def convert_condition_field_eq_val_bool(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A truth value, as the field's type has it."""
        assert isinstance(cond.value, SigmaBool)
        word = "true" if cond.value.boolean else "false"
        if (mapped := self._mapped(cond, state, word)) is not None:
            return mapped
        field = self._text_field(cond, state)
        if field.type == "boolean":
            return Test(Truth(field, cond.value.boolean))
        return Test(Texts(field, ((word,),), cased=False))

    # --- Missing values ---------------------------------------------------------------------------

    def _present(self, cond: ConditionFieldEqualsValueExpression, state: ConversionState) -> Node[Predicate]:
        if (mapped := self._mapped(cond, state, "*")) is not None:
            return mapped
        return Test(Present(self._field(cond, state)[0]))

    # --- Times and other fields -------------------------------------------------------------------

    def _time_part(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState, operator: str, value: Any
    ) -> Node[Predicate]:
        field, sigma_name = self._field(cond, state)
        part = value.timestamp_part.name.lower()
        if field.type != "date":
            raise Unsupported(
                f"{sigma_name} is of type {field.type} here, not a time, so it has no {part}; test a field that holds "
                "a time",
                sigma_name,
            )
        return Test(TimePart(field, part, operator, str(value)))

    def convert_condition_field_eq_field(
        self, cond: ConditionFieldEqualsValueExpression, state: ConversionState
    ) -> Any:
        """A field compared with another one of the same event."""
        reference = cond.value
        assert isinstance(reference, SigmaFieldReference)
        how = {(True, True): "contains", (True, False): "startswith", (False, True): "endswith"}
        sides = []
        for name in (cond.field, reference.field):
            side, sigma_name = self._field(ConditionFieldEqualsValueExpression(name, reference), state)
            if side.many:
                raise Unsupported(f"{sigma_name} may hold several values here; compare no field with it", sigma_name)
            sides.append(side)
        field, other = sides
        return Test(Same(field, other, how.get((reference.starts_with, reference.ends_with), "equals")))

    # --- Keywords ---------------------------------------------------------------------------------

    def convert_condition_val_str(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A text anywhere in the event: in any of its fields."""
        assert isinstance(cond.value, SigmaString)
        parts = parts_of(cond.value, "the keyword")
        if not [part for part in parts if part is not None]:
            raise Unsupported("a keyword is empty and would find every event; remove it", at=("detection",))
        return self._keyword(anywhere(parts), state, isinstance(cond.value, SigmaCasedString))

    def convert_condition_val_num(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A number, as text, anywhere in the event."""
        return self._keyword([None, str(cond.value), None], state, cased=False)

    def _keyword(self, parts: Sequence[str | None], state: ConversionState, cased: bool) -> Node[Predicate]:
        return any_of(Test(Texts(field, (tuple(parts),), cased)) for field in self._every_field(state))

    def convert_condition_val_re(self, cond: ConditionValueExpression, state: ConversionState) -> Any:
        """A regular expression anywhere in the event."""
        assert isinstance(cond.value, SigmaRegularExpression)
        expressions = (
            _expression(field, cond.value, "a keyword", "", self.joins_arrays) for field in self._every_field(state)
        )
        return any_of(map(Test, expressions))

    def _every_field(self, state: ConversionState) -> list[Field]:
        """All fields that say what happened: none of times, of what chooses the log source and of how it was collected.

        Raises Unsupported where the pipeline does not list them.
        """
        model = self._known_model(state)
        if not model.columns:
            raise Unsupported("the pipeline lists no columns in which to look for a keyword; name the field")
        left_out = {*METADATA, *model.source_values, *model.unlike}
        names = [
            name
            for name in (*model.joined, *model.columns)
            if name not in left_out and not any(fnmatchcase(name, pattern) for pattern in model.metadata)
        ]
        fields = [field_of(model, name) for name in names]
        return [field for field in fields if not field.type.startswith("date")]


def _expression(field: Field, value: SigmaRegularExpression, what: str, name: str, joins_arrays: bool) -> Matches:
    letters, pattern = flag_letters(value), str(value.regexp)
    try:
        item = lucene.whole(lucene.parsed(pattern, letters))
        if joins_arrays:
            return Matches(field, tuple(lucene.pieces(lucene.one_of_many(item, BETWEEN) if field.many else item)))
        folded = lucene.folded(item) if "i" in letters and pattern.isascii() else None
        if folded is not None:
            return Matches(field, (), tuple(lucene.pieces(folded)))
        return Matches(field, tuple(lucene.pieces(item)))
    except RegexError as error:
        raise Unsupported(
            f"{what}: the regular expression {error}, which Lucene cannot run; {error.hint}", name
        ) from None


def source_tests(model: LogModel) -> list[Node[Predicate]]:
    """What chooses the events of a log source."""
    tests: list[Node[Predicate]] = []
    for name, values in model.source_values.items():
        tests.append(Test(OneOf(field_of(model, name), tuple(values))))
    for name, values in model.unlike.items():
        tests.append(Not(Test(OneOf(field_of(model, name), tuple(values)))))
    return tests
