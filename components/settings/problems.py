"""Everything that can be wrong with a stack's config, reported in one message."""

import difflib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import pulumi
from pydantic import ValidationError
from pydantic.fields import FieldInfo

CERTIFICATE_REGION = "us-east-1"
"""Of certificates for CloudFront:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
"""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one key: its value (None if not set), the broken rule, the way out."""

    key: str
    value: str | None
    rule: str
    way_out: str

    def __str__(self) -> str:
        shown = "is not set" if self.value is None else f"is {self.value!r}"
        return f"{self.key} {shown}: {self.rule}; {self.way_out}"


class SettingsError(pulumi.RunError):
    """The stack's config is wrong; the message has one line for each of `problems`.

    Of a `RunError`, Pulumi prints the message alone, without a traceback.
    """

    def __init__(self, stack: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"The config of stack {stack!r} has {count}:", *(f"  - {p}" for p in problems)]
        super().__init__("\n".join(lines))


def broken_rules(
    error: ValidationError, fields: Mapping[str, FieldInfo], values: Mapping[str, str]
) -> Iterator[Problem]:
    """One problem for each key whose own rule is broken. Each field's description is its rule."""
    reported: set[str] = set()
    for each in error.errors():
        key = next(part for part in each["loc"] if isinstance(part, str) and part in fields)
        if key in reported:
            continue
        reported.add(key)
        more_specific = each.get("ctx", {}).get("error")
        rule = str(more_specific) if more_specific else _rule(fields[key])
        if each["type"] == "missing":
            yield Problem(key, None, "must be set", f"see {key} in Pulumi.yaml")
        elif key == "stack":
            yield Problem("stack name", values[key], rule, "rename the stack")
        else:
            yield Problem(key, values[key], rule, _way_to_set(key))


def unknown_keys(
    namespace: str, everything: Mapping[str, Any], known: Collection[str]
) -> Iterator[Problem]:
    """Keys of the namespace that the program does not have, each with the nearest that it has."""
    for full_key, value in sorted(everything.items()):
        owner, _, key = full_key.partition(":")
        if owner == namespace and key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            way_out = f"did you mean {nearest}? If not, remove it from {_stack_file()}"
            yield Problem(key, str(value), "is not a key of this program", way_out)


def provider_keys(everything: Mapping[str, Any], region: str | None) -> Iterator[Problem]:
    """Keys of the AWS provider's own namespace: only the default provider reads them, and the
    program makes its own (https://www.pulumi.com/docs/iac/concepts/providers/).

    `region` is the stack's Region, which `aws:region` may repeat; None if it is itself wrong.
    """
    for key, value in sorted(everything.items()):
        if not key.startswith("aws:") or (key == "aws:region" and value == region):
            continue
        if key == "aws:region":
            rule, way_out = f"is not the stack's Region, {region}", "set region instead"
        else:
            rule = "has no effect: the program makes its own provider"
            way_out = "set credentials in the environment, such as AWS_PROFILE"
        yield Problem(key, str(value), rule, f"{way_out} and remove it from {_stack_file()}")


def conflicts(values: Mapping[str, str]) -> Iterator[Problem]:
    """Values that contradict each other, among the keys whose own value is valid."""
    region = values.get("region")

    pool, client = "existingUserPoolId", "existingUserPoolClientId"
    if {pool, client} <= values.keys():
        for key, other in ((pool, client), (client, pool)):
            if values[other] and not values[key]:
                way_out = f"set {key} or unset {other}"
                yield Problem(key, "", f"must be set, as {other} is", way_out)

    if issuer := values.get("speakerIssuer"):
        if "speakerAudiences" in values and not json.loads(values["speakerAudiences"]):
            rule = "needs audiences: without them its tokens for any other service would be valid"
            yield Problem("speakerIssuer", issuer, rule, _way_to_set("speakerAudiences"))
        if existing := values.get(pool):
            rule, way_out = "has no effect beside speakerIssuer", f"unset {pool} and {client}"
            yield Problem(pool, existing, rule, f"{way_out}, or unset speakerIssuer")

    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html#snapstart-runtimes
    is_old = (values.get("layerPlatform"), values.get("lambdaRuntime")) == ("lambda", "python3.11")
    if values.get("snapStart") == "true" and is_old:
        rule, way_out = "needs python3.12 or later", "set lambdaRuntime to it or this to false"
        yield Problem("snapStart", "true", rule, way_out)

    if values.get("manageApiGatewayAccount") == "true" and values.get("accessLogs") == "false":
        way_out = "set accessLogs to true or this to false"
        yield Problem("manageApiGatewayAccount", "true", "needs access logs", way_out)

    if function := values.get("translationFunctionArn"):
        # Lambda looks a function up only in the Region that receives the call.
        yield from _of_another_region("translationFunctionArn", function, "function", region)
        for reservation in json.loads(values.get("reservedConcurrency", "[]")):
            if reservation.startswith("translation="):
                rule = "must not name translation, which a stack with translationFunctionArn lacks"
                way_out = "remove translation from it, or unset translationFunctionArn"
                yield Problem("reservedConcurrency", reservation, rule, way_out)

        if values.get("transcripts") == "true":
            rule = "needs the stack's own translation function, which keeps the captions"
            way_out = "set it to false, or unset translationFunctionArn"
            yield Problem("transcripts", "true", rule, way_out)

    yield from _own_name(values, "domainName", "certificateArn", "hostedZoneId")
    if certificate := values.get("certificateArn"):
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-custom-domain-names.html
        yield from _of_another_region("certificateArn", certificate, "certificate", region)
    yield from _web_pages(values)

    if (address := values.get("alarmEmail")) and values.get("alarms") == "false":
        way_out = "set alarms to true or unset alarmEmail"
        yield Problem("alarmEmail", address, "has an effect only with alarms", way_out)


