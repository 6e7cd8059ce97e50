"""A session that keeps a transcript: from createSession to the file that its speaker is sent to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import srt
from botocore.exceptions import ClientError

from live_sessions.aws.dynamodb import plain, typed
from live_sessions.captions.history import TRANSCRIPT_PATIENCE_SECONDS, CaptionTable
from live_sessions.captions.transcript_links import LINK_SECONDS
from live_sessions.captions.transcript_store import TranscriptFolder, TranscriptStore
from live_sessions.captions.transcripts import PIPELINE_TIMEOUT_SECONDS
from live_sessions.sessions.follow_ups import CLOSING_DELAY_SECONDS
from live_sessions.sessions.rows import CLOCK_MARGIN_MS, LAST_WORDS_SECONDS
from tests.handlers.captions.audience import Audience, gathered
from tests.handlers.conftest import LambdaContext, Stage, client
from tests.handlers.environment import ENVIRONMENT, REGION
from tests.handlers.translate_service import refused

BUCKET = ENVIRONMENT["TRANSCRIPTS_BUCKET"]
DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def now_ms(stage: Stage) -> list[int]:
    """The stage's clock: a list with the time, to be changed."""
    now_ms = [stage.clock.now_ms()]
    stage.clock = replace(stage.clock, now_ms=lambda: now_ms[0])
    return now_ms


@pytest.fixture
def bucket(stage: Stage) -> Iterator[Any]:
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield s3
    for key in keys(s3):
        s3.delete_object(Bucket=BUCKET, Key=key)
    s3.delete_bucket(Bucket=BUCKET)


class Kept:
    """A session of `user-1` that keeps a transcript, with an audience."""

    def __init__(self, audience: Audience, now_ms: list[int], speaker: str) -> None:
        self.audience, self.stage = audience, audience.stage
        self.now_ms, self.speaker = now_ms, speaker
        self.session_id = audience.session_id

    def say(self, *texts: str) -> None:
        for text in texts:
            self.audience.say(text)

    def captions(self, language: str) -> list[dict[str, Any]]:
        items = self.stage.dynamodb.scan(TableName="captions")["Items"]
        rows = [plain(item) for item in items]
        return [row for row in rows if row["sessionLanguage"] == f"{self.session_id}#{language}"]

    def end(self) -> None:
        assert self.stage.send(self.speaker, "endSession")["type"] == "sessionEnded"
        self.stage.run_fan_outs()

    def close(self) -> list[dict[str, Any]]:
        """Reconcile comes by, once the session may be closed; returns the tasks that were sent."""
        self.now_ms[0] += CLOSING_DELAY_SECONDS * 1000
        self.stage.reconcile()
        self.stage.run_fan_outs()
        return self.stage.queued("transcripts")

    def write(self, task: dict[str, Any]) -> None:
        self.stage.entries["transcripts"](
            {"Records": [{"body": json.dumps(task)}]}, LambdaContext()
        )

    def finish(self) -> dict[str, Any]:
        self.end()
        (task,) = self.close()
        self.write(task)
        return task

    def ask(self, speaker: str | None = None, **fields: Any) -> dict[str, Any]:
        return self.stage.send(
            speaker or self.speaker, "getTranscript", sessionId=self.session_id, **fields
        )


def create(stage: Stage, **fields: Any) -> tuple[str, dict[str, Any]]:
    speaker = stage.connect_speaker()
    return speaker, stage.send(speaker, "createSession", sourceLanguage="en", **fields)


@pytest.fixture
def kept(stage: Stage, now_ms: list[int], bucket: Any) -> Iterator[Kept]:
    with gathered(stage) as audience:
        speaker, created = create(stage, keepTranscript=True)
        audience.session_id = created["sessionId"]
        yield Kept(audience, now_ms, speaker)


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def content(s3: Any, key: str) -> str:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()


def file_at(s3: Any, url: str) -> str:
    """What a link leads to."""
    return content(s3, unquote(urlsplit(url).path).removeprefix("/"))


