"""What starting costs: process CPU of `sigma-t1020` against that of `sigma`, pySigma's own command line.

    python tests/bench/start_up.py [--runs 15] [--rule FILE]

One rule for one target through both, from the same file, and the two `--help`, in turn in one run, so that
whatever else the machine does falls on all of them. CPU is user and system time of the process and its
children, as the kernel counts it. Prints the median of the runs in milliseconds and the ratios; exits with 1
where a conversion takes more than 0.6 of sigma's, or the help more than 0.25.

Also the wall-clock time of `sigma-t1020 check` on the rule as a commit hook has it: without SigmaHQ's validators and
without the parser. Exits with 1 where its median is a second or more.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
RULES = Path(__file__).resolve().parents[2] / "sigma" / "rules"
#: What is compared: arguments of ours, of sigma's, and the ratio that is allowed.
Pair = tuple[list[str], list[str], float]


def pairs(rule: Path) -> dict[str, Pair]:
    return {
        "convert": (
            ["sigma-t1020", "convert", "-t", "sentinel", str(rule)],
            ["sigma", "convert", "-t", "t1020_kusto", "-p", "t1020_sentinel", str(rule)],
            0.6,
        ),
        "--help": (["sigma-t1020", "--help"], ["sigma", "--help"], 0.25),
    }


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of one run. Raises RuntimeError if it fails or says nothing."""
    with subprocess.Popen(
        [str(BIN / command[0]), *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not output:
        raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}, {len(output)} bytes")
    return used.ru_utime + used.ru_stime


# The program with sigma.validators.sigmahq out of its sight, which is installed here.
BARE = """
import pkgutil
found = pkgutil.iter_modules
pkgutil.iter_modules = lambda *paths: (each for each in found(*paths) if not each.name.endswith(".sigmahq"))
from sigma_t1020.cli import main
main()
"""
CHECK_SECONDS = 1.0


def check_seconds(rule: Path, folder: str) -> float:
    """Wall-clock seconds of a bare check; `folder` has no parser. Raises RuntimeError unless the rule passes."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", BARE, "check", str(rule)],
        env={**os.environ, "SIGMA_T1020_DATA": folder},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode or done.stderr != "1 rules, 0 filters: 2 infos\n":
        raise RuntimeError(f"check {rule}: exit status {done.returncode}, {done.stdout}{done.stderr}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--rule", type=Path, help="default: each shipped process creation rule in its turn")
    options = parser.parse_args()
    rules = [options.rule] if options.rule else sorted(RULES.rglob("proc_creation_*.yml"))
    seconds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in pairs(rules[0])}
    for number in range(options.runs + 1):
        for name, (ours, theirs, _allowed) in pairs(rules[number % len(rules)]).items():
            measured = cpu_seconds(ours), cpu_seconds(theirs)
            if number:  # the first run fills the caches
                for total, value in zip(seconds[name], measured, strict=True):
                    total.append(value)
    failed = False
    for name, (_ours, _theirs, allowed) in pairs(rules[0]).items():
        mine, other = (statistics.median(values) for values in seconds[name])
        ratio = mine / other
        failed |= ratio > allowed
        print(
            f"{name}: sigma-t1020 {mine * 1000:.0f} ms, sigma {other * 1000:.0f} ms, "
            f"ratio {ratio:.2f}, at most {allowed}"
        )
    with tempfile.TemporaryDirectory() as folder:
        bare = [check_seconds(rules[number % len(rules)], folder) for number in range(options.runs + 1)][1:]
    failed |= statistics.median(bare) >= CHECK_SECONDS
    print(
        f"check without the extra: {statistics.median(bare) * 1000:.0f} ms wall, {max(bare) * 1000:.0f} at worst, "
        f"below {CHECK_SECONDS * 1000:.0f}"
    )
    sys.exit(failed)


if __name__ == "__main__":
    main()
