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
    """The filters to apply with those among the rules, each once (None: only the latter), and what is wrong.

    A filter among the rules applies without being asked for, so stderr says which rules it changes.
    """
    for item in loaded.filters:
        _say_changes(item, loaded)
    if not filters:
        return None, []
    from sigma_t1020 import pack
    from sigma_t1020.convert import changed_by
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
                if next(changed_by(item, loaded), None) is None
            )
        chosen.update({(item.path, item.document.line): item for item in found.filters})
    return list(chosen.values()), problems


def _say_changes(sigma_filter: LoadedRule, loaded: Loaded) -> None:
    from sigma_t1020.convert import changed_by
    from sigma_t1020.resources import near

    titles = [item.rule.title for item in changed_by(sigma_filter, loaded)]
    changes = f"changes {', '.join(titles)}" if titles else "changes none of the rules"
    place = f"{near(sigma_filter.path)}:{sigma_filter.document.line}"
    click.echo(f"note: {place}: the filter {sigma_filter.rule.title} {changes}", err=True)
