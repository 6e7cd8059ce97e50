"""The update that would remove a bucket with transcripts, and those that are let through."""

from __future__ import annotations

from typing import Any

import grpc
import pulumi
import pytest

from components.transcripts_left import LIST_OBJECTS, OF_TRANSCRIPTS, TranscriptsLeftError
from program.engine import Engine, RecordingMonitor
from program.run import run_program
from program.stack_config import recorded_config
from tests.contracts.program_runs import LEAN

BUCKET = "live-sessions-staging-transcripts-123456789012-eu-central-1"
KEY = "user/golden-eagle-427/1792000000000/en.json"


class Refused(grpc.RpcError):
    """The provider's answer to a call that AWS refuses."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self._code = code

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return f"listing S3 Bucket Objects: api error {self._code}: it is so"


NO_BUCKET, DENIED = Refused("NoSuchBucket"), Refused("AccessDenied")


class AccountWith(Engine):
    """An account whose buckets hold these keys, or whose answer is an error."""

    def __init__(self, answer: list[str] | Refused, *, preview: bool = False) -> None:
        super().__init__(preview=preview)
        self.answer = answer
        self.listed: list[str] = []

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token != LIST_OBJECTS:
            return super().call(args)
        self.listed.append(args.args["bucket"])
        if isinstance(self.answer, Refused):
            raise self.answer
        return {"keys": self.answer}, []


class StateWith(RecordingMonitor):
    """The state of a stack that has this bucket; None if it has no other than a team's own."""

    def __init__(self, engine: Engine, bucket: str | None) -> None:
        super().__init__(engine)
        self.bucket = bucket

    def state(self, stack: str) -> dict[str, Any]:
        own = {"type": "aws:s3/bucket:Bucket", "outputs": {"bucket": self.bucket}}
        other = {"type": "aws:s3/bucket:Bucket", "outputs": {"bucket": "recordings"}}
        found = {"urn:pulumi:x::y::aws:s3/bucket:Bucket::recordings": other}
        if self.bucket is None:
            return found
        return {
            **found,
            f"urn:pulumi:x::y::{OF_TRANSCRIPTS}transcripts-bucket": own,
        }


def updated(
    answer: list[str] | Refused,
    *,
    bucket: str | None = BUCKET,
    preview: bool = False,
    **settings: Any,
) -> AccountWith:
    """Run the program for a stack that has such a bucket."""
    engine = AccountWith(answer, preview=preview)
    run_program(
        engine,
        stack="staging",
        config=recorded_config("staging", {**LEAN, **settings}),
        monitor=StateWith(engine, bucket),
        preview=preview,
    )
    return engine


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize(
    ("answer", "why"),
    [([KEY], "it has some"), (DENIED, "whether it has any is not known: .*AccessDenied")],
    ids=["with transcripts", "that cannot be listed"],
)
def test_a_bucket_is_not_removed_as_long_as_it_may_have_transcripts(
    answer: list[str] | Refused, why: str, preview: bool
):
    with pytest.raises(TranscriptsLeftError, match=f"{BUCKET}.*{why}.*Set keepTranscriptBucket"):
        updated(answer, preview=preview)


@pytest.mark.parametrize("answer", [[], NO_BUCKET], ids=["empty", "deleted by hand"])
def test_a_bucket_without_transcripts_is_removed(answer: list[str] | Refused):
    engine = updated(answer)
    assert engine.listed == [BUCKET]
    assert engine.inputs("s3/bucket") == []
    assert engine.inputs("lambda/function")


@pytest.mark.parametrize(
    "settings", [{"transcripts": True}, {"keepTranscriptBucket": True}], ids=lambda each: str(each)
)
def test_a_bucket_that_stays_is_not_looked_into(settings: dict[str, Any]):
    engine = updated([KEY], **settings)
    assert engine.listed == []
    assert len(engine.inputs("s3/bucket")) == 1


def test_of_a_stack_without_such_a_bucket_aws_is_not_asked():
    assert updated([KEY], bucket=None).listed == []


def test_pulumi_prints_the_refusal_without_a_traceback():
    assert issubclass(TranscriptsLeftError, pulumi.RunError)
