"""How many more resources the account may have of each type with a low quota."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from operations.preflight.answers import Question, asked
from operations.preflight.quotas import quota, way_to_raise
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, right, wrong

ROLE = "aws:iam/role:Role"
LAYER = "aws:lambda/layerVersion:LayerVersion"
BYTES_PER_GIGABYTE = 1_024**3
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
STORAGE_QUOTA = ("lambda", "L-2ACBD22F")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLES_QUOTA = ("iam", "L-FE177D64")


@dataclass(frozen=True)
class Counted:
    """`service` and `code` are those of Service Quotas; `live_names` lists the account's."""

    kind: str
    token: str
    service: str
    code: str
    live_names: Callable[[Context], list[str]]


def _tables(context: Context) -> list[str]:
    return _listed(context, "dynamodb", "list_tables", "TableNames")


def _rules(context: Context) -> list[str]:
    return [each["Name"] for each in _listed(context, "events", "list_rules", "Rules")]


def _topics(context: Context) -> list[str]:
    topics = _listed(context, "sns", "list_topics", "Topics")
    return [each["TopicArn"].rpartition(":")[2] for each in topics]


def _user_pools(context: Context) -> list[str]:
    pages = context.deployment.client("cognito-idp").get_paginator("list_user_pools")
    return [each["Name"] for page in pages.paginate(MaxResults=60) for each in page["UserPools"]]


COUNTED = (
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
    Counted("tables", "aws:dynamodb/table:Table", "dynamodb", "L-F98FE922", _tables),
    # https://docs.aws.amazon.com/general/latest/gr/ev.html (for each event bus)
    Counted("rules", "aws:cloudwatch/eventRule:EventRule", "events", "L-244521F2", _rules),
    # https://docs.aws.amazon.com/general/latest/gr/sns.html
    Counted("topics", "aws:sns/topic:Topic", "sns", "L-61103206", _topics),
    # https://docs.aws.amazon.com/general/latest/gr/cognito_identity.html
    Counted(
        "user pools", "aws:cognito/userPool:UserPool", "cognito-idp", "L-66E6DF30", _user_pools
    ),
)


def counts(context: Context) -> Iterator[Verdict]:
    """Count what exists and what the stack would add, and compare the sums with the quotas."""
    return asked(_questions(context))


def _questions(context: Context) -> Iterator[Question]:
    for counted in COUNTED:
        if context.declared.of(counted.token):
            yield counted.kind, lambda counted=counted: _count(context, counted)
    yield "roles", lambda: _roles(context)
    yield "code storage", lambda: _code_storage(context)


def _count(context: Context, counted: Counted) -> Iterator[Verdict]:
    declared = [each["name"] for each in context.declared.of(counted.token).values()]
    live = counted.live_names(context)
    new = len(set(declared) - set(live))
    limit = quota(context, counted.service, counted.code)
    yield _compared(counted.kind, len(live), new, limit, (counted.service, counted.code))


def _roles(context: Context) -> Iterator[Verdict]:
    """Roles have a quota of the whole account, which IAM itself reports."""
    live = {each["RoleName"] for each in _listed(context, "iam", "list_roles", "Roles")}
    declared = [each.get("name") for each in context.declared.of(ROLE).values()]
    new = sum(name not in live for name in declared if name)
    summary = context.deployment.client("iam").get_account_summary()["SummaryMap"]
    yield _compared("roles", summary["Roles"], new, summary["RolesQuota"], ROLES_QUOTA)


def _code_storage(context: Context) -> Iterator[Verdict]:
    """All versions of functions and layers count; this machine's layers stand for the stack's."""
    account = context.deployment.client("lambda").get_account_settings()
    limit = account["AccountLimit"]["TotalCodeSize"] / BYTES_PER_GIGABYTE
    used = account["AccountUsage"]["TotalCodeSize"] / BYTES_PER_GIGABYTE
    layers = (each["code"] for each in context.declared.of(LAYER).values())
    new = sum(_size(each) for each in layers) / BYTES_PER_GIGABYTE
    seen = f"{used:.1f} GB of {limit:.0f} GB used, and up to {new:.2f} GB more"
    if used + new <= limit:
        yield right("code storage", seen)
    else:
        way_out = f"delete versions of functions and layers, or {way_to_raise(*STORAGE_QUOTA)}"
        yield wrong("code storage", seen, way_out)


def _compared(kind: str, live: int, new: int, limit: float, code: tuple[str, str]) -> Verdict:
    seen = f"{live} of {limit:.0f} exist, and {new} more"
    if live + new <= limit:
        return right(kind, seen)
    return wrong(kind, seen, f"delete unused ones, or {way_to_raise(*code)}")


def _listed(context: Context, service: str, operation: str, key: str) -> list[Any]:
    pages = context.deployment.client(service).get_paginator(operation).paginate()
    return [each for page in pages for each in page[key]]


def _size(archive: object) -> int:
    """The size of a layer's zip file in bytes."""
    return Path(archive.path).stat().st_size if isinstance(archive, pulumi.FileArchive) else 0
