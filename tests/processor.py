"""What bounds on effort are measured by: time of the processor, which other programs on the machine do not use up."""

from __future__ import annotations

import os


def processor_seconds() -> float:
    """Seconds that this process has used so far, and those that its ended children had used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
