"""The keys of the pipeline state: what they take, what is said of a wrong value, and which backends read them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from sigma.backends.t1020 import backend_class
from sigma.backends.t1020.common.log_model import STATE_KEYS, LogModel
from sigma.backends.t1020.common.losses import Unsupported
from sigma.backends.t1020.common.state_keys import EVERY, keys_of

from log_models.values import WRONG

BACKENDS = Path(__file__).parents[2] / "backend" / "sigma" / "backends" / "t1020"
#: Besides common/, where the code of each backend is.
FOLDERS = {
    "t1020_kusto": ["kusto"],
    "t1020_splunk": ["splunk"],
    "t1020_eql": ["elastic", "eql"],
    "t1020_esql": ["elastic", "esql"],
}
TABLE = {"query_table": "Table"}

every_key = pytest.mark.parametrize("name", STATE_KEYS)


@every_key
def test_a_key_takes_its_own_example(name: str) -> None:
    key = STATE_KEYS[name]
    assert key.fault(yaml.safe_load(key.example)) is None


@every_key
def test_a_value_that_is_set_changes_what_is_read_in_backends_that_read_the_key_and_in_no_other(name: str) -> None:
    key = STATE_KEYS[name]
    value = yaml.safe_load(key.example)
    # Its example is the default.
    state = TABLE | {name: "EventTime_t" if name == "time_column" else value}
    changed = {
        backend for backend in EVERY if LogModel.from_state(state, backend) != LogModel.from_state(TABLE, backend)
    }
    assert changed == key.backends


@every_key
@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_value_is_refused_by_backends_that_read_the_key_and_passed_over_by_others(
    name: str, wrong: object
) -> None:
    key = STATE_KEYS[name]
    for backend in EVERY:
        if backend in key.backends:
            with pytest.raises(Unsupported) as refused:
                LogModel.from_state(TABLE | {name: wrong}, backend)
            message = str(refused.value)
            assert message.startswith(f"the state key {name} takes {key.kind.takes}, ")
            assert message.endswith(f"; write for example `val: {key.example}`")
        else:
            assert LogModel.from_state(TABLE | {name: wrong}, backend) == LogModel.from_state(TABLE, backend)


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("query_table", " ", "not ' '"),
        ("products", "windows", "not 'windows'"),
        ("columns", {"string": ["A", 5]}, "and an item of string is 5, not a text that is not empty"),
        ("columns", {"string": None}, "and string is nothing, not a list of texts"),
        ("columns", {5: ["A"]}, "not {5: ['A']}"),
        ("join_keys", {"Computer": ""}, "and Computer is '', not a text that is not empty"),
        ("join_keys", {"": "Host"}, "not {'': 'Host'}"),
        ("indices", [""], "and an item is '', not a text that is not empty"),
        ("sources", [""], "and an item is '', not a text that is not empty, or a whole number"),
        ("source_values", {"event.code": 1}, "and event.code is 1, not a list of texts or whole numbers"),
        ("source_values", {"event.code": [True]}, "and an item of event.code is true, not a text or a whole number"),
        ("source_values", {"x": [""]}, "and an item of x is '', not a text that is not empty, or a whole number"),
        ("joined", {"User": ["a", "b", "c"]}, "and User is ['a', 'b', 'c'], not a list of two columns"),
        ("value_maps", {"A": {"column": "b"}}, "and A is {'column': 'b'}, not a mapping with `column` and `values`"),
        ("value_maps", {"A": {"column": 5, "values": {}}}, "and A.column is 5, not a text that is not empty"),
        (
            "value_maps",
            {"A": {"column": "b", "values": {"TRUE": ["x"]}}},
            "and A.values is {'TRUE': ['x']}, not a mapping of texts in lower case to lists of texts",
        ),
        (
            "value_maps",
            {"A": {"column": "b", "values": {"true": []}}},
            "and A.values.true is [], not a list of one text or more",
        ),
        ("metadata", "x" * 100, f"not '{'x' * 59}…"),
    ],
)
def test_a_fault_says_which_part_of_a_value_is_wrong(name: str, value: object, wrong: str) -> None:
    fault = STATE_KEYS[name].fault(value)
    assert fault is not None
    assert fault.message == f"the state key {name} takes {STATE_KEYS[name].kind.takes}, {wrong}"


def test_a_state_without_a_table_is_of_no_log_source() -> None:
    assert LogModel.from_state({}) is None
    assert LogModel.from_state({"columns": 5}) is None


def test_numbers_are_read_as_the_texts_that_logs_hold() -> None:
    model = LogModel.from_state(TABLE | {"source_values": {"EventCode": [1, "2"]}, "removed": [0, ""]})
    assert model is not None
    assert model.source_values == {"EventCode": ("1", "2")}
    assert model.removed == {"0", ""}


def test_sources_are_values_of_the_field_source_and_a_field_without_values_is_none() -> None:
    model = LogModel.from_state(TABLE | {"sources": ["a"], "source_values": {"b": ["c"], "d": []}, "unlike": {"e": []}})
    assert model is not None
    assert (model.source_values, model.unlike) == ({"source": ("a",), "b": ("c",)}, {})


def test_what_is_read_shares_nothing_with_the_pipelines_own_state() -> None:
    state = {**TABLE, **{name: yaml.safe_load(key.example) for name, key in STATE_KEYS.items()}}
    model = LogModel.from_state(state)
    for name in STATE_KEYS:
        if isinstance(state[name], (dict, list)):
            state[name].clear()
    assert model == LogModel.from_state({name: yaml.safe_load(key.example) for name, key in STATE_KEYS.items()})


@pytest.mark.parametrize("backend", sorted(EVERY))
def test_a_backend_that_is_said_to_read_a_key_has_code_that_does(backend: str) -> None:
    # The other way round holds by from_state, which leaves out the keys that a backend does not read.
    used: set[str] = set()
    for folder in ("common", *FOLDERS[backend]):
        for path in (BACKENDS / folder).glob("*.py"):
            used |= {
                node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)
            }
    fields = {field for field, key in keys_of(LogModel).items() if backend in key.backends}
    assert fields <= used
    assert backend_class(backend).identifier == backend


def test_every_field_of_a_log_model_is_a_key() -> None:
    assert set(keys_of(LogModel)) == set(LogModel.__dataclass_fields__)
    assert len(STATE_KEYS) == len(keys_of(LogModel))
