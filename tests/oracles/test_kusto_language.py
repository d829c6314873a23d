"""Microsoft's parser: it finds what is wrong, decodes what is right, and survives the rest."""

from __future__ import annotations

import pytest
import volumes
from hypothesis import given
from hypothesis import strategies as st
from oracles.kusto_complaints import complaints
from processor import processor_seconds
from sigma_t1020.kusto_language.language import Diagnostic, KustoLanguage, KustoLanguageError, kusto_language
from sigma_t1020.kusto_language.schemas import SchemaName, load_schema

EVENTS = {"Events": {"Name": "string", "Size": "long", "At": "datetime", "On": "bool", "Bag": "dynamic"}}


def codes(kql: str, schema: SchemaName | dict[str, dict[str, str]] = "sentinel") -> set[str]:
    return {found.code for found in kusto_language().diagnostics(kql, schema)}


def errors(kql: str, schema: SchemaName | dict[str, dict[str, str]] = "sentinel") -> list[Diagnostic]:
    return [found for found in kusto_language().diagnostics(kql, schema) if found.severity == "Error"]


def test_a_right_query_has_no_complaints() -> None:
    kql = 'DeviceProcessEvents | where FileName in~ ("curl.exe", "wget.exe") | project TimeGenerated, DeviceId'
    assert kusto_language().diagnostics(kql, "sentinel") == []


def test_an_array_without_dynamic_is_a_syntax_error() -> None:
    kql = 'DeviceProcessEvents | where ProcessCommandLine has_any (["UploadFile", "PutObject"])'
    assert codes(kql) >= {"KS142", "KS005", "KS198"}
    assert not errors(kql.replace("([", "(dynamic([").replace("])", "]))"))


@pytest.mark.parametrize(("schema", "wrong"), [("sentinel", "Timestamp"), ("defender", "TimeGenerated")])
@pytest.mark.parametrize("table", ["DeviceProcessEvents", "DeviceNetworkEvents", "DeviceFileEvents"])
def test_each_product_has_its_own_time_column(schema: SchemaName, wrong: str, table: str) -> None:
    kql = f"{table} | where {wrong} > ago(1d)"
    assert [(found.code, found.start, found.length) for found in errors(kql, schema)] == [
        ("KS142", kql.index(wrong), len(wrong))
    ]
    right = {"Timestamp": "TimeGenerated", "TimeGenerated": "Timestamp"}[wrong]
    assert not errors(kql.replace(wrong, right), schema)


def test_an_unknown_column_an_unknown_table_and_an_unknown_function_are_errors() -> None:
    assert "KS142" in codes("DeviceProcessEvents | where CommandLine has 'x'")
    assert "KS204" in codes("ProcessEvents | take 1")
    assert "KS211" in codes("Events | extend X = no_such(Name)", EVENTS)


def test_of_own_tables_the_listed_columns_have_types_and_any_other_is_free() -> None:
    own = {"Own": {"At": "datetime", "Port": "int"}}

    def found(kql: str) -> list[tuple[str, str]]:
        return [
            (each.code, kql[each.start : each.start + each.length])
            for each in kusto_language().diagnostics(kql, EVENTS, own)
        ]

    assert found("Own | where Kind == 1 and At > ago(1h) | join kind=inner Events on At, $left.X == $right.Name") == []
    assert found("Own | where Port has 'x'") == [("KS106", "has")]
    assert found("Own | join kind=inner (Own | extend Port = At) on Port") == [("KS227", "Port")]
    assert found("Events | where Kind == 1") == [("KS142", "Kind")]
    assert "KS204" in codes("Own | take 1", EVENTS)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("Name == 5", "SEM0064"),
        ("Name != 5", "SEM0064"),
        ('Size == "5"', "SEM0064"),
        ('At == "2024-01-01"', "SEM0064"),
        ('Size in (1, "2")', "SEM0064"),
        ("Name !in (1)", "SEM0064"),
        ("Name =~ 5", "KS106"),
        ("Name > 5", "KS106"),
        ('Size contains "5"', "KS106"),
        ('Size in~ ("80")', "KS107"),
    ],
)
def test_a_value_of_another_type_is_an_error(condition: str, code: str) -> None:
    assert code in {found.code for found in errors(f"Events | where {condition}", EVENTS)}


@pytest.mark.parametrize(
    "condition",
    [
        'Name == "5"',
        "Size == 5",
        "Size == 5.0",
        "On == true",
        'Bag == "5"',
        'tostring(Bag.x) == "5"',
        "Bag.x == 5",
    ],
)
def test_values_of_one_type_compare(condition: str) -> None:
    assert not errors(f"Events | where {condition}", EVENTS)


@pytest.mark.parametrize(
    ("kql", "code"),
    [
        ('Events | where Name contains "curl"', "KS500"),
        ("Events | where isnull(Name)", "KS501"),
        ("Events | summarize makelist(Name)", "KS507"),
        ("Events | join Events on Name", "KS508"),
        ('Events | where Name has "10.0.0.1"', "KS514"),
    ],
)
def test_lints_come_through(kql: str, code: str) -> None:
    assert code in codes(kql, EVENTS)


