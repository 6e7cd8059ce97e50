"""`make local-reset`: empty the tables and queues of the running local cloud."""

import sys
from typing import Any

from local.account import Account
from local.state_folder import running_outputs

TABLE_OUTPUTS = ("sessionsTable", "connectionsTable", "rateLimitsTable")


def main() -> int:
    running = running_outputs()
    if running is None:
        print("no local cloud is running here: start one with `make run`", file=sys.stderr)
        return 1
    folder, outputs = running
    account = Account.load(folder)
    for name in TABLE_OUTPUTS:
        count = empty_table(account.client("dynamodb"), outputs[name])
        print(f"{outputs[name]}: {count} items removed")
    for url in outputs["queueUrls"].values():
        account.client("sqs").purge_queue(QueueUrl=url)
    print(f"{len(outputs['queueUrls'])} queues purged")
    return 0


def empty_table(dynamodb: Any, table: str) -> int:
    """Delete every item of the table; return how many there were."""
    schema = dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    keys = [key["AttributeName"] for key in schema]
    aliases = {f"#{index}": key for index, key in enumerate(keys)}
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        ProjectionExpression=", ".join(aliases),
        ExpressionAttributeNames=aliases,
    )
    items = [item for page in pages for item in page["Items"]]
    for item in items:
        dynamodb.delete_item(TableName=table, Key=item)
    return len(items)


if __name__ == "__main__":
    sys.exit(main())
