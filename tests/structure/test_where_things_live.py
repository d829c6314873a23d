"""Questions of where a thing lives are answered by the tree."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
QUESTIONS = yaml.safe_load((Path(__file__).parent / "where_things_live.yml").read_text(encoding="utf-8"))


def test_every_answer_is_a_file() -> None:
    answers = [entry["lives_in"] for entry in QUESTIONS]
    assert [answer for answer in answers if not (ROOT / answer).is_file()] == []


def test_no_file_answers_most_questions() -> None:
    answers = Counter(entry["lives_in"] for entry in QUESTIONS)
    assert len(QUESTIONS) == 24
    assert max(answers.values()) <= 2
