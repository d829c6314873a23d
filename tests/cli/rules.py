"""Rules, correlations, filters and pipelines for the tests, as the YAML that a user would write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent


def put(path: Path, text: str) -> Path:
    """Write a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def uuid(number: int) -> str:
    """An id that is easily told from others."""
    return f"{number:08d}-0000-4000-8000-000000000000"


def rule(
    number: int,
    *,
    title: str = "",
    detection: str = r"""{selection: {Image|endswith: '\curl.exe'}, condition: selection}""",
    category: str = "process_creation",
) -> str:
    """A rule named rule_<number>."""
    return dedent(f"""\
        title: {title or f"Rule {number}"}
        id: {uuid(number)}
        name: rule_{number}
        logsource: {{category: {category}, product: windows}}
        detection: {detection}
        level: high
        """)


def correlation(number: int, rules: Sequence[str], *, kind: str = "temporal_ordered", more: str = "") -> str:
    """A correlation named rule_<number>; `more` are further keys of it, in flow style."""
    return dedent(f"""\
        title: Correlation {number}
        id: {uuid(number)}
        name: rule_{number}
        correlation: {{type: {kind}, rules: [{", ".join(rules)}], group-by: [Computer], timespan: 5m{more}}}
        level: medium
        """)


def sigma_filter(number: int, rules: str = "any", category: str = "process_creation") -> str:
    """A filter of what C:\\Tools holds."""
    return dedent(f"""\
        title: Filter {number}
        id: {uuid(number)}
        logsource: {{category: {category}, product: windows}}
        filter:
            rules: {rules}
            selection: {{ParentImage|startswith: 'C:\\Tools\\'}}
            condition: not selection
        """)


GOOD = rule(1)
#: A line that only a query of GOOD has.
GOOD_LINE = '| where FileName =~ "curl.exe"'
CONNECTION = rule(
    2, category="network_connection", detection="{selection: {DestinationPort: 443}, condition: selection}"
)
