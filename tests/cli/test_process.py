"""What only a process of its own shows: encodings, pipes, closed streams, and that no traceback reaches a user."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.rules import GOOD, put, rule
from cli.runner import BIN, process

PROGRAM = str(BIN / "sigma-t1020")
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


def shell(command: str, path: Path) -> subprocess.CompletedProcess[bytes]:
    """A shell's status, stdout and stderr; $S is the program, $R a file of rules."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        env={**os.environ, "S": PROGRAM, "R": str(path)},
        check=False,
    )


def test_output_is_utf8_with_lf_in_an_ascii_locale(tmp_path: Path) -> None:
    path = put(
        tmp_path / "r\u00fc\u65e5.yml", rule(1, title="Tïtle 日本 😀", detection="{s: {Image: ü😀}, condition: s}")
    )
    for form in ("query", "json"):
        arguments = ("convert", "-t", "sentinel", "--format", form, path)
        expected = process(*arguments, environment={"LC_ALL": "C.UTF-8"})
        assert (expected.status, expected.stderr) == (0, "")
        assert "Tïtle 日本 😀" in expected.stdout
        found = process(*arguments, environment=ASCII)
        assert (found.status, found.stdout, found.stderr) == (0, expected.stdout, "")
        output = tmp_path / "out"
        assert process(*arguments, "-o", output, environment=ASCII).status == 0
        assert output.read_bytes() == expected.stdout.encode()


def test_rules_from_standard_input_and_pipelines_are_utf8_in_an_ascii_locale(tmp_path: Path) -> None:
    pipeline = "name: é\npriority: 5\ntransformations:\n  - {type: field_name_mapping, mapping: {prozeß: Image}}\n"
    path = put(tmp_path / "p.yml", pipeline)
    text = GOOD.replace("Image|", "prozeß|").encode()
    done = process("convert", "-t", "sentinel", "-", "-p", path, stdin=text, environment=ASCII)
    assert (done.status, done.stderr) == (0, "")
    assert '| where FileName =~ "curl.exe"' in done.stdout


def test_a_message_that_the_locale_cannot_say_is_still_said(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", rule(1, detection="{s: {Prozeß: a}, condition: s}"))
    done = process("convert", "-t", "sentinel", path, environment=ASCII)
    assert done.status == 1
    assert re.search(r"r\.yml:5: Proze.+ is not a field of DeviceProcessEvents; ", done.stderr)


def test_a_file_name_that_is_no_utf8_is_no_obstacle(tmp_path: Path) -> None:
    put(tmp_path / os.fsdecode(b"r\xff.yml"), GOOD)
    done = shell(f"$S convert -t sentinel $'{os.fsdecode(tmp_path)}/r\\xff.yml' -o {tmp_path}/out/", tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [os.fsencode(path.name) for path in (tmp_path / "out").iterdir()] == [b"r\xff.kql"]


@pytest.mark.parametrize(
    "command",
    [
        "$S convert -t sentinel -t defender | head -c 1 > /dev/null",
        "$S convert -t sentinel --format json | true",
        "$S pack | true",
        "$S list rules | true",
        "$S convert --help | true",
    ],
)
def test_a_reader_that_has_enough_gets_no_complaint(command: str, tmp_path: Path) -> None:
    done = shell(command, tmp_path)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert done.returncode in (0, 1)


@pytest.mark.parametrize(
    "command",
    ["convert -t sentinel $R", "check -t splunk --format json $R", "pack", "list rules", "list rules --format json"],
)
def test_a_full_or_closed_standard_output_is_said(command: str, tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    full = shell(f"$S {command} > /dev/full", path)
    message = b"standard output cannot be written: No space left on device; redirect it to another file\n"
    assert (full.returncode, full.stderr) == (1, message)
    closed = shell(f"$S {command} >&-", path)
    assert closed.returncode == 1
    assert closed.stderr in (
        b"standard output is closed; redirect it to a file\n",
        b"standard output cannot be written: Bad file descriptor; redirect it to another file\n",
    )


def test_closed_standard_input_and_error_are_no_traceback(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    done = shell("$S convert -t sentinel - $R <&-", path)
    assert done.returncode == 1
    assert done.stderr == b"<stdin>: standard input is closed; pipe it into `-` (standard input)\n"
    assert done.stdout.startswith(b"// Rule 1")
    done = shell("$S convert -t sentinel $R /nowhere/x.yml 2>&-", path)
    assert done.returncode == 1
    assert done.stdout.startswith(b"// Rule 1")


def test_devices_can_be_written(tmp_path: Path) -> None:
    path = put(tmp_path / "r.yml", GOOD)
    expected = shell("$S convert -t sentinel $R", path).stdout
    assert shell("$S convert -t sentinel $R -o /dev/stdout | cat", path).stdout == expected
    assert shell("$S convert -t sentinel $R -o >(cat)", path).stdout == expected
    assert shell("$S convert -t sentinel $R -o /dev/null", path).returncode == 0
    assert Path("/dev/null").is_char_device()


def test_rules_by_a_pipe_of_the_shell_are_sent_to_standard_input(tmp_path: Path) -> None:
    done = shell("$S convert -t sentinel <(cat $R)", put(tmp_path / "r.yml", GOOD))
    assert done.returncode == 1
    assert b"a pipe, socket or device, not a file; pipe it into `-` (standard input)" in done.stderr


#: A shell's background job ignores interrupts, and so would its children.
INTERRUPTIBLE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_an_interrupt_is_no_traceback_even_in_a_background_job() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, PROGRAM, "convert", "-t", "sentinel", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Where a shell runs the tests in the background, they ignore interrupts, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as running:
        assert running.stdin is not None
        # More than a pipe holds: once it is written, the program has started and reads.
        running.stdin.write(b"title: a\n" * 20_000)
        running.stdin.flush()
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 1
    assert stdout == b""
    assert stderr.split() == [b"Aborted!"]


def test_the_program_asks_no_folder_it_runs_in(tmp_path: Path) -> None:
    """A folder sigma/ or a file yaml.py where the user is are no modules of ours."""
    put(tmp_path / "sigma" / "__init__.py", "raise SystemExit('wrong sigma')")
    put(tmp_path / "yaml.py", "raise SystemExit('wrong yaml')")
    done = process("convert", "-t", "sentinel", put(tmp_path / "r.yml", GOOD), cwd=tmp_path)
    assert (done.status, done.stderr) == (0, "")
