"""A speech, the captions that its listeners receive, and later its transcript."""

import re
import time

from client.people import Listener, Participants
from client.recordings import duration_seconds, read_recording, silence
from client.sockets import Frame
from client.transcripts import read_transcript, wait_for_transcript
from local.demo.stage import KeptSession, Stage
from local.sample_speech import SENTENCES, WAV, word_errors, words_of

SPEAKER = "Sofia"
READER_OF_THE_ORIGINAL = "Erin"
LISTENERS = {READER_OF_THE_ORIGINAL: "en", "Esteban": "es", "Fabien": "fr"}
HIGHEST_WORD_ERROR_RATE = 0.1
# The speaker's own pause after the last word ends the sentence.
LAST_PAUSE_SECONDS = 1.0
CAPTIONS_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.1
# Each answer is printed.
TRANSCRIPT_POLL_SECONDS = 30.0
# The local cloud's text where pocketsphinx or Apertium is missing or does not know the language.
STAND_IN_TRANSCRIPT = re.compile(r"\[[\d.]+ seconds of speech in \S+\]")
STAND_IN_TRANSLATION = re.compile(r"\[[\w-]+\] .+")


def speech_with_captions(stage: Stage, people: Participants) -> None:
    """The sample speech, with listeners in English, Spanish and French."""
    stage.heading("A speech, and its captions")
    speaker = people.speaker(SPEAKER)
    kept = {"keepTranscript": True} if stage.keeps_transcripts else {}
    stage.sent(SPEAKER, f"createSession en{' keepTranscript' if kept else ''}")
    session_id = speaker.create_session("en", **kept)
    listeners = {name: people.listener(name) for name in LISTENERS}
    for name, listener in listeners.items():
        stage.sent(name, f"joinSession {LISTENERS[name]}")
        listener.join(session_id, LISTENERS[name])
        listener.expect("sessionJoined")

    samples = read_recording(WAV)
    seconds = duration_seconds(samples)
    stage.sent(SPEAKER, f"sendAudio, ten times a second, for {seconds:.0f} s")
    speaker.speak(samples + silence(LAST_PAUSE_SECONDS))
    _wait_for_captions(list(listeners.values()))
    if not speaker.received("error") and not speaker.received("transcriptionError"):
        stage.saw("spoken", f"{seconds:.1f} s")
    originals = listeners[READER_OF_THE_ORIGINAL].captions()
    _judge_transcript(stage, originals)
    _judge_translations(
        stage,
        originals,
        {
            LISTENERS[name]: listener.captions()
            for name, listener in listeners.items()
            if name != READER_OF_THE_ORIGINAL
        },
    )
    stage.sent(SPEAKER, "endSession")
    speaker.end_session()
    speaker.expect("sessionEnded")
    stage.speech = KeptSession(session_id, [frame["text"] for frame in originals])


def transcript_of_the_speech(stage: Stage, people: Participants) -> None:
    """What the link leads to that the speaker of the speech gets, minutes after its end."""
    if not stage.keeps_transcripts:
        stage.saw("transcript", "none: the stack's setting transcripts is false")
        return
    if stage.speech is None:
        return
    stage.heading("The transcript of the speech")
    speaker = people.speaker(SPEAKER)
    stage.sent(SPEAKER, f"getTranscript {stage.speech.session_id}, until it is written")
    link = wait_for_transcript(
        speaker, stage.speech.session_id, poll_seconds=TRANSCRIPT_POLL_SECONDS
    )
    if link.type != "transcript":
        return
    try:
        lines = read_transcript(link["url"], is_local=True).splitlines()
    except OSError as error:
        stage.happened("demo", f"the link cannot be read: {error}")
        return
    for line in lines:
        stage.happened("link", line)
    if lines == stage.speech.captions:
        stage.saw("transcript", f"{len(lines)} lines")


def _wait_for_captions(listeners: list[Listener]) -> None:
    """Wait until each has a caption for every sentence, or until the time-out."""
    deadline = time.monotonic() + CAPTIONS_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if all(len(listener.captions()) >= len(SENTENCES) for listener in listeners):
            return
        time.sleep(POLL_SECONDS)


def _judge_transcript(stage: Stage, originals: list[Frame]) -> None:
    said, heard = " ".join(SENTENCES), " ".join(frame["text"] for frame in originals)
    wrong, words = word_errors(said, heard), len(words_of(said))
    if originals and all(STAND_IN_TRANSCRIPT.fullmatch(frame["text"]) for frame in originals):
        stage.saw("captioned", "a placeholder text, not words: pocketsphinx is not installed")
    elif wrong <= HIGHEST_WORD_ERROR_RATE * words:
        stage.saw("captioned", f"{wrong} of {words} words wrong")
    else:
        stage.happened("demo", f"{wrong} of {words} words are wrong: {heard!r}")


def _judge_translations(
    stage: Stage, originals: list[Frame], translations: dict[str, list[Frame]]
) -> None:
    order = [frame["sequence"] for frame in originals]
    for language, captions in translations.items():
        if [frame["sequence"] for frame in captions] != order or not all(
            frame["targetLanguage"] == language and frame["translated"] for frame in captions
        ):
            stage.happened("demo", f"the captions in {language} are not those in en, translated")
            return
    if order:
        stand_ins = [
            language
            for language, captions in translations.items()
            if all(STAND_IN_TRANSLATION.fullmatch(frame["text"]) for frame in captions)
        ]
        stage.saw(
            "translated",
            f"{', '.join(stand_ins)} marked, not translated: Apertium is not installed for it"
            if stand_ins
            else "",
        )
