"""The account's quotas, as Service Quotas has them.

https://docs.aws.amazon.com/servicequotas/latest/userguide/intro.html
"""

from collections.abc import Iterator
from typing import Any

from operations.verify.context import Context


def quota(context: Context, service: str, code: str) -> float:
    """A quota's value in the account and Region; AWS's default if it was never changed.

    Raises ClientError.
    """
    client = context.deployment.client("service-quotas")
    try:
        answer = client.get_service_quota(ServiceCode=service, QuotaCode=code)
    except client.exceptions.NoSuchResourceException:
        answer = client.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code)
    return answer["Quota"]["Value"]


def quota_named(context: Context, service: str, words: str) -> tuple[str, float] | None:
    """The code and value of the first quota whose name contains the words; None without one.

    For quotas whose code no page of AWS names. Raises ClientError.
    """
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for each in _listed(context, operation, service):
            if words in each["QuotaName"].casefold():
                return each["QuotaCode"], each["Value"]
    return None


def way_to_raise(service: str, code: str) -> str:
    """The command that requests a higher quota."""
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service} "
        f"--quota-code {code} --desired-value N"
    )


def _listed(context: Context, operation: str, service: str) -> Iterator[dict[str, Any]]:
    client = context.deployment.client("service-quotas")
    for page in client.get_paginator(operation).paginate(ServiceCode=service):
        yield from page["Quotas"]
