"""The documents of a rule file: what each holds, on which line each part stands, and a Problem for the unreadable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from sigma_t1020.problems import Place, Problem
from sigma_t1020.rules.yaml_composer import ASTERISK_HINT, TOO_DEEP, Composer, RuleYamlError

__all__ = ["MAX_BYTES", "MAX_DOCUMENTS", "Document", "RuleYamlError", "decode", "parse"]

MAX_BYTES = 5 * 2**20
MAX_DOCUMENTS = 5_000

_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DOCUMENT = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_ACTION = re.compile(r"^action:[ \t]*[\"']?(\w+)", re.MULTILINE)
_BACKSLASH_HINT = "in double quotes a backslash is an escape: use single quotes for Windows paths"
_HINTS = (
    ("alias", ASTERISK_HINT),
    ("anchor", "a value that begins with & needs quotes"),
    ("mapping values are not allowed", "quote a value that has ': ' in it, or correct the indentation"),
    ("unknown escape", _BACKSLASH_HINT),
    ("hexdecimal", _BACKSLASH_HINT),
    ("cannot start any token", "a value that begins with %, @ or ` needs quotes"),
    ("unexpected end of stream", "close the quote or the bracket that was opened"),
    ("could not find expected ':'", "write `key: value`, and quote a value that spans several lines"),
)


@dataclass(frozen=True)
class Document:
    """One YAML document: what yaml.safe_load makes of it, and where each part stands.

    `line` is the 1-based line of its first key. A document that could not be read has its `problem`, no data, and in
    `action` what its text seems to be in a collection (global, reset, repeat), since others may build on it.
    """

    data: Any
    line: int
    problem: Problem | None = None
    action: str | None = None
    node: yaml.Node | None = field(default=None, repr=False, compare=False)
    offset: int = field(default=0, repr=False, compare=False)

    def find(self, *path: str | int) -> int | None:
        """Line of the key or list item at a path, ("detection", "selection", "Image|endswith"), or None."""
        line, found = self._walk(path)
        return line if found == len(path) else None

    def line_of(self, *path: str | int) -> int:
        """Line of the key at a path; where the path ends early, of the last part of it that is there."""
        return self._walk(path)[0]

    def _walk(self, path: Place) -> tuple[int, int]:
        node, line = self.node, self.line
        for depth, step in enumerate(path):
            place: yaml.Node | None = None
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    # A merged key comes first, the document's own after it: the last one counts.
                    if isinstance(key, yaml.ScalarNode) and key.value == step:
                        place, below = key, value
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                place = below = node.value[step]
            if place is None:
                return line, depth
            node, line = below, self.offset + place.start_mark.line + 1
        return line, len(path)


def decode(raw: bytes) -> str:
    """Text of a rule file: UTF-8 (with or without a BOM), or UTF-16 with a BOM as Windows tools write it.

    Raises RuleYamlError for what is no text, or more than MAX_BYTES.
    """
    if len(raw) > MAX_BYTES:
        message = f"the file has more than {MAX_BYTES // 2**20} MiB"
        raise RuleYamlError(None, message, "give rule files, or split the collection")
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1 if encoding == "utf-8-sig" else None
        if b"\0" in raw:
            raise RuleYamlError(None, "a binary file, not text", "give the rule's YAML file") from None
        raise RuleYamlError(line, "the text is not UTF-8", "save the file as UTF-8") from None
    if "\0" in text:
        raise RuleYamlError(None, "a binary file, not text: it has NUL bytes", "give the rule's YAML file as UTF-8")
    return text


def parse(text: str, path: str | None = None) -> list[Document]:
    """Documents of a YAML text in order; one that cannot be read keeps its place and has a problem.

    Never raises for any text. Null documents (a trailing `---`) are kept: their data is None.
    """
    documents: list[Document] = []
    composer = Composer()
    for number, (offset, chunk) in enumerate(_chunks(text)):
        first = offset + 1
        try:
            if number >= MAX_DOCUMENTS:
                raise RuleYamlError(first, f"more than {MAX_DOCUMENTS:,} documents in one file", "split the file")
            for document in _documents(chunk, offset, composer):
                documents.append(document)
                first = document.line
        except RuleYamlError as fault:
            action = _ACTION.search(chunk)
            documents.append(
                Document(None, fault.line or first, fault.problem(path), action.group(1) if action else None)
            )
            if number >= MAX_DOCUMENTS or composer.budget < 0:
                break
    return documents


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """(lines before it, text) of each document, so that a broken one does not cost those after it.

    `---` in the first column starts a document wherever it stands, in a block scalar too (YAML 1.1, 9.2).
    """
    start = offset = 0
    for match in _DOCUMENT.finditer(text):
        cut = line = match.start()
        while line > start:  # directives belong to the document that follows them
            before = max(text.rfind("\n", start, line - 1) + 1, start)
            words = text[before:line]
            if words.startswith("%"):
                cut = before
            elif words.strip() and not words.startswith("#"):
                if not words.startswith("..."):  # it is the end of a quoted text that only looks like one
                    cut = match.start()
                break
            line = before
        if cut > start:
            yield offset, text[start:cut]
            offset += text.count("\n", start, cut)
            start = cut
    yield offset, text[start:]


def _documents(chunk: str, offset: int, composer: Composer) -> Iterator[Document]:
    """Documents of one chunk. Raises RuleYamlError at the first that cannot be read."""
    if bad := _NOT_YAML.search(chunk):
        line = offset + chunk.count("\n", 0, bad.start()) + 1
        raise RuleYamlError(line, f"the character U+{ord(bad.group()):04X} is not allowed in YAML", "remove it")
    loader = yaml.CSafeLoader(chunk)
    try:
        for data, root in composer.documents(loader, offset):
            yield Document(data, offset + root.start_mark.line + 1, node=root, offset=offset)
    except yaml.MarkedYAMLError as error:
        raise _syntax_fault(error, chunk, offset) from None
    except yaml.YAMLError as error:
        raise RuleYamlError(offset + 1, f"not valid YAML: {error}") from None
    finally:
        loader.dispose()


def _syntax_fault(error: yaml.MarkedYAMLError, chunk: str, offset: int) -> RuleYamlError:
    """PyYAML's complaint in words that help: it never names a tab, the usual cause."""
    marks = [mark.line for mark in (error.context_mark, error.problem_mark) if mark is not None]
    last = max(marks, default=0)
    lines = chunk.rstrip().split("\n")
    for number in range(max(min(marks, default=0), last - 50), min(last + 1, len(lines))):
        indentation = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        if "\t" in indentation and lines[number].strip():
            message = "a tab in the indentation, which YAML does not allow"
            return RuleYamlError(offset + number + 1, message, "indent with spaces")
    message = ", ".join(part for part in (error.context, error.problem) if part)
    # From PyYAML 6.0.4 on its parser has a limit of its own, which is a higher one.
    if "maximum nesting depth" in message:
        return RuleYamlError(offset + last + 1, *TOO_DEEP)
    hint = next((hint for words, hint in _HINTS if words in message), "check the indentation and the quotes here")
    if last >= len(lines) - 1:  # what the end of the document leaves open is to be closed where it was opened
        last = min(marks, default=0)
    return RuleYamlError(offset + last + 1, f"not valid YAML: {message}", hint)
