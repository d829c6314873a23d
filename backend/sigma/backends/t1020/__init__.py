"""pySigma plugin: the backends of sigma-t1020, one dialect a module."""

from .kusto import T1020KustoBackend

__all__ = ["T1020KustoBackend"]

#: Read by pySigma's plugin discovery.
backends = {"t1020_kusto": T1020KustoBackend}