# ---- asking for a transcript


def test_listeners_are_told_whether_a_transcript_is_kept(kept: Kept) -> None:
    def joined(session_id: str) -> dict[str, Any]:
        listener = kept.stage.connect_listener()
        return kept.stage.send(listener, "joinSession", sessionId=session_id, targetLanguage="es")

    _, other = create(kept.stage)
    assert joined(kept.session_id)["isTranscriptKept"] is True
    assert joined(other["sessionId"])["isTranscriptKept"] is False
    # From now on the stack keeps none, and that session ends without one.
    stage = kept.stage
    stage.entries["connection"] = stage.build("connection", TRANSCRIPTS="false")
    assert joined(kept.session_id)["isTranscriptKept"] is False


def test_a_stack_that_keeps_none_refuses_to_keep_one_and_creates_no_session(stage: Stage) -> None:
    stage.entries["connection"] = stage.build("connection", TRANSCRIPTS="false")
    _, frame = create(stage, keepTranscript=True)
    assert (frame["type"], frame["code"]) == ("error", "INVALID_PARAMETER")
    assert frame["details"]["parameter"] == "keepTranscript"
    assert "transcripts" in frame["message"]
    assert stage.dynamodb.scan(TableName="sessions")["Items"] == []


def test_a_stack_that_keeps_none_creates_sessions_without_one(stage: Stage) -> None:
    stage.entries["connection"] = stage.build("connection", TRANSCRIPTS="false")
    assert create(stage)[1]["type"] == "sessionCreated"
    assert create(stage, keepTranscript=False)[1]["type"] == "sessionCreated"


# ---- the captions, until then


def test_the_captions_stay_for_two_days_after_the_sessions_latest_end(kept: Kept) -> None:
    kept.say("One.")
    (row,) = kept.captions("en")
    expires_at = kept.stage.session(kept.session_id)["expiresAt"]
    assert row["ttl"] == expires_at + TRANSCRIPT_PATIENCE_SECONDS


def test_listeners_are_shown_no_more_of_a_session_that_keeps_a_transcript(kept: Kept) -> None:
    kept.say("One.")
    kept.now_ms[0] += 3 * 60_000
    kept.say("Two.")
    listener = kept.stage.join(kept.session_id, "en")
    shown = kept.stage.send(listener, "getCaptions")["captions"]
    assert [each["text"] for each in shown] == ["Two."]
    assert [row["text"] for row in kept.captions("en")] == ["One.", "Two."]


def without_history(kept: Kept, **variables: str) -> None:
    captioning = kept.audience.captioning
    history = replace(
        captioning.history, minutes=0, keeps_transcripts=variables["TRANSCRIPTS"] == "true"
    )
    kept.audience.captioning = replace(captioning, history=history)
    kept.stage.entries["connection"] = kept.stage.build(
        "connection", CAPTION_HISTORY_MINUTES="0", **variables
    )


def test_without_a_history_captions_are_kept_for_the_transcript_and_shown_to_nobody(
    kept: Kept,
) -> None:
    without_history(kept, TRANSCRIPTS="true")
    kept.say("One.")
    assert len(kept.captions("en")) == 1
    listener = kept.stage.join(kept.session_id, "en")
    assert kept.stage.send(listener, "getCaptions")["captions"] == []


def test_without_a_history_a_session_that_keeps_no_transcript_writes_no_caption(
    kept: Kept,
) -> None:
    without_history(kept, TRANSCRIPTS="true")
    kept.audience.session_id = create(kept.stage)[1]["sessionId"]
    kept.say("One.")
    assert kept.stage.dynamodb.scan(TableName="captions")["Items"] == []


def test_a_stack_that_has_stopped_to_keep_transcripts_writes_no_caption(kept: Kept) -> None:
    without_history(kept, TRANSCRIPTS="false")
    kept.say("One.")
    assert kept.stage.dynamodb.scan(TableName="captions")["Items"] == []


