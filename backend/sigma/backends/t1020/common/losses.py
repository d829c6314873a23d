"""What a query gives up against its rule, and what a backend refuses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sigma.exceptions import SigmaFeatureNotSupportedByBackendError


class LossCode(str, Enum):
    """The closed list of losses. Each makes the whole query wider, but for the bounds of an engine."""

    #: An empty text and a missing value are the same in the table.
    EMPTY = "empty"
    #: An address of IPv4 and its IPv4-mapped form are the same in the index.
    ADDRESS = "address"
    #: The text of the query has no time range; the request or the rule that runs it has. `--strict` lets it pass.
    TIME = "time"
    #: An engine carries or lists no more than so many events; `--strict` lets it pass.
    BOUND = "bound"


@dataclass(frozen=True)
class Loss:
    """One named loss of one query; `field` is the Sigma field that it comes of."""

    code: LossCode
    message: str
    field: str = ""


class Unsupported(SigmaFeatureNotSupportedByBackendError):
    """The dialect cannot say what the rule says.

    The message says what cannot be said, why and, after a semicolon, what to do instead. `field` is the
    Sigma field at fault, or else `at` the place in the rule, as keys from the top.
    """

    def __init__(self, message: str, field: str = "", at: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.field = field
        self.at = at


class NoSuchField(Unsupported):
    """The log source does not have the field."""
