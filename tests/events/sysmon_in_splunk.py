"""Canonical events as Splunk has them: Sysmon's fields as text, with what Splunk adds to every event.

The canonical HostId, which Sysmon does not know, is in `host`. Source: Splunk Add-on for Sysmon (XML rendering);
Splunk docs, 'Use default fields' (`_bkt` and `_cd` are where an event lies).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from reference.events import Event, text

CODES: Mapping[str, str] = {
    "process_creation": "1",
    "network_connection": "3",
    "image_load": "7",
    "file_event": "11",
    "registry_add": "12",
    "registry_delete": "12",
    "registry_set": "13",
    "registry_event": "13",
    "registry_rename": "14",
    "dns_query": "22",
    "file_delete": "23",
}
EVENT_TYPES: Mapping[str, str] = {"registry_add": "CreateKey", "registry_delete": "DeleteKey"}
XML = "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational"
LINUX = "Syslog:Linux-Sysmon/Operational"


def splunk_event(event: Event) -> dict[str, object]:
    """Field -> text, or a list of texts; `_time` in seconds, exact."""
    category = event.category or "process_creation"
    fields: dict[str, object] = {}
    for name, value in event.fields.items():
        if value is None:
            continue
        texts = [text(one) for one in value if one is not None] if isinstance(value, list | tuple) else text(value)  # type: ignore[arg-type]
        if texts != []:
            fields["host" if name == "HostId" else name] = texts
    raw = "\n".join(str(value) for value in fields.values())
    return {
        **({"EventType": EVENT_TYPES[category]} if category in EVENT_TYPES else {}),
        **fields,
        "_time": Decimal(event.time) / 1000,
        "_raw": raw,
        "_bkt": "main~1~A",
        "_cd": event.id,
        "index": "main",
        "source": LINUX if event.product == "linux" else XML,
        "EventCode": CODES[category],
    }
