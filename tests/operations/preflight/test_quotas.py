"""Counts, reserved concurrency and capacity against the account's quotas."""

from collections.abc import Mapping
from typing import Any

import pytest

from contract.functions import FUNCTIONS
from operations.preflight.checks.capacity import capacity
from operations.preflight.checks.concurrency import concurrency
from operations.preflight.checks.counts import counts
from operations.verify.context import Context
from operations.verify.verdicts import Result
from tests.operations.preflight.accounts import (
    Changed,
    Quotas,
    account,
    denied,
    emulated,
    results,
    wrong,
)
from tests.operations.verify.contexts import Service, missing

GIGABYTE = 1_024**3
# Staging keeps no transcripts.
OPTIONAL = {"transcripts"}
TABLES, RULES, TOPICS, POOLS = "L-F98FE922", "L-244521F2", "L-61103206", "L-66E6DF30"
STREAMS = {
    "QuotaName": "Number of concurrent HTTP/2 streams for streaming transcription",
    "QuotaCode": "L-STREAMS",
    "Value": 25.0,
}
# moto's Cognito needs a package of its own.
NO_POOLS = Service(list_user_pools={"UserPools": []})


def settings_of_lambda(
    *, limit: int = 1_000, reserved: int = 0, storage: float = 75 * GIGABYTE, used: float = 0
) -> dict[str, Any]:
    return {
        "AccountLimit": {
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": limit - reserved,
            "TotalCodeSize": storage,
        },
        "AccountUsage": {"TotalCodeSize": used},
    }


def counting(changed: Mapping[str, float] | None = None, **of_lambda: Any) -> Context:
    return account(
        {
            "service-quotas": Quotas(changed or {}),
            "lambda": Changed("lambda", get_account_settings=settings_of_lambda(**of_lambda)),
            "cognito-idp": NO_POOLS,
        }
    )


def reserving(
    reservations: Mapping[str, int], *, own: Mapping[str, int] | None = None, **of_lambda: Any
) -> Context:
    """`own` are the reservations that the stack's functions have now, by function."""

    def get_function(*, FunctionName: str) -> dict[str, Any]:
        now = (own or {}).get(FunctionName)
        return {} if now is None else {"Concurrency": {"ReservedConcurrentExecutions": now}}

    aws = Service(
        get_account_settings=settings_of_lambda(**of_lambda),
        get_function=get_function if own else missing,
    )
    return account({"lambda": aws}, reservations=reservations)


def serving(
    *,
    rate: float = 10_000,
    burst: float = 5_000,
    quotas: list[dict[str, Any]] | None = None,
    queues: tuple[str, ...] = (),
    limit: int = 1_000,
    reservations: Mapping[str, int] | None = None,
) -> Context:
    for name in queues:
        emulated("sqs").create_queue(QueueName=name)
    account_settings = {"throttleSettings": {"rateLimit": rate, "burstLimit": burst}}
    return account(
        {
            "apigateway": Service(get_account=account_settings),
            "service-quotas": Service(
                list_service_quotas={"Quotas": []},
                list_aws_default_service_quotas={"Quotas": [STREAMS] if quotas is None else quotas},
            ),
            "lambda": Changed("lambda", get_account_settings=settings_of_lambda(limit=limit)),
        },
        reservations=reservations,
    )


def test_a_fresh_account_with_the_default_quotas_has_room() -> None:
    found = results(counts, counting())
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert found["tables"].seen == "0 of 1000 exist, and 5 more"
    assert found.keys() == {"tables", "rules", "topics", "user pools", "roles", "code storage"}


@pytest.mark.parametrize(
    ("kind", "code", "needed"),
    [("tables", TABLES, 5), ("rules", RULES, 2), ("topics", TOPICS, 1), ("user pools", POOLS, 1)],
)
def test_a_quota_that_is_too_low_by_one_is_wrong(kind: str, code: str, needed: int) -> None:
    assert wrong(counts, counting({code: needed})) == {}
    assert wrong(counts, counting({code: needed - 1})).keys() == {kind}


def test_what_exists_of_the_stack_is_not_counted_again() -> None:
    dynamodb = emulated("dynamodb")
    for name in ("live-sessions-staging-sessions", "another"):
        dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    found = results(counts, counting({TABLES: 6}))
    assert found["tables"].seen == "2 of 6 exist, and 4 more"
    assert found["tables"].result is Result.RIGHT


