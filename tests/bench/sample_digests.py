"""Whether every sample that the tests draw is the same in two runs: `python tests/bench/sample_digests.py`.

The first run has two workers, the second one process, the files in reverse order and another hash seed. The tests
record each sample themselves (`generators.RECORD`), so none is left out. Exit status 1 names those that differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from reference.generators import RECORD  # noqa: E402


def recorded(path: Path, files: list[str], hash_seed: str, *options: str) -> dict[str, set[str]]:
    """The digests of one run, by place, size and seed: a place may draw from several makers."""
    command = [sys.executable, "-m", "pytest", "-q", *options, *files]
    environment = {**os.environ, RECORD: str(path), "PYTHONHASHSEED": hash_seed}
    subprocess.run(command, cwd=TESTS.parent, env=environment, stdout=subprocess.DEVNULL, check=True)
    found: dict[str, set[str]] = defaultdict(set)
    for line in path.read_text("utf-8").splitlines():
        sample, _, value = line.rpartition(": ")
        found[sample].add(value)
    return found


def main() -> None:
    """Run the tests twice and compare."""
    asking = [path for path in sorted(TESTS.glob("*/test_*.py")) if path.parent.name in ("conformance", "reference")]
    files = [str(path) for path in asking]
    with tempfile.TemporaryDirectory() as folder:
        one = recorded(Path(folder) / "one", files, "1", "-n", "2")
        other = recorded(Path(folder) / "other", files[::-1], "2", "-n", "0")
    differing = sorted(sample for sample in one.keys() | other.keys() if one.get(sample) != other.get(sample))
    print(f"{sum(map(len, one.values()))} samples, {len(differing)} differ")
    print("\n".join(differing))
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