# ---- who has it written


def test_a_transcript_is_asked_for_when_the_session_is_closed_and_not_before(kept: Kept) -> None:
    kept.end()
    assert kept.stage.queued("transcripts") == []
    row = kept.stage.session(kept.session_id)
    assert kept.close() == [
        {
            "sessionId": kept.session_id,
            "userId": "user-1",
            "sourceLanguage": "en",
            "createdAt": row["createdAt"],
            "endedAt": row["endedAt"],
        }
    ]
    assert "activeShard" not in kept.stage.session(kept.session_id)
    assert kept.close() == []


def test_the_transcript_of_a_session_that_expired_is_written_too(kept: Kept) -> None:
    kept.now_ms[0] += 9 * 3600 * 1000
    kept.stage.reconcile()
    kept.stage.run_fan_outs()
    assert [each["sessionId"] for each in kept.close()] == [kept.session_id]


def test_an_operators_end_leaves_a_transcript(kept: Kept) -> None:
    kept.stage.deliver_check({"check": "operatorEnd", "sessionId": kept.session_id})
    kept.stage.run_fan_outs()
    assert [each["sessionId"] for each in kept.close()] == [kept.session_id]


def test_a_lost_speakers_session_leaves_a_transcript(kept: Kept) -> None:
    kept.stage.disconnect(kept.speaker)
    kept.stage.run_checks()
    kept.stage.run_fan_outs()
    assert [each["sessionId"] for each in kept.close()] == [kept.session_id]


def test_a_session_without_a_transcript_asks_for_none(kept: Kept) -> None:
    speaker, created = create(kept.stage)
    kept.end()
    kept.stage.send(speaker, "endSession")
    kept.stage.run_fan_outs()
    assert [each["sessionId"] for each in kept.close()] == [kept.session_id]
    assert "activeShard" not in kept.stage.session(created["sessionId"])


def test_a_task_that_could_not_be_sent_leaves_the_session_to_reconcile(kept: Kept) -> None:
    kept.end()
    handler: Any = kept.stage.entries["fan_out"]

    class Broken:
        def send(self, task: object) -> None:
            raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage")

    kept.stage.entries["fan_out"] = replace(handler, transcripts=Broken())
    with pytest.raises(ClientError):
        kept.close()
    assert "activeShard" in kept.stage.session(kept.session_id)
    kept.stage.entries["fan_out"] = handler
    assert [each["sessionId"] for each in kept.close()] == [kept.session_id]


# ---- the last words


def posted(kept: Kept) -> list[dict[str, Any]]:
    return [frame for _, frame in kept.stage.sockets.posts if frame["type"] == "caption"]


def test_what_is_understood_just_after_the_end_is_in_the_transcript_and_posted_to_nobody(
    kept: Kept, bucket: Any
) -> None:
    kept.audience.join("es")
    kept.say("One.")
    before = posted(kept)
    kept.end()
    kept.say("Two.")
    assert posted(kept) == before
    (task,) = kept.close()
    kept.write(task)
    assert file_at(bucket, kept.ask()["url"]) == "One.\nTwo.\n"
    assert file_at(bucket, kept.ask(language="es")["url"]) == "[es] One.\n[es] Two.\n"
    assert kept.captions("en") == kept.captions("es") == []


def test_last_words_are_posted_to_nobody_who_has_not_been_notified_of_the_end_yet(
    kept: Kept,
) -> None:
    kept.audience.join("es")
    kept.stage.send(kept.speaker, "endSession")
    kept.say("One.")
    assert posted(kept) == []
    assert len(kept.captions("es")) == 1


def test_last_words_that_come_twice_are_one_caption(kept: Kept) -> None:
    kept.end()
    for _ in range(2):
        kept.audience.say("One.", sequence=7)
    assert [row["sequence"] for row in kept.captions("en")] == [7]


