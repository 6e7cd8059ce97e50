"""Recorded speech must come back as captions, and those be kept, also as a transcript; only on
request, because Transcribe charges.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from client.recordings import BYTES_PER_SECOND, read_recording
from operations.verify.checks.transcripts import keeps_transcripts, transcript
from operations.verify.context import Context
from operations.verify.deployment import setting
from operations.verify.run_clients import SOCKET_ERRORS
from operations.verify.verdicts import Verdict, not_tried, right, wrong

SAMPLE_SPEECH = Path(__file__).parents[3] / "local" / "sample_speech" / "speech.wav"
SPEECH_SECONDS = 10
SUBJECT = "captions of English speech"
CAPTION_SECONDS = 30.0
SOURCE_LANGUAGE = "en"
LANGUAGES = (SOURCE_LANGUAGE, "es")
HISTORY = "caption history"
REPAIR = "see the log group of translation, and whether it may write to the captions table"


def captions(context: Context) -> Iterator[Verdict]:
    """Speak for SPEECH_SECONDS and wait for a final caption in each of LANGUAGES."""
    if not context.with_captions:
        yield not_tried(SUBJECT, "Transcribe charges for it", "pass --captions")
        return
    kept = {"keepTranscript": True} if keeps_transcripts(context) else {}
    samples = read_recording(SAMPLE_SPEECH)[: SPEECH_SECONDS * BYTES_PER_SECOND]
    speaker = context.clients.speaker("captioned speaker")
    try:
        session_id = speaker.create_session(SOURCE_LANGUAGE, **kept)
        context.clients.track(session_id, speaker)
        listeners = {language: context.clients.listener(language) for language in LANGUAGES}
        for language, listener in listeners.items():
            listener.join(session_id, language)
            listener.expect("sessionJoined")
        context.say(f"captions: speaking for {SPEECH_SECONDS} s")
        speaker.speak(samples)
        spoken_at = time.monotonic()
        texts: dict[str, str] = {}
        for language, listener in listeners.items():
            caption = listener.expect("caption", CAPTION_SECONDS, isPartial=False)
            waited = caption.received_at - spoken_at
            when = f"{waited:.1f} s after the last word" if waited > 0 else "during the speech"
            yield right(f"captions in {language}", f"{caption['text']!r}, {when}")
            texts[language] = caption["text"]
        yield _kept(context, session_id)
        yield from transcript(context, speaker, session_id, texts[SOURCE_LANGUAGE])
    except SOCKET_ERRORS as error:
        messages = [frame["message"] for frame in speaker.received("transcriptionError")]
        yield wrong(
            SUBJECT,
            f"{messages[-1] if messages else error}",
            "see the log groups of audio_ingest, audio_processor and translation",
        )


def _kept(context: Context, session_id: str) -> Verdict:
    """Whether a listener who comes when all has been said is sent it."""
    config = context.deployment.config
    if setting(config, "captionHistoryMinutes") == "0" or setting(config, "translationFunctionArn"):
        return not_tried(HISTORY, "the stack keeps no captions", "see captionHistoryMinutes")
    late = context.clients.listener("late listener")
    late.join(session_id, SOURCE_LANGUAGE)
    late.expect("sessionJoined")
    reply = late.missed_captions()[-1]
    if reply.type != "captionHistory":
        return wrong(HISTORY, f"getCaptions was refused with {reply['code']}", REPAIR)
    kept = reply["captions"]
    if not kept:
        return wrong(HISTORY, "no caption was kept", REPAIR)
    return right(HISTORY, f"{len(kept)} captions, the last one {kept[-1]['text']!r}")
