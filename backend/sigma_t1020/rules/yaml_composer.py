"""YAML events composed to data and nodes in one pass, without what a Sigma rule never needs.

PyYAML's own loaders take the last of two equal keys in silence, build what an alias bomb asks for, and recurse as
deep as the file says. Here nothing recurses, and each of these is an error that names its line.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from sigma_t1020.problems import Problem, shown

MAX_DEPTH = 40
#: What is wrong with more, and what to do.
TOO_DEEP = (f"nested more than {MAX_DEPTH} levels deep", "a Sigma rule needs fewer than ten")
MAX_VALUES = 250_000
MAX_ALIASED = 10_000
# A number longer than this is no number of a log event, and Python needs quadratic time to read it.
MAX_NUMBER = 400
ASTERISK_HINT = "a value that begins with * needs quotes: '*\\curl.exe'"

Scalar = str | int | float | bool | datetime.date | None

_TAG = "tag:yaml.org,2002:"
_STR, _MERGE = _TAG + "str", _TAG + "merge"
_SCALAR_TAGS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "timestamp"))
_QUOTE = "put the value in single quotes"


class RuleYamlError(Exception):
    """One document cannot be read: `line` is 1-based in the whole file, or None."""

    def __init__(self, line: int | None, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.hint = line, message, hint

    def problem(self, path: str | None) -> Problem:
        """It as a problem of the file at `path`."""
        return Problem(path, self.line, self.message, self.hint)


@dataclass
class _Open:
    """A mapping or list that is being read; `size` counts its values, those of aliases again each time."""

    node: yaml.MappingNode | yaml.SequenceNode
    data: Any
    anchor: str | None
    key: yaml.ScalarNode | None = None
    size: int = 1


class Composer:
    """Nodes and data from the parser's events; `budget` is how many values the file may still have."""

    def __init__(self) -> None:
        self.budget, self._aliased = MAX_VALUES, 0

    def documents(self, loader: Any, offset: int) -> Iterator[tuple[Any, yaml.Node]]:
        """Data and root node of each document of the loader's stream, which begins after `offset` lines of the file.

        Raises RuleYamlError or yaml.YAMLError.
        """
        self._loader, self._offset = loader, offset
        while not isinstance(event := self._loader.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                yield self._document()

    def _document(self) -> tuple[Any, yaml.Node]:
        self._stack: list[_Open] = []
        # Anchor: node, data, size; None while the anchored value is still open.
        self._anchors: dict[str, tuple[yaml.Node, Any, int] | None] = {}
        self._merges = False
        self._root: tuple[yaml.Node, Any] | None = None
        while not isinstance(event := self._loader.get_event(), yaml.DocumentEndEvent):
            if isinstance(event, yaml.ScalarEvent):
                node = self._scalar(event)
                self._put(node, self._value(node), 1, event.anchor, node)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                done = self._stack.pop()
                self._put(done.node, done.data, done.size, done.anchor, done.node)
            else:
                self._open(event)
        assert self._root is not None
        node, data = self._root
        return self._loader.construct_document(node) if self._merges else data, node

    def _error(self, place: Any, message: str, hint: str) -> RuleYamlError:
        """The error on the line of an event or node."""
        return RuleYamlError(self._line(place), message, hint)

    def _tag_error(self, place: Any) -> RuleYamlError:
        if place.tag == _TAG + "value":
            return self._error(place, "a bare = has a special meaning in YAML", _QUOTE)
        name = shown(place.tag.replace(_TAG, "!!"), "")
        return self._error(place, f"the tag {name} is not allowed", "remove it, because a Sigma rule needs no tags")

    def _line(self, place: Any) -> int:
        return self._offset + int(place.start_mark.line) + 1

    def _open(self, event: Any) -> None:
        is_map = isinstance(event, yaml.MappingStartEvent)
        tag = _TAG + ("map" if is_map else "seq")
        if event.tag not in (None, "!", tag):
            raise self._tag_error(event)
        if len(self._stack) >= MAX_DEPTH:
            raise self._error(event, *TOO_DEEP)
        if event.anchor:
            self._anchors[event.anchor] = None
        make: Any = yaml.MappingNode if is_map else yaml.SequenceNode
        node = make(tag, [], event.start_mark)
        self._stack.append(_Open(node, {} if is_map else [], event.anchor))

    def _scalar(self, event: Any) -> yaml.ScalarNode:
        tag = event.tag
        if tag in (None, "!"):
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        return yaml.ScalarNode(tag, event.value, event.start_mark)

    def _value(self, node: yaml.ScalarNode) -> Scalar:
        """The Python value of a scalar, as yaml.safe_load gives it."""
        top = self._stack[-1] if self._stack else None
        is_key = top is not None and isinstance(top.node, yaml.MappingNode) and top.key is None
        if node.tag == _STR or (node.tag == _MERGE and is_key):
            return str(node.value)
        if node.tag not in _SCALAR_TAGS:
            raise self._tag_error(node)
        if len(node.value) > MAX_NUMBER:
            raise self._error(node, f"a number of {len(node.value):,} digits", f"if it is text, {_QUOTE}")
        try:
            value: Scalar = self._loader.yaml_constructors[node.tag](self._loader, node)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            kind = node.tag.removeprefix(_TAG).replace("timestamp", "date")
            raise self._error(node, f"{shown(node.value)} is not a valid {kind}", f"correct it, or {_QUOTE}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise self._error(node, f"{shown(node.value)} is not a number a log can hold", f"if it is text, {_QUOTE}")
        return value

    def _alias(self, event: Any) -> None:
        name = shown(event.anchor, "")
        if event.anchor not in self._anchors:
            raise self._error(event, f"the alias *{name} is not defined", ASTERISK_HINT)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise self._error(event, f"the alias *{name} contains itself", "write the values out")
        node, data, size = anchored
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            message = f"aliases that expand to more than {MAX_ALIASED:,} values"
            raise self._error(event, message, "write the values out")
        self._put(node, data, size, None, event)

    def _put(self, node: yaml.Node, data: Any, size: int, anchor: str | None, place: Any) -> None:
        """Add a finished value, which stands at `place`, to what is open."""
        self.budget -= 1
        if self.budget < 0:
            raise self._error(place, f"more than {MAX_VALUES:,} values in one file", "split the file")
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
            top.key = self._key(node, top, place)
        else:
            top.node.value.append((top.key, node))
            top.data[top.key.value] = data
            top.key = None

    def _key(self, node: yaml.Node, top: _Open, place: Any) -> yaml.ScalarNode:
        """The node as a key of `top`. Raises RuleYamlError for one that is no text, or a second one."""
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(place, "a list or mapping as a key", "write the key as plain text")
        if node.tag not in (_STR, _MERGE):
            raise self._error(place, f"YAML does not read the key {shown(node.value)} as text", "put it in quotes")
        if node.value in top.data:
            earlier = next(self._line(key) for key, _ in top.node.value if key.value == node.value)
            message = f"duplicate key {shown(node.value)}, first on line {earlier}"
            raise self._error(place, message, "merge the two, or put them into a list of mappings")
        self._merges |= node.tag == _MERGE
        return node
