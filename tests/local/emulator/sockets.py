"""Deploys small functions and WebSocket APIs on an emulator, and says how to reach them."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from local.emulator.process import Emulator
from tests.patience import OUT_OF_REACH_SECONDS, PATIENCE_SECONDS

STAGE = "live"
FUNCTION_TIMEOUT_SECONDS = OUT_OF_REACH_SECONDS

# Every function of these tests: notes each of its events, then does what the client asks for.
PROBE = """
import json, os, pathlib, time, uuid

NOTES = pathlib.Path(os.environ["NOTES"])

def note(name, value):
    unfinished = NOTES / f".{uuid.uuid4()}"
    unfinished.write_text(json.dumps(value))
    unfinished.rename(NOTES / name)

def wait_for(name):
    while not (NOTES / name).exists():
        time.sleep(0.01)

if "GATE" in os.environ:
    began_at = time.monotonic()
    note(f"starting-{uuid.uuid4()}", began_at)
    wait_for(os.environ["GATE"])
    note(f"started-{uuid.uuid4()}", [began_at, time.monotonic()])

def management(request):
    import boto3
    path = f"/_aws/execute-api/{request['apiId']}/{request['stage']}"
    endpoint = os.environ["AWS_ENDPOINT_URL"] + path
    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)

def outcome(call, **parameters):
    from botocore.exceptions import ClientError
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"

def authorize(event):
    asked = event["queryStringParameters"].get("token", "allow")
    if asked == "unauthorized":
        raise Exception("Unauthorized")
    if asked == "fail":
        raise Exception("a secret of the authorizer")
    if asked == "garbage":
        return {"isAuthorized": True}
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Deny" if asked == "deny" else "Allow",
        "Resource": event["methodArn"],
    }
    return {
        "principalId": "ada",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"role": "speaker", "age": 36, "admin": False},
    }

def handler(event, context):
    request = event["requestContext"]
    kind = "AUTHORIZE" if event.get("type") == "REQUEST" else request["eventType"]
    note(f"{kind}-{uuid.uuid4()}", {"kind": kind, **event})
    if kind == "AUTHORIZE":
        return authorize(event)
    asked = event.get("queryStringParameters", {}) if kind == "CONNECT" else {}
    if kind == "MESSAGE":
        try:
            asked = json.loads(event["body"])
        except (ValueError, RecursionError):
            pass
    if not isinstance(asked, dict):
        asked = {}
    if "note" in asked:
        note(asked["note"], event)
    if "post" in asked:
        connection_id = request["connectionId"]
        post = management(request).post_to_connection
        note(asked["post"], outcome(post, ConnectionId=connection_id, Data=b"early"))
    if "delete" in asked:
        delete = management(request).delete_connection
        note(asked["delete"], outcome(delete, ConnectionId=request["connectionId"]))
    if "environment" in asked:
        note(asked["environment"], dict(os.environ))
    for name in asked.get("await", "").split():
        wait_for(name)
    if "then" in asked:
        note(asked["then"], True)
    if "fail" in asked:
        raise RuntimeError("a secret of the function")
    if "answer" in asked:
        return asked["answer"]
    if kind == "MESSAGE":
        return {"statusCode": 200, "body": json.dumps({**request, "length": len(event["body"])})}
    answer = {"statusCode": int(asked.get("status", 200))}
    if "subprotocol" in asked:
        answer["headers"] = {"Sec-WebSocket-Protocol": asked["subprotocol"]}
    return answer
