"""Transcripts are switched on, off and on again; no update deletes one that is there."""

from typing import Any

import pytest
from pulumi.automation import CommandError, OpType

from contract.transcripts import bucket_name
from local.emulator.process import Emulator
from tests.components.stack_parts import PREFIX
from tests.engine.conftest import StartStack
from tests.engine.inventory import inventory
from tests.engine.stack import EngineStack
from tests.engine.steps import Steps
from tests.engine.transcripts_alone import ACCOUNT, transcripts_alone

WRITTEN = transcripts_alone(is_writing=True, is_kept=True)
KEPT = transcripts_alone(is_kept=True)
FORGOTTEN = transcripts_alone()
KEY = "user/golden-eagle-427/1792000000000/en.json"
UNKNOWN = "is not known"


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> EngineStack:
    started = start_stack(name="transcripts", program=WRITTEN)
    started.up()
    return started


@pytest.fixture(scope="module")
def bucket(stack: EngineStack, emulator: Emulator) -> str:
    name = bucket_name(PREFIX, ACCOUNT, emulator.region)
    emulator.client("s3").put_object(Bucket=name, Key=KEY, Body=b"{}")
    return name


def test_a_second_preview_is_empty_also_after_a_refresh(stack: EngineStack, bucket: str) -> None:
    for steps in (stack.preview(), stack.preview(refresh=True)):
        assert steps.changes == [], str(steps)


def test_a_bucket_that_is_kept_stays_with_all_that_is_about_it(
    stack: EngineStack, bucket: str, emulator: Emulator
) -> None:
    stack.use(KEPT)
    steps = stack.up()
    assert {step.op for step in steps.changes} == {OpType.DELETE}
    assert of_s3(steps) == set()
    assert "transcripts-function" in steps.names(OpType.DELETE)
    assert keys(emulator, bucket) == [KEY]


def test_an_update_that_would_delete_transcripts_is_refused_and_deletes_nothing(
    stack: EngineStack, bucket: str, emulator: Emulator
) -> None:
    before = inventory(emulator)
    stack.use(FORGOTTEN)
    for operation in (stack.preview, stack.up):
        assert "Set keepTranscriptBucket to true" in refusal(stack, operation)
        assert stack.steps.of(OpType.DELETE) == []
    assert inventory(emulator) == before
    assert keys(emulator, bucket) == [KEY]


def test_a_bucket_whose_transcripts_have_expired_goes_with_the_setting(
    stack: EngineStack, bucket: str, emulator: Emulator
) -> None:
    stack.use(FORGOTTEN)
    if UNKNOWN in refusal(stack, stack.preview):
        pytest.skip("this AWS plugin has no data source of a bucket's objects")
    emulator.client("s3").delete_object(Bucket=bucket, Key=KEY)
    steps = stack.preview()
    emulator.client("s3").put_object(Bucket=bucket, Key=KEY, Body=b"{}")
    assert "transcripts-bucket" in steps.names(OpType.DELETE)


def test_switched_on_again_it_is_the_same_bucket(
    stack: EngineStack, bucket: str, emulator: Emulator
) -> None:
    stack.use(WRITTEN)
    steps = stack.up()
    assert {step.op for step in steps.changes} == {OpType.CREATE}
    assert of_s3(steps) == set()
    assert keys(emulator, bucket) == [KEY]


def test_destroy_empties_an_unprotected_bucket_and_leaves_nothing(
    stack: EngineStack, bucket: str, emulator: Emulator
) -> None:
    steps = stack.destroy()
    assert {step.op for step in steps.changes} == {OpType.DELETE}
    assert emulator.client("s3").list_buckets()["Buckets"] == []
    assert inventory(emulator) == {}


def test_a_protected_bucket_that_pulumi_forgets_stays_private_and_its_files_expire(
    start_stack: StartStack, emulator: Emulator
) -> None:
    stack = start_stack(
        name="protected", program=transcripts_alone(is_kept=True, deletion_protection=True)
    )
    stack.up()
    name = stack.outputs["transcriptsBucket"]
    stack.pulumi("state", "unprotect", "--all", "--yes")
    stack.destroy()
    s3: Any = emulator.client("s3")
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert rule["Expiration"]["Days"] == 30
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=name)["Policy"]
    blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}


def of_s3(steps: Steps) -> set[str]:
    return {step.name for step in steps.changes if step.type.startswith("aws:s3/")}


def keys(emulator: Emulator, bucket: str) -> list[str]:
    found = emulator.client("s3").list_objects_v2(Bucket=bucket)
    return [each["Key"] for each in found.get("Contents", [])]


def refusal(stack: EngineStack, operation: Any) -> str:
    with pytest.raises(CommandError):
        operation()
    return "\n".join(stack.steps.errors)
