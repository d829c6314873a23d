"""pySigma plugin: the backends of sigma-t1020, one dialect a module."""

from .kusto import T1020KustoBackend
from .splunk import T1020SplunkBackend

__all__ = ["T1020KustoBackend", "T1020SplunkBackend"]

#: Read by pySigma's plugin discovery.
backends = {"t1020_kusto": T1020KustoBackend, "t1020_splunk": T1020SplunkBackend}
