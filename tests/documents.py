"""The README and the topics of `help` as documents: their fenced blocks, code spans, and what they refer to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sigma_t1020 import docs

README = Path(__file__).parents[1] / "README.md"
#: Languages of blocks that show what a command prints.
QUERIES = ("kql", "spl", "eql", "esql")

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The YAML file that the block shows, named in its first line; empty for other blocks."""
        first = self.text.partition("\n")[0]
        return first.removeprefix("# ") if self.language == "yaml" and first.endswith((".yml", ".yaml")) else ""

    @property
    def commands(self) -> list[str]:
        """The commands of a block for the shell that run a program of ours or sigma-cli."""
        lines = self.text.splitlines() if self.language == "sh" else []
        return [line for line in lines if line.startswith(("sigma-t1020 ", "sigma "))]


def documents() -> Mapping[str, str]:
    """The text of the README and of each topic by its name."""
    return {"README": README.read_text("utf-8"), **{topic: docs.text(topic) for topic in docs.TOPICS}}


def blocks(document: str) -> list[Block]:
    """The fenced blocks of a document, in order."""
    return [Block(language, text) for language, text in _BLOCK.findall(document)]


def code(document: str) -> set[str]:
    """The words that a document sets as code in its prose and tables, less the backslashes that tables need."""
    spans = re.findall(r"`([^`\n]+)`", _BLOCK.sub("", document))
    return {word for span in spans for word in (span.replace("\\|", "|"), *re.split(r"[\s,]+", span))}


def topics_named(text: str) -> set[str]:
    """The topics that a text tells its reader to ask for."""
    return set(re.findall(r"sigma-t1020\s+help\s+([a-z]+)", text))
