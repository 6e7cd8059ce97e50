"""What functions of two releases exchange: rows, queued messages, asynchronous events and ticks.

For some seconds of an update, and for long after a rollback, functions of two releases share them.
`recorded` has the functions of a release write them, `accept` has functions take them. The module
runs in the checkout of either release, with the `Stage` of its tests/handlers/conftest.py, so it
uses nothing else of them but the queue of chunks.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from live_sessions.audio.chunks import Chunk
from tests.handlers.conftest import LambdaContext, Stage

Recording = dict[str, Any]

TABLES = ("sessions", "connections", "audio-slots", "rate-limits")
SLOTS = ("0", "1", "2")
AUDIO = bytes(range(200))
FIRST_MS, LAST_MS = 1_600_000_000_000, 2_000_000_000_000
"""Whole numbers between these are times; a thousandth of them are times in seconds."""
HOUR_MS = 3_600_000
"""By which ticks are due later: none comes too late then, however busy the machine is."""

CONTROLS: dict[str, dict[str, Any]] = {
    "pauseBroadcast": {},
    "resumeBroadcast": {},
    "muteBroadcast": {},
    "unmuteBroadcast": {},
    "setVolume": {"volumeLevel": 0.5},
    "speakerStateChange": {"state": {"volume": 1}},
}


# ---- what one release writes


def recorded(stage: Stage, ticks: list[dict[str, Any]]) -> Recording:
    """A lively session with audio, one that ended, and one that is paused and lost its speaker.

    `ticks` are those of the release's rule that are due now. The stage's fan-out has pages of one
    listener, so that the lively session's last control and the end of another have several.
    """
    recording: Recording = {"recordedAt": _now_ms(), "ticks": ticks}
    speaker = stage.connect_speaker("user-lively")
    lively = stage.create_session(speaker)
    listeners = [stage.join(lively, language) for language in ("en", "es", "de")]
    stage.send(listeners[2], "changeLanguage", targetLanguage="fr")
    recording["controls"] = [
        stage.send(speaker, action, **fields)["type"] for action, fields in CONTROLS.items()
    ]
    for sequence in range(2):
        stage.send_audio(speaker, sequence, AUDIO)

    ending = stage.connect_speaker("user-ended")
    ended = stage.create_session(ending)
    left = stage.join(ended, "es")
    stage.send(ending, "endSession")

    ending_in_pages = stage.connect_speaker("user-ended-in-pages")
    ended_in_pages = stage.create_session(ending_in_pages)
    left_in_pages = [stage.join(ended_in_pages, language) for language in ("es", "de")]
    stage.send(ending_in_pages, "endSession")

    losing = stage.connect_speaker("user-lost")
    created = stage.send(losing, "createSession", sourceLanguage="en", access="passcode")
    lost, passcode = created["sessionId"], created.get("passcode", "")
    waiting = stage.connect_listener()
    stage.send(waiting, "joinSession", sessionId=lost, targetLanguage="de", passcode=passcode)
    stage.send(losing, "pauseBroadcast")
    stage.disconnect(losing)

    recording["names"] = {
        "lively": lively,
        "livelySpeaker": speaker,
        "livelyListeners": listeners,
        "ended": ended,
        "endedListener": left,
        "endedInPages": ended_in_pages,
        "endedListenersInPages": left_in_pages,
        "lost": lost,
        "lostListener": waiting,
        "idleSpeaker": stage.connect_speaker("user-idle"),
        "idleListener": stage.connect_listener(),
    }
    _invoke(stage, "session_status", shifted(ticks[0], HOUR_MS))
    recording["rows"] = {table: _rows(stage, table) for table in TABLES}
    recording["checks"] = stage.queued("session-checks")
    recording["shards"] = stage.queued("status-shards")
    recording["chunks"] = {slot: stage.queued(f"audio-{slot}") for slot in SLOTS}
    recording["starts"] = list(stage.processor_starts)
    recording |= _fan_outs_and_pages(stage, lively, ended_in_pages)
    recording["transcript"] = {
        "sessionId": lively,
        "sequence": 1,
        "sourceLanguage": "en",
        "text": "Good evening, everybody.",
        "isPartial": False,
        "spokenAt": _now_ms(),
    }
    stage.processor_starts.clear()
    return recording


def _fan_outs_and_pages(stage: Stage, lively: str, ended: str) -> dict[str, list[dict[str, Any]]]:
    """What starts a fan-out, and what the fan-out starts for the pages of two others."""
    fan_outs = list(stage.fan_outs)
    stage.fan_outs.clear()
    last_control = [each for each in fan_outs if each["sessionId"] == lively][-1]
    end = next(each for each in fan_outs if each["sessionId"] == ended)
    for event in (last_control, end):
        fan_outs.remove(event)
        _invoke(stage, "fan_out", event)
    pages = list(stage.fan_outs)
    stage.fan_outs.clear()
    return {"fanOuts": fan_outs, "fanOutPages": pages}


def _rows(stage: Stage, table: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = stage.dynamodb.scan(TableName=table)["Items"]
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


# ---- what the other release makes of it


def accept(stage: Stage, recording: Recording) -> None:
    """Have the stage's functions go on with everything that was recorded."""
    recording = shifted(recording, _now_ms() - recording["recordedAt"])
    names = recording["names"]
    _put(stage, recording)
    _audio_is_taken(stage, recording)
    _events_reach_the_listeners(stage, recording)
    _ticks_become_statuses(stage, recording)
    _members_carry_on(stage, names)
    _speakers_carry_on(stage, names)
    _sessions_end(stage, recording)
    stage.reconcile()
    stage.run_fan_outs()
    assert _number(stage, names["lively"], "listenerCount") == 3


