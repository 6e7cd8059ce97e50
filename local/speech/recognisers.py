"""Selects the recogniser of each stream."""

import importlib.util
from enum import StrEnum

from local.speech.decoders import Decoders
from local.speech.measured import MeasuredSpeech
from local.speech.recognition import Recogniser
from local.speech.spoken_numbers import SpokenNumbers


class Recognition(StrEnum):
    """What a local cloud recognises: speech, as well as this machine can, or the numbers of tests.

    With numbers, translations are only marked, so that both are the same on every machine.
    """

    SPEECH = "speech"
    NUMBERS = "numbers"


class Recognisers:
    """Creates a recogniser for each stream; `close` ends the decoders that they share."""

    def __init__(self, recognition: Recognition) -> None:
        self._recognition = recognition
        self._decoders = Decoders()
        self._has_english = importlib.util.find_spec("pocketsphinx") is not None

    def open(self, language_code: str) -> Recogniser:
        if self._recognition is Recognition.NUMBERS:
            return SpokenNumbers()
        if language_code.startswith("en-") and self._has_english:
            from local.speech.english import EnglishSpeech

            return EnglishSpeech(language_code, self._decoders)
        return MeasuredSpeech(language_code)

    @property
    def decoder_processes(self) -> list[int]:
        """The ids of the decoder processes that are running."""
        return self._decoders.process_ids

    def close(self) -> None:
        self._decoders.close()