def test_roles_are_compared_with_the_quota_that_iam_reports() -> None:
    summary = {"SummaryMap": {"Roles": 995, "RolesQuota": 1_000}}
    iam = Changed("iam", get_account_summary=summary)
    clients = {
        "iam": iam,
        "service-quotas": Quotas({}),
        "lambda": Changed("lambda", get_account_settings=settings_of_lambda()),
        "cognito-idp": NO_POOLS,
    }
    assert wrong(counts, account(clients)) == {
        "roles": f"995 of 1000 exist, and {len(FUNCTIONS) - len(OPTIONAL)} more"
    }


def test_full_code_storage_is_wrong() -> None:
    assert wrong(counts, counting(used=75 * GIGABYTE)).keys() == {"code storage"}
    assert wrong(counts, counting(used=74 * GIGABYTE)) == {}


def test_a_denied_quota_is_unknown_with_the_permission() -> None:
    context = counting()
    quotas = Service(get_service_quota=denied("GetServiceQuota", "servicequotas:GetServiceQuota"))
    clients = {
        "service-quotas": quotas,
        "cognito-idp": NO_POOLS,
        "lambda": context.deployment.client("lambda"),
    }
    found = results(counts, account(clients))
    assert found["tables"].result is Result.UNKNOWN
    assert "servicequotas:GetServiceQuota" in found["tables"].way_out
    assert found["roles"].result is Result.RIGHT


def test_a_stack_without_reservations_needs_no_concurrency_quota() -> None:
    assert wrong(concurrency, reserving({}, limit=10)) == {}


@pytest.mark.parametrize(("limit", "fits"), [(172, True), (171, False), (10, False)])
def test_reservations_leave_100_executions_unreserved(limit: int, fits: bool) -> None:
    context = reserving({"session_status": 32, "audio_processor": 40}, limit=limit)
    [verdict] = results(concurrency, context).values()
    assert (verdict.result is Result.RIGHT) is fits
    if not fits:
        assert "raise the quota to 172" in verdict.way_out
        assert "--quota-code L-B99A9384" in verdict.way_out


def test_what_other_functions_reserve_is_taken_and_what_the_stack_reserves_is_not() -> None:
    name = "live-sessions-staging-session-status"
    here = {"own": {name: 30}, "limit": 200, "reserved": 90}
    [verdict] = results(concurrency, reserving({"session_status": 40}, **here)).values()
    assert verdict.result is Result.RIGHT
    assert "other functions reserve 60" in verdict.seen
    [verdict] = results(concurrency, reserving({"session_status": 41}, **here)).values()
    assert verdict.result is Result.WRONG
    assert "raise the quota to 201" in verdict.way_out


def test_the_default_quotas_carry_staging() -> None:
    found = results(capacity, serving())
    assert {each.result for each in found.values()} == {Result.RIGHT}
    assert (
        found["Transcribe streams"].seen
        == "5 audioSlots of this stack and 0 of others, of 25 streams"
    )


def test_throttling_above_the_accounts_limit_is_wrong() -> None:
    assert wrong(capacity, serving(rate=499)).keys() == {"requests per second"}
    assert wrong(capacity, serving(burst=249)).keys() == {"burst of requests"}


def test_the_slots_of_other_stacks_count_against_the_streams() -> None:
    others = tuple(f"live-sessions-production-audio-{slot}" for slot in range(21))
    own = tuple(f"live-sessions-staging-audio-{slot}" for slot in range(5))
    foreign = ("live-sessions-production-audio-failures", "music-audio-1")
    assert wrong(capacity, serving(queues=(*others[:20], *own, *foreign))) == {}
    assert wrong(capacity, serving(queues=others[20:])) == {
        "Transcribe streams": "5 audioSlots of this stack and 21 of others, of 25 streams"
    }


def test_a_quota_that_cannot_be_found_is_unknown() -> None:
    found = results(capacity, serving(quotas=[]))
    assert found["Transcribe streams"].result is Result.UNKNOWN


def test_speech_needs_more_executions_than_slots() -> None:
    subject = "executions for speech"
    assert wrong(capacity, serving(limit=6)) == {}
    assert wrong(capacity, serving(limit=5)).keys() == {subject}
    reserved = {"audio_processor": 4}
    assert wrong(capacity, serving(reservations=reserved)) == {
        subject: "4 reserved for 5 audioSlots"
    }
