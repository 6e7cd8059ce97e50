"""DynamoDB's calls and expressions, as far as the handlers use them.

moto parses an update's expressions anew for each call, which takes a hundred times as long as the
rest of a test's step. test_doubles.py compares the replies with moto's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from contract.tables import TABLES, Table
from tests.handlers.direct_moto import Reply

Value = dict[str, Any]
"""An attribute value with its type, such as {"S": "es"}."""

Item = Mapping[str, Value]
"""Never changed in place: a reference to an item is a copy of it."""

Key = tuple[str, ...]
"""The type and the value of the hash key, and of the range key where there is one."""

Operand = Callable[[Item, "Parameters"], Value | None]
Condition = Callable[[Item, "Parameters"], bool]
Change = Callable[[Item, "Parameters", dict[str, Value]], None]
"""Reads the item as it was, and writes into the item as it will be."""

NOTHING: Item = {}
ZERO: Value = {"N": "0"}
TOKEN = re.compile(r"\s*([#:]?\w+|<>|<=|>=|[-+=<>(),.])")
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


class ConditionFailed(Exception):
    """The condition of a write is false."""


class Unsupported(BaseException):
    """A request that DynamoDB may accept, but not this; no handler catches it."""


class DynamoDB:
    """Tables in memory, by their names in the contract."""

    def __init__(self) -> None:
        self.items: dict[str, dict[Key, Item]] = {table.name: {} for table in TABLES}
        self._tables: Mapping[str, Table] = {table.name: table for table in TABLES}

    def fill(self, table: str, items: Iterable[Item]) -> None:
        """Write the items without a call for each."""
        for item in items:
            self._store({"TableName": table, "Item": item}, item)

    def carry_out(self, operation: str, request: Mapping[str, Any]) -> Reply:
        """One call, such as `carry_out("GetItem", {...})`."""
        match operation:
            case "GetItem":
                item = self._item(request)
                return Reply(200, {"Item": _projected(item, request)} if item else {})
            case "BatchGetItem":
                return self._batch_get(request)
            case "BatchWriteItem":
                return self._batch_write(request)
            case "Query":
                return self._query(request)
            case "Scan":
                items = list(self.items[request["TableName"]].values())
                return Reply(200, {"Items": items, "Count": len(items)})
            case "PutItem" | "UpdateItem" | "DeleteItem":
                return self._write(operation, request)
            case "TransactWriteItems":
                return self._transact(request)
            case _:
                raise Unsupported(operation)

    def _key(self, request: Mapping[str, Any]) -> Key:
        given = request.get("Key") or request["Item"]
        names = self._tables[request["TableName"]].key
        return tuple(
            part
            for name in names
            for ((kind, value),) in [given[name].items()]
            for part in (kind, value)
        )

    def _item(self, request: Mapping[str, Any]) -> Item | None:
        return self.items[request["TableName"]].get(self._key(request))

    def _batch_get(self, request: Mapping[str, Any]) -> Reply:
        for wanted in request["RequestItems"].values():
            keys = [str(key) for key in wanted["Keys"]]
            if len(keys) > len(set(keys)):
                message = "Provided list of item keys contains duplicates"
                return Reply(400, {"Error": {"Code": "ValidationException", "Message": message}})
        found = {
            table: [
                _projected(item, wanted)
                for key in wanted["Keys"]
                if (item := self._item({"TableName": table, "Key": key})) is not None
            ]
            for table, wanted in request["RequestItems"].items()
        }
        return Reply(200, {"Responses": found, "UnprocessedKeys": {}})

    def _batch_write(self, request: Mapping[str, Any]) -> Reply:
        """Puts and deletions, of at most 25 items with different keys."""
        writes = [
            {"TableName": table, **write}
            for table, requests in request["RequestItems"].items()
            for each in requests
            for write in each.values()
        ]
        keys = {(write["TableName"], self._key(write)) for write in writes}
        if len(writes) > 25 or len(keys) < len(writes):
            raise Unsupported("more than 25 items, or an item twice: DynamoDB refuses them")
        for write in writes:
            self._store(write, write.get("Item"))
        return Reply(200, {"UnprocessedItems": {}})

    def _query(self, request: Mapping[str, Any]) -> Reply:
        """A page of a table or an index, in the order of its range key, or backwards."""
        table = self._tables[request["TableName"]]
        index = {each.name: each for each in table.indexes}.get(request.get("IndexName", ""))
        range_key = table.range_key if index is None else index.range_key
        if range_key is None or (index is None) == ("IndexName" in request):
            raise Unsupported(f"no such index, or a table without a range key: {request}")
        is_asked_for = condition_of(request["KeyConditionExpression"])
        parameters = Parameters(request)

        def position(item: Item) -> tuple[Any, ...]:
            return _plain(item[range_key]), _plain(item[table.hash_key])

        is_forward = request.get("ScanIndexForward", True)
        found = sorted(
            (
                item
                for item in self.items[table.name].values()
                if range_key in item and is_asked_for(item, parameters)
            ),
            key=position,
            reverse=not is_forward,
        )
        if "ExclusiveStartKey" in request:
            last = position(request["ExclusiveStartKey"])
            found = [
                item
                for item in found
                if (position(item) > last if is_forward else position(item) < last)
            ]
        page = found[: request.get("Limit")]
        keys = {range_key, *table.key, *((index.hash_key,) if index else ())}
        items = [_only(item, keys | set(index.projected)) if index else item for item in page]
        content: dict[str, Any] = {"Items": items, "Count": len(items)}
        if len(page) < len(found):
            content["LastEvaluatedKey"] = _only(page[-1], keys)
        return Reply(200, content)

    def _write(self, operation: str, request: Mapping[str, Any]) -> Reply:
        before = self._item(request)
        try:
            after = self._written(before, request)
        except ConditionFailed:
            error = {"Code": "ConditionalCheckFailedException", "Message": "The condition failed."}
            shown = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and before
            return Reply(400, {"Error": error} | ({"Item": before} if shown else {}))
        self._store(request, after)
        returned = {"ALL_OLD": before, "ALL_NEW": after, "NONE": None}
        attributes = returned[request.get("ReturnValues", "NONE")]
        return Reply(200, {"Attributes": attributes} if attributes else {})

    def _written(self, before: Item | None, request: Mapping[str, Any]) -> Item | None:
        """The item after the write, None for a deletion; raises ConditionFailed."""
        parameters = Parameters(request)
        condition = request.get("ConditionExpression")
        if condition is not None and not condition_of(condition)(before or NOTHING, parameters):
            raise ConditionFailed
        if "Item" in request:
            return request["Item"]
        if "UpdateExpression" not in request:
            return None
        item = before or request["Key"]
        after = dict(item)
        for change in changes_of(request["UpdateExpression"]):
            change(item, parameters, after)
        return after

    def _store(self, request: Mapping[str, Any], item: Item | None) -> None:
        items, key = self.items[request["TableName"]], self._key(request)
        if item is None:
            items.pop(key, None)
        else:
            items[key] = item

    def _transact(self, request: Mapping[str, Any]) -> Reply:
        """All writes or none."""
        writes = [write for item in request["TransactItems"] for write in item.values()]
        written: list[Item | None] = []
        reasons: list[dict[str, Any]] = []
        for write in writes:
            try:
                written.append(self._written(self._item(write), write))
                reasons.append({"Code": "None"})
            except ConditionFailed:
                reasons.append({"Code": "ConditionalCheckFailed"})
        if len(written) < len(writes):
            error = {"Code": "TransactionCanceledException", "Message": "A condition failed."}
            return Reply(400, {"Error": error, "CancellationReasons": reasons})
        for write, item in zip(writes, written, strict=True):
            self._store(write, item)
        return Reply(200, {})


class Parameters:
    """What the placeholders in a request's expressions stand for."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.values: Mapping[str, Value] = request.get("ExpressionAttributeValues", {})
        self.names: Mapping[str, str] = request.get("ExpressionAttributeNames", {})


