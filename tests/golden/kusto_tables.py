"""Events as rows of the Defender tables: those of events/defender_tables.py, file, registry and device rows besides.

Written from Microsoft's descriptions of DeviceFileEvents, DeviceRegistryEvents and DeviceInfo, not from the pipelines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from events.defender_tables import TIME_COLUMNS, row
from oracles.kusto_engine import KustoEngine
from reference.events import Event
from sigma_t1020.kusto_language.schemas import SchemaName

from golden.cases import NOW, Labelled

# Defender writes the root keys out, the hives of people under HKEY_CURRENT_USER, and HKEY_CLASSES_ROOT as the branch
# that it is a view of.
_ROOT_KEYS = {
    "HKLM\\": "HKEY_LOCAL_MACHINE\\",
    "HKU\\S-1-5-21-": "HKEY_CURRENT_USER\\S-1-5-21-",
    "HKU\\": "HKEY_USERS\\",
    "HKCR\\": "HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes\\",
}
_REGISTRY_ACTIONS = {
    "CreateKey": "RegistryKeyCreated",
    "DeleteKey": "RegistryKeyDeleted",
    "DeleteValue": "RegistryValueDeleted",
    "SetValue": "RegistryValueSet",
}
_FILE_ACTIONS = {"file_event": "FileCreated", "file_delete": "FileDeleted", "file_rename": "FileRenamed"}
_PLATFORMS = {"windows": "Windows11", "linux": "Linux", "macos": "macOS"}


def load(engine: KustoEngine, events: Iterable[Labelled], target: SchemaName) -> None:
    """Put events into the tables that they belong to, and their hosts into the device inventory."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for labelled in events:
        table, values = _row(labelled.event, target)
        tables.setdefault(table, []).append(values)
        if labelled.inventory is not None:
            device = {
                TIME_COLUMNS[target]: NOW - timedelta(hours=1),
                "DeviceId": labelled.event.fields["HostId"],
                "OSPlatform": _PLATFORMS[labelled.inventory],
            }
            tables.setdefault("DeviceInfo", []).append(device)
    for table, rows in tables.items():
        engine.load(table, rows)


def _row(event: Event, target: SchemaName) -> tuple[str, dict[str, Any]]:
    category = str(event.category)
    table, base = row(event, target)
    if category == "network_connection" and "ParentImage" in event.fields:
        base["InitiatingProcessParentFileName"] = str(event.fields["ParentImage"]).rsplit("\\", 1)[-1]
    hashes = dict(part.split("=") for part in str(event.fields.get("Hashes") or "").split(",") if part)
    # Sysmon writes them in upper case, Defender in lower case; it knows no IMPHASH.
    base |= {name: value.lower() for name, value in hashes.items() if name in ("MD5", "SHA1", "SHA256")}
    if "LogonId" in event.fields:
        base["LogonId"] = int(str(event.fields["LogonId"]), 16)
    if not category.startswith(("file_", "registry_")):
        return table, base
    found = {column: base[column] for column in (TIME_COLUMNS[target], "ReportId", "DeviceName", "DeviceId")}
    if "Image" in event.fields:
        found["InitiatingProcessFolderPath"], found["InitiatingProcessFileName"] = base["FolderPath"], base["FileName"]
    if category.startswith("registry_"):
        return "DeviceRegistryEvents", found | _registry(event.fields)
    if "User" in event.fields:
        domain, _, account = str(event.fields["User"]).partition("\\")
        found |= {"InitiatingProcessAccountDomain": domain, "InitiatingProcessAccountName": account}
    if "SourceFilename" in event.fields:
        folder, _, name = str(event.fields["SourceFilename"]).rpartition("\\")
        found |= {"PreviousFolderPath": folder, "PreviousFileName": name}
    path = str(event.fields["TargetFilename"])
    found |= {"FolderPath": path, "FileName": path.rsplit("\\", 1)[-1], "ActionType": _FILE_ACTIONS[category]}
    if "IsAzureInfoProtectionApplied" in event.fields:
        found["IsAzureInfoProtectionApplied"] = event.fields["IsAzureInfoProtectionApplied"]
    return "DeviceFileEvents", found


def _registry(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Sysmon's TargetObject is a key and, for events of values, the value's name after it."""
    written = str(fields["TargetObject"])
    root = next((root for root in _ROOT_KEYS if written.startswith(root)), "")
    key, name = _ROOT_KEYS.get(root, "") + written.removeprefix(root), ""
    if fields["EventType"] in ("SetValue", "DeleteValue"):
        key, name = key.rsplit("\\", 1)
    kind, data = _data(str(fields.get("Details") or ""))
    return {
        "ActionType": _REGISTRY_ACTIONS[fields["EventType"]],
        "RegistryKey": key,
        "RegistryValueName": "" if name == "(Default)" else name,
        "RegistryValueType": kind,
        "RegistryValueData": data,
    }


def _data(details: str) -> tuple[str, str]:
    """The type and the data of Sysmon's Details, which has numbers in hexadecimal."""
    if match := re.fullmatch(r"(D|Q)WORD \(0x(\w+)(?:-0x(\w+))?\)", details):
        return f"{match[1]}word", str(int(match[2] + (match[3] or ""), 16))
    return {"Binary Data": ("Binary", "4d5a9000"), "(Empty)": ("String", "")}.get(details, ("String", details))
