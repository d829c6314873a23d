"""What a pipeline sets in the pipeline state: wrong values, misspelt keys, and keys that nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from log_models.values import WRONG
from sigma.backends.t1020.common.log_model import STATE_KEYS
from sigma.cli.convert import convert as sigma_convert
from sigma.processing.pipeline import ProcessingPipeline
from sigma_t1020.convert import Conversion, Options, convert
from sigma_t1020.pipelines import PipelineProblem, Setting, unread_settings
from sigma_t1020.rules.loading import Loaded, load
from sigma_t1020.targets import TARGETS, Target

from cli.rules import CONNECTION, GOOD, correlation, put, rule
from cli.runner import queries, run

#: A target for each backend, with its dialect.
SPOKEN = {spoken.dialect.backend: spoken for target in TARGETS.values() for spoken in target.languages}

every_key = pytest.mark.parametrize("name", STATE_KEYS)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return put(tmp_path / "good.yml", GOOD)


def pipeline(path: Path, *items: dict[str, Any], postprocessing: list[dict[str, Any]] | None = None) -> Path:
    """A pipeline file that comes after the target's own. In block style, so that each key has a line of its own."""
    document = {"name": "own", "priority": 30, "transformations": list(items), "postprocessing": postprocessing or []}
    return put(path, yaml.safe_dump(document, sort_keys=False, default_flow_style=False))


def set_state(key: str, value: object) -> dict[str, Any]:
    return {"type": "set_state", "key": key, "val": value}


def line_of(path: Path, text: str) -> int:
    """The 1-based line on which the text first stands."""
    lines = path.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def lines_of_value(path: Path, key: str) -> range:
    """The 1-based lines of the value that a pipeline's last transformation sets the key to."""
    return range(line_of(path, f"key: {key}") + 1, line_of(path, "postprocessing:"))


@every_key
def test_a_wrong_type_names_file_line_and_key_and_shows_what_it_takes(name: str, good: Path, tmp_path: Path) -> None:
    key = STATE_KEYS[name]
    spoken = SPOKEN[min(key.backends)]
    dialect = ["--dialect", spoken.dialect.name] if TARGETS[spoken.name].others else []
    for wrong in WRONG:
        path = pipeline(tmp_path / "p.yml", set_state("shop", 1), set_state(name, wrong))
        done = run("convert", "-t", spoken.name, *dialect, good, "-p", path, "-o", tmp_path / "out")
        assert (done.status, done.stdout, len(done.complaints)) == (1, "", 1)
        (complaint,) = done.complaints
        place = re.match(
            rf"{re.escape(str(path))}:(\d+): the state key {name} takes {re.escape(key.kind.takes)}, ", complaint
        )
        assert place is not None
        assert int(place[1]) in lines_of_value(path, name)
        assert complaint.endswith(f"; write for example `val: {key.example}`")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "backend"), [(key.name, name) for key in STATE_KEYS.values() for name in sorted(key.backends)]
)
def test_sigma_cli_says_of_a_wrong_type_which_key_it_is_and_what_it_takes(
    name: str, backend: str, good: Path, tmp_path: Path
) -> None:
    own = SPOKEN[backend].pipeline
    for wrong in WRONG:
        path = pipeline(tmp_path / "p.yml", set_state(name, wrong))
        done = CliRunner().invoke(sigma_convert, ["-t", backend, "-p", own, "-p", str(path), str(good)])
        assert isinstance(done.exception, SystemExit), "an error of the program, which no traceback shows"
        assert done.exit_code == 1
        expected = f"Error: Error while converting: the state key {name} takes {STATE_KEYS[name].kind.takes}, "
        assert expected in done.output
        assert f"`val: {STATE_KEYS[name].example}`" in done.output


def test_a_wrong_item_is_found_on_its_own_line_in_nested_lists_of_transformations(good: Path, tmp_path: Path) -> None:
    inner = {"type": "nest", "items": [set_state("event_id", ["a"]), set_state("columns", {"string": ["a", 7]})]}
    path = pipeline(tmp_path / "p.yml", {"type": "nest", "items": [inner]})
    done = run("convert", "-t", "sentinel", good, "-p", path)
    assert done.complaints == [
        f"{path}:{line_of(path, '- 7')}: the state key columns takes a mapping of types to lists of columns, "
        "and an item of string is 7, not a text that is not empty; "
        f"write for example `val: {STATE_KEYS['columns'].example}`"
    ]


