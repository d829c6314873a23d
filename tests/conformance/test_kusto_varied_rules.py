"""A thousand varied rules at once: every query is good KQL, and whatever is refused is refused by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

import pytest
import volumes
from cli.runner import run
from oracles.kusto_complaints import complaints
from sigma_t1020.convert import Options, convert
from sigma_t1020.kusto_language.schemas import SchemaName
from sigma_t1020.output import ConvertedQuery
from sigma_t1020.problems import Problem
from sigma_t1020.rules.loading import load
from sigma_t1020.targets import TARGETS

from conformance.varied_items import SOURCES, TIME_PARTS, Outcome
from conformance.varied_rules import CORRELATIONS, FORMS, Varied, VariedFile, modifiers, varied_files, write

FULL = 1_000
COUNT = volumes.of(FULL, least=100)
SEED = 21
#: Lints that point at a query which does not do what it says; the others are advice on style and cost.
UNWANTED = {"KS107", "KS501", "KS508", "KS515"}
#: The least share of the documents that must convert.
SHARE = 0.7
MODIFIERS = {
    *("contains", "startswith", "endswith", "all", "cased", "neq", "exists", "windash", "cidr", "lt", "lte"),
    *("gt", "gte"),
    *("re", "i", "m", "s", "ignorecase", "multiline", "dotall", "base64", "base64offset", "wide", "utf16", "utf16le"),
    *("utf16be",),
    *("fieldref", "expand", *TIME_PARTS),
}

_PLACE = re.compile(r" \([^()]*\.yml:[0-9]+\)")
FILES = varied_files(SEED, COUNT)
each_target = pytest.mark.parametrize("target", ["sentinel", "defender"])


@dataclass(frozen=True)
class Folder:
    """What a folder of the files gives: its queries in order, and the problems of each rule by its id."""

    queries: tuple[ConvertedQuery, ...]
    problems: Mapping[str, Sequence[Problem]]

    @property
    def texts(self) -> dict[tuple[str | None, int], str]:
        """The queries by the id of the rule and the number of the condition."""
        return {(query.id, query.part): query.text for query in self.queries}

    @property
    def messages(self) -> dict[str, list[tuple[str, str]]]:
        """What is said of each rule, without the places, which other file names change."""
        return {
            each: sorted((_PLACE.sub("", problem.message), problem.hint) for problem in found)
            for each, found in self.problems.items()
        }


def converted(paths: Sequence[Path], target: str) -> Folder:
    """The conversion of files that a backend of its own makes."""
    loaded = load(paths)
    done = convert(loaded, None, TARGETS[target], Options())
    by_name = {file.name: file for file in FILES}
    problems: dict[str, list[Problem]] = {}
    for problem in (*loaded.problems, *done.problems):
        assert problem.path is not None, problem
        assert problem.line is not None, problem
        file = by_name[Path(problem.path).name[-len(FILES[0].name) :]]
        problems.setdefault(file.at(problem.line).id, []).append(problem)
    return Folder(done.queries, problems)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all files."""
    path = tmp_path_factory.mktemp("rules")
    write(FILES, path)
    return path


@pytest.fixture(scope="module")
def of_target(folder: Path) -> Callable[[str], Folder]:
    """The conversion of the folder for a target, made once."""
    return cache(lambda target: converted([folder], target))


def documents() -> Iterator[Varied]:
    """All documents of all files."""
    return (one for file in FILES for one in file.documents)


@each_target
def test_microsofts_parser_has_nothing_against_any_query(
    target: SchemaName, of_target: Callable[[str], Folder]
) -> None:
    assert complaints((query.text for query in of_target(target).queries), target, UNWANTED) == []


@each_target
def test_each_rule_gives_all_its_queries_or_a_refusal_that_names_why(
    target: str, of_target: Callable[[str], Folder]
) -> None:
    done = of_target(target)
    counts = Counter(query.id for query in done.queries)
    wrong = []
    for one in documents():
        problems = done.problems.get(one.id, ())
        if counts[one.id] != (0 if problems else one.queries):
            wrong.append(f"{counts[one.id]} queries, {list(map(str, problems))}: {one.document}")
        if one.outcome is (Outcome.CONVERTED if problems else Outcome.REFUSED):
            wrong.append(f"not {one.outcome.value}, {list(map(str, problems))}: {one.document}")
        if problems and not any(word in problem.message for problem in problems for word in one.words):
            wrong.append(f"names none of {one.words}: {list(map(str, problems))}")
    wrong += [
        f"no reason that helps: {problem}"
        for problem in (problem for found in done.problems.values() for problem in found)
        if not problem.hint or "pySigma fails" in problem.message or "not a form that Sigma accepts" in problem.message
    ]
    assert not wrong, "\n".join(wrong[:10])


