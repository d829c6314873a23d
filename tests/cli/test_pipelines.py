"""-p: a shop's own field names and tables, and pipelines that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigma_t1020.resources import pipeline_path

from cli.rules import CONNECTION, GOOD, GOOD_LINE, correlation, put, rule
from cli.runner import REPOSITORY, queries, query, run

SHOP_FIELDS = """
    name: shop fields
    priority: 10
    transformations:
      - type: field_name_mapping
        mapping: {proc_path: Image, peer: DestinationIp}
    """
SHOP_TABLES = """
    name: shop tables
    priority: 30
    transformations:
      - type: nest
        rule_conditions: [{type: logsource, category: process_creation}]
        items:
          - {type: set_state, key: query_table, val: Shop_Process_CL}
          - {type: set_state, key: time_column, val: EventTime_t}
          - {type: set_state, key: columns, val: {}}
          - {type: set_state, key: base_names, val: {}}
          - {type: set_state, key: source_filters, val: []}
          - {type: set_state, key: join_keys, val: {Computer: HostId_s}}
          - {type: set_state, key: event_id, val: [HostId_s, RecordId_d]}
          - {type: set_state, key: projection, val: [EventTime_t, HostId_s, FolderPath]}
      - type: nest
        rule_conditions: [{type: logsource, category: network_connection}]
        items:
          - {type: set_state, key: query_table, val: Shop_Network_CL}
          - {type: set_state, key: time_column, val: SeenAt_t}
          - {type: set_state, key: columns, val: {int: [RemotePort], string: [Host_s, RemoteIP]}}
          - {type: set_state, key: source_filters, val: []}
          - {type: set_state, key: join_keys, val: {Computer: Host_s}}
          - {type: set_state, key: event_id, val: [Host_s, RecordId_d]}
          - {type: set_state, key: evidence, val: [RemoteIP]}
    """


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return put(tmp_path / "good.yml", GOOD)


def test_a_shops_own_field_names_become_the_tables_columns(good: Path, tmp_path: Path) -> None:
    own = put(tmp_path / "own.yml", GOOD.replace("Image|", "proc_path|"))
    pipeline = put(tmp_path / "shop.yml", SHOP_FIELDS)
    assert query(own, "-p", pipeline) == query(good)
    assert query(own, "-p", pipeline, target="defender") == query(good, target="defender")
    (found,) = queries(own, "-p", pipeline)
    assert found["pipeline"] == f"t1020_sentinel, {pipeline}"
    done = run("convert", "-t", "sentinel", own)
    assert (done.status, done.stdout) == (1, "")
    assert "proc_path is not a field of DeviceProcessEvents" in done.stderr


def test_state_keys_move_the_join_to_a_shops_own_tables(good: Path, tmp_path: Path) -> None:
    more = put(tmp_path / "more.yml", f"{CONNECTION}---\n{correlation(3, ['rule_1', 'rule_2'])}")
    text = query(good, more, "-p", put(tmp_path / "shop.yml", SHOP_TABLES))
    for expected in (
        "Shop_Process_CL",
        "Shop_Network_CL",
        "| where EventTime_t > ago(",
        "| where SeenAt_t > ago(",
        "Step2Time = SeenAt_t",
        "Step2RemoteIP",
        "isnotempty(HostId_s)",
        "Computer = Host_s",
        "Computer = HostId_s",
        "EventTime_t + 5m",
    ):
        assert expected in text, expected
    for gone in ("DeviceProcessEvents", "DeviceNetworkEvents", "TimeGenerated", "DeviceId"):
        assert gone not in text, gone


def test_a_folder_of_pipelines_is_read_whole(tmp_path: Path) -> None:
    own = put(tmp_path / "own.yml", GOOD.replace("Image|", "proc_path|"))
    put(tmp_path / "p" / "deep" / "1.yml", SHOP_FIELDS)
    put(tmp_path / "p" / "2.yml", SHOP_TABLES)
    text = query(own, "-p", tmp_path / "p")
    assert "Shop_Process_CL\n" in text
    assert "proc_path" not in text


def test_the_targets_own_pipeline_is_not_applied_twice(good: Path, tmp_path: Path) -> None:
    expected = queries(good)
    assert queries(good, "-p", "t1020_sentinel") == expected
    assert queries(good, "-p", REPOSITORY / "pipelines" / "t1020_sentinel.yml") == expected
    assert queries("-p", "t1020_sentinel") == queries()


def test_a_changed_copy_of_the_targets_own_pipeline_takes_its_place(good: Path, tmp_path: Path) -> None:
    text = pipeline_path("t1020_sentinel").read_text(encoding="utf-8").replace("DeviceProcessEvents", "Copied_CL")
    assert query(good, "-p", put(tmp_path / "copy.yml", text)).startswith("Copied_CL\n")


def test_a_pipeline_in_utf8_is_read_in_any_locale(good: Path, tmp_path: Path) -> None:
    pipeline = put(tmp_path / "shop.yml", SHOP_FIELDS.replace("proc_path", "Prozeßpfad"))
    own = put(tmp_path / "own.yml", GOOD.replace("Image|", "Prozeßpfad|"))
    assert GOOD_LINE in query(own, "-p", pipeline)


def test_postprocessing_is_applied_to_each_query_and_refused_where_there_is_but_one(good: Path, tmp_path: Path) -> None:
    pipeline = put(tmp_path / "p.yml", "name: p\npostprocessing:\n  - {type: embed, prefix: 'let a = 1; '}\n")
    assert query(good, "-p", pipeline).startswith("let a = 1; DeviceProcessEvents\n")
    done = run("convert", "-t", "sentinel", good, "-p", pipeline, "--combine")
    assert (done.status, done.stdout) == (1, "")
    assert done.complaints == [
        f"{pipeline}: postprocessing applies to single queries; leave out --combine, or remove `postprocessing`"
    ]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", ": ", "not a pySigma pipeline"),
        ("- a\n", ": ", "not a pySigma pipeline"),
        ("just text\n", ": ", "not a pySigma pipeline"),
        ("name: a\n---\nname: b\n", ": ", "not a pySigma pipeline"),
        ("name: 'a\n", ":1: ", "not valid YAML"),
        ("name: a\ntransformations:\n\t- type: x\n", ":3: ", "a tab in the indentation"),
        ("name: a\npriority: high\n", ":2: ", "`priority` is not a whole number"),
        ("name: a\ntransformation: []\n", ":2: ", "a pipeline has no key transformation"),
        ("name: a\ntransformations: 5\n", ":2: ", "`transformations` is not a list"),
        ("name: a\ntransformations:\n  - text\n", ":3: ", "a transformation is not a mapping"),
        ("name: a\ntransformations:\n  - {type: nonsense}\n", ": ", "Unknown transformation type 'nonsense'"),
        ("name: a\ntransformations:\n  - {type: set_state}\n", ": ", "not a usable pySigma pipeline"),
        ("name: a\nfinalizers:\n  - {type: json}\n", ":2: ", "finalizers are not supported, because they join"),
        (
            "name: a\ntransformations:\n  - type: set_state\n    key: columns\n    val: [a]\n",
            ":5: ",
            "the state key columns takes a mapping of types to lists of columns, not ['a']; write for example `val: {",
        ),
        (
            "name: a\ntransformations:\n  - type: nest\n    items:\n"
            "      - {type: set_state, key: query_table, val: 5}\n",
            ":5: ",
            "the state key query_table takes a text that is not empty, not 5; ",
        ),
        (
            "name: a\ntransformations:\n  - {type: set_state, key: join_keys, val: {Computer: [a, b]}}\n",
            ":3: ",
            "the state key join_keys takes a mapping of texts to texts, and Computer is ['a', 'b'], not a text",
        ),
        (
            "name: a\ntransformations:\n"
            "  - {type: set_state, key: value_maps, val: {Initiated: {column: a, values: x}}}\n",
            ":3: ",
            "the state key value_maps takes a mapping of fields to a `column` and its `values`, and Initiated.values",
        ),
        ("name: a\nallowed_backends: [splunk]\n", " ", "is a pipeline for splunk, not for t1020_kusto"),
        ("name: t1020_defender\n", " ", "is the pipeline of the target defender; use --target defender"),
    ],
)
def test_a_broken_pipeline_says_where_and_what(text: str, place: str, message: str, good: Path, tmp_path: Path) -> None:
    path = put(tmp_path / "p.yml", text)
    output = tmp_path / "out.kql"
    done = run("convert", "-t", "sentinel", good, "-p", path, "-o", output)
    assert (done.status, done.stdout, len(done.complaints)) == (1, "", 1)
    assert done.stderr.startswith(str(path) + place)
    assert message in done.stderr
    assert "; " in done.stderr, "it says what to do"
    assert not output.exists()


def test_a_binary_and_a_self_multiplying_pipeline_are_refused_at_once(good: Path, tmp_path: Path) -> None:
    binary = tmp_path / "binary.yml"
    binary.write_bytes(bytes(range(256)))
    layers = "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 12))
    bomb = put(tmp_path / "bomb.yml", f"name: a\nx0: &x0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n{layers}")
    for path in (binary, bomb):
        done = run("convert", "-t", "sentinel", good, "-p", path)
        assert (done.status, done.stdout) == (1, "")
        assert done.stderr.startswith(str(path))
        assert done.seconds < 5


@pytest.mark.parametrize("name", ["t1020_sentinl", "none.yml", "x" * 300])
def test_a_missing_pipeline_is_named(name: str, good: Path, tmp_path: Path) -> None:
    done = run("convert", "-t", "sentinel", good, "-p", name)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{name}: no such file or folder, and no pipeline of that name is installed; ")


def test_a_folder_without_pipelines_and_one_of_an_other_backend_are_refused(good: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("convert", "-t", "sentinel", good, "-p", tmp_path / "empty")
    assert done.complaints == [
        f"{tmp_path / 'empty'}: no .yml file in this folder; name a pipeline file or a folder of them"
    ]
    done = run("convert", "-t", "sentinel", good, "-p", "splunk_windows")
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith("splunk_windows is a pipeline for splunk, splunk_spl2, not for t1020_kusto; ")


@pytest.mark.parametrize(
    ("transformation", "message"),
    [
        ("{type: rule_failure, message: no such log here}", "no such log here"),
        ("{type: field_name_mapping, mapping: text}", "a pipeline fails on this rule: "),
        ("{type: convert_type, target_type: num}", r"Value '*\curl.exe' can't be converted to number"),
        ("{type: drop_detection_item}", "nothing is left to search for in sentinel after the pipeline; "),
    ],
)
def test_a_pipeline_that_fails_on_one_rule_costs_that_rule_only(
    transformation: str, message: str, good: Path, tmp_path: Path
) -> None:
    only = "rule_conditions: [{type: logsource, category: process_creation}]"
    text = f"name: p\npriority: 5\ntransformations:\n  - {transformation[:-1]}, {only}}}\n"
    other = put(tmp_path / "other.yml", CONNECTION)
    done = run("convert", "-t", "sentinel", good, other, "-p", put(tmp_path / "p.yml", text))
    assert done.status == 1
    assert len(done.complaints) == 1
    assert done.stderr.startswith(f"{good}:1: {message}")
    assert "while applying" not in done.stderr
    assert "processing_item" not in done.stderr
    assert done.stdout.startswith("// Rule 2")


def test_a_template_that_fails_is_the_pipelines_fault(good: Path, tmp_path: Path) -> None:
    text = "name: p\npostprocessing:\n  - {type: template, template: '{{ query.a.b }}'}\n"
    done = run("convert", "-t", "sentinel", good, "-p", put(tmp_path / "p.yml", text))
    assert done.status == 1
    assert done.stderr.startswith(f"{good}:1: a pipeline fails on this rule: 'str object' has no attribute 'a'; ")


def test_a_condition_of_several_that_a_pipeline_empties_is_no_silent_loss(tmp_path: Path) -> None:
    detection = "{a: {Image: a}, b: {Protocol: b}, condition: [a, b]}"
    text = "name: p\npriority: 5\ntransformations:\n  - type: drop_detection_item\n    field_name_conditions:\n"
    text += "      - {type: include_fields, fields: [Protocol]}\n"
    path = put(tmp_path / "r.yml", rule(1, detection=detection))
    done = run("convert", "-t", "sentinel", path, "-p", put(tmp_path / "p.yml", text))
    assert (done.status, done.stdout) == (1, "")
    assert "nothing is left to search for" in done.stderr
