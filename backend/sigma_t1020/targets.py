"""What can be converted to: one table, read by the command line and by the build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Dialect:
    """A query language: its pySigma backend, how its files are named, and what a comment begins and ends with."""

    name: str
    backend: str
    suffix: str
    comment: tuple[str, str]


@dataclass(frozen=True)
class Target:
    """A product that queries run on: its dialect and the pipeline that it needs."""

    name: str
    title: str
    dialect: Dialect
    pipeline: str
    others: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Further forms of the dialect by name, each with the pipeline that makes it."""

    def spoken(self, name: str) -> Target:
        """The target in another form of its dialect."""
        return replace(self, dialect=replace(self.dialect, name=name), pipeline=self.others[name], others={})


KQL = Dialect("kql", "t1020_kusto", ".kql", ("// ", ""))
SPL = Dialect("spl", "t1020_splunk", ".spl", ("``` ", " ```"))

TARGETS = {
    target.name: target
    for target in (
        Target("sentinel", "Microsoft Sentinel, Defender XDR tables", KQL, "t1020_sentinel"),
        Target("defender", "Microsoft Defender XDR, advanced hunting", KQL, "t1020_defender"),
        Target(
            "splunk", "Splunk, Sysmon's operational log", SPL, "t1020_splunk_sysmon", {"tstats": "t1020_splunk_cim"}
        ),
    )
}