def test_a_wrong_value_that_an_anchor_or_a_merge_brings_is_found(good: Path, tmp_path: Path) -> None:
    text = "name: p\ntransformations:\n  - &first {type: set_state, key: products, val: [linux]}\n"
    merged = put(tmp_path / "merged.yml", f"{text}  - <<: *first\n    val: linux\n")
    done = run("convert", "-t", "sentinel", good, "-p", merged)
    assert done.stderr.startswith(f"{merged}:5: the state key products takes a list of texts, not 'linux'; ")
    anchored = put(tmp_path / "anchored.yml", f"{text}  - {{type: set_state, key: indices, val: &a x}}\n")
    done = run("convert", "-t", "sentinel", good, "-p", anchored)
    assert done.stderr.startswith(f"{anchored}:4: the state key indices takes a list of texts, not 'x'; ")


def test_a_key_of_the_state_that_is_no_text_is_refused(good: Path, tmp_path: Path) -> None:
    for key in ("5", "[columns]", "{a: b}", "null"):
        path = put(tmp_path / "p.yml", f"name: p\ntransformations:\n  - {{type: set_state, key: {key}, val: 1}}\n")
        done = run("convert", "-t", "sentinel", good, "-p", path)
        assert (done.status, done.stdout, len(done.complaints)) == (1, "", 1)
        assert done.stderr.startswith(f"{path}:3: the key of a set_state is ")
        assert done.stderr.endswith(", not a text; put it in quotes\n")


