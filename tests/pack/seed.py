"""The published detection that the pack must not fall behind, as KQL text.

The parity tests run it on an engine next to the pack's own queries. It is repaired only where it could not run or
where it does what it does not say: the word lists are `dynamic([...])`, the time column is a
parameter, and the destination test that was computed and never used is left out. What it returns is unchanged, and
each branch stands alone, so that a test can tell which branch an event came from.
"""

from __future__ import annotations

from typing import Literal

Branch = Literal["script_hosts", "transfer_tools", "archive_then_connect"]
"""The names that sigma/metadata.yml gives the three branches."""

BRANCHES: tuple[Branch, ...] = ("script_hosts", "transfer_tools", "archive_then_connect")

SCRIPT_HOSTS = ("powershell.exe", "pwsh.exe", "python.exe", "python3.exe", "wscript.exe", "cscript.exe", "cmd.exe")
TRANSFER_TOOLS = (
    "curl.exe", "wget.exe", "certutil.exe", "bitsadmin.exe", "ftp.exe", "sftp.exe", "scp.exe", "robocopy.exe",
)  # fmt: skip
ARCHIVE_TOOLS = ("7z.exe", "7za.exe", "winrar.exe", "rar.exe", "zip.exe", "tar.exe")
SENSITIVE_PATHS = tuple(
    f"\\{name}\\" for name in ("Documents", "Desktop", "Downloads", "AppData", "Users", "ProgramData", "temp", "tmp")
)

UPLOAD = ("UploadFile", "UploadData", "UploadString", "Start-BitsTransfer", "Net.FtpWebRequest")
COLLECTION = ("Get-ChildItem", "gci ", "dir /s", "Get-Content", "[IO.File]::", "Compress-Archive")
TRANSFER = ("curl ", "wget ", "ftp -", "sftp ")
SCRIPT_WORDS = (
    "UploadFile", "UploadData", "UploadString", "Invoke-WebRequest", "Invoke-RestMethod", "Net.WebClient",
    "Net.FtpWebRequest", "Start-BitsTransfer", "Get-ChildItem", "gci ", "ls -r", "dir /s", "Get-Content",
    "[IO.File]::", "Compress-Archive", "-CompressionLevel", "curl ", "wget ", "ftp -", "sftp ",
)  # fmt: skip
TOOL_FLAGS = (
    "-T ", "--upload-file", "-d @", "--data-binary @", "PUT ", "POST ", "ftp://", "sftp://", "ftps://",
    "-urlcache", "-encode", "-decode", "/transfer", "/upload", "scp ", "-r ",
)  # fmt: skip

WINDOW_SECONDS = 300
"""How long after the archive a connection still counts, both ends included."""


def _dynamic(words: tuple[str, ...]) -> str:
    """A KQL dynamic array of string literals."""
    quoted = ", ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    return f"dynamic([{quoted}])"


def _script_hosts() -> str:
    return f"""DeviceProcessEvents
| where FileName in~ ({_dynamic(SCRIPT_HOSTS)})
| where ProcessCommandLine has_any ({_dynamic(SCRIPT_WORDS)})
| extend HasUpload = ProcessCommandLine has_any ({_dynamic(UPLOAD)})
| extend HasCollection = ProcessCommandLine has_any ({_dynamic(COLLECTION)})
| extend HasTransferTool = ProcessCommandLine has_any ({_dynamic(TRANSFER)})
| extend SensitivePath = ProcessCommandLine has_any ({_dynamic(SENSITIVE_PATHS)})
| where HasUpload or (HasCollection and HasTransferTool) or (HasCollection and SensitivePath)"""


def _transfer_tools() -> str:
    return f"""DeviceProcessEvents
| where FileName in~ ({_dynamic(TRANSFER_TOOLS)})
| where ProcessCommandLine has_any ({_dynamic(TOOL_FLAGS)})"""


def _archive_then_connect(time_column: str) -> str:
    return f"""DeviceProcessEvents
| where FileName in~ ({_dynamic(ARCHIVE_TOOLS)})
| where ProcessCommandLine has_any ({_dynamic(SENSITIVE_PATHS)})
| join kind=inner (
    DeviceNetworkEvents
    | where RemoteIPType == "Public"
    | project NetTimestamp = {time_column}, DeviceName, RemoteIP, RemotePort
  ) on DeviceName
| where NetTimestamp between ({time_column} .. ({time_column} + {WINDOW_SECONDS // 60}m))"""


def branch(name: Branch, time_column: str) -> str:
    """One branch as a query that ends in its last filter, to which a caller may add its own `project`.

    There is no look-back in it: the caller's events are all of now. The third branch joins on the name of the device,
    as published, so events for it must give each device a name of its own (the pack joins on the device's id).
    """
    match name:
        case "script_hosts":
            return _script_hosts()
        case "transfer_tools":
            return _transfer_tools()
        case "archive_then_connect":
            return _archive_then_connect(time_column)