"""


@dataclass(frozen=True, kw_only=True)
class Route:
    """A route to the probe; `answers` is whether the API lets its replies through."""

    answers: bool = True
    timeout_milliseconds: int = 29_000


@dataclass(frozen=True)
class SocketApi:
    """A deployed WebSocket API with its own function, `notes` being the folder of that function."""

    emulator: Emulator
    api_id: str
    function_arn: str
    notes: Path

    @property
    def url(self) -> str:
        return f"{self.emulator.websocket_api_endpoint(self.api_id)}/{STAGE}"

    @property
    def management(self) -> Any:
        endpoint = f"{self.emulator.url}/_aws/execute-api/{self.api_id}/{STAGE}"
        return self.emulator.client("apigatewaymanagementapi", endpoint_url=endpoint)

    def connect(self, query: str = "", **options: Any) -> ClientConnection:
        return patient_connect(self.url + query, **options)

    def ask(self, socket: ClientConnection, **message: Any) -> dict[str, Any]:
        """Send the message to a route that answers; the next frame."""
        socket.send(json.dumps(message))
        return json.loads(socket.recv(PATIENCE_SECONDS))

    def connection_id(self, socket: ClientConnection) -> str:
        return self.ask(socket)["connectionId"]

    def new_name(self) -> str:
        """A name for a note that nothing else uses."""
        return uuid.uuid4().hex

    def note(self, name: str) -> None:
        (self.notes / name).write_text("true")

    def noted(self, name: str) -> Any:
        """What the function noted under this name, as soon as it has."""
        path = self.notes / name
        eventually(path.exists, f"a note {name}")
        return json.loads(path.read_text())

    def events(self, kind: str, connection_id: str) -> list[dict[str, Any]]:
        """The events of a connection that the function has seen so far."""
        events = [json.loads(path.read_text()) for path in self.notes.glob(f"{kind}-*")]
        return [each for each in events if each["requestContext"]["connectionId"] == connection_id]

    def event(self, kind: str, connection_id: str) -> dict[str, Any]:
        """The connection's event of that kind, as soon as the function has seen it."""
        eventually(lambda: self.events(kind, connection_id), f"an event {kind}")
        [event] = self.events(kind, connection_id)
        return event

    def add_route(self, key: str, route: Route, **options: Any) -> str:
        """Add a route to the API, not to what is live; its id."""
        gateway = self.emulator.client("apigatewayv2")
        integration = gateway.create_integration(
            ApiId=self.api_id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=self._invocation_uri,
            TimeoutInMillis=route.timeout_milliseconds,
        )
        if route.answers:
            options["RouteResponseSelectionExpression"] = "$default"
        created = gateway.create_route(
            ApiId=self.api_id,
            RouteKey=key,
            Target=f"integrations/{integration['IntegrationId']}",
            **options,
        )
        if route.answers:
            gateway.create_route_response(
                ApiId=self.api_id, RouteId=created["RouteId"], RouteResponseKey="$default"
            )
        return created["RouteId"]

    def add_authorized_connect_route(self) -> None:
        authorizer = self.emulator.client("apigatewayv2").create_authorizer(
            ApiId=self.api_id,
            Name="probe",
            AuthorizerType="REQUEST",
            AuthorizerUri=self._invocation_uri,
            IdentitySource=[],
        )
        self.add_route(
            "$connect",
            Route(answers=False),
            AuthorizationType="CUSTOM",
            AuthorizerId=authorizer["AuthorizerId"],
        )

    def deploy(self) -> None:
        """Make the API's present state live."""
        gateway = self.emulator.client("apigatewayv2")
        deployment_id = gateway.create_deployment(ApiId=self.api_id)["DeploymentId"]
        stages = [each["StageName"] for each in gateway.get_stages(ApiId=self.api_id)["Items"]]
        change = gateway.update_stage if STAGE in stages else gateway.create_stage
        change(ApiId=self.api_id, StageName=STAGE, DeploymentId=deployment_id)

    @property
    def _invocation_uri(self) -> str:
        return (
            f"arn:aws:apigateway:{self.emulator.region}:lambda:path/2015-03-31/functions/"
            f"{self.function_arn}/invocations"
        )


def deploy_socket_api(
    emulator: Emulator,
    notes: Path,
    routes: dict[str, Route],
    *,
    authorized: bool = False,
) -> SocketApi:
    """A live API of these routes, whose function may POST to @connections and nothing else."""
    api_id = emulator.client("apigatewayv2").create_api(
        Name=f"probe-{uuid.uuid4().hex[:8]}",
        ProtocolType="WEBSOCKET",
        RouteSelectionExpression="$request.body.action",
    )["ApiId"]
    notes.mkdir()
    function_arn = _create_probe(emulator, api_id, notes)
    api = SocketApi(emulator, api_id, function_arn, notes)
    if authorized:
        api.add_authorized_connect_route()
    for key, route in routes.items():
        api.add_route(key, route)
    api.deploy()
    return api


def patient_connect(url: str, **options: Any) -> ClientConnection:
    """A client that gives a starved server up no sooner than the test does."""
    patience = {"open_timeout": PATIENCE_SECONDS, "close_timeout": PATIENCE_SECONDS}
    return connect(url, **{**patience, "ping_interval": None, **options})


def eventually(condition: Callable[[], Any], what: str) -> None:
    """Wait until the condition holds; only ever decides that something did not happen at all."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {PATIENCE_SECONDS} s"
        time.sleep(0.01)


def _create_probe(emulator: Emulator, api_id: str, notes: Path) -> str:
    def policy(**statement: Any) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | statement]})

    name = f"probe-{api_id}"
    arn = f"arn:aws:execute-api:{emulator.region}:{emulator.account_id}:{api_id}/{STAGE}"
    post = policy(Action="execute-api:ManageConnections", Resource=f"{arn}/POST/@connections/*")
    iam = emulator.client("iam")
    trust = policy(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="connections", PolicyDocument=post)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("probe.py", PROBE)
    return emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="probe.handler",
        Role=role["Arn"],
        Code={"ZipFile": code.getvalue()},
        Timeout=FUNCTION_TIMEOUT_SECONDS,
        Environment={"Variables": {"NOTES": str(notes)}},
    )["FunctionArn"]
