"""Changes to a deployment behind the program's back, each undone afterwards."""

import io
import json
import zipfile
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from components.layers import HANDLERS
from contract.functions import LIVE
from operations.verify.deployment import Deployment
from operations.verify.verdicts import Row
from tests.local.permissions import without_statement
from tests.local.releases import downloaded_code, serving

EDIT = "\n# edited\n"
UNCHECKED = """
from live_sessions.speakers import tokens

tokens.CLOCK_LEEWAY_SECONDS = 10**9
"""


def is_active_alarm(row: Row) -> bool:
    """Whether an alarm is in ALARM state, which in the shared cloud other tests may have caused."""
    return row.check == "alarms" and "in ALARM" in row.verdict.seen


@contextmanager
def rule_disabled(deployment: Deployment) -> Iterator[None]:
    events, rule = deployment.client("events"), deployment.outputs["statusRule"]
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


@contextmanager
def target_removed(deployment: Deployment) -> Iterator[None]:
    """Remove the target of a delay queue."""
    events, rule = deployment.client("events"), deployment.outputs["statusRule"]
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    queues = [each for each in targets if ":sqs:" in each["Arn"]]
    target = min(queues, key=lambda each: each["Id"])
    events.remove_targets(Rule=rule, Ids=[target["Id"]])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, Targets=[target])


@contextmanager
def route_without_response(deployment: Deployment) -> Iterator[None]:
    """Delete a route response and redeploy the API."""
    gateway, api_id = deployment.client("apigatewayv2"), deployment.identity.api_id
    [route] = [
        each
        for each in gateway.get_routes(ApiId=api_id)["Items"]
        if each["RouteKey"] == "pauseBroadcast"
    ]
    responses = gateway.get_route_responses(ApiId=api_id, RouteId=route["RouteId"])["Items"]
    [response] = responses
    gateway.delete_route_response(
        ApiId=api_id, RouteId=route["RouteId"], RouteResponseId=response["RouteResponseId"]
    )
    _deploy(deployment)
    try:
        yield
    finally:
        gateway.create_route_response(
            ApiId=api_id, RouteId=route["RouteId"], RouteResponseKey=response["RouteResponseKey"]
        )
        _deploy(deployment)


@contextmanager
def routes_removed(deployment: Deployment, actions: Collection[str]) -> Iterator[None]:
    """Point routes to the function that refuses every message, as `removedRoutes` does."""
    gateway, api_id = deployment.client("apigatewayv2"), deployment.identity.api_id
    function = deployment.outputs["functionNames"]["removed_action"]
    [refusing] = [
        each["IntegrationId"]
        for each in gateway.get_integrations(ApiId=api_id)["Items"]
        if f":{function}" in each["IntegrationUri"]
    ]
    routes = [
        each for each in gateway.get_routes(ApiId=api_id)["Items"] if each["RouteKey"] in actions
    ]
    for each in routes:
        _retarget(deployment, each["RouteId"], f"integrations/{refusing}")
    _deploy(deployment)
    try:
        yield
    finally:
        for each in routes:
            _retarget(deployment, each["RouteId"], each["Target"])
        _deploy(deployment)


def _retarget(deployment: Deployment, route_id: str, target: str) -> None:
    gateway, api_id = deployment.client("apigatewayv2"), deployment.identity.api_id
    gateway.update_route(ApiId=api_id, RouteId=route_id, Target=target)


def permission_taken(deployment: Any) -> AbstractContextManager[None]:
    return without_statement(deployment, "heartbeat", "ReadConnections")


@contextmanager
def expired_token_accepted(deployment: Deployment) -> Iterator[None]:
    """Replace the authorizer with one that accepts a token decades after its expiry."""
    code = (HANDLERS / "authorizer.py").read_text()
    with released(deployment, "authorizer", code=code + UNCHECKED):
        yield


@contextmanager
def role_with_more(deployment: Deployment) -> Iterator[None]:
    iam, role = deployment.client("iam"), deployment.outputs["functionNames"]["heartbeat"]
    statement = {"Sid": "All", "Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="more")


@contextmanager
def role_for_anybody(deployment: Deployment) -> Iterator[None]:
    iam, role = deployment.client("iam"), deployment.outputs["functionNames"]["heartbeat"]
    before = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(before))


