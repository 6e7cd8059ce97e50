"""What was heard, as numbered transcripts for the pipeline; what failed, a word to the speaker."""

from collections.abc import Callable
from threading import Lock

from live_sessions.audio.listening import Heard
from live_sessions.audio.speaker_notices import SpeakerNotices
from live_sessions.captions.transcript import Transcript
from live_sessions.transcribe.failures import FailureKind, TranscribeFailure

RESERVED_CAPTIONS = 100
"""More than come between two renewals of a lease: a successor uses none of them again."""


class Narration:
    """Partial results share the number of the final one they grow into."""

    def __init__(
        self,
        session_id: str,
        source_language: str,
        *,
        next_caption: int,
        with_partials: bool,
        pass_on: Callable[[Transcript], None],
        notices: SpeakerNotices,
    ) -> None:
        self.next_caption = next_caption
        self._session_id = session_id
        self._source_language = source_language
        self._with_partials = with_partials
        self._pass_on = pass_on
        self._notices = notices
        self._lock = Lock()

    def hear(self, heard: Heard) -> None:
        if heard.is_partial and not self._with_partials:
            return
        with self._lock:
            transcript = Transcript(
                session_id=self._session_id,
                sequence=self.next_caption,
                source_language=self._source_language,
                text=heard.text,
                is_partial=heard.is_partial,
                spoken_at=heard.spoken_at,
            )
            if not heard.is_partial:
                self.next_caption += 1
            self._pass_on(transcript)

    def learn_of(self, failure: TranscribeFailure, retry_after_seconds: int) -> None:
        self._notices.tell_failure(
            is_permanent=failure.kind is FailureKind.PERMANENT,
            retry_after_seconds=retry_after_seconds,
        )
