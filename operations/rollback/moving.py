"""Moving the aliases: all of them, or none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contract.functions import LIVE
from operations.releases.stack import Alias, ReleasedStack, ReleaseError, alias_in
from operations.rollback.plan import Move, Plan, planned
from operations.verify.interruptions import uninterrupted

AWS_ERRORS = (ClientError, BotoCoreError)


UNKNOWN = "an unknown version"


@dataclass(frozen=True)
class Outcome:
    """What became of a move: the alias after it; or why it did not move, and where it is now."""

    move: Move
    moved: Alias | None
    reason: str = ""
    now: str = ""


def rollback(stack: ReleasedStack, to: str | None = None) -> Plan:
    """Plan and carry out a rollback, and return what it did. Raises ReleaseError.

    `to` is as in `planned`. When it returns, every alias is on the target's version.
    """
    plan = planned(stack, to)
    carry_out(stack, plan)
    return plan


def carry_out(stack: ReleasedStack, plan: Plan) -> None:
    """Move the aliases of a plan, several at once; signals do not interrupt it.

    If one cannot be moved, or was changed after the plan was made, all move back. Raises
    ReleaseError, whose message says where each alias is if they are not all where they were.
    """
    with uninterrupted():
        outcomes = _each(stack, plan.moves, _move)
        if failed := [each for each in outcomes if each.moved is None]:
            _undo(stack, outcomes, failed)
        _verify(stack, plan)


def _undo(stack: ReleasedStack, outcomes: Sequence[Outcome], failed: Sequence[Outcome]) -> None:
    """Move back what has moved; raises ReleaseError."""
    back = [
        Move(each.move.function, each.moved, each.move.alias.version)
        for each in outcomes
        if each.moved is not None
    ]
    weights = {each.move.function: each.move.alias.weights for each in outcomes}
    moved_back = _each(
        stack, back, lambda client, move: _move(client, move, weights[move.function])
    )
    elsewhere = [
        f"{each.move.function} is on {each.now} instead of {each.move.to} ({each.reason})"
        for each in moved_back
        if each.moved is None
    ] + [
        f"{each.move.function} is on {each.now} instead of {each.move.alias.version}"
        for each in failed
        if each.now == UNKNOWN
    ]
    reasons = "; ".join(f"{each.move.function}: {each.reason}" for each in failed)
    if not elsewhere:
        raise ReleaseError(
            f"nothing is rolled back: {reasons}. The aliases that had moved are back where they "
            "were. Wait until no deployment is running, and try again"
        )
    raise ReleaseError(
        f"the rollback is incomplete: {reasons}. Not where they were: {'; '.join(elsewhere)}. "
        "Every other alias that had moved is back. Try again, or run `pulumi up --refresh "
        f"--stack {stack.name}`, which moves every alias to the newest version"
    )


def _verify(stack: ReleasedStack, plan: Plan) -> None:
    """Read each alias again; raises ReleaseError."""
    try:
        aliases = stack.aliases(plan.target.versions)
    except AWS_ERRORS as error:
        raise ReleaseError(
            f"every alias moved, but they cannot be read again ({error}): `make releases "
            f"STACK={stack.name}` says which release serves"
        ) from None
    others = [
        f"{name} is on {aliases[name].version if name in aliases else 'no version'} instead of "
        f"{version}"
        for name, version in sorted(plan.target.versions.items())
        if name not in aliases or aliases[name].version != version or aliases[name].weights
    ]
    if others:
        raise ReleaseError(
            f"the aliases moved, but somebody else moves them too: {'; '.join(others)}. Wait until "
            "no deployment is running, and try again"
        )


def _each(
    stack: ReleasedStack, moves: Iterable[Move], call: Callable[[Any, Move], Outcome]
) -> list[Outcome]:
    client, by_function = stack.client("lambda"), {each.function: each for each in moves}
    answers = stack.for_each(by_function, lambda name: call(client, by_function[name]))
    return [outcome for _, outcome in answers]


def _move(client: Any, move: Move, weights: Mapping[str, float] | None = None) -> Outcome:
    """Move an alias, unless it has changed since it was read; with these shares, or none."""
    try:
        answer = client.update_alias(
            FunctionName=move.function,
            Name=LIVE,
            FunctionVersion=move.to,
            RoutingConfig={"AdditionalVersionWeights": dict(weights or {})},
            RevisionId=move.alias.revision_id,
        )
        return Outcome(move, alias_in(answer))
    except AWS_ERRORS as error:
        return _found_after(client, move, error)


def _found_after(client: Any, move: Move, error: Exception) -> Outcome:
    """A call without an answer may have moved the alias, and a repetition of it then fails."""
    try:
        found = alias_in(client.get_alias(FunctionName=move.function, Name=LIVE))
    except AWS_ERRORS as unread:
        return Outcome(move, None, f"{error}; its alias cannot be read: {unread}", UNKNOWN)
    if found.version == move.to and found.revision_id != move.alias.revision_id:
        return Outcome(move, found)
    reason = str(error)
    if found.revision_id != move.alias.revision_id:
        reason = f"somebody else moved its alias to {found.version} meanwhile"
    return Outcome(move, None, reason, found.version)
