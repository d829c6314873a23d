"""The reference that `sigma-t1020 help` prints: a Markdown file for each topic, beside this module."""

from __future__ import annotations

from pathlib import Path

#: The topics in the order in which a user needs them.
TOPICS = (
    "convert",
    "targets",
    "filters",
    "schedule",
    "correlations",
    "modifiers",
    "losses",
    "limits",
    "pipelines",
    "check",
    "preflight",
    "plugin",
    "pack",
    "list",
    "build",
    "verification",
)

_FOLDER = Path(__file__).resolve().parent


def text(topic: str) -> str:
    """The Markdown of a topic, byte for byte. Raises KeyError for what is none of TOPICS."""
    if topic not in TOPICS:
        raise KeyError(topic)
    # Not read_text: it follows the locale's line ends.
    return (_FOLDER / f"{topic}.md").read_bytes().decode("utf-8")


def title(topic: str) -> str:
    """The heading that a topic begins with."""
    return text(topic).partition("\n")[0].removeprefix("# ")
