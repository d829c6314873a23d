"""Samples are the same in every process, whatever else was imported, and in whatever order they are drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: Prints the digest of a sample of each maker for some seeds, in the given order.
PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
{imports}
from conformance.hard_texts import text
from reference.digests import digest
from reference.generators import correlation_cases, logs, nested_cases, pairs, sample
from reference.logs import TYPES
from conformance.varied_rules import varied_files
makers = {{
    "pairs": pairs(), "no modifiers": pairs(frozenset()), "logs": logs(), "logs of two hosts": logs(60_000, 2),
    **{{f"cases of {{kind}}": correlation_cases((kind,)) for kind in TYPES}},
    **{{f"nested {{kind}}": nested_cases((kind,)) for kind in TYPES}},
    "texts": text,
}}
found = {{}}
for name in sorted(makers, reverse={backwards}):
    for seed in (1, 5, 11, 700):
        found[f"{{name}} {{seed}}"] = digest(sample(makers[name], 25, seed))
found["varied files"] = digest([file.text for file in varied_files(21, 50)])
print("\\n".join(f"{{name}}: {{value}}" for name, value in sorted(found.items())))
"""
MUCH_ELSE = "import duckdb_kql, eql, sigma.plugins, oracles.esql_engine, oracles.spl_engine, reference.test_generators"


def _digests(imports: str, backwards: bool, hash_seed: str) -> str:
    program = PROGRAM.format(tests=str(TESTS), imports=imports, backwards=backwards)
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def plain() -> str:
    found = _digests("", backwards=False, hash_seed="0")
    assert len(set(found.split())) > 50
    return found


def test_another_process_that_has_imported_much_else_draws_the_same(plain: str) -> None:
    assert _digests(MUCH_ELSE, backwards=False, hash_seed="1") == plain


def test_samples_drawn_in_another_order_are_the_same(plain: str) -> None:
    assert _digests("", backwards=True, hash_seed="2") == plain
