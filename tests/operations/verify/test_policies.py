"""Policy documents as AWS returns them, compared with declared ones."""

import pytest

from operations.verify.policies import agree, by_sid, summary_of

DECLARED = {
    "Sid": "Read",
    "Effect": "Allow",
    "Action": ["dynamodb:Query", "dynamodb:GetItem"],
    "Resource": ["arn:aws:dynamodb:us-east-1:1:table/a"],
    "Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["one", "two"]}},
}


@pytest.mark.parametrize(
    "change",
    [
        {"Action": ["dynamodb:GetItem", "dynamodb:Query"]},
        {"Resource": "arn:aws:dynamodb:us-east-1:1:table/a"},
        {"Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["two", "one"]}}},
    ],
)
def test_order_and_single_element_lists_make_no_difference(change: dict[str, object]) -> None:
    assert agree(DECLARED, DECLARED | change)


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Action": ["dynamodb:GetItem"]},
        {"Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"]},
        {"Resource": ["*"]},
        {"Condition": {}},
        {"NotPrincipal": "*"},
    ],
)
def test_anything_else_is_a_difference(change: dict[str, object]) -> None:
    assert not agree(DECLARED, DECLARED | change)


def test_the_two_notations_for_any_principal_are_equal() -> None:
    assert agree({"Principal": "*"}, {"Principal": {"AWS": "*"}})
    assert not agree({"Principal": "*"}, {"Principal": {"AWS": "arn:aws:iam::1:root"}})


def test_a_statement_is_summarised_in_one_line() -> None:
    assert summary_of(DECLARED) == (
        "dynamodb:GetItem, dynamodb:Query on arn:aws:dynamodb:us-east-1:1:table/a with a condition"
    )
    several = {"Effect": "Deny", "Action": "a:B", "Resource": ["x", "y", "z"]}
    assert summary_of(several) == "Deny a:B on x and 2 more"


def test_statements_are_found_by_sid_even_without_one() -> None:
    document = {"Statement": [DECLARED, {"Effect": "Allow"}]}
    assert set(by_sid(document)) == {"Read", "(no Sid)"}
    assert by_sid({}) == {}
