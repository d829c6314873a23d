"""sigma-t1020: Sigma rules for T1020 and the queries that they become."""

__version__ = "0.1.0"
