"""Declarations of the keys of the pipeline state: what a key takes, what it means, and which backends read it.

The keys themselves are the fields of log_model.LogModel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from .state_kinds import Kind, Misfit

T = TypeVar("T")

KUSTO = frozenset({"t1020_kusto"})
SPLUNK = frozenset({"t1020_splunk"})
EQL = frozenset({"t1020_eql"})
ESQL = frozenset({"t1020_esql"})
ELASTIC = EQL | ESQL
EVERY = KUSTO | SPLUNK | ELASTIC

# The most characters of a value that a message shows.
_MAX_SHOWN = 60


@dataclass(frozen=True)
class Fault:
    """A value that a key does not take.

    `at` has the keys and list indices that lead to the value, `message` says what is wrong, `hint` what to write.
    """

    at: tuple[str | int, ...]
    message: str
    hint: str


@dataclass(frozen=True)
class StateKey(Generic[T]):
    """One key of the pipeline state.

    `example` is a value in YAML, `backends` has the identifiers of the backends that read the key, and `notes` what
    some of them add to its meaning. `default` is the value of an unset key, if it differs from the kind's.
    """

    name: str
    kind: Kind[T]
    meaning: str
    example: str
    backends: frozenset[str] = EVERY
    notes: Mapping[frozenset[str], str] = field(default_factory=dict)
    default: T | None = None

    @property
    def unset(self) -> T:
        """The value of the key if no pipeline sets it."""
        return self.kind.unset() if self.default is None else self.default

    def as_field(self) -> T:
        """A dataclass field that holds the key's value; keys_of reads the key from it."""
        return field(default_factory=lambda: self.unset, metadata={StateKey: self})

    def fault(self, value: object) -> Fault | None:
        """What is wrong with a value that a pipeline sets; None if the key takes it."""
        try:
            self.kind.read(value)
        except Misfit as misfit:
            return self._fault(misfit)
        return None

    def of(self, state: Mapping[str, Any]) -> T:
        """The key's value in a pipeline's state, or the value of an unset key.

        Raises Unsupported for a value that the key does not take.
        """
        if self.name not in state:
            return self.unset
        try:
            return self.kind.read(state[self.name])
        except Misfit as misfit:
            # Importing pySigma's exceptions is slow, and a caller that only lists the keys needs none.
            from .losses import Unsupported

            fault = self._fault(misfit)
            raise Unsupported(f"{fault.message}; {fault.hint}", at=("logsource", "category")) from None

    def _fault(self, misfit: Misfit) -> Fault:
        found = _shown(misfit.found)
        wrong = f"and {_place(misfit.at)} is {found}, not {misfit.takes}" if misfit.at else f"not {found}"
        message = f"the state key {self.name} takes {self.kind.takes}, {wrong}"
        return Fault(misfit.at, message, f"write for example `val: {self.example}`")


def keys_of(model: type) -> dict[str, StateKey[Any]]:
    """The keys that a dataclass declares, by the names of its fields."""
    return {each.name: each.metadata[StateKey] for each in fields(model) if StateKey in each.metadata}


def _place(at: tuple[str | int, ...]) -> str:
    """The place of a value for messages: `Initiated.values`, or `an item of string` for an item of a list."""
    names = ".".join(step for step in at if isinstance(step, str))
    if isinstance(at[-1], int):
        return f"an item of {names}" if names else "an item"
    return names


def _shown(value: object) -> str:
    """A value for messages, shortened; None and truth values as YAML writes or users call them."""
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, (str, list, tuple, dict)) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
