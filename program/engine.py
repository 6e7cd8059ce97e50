"""A Pulumi engine that creates nothing: it records every resource and returns made-up outputs."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import rpc

from program.computed import ACCOUNT, ALIAS, BUCKET, COMPUTED
from program.monitor import STACK, StackMonitor
from program.run import run_program, run_under_mocks

CALLER_IDENTITY = "aws:index/getCallerIdentity:getCallerIdentity"


@dataclass(frozen=True)
class Registered:
    """One resource as it was registered: its URN without stack and project, and its options.

    `parent` is such a URN too, empty under the stack itself; so are `former_urns`, those that
    the resource had before by its aliases and its parents'.
    """

    urn: str
    parent: str
    typ: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    provider: str
    protect: bool
    retain_on_delete: bool
    delete_before_replace: bool
    depends_on: frozenset[str]
    former_urns: frozenset[str]


class Engine(pulumi.runtime.Mocks):
    """Records every resource and call; with `preview`, computed outputs stay unknown."""

    def __init__(self, *, preview: bool = False) -> None:
        self.preview = preview
        self.registered: list[Registered] = []
        self.calls: list[pulumi.runtime.MockCallArgs] = []
        self.lock = threading.Lock()

    def run(
        self,
        program: Callable[[], object],
        *,
        stack: str = "test",
        config: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Runs a program to its end and returns the stack's outputs.

        A resource that is not in `registered` afterwards was never requested. Raises what the
        program raises, and `TimeoutError` after 60 s.
        """

        def run_and_drop_the_result() -> None:
            program()

        return run_under_mocks(
            self,
            run_and_drop_the_result,
            stack=stack,
            config=config or {},
            preview=self.preview,
            timeout_seconds=60,
            monitor=RecordingMonitor(self),
        )

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        if not args.custom:
            return "", dict(args.inputs)
        computed = self.computed(args.typ, _physical_name(args))
        if self.preview:
            return "", dict(args.inputs)
        named = {"name": _physical_name(args)} if args.typ == "aws:iam/role:Role" else {}
        return f"{args.name}-id", {**named, **args.inputs, **computed}

    def computed(self, typ: str, physical_name: str) -> dict[str, Any]:
        """The outputs that AWS computes; raises `NotImplementedError` for an unknown type."""
        if typ not in COMPUTED:
            raise NotImplementedError(f"{typ} is missing from program/computed.py.")
        return COMPUTED[typ](physical_name)

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        with self.lock:
            self.calls.append(args)
        if args.token != CALLER_IDENTITY:
            raise NotImplementedError(
                f"{args.token} is not one of the calls that the engine knows."
            )
        return {
            "accountId": ACCOUNT,
            "arn": f"arn:aws:iam::{ACCOUNT}:user/deployer",
            "userId": "AIDAEXAMPLE",
            "id": ACCOUNT,
        }, []

    def of_type(self, typ: str) -> dict[str, Registered]:
        """Every resource of a type, by its name; `typ` is written as `lambda/function`."""
        kind = typ.rpartition("/")[2]
        token = f"aws:{typ}:{kind[0].upper()}{kind[1:]}"
        if token not in COMPUTED:
            raise KeyError(f"{token} is not a type that the engine knows")
        return {each.name: each for each in self.registered if each.typ == token}

    def inputs(self, typ: str) -> list[dict[str, Any]]:
        """The inputs of every resource of a type."""
        return [each.inputs for each in self.of_type(typ).values()]

    def only(self, typ: str) -> dict[str, Any]:
        """The inputs of the one resource of a type."""
        (inputs,) = self.inputs(typ)
        return inputs

    def statements(self, role: str) -> dict[str, dict[str, Any]]:
        """The statements of a role's policy, by Sid."""
        (policy,) = [each for each in self.inputs("iam/rolePolicy") if each["role"] == role]
        return {each["Sid"]: each for each in json.loads(policy["policy"])["Statement"]}


def _physical_name(args: pulumi.runtime.MockResourceArgs) -> str:
    name = args.inputs.get("name") or args.inputs.get("layerName") or args.name
    if args.typ == BUCKET:
        return str(args.inputs.get("bucket") or name)
    return f"{args.inputs.get('functionName')}:{name}" if args.typ == ALIAS else name


def _within_stack(urn: str) -> str:
    return urn.split("::", 2)[-1]


class RecordingMonitor(StackMonitor):
    """Also records what Pulumi's mocks do not see: URNs with all parent types, and options."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.engine = engine

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        parents = parent.split("::")[2] if parent else STACK
        if parents == STACK:
            return f"urn:pulumi:test::live-sessions::{type_}::{name}"
        return f"urn:pulumi:test::live-sessions::{parents}${type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        if request.type != STACK:
            registered = Registered(
                urn=_within_stack(response.urn),
                parent=_within_stack(request.parent) if STACK not in request.parent else "",
                typ=request.type,
                name=request.name,
                custom=request.custom,
                inputs=rpc.deserialize_properties(request.object),
                provider=request.provider or request.providers.get("aws", ""),
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                delete_before_replace=request.deleteBeforeReplace,
                depends_on=frozenset(each.split("::")[-1] for each in request.dependencies),
                former_urns=self._former_urns(request, _within_stack(response.urn)),
            )
            with self.engine.lock:
                self.engine.registered.append(registered)
        return response

    def _former_urns(self, request: Any, urn: str) -> frozenset[str]:
        """The program's aliases are names; a child named after its parent takes part in its."""
        types, _, name = urn.rpartition("::")
        names = {alias.spec.name for alias in request.aliases}
        with self.engine.lock:
            parents = [each for each in self.engine.registered if request.parent.endswith(each.urn)]
        for parent in parents:
            if name.startswith(parent.name):
                former = [each.rpartition("::")[2] for each in parent.former_urns]
                names |= {f"{each}{name.removeprefix(parent.name)}" for each in former}
        return frozenset(f"{types}::{each}" for each in names)


def recorded(stack: str, config: Mapping[str, str]) -> Engine:
    """Run the whole program for a stack; raises what the program raises."""
    engine = Engine()
    run_program(engine, stack=stack, config=config, monitor=RecordingMonitor(engine))
    return engine
