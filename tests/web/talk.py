"""A session that pages listen to: its speaker says one sentence at a time."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from client.recordings import BYTES_PER_SECOND, read_recording
from client.sockets import Frame
from local.sample_speech import WAV
from local.speech.recognition import loudness
from tests.patience import wait_until
from tests.web.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute

CHUNK_MILLISECONDS = 500
QUIET = 50
PAUSE_BYTES = BYTES_PER_SECOND
STEP_BYTES = BYTES_PER_SECOND // 50


@cache
def sentences() -> list[bytes]:
    """The sample speech, cut within the pauses between its sentences."""
    samples = read_recording(WAV)
    found, start, quiet = [], 0, 0
    for at in range(0, len(samples), STEP_BYTES):
        quiet = quiet + STEP_BYTES if loudness(samples[at : at + STEP_BYTES]) < QUIET else 0
        if quiet == PAUSE_BYTES:
            found.append(samples[start : at + STEP_BYTES])
            start = at + STEP_BYTES
    return [*found, samples[start:] + bytes(PAUSE_BYTES)]


class Talk:
    """A session with its speaker, and a listener in Python that hears what the pages should.

    It hears the speech itself: a translation that comes too late on a busy machine is left out, for
    some readers and not for others.
    """

    def __init__(self, site: Site, language: str = "en", **session: Any) -> None:
        self.speaker = site.cloud.speaker()
        self.session_id = self.speaker.create_session("en", **session)
        [created] = self.speaker.received("sessionCreated")
        self.passcode: str | None = created.get("passcode")
        self._listener = site.cloud.listener()
        passcode = {"passcode": self.passcode} if self.passcode else {}
        joined = self._listener.answer_to(
            self._listener.join(self.session_id, language, **passcode)
        )
        assert joined.type == "sessionJoined", joined.body
        self._sequence = 0
        self._sentences: Iterator[bytes] = itertools.cycle(sentences())

    def say(self) -> Frame:
        """Say the next sentence, and return its caption."""
        before = len(self.captions)
        self._sequence = self.speaker.speak(
            next(self._sentences),
            first_sequence=self._sequence,
            chunk_milliseconds=CHUNK_MILLISECONDS,
        )
        wait_until(lambda: len(self.captions) > before)
        return self.captions[before]

    @property
    def captions(self) -> list[Frame]:
        """What was said so far, in the language of this talk."""
        return self._listener.captions()

    @property
    def texts(self) -> list[str]:
        return [caption["text"] for caption in self.captions]

    def link(self, language: str | None = None, *, passcode: str | None = None) -> str:
        """Its join link, without the pages' address."""
        fields = {"session": self.session_id, **({"language": language} if language else {})}
        return f"?{urlencode(fields)}" + (f"#passcode={passcode}" if passcode else "")


class Wire:
    """A page's way to the service, on which a test can say what the service does not."""

    def __init__(self, page: Page) -> None:
        self.sent: list[dict[str, Any]] = []
        """What the page has sent so far."""
        self.answers: dict[str, dict[str, Any]] = {}
        """Frames that answer an action of the page instead of the service."""
        self._routes: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("^ws"), self._opened)

    def send(self, frame_type: str, **fields: Any) -> None:
        self._routes[-1].send(json.dumps({"type": frame_type, "timestamp": 0, **fields}))

    def send_caption(
        self,
        session_id: str,
        sequence: int,
        text: str,
        *,
        language: str = "es",
        translated: bool = True,
        is_partial: bool = False,
    ) -> None:
        self.send(
            "caption",
            sessionId=session_id,
            sequence=sequence,
            sourceLanguage="en",
            targetLanguage=language,
            text=text,
            originalText=text,
            isPartial=is_partial,
            spokenAt=sequence,
            translated=translated,
        )

    def close(self) -> None:
        """Close the page's socket, as the service might."""
        self._routes[-1].close()

    def _opened(self, route: WebSocketRoute) -> None:
        self._routes.append(route)
        server = route.connect_to_server()

        def from_page(text: str | bytes) -> None:
            message = json.loads(text)
            self.sent.append(message)
            answer = self.answers.get(message["action"])
            if answer is None:
                server.send(text)
            else:
                route.send(
                    json.dumps({"timestamp": 0, "requestId": message["requestId"], **answer})
                )

        route.on_message(from_page)
