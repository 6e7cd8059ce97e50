"""Which recogniser hears which stream."""

import importlib.util
from enum import StrEnum

from local.speech.decoders import Decoders
from local.speech.measured import MeasuredSpeech
from local.speech.recognition import Recogniser
from local.speech.spoken_numbers import SpokenNumbers


class Recognition(StrEnum):
    """What a local cloud understands: speech as well as it can, or the numbers of tests.

    Numbers come with translations that are marked alone, so that both are the same everywhere.
    """

    SPEECH = "speech"
    NUMBERS = "numbers"


class Recognisers:
    """Opens a recogniser for each stream; `close` ends what they share."""

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
        """The ids of the processes that it has started and not ended."""
        return self._decoders.process_ids

    def close(self) -> None:
        self._decoders.close()
