"""Audio shows that a speaker's socket is alive, without a write for each chunk."""

from __future__ import annotations

from live_sessions.audio.hearing import SpeakersHeard
from live_sessions.aws.runtime import Clock
from live_sessions.sessions.connections import ConnectionTable
from tests.handlers.audio.chunk_maker import AUDIO, broadcasting, queued_sequences
from tests.handlers.conftest import Stage
from tests.handlers.intercepted_clients import THROTTLED, fail_with, intercepted


def test_audio_renews_a_row_that_has_heartbeats_once_a_minute_and_not_with_each_chunk(
    stage: Stage,
) -> None:
    clients = intercepted(stage)
    now_ms = [1_800_000_000_000]
    stage.connected_at = now_ms[0]
    stage.clock = Clock(now_ms=lambda: now_ms[0], sleep=lambda seconds: None)
    speaker, _ = broadcasting(stage)
    stage.send(speaker, "heartbeat")
    with clients.intercept(
        "update_item", lambda call: call.carry_out(), TableName="connections"
    ) as writes:
        for sequence in range(25):
            stage.send_audio(speaker, sequence, AUDIO)
            now_ms[0] += 10_000
    assert len(writes) == 5, "one in each minute that began"
    assert stage.connection(speaker)["lastHeardAt"] == 1_800_000_240_000


def test_a_speaker_who_never_sent_a_heartbeat_is_not_marked_by_audio(stage: Stage) -> None:
    speaker, _ = broadcasting(stage)
    stage.send_audio(speaker, 0, AUDIO)
    assert "lastHeardAt" not in stage.connection(speaker)


def test_audio_is_queued_although_the_row_cannot_be_renewed(stage: Stage) -> None:
    clients = intercepted(stage)
    speaker, _ = broadcasting(stage)
    with clients.intercept("update_item", fail_with(THROTTLED), TableName="connections") as calls:
        stage.send_audio(speaker, 0, AUDIO)
    assert len(calls) == 1
    assert list(queued_sequences(stage).values()) == [[0]]


def test_the_speakers_whose_minute_is_remembered_are_bounded(stage: Stage) -> None:
    clients = intercepted(stage)
    connections = ConnectionTable.of(clients, "connections", stage.clock)
    heard = SpeakersHeard(connections, remembered_speakers=2)
    with clients.intercept("update_item", lambda call: call.carry_out()) as writes:
        for speaker in ("a", "b", "c", "c", "b", "a"):
            heard.heard(speaker, at_ms=1_800_000_000_000)
    assert len(writes) == 4, "the one that was heard longest ago is forgotten"
    assert stage.connection("a") == {}, "no row comes out of nothing"
