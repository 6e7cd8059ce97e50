"""Speech is private: no audio, transcript or token is in a log line or a table.

The captions are, in a table of their own, for the minutes of captionHistoryMinutes.
"""

import base64
import json
from typing import Any

from client.sign_in import sign_in
from contract.tables import CAPTIONS, TABLES
from local.cloud import LocalCloud
from tests.local.audio.processors import wait_for_ending
from tests.local.audio.spoken import sentence, wait_for_words

WORDS = [31847, 32111, 29753]
WORDS_TIMEOUT_SECONDS = 60


def test_no_audio_transcript_or_token_is_in_any_log_line_or_other_table(
    cloud: LocalCloud,
) -> None:
    token = sign_in(cloud.outputs)
    speaker, listeners = cloud.speaker(token=token), cloud.listeners(2)
    session_id = speaker.create_session("en")
    for listener, language in zip(listeners, ("en", "es"), strict=True):
        listener.ask("joinSession", sessionId=session_id, targetLanguage=language)
    audio = sentence(WORDS)
    sequence = speaker.speak(audio)
    speaker.send_audio(audio[:101], sequence)
    speaker.expect("error")
    assert wait_for_words(listeners[0], WORDS, WORDS_TIMEOUT_SECONDS) == WORDS
    speaker.ask("endSession")
    wait_for_ending(cloud, session_id)

    secrets = {
        "audio": base64.b64encode(audio[:90]).decode(),
        "words": f"{WORDS[0]} {WORDS[1]}",
        "the token": token,
        "the token's signature": token.rpartition(".")[2],
    }
    kept = logged(cloud) + [json.dumps(row) for row in rows(cloud)]
    assert kept
    found = {what for what, secret in secrets.items() for text in kept if secret in text}
    assert not found


def logged(cloud: LocalCloud) -> list[str]:
    """Every line of every function's log."""
    return [
        event["message"]
        for group in cloud.outputs["logGroupNames"].values()
        for page in cloud.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=group)
        for event in page["events"]
    ]


def rows(cloud: LocalCloud) -> list[dict[str, Any]]:
    """Every row of every table but that of the captions."""
    return [
        row
        for table in TABLES
        if table != CAPTIONS
        for page in cloud.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=cloud.outputs[table.output])
        for row in page["Items"]
    ]