@contextmanager
def mapping_disabled(deployment: Deployment) -> Iterator[None]:
    client = deployment.client("lambda")
    mapping = client.list_event_source_mappings()["EventSourceMappings"][0]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@contextmanager
def alarm_muted(deployment: Deployment) -> Iterator[None]:
    client = deployment.client("cloudwatch")
    [alarm, *_] = client.describe_alarms()["MetricAlarms"]
    client.disable_alarm_actions(AlarmNames=[alarm["AlarmName"]])
    try:
        yield
    finally:
        client.enable_alarm_actions(AlarmNames=[alarm["AlarmName"]])


@contextmanager
def function_with_url(deployment: Deployment) -> Iterator[None]:
    client, function = deployment.client("lambda"), deployment.outputs["functionNames"]["refresh"]
    client.create_function_url_config(FunctionName=function, AuthType="NONE")
    try:
        yield
    finally:
        client.delete_function_url_config(FunctionName=function)


@contextmanager
def function_with_another_role(deployment: Deployment) -> Iterator[None]:
    """That of a function that may do other things."""
    client, names = deployment.client("lambda"), deployment.outputs["functionNames"]
    other = client.get_function_configuration(FunctionName=names["translation"])["Role"]
    with released(deployment, "refresh", Role=other):
        yield


@contextmanager
def function_that_never_runs(deployment: Deployment) -> Iterator[None]:
    client, function = deployment.client("lambda"), deployment.outputs["functionNames"]["refresh"]
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        client.delete_function_concurrency(FunctionName=function)


@contextmanager
def queue_open_to_all(deployment: Deployment) -> Iterator[None]:
    client, url = deployment.client("sqs"), deployment.outputs["queueUrls"]["statusShards"]
    before = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
    policy = json.loads(before["Policy"])
    policy["Statement"].append(
        {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}
    )
    client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    try:
        yield
    finally:
        client.set_queue_attributes(QueueUrl=url, Attributes=before)


@contextmanager
def object_changed(
    deployment: Deployment, key: str, change: dict[str, Any] | None
) -> Iterator[None]:
    """Change how an object of the pages is uploaded, or delete it for None."""
    client, bucket = deployment.client("s3"), deployment.outputs["webPagesBucketName"]
    live = client.get_object(Bucket=bucket, Key=key)
    before = {
        "Body": live["Body"].read(),
        "ContentType": live["ContentType"],
        "CacheControl": live["CacheControl"],
    }
    if change is None:
        client.delete_object(Bucket=bucket, Key=key)
    else:
        client.put_object(Bucket=bucket, Key=key, **before | change)
    try:
        yield
    finally:
        client.put_object(Bucket=bucket, Key=key, **before)


@contextmanager
def page_deleted(deployment: Deployment) -> Iterator[None]:
    with object_changed(deployment, "speak.html", None):
        yield


@contextmanager
def page_kept_by_browsers(deployment: Deployment) -> Iterator[None]:
    with object_changed(deployment, "speak.html", {"CacheControl": "max-age=600"}):
        yield


@contextmanager
def config_of_another_stack(deployment: Deployment) -> Iterator[None]:
    config = {
        "websocketUrl": deployment.outputs["websocketUrl"],
        "signIn": {"authority": deployment.outputs["speakerIssuer"], "clientId": "another"},
    }
    with object_changed(deployment, "config.json", {"Body": json.dumps(config).encode()}):
        yield


@contextmanager
def pages_in_a_frame(deployment: Deployment) -> Iterator[None]:
    """Let any other page embed these."""
    client = deployment.client("cloudfront")
    listed = client.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]
    [policy] = [each["ResponseHeadersPolicy"] for each in listed["Items"]]
    before = policy["ResponseHeadersPolicyConfig"]
    changed = json.loads(json.dumps(before).replace("; frame-ancestors 'none'", ""))

    def update(config: dict[str, Any]) -> None:
        etag = client.get_response_headers_policy(Id=policy["Id"])["ETag"]
        client.update_response_headers_policy(
            Id=policy["Id"], IfMatch=etag, ResponseHeadersPolicyConfig=config
        )

    update(changed)
    try:
        yield
    finally:
        update(before)


