"""Clients and attribute values, beside boto3's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from live_sessions.aws import clients
from live_sessions.aws.attributes import plain, typed
from live_sessions.aws.service_models import NamedServices
from live_sessions.protocol import Role

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
def test_attribute_values_mean_to_boto3_what_they_mean_here(value: Any) -> None:
    attribute = typed({"a": value})["a"]
    assert TypeDeserializer().deserialize(attribute) == with_decimals(value)
    assert plain({"a": TypeSerializer().serialize(with_decimals(value))}) == {"a": value}


def test_none_is_left_out_at_the_top_and_null_within() -> None:
    assert typed({"a": None, "b": {"c": None}}) == {"b": {"M": {"c": {"NULL": True}}}}
    assert plain({"b": {"M": {"c": {"NULL": True}}}}) == {"b": {"c": None}}


def test_a_member_of_an_enum_is_its_value() -> None:
    assert typed({"role": Role.SPEAKER}) == {"role": {"S": "speaker"}}


@pytest.mark.parametrize("text", ["7", "7.0", "7E0"])
def test_a_whole_number_is_an_int(text: str) -> None:
    number = plain({"n": {"N": text}})["n"]
    assert (number, type(number)) == (7, int)


def test_what_no_row_of_ours_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        typed({"a": {1}})
    with pytest.raises(TypeError, match="SS"):
        plain({"a": {"SS": ["x"]}})


@pytest.mark.parametrize("service", clients.SERVICES)
def test_a_service_s_model_is_the_one_that_botocore_reads_itself(service: str) -> None:
    quick, own = NamedServices(clients.SERVICES), Loader()
    for kind in ("service-2", "endpoint-rule-set-1"):
        assert quick.load_service_model(service, kind) == own.load_service_model(service, kind)
    assert quick.load_data("endpoints") == own.load_data("endpoints")
