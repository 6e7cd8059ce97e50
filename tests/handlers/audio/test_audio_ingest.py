"""A chunk arrives on its route: into its own session's queue, or refused by a post, or dropped."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from contract.actions import Role
from live_sessions.audio.chunks import ChunkQueues
from live_sessions.audio.hearing import SpeakersHeard
from live_sessions.audio.ingest import Ingest, SlotAllocator
from live_sessions.audio.slots import AudioSlots
from live_sessions.sessions.connections import ConnectionTable
from live_sessions.sessions.rows import SessionTable
from live_sessions.wire.messages import SendAudio
from live_sessions.wire.requests import Caller, Request
from tests.handlers.audio.chunk_maker import AUDIO, broadcasting, queued_sequences
from tests.handlers.audio.clock import StandingClock
from tests.handlers.conftest import OpenSockets, Stage, StageClients
from tests.handlers.environment import ENVIRONMENT

AUDIO_TEXT = base64.b64encode(AUDIO).decode()
SILENCES: dict[str, dict[str, Any]] = {
    "pauseBroadcast": {},
    "muteBroadcast": {},
    "setVolume": {"volumeLevel": 0},
    "speakerStateChange": {"state": {"isMuted": True, "isPaused": True}},
}


def errors(stage: Stage, connection_id: str) -> list[dict[str, Any]]:
    return stage.sockets.frames_of(connection_id, "error")


def code_of(stage: Stage, connection_id: str) -> str:
    """Of the one refusal that was posted; nothing was queued or started."""
    (frame,) = errors(stage, connection_id)
    assert queued_sequences(stage) == {}
    assert stage.processor_starts == []
    return frame["code"]


def send_text(stage: Stage, connection_id: str, body: str) -> None:
    event = stage.event(connection_id, "MESSAGE", "sendAudio", body)
    assert stage.entries["audio_ingest"](event, None) == {"statusCode": 200}


def send_fields(stage: Stage, connection_id: str, **fields: Any) -> None:
    message = {"action": "sendAudio", "audioData": AUDIO_TEXT, "sequence": 0, **fields}
    send_text(stage, connection_id, json.dumps(message))


# ---- what is accepted


def test_an_accepted_chunk_is_queued_and_nothing_is_said(
    stage: Stage, sockets: OpenSockets
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send_audio(speaker, 7, AUDIO, requestId="r1")
    assert sockets.posts == []
    (start,) = stage.processor_starts
    (body,) = stage.queued(f"audio-{start['slot']}")
    assert body.pop("arrivedAt") == stage.clock.now_ms()
    assert body == {
        "sessionId": session_id,
        "streamEpoch": 0,
        "connectionId": speaker,
        "sequence": 7,
        "sampleRateHertz": 16_000,
        "audio": AUDIO_TEXT,
    }


def test_the_next_chunks_go_to_the_same_queue_and_start_nothing(stage: Stage) -> None:
    speaker, _ = broadcasting(stage)
    for sequence in range(5):
        stage.send_audio(speaker, sequence, AUDIO)
    (start,) = stage.processor_starts
    assert queued_sequences(stage) == {start["slot"]: [0, 1, 2, 3, 4]}


def test_the_longest_chunk_fits_into_a_message(stage: Stage, sockets: OpenSockets) -> None:
    speaker, _ = broadcasting(stage)
    stage.send_audio(speaker, 2**53 - 1, bytes(24_000), requestId="r" * 64)
    assert sockets.posts == []
    assert len(queued_sequences(stage)) == 1


def test_a_message_of_the_largest_size_is_read_and_one_byte_more_is_not(stage: Stage) -> None:
    speaker, _ = broadcasting(stage)
    message = json.dumps({"action": "sendAudio", "audioData": AUDIO_TEXT, "sequence": 0})
    send_text(stage, speaker, message.ljust(32_768))
    assert errors(stage, speaker) == []
    assert list(queued_sequences(stage).values()) == [[0]]
    stage.processor_starts.clear()
    send_text(stage, speaker, message.ljust(32_769))
    assert code_of(stage, speaker) == "AUDIO_TOO_LARGE"


@pytest.mark.parametrize(
    ("rate", "longest"), [(8_000, 16_000), (11_025, 22_050), (16_000, 24_000), (48_000, 24_000)]
)
def test_a_chunk_has_a_second_at_most_at_its_sessions_rate(
    stage: Stage, rate: int, longest: int
) -> None:
    speaker, _ = broadcasting(stage, sample_rate_hertz=rate)
    stage.send_audio(speaker, 0, bytes(longest))
    assert errors(stage, speaker) == []
    stage.send_audio(speaker, 1, bytes(longest + 2))
    (error,) = errors(stage, speaker)
    assert error["code"] == "AUDIO_TOO_LARGE"
    assert error["details"] == {"bytes": longest + 2, "maxBytes": longest}
    (queued,) = stage.queued(f"audio-{stage.processor_starts[0]['slot']}")
    assert (queued["sequence"], queued["sampleRateHertz"]) == (0, rate)


def test_two_sessions_have_two_slots_and_two_processors(stage: Stage) -> None:
    (one, first), (two, second) = broadcasting(stage), broadcasting(stage)
    for sequence in range(3):
        stage.send_audio(one, sequence, AUDIO)
        stage.send_audio(two, sequence + 100, AUDIO)
    slots = {start["sessionId"]: start["slot"] for start in stage.processor_starts}
    assert slots.keys() == {first, second}
    assert len(stage.processor_starts) == 2
    assert queued_sequences(stage) == {slots[first]: [0, 1, 2], slots[second]: [100, 101, 102]}


# ---- what is not the speaker's


def test_a_listener_s_chunk_is_refused(stage: Stage) -> None:
    _, session_id = broadcasting(stage)
    listener = stage.join(session_id)
    stage.send_audio(listener, 0, AUDIO)
    assert code_of(stage, listener) == "UNAUTHORIZED_ACTION"


def test_a_chunk_that_names_another_session_goes_to_its_sender_s_own(stage: Stage) -> None:
    speaker, session_id = broadcasting(stage)
    _, other = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO, sessionId=other, connectionId="x", streamEpoch=9)
    (start,) = stage.processor_starts
    assert start["sessionId"] == session_id
    (body,) = stage.queued(f"audio-{start['slot']}")
    assert (body["sessionId"], body["connectionId"]) == (session_id, speaker)


def test_a_speaker_without_a_session_is_refused_whatever_session_they_name(stage: Stage) -> None:
    _, other = broadcasting(stage)
    speaker = stage.connect_speaker()
    stage.send_audio(speaker, 0, AUDIO, sessionId=other)
    assert code_of(stage, speaker) == "CONNECTION_NOT_FOUND"


# ---- audio while the broadcast is silent


@pytest.mark.parametrize("action", SILENCES)
def test_what_is_said_in_silence_is_dropped_without_a_word_and_starts_nothing(
    stage: Stage, sockets: OpenSockets, action: str
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send(speaker, action, **SILENCES[action])
    stage.send_audio(speaker, 0, AUDIO)
    assert queued_sequences(stage) == {}
    assert stage.processor_starts == []
    assert errors(stage, speaker) == []
    assert "audioClaim" not in stage.session(session_id)
    stage.send_audio(speaker, 0, AUDIO[:98])
    assert code_of(stage, speaker) == "INVALID_AUDIO"


def test_what_is_said_after_a_silence_is_queued_in_a_new_epoch(stage: Stage) -> None:
    speaker, _ = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    stage.send(speaker, "pauseBroadcast")
    stage.send_audio(speaker, 1, AUDIO)
    stage.send(speaker, "resumeBroadcast")
    stage.send_audio(speaker, 2, AUDIO)
    (start,) = stage.processor_starts
    bodies = stage.queued(f"audio-{start['slot']}")
    assert {(body["sequence"], body["streamEpoch"]) for body in bodies} == {(0, 0), (2, 1)}


@pytest.mark.parametrize(("sent_ms", "queued"), [(-1, []), (0, [1]), (1, [1])])
def test_what_was_said_in_silence_is_dropped_though_it_is_handled_after_it(
    stage: Stage, standing_clock: StandingClock, sent_ms: int, queued: list[int]
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send(speaker, "muteBroadcast")
    standing_clock.now += 0.01
    stage.send(speaker, "unmuteBroadcast")
    stage.send_audio(
        speaker, 1, AUDIO, arrived_at_ms=stage.session(session_id)["audibleSince"] + sent_ms
    )
    assert [number for each in queued_sequences(stage).values() for number in each] == queued
    assert errors(stage, speaker) == []


@pytest.mark.parametrize(("sent_ms", "queued"), [(-1, [1]), (0, []), (1, [])])
@pytest.mark.parametrize("action", SILENCES)
def test_what_was_said_before_a_silence_is_queued_though_it_is_handled_in_it(
    stage: Stage, action: str, sent_ms: int, queued: list[int]
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send(speaker, action, **SILENCES[action])
    stage.send_audio(
        speaker, 1, AUDIO, arrived_at_ms=stage.session(session_id)["silentSince"] + sent_ms
    )
    assert [number for each in queued_sequences(stage).values() for number in each] == queued


def test_what_was_said_before_a_silence_is_queued_in_its_epoch_though_it_is_handled_after_it(
    stage: Stage, standing_clock: StandingClock
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send(speaker, "pauseBroadcast")
    standing_clock.now += 0.01
    stage.send(speaker, "resumeBroadcast")
    stage.send_audio(speaker, 1, AUDIO, arrived_at_ms=stage.session(session_id)["silentSince"] - 1)
    (start,) = stage.processor_starts
    (chunk,) = stage.queued(f"audio-{start['slot']}")
    assert chunk["streamEpoch"] == stage.session(session_id)["streamEpoch"] - 1


def test_a_further_silence_does_not_move_the_beginning_of_the_first(stage: Stage) -> None:
    speaker, session_id = broadcasting(stage)
    stage.send(speaker, "pauseBroadcast")
    stage.change("sessions", {"sessionId": session_id}, silentSince=1)
    stage.send(speaker, "muteBroadcast")
    assert stage.session(session_id)["silentSince"] == 1


@pytest.mark.parametrize("is_remembered", [True, False])
def test_an_ended_session_takes_no_chunk(stage: Stage, is_remembered: bool) -> None:
    speaker, session_id = broadcasting(stage)
    if is_remembered:
        stage.send_audio(speaker, 0, AUDIO)
        queued_sequences(stage)
        stage.processor_starts.clear()
    stage.deliver_check({"check": "operatorEnd", "sessionId": session_id})
    stage.send_audio(speaker, 1, AUDIO)
    assert code_of(stage, speaker) == "SESSION_ENDED"


@pytest.mark.parametrize("keeps_transcript", [True, False])
def test_a_chunk_that_arrived_before_the_end_is_taken_after_it_for_a_transcript_alone(
    stage: Stage, keeps_transcript: bool
) -> None:
    speaker, session_id = broadcasting(stage)
    stage.change("sessions", {"sessionId": session_id}, keepTranscript=keeps_transcript)
    stage.send_audio(speaker, 0, AUDIO)
    queued_sequences(stage)
    stage.send(speaker, "endSession")
    ended_at = stage.session(session_id)["endedAt"]
    stage.send_audio(speaker, 1, AUDIO, arrived_at_ms=ended_at - 1)
    stage.send_audio(speaker, 2, AUDIO, arrived_at_ms=ended_at)
    taken = [each for sequences in queued_sequences(stage).values() for each in sequences]
    assert taken == ([1] if keeps_transcript else [])
    refused = [frame["code"] for frame in errors(stage, speaker)]
    assert refused == ["CONNECTION_NOT_FOUND"] * (1 if keeps_transcript else 2)


def test_an_expired_session_takes_no_chunk(stage: Stage) -> None:
    speaker, session_id = broadcasting(stage)
    stage.change("sessions", {"sessionId": session_id}, expiresAt=stage.clock.now_ms() // 1000)
    stage.send_audio(speaker, 0, AUDIO)
    assert code_of(stage, speaker) == "SESSION_ENDED"


def test_a_session_that_is_gone_takes_no_chunk(stage: Stage) -> None:
    speaker, session_id = broadcasting(stage)
    stage.dynamodb.delete_item(TableName="sessions", Key={"sessionId": {"S": session_id}})
    stage.send_audio(speaker, 0, AUDIO)
    assert code_of(stage, speaker) == "SESSION_NOT_FOUND"


def test_a_speaker_who_has_ended_their_session_is_in_none(stage: Stage) -> None:
    speaker, _ = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    queued_sequences(stage)
    stage.processor_starts.clear()
    stage.send(speaker, "endSession")
    stage.send_audio(speaker, 1, AUDIO)
    assert code_of(stage, speaker) == "CONNECTION_NOT_FOUND"


def test_the_next_session_on_the_same_socket_has_its_own_processor(stage: Stage) -> None:
    speaker, first = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    stage.send(speaker, "endSession")
    second = stage.create_session(speaker)
    queued_sequences(stage)
    stage.send_audio(speaker, 1, AUDIO)
    assert [start["sessionId"] for start in stage.processor_starts] == [first, second]
    slots = [start["slot"] for start in stage.processor_starts]
    assert slots[0] != slots[1], "the first one's processor does not know yet"
    (body,) = stage.queued(f"audio-{slots[1]}")
    assert body["sessionId"] == second


# ---- how a refusal is posted


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "too short": ({"audioData": base64.b64encode(bytes(98)).decode()}, "INVALID_AUDIO"),
    "odd": ({"audioData": base64.b64encode(bytes(101)).decode()}, "INVALID_AUDIO"),
    "too long": ({"audioData": base64.b64encode(bytes(24_002)).decode()}, "AUDIO_TOO_LARGE"),
    "no base64": ({"audioData": "~" * 200}, "INVALID_AUDIO"),
    "empty": ({"audioData": ""}, "INVALID_AUDIO"),
    "no text": ({"audioData": 5}, "INVALID_PARAMETER"),
    "audio of null": ({"audioData": None}, "INVALID_PARAMETER"),
    "a list": ({"audioData": [1, 2]}, "INVALID_PARAMETER"),
    "sequence of text": ({"sequence": "0"}, "INVALID_PARAMETER"),
    "sequence with a fraction": ({"sequence": 1.5}, "INVALID_PARAMETER"),
    "negative sequence": ({"sequence": -1}, "INVALID_PARAMETER"),
    "sequence of true": ({"sequence": True}, "INVALID_PARAMETER"),
    "sequence of null": ({"sequence": None}, "INVALID_PARAMETER"),
    "sequence too large": ({"sequence": 2**53}, "INVALID_PARAMETER"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_is_posted_with_the_request_s_id(stage: Stage, case: str) -> None:
    speaker, _ = broadcasting(stage)
    fields, code = REFUSED[case]
    send_fields(stage, speaker, requestId="r1", **fields)
    (frame,) = errors(stage, speaker)
    assert (frame["code"], frame["requestId"]) == (code, "r1")
    assert len(json.dumps(frame)) < 2000, "it does not send the audio back"
    assert code_of(stage, speaker) == code


@pytest.mark.parametrize("missing", ["audioData", "sequence"])
def test_both_parameters_are_needed(stage: Stage, missing: str) -> None:
    speaker, _ = broadcasting(stage)
    message = {"action": "sendAudio", "audioData": AUDIO_TEXT, "sequence": 0}
    del message[missing]
    send_text(stage, speaker, json.dumps(message))
    assert errors(stage, speaker)[0]["details"]["parameter"] == missing
    assert code_of(stage, speaker) == "INVALID_PARAMETER"


def test_the_first_failing_check_answers(stage: Stage) -> None:
    """Each message fails one check less than the one before it."""
    _, session_id = broadcasting(stage)
    listener, stranger = stage.join(session_id), stage.connect_speaker()
    speaker, ended = broadcasting(stage)
    stage.deliver_check({"check": "operatorEnd", "sessionId": ended})
    short = base64.b64encode(bytes(98)).decode()
    sound = {"action": "sendAudio", "audioData": AUDIO_TEXT, "sequence": 0}
    for sender, body, code in [
        (listener, "{".ljust(32_769), "AUDIO_TOO_LARGE"),
        (listener, "{", "INVALID_MESSAGE"),
        (listener, json.dumps({"requestId": 5}), "MISSING_ACTION"),
        (listener, json.dumps({"action": "shout", "requestId": 5}), "INVALID_ACTION"),
        (listener, json.dumps({"action": "heartbeat", "requestId": "r"}), "INVALID_ACTION"),
        (listener, json.dumps({**sound, "requestId": 5}), "INVALID_PARAMETER"),
        (listener, json.dumps({**sound, "audioData": short}), "UNAUTHORIZED_ACTION"),
        (stranger, json.dumps({**sound, "sequence": -1}), "INVALID_PARAMETER"),
        (stranger, json.dumps({**sound, "audioData": short}), "INVALID_AUDIO"),
        (stranger, json.dumps(sound), "CONNECTION_NOT_FOUND"),
        (speaker, json.dumps(sound), "SESSION_ENDED"),
    ]:
        stage.sockets.posts.clear()
        send_text(stage, sender, body)
        assert code_of(stage, sender) == code, body[:80]


def test_a_refusal_that_cannot_be_posted_raises_nothing(stage: Stage, sockets: OpenSockets) -> None:
    speaker, _ = broadcasting(stage)
    sockets.open.discard(speaker)
    stage.send_audio(speaker, 0, AUDIO[:98])
    sockets.failing.add(speaker)
    stage.send_audio(speaker, 0, AUDIO[:98])
    assert sockets.posts == []


# ---- what it costs


class Counting(StageClients):
    """Counts the reads of DynamoDB by table."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.reads: list[str] = []

    def dynamodb(self, **options: Any) -> Any:
        return CountedReads(super().dynamodb(**options), self.reads)


