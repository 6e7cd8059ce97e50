"""`make local-reset`: empty the tables and queues of the running local cloud."""

import argparse
import sys
from typing import Any

from client.account import Account
from client.running_cloud import not_running, running_outputs
from contract.tables import TABLES


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 1 if no local cloud is running."""
    options = _options(arguments)
    running = running_outputs(name=options.cloud)
    if running is None:
        print(not_running(options.cloud), file=sys.stderr)
        return 1
    folder, outputs = running
    print(f"resetting the local cloud of {folder.name}/")
    account = Account.load(folder)
    for table in TABLES:
        name = outputs[table.output]
        count = empty_table(account.client("dynamodb"), name)
        print(f"{name}: {count} items removed")
    urls = [*outputs["queueUrls"].values(), *outputs["audioQueueUrls"]]
    for url in urls:
        account.client("sqs").purge_queue(QueueUrl=url)
    print(
        f"{len(urls)} queues purged, with the ticks in them: "
        "the next status may take up to a minute"
    )
    return 0


def empty_table(dynamodb: Any, table: str) -> int:
    """Delete every item of the table; return their number."""
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


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local.reset", description=__doc__)
    parser.add_argument(
        "--cloud",
        metavar="FOLDER",
        help="the local cloud's folder (.local)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
