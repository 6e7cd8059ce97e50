import json
from typing import Any

import pytest

from operations.plan.changes import MISSING, Change, changes
from operations.plan.recording import ARCHIVE
from operations.plan.wording import worded


def policy(**actions: list[str]) -> str:
    statements = [
        {"Sid": sid, "Effect": "Allow", "Action": each, "Resource": ["arn:aws:sqs:::q"]}
        for sid, each in actions.items()
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def texts(old: Any, new: Any) -> list[str]:
    return [worded(each) for each in changes(old, new)]


@pytest.mark.parametrize("value", [{"a": [1, {"b": None}]}, [], "text", policy(Send=["sqs:Send"])])
def test_the_same_value_has_no_changes(value: Any):
    assert list(changes(value, value)) == []


def test_changed_properties_are_named_by_path():
    old = {"memorySize": 256, "environment": {"variables": {"A": "1", "B": "1"}}, "name": "x"}
    new = {"memorySize": 512, "environment": {"variables": {"A": "2", "C": "1"}}, "name": "x"}
    assert texts(old, new) == [
        'environment.variables.A: "1" -> "2"',
        'environment.variables.B: - "1"',
        'environment.variables.C: + "1"',
        "memorySize: 256 -> 512",
    ]


@pytest.mark.parametrize(("old", "new"), [(True, 1), ("1", 1), (0, False)])
def test_values_of_different_kinds_are_different(old: Any, new: Any):
    assert len(list(changes({"a": old}, {"a": new}))) == 1


def test_policy_changes_are_named_by_sid_and_action():
    old = policy(Send=["sqs:SendMessage"], Read=["sqs:ReceiveMessage"], Gone=["sqs:Gone"])
    new = policy(Came=["sqs:Came"], Read=["sqs:ReceiveMessage", "sqs:DeleteMessage"], Send=["x:Y"])
    assert texts({"policy": old}, {"policy": new}) == [
        "policy.Statement[Came]: + Allow sqs:Came on arn:aws:sqs:::q",
        "policy.Statement[Gone]: - Allow sqs:Gone on arn:aws:sqs:::q",
        'policy.Statement[Read].Action: + "sqs:DeleteMessage"',
        'policy.Statement[Send].Action: - "sqs:SendMessage"',
        'policy.Statement[Send].Action: + "x:Y"',
    ]


def test_a_statement_is_never_truncated():
    actions = [f"dynamodb:Action{number}" for number in range(60)]
    (line,) = texts({"policy": policy()}, {"policy": policy(Many=actions)})
    assert all(action in line.split() for action in actions)


def test_the_order_of_a_list_is_a_change_too():
    assert texts({"layers": ["a", "b"]}, {"layers": ["b", "a"]}) == [
        'layers: ["a", "b"] -> ["b", "a"]'
    ]
    one, two = {"name": "one"}, {"name": "two"}
    assert texts({"x": [one, two]}, {"x": [two, one]}) == ['x: ["one", "two"] -> ["two", "one"]']


def test_the_same_json_in_another_notation_is_a_change():
    assert [each.path for each in changes({"a": '{"b":1}'}, {"a": '{"b": 1}'})] == ["a"]


def test_braces_in_keys_and_values_are_not_interpreted():
    assert texts({"a{b": {"c}": "{no json"}}, {"a{b": {"c}": "{nor this"}}) == [
        'a{b.c}: "{no json" -> "{nor this"'
    ]


def test_elements_without_an_identity_are_named_by_index():
    assert texts({"x": [{"a": 1}, {"a": 2}]}, {"x": [{"a": 1}, {"a": 3}]}) == ["x[1].a: 2 -> 3"]


def test_an_inserted_element_does_not_change_those_after_it():
    old, new = (
        [["m", "a"], ["m", "c"], ["m", "d"]],
        [["m", "a"], ["m", "b"], ["m", "c"], ["m", "d"]],
    )
    assert texts({"x": old}, {"x": new}) == ['x: + ["m", "b"]']
    assert texts({"x": new}, {"x": old}) == ['x: - ["m", "b"]']
    assert texts({"x": [1, 1, 2]}, {"x": [1, 2]}) == ["x: - 1"]


def test_a_changed_archive_names_its_changed_files():
    old = {"code": {ARCHIVE: {"same.py": "1", "changed.py": "1", "gone.py": "1"}}}
    new = {"code": {ARCHIVE: {"same.py": "1", "changed.py": "2", "came.py": "1"}}}
    assert texts(old, new) == ["code changed: + came.py, ~ changed.py, - gone.py"]


def test_a_long_list_of_changed_files_is_truncated_with_a_count():
    old = {"code": {ARCHIVE: {f"{number:02}.py": "1" for number in range(20)}}}
    new = {"code": {ARCHIVE: {f"{number:02}.py": "2" for number in range(20)}}}
    assert texts(old, new)[0].endswith(", ~ 11.py, and 8 more")


def test_long_texts_are_shown_from_their_first_difference():
    (line,) = texts({"body": "x" * 500 + "old" + "y" * 500}, {"body": "x" * 500 + "new"})
    assert "…xxx" in line
    assert "xold" in line
    assert '"…' + "x" * 30 + 'new"' in line
    assert len(line) < 600


def test_hashes_and_the_made_up_account_are_abbreviated():
    old = {"a": "0123456789abcdef" * 4, "b": "arn:aws:sqs:us-east-1:123456789012:old"}
    new = {"a": "fedcba9876543210" * 4, "b": "arn:aws:iam::123456789012:role/new"}
    assert texts(old, new) == [
        'a: "0123456789ab…" -> "fedcba987654…"',
        'b: "arn:aws:sqs:…:old" -> "arn:aws:iam:…:role/new"',
    ]


def test_json_has_complete_values_and_omits_a_missing_side():
    long = "x" * 1000
    assert Change("a", MISSING, long).as_json() == {"path": "a", "new": long}
    assert Change("a", None, 1).as_json() == {"path": "a", "old": None, "new": 1}
