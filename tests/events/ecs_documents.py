"""Canonical events as Elastic's documents: those of Elastic Defend, and Sysmon's through Winlogbeat.

Facts of elastic/endpoint-package (custom documentation, samples) and of the ingest pipelines of Winlogbeat's sysmon
module and the Windows integration. Elasticsearch keeps an IPv4-mapped address as the IPv4 one; those pipelines remove
empty texts and "-".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from functools import cache
from typing import Any

from reference.events import Event, Value, scalars, text
from sigma_t1020.resources import load_pipeline

#: Of a document that cannot hold an event's value.
Document = dict[str, object]

PROCESS = {
    "Image": "process.executable",
    "CommandLine": "process.command_line",
    "ParentImage": "process.parent.executable",
    "ParentCommandLine": "process.parent.command_line",
    "OriginalFileName": "process.pe.original_file_name",
    "CurrentDirectory": "process.working_directory",
    "ProcessId": "process.pid",
    "ParentProcessId": "process.parent.pid",
}
NETWORK = {
    "Image": "process.executable",
    "ProcessId": "process.pid",
    "DestinationIp": "destination.ip",
    "DestinationPort": "destination.port",
    "DestinationHostname": "destination.domain",
    "SourceIp": "source.ip",
    "SourcePort": "source.port",
    "SourceHostname": "source.domain",
}
LIBRARY = {"Image": "process.executable", "ImageLoaded": "dll.path", "OriginalFileName": "dll.pe.original_file_name"}
NUMBERS = frozenset(("ProcessId", "ParentProcessId", "DestinationPort", "SourcePort"))
ADDRESSES = frozenset(("DestinationIp", "SourceIp"))
FIELDS = {"process_creation": PROCESS, "network_connection": NETWORK}


class NotHeld(ValueError):
    """The documents have no field for a value of the event, or its type has none."""


#: What Defend's documents of a category are: data stream, event.type, event.action (of processes by system), fields.
_DEFEND: Mapping[str, tuple[str, str, str, Mapping[str, str]]] = {
    "process_creation": ("process", "start", "start", PROCESS),
    "network_connection": ("network", "start", "connection_attempted", NETWORK),
    "file_event": ("file", "creation", "creation", {"Image": "process.executable", "TargetFilename": "file.path"}),
    "file_rename": (
        *("file", "change", "rename"),
        {"TargetFilename": "file.path", "SourceFilename": "file.Ext.original.path"},
    ),
    "registry_set": ("registry", "change", "modification", {"Image": "process.executable"}),
    "image_load": (
        "library",
        "start",
        "load",
        {"Image": "process.executable", "ImageLoaded": "dll.path", "OriginalFileName": "dll.pe.original_file_name"},
    ),
}


def defend(event: Event) -> tuple[str, Document]:
    """The index and the document of Elastic Defend."""
    category = event.category or "process_creation"
    if category not in _DEFEND:
        raise NotHeld(f"Defend has no {category}")
    dataset, kind, action, fields = _DEFEND[category]
    system = event.product or "windows"
    document: Document = {
        "event.category": [dataset],
        "event.type": [kind],
        "event.action": "exec" if dataset == "process" and system != "windows" else action,
        "event.dataset": f"endpoint.events.{dataset}",
        "host.os.type": system,
    }
    names = {**fields, "HostId": "host.id", "Computer": "host.name"}
    if category == "process_creation":
        names.update(IntegrityLevel="process.Ext.token.integrity_level_name", LogonId="process.Ext.authentication_id")
        _hashes(document, event)
    # Defend's connections have addresses alone.
    for name in ("SourceHostname", "DestinationHostname"):
        names.pop(name, None)
    _fill(document, event, names, lambda value: value)
    if category == "registry_set":
        _registry(document, event)
    return f"logs-endpoint.events.{dataset}-default", document


def _hashes(document: Document, event: Event) -> None:
    """Sysmon's field of all hashes is one for each, in small letters."""
    fields = {"MD5": "hash.md5", "SHA1": "hash.sha1", "SHA256": "hash.sha256", "IMPHASH": "pe.imphash"}
    for part in str(event.fields.get("Hashes") or "").split(","):
        kind, _, value = part.partition("=")
        if kind in fields:
            document[f"process.{fields[kind]}"] = value.lower()


