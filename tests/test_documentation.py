"""The README and the topics of `help`: what they show happens, and nothing that a user can name is missing."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from cli.runner import process, run
from documents import QUERIES, README, Block, blocks, code, documents, topics_named
from sigma.backends.t1020.common.losses import LossCode
from sigma.modifiers import modifier_mapping
from sigma_t1020 import docs
from sigma_t1020.checks.findings import CODES
from sigma_t1020.cli import cli
from sigma_t1020.listing import state_keys
from sigma_t1020.pack import filter_paths, load_pack
from sigma_t1020.targets import DIALECTS, TARGETS

ROOT = README.parent
#: The topic of a command is its own, but for the command that a larger one explains.
ELSEWHERE = {"pack": "build"}


@pytest.mark.parametrize("name", documents())
def test_every_command_runs_and_prints_the_queries_that_are_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # A topic may use the files that another document shows; its own come last.
    for document in (*documents().values(), documents()[name]):
        for block in blocks(document):
            if block.file:
                Path(block.file).parent.mkdir(exist_ok=True)
                Path(block.file).write_text(block.text, "utf-8")
    printed: list[str] = []
    for block in blocks(documents()[name]):
        if block.commands:
            printed = [_printed(command) for command in block.commands]
        elif block.language in QUERIES:
            assert block.text in printed
        elif block.language == "python":
            assert _said(block)


def _printed(command: str) -> str:
    """Standard output of a command, which must succeed."""
    program, *arguments = shlex.split(command, comments=True)
    done = run(*arguments) if program == "sigma-t1020" else process(*arguments, program=program)
    assert done.status == 0, f"{command}: {done.stderr}"
    assert done.stdout or "-o" in arguments or arguments[0] == "check", command
    return done.stdout


def _said(block: Block) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(block.text, "a document", "exec"), {})
    return output.getvalue()


def test_the_readme_has_at_most_250_lines() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 250


def test_the_texts_are_those_of_the_topics_and_begin_with_a_heading() -> None:
    folder = Path(docs.__file__).parent
    assert {file.stem for file in folder.glob("*.md")} == set(docs.TOPICS)
    assert len(set(docs.TOPICS)) == len(docs.TOPICS)
    assert [topic for topic in docs.TOPICS if not re.match(r"# \S.{9,70}\n\n", docs.text(topic))] == []


def test_no_document_and_no_message_sends_its_reader_to_a_topic_that_is_not_there() -> None:
    sources = {str(path): path.read_text("utf-8") for path in (ROOT / "backend").rglob("*.py")}
    named = {name: topics_named(text) for name, text in {**documents(), **sources}.items()}
    assert {name: topics - set(docs.TOPICS) for name, topics in named.items() if topics - set(docs.TOPICS)} == {}


def _commands() -> Iterator[tuple[str, click.Command]]:
    """Each command with the one by which its topic is called."""
    for name, command in cli.commands.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from ((name, sub) for sub in command.commands.values())


def test_each_option_of_a_command_and_each_of_its_values_is_in_the_topic_of_that_command() -> None:
    missing = []
    for name, command in _commands():
        if name == "help":
            continue
        words = code(docs.text(ELSEWHERE.get(name, name)))
        for parameter in command.params:
            if not isinstance(parameter, click.Option):
                continue
            choices = parameter.type.choices if isinstance(parameter.type, click.Choice) else ()
            wanted = [*parameter.opts, *map(str, choices)]
            missing += [f"{name}: {word}" for word in wanted if word not in words]
    assert missing == []


def test_each_target_dialect_and_pipeline_is_in_the_topic_of_targets_and_each_backend_in_that_of_the_plugin() -> None:
    pipelines = {name for target in TARGETS.values() for name in (target.pipeline, *target.models)}
    pipelines |= {pipeline for target in TARGETS.values() for _dialect, pipeline in target.others}
    models = {pipeline for target in TARGETS.values() for pipeline in target.models}
    words = code(docs.text("targets"))
    assert {*TARGETS, *DIALECTS, *(pipelines - models)} - words == set()
    assert [model for model in models if f"-p {model}" not in docs.text("targets")] == []
    backends = {dialect.backend for dialect in DIALECTS.values()}
    assert (backends | pipelines) - code(docs.text("plugin")) == set()


def test_each_log_source_of_the_defender_tables_is_in_the_topic_of_targets() -> None:
    rows = {row["pipeline"]: row["log sources"] for row in run("list", "pipelines", "--format", "json").json()}
    assert set(rows["t1020_sentinel"]) - code(docs.text("targets")) == set()


def test_each_loss_and_each_number_in_its_message_is_in_the_topic_of_losses(tmp_path: Path) -> None:
    text = docs.text("losses")
    assert {loss.value for loss in LossCode} - code(text) == set()
    rules = tmp_path / "rules.yml"
    rules.write_text("---\n".join(block.text for block in blocks(documents()["README"]) if "title:" in block.text))
    found = [
        query
        for dialect in ("eql", "esql")
        for query in run("convert", rules, "-t", "all", "--dialect", dialect, "--format", "json").json()
    ]
    messages = {loss["message"] for query in found for loss in query["losses"] if loss["code"] == LossCode.BOUND.value}
    assert len(messages) >= 3
    numbers = {number for message in messages for number in re.findall(r"\d+,\d{3}", message)}
    assert numbers
    assert [number for number in numbers if number not in text or number not in docs.text("limits")] == []


def test_each_finding_and_its_severity_is_in_the_topic_of_check() -> None:
    text = docs.text("check")
    assert [code for code, facts in CODES.items() if f"| `{code}` | {facts.severity.value} |" not in text] == []


def test_each_modifier_of_pysigma_is_in_the_topic_of_modifiers() -> None:
    assert set(modifier_mapping) - code(docs.text("modifiers")) == set()


def test_each_state_key_that_a_pipeline_sets_is_in_the_list_that_the_topic_of_pipelines_names() -> None:
    set_here = {
        key
        for path in (ROOT / "pipelines").glob("*.yml")
        for key in re.findall(r"^ +key: (\w+)$", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(set_here) > 20
    assert set_here - {row["key"] for row in state_keys()} == set()
    assert "sigma-t1020 list state-keys" in code(docs.text("pipelines"))


def test_the_readme_shows_each_target_and_dialect_in_its_table() -> None:
    table = [line for line in README.read_text("utf-8").splitlines() if line.startswith("| `")]
    shown = [
        f"| `{target.name}{f' --dialect {name}' if name else ''}` |"
        for target in TARGETS.values()
        for name in ("", *(dialect.name for dialect, _pipeline in target.others))
    ]
    assert [line[: line.index("` |") + 3] for line in table] == shown


def test_the_pack_has_as_many_rules_correlations_and_filters_as_is_said() -> None:
    kinds = [item.is_correlation for item in load_pack().rules]
    said = f"{kinds.count(False)} rules and {kinds.count(True)} correlations"
    assert [name for name in ("README", "pack") if said not in documents()[name]] == []
    said = f"the {len(filter_paths())} filters"
    assert [name for name in ("README", "filters") if said not in documents()[name]] == []


def test_the_hook_that_is_shown_is_ours() -> None:
    (shown,) = (block for block in blocks(docs.text("check")) if block.file == ".pre-commit-config.yaml")
    (ours,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert [hook["id"] for repository in yaml.safe_load(shown.text)["repos"] for hook in repository["hooks"]] == [
        ours["id"]
    ]