class CountedReads:
    def __init__(self, client: Any, reads: list[str]) -> None:
        self._client = client
        self._reads = reads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_item(self, **request: Any) -> Any:
        self._reads.append(request["TableName"])
        return self._client.get_item(**request)


def test_a_speaker_who_is_known_costs_one_read_a_chunk(stage: Stage) -> None:
    speaker, _ = broadcasting(stage)
    stage.clients = clients = Counting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    clients.reads.clear()
    stage.send_audio(speaker, 1, AUDIO)
    assert clients.reads == ["sessions"]


def test_the_remembered_speakers_are_bounded(stage: Stage) -> None:
    """The one that sent longest ago is read again."""
    speakers = [broadcasting(stage)[0] for _ in range(3)]
    clients = Counting(stage)
    sessions = SessionTable.of(clients, "sessions", stage.clock)
    connections = ConnectionTable.of(clients, "connections", stage.clock)
    ingest = Ingest(
        sessions,
        connections,
        SlotAllocator(
            sessions,
            AudioSlots(stage.dynamodb, "audio-slots", 3),
            clients.lambda_,
            ENVIRONMENT["AUDIO_PROCESSOR_FUNCTION"],
            slots_per_user=3,
        ),
        ChunkQueues(stage.sqs, ENVIRONMENT["AUDIO_QUEUE_URL_PREFIX"]),
        SpeakersHeard(connections),
        remembered_speakers=2,
    )

    def known(speaker: str) -> bool:
        clients.reads.clear()
        message = SendAudio(audio_data=AUDIO_TEXT, sequence=0)
        caller = Caller(speaker, Role.SPEAKER, None, stage.connected_at, "203.0.113.7")
        ingest.send_audio(Request(caller, message, stage.clock.now_ms(), None))
        return "connections" not in clients.reads

    assert not any(known(speaker) for speaker in speakers)
    assert known(speakers[2])
    assert known(speakers[1])
    assert not known(speakers[0])


def test_no_log_line_holds_audio_or_a_connection_id(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    speaker, _ = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    send_fields(stage, speaker, audioData=AUDIO_TEXT + "~")
    send_fields(stage, speaker, sequence=AUDIO_TEXT)
    logged = "\n".join(str(vars(each)) for each in caplog.records)
    assert "sendAudio" in logged
    assert AUDIO_TEXT[:20] not in logged
    assert speaker not in logged
