"""What exists in an emulated account, by service, as AWS's own list calls tell it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from local.emulator.process import Emulator

# By kind: the service, its list call, and the names in one page of the answer.
_LISTED: Mapping[str, tuple[str, str, Callable[[Any], Iterable[str]]]] = {
    "alarms": (
        "cloudwatch",
        "describe_alarms",
        lambda page: _field(page, "MetricAlarms", "AlarmName"),
    ),
    "APIs": ("apigatewayv2", "get_apis", lambda page: _field(page, "Items", "Name")),
    "buckets": ("s3", "list_buckets", lambda page: _field(page, "Buckets", "Name")),
    "certificates": (
        "acm",
        "list_certificates",
        lambda page: _field(page, "CertificateSummaryList", "DomainName"),
    ),
    "dashboards": (
        "cloudwatch",
        "list_dashboards",
        lambda page: _field(page, "DashboardEntries", "DashboardName"),
    ),
    "distributions": (
        "cloudfront",
        "list_distributions",
        lambda page: _field(page["DistributionList"], "Items", "Comment"),
    ),
    "domain names": (
        "apigatewayv2",
        "get_domain_names",
        lambda page: _field(page, "Items", "DomainName"),
    ),
    "event source mappings": (
        "lambda",
        "list_event_source_mappings",
        lambda page: _field(page, "EventSourceMappings", "EventSourceArn"),
    ),
    "functions": (
        "lambda",
        "list_functions",
        lambda page: _field(page, "Functions", "FunctionName"),
    ),
    "headers policies": (
        "cloudfront",
        "list_response_headers_policies",
        lambda page: [
            each["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"]
            for each in page["ResponseHeadersPolicyList"].get("Items", [])
        ],
    ),
    "key aliases": ("kms", "list_aliases", lambda page: _field(page, "Aliases", "AliasName")),
    "layers": ("lambda", "list_layers", lambda page: _field(page, "Layers", "LayerName")),
    "log groups": (
        "logs",
        "describe_log_groups",
        lambda page: _field(page, "logGroups", "logGroupName"),
    ),
    "origin access controls": (
        "cloudfront",
        "list_origin_access_controls",
        lambda page: _field(page["OriginAccessControlList"], "Items", "Name"),
    ),
    "queues": ("sqs", "list_queues", lambda page: page.get("QueueUrls", [])),
    "roles": ("iam", "list_roles", lambda page: _field(page, "Roles", "RoleName")),
    "rules": ("events", "list_rules", lambda page: _field(page, "Rules", "Name")),
    "tables": ("dynamodb", "list_tables", lambda page: page["TableNames"]),
    "topics": ("sns", "list_topics", lambda page: _field(page, "Topics", "TopicArn")),
    "user pools": (
        "cognito-idp",
        "list_user_pools",
        lambda page: _field(page, "UserPools", "Name"),
    ),
}
_NEEDED = {
    "list_response_headers_policies": {"Type": "custom"},
    "list_user_pools": {"MaxResults": 60},
}


def inventory(emulator: Emulator) -> dict[str, set[str]]:
    """The names of everything of the kinds above that the account has; no kind is empty."""
    found = {kind: _names(emulator, *call) for kind, call in _LISTED.items()}
    return {kind: names for kind, names in found.items() if names}


def _names(
    emulator: Emulator, service: str, call: str, names: Callable[[Any], Iterable[str]]
) -> set[str]:
    client = emulator.client(service)
    options = _NEEDED.get(call, {})
    if client.can_paginate(call):
        pages = client.get_paginator(call).paginate(**options)
    else:
        pages = [getattr(client, call)(**options)]
    return {name for page in pages for name in names(page)}


def _field(page: Mapping[str, Any], items: str, field: str) -> list[str]:
    return [each[field] for each in page.get(items, [])]
