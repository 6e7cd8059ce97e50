"""A session's transcript on the local cloud: from its captions to the file at the link."""

import json
import time
import urllib.request
from datetime import timedelta
from urllib.error import HTTPError

import pytest
import srt

from client.sockets import Frame
from contract.tables import CAPTIONS, SESSIONS
from local.cloud import LocalCloud
from tests.patience import PATIENCE_SECONDS, wait_until

SPOKEN_AFTER_MS = 2_500
HOUR_MS = 3_600_000


def say(cloud: LocalCloud, session_id: str, text: str) -> None:
    """A final transcript of the session reaches the translation function."""
    created_at = int(row(cloud, session_id)["createdAt"]["N"])
    answer = cloud.client("lambda").invoke(
        FunctionName=f"{cloud.outputs['functionNames']['translation']}:live",
        Payload=json.dumps(
            {
                "sessionId": session_id,
                "sequence": 1,
                "sourceLanguage": "en",
                "text": text,
                "isPartial": False,
                "spokenAt": created_at + SPOKEN_AFTER_MS,
            }
        ),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def row(cloud: LocalCloud, session_id: str) -> dict[str, dict[str, str]]:
    return cloud.client("dynamodb").get_item(
        TableName=cloud.outputs[SESSIONS.output], Key={"sessionId": {"S": session_id}}
    )["Item"]


def close(cloud: LocalCloud, session_id: str) -> None:
    """Let an ended session be closed, as if it had ended an hour ago; reconcile does it, too."""
    ended = row(cloud, session_id)
    ended["endedAt"]["N"] = str(int(ended["endedAt"]["N"]) - HOUR_MS)
    ended["createdAt"]["N"] = str(int(ended["createdAt"]["N"]) - HOUR_MS)
    cloud.client("dynamodb").put_item(TableName=cloud.outputs[SESSIONS.output], Item=ended)
    check = {"check": "secondPass", "sessionId": session_id}
    cloud.client("sqs").send_message(
        QueueUrl=cloud.outputs["queueUrls"]["sessionChecks"], MessageBody=json.dumps(check)
    )


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
        return answer.read().decode()


def test_the_speaker_of_an_ended_session_fetches_its_subtitles_by_the_link(
    cloud: LocalCloud,
) -> None:
    speaker, listener = cloud.speaker(), cloud.listener()
    session_id = speaker.create_session("en", keepTranscript=True)
    joined = listener.ask("joinSession", sessionId=session_id, targetLanguage="en")
    assert joined["isTranscriptKept"] is True
    say(cloud, session_id, "Good evening, everybody.")
    speaker.ask("endSession")
    assert speaker.ask("getTranscript", sessionId=session_id)["code"] == "TRANSCRIPT_NOT_AVAILABLE"
    close(cloud, session_id)

    link = wait_for_link(cloud, session_id)
    (cue,) = srt.parse(fetched(link["url"]))
    assert cue.content == "Good evening, everybody."
    said_at = timedelta(milliseconds=SPOKEN_AFTER_MS + HOUR_MS)
    assert abs(cue.start - said_at) < timedelta(seconds=1)
    # They are deleted when the transcript is complete, and then the link is there already.
    wait_until(lambda: not kept_captions(cloud, session_id))
    with pytest.raises(HTTPError, match="403"):
        fetched(link["url"].replace("en.srt", "en.txt"))


def test_what_is_understood_just_after_the_end_is_in_the_transcript_and_sent_to_nobody(
    cloud: LocalCloud,
) -> None:
    speaker, listener = cloud.speaker(), cloud.listener()
    session_id = speaker.create_session("en", keepTranscript=True)
    listener.ask("joinSession", sessionId=session_id, targetLanguage="es")
    speaker.ask("endSession")
    listener.expect("sessionEnded")
    say(cloud, session_id, "Good night, everybody.")
    languages = {each["sessionLanguage"]["S"] for each in kept_captions(cloud, session_id)}
    assert languages == {f"{session_id}#en", f"{session_id}#es"}
    close(cloud, session_id)
    (cue,) = srt.parse(fetched(wait_for_link(cloud, session_id)["url"]))
    assert cue.content == "Good night, everybody."
    assert listener.received("caption") == []


def kept_captions(cloud: LocalCloud, session_id: str) -> list[dict[str, dict[str, str]]]:
    captions = cloud.client("dynamodb").scan(TableName=cloud.outputs[CAPTIONS.output])["Items"]
    return [each for each in captions if session_id in each["sessionLanguage"]["S"]]


def wait_for_link(cloud: LocalCloud, session_id: str) -> Frame:
    speaker = cloud.speaker()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        frame = speaker.ask("getTranscript", sessionId=session_id, format="srt")
        if frame.type == "transcript" or time.monotonic() > deadline:
            assert frame.type == "transcript", dict(frame.body)
            return frame
        time.sleep(0.5)
