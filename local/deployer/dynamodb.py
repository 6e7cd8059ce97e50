"""DynamoDB tables, with their indexes, TTL and point-in-time recovery."""

from typing import Any

from client.account import Account
from local.deployer.resource import Created, Kind, Resource
from program.inputs import capitalised


def create_table(account: Account, resource: Resource) -> Created:
    client = account.client("dynamodb")
    inputs = resource.inputs
    name = resource.physical_name
    request: dict[str, Any] = {
        "TableName": name,
        "AttributeDefinitions": capitalised(
            inputs["attributes"], {"name": "AttributeName", "type": "AttributeType"}
        ),
        "KeySchema": _key_schema(inputs),
        "BillingMode": inputs.get("billingMode", "PROVISIONED"),
        "DeletionProtectionEnabled": inputs.get("deletionProtectionEnabled", False),
        "Tags": resource.tag_list,
    }
    if indexes := inputs.get("globalSecondaryIndexes"):
        request["GlobalSecondaryIndexes"] = [_index(index) for index in indexes]
    if request["BillingMode"] == "PROVISIONED":
        request["ProvisionedThroughput"] = {
            "ReadCapacityUnits": inputs["readCapacity"],
            "WriteCapacityUnits": inputs["writeCapacity"],
        }
    if inputs.get("streamEnabled"):
        request["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": inputs["streamViewType"],
        }
    if (encryption := inputs.get("serverSideEncryption")) and encryption.get("enabled"):
        request["SSESpecification"] = {"Enabled": True, "SSEType": "KMS"}
        if key := encryption.get("kmsKeyArn"):
            request["SSESpecification"]["KMSMasterKeyId"] = key
    table = client.create_table(**request)["TableDescription"]
    client.get_waiter("table_exists").wait(
        TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    if ttl := inputs.get("ttl"):
        client.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={
                "Enabled": ttl.get("enabled", False),
                "AttributeName": ttl["attributeName"],
            },
        )
    if recovery := inputs.get("pointInTimeRecovery"):
        client.update_continuous_backups(
            TableName=name,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery["enabled"]},
        )
    return Created(
        id=name,
        outputs={
            "name": name,
            "arn": table["TableArn"],
            "streamArn": table.get("LatestStreamArn", ""),
            "streamLabel": table.get("LatestStreamLabel", ""),
            "tagsAll": resource.tags,
        },
    )


def _key_schema(block: Any) -> list[dict[str, str]]:
    if keys := block.get("keySchemas"):
        return capitalised(keys)
    schema = [{"AttributeName": block["hashKey"], "KeyType": "HASH"}]
    if range_key := block.get("rangeKey"):
        schema.append({"AttributeName": range_key, "KeyType": "RANGE"})
    return schema


def _index(index: dict[str, Any]) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index["projectionType"]}
    if attributes := index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = attributes
    return {
        "IndexName": index["name"],
        "KeySchema": _key_schema(index),
        "Projection": projection,
    }


KINDS = {"aws:dynamodb/table:Table": Kind(create_table)}