def test_last_words_that_cannot_be_translated_are_kept_as_they_were_said(kept: Kept) -> None:
    kept.audience.join("es")
    kept.end()
    kept.audience.service.answers["es"] = lambda _: refused("InternalServerException", 500)
    kept.say("One.")
    ((row,), (original,)) = kept.captions("es"), kept.captions("en")
    assert (row["text"], row["translated"], original["text"]) == ("One.", False, "One.")


def test_the_last_words_of_a_session_that_has_just_expired_are_kept(kept: Kept) -> None:
    kept.now_ms[0] = kept.stage.session(kept.session_id)["expiresAt"] * 1000
    kept.say("One.")
    assert posted(kept) == []
    assert len(kept.captions("en")) == 1


@pytest.mark.parametrize("is_written", [False, True])
def test_what_comes_too_late_leaves_no_row_whether_the_transcript_is_written_or_not(
    kept: Kept, bucket: Any, is_written: bool
) -> None:
    kept.say("One.")
    kept.end()
    kept.now_ms[0] += LAST_WORDS_SECONDS * 1000
    if is_written:
        (task,) = kept.close()
        kept.write(task)
    written = {key: content(bucket, key) for key in keys(bucket)}
    kept.say("Two.")
    assert [row["text"] for row in kept.captions("en")] == ([] if is_written else ["One."])
    assert {key: content(bucket, key) for key in keys(bucket)} == written


def test_partial_last_words_are_not_kept(kept: Kept) -> None:
    kept.end()
    kept.audience.say("On", isPartial=True)
    assert kept.captions("en") == []


def test_a_session_without_a_transcript_writes_nothing_after_its_end(kept: Kept) -> None:
    speaker, created = create(kept.stage)
    kept.audience.session_id = created["sessionId"]
    kept.say("One.")
    kept.stage.send(speaker, "endSession")
    kept.say("Two.")
    rows = [plain(item) for item in kept.stage.dynamodb.scan(TableName="captions")["Items"]]
    assert [row["text"] for row in rows] == ["One."]


def test_a_stack_that_has_stopped_to_keep_transcripts_keeps_no_last_words(kept: Kept) -> None:
    captioning = kept.audience.captioning
    kept.audience.captioning = replace(
        captioning, history=replace(captioning.history, keeps_transcripts=False)
    )
    kept.end()
    kept.say("One.")
    assert kept.captions("en") == []


def test_no_invocation_that_keeps_last_words_is_running_when_the_transcript_is_written() -> None:
    margin_seconds = CLOCK_MARGIN_MS / 1000
    assert LAST_WORDS_SECONDS + PIPELINE_TIMEOUT_SECONDS + margin_seconds <= CLOSING_DELAY_SECONDS


# ---- how soon


def deliver_checks_in_time(kept: Kept) -> None:
    """Each check when it is due, until none is left; reconcile does not come by."""
    while checks := kept.stage.queued_with_delay("session-checks"):
        sent_ms = kept.now_ms[0]
        for body, delay_seconds in sorted(checks, key=lambda check: check[1]):
            kept.now_ms[0] = max(kept.now_ms[0], sent_ms + delay_seconds * 1000)
            kept.stage.deliver_check(json.loads(body))
            kept.stage.run_fan_outs()