@cache
def condition_of(text: str) -> Condition:
    """A condition expression as a function."""
    expression = _Expression(text)
    condition = expression.condition()
    expression.require_end()
    return condition


@cache
def changes_of(text: str) -> list[Change]:
    """An update expression as functions."""
    return list(_Expression(text).changes())


class _Expression:
    """An expression that is read from left to right.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = TOKEN.findall(text)[::-1]

    def _next(self) -> str:
        return self._tokens.pop()

    def _takes(self, *tokens: str) -> bool:
        if self._tokens and self._tokens[-1] in tokens:
            self._tokens.pop()
            return True
        return False

    def _require(self, token: str) -> None:
        if not self._takes(token):
            raise Unsupported(f"no {token!r} where it is expected: {self._text}")

    def require_end(self) -> None:
        if self._tokens:
            raise Unsupported(f"{self._tokens[-1]!r} is not understood: {self._text}")

    # ---- conditions

    def condition(self) -> Condition:
        parts = [self._conjunction()]
        while self._takes("OR"):
            parts.append(self._conjunction())
        return lambda item, given: any(part(item, given) for part in parts)

    def _conjunction(self) -> Condition:
        parts = [self._simple_condition()]
        while self._takes("AND"):
            parts.append(self._simple_condition())
        return lambda item, given: all(part(item, given) for part in parts)

    def _simple_condition(self) -> Condition:
        if self._takes("NOT"):
            negated = self._simple_condition()
            return lambda item, given: not negated(item, given)
        if self._takes("("):
            condition = self.condition()
            self._require(")")
            return condition
        for function, exists in (("attribute_exists", True), ("attribute_not_exists", False)):
            if self._takes(function):
                path = self._in_parentheses()
                return lambda item, given: (_found(item, path, given) is not None) is exists
        one, sign, other = self._operand(), self._next(), self._operand()
        if sign == "<>":
            return lambda item, given: not _compares(one(item, given), "=", other(item, given))
        return lambda item, given: _compares(one(item, given), sign, other(item, given))

    def _in_parentheses(self) -> list[str]:
        self._require("(")
        path = self._path()
        self._require(")")
        return path

    def _path(self) -> list[str]:
        path = [self._next()]
        while self._takes("."):
            path.append(self._next())
        return path

    def _operand(self) -> Operand:
        if self._takes("if_not_exists"):
            self._require("(")
            path = self._path()
            self._require(",")
            otherwise = self._operand()
            self._require(")")
            return lambda item, given: _found(item, path, given) or otherwise(item, given)
        path = self._path()
        if path[0].startswith(":"):
            return lambda item, given: given.values[path[0]]
        return lambda item, given: _found(item, path, given)

    # ---- changes

    def changes(self) -> Iterable[Change]:
        while self._tokens:
            clause = self._clause(self._next())
            yield clause()
            while self._takes(","):
                yield clause()

    def _clause(self, keyword: str) -> Callable[[], Change]:
        clauses = {"SET": self._assignment, "REMOVE": self._removal, "ADD": self._addition}
        if keyword not in clauses:
            raise Unsupported(f"{keyword} is not understood: {self._text}")
        return clauses[keyword]

    def _assignment(self) -> Change:
        path = self._path()
        self._require("=")
        value = self._operand()
        for sign in ("+", "-"):
            if self._takes(sign):
                value = _sum(value, sign, self._operand())

        def assign(item: Item, given: Parameters, after: dict[str, Value]) -> None:
            assigned = value(item, given)
            if assigned is None:
                raise Unsupported(f"an operand does not exist: {self._text}")
            parent, name = _parent(after, path, given)
            parent[name] = assigned

        return assign

    def _addition(self) -> Change:
        """Of numbers; one that does not exist is 0."""
        path, value = self._path(), self._operand()
        sum_of = _sum(lambda item, given: _found(item, path, given) or ZERO, "+", value)

        def add(item: Item, given: Parameters, after: dict[str, Value]) -> None:
            parent, name = _parent(after, path, given)
            parent[name] = sum_of(item, given)

        return add

    def _removal(self) -> Change:
        path = self._path()

        def remove(item: Item, given: Parameters, after: dict[str, Value]) -> None:
            parent, name = _parent(after, path, given)
            parent.pop(name, None)

        return remove


def _found(item: Item, path: list[str], given: Parameters) -> Value | None:
    value: Value | None = None
    members: Mapping[str, Any] = item
    for name in path:
        value = members.get(given.names.get(name, name))
        if value is None:
            return None
        members = value.get("M", {})
    return value


def _parent(
    after: dict[str, Value], path: list[str], given: Parameters
) -> tuple[dict[str, Value], str]:
    """The map with the path's last member, replaced by a copy together with all above it."""
    names = [given.names.get(name, name) for name in path]
    parent = after
    for name in names[:-1]:
        copied = dict(parent[name]["M"])
        parent[name] = {"M": copied}
        parent = copied
    return parent, names[-1]


def _sum(one: Operand, sign: str, other: Operand) -> Callable[[Item, Parameters], Value]:
    def add(item: Item, given: Parameters) -> Value:
        first, second = one(item, given), other(item, given)
        if first is None or second is None:
            raise Unsupported("an operand of a sum does not exist")
        left, right = _plain(first), _plain(second)
        return {"N": str(left + right if sign == "+" else left - right)}

    return add


def _compares(one: Value | None, sign: str, other: Value | None) -> bool:
    """False for values of different types, and for a value that does not exist."""
    if one is None or other is None or one.keys() != other.keys():
        return False
    return COMPARISONS[sign](_plain(one), _plain(other))


def _plain(value: Value) -> Any:
    ((kind, content),) = value.items()
    return Decimal(content) if kind == "N" else content


def _only(item: Item, names: set[str]) -> Item:
    return {name: value for name, value in item.items() if name in names}


def _projected(item: Item, request: Mapping[str, Any]) -> Item:
    if "ProjectionExpression" not in request:
        return item
    names = request.get("ExpressionAttributeNames", {})
    wanted = [name.strip() for name in request["ProjectionExpression"].split(",")]
    return _only(item, {names.get(name, name) for name in wanted})
