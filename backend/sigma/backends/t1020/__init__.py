"""pySigma plugin: the backends of sigma-t1020, a folder a dialect.

Each is imported when it is first asked for, since one costs some 40 ms and a run of the program needs one. pySigma's
plugin discovery goes through this module's `__dict__`, and so asks for all of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .eql.backend import T1020EqlBackend
    from .esql.backend import T1020EsqlBackend
    from .kusto.backend import T1020KustoBackend
    from .splunk.backend import T1020SplunkBackend

__all__ = ["T1020EqlBackend", "T1020EsqlBackend", "T1020KustoBackend", "T1020SplunkBackend"]


@dataclass(frozen=True)
class _Later:
    """A class that is not imported yet: its module here."""

    module: str


class _Plugin(ModuleType):
    """This module, which imports what it has for later."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            for known in __all__:
                getattr(self, known)
        found = super().__getattribute__(name)
        if isinstance(found, _Later):
            found = getattr(import_module(f"{__name__}.{found.module}"), name)
            setattr(self, name, found)
        return found


if not TYPE_CHECKING:
    T1020EqlBackend = _Later("eql.backend")
    T1020EsqlBackend = _Later("esql.backend")
    T1020KustoBackend = _Later("kusto.backend")
    T1020SplunkBackend = _Later("splunk.backend")

_CLASSES = {
    "t1020_eql": "T1020EqlBackend",
    "t1020_esql": "T1020EsqlBackend",
    "t1020_kusto": "T1020KustoBackend",
    "t1020_splunk": "T1020SplunkBackend",
}


def backend_class(identifier: str) -> Any:
    """The class of a backend by the name that sigma-cli knows it by."""
    return getattr(sys.modules[__name__], _CLASSES[identifier])


sys.modules[__name__].__class__ = _Plugin
