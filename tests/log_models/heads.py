"""The comments at the head of pipelines/*.yml: one paragraph of each documents the keys that its backends read.

    python tests/log_models/heads.py

rewrites these paragraphs from the declaration of the keys. All other paragraphs are written by hand.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Set as AbstractSet
from pathlib import Path

import yaml
from sigma.backends.t1020.common.log_model import STATE_KEYS
from sigma.backends.t1020.common.state_keys import StateKey

PIPELINES = Path(__file__).parents[2] / "pipelines"
WIDTH = 120
#: How the paragraph begins, which goes on to an empty line of comment or to the end of the head.
_PARAGRAPH = re.compile(r"^# What the t1020_.*\n(?:# .*\n)*", re.MULTILINE)


def rewritten(text: str) -> str:
    """A pipeline file with its paragraph about the keys as the declaration has it. Raises ValueError without one."""
    paragraph = documentation(frozenset(yaml.safe_load(text)["allowed_backends"]))
    found, count = _PARAGRAPH.subn(lambda _: paragraph, text, count=1)
    if not count:
        raise ValueError("no paragraph begins with `# What the t1020_`")
    return found


def documentation(backends: frozenset[str]) -> str:
    """The paragraph for a pipeline of these backends, as lines of comment."""
    keys = [key for key in STATE_KEYS.values() if key.backends & backends]
    readers = f"{' and '.join(sorted(backends))} {'backends read' if len(backends) > 1 else 'backend reads'}"
    intro = (
        f"What the {readers} of the pipeline state, for each rule. A pipeline of your own, given with a second -p and "
        "a higher priority, may set any of these keys to move a log source to your own data; "
        "`sigma-t1020 list state-keys` says what each takes:"
    )
    lines = _wrapped(intro, "# ", "# ")
    column = max(len(key.name) for key in keys) + 2
    for key in keys:
        lines += _wrapped(_description(key, backends), f"#   {key.name:<{column}}", f"#   {'':<{column}}")
    return "".join(f"{line}\n" for line in lines)


def _wrapped(text: str, first: str, others: str) -> list[str]:
    """Lines of the text; what stands between backticks stays on one."""
    whole = re.sub("`[^`]*`", lambda match: match[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    # textwrap breaks a line at ASCII's spaces only.
    lines = textwrap.wrap(whole, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _description(key: StateKey[object], backends: AbstractSet[str]) -> str:
    """What a key means to these backends; what holds for some of them names these."""
    parts = [key.meaning]
    if key.default is not None:
        parts.append(f"{key.default} where it is unset")
    for readers, note in key.notes.items():
        if concerned := readers & backends:
            parts.append(note if concerned == backends else f"{', '.join(sorted(concerned))}: {note}")
    if not backends <= key.backends:
        parts.append(f"read by {', '.join(sorted(key.backends & backends))} only")
    return "; ".join(parts)


def main() -> None:
    for path in sorted(PIPELINES.glob("*.yml")):
        path.write_text(rewritten(path.read_text("utf-8")), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