ENDS = {
    "endSession": lambda kept: kept.stage.send(kept.speaker, "endSession"),
    "operator": lambda kept: kept.stage.deliver_check(
        {"check": "operatorEnd", "sessionId": kept.session_id}
    ),
    "lost speaker": lambda kept: kept.stage.disconnect(kept.speaker),
    "reconcile": lambda kept: (
        kept.now_ms.__setitem__(0, kept.now_ms[0] + 9 * 3600 * 1000),
        kept.stage.reconcile(),
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_transcript_is_asked_for_once_and_within_a_minute_whatever_ended_the_session(
    kept: Kept, end: str
) -> None:
    kept.audience.join("es")
    ENDS[end](kept)
    kept.stage.run_fan_outs()
    deliver_checks_in_time(kept)
    (task,) = kept.stage.queued("transcripts")
    assert task["sessionId"] == kept.session_id
    assert CLOSING_DELAY_SECONDS <= (kept.now_ms[0] - task["endedAt"]) / 1000 <= 60
    assert "activeShard" not in kept.stage.session(kept.session_id)


def test_a_session_without_a_transcript_is_closed_by_reconcile(kept: Kept) -> None:
    speaker, created = create(kept.stage)
    kept.stage.send(speaker, "endSession")
    deliver_checks_in_time(kept)
    assert "activeShard" in kept.stage.session(created["sessionId"])
    assert kept.stage.queued("transcripts") == []


def test_a_second_pass_that_is_delivered_twice_changes_nothing_in_the_transcript(
    kept: Kept, bucket: Any
) -> None:
    kept.say("One.", "Two.")
    kept.stage.send(kept.speaker, "endSession")
    for _ in range(2):
        kept.stage.deliver_check({"check": "secondPass", "sessionId": kept.session_id})
    deliver_checks_in_time(kept)
    tasks = kept.stage.queued("transcripts")
    for task in tasks:
        kept.write(task)
    assert file_at(bucket, kept.ask()["url"]) == "One.\nTwo.\n"


def test_a_task_that_reads_captions_while_another_deletes_them_changes_no_file(
    kept: Kept, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.audience.join("es")
    kept.say("One.", "Two.")
    task = kept.finish()
    before = {key: content(bucket, key) for key in keys(bucket)}
    # It had asked before the other one was done.
    monkeypatch.setattr(TranscriptStore, "is_complete", lambda *_: False)
    left = {"sessionLanguage": f"{kept.session_id}#en", "sequence": 2, "text": "Two."}
    written_at = task["endedAt"]
    row = {**left, "translated": False, "spokenAt": written_at, "writtenAt": written_at, "ttl": 1}
    kept.stage.dynamodb.put_item(TableName="captions", Item=typed(row))
    kept.write(task)
    assert {key: content(bucket, key) for key in keys(bucket)} == before
    assert kept.captions("en") == []


# ---- writing it


def test_a_transcript_has_a_file_of_each_format_for_each_language(kept: Kept, bucket: Any) -> None:
    kept.audience.join("es")
    kept.say("One.", "Two.")
    created_at = kept.stage.session(kept.session_id)["createdAt"]
    kept.finish()
    folder = f"user-1/{kept.session_id}/{created_at}"
    assert sorted(keys(bucket)) == sorted(
        f"{folder}/{language}.{file_format}"
        for language in ("en", "es")
        for file_format in ("txt", "srt", "vtt", "json")
    )
    assert content(bucket, f"{folder}/en.txt") == "One.\nTwo.\n"
    assert content(bucket, f"{folder}/es.txt") == "[es] One.\n[es] Two.\n"


def test_a_language_that_was_read_late_begins_in_the_source_language(
    kept: Kept, bucket: Any
) -> None:
    kept.say("One.")
    kept.audience.join("es")
    kept.say("Two.")
    kept.finish()
    (key,) = [each for each in keys(bucket) if each.endswith("/es.txt")]
    assert content(bucket, key) == "One.\n[es] Two.\n"


def test_the_captions_are_deleted_once_the_transcript_is_written(kept: Kept) -> None:
    kept.audience.join("es")
    kept.say(*(f"{number}." for number in range(40)))
    kept.finish()
    assert kept.captions("en") == kept.captions("es") == []


def test_the_captions_of_another_session_stay(kept: Kept) -> None:
    kept.say("One.")
    row = kept.captions("en")[0]
    earlier = {**row, "sequence": 900, "writtenAt": row["writtenAt"] - DAY_MS, "text": "Before."}
    other = {**row, "sessionLanguage": "other-1#en"}
    for each in (earlier, other):
        kept.stage.dynamodb.put_item(TableName="captions", Item=typed(each))
    kept.finish()
    left = [plain(item) for item in kept.stage.dynamodb.scan(TableName="captions")["Items"]]
    assert sorted(left, key=str) == sorted([earlier, other], key=str)


def test_a_task_that_is_delivered_again_does_not_empty_the_transcript(
    kept: Kept, bucket: Any
) -> None:
    kept.say("One.", "Two.")
    task = kept.finish()
    before = {key: content(bucket, key) for key in keys(bucket)}
    kept.write(task)
    assert {key: content(bucket, key) for key in keys(bucket)} == before


def failing_once(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, *, at_call: int) -> None:
    original, calls = getattr(owner, name), [0]

    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] == at_call:
            raise ClientError({"Error": {"Code": "SlowDown"}}, name)
        return original(self, *arguments, **named)

    monkeypatch.setattr(owner, name, method)


def test_a_transcript_that_was_written_in_part_is_written_again_with_every_caption(
    kept: Kept, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.audience.join("es")
    kept.say("One.", "Two.")
    kept.end()
    (task,) = kept.close()
    failing_once(monkeypatch, TranscriptStore, "write", at_call=2)
    with pytest.raises(ClientError):
        kept.write(task)
    assert kept.ask()["code"] == "TRANSCRIPT_NOT_AVAILABLE"
    assert len(kept.captions("en")) == len(kept.captions("es")) == 2
    kept.write(task)
    assert file_at(bucket, kept.ask()["url"]) == "One.\nTwo.\n"


def test_deletions_that_were_cut_short_are_finished_and_the_transcript_stays_whole(
    kept: Kept, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [f"{number}." for number in range(40)]
    kept.say(*said)
    kept.end()
    (task,) = kept.close()
    failing_once(monkeypatch, CaptionTable, "delete", at_call=2)
    with pytest.raises(ClientError):
        kept.write(task)
    assert 0 < len(kept.captions("en")) < 40
    kept.write(task)
    assert kept.captions("en") == []
    assert file_at(bucket, kept.ask()["url"]).split() == said


def test_a_session_in_which_nothing_was_said_has_no_transcript(kept: Kept, bucket: Any) -> None:
    kept.finish()
    assert keys(bucket) == []
    assert kept.ask()["code"] == "TRANSCRIPT_NOT_AVAILABLE"


def test_no_user_can_name_another_users_files() -> None:
    folder = TranscriptFolder(user_id="a/../b*?${c}", session_id="x/1", created_at=7)
    assert folder.key("en", "txt") == "a%2F..%2Fb%2A%3F%24%7Bc%7D/x%2F1/7/en.txt"


def test_no_caption_is_in_a_task_or_in_the_log(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.say("Utterly confidential.")
    task = kept.finish()
    kept.ask()
    assert "confidential" not in json.dumps(task)
    assert "confidential" not in capsys.readouterr().out


# ---- getting it


def test_a_speaker_is_sent_to_the_text_in_the_source_language(kept: Kept, bucket: Any) -> None:
    kept.say("One.")
    kept.finish()
    frame = kept.ask(requestId="r1")
    assert frame["type"] == "transcript", frame
    assert (frame["language"], frame["format"], frame["requestId"]) == ("en", "txt", "r1")
    assert frame["sessionId"] == kept.session_id
    assert file_at(bucket, frame["url"]) == "One.\n"


def test_a_speaker_may_ask_for_another_language_and_format(kept: Kept, bucket: Any) -> None:
    kept.audience.join("es")
    kept.say("One.")
    kept.finish()
    frame = kept.ask(language="es-ES", format="srt")
    assert (frame["language"], frame["format"]) == ("es", "srt")
    assert [cue.content for cue in srt.parse(file_at(bucket, frame["url"]))] == ["[es] One."]


def test_a_link_holds_for_15_minutes_and_not_longer_than_the_keys_that_signed_it(
    kept: Kept,
) -> None:
    kept.say("One.")
    kept.finish()
    frame = kept.ask()
    query = parse_qs(urlsplit(frame["url"]).query)
    seconds = int(query["X-Amz-Expires"][0])
    assert 0 < seconds <= LINK_SECONDS
    assert frame["expiresAt"] == kept.now_ms[0] + seconds * 1000
    assert "X-Amz-Security-Token" in query


def test_a_link_of_keys_that_expire_earlier_expires_with_them(kept: Kept) -> None:
    kept.say("One.")
    kept.finish()
    kept.now_ms[0] += 10 * 60_000
    frame = kept.ask()
    seconds = int(parse_qs(urlsplit(frame["url"]).query)["X-Amz-Expires"][0])
    assert seconds < 5 * 60
    assert frame["expiresAt"] == kept.now_ms[0] + seconds * 1000


def test_there_is_none_before_the_session_has_ended(kept: Kept) -> None:
    kept.say("One.")
    frame = kept.stage.send(kept.speaker, "getTranscript")
    assert (frame["code"], frame["details"]["sessionId"]) == (
        "TRANSCRIPT_NOT_AVAILABLE",
        kept.session_id,
    )


def test_a_speaker_in_no_session_has_to_name_one(kept: Kept) -> None:
    other = kept.stage.connect_speaker()
    assert kept.stage.send(other, "getTranscript")["code"] == "CONNECTION_NOT_FOUND"


def test_another_user_is_refused_and_learns_nothing_of_it(kept: Kept) -> None:
    kept.say("One.")
    kept.finish()
    other = kept.stage.connect_speaker("user-2")
    frame = kept.ask(other)
    assert frame["code"] == "UNAUTHORIZED_ACTION"
    kept.stage.dynamodb.delete_item(TableName="sessions", Key=typed({"sessionId": kept.session_id}))
    frame = kept.ask(other)
    assert frame["code"] == "TRANSCRIPT_NOT_AVAILABLE"
    assert "url" not in frame


def test_its_user_gets_it_after_the_sessions_row_is_gone(kept: Kept, bucket: Any) -> None:
    kept.say("One.")
    kept.finish()
    kept.stage.dynamodb.delete_item(TableName="sessions", Key=typed({"sessionId": kept.session_id}))
    frame = kept.ask()
    assert (frame["language"], file_at(bucket, frame["url"])) == ("en", "One.\n")


def test_a_language_that_nobody_read_is_refused_with_those_that_there_are(kept: Kept) -> None:
    kept.say("One.")
    kept.finish()
    frame = kept.ask(language="fr")
    assert frame["code"] == "TRANSCRIPT_NOT_AVAILABLE"
    assert "there is en" in frame["message"]


def test_a_session_without_keepTranscript_has_none(kept: Kept) -> None:
    speaker, created = create(kept.stage)
    kept.stage.send(speaker, "endSession")
    frame = kept.stage.send(speaker, "getTranscript", sessionId=created["sessionId"])
    assert frame["code"] == "TRANSCRIPT_NOT_AVAILABLE"
    assert "keepTranscript" in frame["message"]


def test_a_stack_without_a_bucket_has_none(kept: Kept) -> None:
    kept.say("One.")
    kept.finish()
    kept.stage.entries["connection"] = kept.stage.build("connection", TRANSCRIPT_READER_ROLE="none")
    assert kept.ask()["code"] == "TRANSCRIPT_NOT_AVAILABLE"


def test_a_stack_that_stopped_to_write_transcripts_still_gives_those_it_has(
    kept: Kept, bucket: Any
) -> None:
    kept.say("One.")
    kept.finish()
    kept.stage.entries["connection"] = kept.stage.build("connection", TRANSCRIPTS="false")
    assert file_at(bucket, kept.ask()["url"]) == "One.\n"


def test_no_listener_may_ask_for_a_transcript(kept: Kept) -> None:
    listener = kept.stage.join(kept.session_id, "es")
    assert kept.ask(listener)["code"] == "UNAUTHORIZED_ACTION"
