"""A target or a dialect is a row of the table, and nothing else of the program knows of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cli.rules import GOOD, put

#: The program with two rows more, as whoever adds a dialect writes them: products that search with Splunk's backend.
WITH_A_ROW_MORE = r"""
from dataclasses import replace
from sigma_t1020 import targets
from sigma_t1020.checks.findings import finding

splunk = targets.TARGETS["splunk"]

def check(queries, own_pipelines):
    for query in queries:
        yield finding("parser-failed", query.source.problem(f"{query.target} has {query.text[:12]}"), query.target)

def preflight(queries, title, lookback):
    return f"ask for {len(queries)} query of the last {lookback} s\n"

dialect = replace(
    splunk.dialect,
    name="shopql",
    title="ShopQL",
    suffix=".shop",
    comment=("# ", ""),
    about="of the shop",
    combines=False,
    checker=targets.Checker("the shop's parser", check),
    preflight=preflight,
)
fuller = replace(dialect, name="shopsql", about="", suffix=".shopsql", combines=True)
shop = replace(splunk, name="shop", title="Shop", dialect=dialect, others=((fuller, splunk.pipeline),))
targets.TARGETS["shop"] = shop
targets.TARGETS["kiosk"] = replace(shop, name="kiosk", others=())
targets.DIALECTS.update(shopql=dialect, shopsql=fuller)

from sigma_t1020.cli import main
main()
"""


def shop(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A run of the program with the target shop, in a process of its own: the options are made at import."""
    command = [sys.executable, "-c", WITH_A_ROW_MORE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_row_more_is_listed_and_in_the_help() -> None:
    rows = {
        (row["target"], row["dialect"]): row for row in json.loads(shop("list", "targets", "--format", "json").stdout)
    }
    assert rows["shop", "shopql"] == {
        "target": "shop",
        "title": "Shop",
        "dialect": "shopql",
        "backend": "t1020_splunk",
        "pipeline": "t1020_splunk_sysmon",
    }
    assert {("shop", "shopsql"), ("kiosk", "shopql")} < rows.keys()
    text = " ".join(shop("convert", "--help").stdout.split())
    assert "|elastic|shop|kiosk|all]" in text
    assert "Shop: shopql of the shop, or shopsql." in text
    assert "[default: spl, eql, shopql]" in text


def test_a_row_more_converts_with_its_own_options_and_comment(tmp_path: Path) -> None:
    good = put(tmp_path / "good.yml", GOOD)
    done = shop("convert", "-t", "shop", "--index", "main", good, "-o", f"{tmp_path}/out/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (tmp_path / "out" / "good.shop").read_text(encoding="utf-8")
    assert text.startswith('# Rule 1 (00000001-0000-4000-8000-000000000000)\nindex="main" earliest=-24h')


def test_a_row_more_says_what_it_cannot_and_which_of_its_dialects_can(tmp_path: Path) -> None:
    good = put(tmp_path / "good.yml", GOOD)
    refused = shop("convert", "-t", "shop", "--combine", good)
    assert refused.returncode == 2
    assert refused.stderr.endswith("ShopQL cannot join several rules into one query: add --dialect shopsql\n")
    refused = shop("convert", "-t", "kiosk", "--combine", good)
    assert refused.returncode == 2
    assert refused.stderr.endswith("ShopQL cannot join several rules into one query: leave out --combine\n")
    assert shop("convert", "-t", "shop", "--dialect", "shopsql", "--combine", good).stdout.startswith("# 1 rule in one")
    refused = shop("convert", "-t", "sentinel", "--dialect", "shopql", good)
    assert refused.returncode == 2
    assert refused.stderr.endswith("--dialect shopql is for another target: add --target shop\n")


def test_a_row_more_is_checked_by_its_checker_and_has_its_preflight(tmp_path: Path) -> None:
    good = put(tmp_path / "good.yml", GOOD)
    found = json.loads(shop("check", "-t", "shop", "--format", "json", good).stdout)
    said = [item["message"] for item in found if item["code"] == "parser-failed"]
    assert said == ["shop has index=* earl"]
    assert shop("check", "--preflight", "shop", good).stdout == "ask for 1 query of the last 86400 s\n"
