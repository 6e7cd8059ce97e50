"""Attribute values and service models, compared with boto3's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from contract.actions import Role
from live_sessions.aws.clients import SERVICES, fast_loader
from live_sessions.aws.dynamodb import plain, typed

VALUES = st.recursive(
    st.text()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda number: round(number, 3)),
    lambda values: st.dictionaries(st.text(), values) | st.lists(values),
    max_leaves=10,
)


def with_decimals(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: with_decimals(member) for name, member in value.items()}
    if isinstance(value, list):
        return [with_decimals(each) for each in value]
    return Decimal(str(value)) if isinstance(value, float) else value


@given(VALUES)
def test_attribute_values_equal_those_of_boto3(value: Any) -> None:
    attribute = typed({"a": value})["a"]
    assert TypeDeserializer().deserialize(attribute) == with_decimals(value)
    assert plain({"a": TypeSerializer().serialize(with_decimals(value))}) == {"a": value}


def test_none_is_left_out_at_the_top_level_and_is_null_below_it() -> None:
    assert typed({"a": None, "b": {"c": None}}) == {"b": {"M": {"c": {"NULL": True}}}}
    assert plain({"b": {"M": {"c": {"NULL": True}}}}) == {"b": {"c": None}}


def test_an_enum_member_is_stored_as_its_value() -> None:
    assert typed({"role": Role.SPEAKER}) == {"role": {"S": "speaker"}}


@pytest.mark.parametrize("text", ["7", "7.0", "7E0"])
def test_a_whole_number_is_read_as_an_int(text: str) -> None:
    number = plain({"n": {"N": text}})["n"]
    assert (number, type(number)) == (7, int)


def test_types_that_no_row_has_are_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        typed({"a": {1}})
    with pytest.raises(TypeError, match="SS"):
        plain({"a": {"SS": ["x"]}})


@pytest.mark.parametrize("service", SERVICES)
def test_the_fast_loader_reads_the_models_that_botocore_reads(service: str) -> None:
    fast, own = fast_loader(SERVICES), Loader()
    for kind in ("service-2", "endpoint-rule-set-1"):
        assert fast.load_service_model(service, kind) == own.load_service_model(service, kind)
    assert fast.load_data("endpoints") == own.load_data("endpoints")