def _registry(document: Document, event: Event) -> None:
    """Root keys, the default value and numbers as Defend writes them; keys that are made are not told at all."""
    if event.fields.get("EventType") not in (None, "SetValue"):
        document["event.action"] = "none"
    path = str(event.fields.get("TargetObject") or "")
    path = re.sub(r"^HKU\\", r"HKEY_USERS\\", path)
    document["registry.path"] = re.sub(r"\(Default\)$", "", path)
    details = str(event.fields.get("Details") or "")
    if number := re.fullmatch(r"DWORD \((0x[0-9a-fA-F]+)\)", details):
        details = str(int(number[1], 16))
    if number := re.fullmatch(r"QWORD \((0x[0-9a-fA-F]+)-(0x[0-9a-fA-F]+)\)", details):
        details = str((int(number[1], 16) << 32) + int(number[2], 16))
    if details and details not in ("(Empty)", "Binary Data"):
        document["registry.data.strings"] = [details]


def winlogbeat(event: Event) -> tuple[str, Document]:
    """The index and the document of Sysmon's events."""
    category = event.category or "process_creation"
    code, kind, types = {
        "process_creation": ("1", "process", ["start"]),
        "network_connection": ("3", "network", ["start", "connection", "protocol"]),
    }[category]
    document: Document = {
        "event.category": [kind],
        "event.type": types,
        "event.code": code,
        "event.provider": "Linux-Sysmon" if event.product == "linux" else "Microsoft-Windows-Sysmon",
    }
    names = {**FIELDS[category], "HostId": "agent.id", "Computer": "winlog.computer_name"}
    _fill(document, event, names, lambda value: None if value in ("", "-") else value)
    if "user.domain" not in document and "user.name" in document:
        raise NotHeld("a user without a domain is dropped")
    index = "logs-sysmon_linux.log-default" if event.product == "linux" else "winlogbeat-8.19.0"
    return index, document


def _fill(document: Document, event: Event, names: Mapping[str, str], kept: Callable[[Any], Any]) -> None:
    document["_id"] = event.id
    document["@timestamp"] = event.time
    for name in event.fields:
        held = [one for one in map(kept, scalars(event, name)) if one is not None]
        if name in NUMBERS | ADDRESSES:
            # Of these types no document holds an empty text.
            held = [one for one in held if one != ""]
        if not held:
            continue
        if name == "User":
            _user(document, held)
        elif name == "Initiated" and event.category == "network_connection":
            document["network.direction"] = "egress" if text(held[0]).lower() == "true" else "ingress"
        elif name == "UtcTime":
            time = datetime.fromisoformat(text(held[0])).replace(tzinfo=timezone.utc)
            document["@timestamp"] = round(time.timestamp() * 1000)
        elif name in names:
            typed = [_typed(name, one) for one in held]
            document[names[name]] = typed if len(typed) > 1 else typed[0]
            if name == "DestinationIp":
                document["network.type"] = "ipv6" if ":" in str(typed[0]) else "ipv4"


def _user(document: Document, held: list[Any]) -> None:
    if len(held) > 1:
        raise NotHeld("a user in two fields is one")
    domain, mark, name = text(held[0]).partition("\\")
    document["user.name"] = name if mark else domain
    if mark:
        document["user.domain"] = domain


def _typed(name: str, value: Any) -> Value:
    if name in NUMBERS:
        if isinstance(value, str) and not value.isdecimal():
            raise NotHeld(f"{name} is a number")
        return int(value)
    if name in ADDRESSES:
        try:
            address = ipaddress.ip_address(text(value))
        except ValueError:
            raise NotHeld(f"{name} is an address") from None
        mapped = getattr(address, "ipv4_mapped", None)
        return str(mapped or address)
    return text(value)


MODELS = {"t1020_elastic_defend": defend, "t1020_elastic_winlogbeat": winlogbeat}


@cache
def mappings(pipeline: str) -> dict[str, dict[str, str]]:
    """By index pattern the types of its fields, as the pipeline says that the mappings have them."""
    loaded = load_pipeline(pipeline)
    everywhere = _states(loaded.items, "indices")
    found: dict[str, dict[str, str]] = {}
    for item in loaded.items:
        inner = getattr(getattr(item.transformation, "_nested_pipeline", None), "items", [])
        for patterns in _states(inner, "indices") or everywhere:
            for pattern in patterns:
                for columns in _states(inner, "columns"):
                    types = {name: kind for kind, names in columns.items() for name in names}
                    found.setdefault(pattern, {}).update(types)
    return found


def _states(items: Iterable[Any], key: str) -> list[Any]:
    return [item.transformation.val for item in items if getattr(item.transformation, "key", None) == key]


def mapping_of(pipeline: str, index: str) -> dict[str, str]:
    """The types of an index's fields."""
    return next(types for pattern, types in mappings(pipeline).items() if index.startswith(pattern[:-1]))
