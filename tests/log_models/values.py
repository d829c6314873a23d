"""Values of the pipeline state's keys for tests."""

from __future__ import annotations

#: What no key takes.
WRONG: list[object] = [None, True, 3.5, [["x"]], {"a": {"b": 1.5}}]
