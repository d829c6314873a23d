"""Options of the test run, and how often it collects garbage."""

from __future__ import annotations

import gc
import os

import pytest
import volumes
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# The tests keep some millions of objects, generated rules and the oracles' parsers: at the interpreter's own
# threshold of 700 the collector takes a sixth of the run.
gc.set_threshold(50_000, 20, 50)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that rewrites the golden files."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the golden files of tests/golden from what is converted now (not where CI is set)",
    )


class ByFile(LoadScopeScheduling):
    """A file's tests on one worker, so that what they share is made once.

    The files of ES|QL share one: its parser needs some ten seconds in each process before it is fast.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "ES|QL" if "esql" in nodeid or file.startswith("tests/conformance/test_elastic") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Choose ByFile instead of one of xdist's own."""
    return ByFile(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse an unknown volume, and to rewrite what a CI run is there to compare."""
    try:
        volumes.of(1)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("--update-golden is refused where CI is set: run it at home and commit the diff")
