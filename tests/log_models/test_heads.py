"""The heads of pipelines/*.yml, and what these files set, against the declaration of the keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from sigma.backends.t1020.common.log_model import STATE_KEYS
from sigma_t1020.pipelines import read_pipeline

from log_models.heads import PIPELINES, rewritten

FILES = sorted(PIPELINES.glob("*.yml"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_head_documents_the_keys_that_its_backends_read_in_the_words_of_the_declaration(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text == rewritten(text), "`make heads` rewrites the paragraph"
    assert max(map(len, text.partition("\nname:")[0].splitlines())) <= 120


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_shipped_pipeline_sets_keys_that_its_backends_read_to_what_they_take(path: Path) -> None:
    # read_pipeline refuses a value that a key does not take.
    given = read_pipeline(str(path))
    unread = {
        setting.key
        for setting in given.settings
        if setting.key not in STATE_KEYS or not STATE_KEYS[setting.key].backends & given.pipeline.allowed_backends
    }
    assert given.settings
    assert unread == set()