def _tests(query: str) -> Counter[str]:
    """The lines of a query that choose rows."""
    return Counter(line.strip() for line in query.splitlines() if line.strip().startswith("| where "))


@each_target
def test_each_query_tests_more_than_its_time_and_log_source(
    target: str, of_target: Callable[[str], Folder], tmp_path: Path
) -> None:
    done = of_target(target)
    sources = {
        one.id: {key: value for key, value in one.document["logsource"].items() if key != "service"}
        for one in documents()
        if "logsource" in one.document
    }
    probe = "title: '{0}'\nlogsource: {1}\ndetection: {{s: {{Image: probe}}, condition: s}}\n"
    different = sorted({str(source) for source in sources.values()})
    for number, source in enumerate(different):
        (tmp_path / f"{number:02d}.yml").write_text(probe.format(number, source), encoding="utf-8")
    probes = convert(load([tmp_path]), None, TARGETS[target], Options()).queries
    alone = {different[int(query.title)]: _tests(query.text) for query in probes}
    wrong = []
    for query in done.queries:
        found = _tests(query.text)
        if query.kind == "rule":
            common = alone[str(sources[str(query.id)])]
            found -= Counter({line: count for line, count in common.items() if "probe" not in line})
        if found.total() < 1 or {"| where true", "| where false"} & found.keys():
            wrong.append(query.text)
    assert len(alone) > len(SOURCES)
    assert not wrong, "\n\n".join(wrong[:5])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_the_files_changes_nothing(seed: int, of_target: Callable[[str], Folder], tmp_path: Path) -> None:
    write(FILES, tmp_path, Random(seed))
    again, before = converted([tmp_path], "sentinel"), of_target("sentinel")
    assert [query.id for query in again.queries] != [query.id for query in before.queries]
    assert again.texts == before.texts
    assert again.messages == before.messages


@each_target
def test_a_file_by_itself_gives_what_it_gives_among_the_others(
    target: str, folder: Path, of_target: Callable[[str], Folder]
) -> None:
    done = of_target(target)
    wrong = []
    for file in FILES:
        alone = converted([folder / file.name], target)
        ids = {one.id for one in file.documents}
        if alone.texts != {key: text for key, text in done.texts.items() if key[0] in ids} or alone.messages != {
            key: said for key, said in done.messages.items() if key in ids
        }:
            wrong.append(file.text)
    assert not wrong, "\n".join(wrong[:3])


def test_the_command_line_says_the_same_of_the_folder(folder: Path, of_target: Callable[[str], Folder]) -> None:
    done = run("convert", "--target", "all", "--format", "json", folder)
    assert done.status == 1
    for target in TARGETS:
        printed = [(query["id"], query["part"], query["query"]) for query in done.json() if query["target"] == target]
        assert printed == [(query.id, query.part, query.text) for query in of_target(target).queries]
    assert not [line for line in done.complaints if not line.startswith(f"{folder}/rule_")]
    said = {line.partition(": ")[2] for line in done.complaints}
    expected = {
        str(replace(problem, path=None, line=None))
        for target in TARGETS
        for found in of_target(target).problems.values()
        for problem in found
    }
    assert said == expected


def test_most_rules_convert(of_target: Callable[[str], Folder]) -> None:
    made = list(documents())
    healthy = [one for one in made if one.id not in of_target("sentinel").problems]
    categories = Counter(str(one.document.get("logsource", {}).get("category")) for one in healthy)
    assert len(made) >= COUNT
    assert len(healthy) >= SHARE * len(made)
    assert not [category for category in SOURCES if categories[category] < COUNT // 50]


def test_a_thousand_rules_are_of_all_kinds() -> None:
    made = [one for file in varied_files(SEED, FULL) for one in file.documents]
    kinds = Counter(one.form for one in made)
    used = Counter(modifier for one in made for modifier in modifiers(one.document))
    assert not [form for form, _ in FORMS if kinds[str(form)] < FULL // 100]
    assert not [kind for kind in CORRELATIONS if not kinds[kind]]
    assert not [modifier for modifier in MODIFIERS if used[modifier] < 3], used


def test_a_seed_gives_the_same_files() -> None:
    def texts(files: Sequence[VariedFile]) -> list[str]:
        return [file.text for file in files]

    assert texts(varied_files(SEED, 50)) == texts(FILES)[: len(varied_files(SEED, 50))]
    assert texts(varied_files(SEED + 1, 50)) != texts(varied_files(SEED, 50))
