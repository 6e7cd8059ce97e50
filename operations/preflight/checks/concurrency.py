"""Reserved concurrency: Lambda refuses a reservation that leaves the others fewer than 100."""

from collections.abc import Iterator

from operations.preflight.quotas import way_to_raise
from operations.verify.context import FUNCTION, Context
from operations.verify.verdicts import Verdict, right, wrong

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
KEPT_UNRESERVED = 100
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
QUOTA = ("lambda", "L-B99A9384")


def concurrency(context: Context) -> Iterator[Verdict]:
    """Compare the declared reservations with what the account's other functions leave."""
    functions = context.declared.named(FUNCTION)
    declared = {
        name: inputs["reservedConcurrentExecutions"]
        for name, inputs in functions.items()
        if inputs.get("reservedConcurrentExecutions", -1) >= 0
    }
    if not declared:
        yield right("reserved concurrency", "this stack reserves none")
        return
    limits = context.deployment.client("lambda").get_account_settings()["AccountLimit"]
    limit, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    own = sum(_reserved(context, name) for name in functions)
    wanted, free = sum(declared.values()), unreserved + own
    seen = (
        f"{wanted} of {limit} executions for {', '.join(sorted(declared))}; other functions "
        f"reserve {limit - free}, and Lambda keeps {KEPT_UNRESERVED} unreserved"
    )
    if free - wanted >= KEPT_UNRESERVED:
        yield right("reserved concurrency", seen)
        return
    needed = limit + KEPT_UNRESERVED - (free - wanted)
    way_out = f"lower reservedConcurrency, or raise the quota to {needed}: {way_to_raise(*QUOTA)}"
    yield wrong("reserved concurrency", seen, way_out)


def _reserved(context: Context, function: str) -> int:
    """What a function of the stack reserves now; 0 if it does not exist yet."""
    client = context.deployment.client("lambda")
    try:
        answer = client.get_function(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return 0
    return answer.get("Concurrency", {}).get("ReservedConcurrentExecutions", 0)
