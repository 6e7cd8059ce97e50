"""Every route answers a speaker and a listener over real sockets, and refuses the wrong role.

What is said is paused, so that no chunk reaches Transcribe.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from client.people import Listener, Speaker
from client.sockets import Frame
from operations.verify.dialogue import Dialogue
from operations.verify.guests import SOCKET_ERRORS
from operations.verify.promises import LISTENER, PROMISES, SPEAKER
from operations.verify.scene import Scene
from operations.verify.verdicts import Verdict, broken, untried

CHUNK = base64.b64encode(bytes(3_200)).decode()
HALF_A_SAMPLE = base64.b64encode(bytes(101)).decode()
SILENCE_SECONDS = 2.0


def answers(scene: Scene) -> Iterator[Verdict]:
    dialogue = Dialogue(scene)
    try:
        speaker = scene.company.speaker(SPEAKER)
        listener = scene.company.listener(LISTENER)
        yield from _talk(scene, dialogue, speaker, listener)
    except SOCKET_ERRORS as error:
        yield broken(
            "talk", f"{type(error).__name__}: {error}", "see handshakes, routes and permissions"
        )
    yield from dialogue.verdicts()


def _talk(
    scene: Scene, dialogue: Dialogue, speaker: Speaker, listener: Listener
) -> Iterator[Verdict]:
    scene.say("answers: every action by the wrong role")
    _wrong_roles(dialogue, speaker, listener)
    _what_is_no_action(dialogue, listener)
    scene.say("answers: every action by its own role")
    created = dialogue.ask(speaker, "createSession", sourceLanguage="en")
    if created is None:
        yield untried(SPEAKER, "without a session nothing else can be tried", "see createSession")
        return
    session_id = created["sessionId"]
    scene.company.note(session_id, speaker)
    joined = dialogue.ask(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    if joined is not None:
        dialogue.told(speaker, "sessionStatus", "joinSession", sessionId=session_id)
    yield from _controls(dialogue, speaker, listener if joined else None)
    dialogue.ask(speaker, "getSessionStatus")
    dialogue.ask(speaker, "heartbeat")
    speaker = _moved_speaker(scene, dialogue, session_id) or speaker
    if joined is None:
        yield untried(LISTENER, "without a place in a session", "see joinSession")
    else:
        listener = _listens(scene, dialogue, listener, session_id, joined)
    if dialogue.ask(speaker, "endSession"):
        scene.company.forget(session_id)
        if joined is not None:
            dialogue.told(listener, "sessionEnded", "endSession", sessionId=session_id)


def _wrong_roles(dialogue: Dialogue, speaker: Speaker, listener: Listener) -> None:
    for action, promise in PROMISES.items():
        if not dialogue.has_route(action):
            continue
        for role, client in ((SPEAKER, speaker), (LISTENER, listener)):
            if role not in promise.roles:
                dialogue.refused(client, action, "UNAUTHORIZED_ACTION")


def _what_is_no_action(dialogue: Dialogue, listener: Listener) -> None:
    dialogue.refused(listener, "openTheDoor", "INVALID_ACTION")


def _controls(dialogue: Dialogue, speaker: Speaker, listener: Listener | None) -> Iterator[Verdict]:
    for action, fields in (
        ("setVolume", {"volumeLevel": 0.5}),
        ("muteBroadcast", {}),
        ("unmuteBroadcast", {}),
        ("speakerStateChange", {"state": {"volume": 1.0}}),
    ):
        _control(dialogue, speaker, listener, action, fields)
    is_paused = _control(dialogue, speaker, listener, "pauseBroadcast", {})
    yield from _audio(dialogue, speaker, is_paused=is_paused)
    _control(dialogue, speaker, listener, "resumeBroadcast", {})


def _control(
    dialogue: Dialogue,
    speaker: Speaker,
    listener: Listener | None,
    action: str,
    fields: Mapping[str, Any],
) -> bool:
    """Whether the speaker got the promised reply."""
    reply = dialogue.ask(speaker, action, **fields)
    if reply and listener:
        dialogue.told(listener, PROMISES[action].reply, action)
    return reply is not None


def _audio(dialogue: Dialogue, speaker: Speaker, *, is_paused: bool) -> Iterator[Verdict]:
    """A chunk of a paused broadcast is taken and dropped; of another it would be transcribed."""
    if not dialogue.has_route("sendAudio"):
        dialogue.refused(speaker, "sendAudio", "INVALID_ACTION")
        return
    dialogue.refused(speaker, "sendAudio", "INVALID_PARAMETER", sequence=0)
    dialogue.refused(speaker, "sendAudio", "INVALID_AUDIO", sequence=0, audioData=HALF_A_SAMPLE)
    if not is_paused:
        why = "the broadcast is not paused: the chunk would reach Transcribe, which charges"
        yield untried("a good chunk", why, "see pauseBroadcast; --captions tries audio without it")
        return
    dialogue.silent(speaker, "sendAudio", for_seconds=SILENCE_SECONDS, sequence=0, audioData=CHUNK)


def _moved_speaker(scene: Scene, dialogue: Dialogue, session_id: str) -> Speaker | None:
    """The speaker's new socket, if the session moved to it."""
    moved = scene.company.speaker(SPEAKER)
    if dialogue.ask(moved, "refreshConnection", sessionId=session_id) is None:
        return None
    scene.company.note(session_id, moved)
    dialogue.told(moved, "stateRestored", "refreshConnection")
    return moved


def _listens(
    scene: Scene, dialogue: Dialogue, listener: Listener, session_id: str, joined: Frame
) -> Listener:
    """All that a listener does; returns the socket on which it is in the session at the end."""
    for action in ("heartbeat", "pausePlayback", "resumePlayback"):
        dialogue.ask(listener, action)
    dialogue.ask(listener, "changeLanguage", targetLanguage="fr")
    moved = scene.company.listener(LISTENER)
    refreshed = dialogue.ask(
        moved,
        "refreshConnection",
        sessionId=session_id,
        connectionId=joined["connectionId"],
        targetLanguage="fr",
    )
    listener = moved if refreshed else listener
    dialogue.ask(listener, "leaveSession")
    dialogue.ask(listener, "joinSession", sessionId=session_id, targetLanguage="es")
    return listener
