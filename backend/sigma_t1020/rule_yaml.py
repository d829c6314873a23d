"""Sigma's YAML, read in one pass, with the line of every key and the refusal of what a rule never needs.

PyYAML's own loaders take the last of two equal keys in silence, build what an alias bomb asks for, and recurse as
deep as the file says. Here the parser's events are composed without recursion, and each of these ends in a Problem.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from sigma_t1020.problems import Place, Problem, shown

MAX_BYTES = 5 * 2**20
MAX_DEPTH = 40
MAX_VALUES = 250_000
MAX_ALIASED = 10_000
MAX_DOCUMENTS = 5_000
# A number longer than this is no number of a log event, and Python needs quadratic time to read it.
MAX_NUMBER = 400

Scalar = str | int | float | bool | datetime.date | None

_TAG = "tag:yaml.org,2002:"
_STR, _MERGE = _TAG + "str", _TAG + "merge"
_SCALAR_TAGS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "timestamp"))
_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DOCUMENT = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_ACTION = re.compile(r"^action:[ \t]*[\"']?(\w+)", re.MULTILINE)
_QUOTE = "put the value in single quotes"
_HINTS = (
    ("alias", "a value that begins with * needs quotes: '*\\curl.exe'"),
    ("anchor", "a value that begins with & needs quotes"),
    ("mapping values are not allowed", "quote a value that has ': ' in it, or correct the indentation"),
    ("unknown escape", "in double quotes a backslash is an escape: use single quotes for Windows paths"),
    ("hexdecimal", "in double quotes a backslash is an escape: use single quotes for Windows paths"),
    ("cannot start any token", "a value that begins with %, @ or ` needs quotes"),
    ("unexpected end of stream", "close the quote or the bracket that was opened"),
    ("could not find expected ':'", "write `key: value`, and quote a value that goes over several lines"),
)


class RuleYamlError(Exception):
    """One document cannot be read: `line` is 1-based in the whole file, or None."""

    def __init__(self, line: int | None, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.hint = line, message, hint


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
        raise RuleYamlError(
            None,
            f"the file has more than {MAX_BYTES // 2**20} MiB",
            "give rule files, or split the collection",
        )
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
    composer = _Composer()
    for number, (offset, chunk) in enumerate(_chunks(text)):
        first = offset + 1
        try:
            if number >= MAX_DOCUMENTS:
                raise RuleYamlError(first, f"more than {MAX_DOCUMENTS:,} documents in one file", "split the file")
            for document in _documents(chunk, offset, composer):
                documents.append(document)
                first = document.line
        except RuleYamlError as fault:
            problem = Problem(path, fault.line, fault.message, fault.hint)
            action = _ACTION.search(chunk)
            documents.append(
                Document(None, fault.line or first, problem, action.group(1) if action else None, offset=offset)
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


def _documents(chunk: str, offset: int, composer: _Composer) -> Iterator[Document]:
    """Documents of one chunk. Raises RuleYamlError at the first that cannot be read."""
    if bad := _NOT_YAML.search(chunk):
        line = offset + chunk.count("\n", 0, bad.start()) + 1
        raise RuleYamlError(line, f"the character U+{ord(bad.group()):04X} is not allowed in YAML", "remove it")
    loader = yaml.CSafeLoader(chunk)
    try:
        yield from composer.documents(loader, offset)
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
            return RuleYamlError(
                offset + number + 1,
                "a tab in the indentation, which YAML does not allow",
                "indent with spaces",
            )
    message = ", ".join(part for part in (error.context, error.problem) if part)
    hint = next((hint for words, hint in _HINTS if words in message), "check the indentation and the quotes here")
    if last >= len(lines) - 1:  # what the end of the document leaves open is to be closed where it was opened
        last = min(marks, default=0)
    return RuleYamlError(offset + last + 1, f"not valid YAML: {message}", hint)


@dataclass
class _Open:
    """A mapping or list that is being read; `size` counts its values, those of aliases again each time."""

    node: yaml.MappingNode | yaml.SequenceNode
    data: Any
    anchor: str | None
    key: yaml.ScalarNode | None = None
    size: int = 1


class _Composer:
    """Nodes and data from the parser's events; `budget` is how many values the file may still have."""

    def __init__(self) -> None:
        self.budget, self._aliased = MAX_VALUES, 0

    def documents(self, loader: Any, offset: int) -> Iterator[Document]:
        """Each document of the loader's stream. Raises RuleYamlError or yaml.YAMLError."""
        self._loader, self._offset = loader, offset
        while not isinstance(event := self._loader.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                yield self._document()

    def _document(self) -> Document:
        self._stack: list[_Open] = []
        # Anchor: node, data, size; None while the anchored value is still open.
        self._anchors: dict[str, tuple[yaml.Node, Any, int] | None] = {}
        self._merges = False
        self._root: tuple[yaml.Node, Any] | None = None
        while not isinstance(event := self._loader.get_event(), yaml.DocumentEndEvent):
            if isinstance(event, yaml.ScalarEvent):
                node = self._scalar(event)
                self._put(node, self._value(node), event.anchor, 1)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                done = self._stack.pop()
                self._put(done.node, done.data, done.anchor, done.size)
            else:
                self._open(event)
        assert self._root is not None
        node, data = self._root
        if self._merges:
            data = self._loader.construct_document(node)
        return Document(data, self._line(node), node=node, offset=self._offset)

    def _line(self, place: Any) -> int:
        return self._offset + int(place.start_mark.line) + 1

    def _open(self, event: Any) -> None:
        is_map = isinstance(event, yaml.MappingStartEvent)
        tag = _TAG + ("map" if is_map else "seq")
        line = self._line(event)
        if event.tag not in (None, "!", tag):
            raise _tag_fault(line, event.tag)
        if len(self._stack) >= MAX_DEPTH:
            raise RuleYamlError(line, f"nested more than {MAX_DEPTH} levels deep", "a Sigma rule needs fewer than ten")
        if self._stack and self._expects_key():
            raise RuleYamlError(line, "a list or mapping as a key", "a key is plain text")
        if event.anchor:
            self._anchors[event.anchor] = None
        make: Any = yaml.MappingNode if is_map else yaml.SequenceNode
        node = make(tag, [], event.start_mark)
        self._stack.append(_Open(node, {} if is_map else [], event.anchor))

    def _expects_key(self) -> bool:
        return isinstance(self._stack[-1].node, yaml.MappingNode) and self._stack[-1].key is None

    def _scalar(self, event: Any) -> yaml.ScalarNode:
        tag = event.tag
        if tag in (None, "!"):
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        return yaml.ScalarNode(tag, event.value, event.start_mark)

    def _value(self, node: yaml.ScalarNode) -> Scalar:
        """The Python value of a scalar, as yaml.safe_load gives it."""
        if node.tag == _STR or (node.tag == _MERGE and self._stack and self._expects_key()):
            return str(node.value)
        line = self._line(node)
        if node.tag not in _SCALAR_TAGS:
            raise _tag_fault(line, node.tag)
        if len(node.value) > MAX_NUMBER:
            raise RuleYamlError(line, f"a number of {len(node.value):,} digits", f"if it is text, {_QUOTE}")
        try:
            value: Scalar = self._loader.yaml_constructors[node.tag](self._loader, node)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            kind = node.tag.removeprefix(_TAG).replace("timestamp", "date")
            raise RuleYamlError(line, f"{shown(node.value)} is no valid {kind}", f"correct it, or {_QUOTE}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise RuleYamlError(line, f"{shown(node.value)} is no number a log can hold", f"if it is text, {_QUOTE}")
        return value

    def _alias(self, event: Any) -> None:
        line = self._line(event)
        if event.anchor not in self._anchors:
            raise RuleYamlError(line, f"the alias *{shown(event.anchor, '')} is not defined", _HINTS[0][1])
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise RuleYamlError(line, f"the alias *{shown(event.anchor, '')} contains itself", "write the values out")
        if self._stack and self._expects_key() and not isinstance(anchored[0], yaml.ScalarNode):
            raise RuleYamlError(line, "a list or mapping as a key", "a key is plain text")
        self._aliased += anchored[2]
        if self._aliased > MAX_ALIASED:
            raise RuleYamlError(
                line, f"aliases that expand to more than {MAX_ALIASED:,} values", "write the values out"
            )
        self._put(*anchored[:2], None, anchored[2])

    def _put(self, node: yaml.Node, data: Any, anchor: str | None, size: int) -> None:
        """Add a finished value to what is open. Raises RuleYamlError for a key that is no text, or a second one."""
        self.budget -= 1
        if self.budget < 0:
            raise RuleYamlError(self._line(node), f"more than {MAX_VALUES:,} values in one file", "split the file")
        if anchor:
            self._anchors[anchor] = (node, data, size)
        if not self._stack:
            self._root = (node, data)
            return
        top = self._stack[-1]
        top.size += size
        if isinstance(top.node, yaml.SequenceNode):
            top.node.value.append(node)
            top.data.append(data)
        elif top.key is None:
            top.key = self._key(node, top)
        else:
            top.node.value.append((top.key, node))
            top.data[top.key.value] = data
            top.key = None

    def _key(self, node: yaml.Node, top: _Open) -> yaml.ScalarNode:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in (_STR, _MERGE):
            raise RuleYamlError(
                self._line(node), f"the key {shown(node.value)} is not text to YAML", "put it in quotes"
            )
        if node.value in top.data:
            earlier = next(self._line(key) for key, _ in top.node.value if key.value == node.value)
            raise RuleYamlError(
                self._line(node),
                f"duplicate key {shown(node.value)}, first on line {earlier}",
                "merge the two, or put them into a list of mappings",
            )
        self._merges |= node.tag == _MERGE
        return node


def _tag_fault(line: int, tag: str) -> RuleYamlError:
    if tag == _TAG + "value":
        return RuleYamlError(line, "a bare = has a meaning of its own in YAML", _QUOTE)
    name = tag.replace(_TAG, "!!")
    return RuleYamlError(line, f"the tag {shown(name, '')} is not allowed", "a Sigma rule needs no tags: remove it")
