"""A stack's functions, versions and aliases in memory: what of Lambda releases and rollbacks use.

moto has no RevisionId for aliases. That Lambda's own protocol is used correctly is tested on the
emulator, in tests/engine/test_versions.py.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from contract.functions import LIVE
from operations.releases.stack import ReleasedStack
from tests.operations.preflight.accounts import emulated

STACK = "staging"
ONE, TWO, THREE = "connection", "fan_out", "heartbeat"
ENTRIES = (ONE, TWO, THREE)


def named(entry: str) -> str:
    return f"live-sessions-{STACK}-{entry.replace('_', '-')}"


class NotFound(ClientError):
    def __init__(self, operation: str) -> None:
        super().__init__({"Error": {"Code": "ResourceNotFoundException"}}, operation)


def failure(code: str, operation: str = "UpdateAlias") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


@dataclass
class Function:
    """`aliases` are on a version; a version has a state."""

    versions: dict[str, str] = field(default_factory=dict[str, str])
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    weights: dict[str, float] = field(default_factory=dict[str, float])
    revision: int = 1


class Lambdas:
    """A Lambda client. `before_update` is called with each UpdateAlias first, and may raise."""

    class exceptions:
        ResourceNotFoundException = NotFound

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.before_update: Callable[[str, str], object] = lambda function, version: None
        self.after_update: Callable[[str, str], object] = lambda function, version: None
        self.updates: list[tuple[str, str]] = []
        self._lock = threading.RLock()

    def publish(self, entry: str, version: int, *, moves: bool = True) -> None:
        """A version, on which the alias is from now on."""
        function = self.functions.setdefault(named(entry), Function())
        function.versions[str(version)] = "Active"
        if moves:
            self.move(entry, version)

    def move(self, entry: str, version: int | str, alias: str = LIVE) -> None:
        function = self.functions[named(entry)]
        function.aliases[alias] = str(version)
        function.revision += 1

    def live(self) -> dict[str, str]:
        return {name: each.aliases[LIVE] for name, each in self.functions.items()}

    def versions(self, entry: str) -> list[str]:
        return list(self.functions[named(entry)].versions)

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, Any]:
        function = self.functions.get(FunctionName)
        if function is None or Name not in function.aliases:
            raise NotFound("GetAlias")
        return self._alias(function, Name)

    def update_alias(
        self,
        *,
        FunctionName: str,
        Name: str,
        FunctionVersion: str,
        RoutingConfig: Mapping[str, Any],
        RevisionId: str,
    ) -> dict[str, Any]:
        self.before_update(FunctionName, FunctionVersion)
        with self._lock:
            function = self.functions[FunctionName]
            if RevisionId != str(function.revision):
                raise failure("PreconditionFailedException")
            if FunctionVersion not in function.versions:
                raise NotFound("UpdateAlias")
            self.updates.append((FunctionName, FunctionVersion))
            function.aliases[Name] = FunctionVersion
            function.weights = dict(RoutingConfig["AdditionalVersionWeights"])
            function.revision += 1
        self.after_update(FunctionName, FunctionVersion)
        return self._alias(function, Name)

    def get_function_configuration(
        self, *, FunctionName: str, Qualifier: str = "$LATEST"
    ) -> dict[str, Any]:
        function = self.functions.get(FunctionName)
        if function is None or Qualifier not in {"$LATEST", *function.versions}:
            raise NotFound("GetFunctionConfiguration")
        return {"State": function.versions.get(Qualifier, "Active")}

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> None:
        """As Lambda, which deletes no version that an alias is on."""
        function = self.functions[FunctionName]
        assert Qualifier.isdecimal(), "never a whole function"
        if Qualifier in {*function.aliases.values(), *function.weights}:
            raise failure("ResourceConflictException", "DeleteFunction")
        del function.versions[Qualifier]

    def get_paginator(self, operation: str) -> Any:
        def paginate(FunctionName: str) -> Iterator[dict[str, Any]]:
            function = self.functions.get(FunctionName)
            if function is None:
                raise NotFound(operation)
            if operation == "list_aliases":
                yield {"Aliases": [self._alias(function, name) for name in function.aliases]}
                return
            yield {"Versions": [{"Version": "$LATEST"}]}
            for version in function.versions:
                yield {"Versions": [{"Version": version}]}

        return SimpleNamespace(paginate=paginate)

    def _alias(self, function: Function, name: str) -> dict[str, Any]:
        weights = {"AdditionalVersionWeights": function.weights} if function.weights else None
        return {
            "Name": name,
            "FunctionVersion": function.aliases[name],
            "RevisionId": str(function.revision),
            "RoutingConfig": weights,
        }


def stack_of(lambdas: Lambdas) -> ReleasedStack:
    """The stack with these functions, and moto's parameters."""

    def client(service: str) -> Any:
        return lambdas if service == "lambda" else emulated(service)

    return ReleasedStack(STACK, client)


def deployed(**versions: int) -> Lambdas:
    """Functions, by entry, each on this version."""
    lambdas = Lambdas()
    for entry, version in versions.items():
        lambdas.publish(entry, version)
    return lambdas