def test_an_installed_pipeline_is_held_to_the_same(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sigma.plugins import InstalledSigmaPlugins

    def shop(key: str, value: object) -> None:
        nested = {"type": "nest", "items": [set_state(key, value)]}
        made = ProcessingPipeline.from_dict({"name": "shop", "transformations": [nested]})
        plugins = InstalledSigmaPlugins(pipelines={"shop": lambda: made})
        monkeypatch.setattr(InstalledSigmaPlugins, "autodiscover", lambda **_: plugins)

    shop("products", "windows")
    done = run("convert", "-t", "sentinel", good, "-p", "shop")
    assert done.stderr.startswith("shop: the state key products takes a list of texts, not 'windows'; ")
    shop("product", ["windows"])
    done = run("convert", "-t", "sentinel", good, "-p", "shop")
    assert done.stderr.startswith("shop: nothing reads the state key product; did you mean products?")
    shop("own", 5)
    assert queries(good, "-p", "shop")


@pytest.mark.parametrize("dialect", ["eql", "esql"])
@pytest.mark.parametrize("name", ["source_values", "unlike"])
def test_a_field_that_elastics_columns_lack_cannot_choose_the_events(
    name: str, dialect: str, good: Path, tmp_path: Path
) -> None:
    path = pipeline(tmp_path / "p.yml", set_state(name, {"event.kode": [1]}))
    done = run("convert", "-t", "elastic", "--dialect", dialect, good, "-p", path)
    assert (done.status, done.stdout) == (1, "")
    assert done.complaints == [
        f"{good}:4: the pipeline names event.kode for Elastic Defend process events, which it does not list among the "
        "columns; add it there"
    ]
    listed = pipeline(tmp_path / "p.yml", set_state(name, {"event.kode": [1]}), set_state("columns", {}))
    assert queries(good, "--dialect", dialect, "-p", listed, target="elastic")


def slips(name: str) -> Iterator[str]:
    """The name with one slip: a letter left out, doubled, wrong or in the wrong place, another case or hyphens."""
    for at, letter in enumerate(name):
        yield name[:at] + name[at + 1 :]
        yield name[:at] + letter + name[at:]
        yield name[:at] + "z" + name[at + 1 :]
        if at + 1 < len(name) and letter != name[at + 1]:
            yield name[:at] + name[at + 1] + letter + name[at + 2 :]
    yield name.upper()
    yield name.title()
    yield f" {name}"
    if "_" in name:
        yield name.replace("_", "-")
        yield name.replace("_", "")


@every_key
def test_every_slip_in_a_key_is_told_from_a_key_of_ones_own(name: str) -> None:
    wrong = []
    for misspelt in slips(name):
        with pytest.raises(PipelineProblem) as refused:
            unread_settings([Setting(misspelt, "p.yml", 7)], ProcessingPipeline())
        expected = f"p.yml:7: nothing reads the state key {misspelt}; did you mean {name}? "
        wrong += [] if str(refused.value).startswith(expected) else [str(refused.value)]
    assert wrong == []


@every_key
def test_a_misspelt_key_names_file_line_and_the_key_that_was_meant(name: str, good: Path, tmp_path: Path) -> None:
    misspelt = name[:-2] + name[-1]
    path = pipeline(tmp_path / "p.yml", {"type": "nest", "items": [set_state(misspelt, "x")]})
    done = run("convert", "-t", "sentinel", good, "-p", path, "-o", tmp_path / "out.kql")
    assert (done.status, done.stdout) == (1, "")
    assert done.complaints == [
        f"{path}:{line_of(path, f'key: {misspelt}')}: nothing reads the state key {misspelt}; did you mean {name}? "
        "A key of your own needs a less similar name"
    ]
    assert not (tmp_path / "out.kql").exists()


READING: dict[str, dict[str, Any]] = {
    "a rule condition": {"rule_conditions": [{"type": "processing_state", "key": "colums", "val": 1}]},
    "named rule conditions": {
        "rule_conditions": {"a": {"type": "processing_state", "key": "colums", "val": 1}},
        "rule_cond_expr": "a",
    },
    "a condition of detection items": {
        "detection_item_conditions": [{"type": "processing_state", "key": "colums", "val": 1}]
    },
    "a condition of field names": {"field_name_conditions": [{"type": "processing_state", "key": "colums", "val": 1}]},
}


@pytest.mark.parametrize("reading", READING.values(), ids=READING)
@pytest.mark.parametrize("nested", [False, True], ids=["", "nested"])
def test_a_key_that_a_condition_of_any_pipeline_reads_is_nobodys_misspelling(
    reading: dict[str, Any], nested: bool, good: Path, tmp_path: Path
) -> None:
    setting = pipeline(tmp_path / "setting.yml", set_state("colums", 1))
    other = {"type": "field_name_mapping", "mapping": {"Unused": "x"}, **reading}
    item = {"type": "nest", "items": [other]} if nested else other
    asking = pipeline(tmp_path / "asking.yml", item)
    done = convert(load([good]), None, TARGETS["sentinel"], Options(pipelines=[str(setting), str(asking)]))
    assert (len(done.queries), done.problems, done.unread) == (1, (), ())


@pytest.mark.parametrize("kind", ["template", "simple_template", "a file"])
def test_a_key_that_a_template_names_is_nobodys_misspelling(kind: str, good: Path, tmp_path: Path) -> None:
    text = (
        "{pipeline.state[colums]} {query}" if kind == "simple_template" else "{{ pipeline.state.colums }} {{ query }}"
    )
    put(tmp_path / "templates" / "own.j2", text)
    template = {"type": kind, "template": text}
    if kind == "a file":
        template = {"type": "template", "template": "own.j2", "path": str(tmp_path / "templates")}
    path = pipeline(tmp_path / "p.yml", set_state("colums", "seen"), postprocessing=[template])
    (found,) = queries(good, "-p", path)
    assert str(found["query"]).startswith("seen DeviceProcessEvents")


def test_a_key_of_pysigmas_own_splunk_backend_is_no_misspelt_one(good: Path, tmp_path: Path) -> None:
    path = pipeline(tmp_path / "p.yml", set_state("data_model_set", "Endpoint.Processes"), set_state("index", "main"))
    assert queries(good, "-p", path, target="splunk")


def test_an_unknown_key_changes_no_query_and_check_informs_of_it(good: Path, tmp_path: Path) -> None:
    path = pipeline(tmp_path / "p.yml", set_state("own", 1), {"type": "nest", "items": [set_state("shop_site", [])]})
    without = queries(good)
    assert [found["query"] for found in queries(good, "-p", path)] == [found["query"] for found in without]
    done = run("check", good, "-t", "sentinel", "-t", "defender", "-p", path)
    assert [line for line in done.stdout.splitlines() if "unread-state" in line] == [
        f"{path}:{line_of(path, f'key: {key}')}: info[unread-state]: nothing reads the state key {key} (defender, "
        "sentinel); see `sigma-t1020 list state-keys` for the keys that the backends read"
        for key in ("own", "shop_site")
    ]


def test_check_refuses_a_misspelt_key_and_a_wrong_type_as_convert_does(good: Path, tmp_path: Path) -> None:
    for key, value in (("colums", {}), ("columns", [])):
        path = pipeline(tmp_path / "p.yml", set_state(key, value))
        checked, converted = (run(command, good, "-t", "sentinel", "-p", path) for command in ("check", "convert"))
        assert (checked.status, checked.stdout, checked.stderr) == (1, "", converted.stderr)


RULES = "---\n".join(
    [
        rule(
            1,
            detection=r"{s: {Image|endswith: '\curl.exe', User|contains: admin, ProcessId|gt: 5}, k: [zip, 'a*b'], "
            "n: {CurrentDirectory: null}, condition: s and not n or k}",
        ),
        rule(
            2, category="network_connection", detection="{s: {Initiated: 'true', DestinationPort: 443}, condition: s}"
        ),
        GOOD.replace("rule_1", "rule_3").replace("00000001", "00000003"),
        CONNECTION.replace("rule_2", "rule_4").replace("00000002", "00000004"),
        correlation(5, ["rule_3", "rule_4"]),
        correlation(6, ["rule_2"], kind="event_count", more=", condition: {gte: 3}"),
    ]
)
WORDS = [
    *("", " ", "*", "?", "'", '"', "\\", "`", "|", "\n", "é", "true", "1", "column", "values"),
    *(
        "Image",
        "User",
        "Initiated",
        "Computer",
        "ProcessId",
        "FolderPath",
        "FileName",
        "DeviceId",
        "RemoteIP",
        "dest_ip",
    ),
    *("process.executable", "user.name", "host.id", "source.ip", "process_path", "_id", "@timestamp", "TimeGenerated"),
    *("string", "long", "keyword", "date", "ip", "number", "datetime", "dynamic", "windows", "spl"),
]


def any_value(rng: Random, depth: int = 0) -> Any:
    """Any YAML value of at most four levels."""
    form = rng.choice(["word", "other"] if depth > 3 else ["word", "other", "list", "mapping", "mapping"])
    if form == "list":
        return [any_value(rng, depth + 1) for _ in range(rng.randrange(3))]
    if form == "mapping":
        return {rng.choice(WORDS): any_value(rng, depth + 1) for _ in range(rng.randrange(3))}
    return rng.choice(WORDS) if form == "word" else rng.choice([None, True, False, 0, -1, 5, 2.5, 10**20])


def with_other_words(rng: Random, value: Any) -> Any:
    """A value of the same shape, of other words and sizes."""
    if isinstance(value, dict):
        fixed = set(value) == {"column", "values"}
        return {key if fixed else rng.choice([key, *WORDS]): with_other_words(rng, item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_other_words(rng, item) for item in value] * rng.randrange(3)
    return rng.choice([value, *WORDS])


def converted(loaded: Loaded, target: Target, path: Path) -> Conversion | str:
    """What a conversion with a pipeline gives, or why the pipeline cannot be used. Any other exception is a bug."""
    try:
        return convert(loaded, None, target, Options(pipelines=[str(path)]))
    except PipelineProblem as problem:
        return str(problem)


@every_key
def test_any_value_gives_queries_refusals_of_rules_or_an_error_that_names_file_and_key(
    name: str, tmp_path: Path
) -> None:
    rng = Random(name)
    rules = put(tmp_path / "rules.yml", RULES)
    loaded = load([rules])
    assert loaded.problems == ()
    example = yaml.safe_load(STATE_KEYS[name].example)
    targets = [*SPOKEN.values(), TARGETS["splunk"].spoken("tstats")]
    for number in range(10):
        value = with_other_words(rng, example) if number % 2 else any_value(rng)
        path = pipeline(tmp_path / "p.yml", set_state(name, value))
        done = converted(loaded, rng.choice(targets), path)
        if isinstance(done, str):
            place = re.match(rf"{re.escape(str(path))}:(\d+): the state key {name} takes ", done)
            assert place is not None, done
            assert int(place[1]) in lines_of_value(path, name)
        else:
            assert done.queries or done.problems
            assert {problem.path for problem in done.problems} <= {str(rules)}
