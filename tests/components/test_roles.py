import json
from typing import Any

import pulumi
import pytest

from components.policies import trust
from components.roles import RolePathError, RoleRules, role_rules, service_role
from components.stack_state import READ_STATE, resources_of_this_stack
from program import monitor
from program.engine import Engine, RecordingMonitor
from program.run import run_under_mocks

BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"


def make_role(rules: RoleRules | None = None) -> None:
    service_role(
        "role",
        physical_name="live-role",
        trust_policy=trust("lambda.amazonaws.com"),
        rules=rules or RoleRules(),
        opts=pulumi.ResourceOptions(),
    )


class StateWith(RecordingMonitor):
    """A monitor whose stack has these roles, by their ARN, from an earlier update."""

    def __init__(self, engine: Engine, *arns: str | None) -> None:
        super().__init__(engine)
        self.arns = arns
        self.asked: list[str] = []

    def state(self, stack: str) -> dict[str, Any]:
        self.asked.append(stack)
        roles = {
            f"urn:pulumi:x::y::aws:iam/role:Role::{number}": {
                "type": "aws:iam/role:Role",
                "outputs": {} if arn is None else {"arn": arn},
            }
            for number, arn in enumerate(self.arns)
        }
        queue = {"type": "aws:sqs/queue:Queue", "outputs": {"arn": "arn:aws:sqs:r:1:q"}}
        return {"urn:pulumi:x::y::aws:sqs/queue:Queue::q": queue, **roles}


def rules(**given: str) -> RoleRules:
    """Of the stack that runs."""
    return role_rules(**given, state=resources_of_this_stack())


def made_with_path(path: str, *arns: str | None, preview: bool = False) -> StateWith:
    engine = Engine(preview=preview)
    state = StateWith(engine, *arns)

    def program() -> None:
        make_role(
            role_rules(
                prefix="live",
                permissions_boundary_arn="",
                path=path,
                state=resources_of_this_stack(),
            )
        )

    run_under_mocks(
        engine, program, stack="test", config={}, preview=preview, monitor=state, timeout_seconds=60
    )
    return state


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_without_rules_a_role_has_neither_boundary_nor_path(preview: bool):
    state = made_with_path("", "arn:aws:iam::123456789012:role/live-role", preview=preview)
    assert set(state.engine.only("iam/role")) == {"name", "assumeRolePolicy"}


def test_a_role_has_the_boundary_and_the_path_that_are_asked_for():
    engine = Engine()
    engine.run(
        lambda: make_role(
            role_rules(
                prefix="live",
                permissions_boundary_arn=BOUNDARY,
                path="/live/",
                state=resources_of_this_stack(),
            )
        )
    )
    role = engine.only("iam/role")
    assert (role["permissionsBoundary"], role["path"]) == (BOUNDARY, "/live/")
    assert json.loads(role["assumeRolePolicy"])["Statement"]


@pytest.mark.parametrize(
    "arns",
    [
        [],
        ["arn:aws:iam::123456789012:role/live/live-role"],
        ["arn:aws:iam::123456789012:role/live/live-role", None],
        ["arn:aws:iam::123456789012:role/api-access-role-1a2b3c4"],
    ],
    ids=["a new stack", "the same path", "a role that was never finished", "a name by Pulumi"],
)
@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_a_path_is_given_to_a_new_stack_and_to_one_that_has_it(
    arns: list[str | None], preview: bool
):
    state = made_with_path("/live/", *arns, preview=preview)
    assert state.engine.only("iam/role")["path"] == "/live/"
    assert state.asked == ["organization/live-sessions/test"]


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize(
    ("path", "arn", "message"),
    [
        ("/live/", "role/live-role", "is '/live/', .*'test' have '/': .*Unset rolePath, or create"),
        ("/live/", "role/a/b/live-role", "have '/a/b/': .*Set rolePath to '/a/b/' again"),
        (
            "",
            "role/a/b/live-role",
            "rolePath is not set, .*have '/a/b/': .*Set rolePath to '/a/b/'",
        ),
    ],
    ids=["a path that is new", "another path", "a path that is taken away"],
)
def test_another_path_than_the_stacks_is_refused_before_a_role_is_made(
    path: str, arn: str, message: str, preview: bool
):
    engine = Engine(preview=preview)
    with pytest.raises(RolePathError, match=message):
        run_under_mocks(
            engine,
            lambda: make_role(
                role_rules(
                    prefix="live",
                    permissions_boundary_arn="",
                    path=path,
                    state=resources_of_this_stack(),
                )
            ),
            stack="test",
            config={},
            preview=preview,
            monitor=StateWith(engine, f"arn:aws:iam::123456789012:{arn}"),
            timeout_seconds=60,
        )
    assert engine.registered == []


def test_pulumi_prints_a_refused_path_without_a_traceback():
    assert issubclass(RolePathError, pulumi.RunError)


def test_the_mocks_answer_the_question_that_the_program_asks():
    assert monitor.READ_STATE == READ_STATE
