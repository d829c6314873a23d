"""The canonical event: Sysmon field names, a time in milliseconds, and how its values read as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = Scalar | Sequence[Scalar]


@dataclass(frozen=True)
class Event:
    """One log record.

    `id` is unique in a log; `time` is in ms since the Unix epoch, UTC. A field that is absent, None or an
    empty list is the same thing, a missing field, because no target table can tell these apart. A list is a
    multi-valued field: a test holds if it holds for any of its elements. `category` and `product` say which
    Sigma log source the event belongs to; None fits every rule.
    """

    id: str
    time: int
    fields: Mapping[str, Value]
    category: str | None = None
    product: str | None = None


def scalars(event: Event, field: str) -> tuple[str | int | float | bool, ...]:
    """The values of a field without nulls: none for a missing field, several for a multi-valued one."""
    value = event.fields.get(field)
    if value is None:
        return ()
    if isinstance(value, str | int | float):
        return (value,)
    return tuple(element for element in value if element is not None)


def text(value: str | int | float | bool) -> str:
    """How a value reads where a rule asks for a string ("All values are treated as case-insensitive strings",
    rules specification, "Detection: General"): true, false, 443 for 443 and for 443.0, 0.5."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
