"""Alarms of speech: Transcribe and translation that fail, speakers for whom there is no slot."""

from components.alarms import Alarm
from components.monitoring.arguments import MonitoringArgs
from components.monitoring.metrics import own
from components.monitoring.occurrence import occurrence

# A stream that fails is opened anew; so many are more than passing.
TRANSCRIBE_FAILURES = 5
TRANSLATION_FAILURES = 5


def speech_alarms(args: MonitoringArgs) -> list[Alarm]:
    """None about a translation function that is not the stack's."""
    prefix, platform = args.platform.prefix, args.platform
    alarms = [
        occurrence(
            name=f"{prefix}-transcribe-failures",
            description=f"Transcribe streams failed {TRANSCRIBE_FAILURES} times in five minutes.",
            metric=own(platform, "audio_processor", "TranscribeFailures"),
            times=TRANSCRIBE_FAILURES,
        ),
        occurrence(
            name=f"{prefix}-transcriptions-given-up",
            description="A session has no captions for now: its Transcribe stream kept failing.",
            metric=own(platform, "audio_processor", "TranscriptionsGivenUp"),
        ),
        occurrence(
            name=f"{prefix}-transcripts-failed",
            description="The translation function did not take transcripts: captions are missing.",
            metric=own(platform, "audio_processor", "TranscriptsFailed"),
        ),
        occurrence(
            name=f"{prefix}-audio-slots-exhausted",
            description="A speaker was refused: all audio slots are taken.",
            metric=own(platform, "audio_ingest", "AudioSlotsExhausted"),
        ),
    ]
    if args.runs("translation"):
        alarms.append(
            occurrence(
                name=f"{prefix}-translations-failed",
                description=f"{TRANSLATION_FAILURES} captions in five minutes went out"
                " untranslated.",
                metric=own(platform, "translation", "TranslationsFailed"),
                times=TRANSLATION_FAILURES,
            )
        )
    return alarms
