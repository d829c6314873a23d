"""check --preflight: a query that a workspace can run, and that shows what it lacks of what the rules use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from oracles.kusto_engine import KustoEngine
from sigma_t1020.kusto_language.language import kusto_language
from sigma_t1020.kusto_language.schemas import Schema, SchemaName, load_schema

from cli.rules import CONNECTION, GOOD, correlation, put, rule, sigma_filter
from cli.runner import run

NOW = datetime(2024, 1, 2, tzinfo=timezone.utc)
RECENT = 1704150000000
"""Milliseconds: less than an hour before NOW."""
LONG_AGO = RECENT - 3 * 86_400_000

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def preflight(*arguments: str | Path, target: str = "sentinel") -> str:
    """The query, from a run that has nothing to complain of."""
    done = run("check", "--preflight", target, *arguments)
    assert (done.status, done.stderr) == (0, "")
    return done.stdout


def shown(query: str, rows: Rows, schema: Schema | SchemaName = "sentinel", lacks: str = "") -> list[dict[str, Any]]:
    """What the query gives on these rows, in a workspace whose tables lack one column."""

    def column(found: re.Match[str]) -> str:
        # The engine has no column_ifexists(); here it is decided before, as the service does.
        return found[2] if found[1] == lacks else found[1]

    plain = re.sub(r'column_ifexists\("(\w+)", (""|\w+\(null\))\)', column, query)
    with KustoEngine(schema) as engine:
        for table, events in rows.items():
            engine.load(table, events)
        return engine.query(plain, NOW)


def verdict(
    found: list[dict[str, Any]], table: str, field: str, role: str
) -> tuple[int | None, int | None, float | None, str]:
    """Rows, filled, share and verdict of the one row of that column."""
    (row,) = [each for each in found if (each["Table"], each["Field"], each["Role"]) == (table, field, role)]
    return row["Rows"], row["Filled"], row["Share"], row["Verdict"]


@pytest.fixture
def ordered(tmp_path: Path) -> Path:
    """Two rules, and a correlation of them by host."""
    return put(tmp_path / "r.yml", f"{GOOD}---\n{CONNECTION}---\n{correlation(3, ['rule_1', 'rule_2'])}")


# --- The query --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["sentinel", "defender"])
def test_the_packs_query_is_right_kql_and_asks_for_all_that_the_pack_uses(target: SchemaName) -> None:
    query = preflight(target=target)
    assert kusto_language().diagnostics(query, target) == []
    found = shown(query, {}, target)
    assert {row["Table"] for row in found} == {"DeviceProcessEvents", "DeviceNetworkEvents"}
    assert {row["Role"] for row in found} == {"time", "field", "key"}
    keys = {(row["Table"], row["Field"]) for row in found if row["Role"] == "key"}
    assert keys == {("DeviceProcessEvents", "DeviceId"), ("DeviceNetworkEvents", "DeviceId")}
    assert all(row["Verdict"].startswith("EMPTY") for row in found), "no table has any row"
    times = {row["Field"] for row in found if row["Role"] == "time"}
    assert times == {{"sentinel": "TimeGenerated", "defender": "Timestamp"}[target]}


def test_all_targets_give_a_query_each_and_a_file_takes_them(ordered: Path, tmp_path: Path) -> None:
    both = preflight(ordered, target="all")
    assert both == "\n".join(preflight(ordered, target=target) for target in ("sentinel", "defender"))
    done = run("check", "--preflight", "all", ordered, "-o", tmp_path / "p.kql")
    assert (done.status, done.stdout) == (0, "")
    assert (tmp_path / "p.kql").read_text(encoding="utf-8") == both


def test_fields_are_columns_whatever_the_test(tmp_path: Path) -> None:
    detection = (
        "{s: {Image|re: 'a.*b', CommandLine|contains: É, ProcessId: 5, ProcessId|contains: '4', ParentImage: null, "
        "User: 'DOMAIN\\x'}, t: {OriginalFileName|exists: true}, u: {User|fieldref: ParentUser, UtcTime|hour: 3}, "
        "condition: s and not t or u}"
    )
    query = preflight(put(tmp_path / "r.yml", rule(1, detection=detection)))
    assert kusto_language().diagnostics(query, "sentinel") == []
    fields = {row["Field"] for row in shown(query, {}) if row["Role"] == "field"}
    assert fields >= {
        "FolderPath",
        "ProcessCommandLine",
        "ProcessId",
        "InitiatingProcessFolderPath",
        "User",
        "ParentUser",
        "TimeGenerated",
    }
    assert all(re.fullmatch(r"\w+", field) for field in fields)


def test_titles_and_names_cannot_break_out(tmp_path: Path) -> None:
    title = '"a\\"b\' ] ; | take 1 // \\n\\x01 ```"'
    query = preflight(put(tmp_path / "r.yml", rule(1, title=title)))
    assert kusto_language().diagnostics(query, "sentinel") == []
    assert {row["Rules"] for row in shown(query, {})} == {"a\"b' ] ; | take 1 // \n\x01 ```"}


# --- What it shows ----------------------------------------------------------------------------------------


def events(count: int, **columns: Any) -> list[dict[str, Any]]:
    return [{"TimeGenerated": RECENT + number, **columns} for number in range(count)]


def test_a_filled_column_is_ok_a_partly_filled_one_has_its_share_and_an_empty_one_is_empty(ordered: Path) -> None:
    full = {"DeviceId": "d", "FileName": "curl.exe", "FolderPath": "C:\\x"}
    rows = {
        "DeviceProcessEvents": [*events(3, **full), *events(1, DeviceId="d"), *events(2, FolderPath="/usr/bin/x")],
        "DeviceNetworkEvents": events(4, DeviceId="d", ActionType="ConnectionSuccess"),
    }
    found = shown(preflight(ordered), rows)
    process, network = "DeviceProcessEvents", "DeviceNetworkEvents"
    assert verdict(found, process, "TimeGenerated", "time") == (6, 6, 100.0, "ok")
    # The rows of Linux are none of the log source's.
    assert verdict(found, process, "FileName", "field") == (4, 3, 75.0, "partly")
    assert verdict(found, process, "DeviceId", "key") == (4, 4, 100.0, "ok")
    assert verdict(found, network, "RemotePort", "field") == (
        4,
        0,
        0.0,
        "EMPTY: in no row, or no column of the table; no test of its value finds anything",
    )
    assert found[0]["Field"] == "RemotePort", "what is empty comes first"


def test_an_empty_key_is_said_before_all_else_and_what_it_kills(ordered: Path) -> None:
    rows = {
        "DeviceProcessEvents": events(2, DeviceId="d", FileName="curl.exe"),
        "DeviceNetworkEvents": [*events(3, RemotePort=443)],
    }
    found = shown(preflight(ordered), rows)
    assert verdict(found, "DeviceNetworkEvents", "DeviceId", "key") == (
        3,
        0,
        0.0,
        "EMPTY KEY: these correlations find nothing",
    )
    assert (found[0]["Role"], found[0]["Rules"]) == ("key", "Correlation 3")
    rows["DeviceNetworkEvents"] += events(1, RemotePort=443, DeviceId="d")
    share = verdict(shown(preflight(ordered), rows), "DeviceNetworkEvents", "DeviceId", "key")
    assert share == (4, 1, 25.0, "partly: events without the key take no part in these correlations")


def test_a_computed_key_is_computed(tmp_path: Path) -> None:
    text = f"{GOOD}---\n{CONNECTION}---\n{correlation(3, ['rule_1', 'rule_2']).replace('[Computer]', '[User]')}"
    query = preflight(put(tmp_path / "r.yml", text))
    assert kusto_language().diagnostics(query, "sentinel") == []
    rows = {"DeviceProcessEvents": [*events(1, AccountName="u", AccountDomain="D"), *events(1)]}
    found = shown(query, rows)
    assert verdict(found, "DeviceProcessEvents", "User", "key")[:3] == (2, 1, 50.0)


def test_a_count_asks_for_its_key_and_for_the_value_that_it_counts(tmp_path: Path) -> None:
    more = ", condition: {field: DestinationIp, gte: 3}"
    text = f"{CONNECTION}---\n{correlation(3, ['rule_2'], kind='value_count', more=more)}"
    query = preflight(put(tmp_path / "r.yml", text))
    assert kusto_language().diagnostics(query, "sentinel") == []
    table = "DeviceNetworkEvents"
    found = shown(query, {table: events(2, DeviceId="d", RemotePort=443)})
    assert verdict(found, table, "DeviceId", "key") == (2, 2, 100.0, "ok")
    assert verdict(found, table, "RemoteIP", "value")[3] == "EMPTY VALUE: these correlations have nothing to count"
    assert found[0]["Role"] == "value"


@pytest.mark.parametrize("kind", ["event_count", "temporal"])
def test_sliding_windows_ask_for_each_rules_table(kind: str, tmp_path: Path) -> None:
    more = ", condition: {gte: 3}" if kind == "event_count" else ""
    text = f"{GOOD}---\n{CONNECTION}---\n{correlation(3, ['rule_1', 'rule_2'], kind=kind, more=more)}"
    query = preflight(put(tmp_path / "r.yml", text))
    assert kusto_language().diagnostics(query, "sentinel") == []
    asked = {(row["Table"], row["Field"], row["Role"]) for row in shown(query, {})}
    for table, field in (("DeviceProcessEvents", "FileName"), ("DeviceNetworkEvents", "RemotePort")):
        assert asked >= {(table, "TimeGenerated", "time"), (table, "DeviceId", "key"), (table, field, "field")}


def test_a_count_of_all_events_and_a_keyword_name_no_column(tmp_path: Path) -> None:
    count = correlation(3, ["rule_1"], kind="event_count", more=", condition: {gte: 3}").replace("[Computer]", "[]")
    text = f"{rule(1, detection='{s: [mimikatz], condition: s}')}---\n{count}"
    query = preflight(put(tmp_path / "r.yml", text))
    assert kusto_language().diagnostics(query, "sentinel") == []
    assert {row["Role"] for row in shown(query, {})} == {"time"}


def test_only_the_look_back_counts(ordered: Path) -> None:
    rows = {"DeviceProcessEvents": [{"TimeGenerated": LONG_AGO, "DeviceId": "d"}]}
    time = ("DeviceProcessEvents", "TimeGenerated", "time")
    assert verdict(shown(preflight(ordered), rows), *time) == (
        0,
        0,
        None,
        "EMPTY: the table has no rows in the look-back",
    )
    assert verdict(shown(preflight(ordered, "--lookback", "7d"), rows), *time) == (1, 1, 100.0, "ok")


def test_a_column_that_the_table_lacks_is_empty_and_the_rest_is_shown(ordered: Path) -> None:
    rows = {"DeviceProcessEvents": events(2, DeviceId="d", FileName="curl.exe")}
    found = shown(preflight(ordered), rows, lacks="FileName")
    assert verdict(found, "DeviceProcessEvents", "FileName", "field")[3].startswith("EMPTY: in no row, or no column")
    assert verdict(found, "DeviceProcessEvents", "DeviceId", "key")[3] == "ok"


def test_a_table_that_does_not_exist_is_said(ordered: Path) -> None:
    query = preflight(ordered)
    # The service leaves out a leg of a fuzzy union that names an unknown table; so does this.
    without = re.sub(r"    \(\n        DeviceNetworkEvents\n.*?\n    \),\n", "", query, flags=re.S)
    assert "union isfuzzy=true" in without
    assert without.count("DeviceNetworkEvents\n") == 0
    found = shown(without, {"DeviceProcessEvents": events(1, DeviceId="d")})
    assert verdict(found, "DeviceNetworkEvents", "TimeGenerated", "time") == (
        None,
        None,
        None,
        "EMPTY: there is no such table",
    )
    assert verdict(found, "DeviceNetworkEvents", "DeviceId", "key")[3].startswith("EMPTY: this table, or one ")
    assert verdict(found, "DeviceProcessEvents", "DeviceId", "key")[3] == "ok"


# --- Rules and pipelines ----------------------------------------------------------------------------------


def test_a_shops_own_tables_are_asked(ordered: Path, tmp_path: Path) -> None:
    shop = put(
        tmp_path / "shop.yml",
        """
        name: shop
        priority: 30
        transformations:
          - type: nest
            rule_conditions: [{type: logsource, category: process_creation}]
            items:
              - {type: set_state, key: query_table, val: Shop_CL}
              - {type: set_state, key: time_column, val: At_t}
              - {type: set_state, key: columns, val: {datetime: [At_t], string: [host_s, path_s], int: [pid_d]}}
              - {type: set_state, key: base_names, val: {}}
              - {type: set_state, key: source_filters, val: ['path_s != "-"']}
              - {type: set_state, key: join_keys, val: {Computer: host_s}}
              - {type: set_state, key: event_id, val: [host_s]}
              - {type: set_state, key: projection, val: [host_s]}
              - {type: field_name_mapping, mapping: {FolderPath: path_s}}
        """,
    )
    query = preflight(ordered, "-p", shop)
    own = {"Shop_CL": {"At_t": "datetime", "host_s": "string", "path_s": "string", "pid_d": "int"}}
    assert kusto_language().diagnostics(query, "sentinel", own) == []
    rows = {"Shop_CL": [{"At_t": RECENT, "path_s": "a"}, {"At_t": RECENT, "path_s": "-", "host_s": "h"}]}
    found = shown(query.replace('["host_s"]', "host_s"), rows, {**load_schema("sentinel"), **own})
    assert verdict(found, "Shop_CL", "At_t", "time") == (2, 2, 100.0, "ok")
    assert verdict(found, "Shop_CL", "path_s", "field") == (1, 1, 100.0, "ok")
    assert verdict(found, "Shop_CL", "host_s", "key")[3].startswith("EMPTY KEY")


def test_a_rule_that_is_refused_is_reported_and_the_others_are_asked_for(tmp_path: Path) -> None:
    bad = put(tmp_path / "bad.yml", rule(2, detection="{s: {Imag: a}, condition: s}"))
    done = run("check", "--preflight", "sentinel", bad, put(tmp_path / "good.yml", GOOD))
    assert done.status == 1
    assert done.stderr.startswith(f"{bad}:5: Imag is not a field of DeviceProcessEvents; ")
    assert '"FileName"' in done.stdout
    done = run("check", "--preflight", "all", bad)
    assert (done.status, done.stdout, len(done.complaints)) == (1, "", 1)


def test_of_a_rule_that_is_asked_for_only_what_it_uses_is_shown() -> None:
    rows = run("list", "rules", "--format", "json").json()
    alone = next(str(row["id"]) for row in rows if row["kind"] == "rule" and not row["used by"])
    found = shown(preflight(alone), {})
    assert {row["Table"] for row in found} == {"DeviceProcessEvents"}
    assert {row["Role"] for row in found} == {"time", "field"}


def test_nothing_to_ask_for_is_an_error(tmp_path: Path) -> None:
    done = run("check", "--preflight", "sentinel", put(tmp_path / "f.yml", sigma_filter(8)))
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith("nothing to ask for: no rule is left; ")


def test_a_correlation_of_another_asks_for_what_that_one_uses(tmp_path: Path) -> None:
    inner = correlation(3, ["rule_1"], kind="event_count", more=", condition: {gte: 3}")
    text = f"{GOOD}---\n{CONNECTION}---\n{inner}---\n{correlation(4, ['rule_3', 'rule_2'])}"
    query = preflight(put(tmp_path / "r.yml", text))
    assert kusto_language().diagnostics(query, "sentinel") == []
    asked = {(row["Table"], row["Field"], row["Role"]) for row in shown(query, {})}
    for table, field in (("DeviceProcessEvents", "FileName"), ("DeviceNetworkEvents", "RemotePort")):
        assert asked >= {(table, "TimeGenerated", "time"), (table, "DeviceId", "key"), (table, field, "field")}
    assert {table for table, _, _ in asked} == {"DeviceProcessEvents", "DeviceNetworkEvents"}