def _put(stage: Stage, recording: Recording) -> None:
    for table, rows in recording["rows"].items():
        for row in rows:
            stage.dynamodb.put_item(TableName=table, Item=row)
    for row in recording["rows"]["connections"]:
        connection_id = row["connectionId"]["S"]
        authorizer = {"role": row["role"]["S"]}
        if "userId" in row:
            authorizer["userId"] = row["userId"]["S"]
        stage._roles[connection_id] = authorizer  # pyright: ignore[reportPrivateUsage]
        stage.sockets.open.add(connection_id)


def _audio_is_taken(stage: Stage, recording: Recording) -> None:
    names = recording["names"]
    (start,) = recording["starts"]
    slot = start["slot"]
    stage.send_audio(names["livelySpeaker"], 2, AUDIO)
    assert not stage.processor_starts, "the claim was read"
    bodies = [*recording["chunks"][str(slot)], *stage.queued(f"audio-{slot}")]
    chunks = [msgspec.json.decode(json.dumps(body), type=Chunk) for body in bodies]
    assert sorted(each.sequence for each in chunks) == [0, 1, 2]
    assert {(each.session_id, each.audio) for each in chunks} == {(names["lively"], AUDIO)}
    # An event for a claim that is gone; with another claim it would go on to transcribe.
    _invoke(stage, "audio_processor", {**start, "claimId": "gone"})


def _events_reach_the_listeners(stage: Stage, recording: Recording) -> None:
    names = recording["names"]
    for event in (*recording["fanOuts"], *recording["fanOutPages"]):
        _invoke(stage, "fan_out", event)
    stage.run_fan_outs()
    for listener in names["livelyListeners"]:
        received = [frame["type"] for to, frame in stage.sockets.posts if to == listener]
        assert received == recording["controls"], listener
    for listener in (names["endedListener"], *names["endedListenersInPages"]):
        assert len(stage.sockets.frames_of(listener, "sessionEnded")) == 1, listener
    assert stage.sockets.frames_of(names["lostListener"], "broadcastPaused")
    _invoke(stage, "translation", recording["transcript"])
    (caption,) = stage.sockets.frames_of(names["livelyListeners"][0], "caption")
    assert caption["text"] == recording["transcript"]["text"]


def _ticks_become_statuses(stage: Stage, recording: Recording) -> None:
    """Ticks come from the rule and from queues; each becomes shards, which are a release's own."""
    speaker = recording["names"]["livelySpeaker"]
    _shards_are_handled(stage, shifted(recording["shards"], HOUR_MS))
    for tick in shifted(recording["ticks"], HOUR_MS):
        for event in (tick, _queued(tick)):
            _invoke(stage, "session_status", event)
            _shards_are_handled(stage, stage.queued("status-shards"))
    statuses = stage.sockets.frames_of(speaker, "sessionStatus")
    assert len(statuses) == 1 + 2 * len(recording["ticks"])
    for status in statuses:
        assert status["languageDistribution"] == {"en": 1, "es": 1, "fr": 1}