def _own_name(
    values: Mapping[str, str], name: str, certificate: str, zone: str
) -> Iterator[Problem]:
    """A domain name, its certificate and its hosted zone, of which one makes the certificate."""
    domain = values.get(name)
    if domain == "":
        for key in (certificate, zone):
            if value := values.get(key):
                way_out = f"set {name} or unset {key}"
                yield Problem(key, value, f"has an effect only with a {name}", way_out)
    elif domain and values.get(certificate) == values.get(zone) == "":
        rule = f"needs a certificate: {certificate}, or {zone} to have one made"
        yield Problem(name, domain, rule, "set one of them")


def _web_pages(values: Mapping[str, str]) -> Iterator[Problem]:
    domain, client, sign_in_origin = (
        "webPagesDomainName",
        "webPagesClientId",
        "webPagesSignInOrigin",
    )
    if values.get("webPages") == "false":
        for key in (domain, "webPagesOrigins", client, sign_in_origin):
            if (value := values.get(key)) and value != "[]":
                way_out = f"set webPages to true or unset {key}"
                yield Problem(key, value, "has an effect only with webPages", way_out)
    zone, certificate = "webPagesHostedZoneId", "webPagesCertificateArn"
    yield from _own_name(values, domain, certificate, zone)
    if (arn := values.get(certificate)) and arn.split(":")[3] != CERTIFICATE_REGION:
        rule = f"must be a certificate in {CERTIFICATE_REGION}, whatever the stack's Region"
        yield Problem(certificate, arn, rule, _way_to_set(certificate))
    if (name := values.get(domain)) and name == values.get("domainName"):
        rule = "must not be the domainName, which is the API's"
        yield Problem(domain, name, rule, "set another name")
    of_others = (values.get("existingUserPoolId"), values.get("speakerIssuer"))
    if values.get("webPages") == "true" and of_others == ("", "") and values.get(sign_in_origin):
        rule = "has an effect only with existingUserPoolId or speakerIssuer"
        way_out = f"set one of them or unset {sign_in_origin}"
        yield Problem(sign_in_origin, values[sign_in_origin], rule, way_out)
    if id_ := values.get(client):
        audiences = values.get("speakerAudiences")
        if audiences is not None and id_ not in json.loads(audiences):
            rule = "must be one of speakerAudiences, as its tokens would be refused"
            yield Problem(client, id_, rule, "add it to them")
    needed = (values.get("webPages"), values.get("cognitoEndpoint"), values.get(sign_in_origin))
    if (pool := values.get("existingUserPoolId")) and needed == ("true", "", ""):
        rule = "needs a domain with webPages, where its users sign in"
        yield Problem("existingUserPoolId", pool, rule, f"set {sign_in_origin} to it")


def _of_another_region(key: str, arn: str, kind: str, region: str | None) -> Iterator[Problem]:
    if region is not None and arn.split(":")[3] != region:
        rule = f"must be a {kind} in the stack's own Region, {region}"
        yield Problem(key, arn, rule, _way_to_set(key))


def _rule(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        choices = ", ".join(str(choice) for choice in get_args(field.annotation))
        return f"must be one of {choices}{field.description or ''}"
    return str(field.description)


def _way_to_set(key: str) -> str:
    return f"set {key} in {_stack_file()}"


def _stack_file() -> str:
    return f"Pulumi.{pulumi.get_stack()}.yaml"
