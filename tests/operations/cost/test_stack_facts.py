"""The facts about a stack that come from its config and program."""

import json

import pytest

from components.settings import Settings
from components.settings.stack_settings import REMOVABLE_ROUTES
from operations.cost.__main__ import main
from operations.cost.stack_facts import StackFacts, facts_from
from program.engine import Engine
from program.stack_config import stack_config
from tests.contracts.program_runs import LEAN, run


def of(**overrides: object) -> StackFacts:
    """The facts of staging with some keys changed."""
    config = stack_config("staging", overrides)
    loaded: list[Settings] = []
    Engine().run(lambda: loaded.append(Settings.load()), stack="staging", config=config)
    return facts_from(loaded[0], run("staging", overrides).engine)


def test_the_facts_come_from_the_program():
    staging = of()
    assert staging.functions["audio_processor"].gigabytes == 1
    assert staging.functions["heartbeat"].gigabytes == 0.125
    assert {each.architecture for each in staging.functions.values()} == {"arm64"}
    assert staging.region == stack_config("staging")["live-sessions:region"]
    assert str(staging.audio_slots) == stack_config("staging")["live-sessions:audioSlots"]
    assert staging.ticks_per_minute == 2
    # Status shards, the tick 30 s into the minute, session checks, the shards of reconcile.
    assert staging.fed_queues == 4
    assert staging.takes_audio
    assert staging.own_user_pool


def test_config_changes_the_facts():
    changes: dict[str, object] = {
        "statusIntervalSeconds": 15,
        "lambdaArchitecture": "x86_64",
        "removedRoutes": ["sendAudio"],
        "translationFunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:captions",
        "routeMetrics": True,
        "tracing": True,
        "snapStart": True,
        "pointInTimeRecovery": False,
        "logLevel": "WARNING",
        "existingUserPoolId": "eu-central-1_AbCdEfGhI",
        "existingUserPoolClientId": "abc",
    }
    changed = of(**{**LEAN, **changes})
    assert changed.ticks_per_minute == 4
    assert changed.fed_queues == 6
    assert {each.architecture for each in changed.functions.values()} == {"x86_64"}
    assert not changed.takes_audio
    assert "translation" not in changed.functions
    # Plus $connect, $disconnect and $default; a removed route has metrics, too.
    assert changed.measured_routes == len(REMOVABLE_ROUTES) + 3
    assert changed.tracing
    assert changed.snap_start
    assert not changed.point_in_time_recovery
    assert not changed.function_lines
    assert not changed.own_user_pool


def test_a_disabled_rule_has_no_ticks():
    assert of(periodicStatus=False).ticks_per_minute == 0


def test_alarms_and_their_resources_are_counted_as_declared():
    with_alarms, without = of(), of(**LEAN)
    assert with_alarms.alarm_metrics > without.alarm_metrics == 0
    assert with_alarms.keys > without.keys == 0
    assert without.dashboards == 0


def test_the_command_prints_an_estimate(capsys: pytest.CaptureFixture[str]):
    stated = "--sessions 20 --listeners 100 --hours 160 --captions-per-minute 20".split()
    assert main(["--stack", "staging", *stated]) == 0
    text = capsys.readouterr().out
    assert text.startswith("A month of staging with --sessions 20, --listeners 100, --hours 160")
    assert main(["--stack", "staging", *stated, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["load"]["listeners"] == 100
    assert f"{document['dollarsPerMonth']:,.2f}  per month" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--stack staging --sessions 0", "--sessions is 0"),
        (
            "--stack local --sessions 1",
            "--stack local: there is no Pulumi.local.yaml of a stack on",
        ),
        ("--stack nowhere --sessions 1", "--stack nowhere: there is no Pulumi.nowhere.yaml"),
    ],
)
def test_the_command_refuses_in_one_line(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
):
    stated = "--listeners 100 --hours 160 --captions-per-minute 20".split()
    assert main([*arguments.split(), *stated]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(message)
    assert printed.err.count("\n") == 1
    assert printed.out == ""
