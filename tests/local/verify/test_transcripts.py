"""The transcript of a session on the local cloud, as `make verify` reads and erases it."""

import dataclasses
import re
from functools import partial

import pytest

from client.transcripts import wait_for_transcript
from local.cloud import LocalCloud
from operations.verify.checks import transcripts
from operations.verify.checks.transcripts import ERASED, TRANSCRIPT, transcript
from operations.verify.context import Context
from operations.verify.verdicts import Result
from tests.local.test_transcripts import close, say

SENTENCE = "Good evening, everybody."


def test_a_transcript_is_read_by_its_link_and_nothing_of_the_session_is_left(
    context: Context, verified_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = partial(wait_for_transcript, poll_seconds=0.5)
    monkeypatch.setattr(transcripts, "wait_for_transcript", quick)
    speaker = context.clients.speaker()
    session_id = speaker.create_session("en", keepTranscript=True)
    context.clients.track(session_id, speaker)
    say(verified_cloud, session_id, SENTENCE)
    waits: list[str] = []

    def close_at_the_first_wait(text: str) -> None:
        if not waits:
            close(verified_cloud, session_id)
        waits.append(text)

    seen = dataclasses.replace(context, say=close_at_the_first_wait)
    verdicts = {each.subject: each for each in transcript(seen, speaker, session_id, SENTENCE)}
    assert {each.result for each in verdicts.values()} == {Result.RIGHT}, verdicts
    assert verdicts[TRANSCRIPT].seen == f"1 lines, among them {SENTENCE!r}"
    # The function that wrote the transcript may have deleted the caption already.
    assert re.fullmatch("4 files and [01] captions were erased", verdicts[ERASED].seen)
    bucket = verified_cloud.outputs["transcriptsBucket"]
    files = verified_cloud.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    assert not [each["Key"] for each in files if session_id in each["Key"]]
