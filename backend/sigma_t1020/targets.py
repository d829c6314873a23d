"""What can be converted to: one table, read by the command line and by the build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Dialect:
    """A query language: its pySigma backend, how its files are named, and what a comment begins and ends with.

    `combines` says whether it can put several rules into one query.
    """

    name: str
    backend: str
    suffix: str
    comment: tuple[str, str]
    combines: bool = True


@dataclass(frozen=True)
class Target:
    """A product that queries run on: its usual dialect, and the pipeline that it needs."""

    name: str
    title: str
    dialect: Dialect
    pipeline: str
    others: Mapping[str, tuple[Dialect, str]] = field(default_factory=dict, hash=False)
    """Further dialects by name, each with the pipeline that it needs."""
    models: tuple[str, ...] = ()
    """Pipelines of other log models, which take the place of the target's own where they are named."""

    def spoken(self, name: str) -> Target:
        """The target in a dialect of that name; itself in its usual one."""
        if name == self.dialect.name:
            return self
        dialect, pipeline = self.others[name]
        return replace(self, dialect=dialect, pipeline=pipeline, others={})

    @property
    def languages(self) -> list[Target]:
        """The target in each of its dialects whose files have a name of their own."""
        spoken = [self.spoken(name) for name in self.others]
        return [self, *(other for other in spoken if other.dialect.suffix != self.dialect.suffix)]


KQL = Dialect("kql", "t1020_kusto", ".kql", ("// ", ""))
SPL = Dialect("spl", "t1020_splunk", ".spl", ("``` ", " ```"))
TSTATS = Dialect("tstats", "t1020_splunk", ".spl", ("``` ", " ```"))
EQL = Dialect("eql", "t1020_eql", ".eql", ("// ", ""), combines=False)
ESQL = Dialect("esql", "t1020_esql", ".esql", ("// ", ""))

DIALECTS = {dialect.name: dialect for dialect in (KQL, SPL, TSTATS, EQL, ESQL)}
TARGETS = {
    target.name: target
    for target in (
        Target("sentinel", "Microsoft Sentinel, Defender XDR tables", KQL, "t1020_sentinel"),
        Target("defender", "Microsoft Defender XDR, advanced hunting", KQL, "t1020_defender"),
        Target(
            "splunk",
            "Splunk, Sysmon's operational log",
            SPL,
            "t1020_splunk_sysmon",
            {"tstats": (TSTATS, "t1020_splunk_cim")},
        ),
        Target(
            "elastic",
            "Elastic Security, Elastic Defend's events",
            EQL,
            "t1020_elastic_defend",
            {"esql": (ESQL, "t1020_elastic_defend")},
            ("t1020_elastic_winlogbeat",),
        ),
    )
}
