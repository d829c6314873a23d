"""pySigma's exceptions as faults: the key of the rule that each belongs to, and what to do about it."""

from __future__ import annotations

from sigma_t1020.problems import Fault, Place, shown

# What pySigma may trip over, apart from its own SigmaError, which is a ValueError.
TRIPS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RecursionError, TypeError, ValueError)
ID_HINT = "make one with `python -c 'import uuid; print(uuid.uuid4())'`"
FIELDS_HINT = "write a list of field names"
CONDITION_HINT = "a condition joins selections by and, or, not, `1 of x_*`"
CORRELATION_KEYS = ("type", "rules", "generate", "group-by", "timespan", "aliases", "condition")

_TAGS_HINT = "write a list of tags such as attack.exfiltration"
# By name, so that this module does not import pySigma.
_HEAD_ERRORS = {
    "SigmaTitleError": ("title", "add `title:`, one line of at most 256 characters"),
    "SigmaIdentifierError": ("id", ID_HINT),
    "SigmaNameError": ("name", "give a short name, or remove `name`"),
    "SigmaTaxonomyError": ("taxonomy", "remove `taxonomy`"),
    "SigmaRelatedError": ("related", "write a list of `- id: <UUID>` with `type: derived`"),
    "SigmaLevelError": ("level", "use informational, low, medium, high or critical"),
    "SigmaStatusError": ("status", "use stable, test, experimental, deprecated or unsupported"),
    "SigmaTagError": ("tags", _TAGS_HINT),
    "SigmaDateError": ("date", "write it as 2025-01-31"),
    "SigmaModifiedError": ("modified", "write it as 2025-01-31"),
    "SigmaFieldsError": ("fields", FIELDS_HINT),
    "SigmaFalsePositivesError": ("falsepositives", "write a list of sentences"),
    "SigmaAuthorError": ("author", "write one line, names separated by commas"),
    "SigmaDescriptionError": ("description", "write a text, in quotes or after `|`"),
    "SigmaReferencesError": ("references", "write a list of links"),
    "SigmaScopeError": ("scope", "write a list"),
    "SigmaLicenseError": ("license", "write the licence's name"),
}


def fault_of(error: Exception, at: Place) -> Fault:
    """The exception as a Fault at `at`, or at the key that its class or its message names."""
    name = type(error).__name__
    message = message_of(error)
    if name in _HEAD_ERRORS:
        key, hint = _HEAD_ERRORS[name]
        return Fault((key,), message, hint)
    if name == "SigmaTimespanError":
        return Fault(("correlation", "timespan"), message, "write a number and one of s, m, h, d, w, M, y: 5m")
    if name == "SigmaValueError" and "tag" in message:
        return Fault(("tags",), message, _TAGS_HINT)
    if at == ("correlation",):
        key = next((key for key in CORRELATION_KEYS if key in message.lower()), "condition")
        return Fault((*at, key), message, "see the Sigma correlation rules specification")
    if "onditionError" in name:
        return Fault((*at, "condition"), message, CONDITION_HINT)
    if not name.startswith("Sigma"):
        message = f"not a form that Sigma accepts ({name}: {shown(message, '')})"
    return Fault(at, message, "compare it with the Sigma specification")


def message_of(error: Exception) -> str:
    """The exception's message without pySigma's note of the source, or the name of its class."""
    return (str(error.args[0]) if error.args else type(error).__name__).rstrip(".")
