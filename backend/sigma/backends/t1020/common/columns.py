"""A field as the target has it: its column, and what kind of values that holds. No dialect."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    """What a column holds, whatever the target calls the type."""

    TEXT = auto()
    NUMBER = auto()
    TRUTH = auto()
    TIME = auto()
    ADDRESS = auto()
    OTHER = auto()


#: The types of Kusto, of Elasticsearch's mappings, and those that a pipeline for Splunk may declare.
_TYPES = {
    Kind.TEXT: ("string", "keyword", "constant_keyword", "wildcard", "text", "match_only_text"),
    Kind.NUMBER: (
        *("number", "int", "long", "real", "decimal"),
        *("integer", "short", "byte", "unsigned_long", "double", "float", "half_float"),
    ),
    Kind.TRUTH: ("bool", "boolean"),
    Kind.TIME: ("datetime", "date", "date_nanos"),
    Kind.ADDRESS: ("ip",),
}
_KINDS = {name: kind for kind, names in _TYPES.items() for name in names}


@dataclass(frozen=True)
class Column:
    """A field as the target has it.

    `text` is the column's name as the dialect writes it, empty where only the file name of a path is stored; `type` is
    the target's name of its type; `base_name` is the column that holds the file name of this path. `computed` names the
    column among the log model's `expressions` where the table does not have it. `halves` are two columns that are its
    value when a backslash joins them. `many` says that it holds arrays, of which a test holds for any value, and
    `optional` that an installation may lack it. `name` is the column's name as the pipeline has it, and `field` the
    Sigma field, for messages.
    """

    text: str
    type: str = "string"
    base_name: str = ""
    computed: tuple[str, ...] = ()
    halves: tuple[Column, ...] = ()
    many: bool = False
    optional: bool = False
    name: str = field(default="", compare=False)
    field: str = field(default="", compare=False)

    @property
    def kind(self) -> Kind:
        """What its values are."""
        return _KINDS.get(self.type, Kind.OTHER)

    @property
    def called(self) -> str:
        """What messages call it: by the name in the rule, where a rule tests it."""
        return self.field or self.name or self.text

    @property
    def is_text(self) -> bool:
        """Whether its values are texts."""
        return self.kind is Kind.TEXT

    @property
    def nullable(self) -> bool:
        """Whether the type has a null in Kusto; strings do not."""
        return self.type not in ("string", "dynamic")