FAULTS = {
    'Events | where Name has_any (["a"])': "KS142",
    "Events | where Wrong == 1": "KS142",
    "Events | where Name == 5": "SEM0064",
    'Events | where Name == "open': "KS001",
    "Events | where (Name == 'a'": "KS005",
    "Events | where Name == 'a')": "KS198",
    "Events | where Name == 'a') | union (Events": "KS198",
    "Events | where isnull(Name)": "KS501",
    "let Few = Events | take 1; Few | where Wrong == 1": "KS142",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_one_query_at_fault_is_found_among_many(fault: str) -> None:
    queries = [f"Events | where Name == '{number}' and Size > {number} // )" for number in range(60)]
    assert complaints(queries, EVENTS, {"KS501"}) == []
    for place in (0, 30, 60):
        found = complaints([*queries[:place], fault, *queries[place:]], EVENTS, {"KS501"})
        assert {query for query, _ in found} == {fault}
        assert FAULTS[fault] in {diagnostic.code for _, diagnostic in found}


def test_offsets_count_characters_not_utf16_units() -> None:
    kql = "Events | where Name == '\U0001f600\U0001f600' and Wrong == 1"
    (found,) = errors(kql, EVENTS)
    assert kql[found.start : found.start + found.length] == "Wrong"


HARD_LITERALS = [
    ('"a\\\\b\\"c\\t\\n\\r"', 'a\\b"c\t\n\r'),
    ("'it\\'s'", "it's"),
    ('@"C:\\Users\\""x"""', 'C:\\Users\\"x"'),
    ("@'it''s'", "it's"),
    ('h"hidden"', "hidden"),
    ("```two\nlines```", "two\nlines"),
    ('"one" "two"', "onetwo"),
    ('"\\u2028\\ud83d\\ude00\\x41"', "\u2028\U0001f600A"),
    ('"\U0001f600\U0010ffff"', "\U0001f600\U0010ffff"),
    ('"\u2028\u2029\u0085\u00a0\ufeff"', "\u2028\u2029\u0085\u00a0\ufeff"),
    ('"\x01\x1f\x7f\x80"', "\x01\x1f\x7f\x80"),
    ('""', ""),
    ('"// | \\"{}"', '// | "{}'),
]


@pytest.mark.parametrize(("literal", "value"), HARD_LITERALS)
def test_hard_literals_are_decoded(literal: str, value: str) -> None:
    assert kusto_language().string_literals(f"Events | where Name == {literal}") == [value]


def test_literals_come_in_the_order_of_the_text() -> None:
    kql = 'let a = "1"; Events | where Name in ("2", @"3") and Size == 4 | extend X = dynamic(["5", {"k": "6"}])'
    assert kusto_language().string_literals(kql) == ["1", "2", "3", "5", "6"]


@given(st.text(st.characters(exclude_characters='\\"\r\n', codec="utf-8")))
@volumes.examples(200)
def test_text_comes_back_unchanged(text: str) -> None:
    assert kusto_language().string_literals(f'print "{text}"') == [text]


def test_every_character_of_the_basic_plane_and_a_lone_surrogate_pass_the_pipe() -> None:
    points = [*range(1, 0xD800), *range(0xE000, 0x10000)]
    text = "".join(map(chr, points)).translate({ord(character): None for character in '\\"\r\n'})
    assert kusto_language().string_literals(f'print "{text}"; print "\ud800"') == [text, "\ud800"]


NONSENSE = [
    "",
    " ",
    "|",
    "'",
    '"',
    "(" * 200,
    "let let let",
    "Events |",
    "\x00",
    "\ud800",
    "// only",
    "a\u2028b",
    "[" * 100,
]


def test_nonsense_neither_kills_nor_confuses_the_process() -> None:
    with KustoLanguage() as language:
        for kql in NONSENSE:
            language.diagnostics(kql, EVENTS)
            language.string_literals(kql)
        assert language.diagnostics("Events | where Size == 1", EVENTS) == []


def test_a_long_list_of_values_and_a_long_or_are_answered() -> None:
    values = ", ".join(f'"{number}"' for number in range(2000))
    assert not errors(f"Events | where Name in ({values})", EVENTS)
    many = " or ".join(f'Name == "{number}"' for number in range(2000))
    assert {found.code for found in errors(f"Events | where {many}", EVENTS)} == {"KS245"}


def test_a_fault_of_the_oracle_is_its_own_error_and_not_the_end() -> None:
    with KustoLanguage() as language:
        with pytest.raises(KustoLanguageError, match="not a Kusto type"):
            language.diagnostics("Events", {"Events": {"Name": "text"}})
        assert language.diagnostics("Events", EVENTS) == []


def test_a_closed_process_is_reported() -> None:
    language = KustoLanguage()
    language.close()
    language.close()
    with pytest.raises(KustoLanguageError):
        language.string_literals('print "x"')


def test_schemas_list_every_table_with_kusto_types() -> None:
    sentinel, defender = load_schema("sentinel"), load_schema("defender")
    assert len(sentinel) > 600
    assert len(defender) > 30
    kinds = {kind for tables in (sentinel, defender) for columns in tables.values() for kind in columns.values()}
    assert kinds <= {"bool", "datetime", "dynamic", "guid", "int", "long", "real", "string"}
    assert sentinel["DeviceNetworkEvents"]["RemotePort"] == "int"
    assert defender["DeviceEvents"]["ReportId"] == "long"


def test_an_unknown_schema_name_is_refused() -> None:
    with pytest.raises(ValueError, match="sentinel, defender"):
        load_schema("splunk")


def seconds_of(queries: int) -> float:
    """Time of the processor for so many queries, that of starting the parser included."""
    before = processor_seconds()
    with KustoLanguage() as language:
        for number in range(queries):
            language.diagnostics(f'DeviceProcessEvents | where FileName =~ "{number}.exe"', "sentinel")
    return processor_seconds() - before


def test_a_query_takes_milliseconds() -> None:
    # About 10 ms each; the bound leaves room for a slow machine.
    assert (seconds_of(41) - seconds_of(1)) / 40 < 0.05
