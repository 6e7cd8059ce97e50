"""A Pulumi engine for tests: records every resource, and answers as AWS would."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor

from local.program import run_under_mocks

ACCOUNT = "123456789012"
REGION = "us-east-1"

_LAMBDA = f"arn:aws:lambda:{REGION}:{ACCOUNT}"
_INVOKE = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"

# What AWS computes for each type, from the resource's physical name or logical name.
COMPUTED: dict[str, Callable[[str], dict[str, Any]]] = {
    "aws:apigateway/account:Account": lambda name: {},
    "aws:apigatewayv2/api:Api": lambda name: {
        "apiEndpoint": f"wss://abc123.execute-api.{REGION}.amazonaws.com",
        "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc123",
    },
    "aws:apigatewayv2/authorizer:Authorizer": lambda name: {},
    "aws:apigatewayv2/deployment:Deployment": lambda name: {},
    "aws:apigatewayv2/integration:Integration": lambda name: {},
    "aws:apigatewayv2/route:Route": lambda name: {},
    "aws:apigatewayv2/routeResponse:RouteResponse": lambda name: {},
    "aws:apigatewayv2/stage:Stage": lambda name: {},
    "aws:cloudwatch/eventRule:EventRule": lambda name: {
        "arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"
    },
    "aws:cloudwatch/eventTarget:EventTarget": lambda name: {},
    "aws:cloudwatch/logGroup:LogGroup": lambda name: {
        "arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"
    },
    "aws:cloudwatch/metricAlarm:MetricAlarm": lambda name: {},
    "aws:cognito/userPool:UserPool": lambda name: {
        "arn": f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{name}"
    },
    "aws:cognito/userPoolClient:UserPoolClient": lambda name: {},
    "aws:dynamodb/table:Table": lambda name: {
        "arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"
    },
    "aws:iam/role:Role": lambda name: {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
    "aws:iam/rolePolicy:RolePolicy": lambda name: {},
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda name: {},
    "aws:lambda/eventSourceMapping:EventSourceMapping": lambda name: {},
    "aws:lambda/function:Function": lambda name: {
        "arn": f"{_LAMBDA}:function:{name}",
        "invokeArn": f"{_INVOKE}/{_LAMBDA}:function:{name}/invocations",
    },
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": lambda name: {},
    "aws:lambda/layerVersion:LayerVersion": lambda name: {
        "arn": f"{_LAMBDA}:layer:{name}:1",
        "layerArn": f"{_LAMBDA}:layer:{name}",
    },
    "aws:lambda/permission:Permission": lambda name: {},
    "aws:sqs/queue:Queue": lambda name: {
        "arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
    },
    "aws:sqs/queuePolicy:QueuePolicy": lambda name: {},
    "pulumi:providers:aws": lambda name: {},
}


@dataclass(frozen=True)
class Registered:
    """One resource as it was registered: its URN without stack and project, and its options."""

    urn: str
    typ: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    provider: str
    protect: bool
    retain_on_delete: bool
    depends_on: frozenset[str]


class Engine(pulumi.runtime.Mocks):
    """Makes nothing and remembers everything; in preview computed outputs stay unknown."""

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
        """Runs a program to its end: what is not recorded by then was never asked for."""

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
        if args.typ not in COMPUTED:
            raise NotImplementedError(f"{args.typ} is missing in the engine's table of types.")
        if self.preview:
            return "", dict(args.inputs)
        physical_name = args.inputs.get("name") or args.inputs.get("layerName") or args.name
        named = {"name": physical_name} if args.typ == "aws:iam/role:Role" else {}
        return f"{args.name}-id", {**named, **args.inputs, **COMPUTED[args.typ](physical_name)}

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        with self.lock:
            self.calls.append(args)
        if args.token != "aws:index/getCallerIdentity:getCallerIdentity":
            raise NotImplementedError(f"{args.token} is not a call that the program makes.")
        return {
            "accountId": ACCOUNT,
            "arn": f"arn:aws:iam::{ACCOUNT}:user/deployer",
            "userId": "AIDAEXAMPLE",
            "id": ACCOUNT,
        }, []

    def of_type(self, typ: str) -> dict[str, Registered]:
        """Every resource of a type, by its name; `typ` as `lambda/function`."""
        kind = typ.rpartition("/")[2]
        token = f"aws:{typ}:{kind[0].upper()}{kind[1:]}"
        assert token in COMPUTED, f"{token} is no type that the engine knows"
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


class RecordingMonitor(MockMonitor):
    """Also sees what mocks are not told: URNs with every parent's type, and resource options."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.engine = engine

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        parents = parent.split("::")[2] if parent else "pulumi:pulumi:Stack"
        if parents == "pulumi:pulumi:Stack":
            return f"urn:pulumi:test::live-sessions::{type_}::{name}"
        return f"urn:pulumi:test::live-sessions::{parents}${type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            registered = Registered(
                urn=response.urn.split("::", 2)[2],
                typ=request.type,
                name=request.name,
                custom=request.custom,
                inputs=rpc.deserialize_properties(request.object),
                provider=request.provider or request.providers.get("aws", ""),
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                depends_on=frozenset(each.split("::")[-1] for each in request.dependencies),
            )
            with self.engine.lock:
                self.engine.registered.append(registered)
        return response
