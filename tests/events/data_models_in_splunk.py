"""Canonical events as rows of Splunk's data models (facts of the Common Information Model)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from reference.events import Event, scalars, text

#: Each data model's field for a canonical one. (Facts of the CIM; `Initiated` is told by `direction`.)
PROCESSES = {
    "CommandLine": "process",
    "Computer": "dest",
    "CurrentDirectory": "process_current_directory",
    "Image": "process_path",
    "OriginalFileName": "original_file_name",
    "ParentCommandLine": "parent_process",
    "ParentImage": "parent_process_path",
    "ParentProcessId": "parent_process_id",
    "ProcessId": "process_id",
    "User": "user",
}
TRAFFIC = {
    "Computer": "dvc",
    "DestinationIp": "dest_ip",
    "DestinationPort": "dest_port",
    "Image": "app",
    "ProcessId": "process_id",
    "SourceIp": "src_ip",
    "SourcePort": "src_port",
    "User": "user",
}
MODELS = {
    "process_creation": ("Endpoint.Processes", PROCESSES),
    "network_connection": ("Network_Traffic.All_Traffic", TRAFFIC),
}


def _row(event: Event, name: str) -> tuple[str, dict[str, object]]:
    """The event in its data model. Half of what is missing is written as unknown there, half is left out."""
    model, names = MODELS[event.category or ""]
    dataset = model.rpartition(".")[2]
    row: dict[str, object] = {"_time": Decimal(event.time) / 1000, f"{dataset}.vendor_product": name}
    if event.product and model.startswith("Endpoint"):
        row[f"{dataset}.os"] = event.product
    for number, (canonical, field) in enumerate(names.items()):
        values = scalars(event, canonical)
        if values:
            row[f"{dataset}.{field}"] = text(values[0])
        elif number % 2:
            row[f"{dataset}.{field}"] = "unknown"
    if scalars(event, "Initiated"):
        row[f"{dataset}.direction"] = "outbound" if event.fields["Initiated"] in (True, "true") else "inbound"
    return model, row


def data_models(events: Mapping[str, Event]) -> dict[str, list[dict[str, object]]]:
    """The rows of the events that a data model has, by data model; `vendor_product` is an event's name."""
    models: dict[str, list[dict[str, object]]] = {model: [] for model, _names in MODELS.values()}
    for name, event in events.items():
        if event.category in MODELS:
            model, row = _row(event, name)
            models[model].append(row)
    return models