def _shards_are_handled(stage: Stage, shards: list[dict[str, Any]]) -> None:
    for body in shards:
        _invoke(stage, "session_status", _queued(body))


def _queued(body: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [{"body": json.dumps(body)}]}


def _members_carry_on(stage: Stage, names: dict[str, Any]) -> None:
    english, spanish, french = names["livelyListeners"]
    assert stage.send(french, "changeLanguage", targetLanguage="de")["type"] == "languageChanged"
    assert stage.send(english, "leaveSession")["type"] == "sessionLeft"
    assert stage.send(spanish, "pausePlayback")["type"] == "playbackPaused"
    joined = stage.send(
        names["idleListener"], "joinSession", sessionId=names["lively"], targetLanguage="es"
    )
    assert joined["type"] == "sessionJoined"
    new = stage.connect_listener()
    refreshed = stage.send(
        new,
        "refreshConnection",
        sessionId=names["lively"],
        connectionId=spanish,
        targetLanguage="es",
    )
    assert refreshed["type"] == "connectionRefreshComplete"
    for connection_id in (french, names["livelySpeaker"], names["idleSpeaker"]):
        assert stage.send(connection_id, "heartbeat")["type"] == "heartbeatAck"


def _speakers_carry_on(stage: Stage, names: dict[str, Any]) -> None:
    speaker = names["livelySpeaker"]
    assert stage.send(speaker, "muteBroadcast")["type"] == "broadcastMuted"
    status = stage.send(speaker, "getSessionStatus")
    assert status["languageDistribution"] == {"de": 1, "es": 2}
    assert status["broadcastState"]["isMuted"]
    returned = stage.connect_speaker("user-lively")
    answer = stage.send(returned, "refreshConnection", sessionId=names["lively"])
    assert answer["type"] in {"connectionRefreshComplete", "stateRestored"}
    assert stage.send(returned, "unmuteBroadcast")["type"] == "broadcastUnmuted"
    created = stage.send(names["idleSpeaker"], "createSession", sourceLanguage="en")
    assert created["type"] == "sessionCreated"


def _sessions_end(stage: Stage, recording: Recording) -> None:
    names = recording["names"]
    for check in recording["checks"]:
        stage.deliver_check(check)
    stage.run_fan_outs()
    (ended,) = stage.sockets.frames_of(names["lostListener"], "sessionEnded")
    assert ended["reason"] == "speakerLost"
    assert len(stage.sockets.frames_of(names["endedListener"], "sessionEnded")) == 1
    assert _number(stage, names["lively"], "endedAt") is None


# ---- both


def _invoke(stage: Stage, entry: str, event: dict[str, Any]) -> None:
    function: Any = stage.entries[entry]
    getattr(function, "handler", function)(event, LambdaContext())


def _number(stage: Stage, session_id: str, attribute: str) -> int | None:
    row: Any = stage.session(session_id)
    return row.get(attribute)


def _now_ms() -> int:
    return round(time.time() * 1000)


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shifted(value: Any, by_ms: int) -> Any:
    """The value with each time in it moved, also in DynamoDB's numbers and in JSON texts."""
    if isinstance(value, dict):
        return {key: shifted(each, by_ms) for key, each in value.items()}
    if isinstance(value, list):
        return [shifted(each, by_ms) for each in value]
    if isinstance(value, str):
        return _shifted_text(value, by_ms)
    if isinstance(value, int) and FIRST_MS < value < LAST_MS:
        return value + by_ms
    if isinstance(value, int) and FIRST_MS < value * 1000 < LAST_MS:
        return value + by_ms // 1000
    return value


def _shifted_text(text: str, by_ms: int) -> str:
    if text.isdecimal():
        return str(shifted(int(text), by_ms))
    if text.startswith("{"):
        return json.dumps(shifted(json.loads(text), by_ms))
    try:
        at_ms = round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return text
    return _iso(at_ms + by_ms)
