from typing import Any

import pytest

from operations.plan.changes import MISSING, Change, changes
from operations.plan.replacement import Effect, effect_of, effect_of_all, rules
from program.engine import Registered
from tests.contracts.program_runs import STACKS, run, run_named

FUNCTION = "aws:lambda/function:Function"
TABLE = "aws:dynamodb/table:Table"
STAGE = "aws:apigatewayv2/stage:Stage"
POOL = "aws:cognito/userPool:UserPool"


def registered() -> list[Registered]:
    """Every resource that the program declares on any stack, or instead of those."""
    others = {
        "existingUserPoolId": "eu-central-1_abc",
        "existingUserPoolClientId": "abc",
        "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
        "rolePath": "/live/",
    }
    runs = [*(run_named(stack) for stack in STACKS), run("staging", others, name="others")]
    return [each for one in runs for each in one.engine.registered if each.custom]


def test_every_type_that_the_program_declares_has_measured_rules():
    assert {each.typ for each in registered()} <= rules().keys()


def test_every_input_that_the_program_sets_has_a_measured_rule():
    measured = {
        typ: {path.partition(".")[0] for paths in of_type.values() for path in paths}
        for typ, of_type in rules().items()
    }
    unknown = {
        f"{each.typ} {name}"
        for each in registered()
        if each.typ.startswith("aws:")
        for name in each.inputs.keys() - measured[each.typ]
    }
    assert unknown == set()


@pytest.mark.parametrize("typ", rules())
def test_no_input_both_replaces_and_updates(typ: str):
    assert rules()[typ].keys() == {"replace", "update"}
    assert rules()[typ]["replace"].isdisjoint(rules()[typ]["update"])


@pytest.mark.parametrize(
    ("typ", "path", "effect"),
    [
        (FUNCTION, "name", Effect.REPLACED),
        (FUNCTION, "memorySize", Effect.UPDATED),
        (FUNCTION, "code", Effect.UPDATED),
        (FUNCTION, "layers[]", Effect.UPDATED),
        (FUNCTION, "environment.variables.NEW", Effect.UPDATED),
        (FUNCTION, "tags.Team", Effect.UPDATED),
        ("aws:lambda/layerVersion:LayerVersion", "code", Effect.REPLACED),
        ("aws:lambda/permission:Permission", "principal", Effect.REPLACED),
        ("aws:apigatewayv2/deployment:Deployment", "triggers.snapshot", Effect.REPLACED),
        ("aws:iam/role:Role", "path", Effect.REPLACED),
        ("aws:iam/role:Role", "permissionsBoundary", Effect.UPDATED),
        ("aws:iam/rolePolicy:RolePolicy", "policy.Statement[Read].Action[]", Effect.UPDATED),
        (TABLE, "hashKey", Effect.REPLACED),
        (TABLE, "globalSecondaryIndexes[by-status-1].projectionType", Effect.UPDATED),
        (STAGE, "accessLogSettings.format", Effect.UPDATED),
        (POOL, "usernameConfiguration.caseSensitive", Effect.REPLACED),
        (FUNCTION, "options.protect", Effect.UPDATED),
    ],
)
def test_a_change_has_the_effect_that_was_measured(typ: str, path: str, effect: Effect):
    assert effect_of(typ, Change(path, 1, 2)) is effect


@pytest.mark.parametrize(
    ("typ", "path"),
    [
        ("aws:fancy/thing:Thing", "name"),
        (FUNCTION, "brandNewInput"),
        (STAGE, "accessLogSettings.brandNewInput"),
        (POOL, "usernameConfiguration.brandNewInput"),
        (FUNCTION, "options.provider"),
        ("pulumi:providers:aws", "region"),
    ],
)
def test_what_was_not_measured_is_not_known(typ: str, path: str):
    assert effect_of(typ, Change(path, 1, 2)) is Effect.UNKNOWN


def test_a_block_may_come_or_go_as_a_whole():
    def effect(old: Any, new: Any) -> Effect:
        (change,) = changes({"accessLogSettings": old}, {"accessLogSettings": new})
        return effect_of(STAGE, change)

    assert effect({"format": "a"}, None) is Effect.UNKNOWN
    assert effect_of(STAGE, Change("accessLogSettings", {"format": "a"}, MISSING)) is Effect.UPDATED


@pytest.mark.parametrize(
    ("paths", "effect"),
    [
        (["memorySize"], Effect.UPDATED),
        (["memorySize", "brandNewInput"], Effect.UNKNOWN),
        (["memorySize", "brandNewInput", "name"], Effect.REPLACED),
    ],
)
def test_of_several_changes_the_one_that_replaces_decides_and_then_one_not_known(
    paths: list[str], effect: Effect
):
    assert effect_of_all(FUNCTION, [Change(each, 1, 2) for each in paths]) is effect
