"""The command line: options, output and exit status. What is done lies in the modules that it calls."""

from __future__ import annotations

import gc
import os
import sys
import warnings

import click

from sigma_t1020 import __version__
from sigma_t1020.cli import build, check, convert, help, lists
from sigma_t1020.cli.console import fail


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sigma-t1020")
def cli() -> None:
    """Sigma rules for ATT&CK T1020 (Automated Exfiltration), and any others, as SIEM queries that mean the same.

    Reference: sigma-t1020 help TOPIC. Without TOPIC it lists the topics.

    Exit status: 0 all good, 1 something was reported, 2 wrong usage.
    """


for command in (convert.convert, lists.lists, check.check, build.pack, build.build, help.help_topic):
    cli.add_command(command)


def main() -> None:
    """Entry point: no traceback reaches a user."""
    # A short process makes objects that live to its end; looking for garbage among them took a seventh of its time.
    gc.set_threshold(50_000)
    if not sys.warnoptions:
        # Python's advice on regular expressions is meant for who compiles them; rules have their own findings.
        warnings.simplefilter("ignore", FutureWarning)
    try:
        cli()
    except Exception as error:
        if os.environ.get("SIGMA_T1020_TRACEBACK"):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        fail(f"sigma-t1020 failed: {reason}; please report it, with SIGMA_T1020_TRACEBACK=1 set for the details")
    finally:
        gc.freeze()
