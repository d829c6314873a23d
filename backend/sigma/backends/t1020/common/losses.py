"""Losses, where a query means less or more than its rule, and the exceptions for rules that a backend refuses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sigma.exceptions import SigmaFeatureNotSupportedByBackendError


class Cause(str, Enum):
    """Where a loss comes from. `--strict` and `check` consider only RULE, because only the rule can be changed."""

    #: The rule distinguishes what the log source stores alike, so the query is wider.
    RULE = "rule"
    #: The engine is exact only up to a limit.
    ENGINE = "engine"
    #: The query cannot say something, so the service that runs it must be configured.
    SERVICE = "service"


class LossCode(str, Enum):
    """The closed list of losses, each with its cause."""

    cause: Cause

    def __new__(cls, code: str, cause: Cause) -> LossCode:
        member = str.__new__(cls, code)
        member._value_ = code
        member.cause = cause
        return member

    #: The table stores an empty text like a missing value.
    EMPTY = "empty", Cause.RULE
    #: The index stores an IPv4 address like its IPv4-mapped form.
    ADDRESS = "address", Cause.RULE
    #: The query has no time range; the request or the rule that runs it must set one.
    TIME = "time", Cause.SERVICE
    #: The service does not tell a query which run it is for, so runs may miss a match or report it twice.
    SCHEDULE = "schedule", Cause.SERVICE
    #: The engine keeps or returns a limited number of events.
    BOUND = "bound", Cause.ENGINE


@dataclass(frozen=True)
class Loss:
    """One loss of one query; `field` is the Sigma field that causes it, empty if none does."""

    code: LossCode
    message: str
    field: str = ""


class Unsupported(SigmaFeatureNotSupportedByBackendError):
    """The dialect cannot express the rule.

    The message says what is not supported, why and, after a semicolon, what to do instead. `field` is the Sigma field
    at fault; without one, `at` is the place in the rule, as keys from the top.
    """

    def __init__(self, message: str, field: str = "", at: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.field = field
        self.at = at


class NoSuchField(Unsupported):
    """The log source does not have the field."""
