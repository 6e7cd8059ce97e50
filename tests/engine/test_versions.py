"""A release changes code, layers and variables of a function at once, and moving back undoes it."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.automation import OpType

from components.handler_function import HandlerFunction, HandlerFunctionArgs
from components.handler_function import arguments as function_arguments
from components.handler_function import function as function_component
from contract.functions import HEARTBEAT, LIVE
from local.emulator.process import Emulator
from operations.releases.chosen import chosen_release
from operations.releases.recording import Released, release
from operations.releases.stack import ReleasedStack, ReleaseError
from operations.rollback.moving import carry_out, rollback
from operations.rollback.plan import planned
from tests.components import stack_parts
from tests.engine.conftest import StartStack
from tests.engine.stack import EngineStack
from tests.engine.steps import Steps
from tests.patience import OUT_OF_REACH_SECONDS

FUNCTION = f"{stack_parts.PREFIX}-{HEARTBEAT.entry}"
INVOKERS = 2
CODE = """
import os
import said

def handler(event, context):
    return ["{word}", said.WORD, os.environ["POWERTOOLS_LOG_LEVEL"]]
"""
Seen = tuple[str, str, str]


@dataclass(frozen=True)
class Release:
    """What a function is made of; `snap_start` is config that leaves these three as they are."""

    code: str = "one"
    layer: str = "one"
    variable: str = "one"
    snap_start: bool = False

    @property
    def seen(self) -> Seen:
        return self.code, self.layer, self.variable


class Releases:
    """A stack of one function with its layer, and the release that its program declares."""

    def __init__(self, emulator: Emulator, handlers: Path) -> None:
        self.emulator = emulator
        self._entry = handlers / f"{HEARTBEAT.entry}.py"
        self.release = Release()
        self.stack: EngineStack

    def program(self) -> None:
        provider = aws.Provider("aws", region=self.emulator.region)
        here = pulumi.ResourceOptions(provider=provider)
        said = pulumi.StringAsset(f"WORD = {self.release.layer!r}")
        layer = aws.lambda_.LayerVersion(
            "said",
            layer_name="said",
            code=pulumi.AssetArchive({"python/said.py": said}),
            opts=here,
        )
        self._entry.write_text(CODE.format(word=self.release.code))
        platform = replace(
            stack_parts.platform(snap_start=self.release.snap_start),
            architecture="x86_64",
            layer_arn=layer.arn,
            account_id=self.emulator.account_id,
            log_level=self.release.variable,
        )
        function = HandlerFunctionArgs(
            platform=platform,
            function=HEARTBEAT,
            grants=[stack_parts.all_variables(HEARTBEAT)],
            memory_megabytes=128,
            timeout_seconds=10,
        )
        HandlerFunction("heartbeat", function, here)

    def up(self, **changes: Any) -> Steps:
        self.release = replace(self.release, **changes)
        return self.stack.up()

    @property
    def functions(self) -> Any:
        return self.emulator.client("lambda")

    def seen(self, qualifier: str = LIVE) -> Seen:
        answer = self.functions.invoke(FunctionName=f"{FUNCTION}:{qualifier}")
        one, two, three = json.loads(answer["Payload"].read())
        return one, two, three

    def version(self) -> str:
        return self.functions.get_alias(FunctionName=FUNCTION, Name=LIVE)["FunctionVersion"]

    def versions(self) -> list[str]:
        listed = self.functions.list_versions_by_function(FunctionName=FUNCTION)["Versions"]
        return [each["Version"] for each in listed if each["Version"] != "$LATEST"]

    def move_alias(self, version: str) -> None:
        self.functions.update_alias(FunctionName=FUNCTION, Name=LIVE, FunctionVersion=version)


@pytest.fixture(scope="module")
def releases(
    emulator: Emulator, start_stack: StartStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Releases]:
    handlers = tmp_path_factory.mktemp("handlers")
    (handlers / f"{HEARTBEAT.entry}.py").touch()
    with pytest.MonkeyPatch.context() as patch:
        for module in (function_arguments, function_component):
            patch.setattr(module, "HANDLERS", handlers)
        made = Releases(emulator, handlers)
        made.stack = start_stack(name="versions", program=made.program)
        made.up()
        yield made


@contextmanager
def invoking(seen: Callable[[], Seen]) -> Iterator[list[list[Seen]]]:
    """Invoke without a pause; afterwards what each of several invokers has seen, in order."""
    answers: list[list[Seen]] = [[] for _ in range(INVOKERS)]
    ending = threading.Event()

    def invoke(into: list[Seen]) -> None:
        while not ending.is_set():
            into.append(seen())

    threads = [threading.Thread(target=invoke, args=(each,)) for each in answers]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        ending.set()
        for thread in threads:
            thread.join(OUT_OF_REACH_SECONDS)


def test_no_invocation_meets_half_of_a_release(releases: Releases) -> None:
    old = releases.release.seen
    with invoking(releases.seen) as answers:
        releases.up(code="two", layer="two", variable="two")
        assert releases.seen() == releases.release.seen
    for seen in answers:
        moved = seen.index(releases.release.seen) if releases.release.seen in seen else len(seen)
        assert set(seen[:moved]) <= {old}
        assert set(seen[moved:]) <= {releases.release.seen}
    everything = {each for seen in answers for each in seen}
    assert everything == {old, releases.release.seen}


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        ({"variable": "alone"}, {"heartbeat-function", "heartbeat-alias"}),
        ({"layer": "alone"}, {"said", "heartbeat-function", "heartbeat-alias"}),
    ],
    ids=["variable", "layer"],
)
def test_each_part_alone_publishes_a_version_and_moves_the_alias(
    releases: Releases, change: Mapping[str, str], steps: set[str]
) -> None:
    before = releases.versions()
    up = releases.up(**change)
    assert {step.name for step in up.changes} == steps
    assert up.names(OpType.UPDATE) == {"heartbeat-function", "heartbeat-alias"}
    [published] = [each for each in releases.versions() if each not in before]
    assert releases.version() == published
    assert releases.seen() == releases.release.seen


def test_snapshots_are_switched_on_and_off_again(releases: Releases) -> None:
    def applied_on() -> str:
        live = releases.functions.get_function_configuration(FunctionName=FUNCTION, Qualifier=LIVE)
        return live["SnapStart"]["ApplyOn"]

    assert applied_on() == "None"
    for on, expected in ((True, "PublishedVersions"), (False, "None")):
        releases.up(snap_start=on)
        assert applied_on() == expected
        assert releases.seen() == releases.release.seen
        again = releases.stack.preview(refresh=True)
        assert again.changes == [], str(again)


def test_a_version_of_before_comes_back_whole_with_its_alias_and_stays_until_the_next_change(
    releases: Releases,
) -> None:
    old, version = releases.release.seen, releases.version()
    releases.up(code="bad", layer="bad", variable="bad")
    bad, published = releases.version(), releases.versions()
    releases.move_alias(version)
    assert releases.seen() == old, "its layer, which the update deleted, included"
    assert releases.up().changes == [], "the program still declares the bad release"
    assert releases.versions() == published, "what changes nothing publishes nothing"
    assert releases.seen() == old
    refreshed = releases.stack.preview(refresh=True)
    assert refreshed.names(OpType.UPDATE) == {"heartbeat-alias"}, "--refresh would move it on"
    up = releases.up(code="good")
    assert up.names(OpType.UPDATE) == {"heartbeat-function", "heartbeat-alias"}
    assert releases.version() not in (version, bad)
    assert releases.seen() == ("good", "bad", "bad")


def test_a_rollback_brings_a_release_back_and_only_a_refresh_moves_on_from_it(
    releases: Releases,
) -> None:
    def record(commit: str) -> Released:
        return release(stack, commit * 40, kept_versions=2, now=datetime.now(UTC))

    stack = ReleasedStack("test", releases.emulator.client, [HEARTBEAT.entry])
    releases.up(code="first", layer="first", variable="first")
    first, first_version = releases.release.seen, releases.version()
    record("a")
    releases.up(code="second", layer="second", variable="second")
    second, second_version = releases.release.seen, releases.version()
    assert record("b").is_new
    assert not record("b").is_new

    plan = rollback(stack)
    assert [(each.alias.version, each.to) for each in plan.moves] == [
        (second_version, first_version)
    ]
    assert releases.seen() == first
    chosen = chosen_release(stack)
    assert chosen
    assert chosen.record.commit == "a" * 40
    with pytest.raises(ReleaseError, match="the newest version does not serve"):
        record("b")

    assert releases.up().changes == []
    assert releases.seen() == first, "an update without a change leaves it"
    steps = releases.stack.up(refresh=True)
    assert steps.names(OpType.UPDATE) == {"heartbeat-alias"}
    assert releases.seen() == second
    assert chosen_release(stack) is None
    assert not record("b").is_new, "the release that serves again is the one that was recorded"

    releases.up(code="third")
    pruned = record("c")
    assert first_version in pruned.deleted_versions[FUNCTION]
    assert releases.versions() == [second_version, releases.version()]
    rollback(stack, "b")
    assert releases.seen() == second, "a version that a record names is never deleted"
    with pytest.raises(ReleaseError, match="no older one is recorded"):
        rollback(stack)


def test_a_rollback_notices_an_update_that_moved_an_alias(releases: Releases) -> None:
    stack = ReleasedStack("test", releases.emulator.client, [HEARTBEAT.entry])
    plan = planned(stack, "c")
    releases.up(code="meanwhile")
    with pytest.raises(ReleaseError, match=r"nothing is rolled back: .* somebody else moved"):
        carry_out(stack, plan)
    assert releases.seen() == releases.release.seen
