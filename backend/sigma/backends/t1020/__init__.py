"""The pySigma plugin of sigma-t1020: one backend for each dialect, in a folder of its own.

A backend is imported on first use, because an import takes about 40 ms and a run of the program needs only one.
pySigma's plugin discovery reads this module's `__dict__`, which imports them all.
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
    """A class that is not imported yet; `module` is its module in this package."""

    module: str


class _Plugin(ModuleType):
    """This module; it imports a backend class when it is first read."""

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
    """The backend class with this identifier, the name that sigma-cli uses. Raises KeyError for an unknown one."""
    return getattr(sys.modules[__name__], _CLASSES[identifier])


sys.modules[__name__].__class__ = _Plugin
