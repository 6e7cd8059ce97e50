"""The stage's tables: in memory, with moto as the judge of each kind of call.

moto takes a hundred times as long, because it parses expressions anew for each call. So it carries
out only the first call of each kind in a process, on the same items; a difference ends the test.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from tests.handlers import direct_moto
from tests.handlers.direct_moto import Reply
from tests.handlers.environment import REGION
from tests.handlers.faults.dynamodb import DynamoDB, Item

_known_kinds: set[str] = set()
READS_OF_A_WHOLE_TABLE = ("Query", "Scan")


class Different(BaseException):
    """A reply or an item that is not the one of moto; no handler catches it."""


class CheckedDynamoDB(DynamoDB):
    """The tables of one test."""

    def __init__(self) -> None:
        super().__init__()
        self._one_by_one = threading.RLock()

    def carry_out(self, operation: str, request: Mapping[str, Any]) -> Reply:
        with self._one_by_one:
            concerned = [(each["TableName"], self._item(each)) for each in _keys_in(request)]
            reply = super().carry_out(operation, request)
            kind = kind_of(operation, request, reply)
            if kind not in _known_kinds:
                if operation in READS_OF_A_WHOLE_TABLE:
                    table = request["TableName"]
                    concerned = [(table, item) for item in self.items[table].values()]
                self._compare(operation, request, reply, concerned)
                _known_kinds.add(kind)
            return reply

    def _compare(
        self,
        operation: str,
        request: Mapping[str, Any],
        reply: Reply,
        before: Iterable[tuple[str, Item | None]],
    ) -> None:
        """Let moto carry out the same call on the items as they were."""
        empty_moto()
        for table, item in before:
            if item is not None:
                put = direct_moto.carry_out("PutItem", {"TableName": table, "Item": item})
                assert put.status == 200, put
        theirs = direct_moto.carry_out(operation, request)
        if _in_order(operation, theirs) != _in_order(operation, reply):
            raise Different(f"{operation} {request}: {reply}, but moto: {theirs}")
        for each in _keys_in(request):
            key = {"TableName": each["TableName"], "Key": self._whole_key(each)}
            item = direct_moto.carry_out("GetItem", key).content.get("Item")
            if item != self._item(each):
                raise Different(f"{operation} {request}: {self._item(each)}, but moto: {item}")

    def _whole_key(self, request: Mapping[str, Any]) -> dict[str, Any]:
        names, key = self._tables[request["TableName"]].key, self._key(request)
        return {
            name: {kind: value}
            for name, kind, value in zip(names, key[::2], key[1::2], strict=True)
        }


def empty_moto() -> None:
    """Remove every item from moto's tables."""
    for table in dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables.values():
        table.items.clear()


def essence(reply: Reply) -> Any:
    """A reply without capacities, messages and empty values."""
    content = reply.content
    kept = ("Attributes", "Count", "Item", "Items", "LastEvaluatedKey", "Responses")
    values = {name: content[name] for name in kept if content.get(name)}
    reasons = [reason["Code"] for reason in content.get("CancellationReasons", [])]
    return reply.status, values, content.get("Error", {}).get("Code"), reasons


def _in_order(operation: str, reply: Reply) -> Any:
    """The essence of a reply; a scan has no order."""
    if operation == "Scan":
        reply = Reply(reply.status, {"Items": sorted(reply.content["Items"], key=_as_text)})
    return essence(reply)


def _as_text(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def kind_of(operation: str, request: Mapping[str, Any], reply: Reply) -> str:
    """The call without its values, and what came of it: equal for calls that differ in those."""
    return json.dumps([operation, _form(request), essence(reply)[2:], sorted(reply.content)])


VALUES = frozenset({"ClientRequestToken", "ExclusiveStartKey", "Item", "Key", "Limit"})


def _form(request: Any) -> Any:
    """Expressions and options as they are; of keys, items and values the attributes alone."""
    if not isinstance(request, Mapping):
        return request
    form: dict[str, Any] = {}
    for name, value in request.items():
        if name == "RequestItems":
            form[name] = sorted(value)
        elif name == "TransactItems":
            form[name] = [{kind: _form(write) for kind, write in item.items()} for item in value]
        elif name == "ExpressionAttributeValues":
            form[name] = {placeholder: sorted(each) for placeholder, each in value.items()}
        elif name in VALUES:
            form[name] = sorted(value) if isinstance(value, Mapping) else ""
        else:
            form[name] = value
    return form


def _keys_in(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Each table and key that the call names."""
    if "Key" in request or "Item" in request:
        yield request
    for item in request.get("TransactItems", ()):
        yield from item.values()
    for table, wanted in request.get("RequestItems", {}).items():
        if isinstance(wanted, list):
            writes = (write for each in wanted for write in each.values())
            yield from ({"TableName": table, **write} for write in writes)
        else:
            yield from ({"TableName": table, "Key": key} for key in wanted["Keys"])
