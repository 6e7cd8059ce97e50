"""The mock monitor runs transforms as the engine does."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pulumi
import pulumi_aws as aws
import pytest

from components import transforms
from components.transforms import register_transforms
from program.engine import Engine, Registered
from tests.contracts.program_runs import LEAN, run_afresh

Transform = Callable[[pulumi.ResourceTransformArgs], pulumi.ResourceTransformResult | None]


def longer_retention(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if args.type_ != "aws:sqs/queue:Queue":
        return None
    return pulumi.ResourceTransformResult(
        {**args.props, "messageRetentionSeconds": 60},
        pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True)),
    )


def queue_made_with(monkeypatch: pytest.MonkeyPatch, *chosen: Transform) -> Registered:
    monkeypatch.setattr(transforms, "TRANSFORMS", chosen)
    engine = Engine()

    def program() -> None:
        register_transforms()
        aws.sqs.Queue("queue", name="letters")
        aws.sns.Topic("topic", name="news")

    engine.run(program)
    topic = engine.of_type("sns/topic")["topic"]
    assert (topic.inputs, topic.protect) == ({"name": "news"}, False)
    return engine.of_type("sqs/queue")["queue"]


def test_a_transform_changes_inputs_and_options(monkeypatch: pytest.MonkeyPatch):
    queue = queue_made_with(monkeypatch, longer_retention)
    assert queue.inputs == {"name": "letters", "messageRetentionSeconds": 60}
    assert queue.protect


def test_transforms_run_in_their_order(monkeypatch: pytest.MonkeyPatch):
    def twice(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        seconds = cast(int, args.props.get("messageRetentionSeconds", 7))
        if args.type_ != "aws:sqs/queue:Queue":
            return None
        return pulumi.ResourceTransformResult(
            {**args.props, "messageRetentionSeconds": 2 * seconds}, args.opts
        )

    assert queue_made_with(monkeypatch, longer_retention, twice).inputs == {
        "name": "letters",
        "messageRetentionSeconds": 120,
    }


def test_without_transforms_nothing_changes(monkeypatch: pytest.MonkeyPatch):
    assert queue_made_with(monkeypatch).inputs == {"name": "letters"}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_the_program_registers_the_teams_transforms_before_any_resource(
    preview: bool, monkeypatch: pytest.MonkeyPatch
):
    seen: set[str] = set()

    def notes_all(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        seen.add(args.name)
        return pulumi.ResourceTransformResult(args.props, args.opts)

    plain = run_afresh("staging", LEAN, name="t", preview=preview)
    monkeypatch.setattr(transforms, "TRANSFORMS", (notes_all,))
    changed = run_afresh("staging", LEAN, name="t", preview=preview)
    assert seen == {each.name for each in changed.engine.registered}
    by_urn = {each.urn: each for each in plain.engine.registered}
    for each in changed.engine.registered:
        assert each.inputs.keys() == by_urn[each.urn].inputs.keys(), each.urn
        assert each.protect == by_urn[each.urn].protect


def test_this_program_has_no_transforms_of_its_own():
    assert transforms.TRANSFORMS == ()
    assert "register_transforms()" in (Path(__file__).parents[2] / "__main__.py").read_text()
