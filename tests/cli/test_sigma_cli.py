"""sigma-cli, which its users go on using: the same queries, and the plugin among everybody else's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sigma_t1020.pack import one_file
from sigma_t1020.targets import TARGETS, Target

from cli.runner import REPOSITORY, process, queries, run, sigma_convert

PARSING = "Parsing Sigma rules\n"
ENCODED = """\
title: Encoded
logsource: {category: process_creation, product: windows}
detection:
    selection:
        CommandLine|utf16le|base64: secret
    condition: selection
"""


def split(text: str) -> list[str]:
    """The queries of sigma-cli's default output: an empty line is between them, and none in a query."""
    return text.rstrip("\n").split("\n\n")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pack") / "pack.yml"
    path.write_text(one_file(), encoding="utf-8")
    return path


SPOKEN = [spoken for target in TARGETS.values() for spoken in target.languages]


@pytest.mark.parametrize("target", SPOKEN, ids=[f"{target.name} {target.dialect.name}" for target in SPOKEN])
@pytest.mark.parametrize("from_file", [False, True], ids=["by name", "from the file"])
def test_sigma_cli_gives_the_same_queries_for_the_pack(target: Target, from_file: bool, pack: Path) -> None:
    named = REPOSITORY / "pipelines" / f"{target.pipeline}.yml" if from_file else target.pipeline
    options = ("-t", target.dialect.backend, "-p", named, pack)
    done = sigma_convert(*options)
    assert done.status == 0
    dialect = ["--dialect", target.dialect.name] if target.dialect is not TARGETS[target.name].dialect else []
    expected = [str(each["query"]) for each in queries(*dialect, target=target.name)]
    found = split(done.stdout)
    assert len(expected) == len(set(expected))
    assert not any("\n\n" in query for query in expected)
    assert set(found) == set(expected)
    assert found == expected, "in the same order too"
    assert found == [str(each["query"]) for each in queries(pack, *dialect, target=target.name)]


@pytest.mark.parametrize("dialect", ["eql", "esql"])
def test_the_other_log_model_of_elastic_is_the_same_in_sigma_cli(dialect: str, pack: Path) -> None:
    pipeline = "t1020_elastic_winlogbeat"
    # Sysmon is not to be had for macOS: what is not supported is left out here, and there by --skip-unsupported.
    done = sigma_convert("-s", "-t", f"t1020_{dialect}", "-p", pipeline, pack)
    assert done.status == 0
    ours = run("convert", "-t", "elastic", "--dialect", dialect, "-p", pipeline, "--format", "json", pack)
    assert len(ours.complaints) == 1
    assert split(done.stdout) == [str(each["query"]) for each in ours.json()]


def test_utf16le_which_pysigma_does_not_know_converts_in_sigma_cli_too(tmp_path: Path) -> None:
    path = tmp_path / "utf16le.yml"
    path.write_text(ENCODED, encoding="utf-8")
    done = process("convert", "-t", "t1020_kusto", "-p", "t1020_sentinel", path, program="sigma")
    assert (done.status, done.stderr) == (0, PARSING)
    assert '"cwBlAGMAcgBlAHQA"' in done.stdout
    assert split(done.stdout) == [str(each["query"]) for each in queries(path, target="sentinel")]


def test_the_combined_query_of_sigma_cli_finds_the_same(pack: Path) -> None:
    done = process("convert", "-t", "t1020_kusto", "-p", "t1020_sentinel", "-f", "combined", pack, program="sigma")
    assert (done.status, done.stderr) == (0, PARSING)
    (ours,) = queries("--combine")
    # The branches come from metadata.yml, which the one-file pack cannot carry; lines are wrapped by their length.
    assert without_branches(done.stdout) == without_branches(str(ours["query"]))


def without_branches(text: str) -> str:
    return re.sub(r'Branch = "\w*"', "Branch", " ".join(text.split()))


@pytest.mark.parametrize(
    ("listing", "ours", "upstream"),
    [
        (
            "targets",
            ["t1020_eql", "t1020_esql", "t1020_kusto", "t1020_splunk"],
            ["kusto", "splunk", "eql", "esql", "lucene"],
        ),
        (
            "pipelines",
            [
                *("t1020_sentinel", "t1020_defender", "t1020_splunk_cim", "t1020_splunk_sysmon"),
                *("t1020_elastic_defend", "t1020_elastic_winlogbeat"),
            ],
            ["microsoft_xdr", "azure_monitor", "splunk_windows"],
        ),
    ],
)
def test_sigma_cli_lists_ours_and_still_everybody_elses(listing: str, ours: list[str], upstream: list[str]) -> None:
    done = process("list", listing, program="sigma")
    assert (done.status, done.stderr) == (0, "")
    names = [line.split("|")[1].strip() for line in done.stdout.splitlines() if line.startswith("|")]
    assert [name for name in (*ours, *upstream) if names.count(name) != 1] == []
    assert [name for name in names if name.startswith("t1020")] == ours


