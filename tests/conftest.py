"""Options of the test run."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that rewrites the golden files."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the golden files of tests/golden from what is converted now (not where CI is set)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to rewrite what a CI run is there to compare."""
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("--update-golden is refused where CI is set: run it at home and commit the diff")
