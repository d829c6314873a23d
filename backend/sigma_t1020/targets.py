"""What can be converted to: one table, read by the command line and by the build."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """A query language: its pySigma backend, and how its files are named and commented."""

    name: str
    backend: str
    suffix: str
    comment: str


@dataclass(frozen=True)
class Target:
    """A product that queries run on: its dialect and the pipeline that it needs."""

    name: str
    title: str
    dialect: Dialect
    pipeline: str


KQL = Dialect("kql", "t1020_kusto", ".kql", "// ")

TARGETS = {
    target.name: target
    for target in (
        Target("sentinel", "Microsoft Sentinel, Defender XDR tables", KQL, "t1020_sentinel"),
        Target("defender", "Microsoft Defender XDR, advanced hunting", KQL, "t1020_defender"),
    )
}
