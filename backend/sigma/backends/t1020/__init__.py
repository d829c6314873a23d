"""pySigma plugin: the backends of sigma-t1020, one dialect a module, each imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .eql import T1020EqlBackend
    from .esql import T1020EsqlBackend
    from .kusto import T1020KustoBackend
    from .splunk import T1020SplunkBackend

__all__ = ["T1020EqlBackend", "T1020EsqlBackend", "T1020KustoBackend", "T1020SplunkBackend"]

_CLASSES = {
    "t1020_kusto": ("kusto", "T1020KustoBackend"),
    "t1020_splunk": ("splunk", "T1020SplunkBackend"),
    "t1020_eql": ("eql", "T1020EqlBackend"),
    "t1020_esql": ("esql", "T1020EsqlBackend"),
}


class _Backends(Mapping[str, Any]):
    """The backends by identifier; each costs some 20 ms, and a run of the program needs one."""

    def __getitem__(self, identifier: str) -> Any:
        module, name = _CLASSES[identifier]
        return getattr(import_module(f"{__name__}.{module}"), name)

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


#: Read by pySigma's plugin discovery.
backends = _Backends()


def __getattr__(name: str) -> Any:
    for identifier, (_module, class_name) in _CLASSES.items():
        if name == class_name:
            return backends[identifier]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
