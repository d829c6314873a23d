"""The rules as files: pySigma reads them, SigmaHQ's validators accept them, and each has what the pack promises."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from pathlib import Path
from typing import cast

import pytest
import yaml
from pack.pack_files import FILTER_FILES, PACK, RULE_FILES, document, load_rules, non_public_networks
from sigma.rule import SigmaRule
from sigma.validation import SigmaValidator
from sigma.validators.core import validators as core_validators
from sigma.validators.sigmahq import validators as sigmahq_validators
from sigma_t1020.checks.conventions import NOT_OURS, ONLINE

FILE_NAME_STARTS = {
    ("windows", "process_creation"): "proc_creation_win_",
    ("windows", "network_connection"): "net_connection_win_",
    ("linux", "process_creation"): "proc_creation_lnx_",
    ("macos", "process_creation"): "proc_creation_macos_",
}

FIELDS = frozenset(
    (
        "CommandLine",
        "Computer",
        "DestinationHostname",
        "DestinationIp",
        "DestinationPort",
        "Image",
        "Initiated",
        "OriginalFileName",
        "ParentCommandLine",
        "ParentImage",
        "ProcessId",
        "User",
    )
)
"""What the log models map. A rule that tests another field would convert nowhere."""

MODIFIERS = frozenset(("contains", "startswith", "endswith", "all", "re", "i", "cidr", "exists"))
"""What the first backend can say."""

FALSE_POSITIVE_FAMILIES = ("Veeam", "OneDrive", "Filebeat", "Ansible", "pipelines")
"""A word of each family of false positives that the published detection names."""

TACTIC_OF = {
    "t1020": "exfiltration",
    "t1041": "exfiltration",
    "t1048": "exfiltration",
    "t1048.003": "exfiltration",
    "t1059.004": "execution",
    "t1059.006": "execution",
    "t1119": "collection",
    "t1560.001": "collection",
    "t1560.002": "collection",
}
"""The techniques that rules are tagged with and their tactics, as ATT&CK has them."""


def names(paths: tuple[Path, ...]) -> list[str]:
    return [path.stem for path in paths]


def test_pysigma_reads_every_rule() -> None:
    collection = load_rules()
    errors = [*collection.errors, *(error for rule in collection.rules for error in rule.errors)]
    assert not errors
    assert len(collection.rules) == len(RULE_FILES)


def test_offline_validators_have_nothing_to_say() -> None:
    known = {**core_validators, **sigmahq_validators}
    left_out = ONLINE | NOT_OURS
    assert left_out <= known.keys(), "a validator was renamed: look at what it does now"
    validator = SigmaValidator(check for name, check in known.items() if name not in left_out)
    # Validators take correlations as well; pySigma's annotation does not say so.
    rules = cast("list[SigmaRule]", load_rules().rules)
    issues = validator.validate_rules(iter(rules))
    assert not [str(issue) for issue in issues]


def test_ids_titles_and_names_are_unique_and_ids_random() -> None:
    documents = [document(path) for path in (*RULE_FILES, *FILTER_FILES)]
    for key in ("id", "title", "name"):
        counts = Counter(found[key] for found in documents if key in found)
        assert not [value for value, count in counts.items() if count > 1], key
    assert not [found["id"] for found in documents if uuid.UUID(found["id"]).version != 4]


@pytest.mark.parametrize("path", RULE_FILES, ids=names(RULE_FILES))
def test_rule_is_where_its_log_source_says(path: Path) -> None:
    found = document(path)
    if "correlation" in found:
        assert path.parent == PACK / "correlations"
        assert path.name.startswith("correlation_")
        return
    source = (found["logsource"]["product"], found["logsource"]["category"])
    assert path.parent == PACK / "rules" / source[0] / source[1]
    assert path.name.startswith(FILE_NAME_STARTS[source])


@pytest.mark.parametrize("path", RULE_FILES, ids=names(RULE_FILES))
def test_rule_has_the_packs_particulars(path: Path) -> None:
    found = document(path)
    assert found["author"] == "sigma-t1020"
    assert found["status"] == "experimental"
    assert found["references"]
    assert not [field for field in found["fields"] if field not in FIELDS]
    listed = found["falsepositives"]
    assert [sum(family in entry for entry in listed) for family in FALSE_POSITIVE_FAMILIES] == [1] * 5


@pytest.mark.parametrize("path", RULE_FILES, ids=names(RULE_FILES))
def test_rule_tags_each_technique_with_its_tactic(path: Path) -> None:
    tags = {tag.removeprefix("attack.") for tag in document(path)["tags"]}
    techniques = {tag for tag in tags if tag[1:2].isdigit()}
    assert {"exfiltration", "t1020"} <= tags
    assert tags - techniques == {TACTIC_OF[technique] for technique in techniques}


def test_files_are_lf_and_end_in_one_newline() -> None:
    offenders = [
        path.name
        for path in PACK.rglob("*.yml")
        if b"\r" in path.read_bytes() or not re.search(rb"[^\s]\n\Z", path.read_bytes())
    ]
    assert not offenders


def test_pack_folder_holds_no_python() -> None:
    """A Python file there would be taken for pySigma's own package, which is called `sigma` too."""
    assert not list(PACK.rglob("*.py"))


