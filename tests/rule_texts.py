"""Rule files to test with, and a good one that must load beside them."""

from __future__ import annotations

import gc
from pathlib import Path

from processor import processor_seconds
from sigma_t1020.problems import Problem
from sigma_t1020.rules.loading import Loaded, load

HEAD = "title: Rule\nlogsource: {product: windows, category: process_creation}\n"
GOOD = HEAD + "name: good\nid: 00000000-0000-4000-8000-00000000000a\ndetection: {s: {Image: x}, condition: s}\n"
PLAIN = HEAD + "name: plain\ndetection: {s: {Image: x}, condition: s}\n---\n"
CORRELATION = "title: Both\nname: both\ncorrelation:\n  type: temporal\n  timespan: 5m\n"
FILTER = "title: F\nlogsource: {product: windows}\nfilter:\n  rules: any\n  s: {Image: x}\n  condition: not s\n"


def detection(text: str) -> str:
    """A rule whose detection is `text`, which begins on line 4."""
    return HEAD + "detection:\n" + text


def of_condition(condition: str) -> str:
    """A rule with selections `selection` and `filter_a`, whose condition stands on line 6."""
    return detection(f"  selection: {{Image: x}}\n  filter_a: {{Image: y}}\n  condition: {condition}\n")


def correlation(text: str) -> str:
    """A rule named plain, and a correlation whose further keys begin on line 11."""
    return PLAIN + CORRELATION + text


def value(item: str) -> str:
    """A rule with one detection item, on line 5."""
    return detection(f"  s:\n    {item}\n  condition: s\n")


def load_beside_good(tmp_path: Path, content: str | bytes) -> tuple[Loaded, list[Problem]]:
    """Load a file with that content beside a good one; the good one loads, and soon."""
    bad, good = tmp_path / "bad.yml", tmp_path / "good.yml"
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    good.write_text(GOOD.replace("00a", "00b").replace("name: good", "name: beside"))
    # What other tests have left in this process is none of the file's: the collector need not go through it.
    gc.freeze()
    try:
        start = processor_seconds()
        loaded = load([bad, good])
        loaded.collection()
        taken = processor_seconds() - start
    finally:
        gc.unfreeze()
    # Five times what the slowest takes; where a cost grows with the square of the input it is many minutes.
    assert taken < 15
    assert str(good) in [rule.path for rule in loaded.rules]
    assert [problem.path for problem in loaded.problems if problem.path != str(bad)] == []
    return loaded, list(loaded.problems)
