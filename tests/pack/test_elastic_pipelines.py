"""What the pipelines of Elastic's data say: fields that the mappings have, values in the documents' form."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaTransformationError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaDetection, SigmaRule

PIPELINES = Path(__file__).parents[2] / "pipelines"
DEFEND = "t1020_elastic_defend"
SYSMON = "t1020_elastic_winlogbeat"
METADATA = {"_id", "_index", "_version"}
TYPES = {"boolean", "date", "double", "ip", "keyword", "long", "wildcard"}
PRODUCTS = ("windows", "linux", "macos", "")


@cache
def content(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((PIPELINES / f"{name}.yml").read_text("utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def nests(name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The file's categories, each with the item that describes it."""
    for item in content(name)["transformations"]:
        if item["type"] == "nest":
            for condition in item["rule_conditions"]:
                yield item, condition["category"]


CATEGORIES = [(name, category) for name in (DEFEND, SYSMON) for _, category in nests(name)]


def applied(name: str, category: str, product: str, test: str) -> tuple[SigmaRule, dict[str, Any]]:
    """A rule with this one test, as the pipeline leaves it, and the pipeline's state."""
    source = f"category: {category}" + (f"\n  product: {product}" if product else "")
    text = f"title: Rule\nlogsource:\n  {source}\ndetection:\n  s:\n    {test}\n  condition: s\n"
    [rule] = SigmaCollection.from_yaml(text).rules
    assert isinstance(rule, SigmaRule)
    pipeline = ProcessingPipeline.from_dict(deepcopy(content(name)))
    pipeline.apply(rule)
    return rule, pipeline.state


def items_in(detection: SigmaDetection) -> list[tuple[str | None, list[str]]]:
    """The detection's tests in order: field and values."""
    found: list[tuple[str | None, list[str]]] = []
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            found += items_in(item)
        else:
            found.append((item.field, [str(value) for value in item.value]))
    return found


def left_of(name: str, category: str, product: str, test: str) -> list[tuple[str | None, list[str]]]:
    return items_in(applied(name, category, product, test)[0].detection.detections["s"])


def mapped(name: str, category: str) -> set[str]:
    """The fields to which the category's item renames Sigma's."""
    [item] = [item for item, of in nests(name) if of == category]
    renaming = [inner["mapping"] for inner in item["items"] if inner["type"] == "field_name_mapping"]
    assert renaming
    return {field for mapping in renaming for field in mapping.values()}


@pytest.mark.parametrize("name", [DEFEND, SYSMON])
def test_pysigma_reads_the_file(name: str) -> None:
    pipeline = ProcessingPipeline.from_yaml((PIPELINES / f"{name}.yml").read_text("utf-8"))
    assert (pipeline.name, pipeline.priority) == (name, 20)
    assert pipeline.allowed_backends == {"t1020_eql", "t1020_esql"}


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize(("name", "category"), CATEGORIES)
def test_every_field_is_a_column_of_one_type(name: str, category: str, product: str) -> None:
    _, state = applied(name, category, product, "Image: x")
    columns: dict[str, list[str]] = state["columns"]
    names = [field for fields in columns.values() for field in fields]
    assert set(columns) <= TYPES
    assert len(names) == len(set(names))
    used = {
        *state["projection"],
        *state["evidence"],
        *state["source_values"],
        *state["multivalued"],
        *state.get("optional", ()),
        *state["join_keys"].values(),
        *(field for pair in state.get("joined", {}).values() for field in pair),
        *(entry["column"] for entry in state.get("value_maps", {}).values()),
        *mapped(name, category),
    }
    assert used - set(names) == METADATA
    assert state["projection"][-3:] == ["_id", "_index", "_version"]
    assert state["event_category"]
    assert state["indices"]


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize(("name", "category"), CATEGORIES)
def test_events_are_chosen_by_texts(name: str, category: str, product: str) -> None:
    _, state = applied(name, category, product, "Image: x")
    values = [value for values in state["source_values"].values() for value in values]
    assert values
    assert all(isinstance(value, str) for value in values)
    if name == DEFEND and product in state["products"]:
        assert state["source_values"]["host.os.type"] == [product]
    if name == SYSMON:
        assert set(state["source_values"]) >= {"event.code", "event.provider"}
        assert "Sysmon event " + " or ".join(state["source_values"]["event.code"]) == state["query_table"]


def test_a_fork_is_not_a_process_that_starts() -> None:
    actions = {
        product: applied(DEFEND, "process_creation", product, "Image: x")[1]["source_values"]["event.action"]
        for product in PRODUCTS
    }
    assert actions == {"windows": ["start"], "linux": ["exec"], "macos": ["exec"], "": ["start", "exec"]}


