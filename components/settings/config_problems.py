"""What can be wrong with stack config beyond a single value, and how all of it is reported."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.cadence import problem_with_interval


@dataclass(frozen=True)
class Problem:
    """One key's fault: its value (None if it is not set), the rule it breaks and the way out."""

    key: str
    value: str | None
    rule: str
    way_out: str

    def __str__(self) -> str:
        shown = "is not set" if self.value is None else f"is {self.value!r}"
        return f"{self.key} {shown}: {self.rule}; {self.way_out}"


class SettingsError(ValueError):
    """Stack config is wrong; the message has one line for each of `problems`."""

    def __init__(self, stack: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"The config of stack {stack!r} has {count}:", *(f"  - {p}" for p in problems)]
        super().__init__("\n".join(lines))


def way_to_set(key: str) -> str:
    """How to change a key of the running stack."""
    return f"set {key} in {_stack_file()}"


def unknown_keys(
    namespace: str, everything: Mapping[str, Any], known: Sequence[str]
) -> list[Problem]:
    """Keys of the namespace that nobody reads, each with the nearest one that is read."""
    problems: list[Problem] = []
    for full_key, value in sorted(everything.items()):
        owner, _, key = full_key.partition(":")
        if owner != namespace or key in known:
            continue
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
        way_out = f"did you mean {nearest}? If not, remove it from {_stack_file()}"
        problems.append(Problem(key, str(value), "is no key of this program", way_out))
    return problems


def provider_keys(everything: Mapping[str, Any], region: str | None) -> list[Problem]:
    """Keys of the AWS provider's own namespace: only the default provider reads them, and the
    program makes its own (https://www.pulumi.com/docs/iac/concepts/providers/).

    `region` is the stack's Region; `aws:region` may repeat it.
    """
    problems: list[Problem] = []
    for key, value in sorted(everything.items()):
        if not key.startswith("aws:") or (key == "aws:region" and value == region):
            continue
        if key == "aws:region":
            rule, way_out = f"is not where the stack goes, which is {region}", "set region instead"
        else:
            rule = "has no effect: the program makes its own provider"
            way_out = "leave credentials to the environment, such as AWS_PROFILE"
        way_out = f"{way_out} and remove it from {_stack_file()}"
        problems.append(Problem(key, str(value), rule, way_out))
    return problems


def conflicts(values: Mapping[str, Any]) -> list[Problem]:
    """Rules over several values, by field; one that is itself wrong is missing and not judged."""
    return [
        *_interval(values),
        *_user_pool(values),
        *_account(values),
        *_translation(values),
        *_domain(values),
        *_alarm_email(values),
    ]


def _stack_file() -> str:
    return f"Pulumi.{pulumi.get_stack()}.yaml"


def _interval(values: Mapping[str, Any]) -> list[Problem]:
    interval = values.get("status_interval_seconds")
    if interval is None or (rule := problem_with_interval(interval)) is None:
        return []
    key = "statusIntervalSeconds"
    return [Problem(key, str(interval), rule, way_to_set(key))]


def _user_pool(values: Mapping[str, Any]) -> list[Problem]:
    pool = values.get("existing_user_pool_id")
    client = values.get("existing_user_pool_client_id")
    if pool is None or client is None or bool(pool) == bool(client):
        return []
    key, other = "existingUserPoolId", "existingUserPoolClientId"
    if pool:
        key, other = other, key
    return [Problem(key, "", f"must be set, as {other} is", f"set {key} or unset {other}")]


def _account(values: Mapping[str, Any]) -> list[Problem]:
    if not values.get("manage_api_gateway_account") or values.get("access_logs") is not False:
        return []
    rule = "is of use with access logs only"
    return [
        Problem("manageApiGatewayAccount", "true", rule, "set accessLogs to true or this false")
    ]


def _translation(values: Mapping[str, Any]) -> list[Problem]:
    arn, region = values.get("translation_function_arn"), values.get("region")
    if not arn:
        return []
    problems: list[Problem] = []
    key = "translationFunctionArn"
    if region is not None and arn.split(":")[3] != region:
        # Lambda finds functions of the Region alone in which it is asked.
        rule = f"must be a function of the stack's own Region, {region}"
        problems.append(Problem(key, arn, rule, way_to_set(key)))
    reserved = values.get("reserved_concurrency", {}).get("translation")
    if reserved is not None:
        rule = f"must not name translation, which this stack does not make while {key} is set"
        way_out = f"remove translation from it, or unset {key}"
        problems.append(Problem("reservedConcurrency", f"translation={reserved}", rule, way_out))
    return problems


def _domain(values: Mapping[str, Any]) -> list[Problem]:
    name, region = values.get("domain_name"), values.get("region")
    certificate, zone = values.get("certificate_arn"), values.get("hosted_zone_id")
    problems: list[Problem] = []
    if name == "":
        for key, value in (("certificateArn", certificate), ("hostedZoneId", zone)):
            if value:
                rule = "is of use with a domainName only"
                problems.append(Problem(key, value, rule, f"set domainName or unset {key}"))
    elif name and certificate == "" and zone == "":
        rule = "needs a certificate: certificateArn, or hostedZoneId to have one made"
        problems.append(Problem("domainName", name, rule, "set one of them"))
    if certificate and region is not None and certificate.split(":")[3] != region:
        # https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-custom-domain-names.html
        rule = f"must be a certificate of the stack's own Region, {region}"
        key = "certificateArn"
        problems.append(Problem(key, certificate, rule, way_to_set(key)))
    return problems


def _alarm_email(values: Mapping[str, Any]) -> list[Problem]:
    email = values.get("alarm_email")
    if not email or values.get("alarms") is not False:
        return []
    rule = "is of use with alarms only"
    return [Problem("alarmEmail", email, rule, "set alarms to true or unset alarmEmail")]
