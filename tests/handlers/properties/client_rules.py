"""What clients do: they connect, send messages, and close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.handlers.properties.records import Socket
from tests.handlers.properties.turns import LANGUAGES, USERS, Turns, calls, pick, picks
from tests.handlers.properties.world import PASSCODE

LISTENERS_AT_MOST = 7
SPEAKERS_AT_MOST = 4

CONTROLS: Sequence[tuple[str, dict[str, Any]]] = (
    ("pauseBroadcast", {}),
    ("resumeBroadcast", {}),
    ("muteBroadcast", {}),
    ("setVolume", {"volumeLevel": 0.5}),
    ("speakerStateChange", {"state": {"isPaused": False, "isMuted": False, "volume": 1}}),
)


class Clients(Turns):
    """Their rules."""

    @precondition(lambda self: self._may_connect("listener", LISTENERS_AT_MOST))
    @rule(calls=calls)
    def listener_connects(self, calls: int) -> None:
        self._begin(self.world.connect("listener"), calls)

    @precondition(
        lambda self: self._sessions() and self._may_connect("listener", LISTENERS_AT_MOST)
    )
    @rule(
        languages=st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=LISTENERS_AT_MOST),
        calls=calls,
    )
    def listeners_arrive(self, languages: list[str], calls: int) -> None:
        """Several join the newest session, one after the other."""
        for language in languages:
            if self._may_connect("listener", LISTENERS_AT_MOST):
                listener = self._connected("listener", None)
                fields = {"sessionId": self._sessions()[0], "targetLanguage": language}
                self._send(listener, calls, "joinSession", **fields, passcode=PASSCODE)

    @precondition(lambda self: self._may_connect("speaker", SPEAKERS_AT_MOST))
    @rule(number=picks, calls=calls)
    def speaker_connects(self, number: int, calls: int) -> None:
        self._begin(self.world.connect("speaker", pick(USERS, number)), calls)

    @precondition(lambda self: self._may_start() and self._open("speaker"))
    @rule(number=picks, calls=calls, access=st.sampled_from(["open", "passcode"]))
    def speaker_creates(self, number: int, calls: int, access: str) -> None:
        speaker = pick(self._open("speaker"), number)
        self._send(speaker, calls, "createSession", sourceLanguage="en", access=access)

    @precondition(lambda self: self._may_start() and self._open("speaker") and self._sessions())
    @rule(
        number=picks,
        action=st.sampled_from(["getSessionStatus", "heartbeat"]),
        calls=calls,
    )
    def speaker_sends_message(self, number: int, action: str, calls: int) -> None:
        self._send(pick(self._open("speaker"), number), calls, action)

    @precondition(lambda self: self._may_start() and self._open("listener"))
    @rule(number=picks, calls=calls)
    def listener_beats(self, number: int, calls: int) -> None:
        self._send(pick(self._open("listener"), number), calls, "heartbeat")

    @precondition(lambda self: self._beating())
    @rule(number=picks)
    def a_network_is_cut(self, number: int) -> None:
        self.world.cut(pick(self._beating(), number))

    def _beating(self) -> list[Socket]:
        sockets = [*self._open("listener"), *self._open("speaker")]
        return [each for each in sockets if each.beat_at_ms is not None]

    @precondition(lambda self: self._may_start() and self._open("speaker") and self._sessions())
    @rule(number=picks, calls=calls)
    def speaker_ends(self, number: int, calls: int) -> None:
        self._send(pick(self._open("speaker"), number), calls, "endSession")

    @precondition(lambda self: self._may_start() and self._open("speaker") and self._sessions())
    @rule(number=picks, control=st.sampled_from(CONTROLS), calls=calls)
    def speaker_controls(
        self, number: int, control: tuple[str, dict[str, Any]], calls: int
    ) -> None:
        action, fields = control
        self._send(pick(self._open("speaker"), number), calls, action, **fields)

    @precondition(lambda self: self._may_start() and self._open("speaker") and self._sessions())
    @rule(number=picks, session=picks, calls=calls)
    def speaker_refreshes(self, number: int, session: int, calls: int) -> None:
        # The sockets opened last are the ones that refresh.
        speaker = pick(self._open("speaker")[::-1], number)
        session_id = pick(self._sessions(), session)
        self._send(speaker, calls, "refreshConnection", sessionId=session_id)

    @precondition(lambda self: self._may_start() and self._open("listener") and self._sessions())
    @rule(
        number=picks,
        session=picks,
        language=st.sampled_from(LANGUAGES),
        passcode=st.sampled_from([PASSCODE, PASSCODE, "wrong"]),
        calls=calls,
    )
    def listener_joins(
        self, number: int, session: int, language: str, passcode: str, calls: int
    ) -> None:
        fields = {"targetLanguage": language, "passcode": passcode}
        listener = pick(self._open("listener")[::-1], number)
        session_id = pick(self._sessions(), session)
        self._send(listener, calls, "joinSession", sessionId=session_id, **fields)

    @precondition(lambda self: self._may_start() and self._open("listener") and self._sessions())
    @rule(number=picks, calls=calls)
    def listener_leaves(self, number: int, calls: int) -> None:
        self._send(pick(self._open("listener"), number), calls, "leaveSession")

    @precondition(lambda self: self._may_start() and self._open("listener") and self._sessions())
    @rule(number=picks, language=st.sampled_from(LANGUAGES), calls=calls)
    def listener_changes_language(self, number: int, language: str, calls: int) -> None:
        listener = pick(self._open("listener"), number)
        self._send(listener, calls, "changeLanguage", targetLanguage=language)

    @precondition(lambda self: self._may_start() and self._open("listener") and self._sessions())
    @rule(number=picks, old=picks, session=picks, language=st.sampled_from(LANGUAGES), calls=calls)
    def listener_refreshes(
        self, number: int, old: int, session: int, language: str, calls: int
    ) -> None:
        listeners = [each for each in self.world.connections if each.role == "listener"]
        self._send(
            pick(self._open("listener")[::-1], number),
            calls,
            "refreshConnection",
            sessionId=pick(self._sessions(), session),
            connectionId=pick(listeners, old).connection_id,
            targetLanguage=language,
        )

    @precondition(lambda self: self.world.of_role("listener", "open", "opening"))
    @rule(number=picks, calls=calls, delivered=st.booleans())
    def listener_closes(self, number: int, calls: int, delivered: bool) -> None:
        self._close(
            pick(self.world.of_role("listener", "open", "opening"), number), calls, delivered
        )

    @precondition(lambda self: self.world.of_role("speaker", "open", "opening"))
    @rule(number=picks, calls=calls, delivered=st.booleans())
    def speaker_closes(self, number: int, calls: int, delivered: bool) -> None:
        self._close(
            pick(self.world.of_role("speaker", "open", "opening"), number), calls, delivered
        )

    def _close(self, socket: Socket, calls: int, delivered: bool) -> None:
        self.world.close(socket)
        if delivered and self._may_start():
            self._begin(self.world.deliver_disconnect(socket), calls)
