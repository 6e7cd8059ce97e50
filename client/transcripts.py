"""The transcript of a session that has ended: waiting until it is written, and reading its file."""

import time
import urllib.request
from collections.abc import Callable
from typing import Any

from client.people import Speaker
from client.sockets import Frame

# Normally about a minute; if a check is lost, reconcile, every two minutes, has it written.
WRITING_SECONDS = 360.0
POLL_SECONDS = 10.0
FETCH_SECONDS = 30.0


def wait_for_transcript(
    speaker: Speaker,
    session_id: str,
    *,
    waiting: Callable[[], object] = lambda: None,
    timeout_seconds: float = WRITING_SECONDS,
    poll_seconds: float = POLL_SECONDS,
    **fields: Any,
) -> Frame:
    """Ask for the link until there is one; return the reply, an error frame if it is refused.

    `fields` are those of getTranscript, such as `format`; `waiting` is called before each wait.
    The last reply is returned after the time-out.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        reply = speaker.ask("getTranscript", sessionId=session_id, **fields)
        is_early = reply.get("code") == "TRANSCRIPT_NOT_AVAILABLE"
        if not is_early or time.monotonic() + poll_seconds > deadline:
            return reply
        waiting()
        time.sleep(poll_seconds)


def read_transcript(url: str, *, is_local: bool = False) -> str:
    """Return the file behind a link; raises OSError. On a local cloud no proxy is used."""
    proxies = urllib.request.ProxyHandler({} if is_local else None)
    opener = urllib.request.build_opener(proxies)
    with opener.open(url, timeout=FETCH_SECONDS) as answer:
        return answer.read().decode()
