"""What the functions lean on in DynamoDB, and IAM's view of a transaction."""

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from local.emulator.process import Emulator

Key = dict[str, dict[str, str]]
KEY: Key = {"id": {"S": "one"}}
OTHER: Key = {"id": {"S": "other"}}


@pytest.fixture
def table(emulator: Emulator) -> Iterator[str]:
    dynamodb, name = emulator.client("dynamodb"), f"probe-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def dynamodb(emulator: Emulator) -> Any:
    return emulator.client("dynamodb")


def item(dynamodb: Any, table: str, key: Key = KEY) -> dict[str, Any]:
    return dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})


def update(table: str, key: Key, expression: str, condition: str = "", **values: str) -> Any:
    request = {
        "TableName": table,
        "Key": key,
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {f":{name}": {"N": value} for name, value in values.items()},
    }
    return {name: value for name, value in request.items() if value}


def test_one_update_moves_an_attribute_to_another_name_and_reads_the_row_as_it_was(
    dynamodb: Any, table: str
) -> None:
    moves = "SET ended = if_not_exists(began, :now) REMOVE began"
    dynamodb.put_item(TableName=table, Item=KEY | {"began": {"N": "5"}})
    dynamodb.update_item(**update(table, KEY, moves, now="9"))
    assert item(dynamodb, table) == KEY | {"ended": {"N": "5"}}
    dynamodb.update_item(**update(table, KEY, moves, now="9"))
    assert item(dynamodb, table) == KEY | {"ended": {"N": "9"}}


def test_of_many_who_move_an_attribute_at_once_one_finds_it(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=KEY | {"began": {"N": "5"}})

    def move(number: int) -> str:
        moved = dynamodb.update_item(
            **update(
                table, KEY, "SET ended = if_not_exists(began, :now) REMOVE began", now=str(number)
            ),
            ReturnValues="ALL_NEW",
        )
        return moved["Attributes"]["ended"]["N"]

    with ThreadPoolExecutor(16) as pool:
        ends = list(pool.map(move, range(100, 150)))
    assert ends.count("5") == 1


def test_a_refused_update_hands_the_row_back_that_did_not_meet_it(
    dynamodb: Any, table: str
) -> None:
    row = KEY | {"count": {"N": "5"}}
    dynamodb.put_item(TableName=table, Item=row)
    refused = update(table, KEY, "SET ended = :now", "began = :now", now="9")
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refusal:
        dynamodb.update_item(**refused, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert refusal.value.response["Item"] == row


def take_over(table: str, **token: str) -> dict[str, Any]:
    """Two rows change hands, if the first is still in the old ones."""
    return {
        "TransactItems": [
            {
                "Update": update(table, KEY, "SET holder = :new", "holder = :old", new="2", old="1")
                | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
            },
            {"Delete": {"TableName": table, "Key": OTHER}},
        ],
        **token,
    }


def test_a_transaction_whose_condition_fails_changes_nothing_and_reports_which(
    dynamodb: Any, table: str
) -> None:
    held = KEY | {"holder": {"N": "3"}}
    for row in (held, OTHER):
        dynamodb.put_item(TableName=table, Item=row)
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refusal:
        dynamodb.transact_write_items(**take_over(table))
    first, second = refusal.value.response["CancellationReasons"]
    assert (first["Code"], first["Item"]) == ("ConditionalCheckFailed", held)
    assert second["Code"] == "None"
    assert (item(dynamodb, table), item(dynamodb, table, OTHER)) == (held, OTHER)


def test_a_transaction_repeated_with_its_token_is_carried_out_once(
    dynamodb: Any, table: str
) -> None:
    for row in (KEY | {"holder": {"N": "1"}}, OTHER):
        dynamodb.put_item(TableName=table, Item=row)
    for _ in range(2):
        dynamodb.transact_write_items(**take_over(table, ClientRequestToken="once"))
    assert item(dynamodb, table)["holder"] == {"N": "2"}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(**take_over(table, ClientRequestToken="twice"))


def test_of_many_transactions_on_one_row_one_is_carried_out(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=KEY | {"holder": {"N": "1"}})

    def attempt(_: int) -> bool:
        try:
            dynamodb.transact_write_items(**take_over(table))
        except dynamodb.exceptions.TransactionCanceledException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(attempt, range(50))) == 1


@pytest.fixture
def as_role(emulator: Emulator, table: str) -> Callable[..., Any]:
    """`as_role("UpdateItem")`: a DynamoDB client that may do this on the table, and no more."""

    def client(*actions: str) -> Any:
        iam, name = emulator.client("iam"), f"probe-{uuid.uuid4().hex[:8]}"
        arn = f"arn:aws:dynamodb:{emulator.region}:{emulator.account_id}:table/{table}"

        def policy(**statement: Any) -> str:
            allow = {"Effect": "Allow", **statement}
            return json.dumps({"Version": "2012-10-17", "Statement": [allow]})

        trust = policy(Action="sts:AssumeRole", Principal={"AWS": "*"})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
        iam.put_role_policy(
            RoleName=name,
            PolicyName="table",
            PolicyDocument=policy(Action=[f"dynamodb:{each}" for each in actions], Resource=arn),
        )
        keys = emulator.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="probe")
        return boto3.client(
            "dynamodb",
            endpoint_url=emulator.url,
            region_name=emulator.region,
            aws_access_key_id=keys["Credentials"]["AccessKeyId"],
            aws_secret_access_key=keys["Credentials"]["SecretAccessKey"],
            aws_session_token=keys["Credentials"]["SessionToken"],
        )

    return client


def test_a_transaction_needs_the_actions_of_its_items_and_none_of_its_own(
    dynamodb: Any, table: str, as_role: Callable[..., Any]
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html"""
    dynamodb.put_item(TableName=table, Item=KEY | {"holder": {"N": "1"}})
    as_role("UpdateItem", "DeleteItem").transact_write_items(**take_over(table))
    assert item(dynamodb, table)["holder"] == {"N": "2"}


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        (["UpdateItem"], "dynamodb:DeleteItem"),
        (["DeleteItem"], "dynamodb:UpdateItem"),
        (["TransactWriteItems"], "dynamodb:UpdateItem"),
        (["PutItem", "GetItem"], "dynamodb:UpdateItem"),
    ],
    ids=["update", "delete", "transaction", "others"],
)
def test_a_transaction_is_denied_for_the_action_of_one_item(
    dynamodb: Any, table: str, as_role: Callable[..., Any], granted: list[str], missing: str
) -> None:
    dynamodb.put_item(TableName=table, Item=KEY | {"holder": {"N": "1"}})
    caller = as_role(*granted)
    with pytest.raises(caller.exceptions.ClientError, match=missing) as refusal:
        caller.transact_write_items(**take_over(table))
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException"
    assert item(dynamodb, table)["holder"] == {"N": "1"}
