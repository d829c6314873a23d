"""The golden cases: queries are the files beside the rule, and give the events that are labelled for them."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from sigma.backends.t1020.common.losses import Cause
from sigma_t1020.targets import Target

from golden import elastic_eql, elastic_esql, kusto, splunk
from golden.cases import INPUTS, LANGUAGES, ROOT, Case, cases, error_file

COMMAND = "run `pytest tests/golden --update-golden` and read the diff"
#: What judges and runs the queries of each dialect.
DIALECTS: Mapping[str, ModuleType] = {"kql": kusto, "spl": splunk, "eql": elastic_eql, "esql": elastic_esql}

CASES = cases()
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
each_target = pytest.mark.parametrize("target", LANGUAGES.values(), ids=list(LANGUAGES))


@each_case
def test_queries_are_the_golden_files(case: Case, request: pytest.FixtureRequest) -> None:
    made: dict[str, str] = {}
    for target in LANGUAGES.values():
        made |= case.converted(target).files
    if request.config.getoption("--update-golden"):
        _rewrite(case.folder, made)
    faults = [fault for name, text in made.items() for fault in _differences(case.folder / name, text)]
    faults += [f"{case.name}/{name}: orphaned, nothing makes it" for name in _others(case.folder, made)]
    assert not faults, "\n".join([*faults, COMMAND])


def _others(folder: Path, made: dict[str, str]) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in INPUTS | made.keys())


def _rewrite(folder: Path, made: dict[str, str]) -> None:
    """Write what is made, and remove what is not made any more."""
    for name, text in made.items():
        (folder / name).write_bytes(text.encode())
    generated = {
        name for target in LANGUAGES.values() for name in (f"{target.name}{target.dialect.suffix}", error_file(target))
    }
    for name in generated.intersection(_others(folder, made)):
        (folder / name).unlink()


def _differences(path: Path, text: str) -> Iterator[str]:
    """What is wrong with a golden file, compared byte by byte."""
    name = f"{path.parent.name}/{path.name}"
    if not path.exists():
        yield f"{name}: missing"
    elif (found := path.read_bytes()) != text.encode():
        lines = difflib.unified_diff(
            found.decode(errors="replace").split("\n"), text.split("\n"), f"{name} (file)", f"{name} (now)", lineterm=""
        )
        yield f"{name}: changed\n" + "\n".join(lines)


@each_case
def test_golden_files_end_in_one_newline(case: Case) -> None:
    """So that an editor's habits change no file."""
    wrong = []
    for path in sorted(case.folder.iterdir()):
        content = path.read_bytes()
        if not content.endswith(b"\n") or content.endswith(b"\n\n") or b"\r" in content:
            wrong.append(path.name)
    assert not wrong


@each_target
def test_grammar_accepts_all_queries(target: Target) -> None:
    checks = DIALECTS[target.dialect.name]
    queries = [(case.name, query) for case in CASES for query in case.converted(target).queries]
    faults = [f"{name}: {fault}" for name, query in queries for fault in checks.complaints(query, target)]
    assert len(queries) > len(CASES) / 2
    assert not faults, "\n".join(faults)


@each_case
@each_target
def test_exactly_the_labelled_events_fire(case: Case, target: Target) -> None:
    names = case.names(target)
    if not names:
        assert error_file(target) in case.converted(target).files or not target.dialect.combines
        return
    events = case.events(names)
    labels = {(name, labelled.event.id) for labelled in events for name in labelled.fires}
    counts = Counter(name for name, _ in labels)
    assert not [name for name in names if not 0 < counts[name] < len(events)], "each query has events of both kinds"

    log = [labelled.event for labelled in events]
    assert case.by_reference(names, log) == labels, "the labels and the reference disagree"
    dialect = DIALECTS[target.dialect.name]
    held = [labelled for labelled in events if dialect.holds(labelled.event)]
    ids = {labelled.event.id for labelled in held}
    expected = Counter(label for label in labels if label[1] in ids)
    found = dialect.found(case, target, held)
    # A named loss makes a query wider, never narrower.
    wider = {
        case.name_of(query)
        for query in case.converted(target).queries
        if not case.options.combine and any(loss.code.cause is Cause.RULE for loss in query.losses)
    }
    assert Counter({label: n for label, n in found.items() if label in expected or label[0] not in wider}) == expected


@each_case
def test_a_case_has_events_unless_every_target_refuses_it(case: Case) -> None:
    assert (case.folder / "events.yml").exists() is any(map(case.names, LANGUAGES.values()))


def test_the_folder_holds_cases_alone() -> None:
    files = {path.name for path in ROOT.iterdir() if path.is_file()}
    assert files == {"__init__.py", "cases.py", "kusto.py", "kusto_tables.py", "splunk.py", "test_golden.py"} | {
        "elastic_eql.py",
        "elastic_esql.py",
    }
    assert not [case.name for case in CASES if not (case.folder / "rule.yml").exists()]
