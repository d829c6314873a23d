"""The filters: pySigma applies each to every rule that it names, and each hides its product's events and no others."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pack.pack_files import FILTER_FILES, RULE_FILES, document, load_rules
from reference.events import Event, Value
from reference.meaning import matches
from sigma.collection import SigmaCollection

POWERSHELL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"

HIDDEN: dict[str, list[dict[str, Value]]] = {
    "filter_backup_agents": [
        {"ParentImage": "C:\\Program Files\\Veeam\\Backup and Replication\\Backup\\Veeam.Backup.Manager.exe"},
        {"ParentImage": "C:\\Windows\\System32\\wbengine.exe"},
        {"Image": "C:\\Program Files\\Acronis\\tools\\7z.exe"},
    ],
    "filter_cloud_sync_clients": [
        {"Image": "C:\\Program Files\\Microsoft OneDrive\\OneDrive.exe"},
        {"Image": "C:\\Users\\a\\AppData\\Local\\Microsoft\\OneDrive\\OneDrive.exe"},
        {"Image": "C:\\Program Files (x86)\\Dropbox\\Client\\Dropbox.exe"},
        {"Image": "C:\\Program Files\\Google\\Drive File Stream\\99.0\\GoogleDriveFS.exe"},
    ],
    "filter_log_shippers": [
        {"ParentImage": "C:\\Program Files\\SplunkUniversalForwarder\\bin\\splunkd.exe"},
        {"ParentImage": "C:\\Program Files\\nxlog\\nxlog.exe"},
    ],
    "filter_it_automation": [
        {"ParentImage": "C:\\Windows\\CCM\\CcmExec.exe"},
        {
            "ParentImage": "C:\\Windows\\System32\\wsmprovhost.exe",
            "CommandLine": "powershell C:\\Users\\a\\AppData\\Local\\Temp\\ansible-tmp-1\\m.ps1",
        },
        {"CommandLine": "python3 /home/a/.ansible/tmp/ansible-tmp-1-2-3/AnsiballZ_setup.py"},
    ],
    "filter_ci_cd_pipelines": [
        {"ParentImage": "C:\\actions-runner\\bin\\Runner.Worker.exe"},
        {"ParentImage": "/home/ci/actions-runner/bin/Runner.Worker"},
        {"ParentCommandLine": "bash -e /home/ci/actions-runner/_work/_temp/1.sh"},
    ],
}

SHOWN: tuple[dict[str, Value], ...] = (
    {"Image": POWERSHELL, "ParentImage": "C:\\Windows\\explorer.exe", "CommandLine": "powershell"},
    {"Image": "C:\\Users\\a\\Veeam\\7z.exe", "ParentImage": "C:\\Users\\a\\Splunk\\splunkd.exe"},
    {"Image": POWERSHELL, "ParentImage": "C:\\Windows\\explorer.exe", "CommandLine": "powershell \\ansible-tmp-"},
    {"Image": "C:\\Users\\a\\AppData\\Local\\Temp\\OneDrive.exe"},
    {},
)


def names(paths: tuple[Path, ...]) -> list[str]:
    return [path.stem for path in paths]


def as_rule(path: Path) -> dict[str, Any]:
    """The filter's own test as a rule: it holds for the events that the filter lets through."""
    return {"detection": {key: value for key, value in document(path)["filter"].items() if key != "rules"}}


def test_there_is_one_filter_for_each_family() -> None:
    assert {path.stem for path in FILTER_FILES} == HIDDEN.keys()


@pytest.mark.parametrize("path", FILTER_FILES, ids=names(FILTER_FILES))
def test_filter_names_rules_of_the_pack(path: Path) -> None:
    named = document(path)["filter"]["rules"]
    assert named
    assert {*named} <= {document(rule)["id"] for rule in RULE_FILES}
    assert document(path)["author"] == "sigma-t1020"


@pytest.mark.parametrize("path", FILTER_FILES, ids=names(FILTER_FILES))
def test_pysigma_applies_filter_to_just_the_rules_named(path: Path) -> None:
    loaded = SigmaCollection.from_yaml(path.read_text(encoding="utf-8"), collect_filters=True)
    assert not loaded.errors
    (sigma_filter,) = loaded.filters
    touched = set()
    for rule in load_rules().rules:
        before = deepcopy(rule.to_dict())
        if sigma_filter.apply_on_rule(rule).to_dict() != before:
            touched.add(str(rule.id))
    assert touched == {*document(path)["filter"]["rules"]}


@pytest.mark.parametrize("path", FILTER_FILES, ids=names(FILTER_FILES))
def test_filter_hides_its_products_and_nothing_else(path: Path) -> None:
    lets_through = as_rule(path)
    assert not [fields for fields in HIDDEN[path.stem] if matches(lets_through, Event("1", 0, fields))]
    assert not [fields for fields in SHOWN if not matches(lets_through, Event("1", 0, fields))]
