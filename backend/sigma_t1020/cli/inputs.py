"""What a command is given to work on: rules by file, id or name, and filters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sigma_t1020.problems import Problem
    from sigma_t1020.rules.loading import Loaded, LoadedRule


def load_rules(rules: Sequence[str]) -> tuple[Loaded, list[LoadedRule] | None, list[Problem]]:
    """The rules named, the only ones to print (None: all that are not hidden), and what is wrong."""
    from sigma_t1020 import pack
    from sigma_t1020.convert import is_called, only
    from sigma_t1020.problems import Problem
    from sigma_t1020.rules.loading import load

    references = [rule for rule in rules if _is_reference(rule)]
    paths = [rule for rule in rules if rule not in references]
    loaded = load(paths) if paths else pack.load_pack()
    problems = list(loaded.problems)
    wanted = []
    for name in references:
        found = [item for item in loaded.rules if is_called(item, name)]
        wanted += found
        if not found:
            among = "among the files given" if paths else "in the pack"
            hint = "see `sigma-t1020 list rules` for those of the pack"
            problems.append(
                Problem(name, None, f"no such file or folder, and no rule {among} has that id or name", hint)
            )
    if wanted or (references and not paths):
        return only(loaded, wanted), wanted, problems
    return loaded, None, problems


def _is_reference(rule: str) -> bool:
    """Whether an argument can be an id or a name, not a path: nothing of that name exists, and it has no separator."""
    return rule != "-" and not any(c in rule for c in "/\\.") and not os.path.lexists(rule)


def keep_sources(loaded: Loaded, output: str | None) -> None:
    """Refuse to put the result in the place of one of the rules."""
    if not output or not os.path.lexists(output):
        return
    place = os.path.realpath(output)
    if any(os.path.realpath(item.path) == place for item in (*loaded.rules, *loaded.filters)):
        raise click.UsageError(f"-o {output} is one of the rule files, which would be overwritten: choose another name")


def load_filters(filters: Sequence[str], loaded: Loaded) -> tuple[list[LoadedRule] | None, list[Problem]]:
    """The filters to apply with those among the rules, each once (None: only the latter), and what is wrong."""
    if not filters:
        return None, []
    from sigma_t1020 import pack
    from sigma_t1020.convert import touches
    from sigma_t1020.resources import is_folder
    from sigma_t1020.rules.loading import load

    chosen = {(item.path, item.document.line): item for item in loaded.filters}
    problems: list[Problem] = []
    for name in dict.fromkeys(filters):
        many = name == "all" or is_folder(name)
        found = load(pack.filter_paths() if name == "all" else [name])
        problems.extend(found.problems)
        problems.extend(item.problem("a rule, not a filter", "give rules as RULE") for item in found.rules)
        if not many:
            problems.extend(
                item.problem("the filter applies to no rule", "check its logsource and the rules that it names")
                for item in found.filters
                if not touches(item, loaded)
            )
        chosen.update({(item.path, item.document.line): item for item in found.filters})
    return list(chosen.values()), problems