@pytest.mark.parametrize(
    ("backend", "option", "complaint"),
    [
        (
            "t1020_kusto",
            "lookback=1y",
            "'lookback': '1y' is not a time span; write a number and s, m, h, d or w, such as 24h",
        ),
        (
            "t1020_kusto",
            "lookback=24",
            "'lookback': 24 is not a time span; write a number and s, m, h, d or w, such as 24h",
        ),
        ("t1020_esql", "lookback=0h", "'lookback': must be longer than zero"),
        ("t1020_eql", "lookback=5300w", "'lookback': '5300w' is longer than a hundred years"),
        (
            "t1020_kusto",
            "schedule=0",
            "'schedule': 0 is not a time span; write a number and s, m, h, d or w, such as 24h",
        ),
        (
            "t1020_splunk",
            "delay=late",
            "'delay': 'late' is not a time span; write a number and s, m, h, d or w, such as 24h",
        ),
        ("t1020_splunk", "index=a b", "'index': 'a b' is not an index; write its name, or a macro in backticks"),
        (
            "t1020_splunk",
            "index=2024_01",
            "'index': sigma-cli reads the index as the number 202401, which may not be what you wrote; put the "
            "index in a macro, or use sigma-t1020 convert --index",
        ),
    ],
)
def test_a_wrong_option_is_a_message_in_sigma_cli(backend: str, option: str, complaint: str, pack: Path) -> None:
    pipeline = next(target.pipeline for target in SPOKEN if target.dialect.backend == backend)
    done = sigma_convert("-t", backend, "-p", pipeline, "-O", option, pack)
    assert (done.status, done.stdout) == (2, "")
    assert done.complaints[-1] == f"Error: Backend option {complaint}"


REFUSED = """\
title: Archive
name: archive
logsource: {category: process_creation, product: windows}
detection:
    selection:
        Image|endswith: \\7z.exe
    condition: selection
---
title: Refused
name: refused
correlation: {type: event_count, rules: [archive], group-by: [KEY], timespan: 5m, condition: {COUNT}}
---
title: On the Refused
correlation: {type: temporal_ordered, rules: [archive, refused], group-by: [Computer], timespan: 5m}
---
title: Good
correlation: {type: event_count, rules: [archive], group-by: [Computer], timespan: 5m, condition: {gte: 2}}
"""


@pytest.mark.parametrize("target", SPOKEN, ids=[f"{target.name} {target.dialect.name}" for target in SPOKEN])
@pytest.mark.parametrize(("key", "count"), [("Computer", "lt: 1"), ("Nothing", "gte: 2"), ("Hashes", "gte: 2")])
def test_sigma_cli_skips_a_refused_correlation_and_no_other(
    target: Target, key: str, count: str, tmp_path: Path
) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(REFUSED.replace("KEY", key).replace("COUNT", count), encoding="utf-8")
    arguments = ("-t", target.dialect.backend, "-p", target.pipeline, path)
    done = sigma_convert(*arguments, "--skip-unsupported")
    assert done.status == 0
    assert len(split(done.stdout.partition("Ignored errors")[0].rstrip())) == 1
    refused = sigma_convert(*arguments)
    assert (refused.status, refused.stdout) == (1, "")
    assert refused.complaints[-1].startswith("Error: Error while converting: ")


def test_sigma_cli_lists_the_formats_of_the_backend() -> None:
    done = process("list", "formats", "t1020_kusto", program="sigma")
    assert done.status == 0
    for name in ("default", "combined"):
        assert f"| {name} " in done.stdout


def test_no_package_marker_hides_the_namespace_that_plugins_share() -> None:
    shared = ["sigma", "backend/sigma", "backend/sigma/backends", "backend/sigma/pipelines"]
    assert [folder for folder in shared if (REPOSITORY / folder / "__init__.py").exists()] == []
    assert list((REPOSITORY / "sigma").rglob("*.py*")) == []
    for leaf in ("backends", "pipelines"):
        assert (REPOSITORY / "backend" / "sigma" / leaf / "t1020" / "__init__.py").is_file()
