"""help: the reference, a topic at a time."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from sigma_t1020 import docs
from sigma_t1020.cli import cli
from sigma_t1020.cli.help import formatted

from cli.runner import BIN, process, run

FOLDER = Path(docs.__file__).parent
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}


def test_without_a_topic_each_is_listed_on_a_line_with_what_it_is_about() -> None:
    done = run("help")
    assert (done.status, done.stderr) == (0, "")
    listed = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("  ")]
    assert listed == [[topic, docs.title(topic)] for topic in docs.TOPICS]
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("topic", docs.TOPICS)
def test_through_a_pipe_a_topic_is_its_file(topic: str) -> None:
    assert run("help", topic).stdout.encode() == (FOLDER / f"{topic}.md").read_bytes()


def test_a_topic_is_the_same_bytes_in_an_ascii_locale() -> None:
    done = process("help", "limits", environment=ASCII)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout.encode() == (FOLDER / "limits.md").read_bytes()
    assert not done.stdout.isascii()


def test_letters_of_any_case_name_a_topic() -> None:
    assert run("help", "Limits").stdout == run("help", "limits").stdout


@pytest.mark.parametrize(
    ("topic", "guess"),
    [("limit", "limits"), ("tragets", "targets"), ("SCHEDULES", "schedule"), ("correlation", "correlations")],
)
def test_a_misspelt_topic_is_wrong_usage_with_a_guess_and_the_list(topic: str, guess: str) -> None:
    done = run("help", topic)
    assert (done.status, done.stdout) == (2, "")
    complaint = " ".join(done.stderr.split())
    assert f"no topic '{topic}'; did you mean {guess}" in complaint
    assert complaint.endswith(f"topics are {', '.join(docs.TOPICS)}")


@pytest.mark.parametrize("topic", ["xyzzy", "", "../limits", "limits\x1b[31m", "x" * 10_000])
def test_what_resembles_no_topic_is_wrong_usage_with_the_list(topic: str) -> None:
    done = run("help", topic)
    assert (done.status, done.stdout) == (2, "")
    assert "no topic '" in done.stderr
    assert ", ".join(docs.TOPICS) in " ".join(done.stderr.split())
    assert "\x1b" not in done.stderr
    assert len(done.stderr) < 1000


def test_a_shell_completes_topics() -> None:
    complete = ShellComplete(cli, {}, "sigma-t1020", "_SIGMA_T1020_COMPLETE")
    assert [item.value for item in complete.get_completions(["help"], "")] == list(docs.TOPICS)
    assert [item.value for item in complete.get_completions(["help"], "li")] == ["limits", "list"]


def on_a_terminal(*arguments: str, columns: int) -> str:
    """What the program writes to a terminal of that width."""
    ours, its = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", **ASCII}
    with subprocess.Popen([BIN / "sigma-t1020", *arguments], stdout=its, env=environment) as program:
        os.close(its)
        written = b""
        try:
            while read := os.read(ours, 65536):
                written += read
        except OSError:
            # Linux says so when the other end is closed.
            pass
    os.close(ours)
    assert program.returncode == 0
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(("columns", "width"), [(40, 80), (80, 80), (300, 100)])
def test_a_terminal_shows_a_topic_formatted_in_80_to_100_columns(columns: int, width: int) -> None:
    shown = on_a_terminal("help", "targets", columns=columns)
    assert "\x1b[" in shown
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert max(map(len, lines)) == width
    assert not [line for line in lines if line.startswith(("#", "|---"))]


@pytest.mark.parametrize("topic", docs.TOPICS)
def test_no_table_loses_a_word_on_a_terminal(topic: str) -> None:
    text = docs.text(topic)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", formatted(text, 80))
    assert shown.count("…") == text.count("…")
    words = [word for line in text.splitlines() if line.startswith("| `") for word in re.findall(r"`([\w.-]+)`", line)]
    assert [word for word in words if word not in shown] == []
