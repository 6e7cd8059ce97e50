"""An utterance: speech from one pause to the next, and its decoder."""

from local.speech.decoders import Decoder, DecoderLost, Decoders
from local.speech.recognition import (
    FRAME_BYTES,
    SAMPLE_BYTES,
    SAMPLE_RATE,
    is_lively,
    loudness,
)

# Fewer words are not speech: noise, too, may be recognised as a word.
LEAST_WORDS_PER_SECOND = 0.6
# At its end, an utterance that all decoders were busy for waits for one of them.
DECODER_WAIT_SECONDS = 30.0


class Utterance:
    """Buffers its sound while all decoders are busy; `text` is the words so far.

    If its decoder is lost, or none is free in time, the utterance has no words.
    """

    def __init__(self, start_seconds: float, decoders: Decoders, acoustics: str) -> None:
        self.start_seconds = start_seconds
        self.acoustics = acoustics
        self.text = ""
        self.was_decoded = False
        self._levels: list[float] = []
        self._bytes = 0
        self._unheard: list[bytes] = []
        self._decoders = decoders
        self._decoder: Decoder | None = None
        self._is_lost = False

    @property
    def seconds(self) -> float:
        """The duration so far."""
        return self._bytes / SAMPLE_BYTES / SAMPLE_RATE

    @property
    def is_speech(self) -> bool:
        """Whether it is speech, by its loudness and, once decoded, by its words."""
        if not is_lively(self._levels):
            return False
        words = len(self.text.split())
        return not self.was_decoded or 0 < words >= self.seconds * LEAST_WORDS_PER_SECOND

    def hear(self, sound: bytes) -> None:
        """Add samples, s16le mono at 16 kHz."""
        self._bytes += len(sound)
        self._levels += [
            loudness(sound[start : start + FRAME_BYTES])
            for start in range(0, len(sound) - FRAME_BYTES + 1, FRAME_BYTES)
        ]
        if self._is_lost:
            return
        self._unheard.append(sound)
        self._decode(wait_seconds=0)

    def _decode(self, wait_seconds: float) -> None:
        """Pass on what is buffered, if there is a decoder."""
        try:
            if self._decoder is None:
                self._decoder = self._decoders.take(wait_seconds)
                if self._decoder is None:
                    return
                self._decoder.start(self.acoustics)
            self._decoder.hear(b"".join(self._unheard))
            self._unheard.clear()
        except DecoderLost:
            self._lose()

    def update(self) -> bool:
        """Update the words; return whether they have changed."""
        if self._decoder is None:
            return False
        try:
            words = self._decoder.words()
        except DecoderLost:
            self._lose()
            return False
        self.was_decoded = True
        is_new, self.text = words != self.text, words
        return is_new

    def end(self) -> None:
        """Update the words for the last time and give the decoder back."""
        if self._decoder is None and not self._is_lost:
            self._decode(DECODER_WAIT_SECONDS)
        self.give_up()

    def give_up(self) -> None:
        """Give the decoder back, if there is one; else there are no further words."""
        if self._decoder is None:
            return
        try:
            self.text, self.acoustics = self._decoder.end()
        except DecoderLost:
            self._lose()
            return
        self.was_decoded = True
        self._decoders.give_back(self._decoder)
        self._decoder = None

    def _lose(self) -> None:
        self._is_lost = True
        self.was_decoded = False
        if self._decoder:
            self._decoders.drop(self._decoder)
            self._decoder = None
