"""Public exposure: unsigned @connections calls, function URLs, function and queue policies."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from contract.functions import LIVE
from operations.verify.context import FUNCTION, Context
from operations.verify.deployment import code_of
from operations.verify.policies import agree, by_sid
from operations.verify.verdicts import Verdict, right, wrong

PERMISSION = "aws:lambda/permission:Permission"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
UNSIGNED_TIMEOUT_SECONDS = 20
FORBIDDEN = (401, 403)
# Principal, action, source ARN, and the alias or "".
Permit = tuple[str, str, str, str]


def exposure(context: Context) -> Iterator[Verdict]:
    """Check what can be reached without the declared permissions."""
    yield from _connections(context)
    yield from _functions(context)
    yield from _queues(context)


def _connections(context: Context) -> Iterator[Verdict]:
    """Call a missing connection: with access the status is 410, otherwise 401 or 403."""
    url = f"{context.deployment.outputs['managementEndpoint']}/@connections/bm8tc3VjaA%3D%3D"
    # The local cloud is on loopback; AWS may be reachable only through the host's proxy.
    proxies = urllib.request.ProxyHandler({} if context.deployment.is_local else None)
    opener = urllib.request.build_opener(proxies)
    for method in ("POST", "GET", "DELETE"):
        request = urllib.request.Request(url, method=method, data=None)  # noqa: S310
        try:
            with opener.open(request, timeout=UNSIGNED_TIMEOUT_SECONDS) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        subject = f"{method} @connections without a signature"
        if status in FORBIDDEN:
            yield right(subject, f"refused with {status}")
        else:
            yield wrong(
                subject,
                f"returned {status} instead of {FORBIDDEN[0]} or {FORBIDDEN[1]}",
                context.deployment.repair,
            )


def _functions(context: Context) -> Iterator[Verdict]:
    """Functions must have no URL, and only the declared invoke permissions."""
    client = context.deployment.client("lambda")
    declared: dict[str, set[Permit]] = {}
    for each in context.declared.of(PERMISSION).values():
        qualifier = each.get("qualifier", "")
        permit = (each["principal"], each["action"], _source(each["sourceArn"]), qualifier)
        declared.setdefault(each["function"], set()).add(permit)
    found = False
    functions = list(context.declared.named(FUNCTION))
    for function in functions:
        try:
            urls = client.list_function_url_configs(FunctionName=function)["FunctionUrlConfigs"]
        except client.exceptions.ResourceNotFoundException:
            found = True
            yield wrong(f"function {function}", "does not exist", context.deployment.repair)
            continue
        for url in urls:
            found = True
            yield wrong(
                f"function {function}",
                f"has a URL with auth type {url['AuthType']}: {url['FunctionUrl']}",
                f"aws lambda delete-function-url-config --function-name {function}",
            )
        live, wanted = _permits(client, function), declared.get(function, set())
        for permit in sorted(live - wanted):
            found = True
            seen = f"may be invoked{_by(permit)}: not declared"
            yield wrong(f"function {function}", seen, context.deployment.repair)
        for permit in sorted(wanted - live):
            found = True
            seen = f"may not be invoked{_by(permit)}, as declared"
            yield wrong(f"function {function}", seen, context.deployment.repair)
    if not found:
        seen = f"{len(functions)} without URLs, with exactly the declared invoke permissions"
        yield right("functions", seen)


def _by(permit: Permit) -> str:
    who, _, source, qualifier = permit
    alias = f" as {qualifier}" if qualifier else ""
    return f"{alias} by {who} for {source or 'anything'}"


def _permits(client: Any, function: str) -> set[Permit]:
    """The permits of the function and of its alias, which have a policy each."""
    found: set[Permit] = set()
    for qualifier in ("", LIVE):
        selected = {"Qualifier": qualifier} if qualifier else {}
        try:
            policy = json.loads(client.get_policy(FunctionName=function, **selected)["Policy"])
        except client.exceptions.ResourceNotFoundException:
            continue
        # The local cloud also lists the alias's statements with the function's.
        invoked = f":function:{function}:{qualifier}".removesuffix(":")
        found |= {
            _permit(statement, qualifier)
            for statement in policy["Statement"]
            if statement["Resource"].endswith(invoked)
        }
    return found


def _permit(statement: Mapping[str, Any], qualifier: str) -> Permit:
    principal = statement["Principal"]
    who = principal if isinstance(principal, str) else next(iter(principal.values()))
    sources = [
        str(value)
        for tests in statement.get("Condition", {}).values()
        for key, value in tests.items()
        if key.lower() == "aws:sourcearn"
    ]
    return str(who), str(statement["Action"]), _source("".join(sources)), qualifier


def _source(arn: str) -> str:
    """The source ARN with the authorizer's id, which AWS assigns, replaced by `*`."""
    before, authorizers, _ = arn.partition("/authorizers/")
    return f"{before}{authorizers}*" if authorizers else arn


def _queues(context: Context) -> Iterator[Verdict]:
    """Each queue's policy, which denies plain HTTP, must be as declared."""
    client = context.deployment.client("sqs")
    found = False
    policies = context.declared.of(QUEUE_POLICY).values()
    for each in policies:
        name = each["queueUrl"].rpartition("/")[2]
        try:
            url = client.get_queue_url(QueueName=name)["QueueUrl"]
            answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
        except ClientError as error:
            found = True
            code = code_of(error)
            yield wrong(f"queue {name}", f"cannot be read: {code}", context.deployment.repair)
            continue
        live = by_sid(json.loads(answer.get("Attributes", {}).get("Policy", "{}")))
        declared = by_sid(json.loads(each["policy"]))
        if not agree(declared, live):
            found = True
            seen = f"its policy has {sorted(live)}, declared is {sorted(declared)}"
            yield wrong(f"queue {name}", seen, context.deployment.repair)
    if not found:
        yield right("queues", f"{len(policies)} with policies as declared, which deny plain HTTP")
