"""Recognises English by pocketsphinx; raises ImportError if that is not installed."""

from pocketsphinx import Endpointer  # pyright: ignore[reportMissingImports]

from local.speech.decoders import Decoders
from local.speech.measured import measured_text
from local.speech.recognition import FRAME_BYTES, SAMPLE_RATE, Heard
from local.speech.utterance import Utterance

PARTIAL_FRAMES = 17  # half a second
MAX_SECONDS = 15.0


class EnglishSpeech:
    """Partials each half second; finals at pauses of 300 ms, or after 15 s without one.

    Speech that no decoder was free for in time gets the text of the measuring recogniser.
    """

    def __init__(self, language_code: str, decoders: Decoders) -> None:
        self._language_code = language_code
        self._decoders = decoders
        self._endpointer = Endpointer(sample_rate=SAMPLE_RATE)
        if self._endpointer.frame_bytes != FRAME_BYTES:
            raise RuntimeError("the endpointer takes frames of another length")
        self._unread = b""
        self._frames_since_partial = 0
        self._finished_seconds = 0.0  # of speech without a pause, in earlier results
        self._acoustics = ""
        self._utterance: Utterance | None = None

    def feed(self, pcm: bytes) -> list[Heard]:
        self._unread += pcm
        heard: list[Heard] = []
        while len(self._unread) > FRAME_BYTES:  # `finish` needs a rest
            frame, self._unread = self._unread[:FRAME_BYTES], self._unread[FRAME_BYTES:]
            heard += self._sound(self._endpointer.process(frame))
        return heard

    def finish(self) -> list[Heard]:
        if not self._unread:
            return []
        heard = self._sound(self._endpointer.end_stream(self._unread))
        self._unread = b""
        return heard + self._final()

    def close(self) -> None:
        if self._utterance:
            self._utterance.give_up()
            self._utterance = None

    def _sound(self, speech: bytes | None) -> list[Heard]:
        if speech is None:
            return []
        if self._utterance is None:
            start = self._endpointer.speech_start + self._finished_seconds
            self._utterance = Utterance(start, self._decoders, self._acoustics)
            self._frames_since_partial = 0
        self._utterance.hear(speech)
        if not self._endpointer.in_speech:
            self._finished_seconds = 0.0
            return self._final()
        if self._utterance.seconds >= MAX_SECONDS:
            self._finished_seconds += self._utterance.seconds
            return self._final()
        self._frames_since_partial += 1
        if self._frames_since_partial < PARTIAL_FRAMES:
            return []
        self._frames_since_partial = 0
        is_new = self._utterance.update()
        return self._heard(self._utterance, is_final=False) if is_new else []

    def _final(self) -> list[Heard]:
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return []
        utterance.end()
        self._acoustics = utterance.acoustics
        return self._heard(utterance, is_final=True)

    def _heard(self, utterance: Utterance, *, is_final: bool) -> list[Heard]:
        if not utterance.is_speech:
            return []
        text = utterance.text
        if not utterance.was_decoded:
            text = measured_text(utterance.seconds, self._language_code)
        end = utterance.start_seconds + utterance.seconds
        return [Heard(text, utterance.start_seconds, end, is_final)]