def test_rules_use_only_fields_and_modifiers_that_convert_everywhere() -> None:
    offenders = [
        f"{path.stem}: {key}"
        for path in RULE_FILES
        for key in _detection_keys(document(path).get("detection", {}))
        if key.split("|")[0] not in FIELDS or not MODIFIERS.issuperset(key.split("|")[1:])
    ]
    assert not offenders


def _detection_keys(node: object) -> list[str]:
    """The keys `Field|modifier` below the names of selections."""
    assert isinstance(node, dict)
    found: list[str] = []
    for name, content in node.items():
        if name == "condition":
            continue
        for part in content if isinstance(content, list) else [content]:
            assert isinstance(part, dict), f"{name} holds a keyword"
            found.extend(str(key) for key in part)
    return found


def test_related_rules_exist_and_relate_back() -> None:
    related = {found["id"]: {entry["id"] for entry in found.get("related", [])} for found in map(document, RULE_FILES)}
    one_way = [(rule, other) for rule, others in related.items() for other in others if rule not in related[other]]
    assert not one_way


def test_metadata_is_complete_and_about_the_rules_only() -> None:
    metadata = yaml.safe_load((PACK / "metadata.yml").read_text(encoding="utf-8"))
    assert metadata.keys() == {document(path)["id"] for path in RULE_FILES}
    branches = {"script_hosts", "transfer_tools", "archive_then_connect", "staged_upload", "upload_loop"}
    for found in metadata.values():
        assert found.keys() == {"branch", "part", "confidence", "version", "risk"}
        assert found["branch"] in branches
        assert found["part"] in ("a", "b", "base", "single")
        assert found["confidence"] == "medium"
        assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", found["version"])


def test_levels_follow_the_parts() -> None:
    """(a) is high and (b) medium; a base rule is never worth more than low."""
    metadata = yaml.safe_load((PACK / "metadata.yml").read_text(encoding="utf-8"))
    allowed = {"a": ("high",), "b": ("medium",), "base": ("low", "informational"), "single": ("high", "medium")}
    offenders = [
        path.stem
        for path in RULE_FILES
        if document(path)["level"] not in allowed[metadata[document(path)["id"]]["part"]]
    ]
    assert not offenders


def test_each_branch_has_both_parts() -> None:
    metadata = yaml.safe_load((PACK / "metadata.yml").read_text(encoding="utf-8"))
    parts = Counter((found["branch"], found["part"]) for found in metadata.values())
    for branch in ("script_hosts", "transfer_tools", "archive_then_connect"):
        assert (parts[branch, "a"], parts[branch, "b"]) == (1, 1)


def test_correlations_are_ordered_in_five_minutes_on_one_host() -> None:
    correlations = [found["correlation"] for found in map(document, RULE_FILES) if "correlation" in found]
    seconds = {found["rules"][1] for found in correlations}
    assert seconds == {"t1020_public_connection", "t1020_public_connection_by_tool"}
    for found in correlations:
        rules = ["t1020_archive_sensitive_path", found["rules"][1]]
        assert found == {"type": "temporal_ordered", "rules": rules, "group-by": ["Computer"], "timespan": "5m"}


def test_rules_repeat_the_one_list_of_networks() -> None:
    lists = {
        path.stem: tuple(document(path)["detection"]["filter_main_non_public"]["DestinationIp|cidr"])
        for path in RULE_FILES
        if "filter_main_non_public" in document(path).get("detection", {})
    }
    assert len(lists) == 2
    assert not [name for name, networks in lists.items() if networks != non_public_networks()]
