"""Every action over real sockets: answered for its own role, refused for the wrong one.

Audio is sent while the broadcast is paused, so that no chunk reaches Transcribe.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from client.people import Listener, Speaker
from client.sockets import Frame
from operations.verify.context import Context
from operations.verify.conversation import Conversation
from operations.verify.promises import LISTENER, PROMISES, SPEAKER
from operations.verify.run_clients import SOCKET_ERRORS
from operations.verify.verdicts import Verdict, not_checked, not_tried

CHUNK = base64.b64encode(bytes(3_200)).decode()
HALF_A_SAMPLE = base64.b64encode(bytes(101)).decode()
SILENCE_SECONDS = 2.0


def answers(context: Context) -> Iterator[Verdict]:
    """Send every action as a speaker and as a listener."""
    conversation = Conversation(context)
    try:
        speaker = context.clients.speaker(SPEAKER)
        listener = context.clients.listener(LISTENER)
        yield from _talk(context, conversation, speaker, listener)
    except SOCKET_ERRORS as error:
        yield not_checked(
            "sockets", f"{type(error).__name__}: {error}", "see handshakes, routes and permissions"
        )
    yield from conversation.verdicts()


def _talk(
    context: Context, conversation: Conversation, speaker: Speaker, listener: Listener
) -> Iterator[Verdict]:
    context.say("answers: every action with the wrong role")
    _wrong_roles(conversation, speaker, listener)
    _unknown_action(conversation, listener)
    _removed_actions(context, conversation, speaker, listener)
    context.say("answers: every action with its own role")
    created = conversation.ask(speaker, "createSession", sourceLanguage="en", access="passcode")
    if created is None:
        yield not_tried(SPEAKER, "nothing else can be tried without a session", "see createSession")
        return
    session_id = created["sessionId"]
    context.clients.track(session_id, speaker)
    join = {"sessionId": session_id, "targetLanguage": "es"}
    if not conversation.is_removed("joinSession"):
        conversation.expect_refusal(listener, "joinSession", "INVALID_PASSCODE", **join)
    join["passcode"] = created.get("passcode", "")
    joined = conversation.ask(listener, "joinSession", **join)
    if joined is not None:
        conversation.expect_push(speaker, "sessionStatus", "joinSession", sessionId=session_id)
    yield from _controls(conversation, speaker, listener if joined else None)
    conversation.ask(speaker, "getSessionStatus")
    conversation.ask(speaker, "heartbeat")
    speaker = _moved_speaker(context, conversation, session_id) or speaker
    if joined is None:
        yield not_tried(
            LISTENER, "nothing else can be tried without having joined", "see joinSession"
        )
    else:
        listener = _listens(context, conversation, listener, join, joined)
    if conversation.ask(speaker, "endSession"):
        context.clients.untrack(session_id)
        if joined is not None:
            conversation.expect_push(listener, "sessionEnded", "endSession", sessionId=session_id)


def _wrong_roles(conversation: Conversation, speaker: Speaker, listener: Listener) -> None:
    for action, promise in PROMISES.items():
        if conversation.is_removed(action):
            continue
        for role, client in ((SPEAKER, speaker), (LISTENER, listener)):
            if role not in promise.roles:
                conversation.expect_refusal(client, action, "UNAUTHORIZED_ACTION")


def _unknown_action(conversation: Conversation, listener: Listener) -> None:
    conversation.expect_refusal(listener, "openTheDoor", "INVALID_ACTION")


def _removed_actions(
    context: Context, conversation: Conversation, speaker: Speaker, listener: Listener
) -> None:
    """Whoever sends them, also who could never have sent them, is refused in the same way."""
    for action in context.removed_actions:
        for client in (speaker, listener):
            conversation.expect_refusal(client, action, "INVALID_ACTION")


def _controls(
    conversation: Conversation, speaker: Speaker, listener: Listener | None
) -> Iterator[Verdict]:
    for action, fields in (
        ("setVolume", {"volumeLevel": 0.5}),
        ("muteBroadcast", {}),
        ("unmuteBroadcast", {}),
        ("speakerStateChange", {"state": {"volume": 1.0}}),
    ):
        _control(conversation, speaker, listener, action, fields)
    is_paused = _control(conversation, speaker, listener, "pauseBroadcast", {})
    yield from _audio(conversation, speaker, is_paused=is_paused)
    _control(conversation, speaker, listener, "resumeBroadcast", {})


def _control(
    conversation: Conversation,
    speaker: Speaker,
    listener: Listener | None,
    action: str,
    fields: Mapping[str, Any],
) -> bool:
    """Send a control; return whether the speaker received the expected reply."""
    reply = conversation.ask(speaker, action, **fields)
    if reply and listener:
        conversation.expect_push(listener, PROMISES[action].reply, action)
    return reply is not None


def _audio(conversation: Conversation, speaker: Speaker, *, is_paused: bool) -> Iterator[Verdict]:
    """Send a valid chunk only while paused: it is accepted and dropped, not transcribed."""
    if conversation.is_removed("sendAudio"):
        conversation.expect_refusal(speaker, "sendAudio", "INVALID_ACTION")
        return
    conversation.expect_refusal(speaker, "sendAudio", "INVALID_PARAMETER", sequence=0)
    conversation.expect_refusal(
        speaker, "sendAudio", "INVALID_AUDIO", sequence=0, audioData=HALF_A_SAMPLE
    )
    if not is_paused:
        why = (
            "the broadcast is not paused, so the chunk would reach Transcribe, which charges for it"
        )
        yield not_tried("a valid chunk", why, "see pauseBroadcast; --captions tries audio as well")
        return
    conversation.expect_no_reply(
        speaker, "sendAudio", for_seconds=SILENCE_SECONDS, sequence=0, audioData=CHUNK
    )


def _moved_speaker(context: Context, conversation: Conversation, session_id: str) -> Speaker | None:
    """Move the session to a new socket; return the socket, or None if that failed."""
    moved = context.clients.speaker(SPEAKER)
    if conversation.ask(moved, "refreshConnection", sessionId=session_id) is None:
        return None
    context.clients.track(session_id, moved)
    conversation.expect_push(moved, "stateRestored", "refreshConnection")
    return moved


def _listens(
    context: Context,
    conversation: Conversation,
    listener: Listener,
    join: Mapping[str, str],
    joined: Frame,
) -> Listener:
    """Send every listener action; return the socket that is in the session afterwards."""
    for action in ("heartbeat", "pausePlayback", "resumePlayback", "getCaptions"):
        conversation.ask(listener, action)
    conversation.ask(listener, "changeLanguage", targetLanguage="fr")
    moved = context.clients.listener(LISTENER)
    refreshed = conversation.ask(
        moved,
        "refreshConnection",
        sessionId=join["sessionId"],
        connectionId=joined["connectionId"],
        targetLanguage="fr",
    )
    listener = moved if refreshed else listener
    conversation.ask(listener, "leaveSession")
    conversation.ask(listener, "joinSession", **join)
    return listener
