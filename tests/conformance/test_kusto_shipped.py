"""What dist/ makes people download: Microsoft's parser, with each target's full schema, has nothing against it."""

from __future__ import annotations

import pytest
from sigma_t1020.convert import Options, convert
from sigma_t1020.kusto_language.language import kusto_language
from sigma_t1020.kusto_language.schemas import SchemaName
from sigma_t1020.pack import load_pack
from sigma_t1020.targets import TARGETS

#: Lints that point at a query which does not do what it says; the others are advice on style and cost.
UNWANTED = {"KS107", "KS501", "KS508", "KS515"}


@pytest.mark.parametrize(
    "options",
    [Options(), Options(combine=True), Options(schedule="5m"), Options(schedule="1h", delay="0s", combine=True)],
    ids=["look-back", "combined", "scheduled", "scheduled, combined"],
)
@pytest.mark.parametrize("target", ["sentinel", "defender"])
def test_the_parser_finds_no_error_in_the_pack(target: SchemaName, options: Options) -> None:
    done = convert(load_pack(), None, TARGETS[target], options)
    assert not done.problems
    assert len(done.queries) == (1 if options.combine else 10)
    found = [
        f"{query.title}: {diagnostic}"
        for query in done.queries
        for diagnostic in kusto_language().diagnostics(query.text, target)
        if diagnostic.severity == "Error" or diagnostic.code in UNWANTED
    ]
    assert not found