@contextmanager
def bucket_of_pages_open_to_all(deployment: Deployment) -> Iterator[None]:
    client, bucket = deployment.client("s3"), deployment.outputs["webPagesBucketName"]
    before = client.get_bucket_policy(Bucket=bucket)["Policy"]
    block = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    policy = json.loads(before)
    policy["Statement"].append(
        {
            "Sid": "Open",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
    )
    policy["Statement"] = [each for each in policy["Statement"] if each["Sid"] != "DenyPlainHttp"]
    client.delete_public_access_block(Bucket=bucket)
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    try:
        yield
    finally:
        client.put_bucket_policy(Bucket=bucket, Policy=before)
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)


@contextmanager
def function_with_other_code(deployment: Deployment) -> Iterator[None]:
    with released(deployment, "heartbeat", code=(HANDLERS / "heartbeat.py").read_text() + EDIT):
        yield


@contextmanager
def function_edited_in_the_console(deployment: Deployment) -> Iterator[None]:
    """And not published."""
    client, function = deployment.client("lambda"), deployment.outputs["functionNames"]["heartbeat"]
    before = downloaded_code(client, function)
    edited = _archive("heartbeat", (HANDLERS / "heartbeat.py").read_text() + EDIT)
    client.update_function_code(FunctionName=function, ZipFile=edited)
    try:
        yield
    finally:
        client.update_function_code(FunctionName=function, ZipFile=before)


@contextmanager
def alias_moved(deployment: Deployment) -> Iterator[None]:
    """Back to the version before the newest, with the same code and configuration."""
    client, function = deployment.client("lambda"), deployment.outputs["functionNames"]["heartbeat"]
    before = client.get_alias(FunctionName=function, Name=LIVE)["FunctionVersion"]
    role = client.get_function_configuration(FunctionName=function)["Role"]
    with released(deployment, "heartbeat", Role=role):
        client.update_alias(FunctionName=function, Name=LIVE, FunctionVersion=before)
        yield


@contextmanager
def function_with_another_variable(deployment: Deployment) -> Iterator[None]:
    with released(
        deployment,
        "refresh",
        Environment=_variables(deployment, "refresh", POWERTOOLS_LOG_LEVEL="DEBUG"),
    ):
        yield


@contextmanager
def function_with_another_queue(deployment: Deployment) -> Iterator[None]:
    """A variable with a URL."""
    other = "https://sqs.us-east-1.amazonaws.com/000000000000/other"
    with released(
        deployment,
        "connection",
        Environment=_variables(deployment, "connection", SESSION_CHECKS_QUEUE_URL=other),
    ):
        yield


@contextmanager
def route_to_another_function(deployment: Deployment) -> Iterator[None]:
    gateway, api_id = deployment.client("apigatewayv2"), deployment.identity.api_id
    routes = {each["RouteKey"]: each for each in gateway.get_routes(ApiId=api_id)["Items"]}
    heartbeat, other = routes["heartbeat"], routes["refreshConnection"]
    gateway.update_route(ApiId=api_id, RouteId=heartbeat["RouteId"], Target=other["Target"])
    try:
        yield
    finally:
        gateway.update_route(ApiId=api_id, RouteId=heartbeat["RouteId"], Target=heartbeat["Target"])


def _deploy(deployment: Deployment) -> None:
    gateway, api_id = deployment.client("apigatewayv2"), deployment.identity.api_id
    made = gateway.create_deployment(ApiId=api_id)["DeploymentId"]
    stage = deployment.outputs["websocketUrl"].rpartition("/")[2]
    gateway.update_stage(ApiId=api_id, StageName=stage, DeploymentId=made)


def released(
    deployment: Deployment, entry: str, *, code: str | None = None, **configuration: Any
) -> AbstractContextManager[None]:
    """Serve another version; afterwards none is newer than the one that serves."""
    client, function = deployment.client("lambda"), deployment.outputs["functionNames"][entry]
    archive = None if code is None else _archive(entry, code)
    return serving(client, function, code=archive, is_deleted=True, **configuration)


def _variables(deployment: Deployment, entry: str, **changed: str) -> dict[str, dict[str, str]]:
    client, function = deployment.client("lambda"), deployment.outputs["functionNames"][entry]
    present = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    return {"Variables": {**present, **changed}}


def _archive(entry: str, code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{entry}.py", code)
    return buffer.getvalue()
