"""What a rollback will do, what it has done and what comes next, in words."""

from collections.abc import Iterator

from operations.rollback.plan import Plan
from program.stack_config import LOCAL_STACK


def plan_lines(stack: str, plan: Plan) -> Iterator[str]:
    """The plan, for whoever has to agree to it."""
    now = f"release {plan.live}" if plan.live else "versions that no record has"
    yield f"{stack} serves {now}; to go back to release {plan.target}:"
    yield from (f"  {move}" for move in plan.moves)
    if plan.same:
        yield f"  on their versions already: {', '.join(plan.same)}"
    for name, version in plan.newer.items():
        yield f"  {name} stays on {version}: the release did not have it"
    if plan.cold:
        yield (
            f"  the snapshots of {', '.join(plan.cold)} are gone, because these versions served no "
            "one for 14 days: Lambda refuses invocations until it has made them again"
        )
    yield (
        "Only code, layers and configuration of the functions go back; tables, queues, routes, "
        "roles and rules stay as they are."
    )


def done_lines(stack: str, plan: Plan) -> Iterator[str]:
    """What serves now, and what the next deployment does."""
    count = len(plan.target.versions)
    yield f"every alias is on release {plan.target} ({count} functions, {len(plan.moves)} moved)"
    if stack == LOCAL_STACK:
        yield "An edit of a handler moves its function's alias on; so does a restart of `make run`."
        return
    yield (
        "The next `pulumi up` leaves an alias where it is unless its function changes. "
        f"`pulumi up --refresh --stack {stack}`, which the deploy workflow uses after a rollback, "
        "moves every alias to the newest version: revert the bad change before that."
    )
