"""The bucket of transcripts, what writes to it, and what there is of it where none are kept."""

import json

import pytest

from components.grants import Grant
from contract.functions import NONE
from contract.transcripts import bucket_name
from program.computed import ACCOUNT, REGION
from program.engine import Engine
from tests.components import stack_parts
from tests.contracts.program_runs import LEAN, run

FILES = ("s3/bucket", "s3/bucketPolicy", "s3/bucketPublicAccessBlock", "iam/role", "sqs/queue")


def made(*, is_writing: bool, is_kept: bool) -> tuple[Engine, dict[str, Grant]]:
    engine, grants = Engine(), dict[str, Grant]()

    def program() -> None:
        store = stack_parts.transcripts(is_writing=is_writing, is_kept=is_kept)
        grants.update(starting=store.starting(), reading=store.reading())

    engine.run(program)
    return engine, grants


def test_a_stack_without_transcripts_has_no_bucket_and_no_right():
    engine, grants = made(is_writing=False, is_kept=False)
    assert {typ: engine.inputs(typ) for typ in FILES} == {typ: [] for typ in FILES}
    assert engine.inputs("lambda/function") == []
    assert [grant.statements for grant in grants.values()] == [(), ()]
    assert grants["starting"].variables == {"TRANSCRIPTS_QUEUE_URL": NONE}
    assert grants["reading"].variables["TRANSCRIPT_READER_ROLE"] == NONE


def test_a_stack_that_keeps_nothing_has_no_right_to_captions_and_no_bucket():
    stack = run("staging", {**LEAN, "captionHistoryMinutes": 0, "transcripts": False})
    policies = [each["policy"] for each in stack.engine.inputs("iam/rolePolicy")]
    assert policies
    assert not [each for each in policies if "-captions" in each or "s3:" in each]
    assert not [each for each in policies if "-transcript" in each]
    assert stack.engine.inputs("s3/bucket") == []
    assert "transcriptsBucket" not in stack.outputs


def test_a_stack_with_transcripts_alone_writes_captions_and_shows_none():
    stack = run("staging", {**LEAN, "captionHistoryMinutes": 0, "transcripts": True})
    prefix = "live-sessions-staging"
    assert "KeepCaptions" in stack.engine.statements(f"{prefix}-translation")
    assert "ReadCaptions" not in stack.engine.statements(f"{prefix}-connection")


def test_where_no_more_are_written_the_bucket_stays_and_speakers_can_read_it():
    engine, grants = made(is_writing=False, is_kept=True)
    assert len(engine.inputs("s3/bucket")) == 1
    assert engine.inputs("lambda/function") == engine.inputs("sqs/queue") == []
    assert grants["starting"].statements == ()
    (statement,) = grants["reading"].statements
    assert statement.actions == ("sts:AssumeRole",)


def test_the_bucket_stays_the_same_resource_when_no_more_are_written():
    config = {**LEAN, "transcripts": True}
    stopped = {**LEAN, "transcripts": False, "keepTranscriptBucket": True}
    before, after = (run("staging", each).engine for each in (config, stopped))

    def urns(engine: Engine) -> set[str]:
        return {each.urn for each in engine.registered if "aws:s3/" in each.typ}

    assert urns(before) == urns(after) != set()
    assert before.only("s3/bucket") == after.only("s3/bucket")


def test_transcripts_are_encrypted_and_deleted_after_their_retention():
    engine, _ = made(is_writing=True, is_kept=True)
    (rule,) = engine.only("s3/bucketServerSideEncryptionConfiguration")["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    (rule,) = engine.only("s3/bucketLifecycleConfiguration")["rules"]
    assert (rule["status"], rule["expiration"], rule["filter"]) == (
        "Enabled",
        {"days": 30},
        {"prefix": ""},
    )


def test_a_task_that_fails_again_and_again_is_kept():
    engine, _ = made(is_writing=True, is_kept=True)
    queues = {each["name"]: each for each in engine.inputs("sqs/queue")}
    redrive = json.loads(queues["live-sessions-test-transcripts"]["redrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(":live-sessions-test-transcript-failures")
    function = engine.only("lambda/function")
    visibility = queues["live-sessions-test-transcripts"]["visibilityTimeoutSeconds"]
    assert visibility >= function["timeout"]


def test_the_bucket_has_a_name_with_account_and_region():
    name = bucket_name("live-sessions-staging", ACCOUNT, REGION)
    assert name == f"live-sessions-staging-transcripts-{ACCOUNT}-{REGION}"


@pytest.mark.parametrize("stack", ["production", "Dev_of_Zoe", "s" * 32, "a"])
@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-1"])
def test_every_stack_has_a_bucket_name_that_s3_allows(stack: str, region: str):
    name = bucket_name(f"live-sessions-{stack}", ACCOUNT, region)
    assert len(name) <= 63
    assert name == name.lower()
    assert "_" not in name
    assert name.endswith(f"-transcripts-{ACCOUNT}-{region}")


def test_two_stacks_have_two_buckets():
    names = {bucket_name(f"live-sessions-{stack}", ACCOUNT, REGION) for stack in ("Dev", "dev")}
    assert len(names) == 2
