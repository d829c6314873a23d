"""What starting costs: process CPU of `sigma-t1020` against that of `sigma`, pySigma's own command line.

    python tests/bench/start_up.py [--runs 15] [--rule FILE]

One rule for one target through both, from the same file, and the two `--help`, in turn in one run, so that
whatever else the machine does falls on all of them. CPU is user and system time of the process and its
children, as the kernel counts it. Prints the median of the runs in milliseconds and the ratios; exits with 1
where a conversion takes more than 0.6 of sigma's, or the help more than 0.25.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
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
    sys.exit(failed)


if __name__ == "__main__":
    main()
