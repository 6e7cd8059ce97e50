"""A session with a speaker and a listener."""

from typing import NamedTuple

from client.people import Listener, Speaker
from local.cloud import LocalCloud


class Room(NamedTuple):
    speaker: Speaker
    listener: Listener
    session_id: str


def open_room(cloud: LocalCloud, language: str = "en", *, token: str | None = None) -> Room:
    """An English session with a listener of that language; the speaker is the local one unless a
    token says otherwise.
    """
    speaker, listener = cloud.speaker(token=token), cloud.listener()
    session_id = speaker.create_session("en")
    listener.ask("joinSession", sessionId=session_id, targetLanguage=language)
    return Room(speaker, listener, session_id)