@pytest.mark.parametrize(
    ("name", "category", "hashes"),
    [
        (DEFEND, "process_creation", ["process.hash.md5", "process.hash.sha1", "process.pe.imphash"]),
        (DEFEND, "image_load", ["dll.hash.md5", "dll.hash.sha1", "dll.pe.imphash"]),
        (SYSMON, "process_creation", ["process.hash.md5", "process.hash.sha1", "process.pe.imphash"]),
        (SYSMON, "image_load", ["file.hash.md5", "file.hash.sha1", "file.pe.imphash"]),
        (SYSMON, "file_delete", ["related.hash"] * 3),
    ],
)
def test_hashes_are_apart_and_in_lower_case(name: str, category: str, hashes: list[str]) -> None:
    values = [f"MD5={'A' * 32}", "B" * 40, f"IMPHASH={'C' * 32}"]
    found = left_of(name, category, "windows", f"Hashes|contains: [{', '.join(values)}]")
    assert found == list(zip(hashes, [["a" * 32], ["b" * 40], ["c" * 32]], strict=True))


@pytest.mark.parametrize(
    ("test", "field", "value"),
    [
        (
            r"TargetObject: HKLM\System\CurrentControlSet\Services\x",
            "registry.path",
            r"HKLM\System\ControlSet00?\Services\x",
        ),
        (r"TargetObject|contains: \CurrentControlSet\Services", "registry.path", r"*\ControlSet00?\Services*"),
        (r"TargetObject: HKU\\*\Run\x", "registry.path", r"HKEY_USERS\*\Run\x"),
        (r"TargetObject|endswith: \command\(Default)", "registry.path", "*\\command\\"),
        ("Details: DWORD (0x00000001)", "registry.data.strings", "1"),
        ("Details|endswith: .exe", "registry.data.strings", "*.exe"),
    ],
)
def test_registry_values_have_the_form_of_defend(test: str, field: str, value: str) -> None:
    assert left_of(DEFEND, "registry_set", "windows", test) == [(field, [value])]


def test_sysmon_s_registry_paths_stay_and_its_numbers_are_decimal() -> None:
    path = r"HKLM\System\CurrentControlSet\Services\x"
    assert left_of(SYSMON, "registry_set", "windows", f"TargetObject: {path}") == [("registry.path", [path])]
    found = left_of(SYSMON, "registry_set", "windows", "Details: [DWORD (0x0000000A), text]")
    assert found == [("registry.data.strings", ["10", "text"])]


def test_integrity_levels_are_words() -> None:
    found = left_of(DEFEND, "process_creation", "windows", "IntegrityLevel: [System, S-1-16-12288]")
    assert found == [("process.Ext.token.integrity_level_name", ["system", "high"])]


def test_a_user_has_a_domain_on_windows_alone() -> None:
    rule, state = applied(DEFEND, "process_creation", "windows", r"User: NT AUTHORITY\SYSTEM")
    assert items_in(rule.detection.detections["s"]) == [("User", [r"NT AUTHORITY\SYSTEM"])]
    assert state["joined"] == {"User": ["user.domain", "user.name"]}
    rule, state = applied(DEFEND, "process_creation", "linux", "User: root")
    assert items_in(rule.detection.detections["s"]) == [("user.name", ["root"])]
    assert state["joined"] == {}


@pytest.mark.parametrize(
    ("name", "category", "product", "test", "message"),
    [
        (DEFEND, "process_creation", "windows", "Company: x", "test OriginalFileName"),
        (DEFEND, "process_creation", "macos", "ParentCommandLine: x", "test ParentImage"),
        (DEFEND, "process_creation", "windows", "ParentUser: x", "test User"),
        (DEFEND, "process_creation", "windows", "Hashes|contains: SHA256=ab", "one whole MD5"),
        (DEFEND, "network_connection", "linux", "DestinationHostname: x", "test DestinationIp"),
        (DEFEND, "dns_query", "windows", "QueryResults: x", "test QueryName"),
        (DEFEND, "file_event", "windows", "sha256: x", "test TargetFilename"),
        (DEFEND, "registry_set", "windows", r"TargetObject: HKCR\x", "HKCR"),
        (DEFEND, "registry_set", "windows", r"TargetObject: HKCU\x", "HKCU"),
        (DEFEND, "registry_set", "windows", r"TargetObject|contains: \x\(Default)", "with |endswith"),
        (DEFEND, "registry_set", "windows", "Details: QWORD (0x00000000-0x00000001)", "decimal"),
        (DEFEND, "registry_set", "windows", "Details: Binary Data", "test TargetObject"),
        (DEFEND, "image_load", "windows", "FileVersion: 10.0.1.1 (WinBuild.160101.0800)", "four numbers"),
        (SYSMON, "process_creation", "linux", "User: root", "test Image"),
        (SYSMON, "network_connection", "windows", "DestinationPortName: x", "test DestinationPort"),
        (SYSMON, "registry_set", "windows", "Details: DWORD (0x000000ff)", "decimal"),
        (SYSMON, "dns_query", "windows", "QueryResults: x", "test QueryName"),
    ],
)
def test_what_the_documents_do_not_hold_is_refused(
    name: str, category: str, product: str, test: str, message: str
) -> None:
    with pytest.raises(SigmaTransformationError) as raised:
        applied(name, category, product, test)
    assert message in str(raised.value)


def test_a_name_of_macos_is_found() -> None:
    found = left_of(DEFEND, "network_connection", "macos", "DestinationHostname: x")
    assert found == [("destination.domain", ["x"])]
