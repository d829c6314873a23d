"""A canonical event as a row of the Defender tables (Sentinel and Defender XDR alike).

Written from Microsoft's descriptions of DeviceProcessEvents and DeviceNetworkEvents, not from the pipelines:
a field that a pipeline maps wrongly must show.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from reference.events import Event

TIME_COLUMNS = {"sentinel": "TimeGenerated", "defender": "Timestamp"}

_PROCESS = {
    "CommandLine": "ProcessCommandLine",
    "OriginalFileName": "ProcessVersionInfoOriginalFileName",
    "ParentCommandLine": "InitiatingProcessCommandLine",
    "ProcessId": "ProcessId",
    "ParentProcessId": "InitiatingProcessId",
}
_NETWORK = {
    "CommandLine": "InitiatingProcessCommandLine",
    "ProcessId": "InitiatingProcessId",
    "SourceIp": "LocalIP",
    "SourcePort": "LocalPort",
    "DestinationIp": "RemoteIP",
    "DestinationPort": "RemotePort",
    "DestinationHostname": "RemoteUrl",
    "RemoteIPType": "RemoteIPType",
}
#: Where the device accepted the connection, the peer is the source: Remote… is the peer, whoever began ("The device
#: accepted a network connection initiated by another device": action types of DeviceNetworkEvents; Microsoft's ASIM
#: parsers of network sessions give its RemoteIP as the source).
_INBOUND = {
    "CommandLine": "InitiatingProcessCommandLine",
    "ProcessId": "InitiatingProcessId",
    "SourceIp": "RemoteIP",
    "SourcePort": "RemotePort",
    "SourceHostname": "RemoteUrl",
    "DestinationIp": "LocalIP",
    "DestinationPort": "LocalPort",
    "RemoteIPType": "RemoteIPType",
}


def row(event: Event, product: str) -> tuple[str, dict[str, Any]]:
    """The table and the row of an event; `product` is sentinel or defender.

    A missing field leaves its column to the table's default: "" for a string, null for the rest. The event's
    id becomes a number, ReportId, which tells apart events of one device and time.
    """
    fields = event.fields
    found: dict[str, Any] = {
        TIME_COLUMNS[product]: datetime.fromtimestamp(event.time / 1000, tz=timezone.utc).replace(tzinfo=None),
        "ReportId": report_id(event.id),
        "DeviceName": fields.get("Computer") or "",
        "DeviceId": fields.get("HostId") or "",
    }
    if event.category == "network_connection":
        inbound = str(fields.get("Initiated")).lower() == "false"
        found.update(_copied(fields, _INBOUND if inbound else _NETWORK))
        found.update(_path(fields, "Image", "InitiatingProcessFolderPath", "InitiatingProcessFileName"))
        found.update(_account(fields, "InitiatingProcessAccountDomain", "InitiatingProcessAccountName"))
        own_name = "DestinationHostname" if inbound else "SourceHostname"
        if own_name in fields:
            found["DeviceName"] = fields[own_name] or ""
        # A connection that was already open when the sensor looked tells no direction.
        found["ActionType"] = {"true": "ConnectionSuccess", "false": "InboundConnectionAccepted"}.get(
            str(fields.get("Initiated")).lower(), "ConnectionFound"
        )
        return "DeviceNetworkEvents", found
    found.update(_copied(fields, _PROCESS))
    found.update(_path(fields, "Image", "FolderPath", "FileName"))
    found.update(_path(fields, "ParentImage", "InitiatingProcessFolderPath", "InitiatingProcessFileName"))
    found.update(_account(fields, "AccountDomain", "AccountName"))
    found["ActionType"] = "ProcessCreated"
    return "DeviceProcessEvents", found


def report_id(event_id: str) -> int:
    """The number that stands for an event's id."""
    return zlib.crc32(event_id.encode())


def _copied(fields: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    return {column: fields[name] for name, column in columns.items() if fields.get(name) is not None}


def _path(fields: Mapping[str, Any], name: str, path: str, file_name: str) -> dict[str, Any]:
    if fields.get(name) is None:
        return {}
    text = str(fields[name])
    return {path: text, file_name: text.replace("\\", "/").rsplit("/", 1)[-1]}


def _account(fields: Mapping[str, Any], domain: str, account: str) -> dict[str, Any]:
    if not fields.get("User"):
        return {}
    before, separator, after = str(fields["User"]).partition("\\")
    return {domain: before, account: after} if separator and before else {account: fields["User"]}
