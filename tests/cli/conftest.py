"""Fixtures of the tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sigma_t1020.kusto_language import language


@pytest.fixture
def one_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """One node process for all tests that use this, in the place of one a run: it takes a second to start."""

    running = language.kusto_language()

    @contextmanager
    def shared() -> Iterator[language.KustoLanguage]:
        yield running

    monkeypatch.setattr(language, "KustoLanguage", shared)
