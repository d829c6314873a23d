"""Columns: how a target stores a Sigma field, and what kind of values it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    """What kind of values a column holds, whatever the target calls the type."""

    TEXT = auto()
    NUMBER = auto()
    TRUTH = auto()
    TIME = auto()
    ADDRESS = auto()
    OTHER = auto()


#: The types of Kusto and of Elasticsearch's mappings, and the types that a pipeline for Splunk may declare.
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
    """A column of the target.

    - `text`: the name as the dialect writes it; empty if the table stores only the file name of the path.
    - `type`: the target's name for the type.
    - `base_name`: the column that holds the file name of this path.
    - `computed`: the name in the log model's `expressions`, if the query computes the column.
    - `halves`: two columns that give the value when a backslash joins them.
    - `many`: the column holds arrays; a test holds if it holds for any value.
    - `optional`: an installation may lack the column.
    - `name`: the name as the pipeline writes it.
    - `field`: the Sigma field, for messages.
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
        """The kind of its values."""
        return _KINDS.get(self.type, Kind.OTHER)

    @property
    def called(self) -> str:
        """The name to use in messages: the one in the rule, if a rule tests the column."""
        return self.field or self.name or self.text

    @property
    def is_text(self) -> bool:
        """Whether its values are text."""
        return self.kind is Kind.TEXT

    @property
    def nullable(self) -> bool:
        """Whether the type has a null in Kusto; `string` and `dynamic` have none."""
        return self.type not in ("string", "dynamic")
