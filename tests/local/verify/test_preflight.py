"""`make preflight` against the local cloud, as a user who may do no more than the docs say."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.cloud import LocalCloud
from operations.preflight import __main__ as command
from operations.preflight.checks.domain import DISTRIBUTION, DOMAIN_NAME, RECORD
from operations.preflight.names import FINDERS
from operations.preflight.ownership import PROVIDER
from operations.verify.context import FUNCTION
from operations.verify.declared import Declared, DeclaredResource, Identity
from operations.verify.deployment import Deployment
from operations.verify.verdicts import Result, Row
from tests.operations.preflight.accounts import Quotas
from tests.operations.verify.contexts import Service
from tests.operations.verify.contexts import declared as resource

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"
DOMAIN, PAGES_DOMAIN = "live.example.com", "talk.example.com"
STREAMS = {"QuotaName": "concurrent streams for streaming transcription", "QuotaCode": "L-1"}
# The emulator has no Service Quotas; these are the actions of the calls to it.
OF_SERVICE_QUOTAS = {
    *("servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota"),
    *("servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas"),
}
# https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html: without it, no tags.
IMPLIED = {"lambda:ListTags"}
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
OF_S3 = {"s3:ListBuckets": "s3:ListAllMyBuckets"}
# Of HeadBucket, where the account does not have the bucket.
OF_A_NAME_THAT_IS_FREE = {"s3:ListBucket"}


def documented_policy() -> dict[str, Any]:
    section = PAGE.read_text().partition("## Before the first deployment (preflight)")[2]
    [policy, *_] = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    return json.loads(policy)


class QuotasAndStreams(Quotas, Service):
    """Service Quotas with AWS's defaults."""

    def __init__(self) -> None:
        Quotas.__init__(self, {})
        Service.__init__(self, list_service_quotas={"Quotas": [{**STREAMS, "Value": 25.0}]})


@contextmanager
def user(cloud: LocalCloud, name: str, policy: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """The clients of a user with one policy."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    account = dataclasses.replace(
        cloud.account,
        access_key_id=key["AccessKeyId"],
        secret_access_key=key["SecretAccessKey"],
    )
    quotas = QuotasAndStreams()
    try:
        yield lambda service: quotas if service == "service-quotas" else account.client(service)
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="p")
        iam.delete_user(UserName=name)


@pytest.fixture(scope="module")
def few(verified_cloud: LocalCloud, declared: Declared) -> Declared:
    """The first resource of each type, a reservation, and a domain whose zone exists."""
    route53 = verified_cloud.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="preflight")
    certificate = verified_cloud.client("acm").request_certificate(DomainName=DOMAIN)
    first: dict[str, DeclaredResource] = {}
    for each in declared.resources:
        if each.inputs.get("handler", "audio_processor.handler") == "audio_processor.handler":
            first.setdefault(each.token, each)
    function = first[FUNCTION]
    reserving = {**function.inputs, "reservedConcurrentExecutions": 20}
    first[FUNCTION] = dataclasses.replace(function, inputs=reserving)
    configuration = {"certificateArn": certificate["CertificateArn"]}
    return Declared(
        (
            *first.values(),
            resource(
                DOMAIN_NAME, "domain", domainName=DOMAIN, domainNameConfiguration=configuration
            ),
            resource(
                DISTRIBUTION,
                "distribution",
                aliases=[PAGES_DOMAIN],
                comment="pages",
                viewerCertificate={"acmCertificateArn": certificate["CertificateArn"]},
            ),
            resource(
                RECORD, "record", name=DOMAIN, zoneId=zone["HostedZone"]["Id"].rpartition("/")[2]
            ),
        )
    )


def rows(
    cloud: LocalCloud,
    declared: Declared,
    client: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> list[Row]:
    monkeypatch.setattr(command, "declared_by", lambda *_: declared)
    identity = Identity(cloud.account.account_id, cloud.account.region, "aws", "none")
    return command.preflight(
        Deployment("local", {}, cloud.config(), identity, client), lambda _: None
    )


def test_the_documented_policy_is_enough_and_no_action_of_it_is_unused(
    verified_cloud: LocalCloud, few: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: set[str] = set()
    watched: set[str] = set()

    def note(model: Any, **_: Any) -> None:
        service = model.service_model.service_name
        is_gateway = service.startswith("apigateway")
        action = f"{service}:{model.name}"
        used.add("apigateway:GET" if is_gateway else OF_S3.get(action, action))

    policy = documented_policy()
    with user(verified_cloud, "preflight", policy) as client_of:

        def watched_client(service: str) -> Any:
            client = client_of(service)
            if service not in watched and service != "service-quotas":
                watched.add(service)
                client.meta.events.register("before-call", note)
            return client

        found = rows(verified_cloud, few, watched_client, monkeypatch)
    results = {f"{row.check}: {row.verdict.subject}": row.verdict.result for row in found}
    assert [each for each in results if results[each] in (Result.UNKNOWN, Result.NOT_CHECKED)] == []
    assert results["names: names of functions"] is Result.RIGHT
    allowed = {action for each in policy["Statement"] for action in each["Action"]}
    assert used | OF_SERVICE_QUOTAS | IMPLIED | OF_A_NAME_THAT_IS_FREE == allowed


def test_a_user_without_permissions_learns_which_ones_are_needed(
    verified_cloud: LocalCloud, few: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = {"Effect": "Allow", "Action": ["sts:GetCallerIdentity"], "Resource": "*"}
    nothing = {"Version": "2012-10-17", "Statement": [statement]}
    with user(verified_cloud, "nobody", nothing) as client:
        found = rows(verified_cloud, few, client, monkeypatch)
    ways_out = {row.verdict.subject: row.verdict.way_out for row in found}
    assert ways_out["names of functions"] == "allow lambda:GetFunction to the caller, or try again"
    assert ways_out["names of queues"].startswith("allow sqs:GetQueueUrl to the caller")
    results = {row.verdict.result for row in found if row.check == "names"}
    assert results == {Result.UNKNOWN}


def test_the_resources_of_another_stack_are_not_this_stacks_own(
    verified_cloud: LocalCloud, few: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {"tags": {"Project": "live-sessions", "Stack": "another"}}
    resources = (
        dataclasses.replace(each, inputs={"defaultTags": json.dumps(others)})
        if each.token == PROVIDER
        else each
        for each in few.resources
    )
    client: Callable[[str], Any] = verified_cloud.account.client
    found = rows(verified_cloud, Declared(tuple(resources)), client, monkeypatch)
    names = [row.verdict for row in found if row.check == "names"]
    assert names
    assert {each.result for each in names} == {Result.WRONG}
    untagged = tuple(each.kind for each in FINDERS.values() if not each.has_tags)
    tagged = [each for each in names if not each.subject.startswith(untagged)]
    assert tagged
    assert all("Project=live-sessions, Stack=local" in each.seen for each in tagged)
