"""Lowers semantic tests to predicates on Elastic's documents, for EQL and ES|QL."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Address, IPv6Network

from ..common.columns import Column, Kind
from ..common.expression import Node, Test, all_of, any_of, negate
from ..common.front import network_text, not_of_type
from ..common.log_model import LogModel
from ..common.losses import Loss, Unsupported
from ..common.regexes import RegexError
from ..common.semantic_tests import (
    InNetwork,
    Keyword,
    KeywordMatches,
    Matches,
    Numbers,
    OneOf,
    Same,
    SemanticTest,
    Texts,
    TimePart,
    Truth,
)
from . import regexes as lucene
from .losses import settled
from .predicates import BETWEEN, Expressions, Networks, Predicate, merge

Lowered = Node[Predicate]

_MAPPED = IPv6Network("::ffff:0:0/96")
#: The network of all IPv4 addresses; Elasticsearch stores them as IPv4-mapped ones.
_EVERY_IPV4 = "0.0.0.0/0"
#: Columns that say where a document is stored, not what it contains.
METADATA = frozenset(("_id", "_index", "_version"))


def lower(test: SemanticTest, model: LogModel, joins_arrays: bool) -> Lowered:
    """Lower one test to predicates. Raises Unsupported if the documents or the dialect cannot express it.

    With `joins_arrays`, an array is tested as one text, because the dialect's functions take a single value.
    """
    match test:
        case Matches():
            return Test(_expressions(test.column, test, test.column.field, joins_arrays))
        case InNetwork():
            return _in_network(test.column, test.network)
        case Numbers() if test.column.kind is not Kind.NUMBER:
            if test.operator != "==":
                raise not_of_type(test.column, "a number")
            return Test(Texts(test.column, tuple((number,) for number in test.numbers), cased=False))
        case Truth() if test.column.kind is not Kind.TRUTH:
            return Test(Texts(test.column, ((str(test.value).lower(),),), cased=False))
        case Same():
            for side in (test.column, test.other):
                if side.many:
                    raise Unsupported(
                        f"{side.field} may hold several values here; do not compare it with a field", side.field
                    )
            return Test(test)
        case TimePart() if test.column.type == "date_nanos":
            raise Unsupported(
                f"{test.column.field} is of type date_nanos here, so it has no {test.part}; test a field of type date",
                test.column.field,
            )
        case Keyword():
            return any_of(Test(Texts(column, (test.value,), test.cased)) for column in _every_column(model))
        case KeywordMatches():
            columns = _every_column(model)
            return any_of(Test(_expressions(column, test, "a keyword", joins_arrays)) for column in columns)
    return Test(test)


def answerable(condition: Lowered, model: LogModel) -> tuple[Lowered, tuple[Loss, ...]]:
    """Return the condition in a form that the documents can answer, never narrower, and the losses.

    Raises Unsupported if the query would be narrower, or if the pipeline does not choose the documents.
    """
    if not model.indices or not model.source_values:
        raise Unsupported(
            f"the pipeline does not say which documents are {model.table}, so the query would search all of them; set "
            "`indices` and `source_values`",
            at=("logsource", "category"),
        )
    return settled(merge(condition), model.removed)


def source_tests(model: LogModel) -> list[Lowered]:
    """The predicates that choose the events of a log source. Raises Unsupported for an undeclared column."""

    def held(name: str, values: Sequence[str]) -> Lowered:
        if model.column(name) is None:
            raise Unsupported(
                f"the pipeline names {name} for {model.table}, which it does not list among the columns; add it there",
                at=("logsource", "category"),
            )
        return Test(OneOf(model.named(name), tuple(values)))

    wanted = [held(name, values) for name, values in model.source_values.items()]
    return [*wanted, *(negate(held(name, values)) for name, values in model.unlike.items())]


def _in_network(column: Column, network: IPv4Network | IPv6Network) -> Lowered:
    """Lower a test for an address in an IPv4 or IPv6 network.

    Elasticsearch stores IPv4 addresses as IPv4-mapped IPv6 ones, so it cannot tell the two apart, and it refuses
    networks in IPv4-mapped form (its class InetAddresses, parseCidr).
    """
    if column.many or column.kind not in (Kind.TEXT, Kind.ADDRESS):
        raise Unsupported(
            f"{column.field} holds {'several values' if column.many else 'no address'} here; test another field",
            column.field,
        )
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        address = IPv6Address(network.network_address).ipv4_mapped
        return Test(Networks(column, (), (f"{address}/{network.prefixlen - 96}",)))
    test: Lowered = Test(Networks(column, (network_text(network),)))
    if isinstance(network, IPv6Network) and network.supernet_of(_MAPPED):
        return all_of((test, negate(Test(Networks(column, (_EVERY_IPV4,))))))
    return test


def _every_column(model: LogModel) -> list[Column]:
    """The columns to search for a keyword: all but times, those that choose the log source, and `metadata`.

    Raises Unsupported if the pipeline lists no columns.
    """
    if not model.columns:
        raise Unsupported("the pipeline lists no columns to search for a keyword; name the field")
    left_out = {*METADATA, *model.source_values, *model.unlike}
    names = [
        name
        for name in (*model.joined, *model.columns)
        if name not in left_out and not any(fnmatchcase(name, pattern) for pattern in model.metadata)
    ]
    return [column for column in map(model.named, names) if column.kind is not Kind.TIME]


def _expressions(column: Column, test: Matches | KeywordMatches, what: str, joins_arrays: bool) -> Expressions:
    try:
        item = lucene.whole(lucene.parsed(test.pattern, test.flags))
        if joins_arrays:
            return Expressions(column, tuple(lucene.pieces(lucene.one_of_many(item, BETWEEN) if column.many else item)))
        folded = lucene.folded(item) if "i" in test.flags and test.pattern.isascii() else None
        if folded is not None:
            return Expressions(column, (), tuple(lucene.pieces(folded)))
        return Expressions(column, tuple(lucene.pieces(item)))
    except RegexError as error:
        raise Unsupported(
            f"{what}: the regular expression {error}, which Lucene cannot run; {error.hint}", column.field
        ) from None
