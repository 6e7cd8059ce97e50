from typing import Any

import pytest

from client.people import Participants
from client.sockets import Frame, FrameMissing
from local.demo import speech_scene
from local.demo.__main__ import play
from local.demo.speech_scene import speech_with_captions, transcript_of_the_speech
from local.demo.stage import EXPECTATIONS, KeptSession, Stage
from local.sample_speech import SENTENCES

ORIGINALS = [sentence.lower().rstrip(".") for sentence in SENTENCES]


def frame(**body: Any) -> Frame:
    return Frame(body, received_at=0.0)


def test_only_what_was_seen_is_ticked(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage()
    *all_but_one, last = EXPECTATIONS
    for expectation in all_but_one:
        stage.saw(expectation)
    assert not stage.checklist()
    assert f"✗ {EXPECTATIONS[last]}  (not seen)" in capsys.readouterr().out
    stage.saw(last, "30.01 s")
    assert stage.checklist()
    assert "✗" not in (shown := capsys.readouterr().out)
    assert f"✓ {EXPECTATIONS[last]}  (30.01 s)" in shown


def test_nothing_is_coloured_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    Stage().checklist()
    assert "\033" not in capsys.readouterr().out


def test_the_grace_period_is_shown_with_its_tolerance() -> None:
    assert EXPECTATIONS["kept"].endswith("for 10 s, and for at most 8 s more")


def test_a_scene_that_cannot_go_on_does_not_keep_the_next_from_being_played(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played: list[str] = []

    def missing(stage: Stage, people: Participants) -> None:
        raise FrameMissing("nothing came")

    def complete(stage: Stage, people: Participants) -> None:
        played.append("the next")

    monkeypatch.setattr("local.demo.__main__.SCENES", (missing, complete))
    play(Stage(), {})
    assert played == ["the next"]
    assert "nothing came" in capsys.readouterr().out


class FakeListener:
    """One of the speech scene's listeners, with the captions that it is to have read."""

    def __init__(self, language: str, texts: list[str]) -> None:
        self._captions = [
            frame(
                type="caption",
                sequence=number,
                sourceLanguage="en",
                targetLanguage=language,
                text=text,
                isPartial=False,
                translated=language != "en",
            )
            for number, text in enumerate(texts, 1)
        ]

    def join(self, session_id: str, language: str) -> None: ...

    def expect(self, frame_type: str) -> None: ...

    def captions(self) -> list[Frame]:
        return self._captions


class FakeSpeaker:
    def __init__(self, refusals: list[Frame]) -> None:
        self._refusals = refusals

    def create_session(self, language: str) -> str:
        return "golden-river-482"

    def speak(self, samples: bytes) -> None: ...

    def received(self, frame_type: str) -> list[Frame]:
        return [refusal for refusal in self._refusals if refusal.type == frame_type]

    def end_session(self) -> None: ...

    def expect(self, frame_type: str) -> None: ...


class FakeParticipants:
    def __init__(self, texts: dict[str, list[str]], *refusals: Frame) -> None:
        self._texts = texts
        self._refusals = list(refusals)

    def speaker(self, name: str) -> FakeSpeaker:
        return FakeSpeaker(self._refusals)

    def listener(self, name: str) -> FakeListener:
        language = {"Erin": "en", "Esteban": "es", "Fabien": "fr"}[name]
        return FakeListener(language, self._texts[language])


def checklist_after_the_speech(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    texts: dict[str, list[str]],
    *refusals: Frame,
) -> dict[str, str]:
    """The speech's expectations, each with the line of it in the checklist."""
    monkeypatch.setattr("local.demo.speech_scene.CAPTIONS_TIMEOUT_SECONDS", 0.0)
    stage = Stage()
    speech_with_captions(stage, FakeParticipants(texts, *refusals))  # pyright: ignore
    stage.checklist()
    lines = capsys.readouterr().out.splitlines()
    return {
        key: next(line.strip() for line in lines if EXPECTATIONS[key] in line)
        for key in ("spoken", "captioned", "translated")
    }


def test_a_speech_that_is_read_by_all_is_ticked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {language: [f"{language} {text}" for text in ORIGINALS] for language in ("es", "fr")}
    lines = checklist_after_the_speech(capsys, monkeypatch, {"en": ORIGINALS, **texts})
    assert all(line.startswith("✓") for line in lines.values())
    assert lines["captioned"].endswith("(0 of 43 words wrong)")
    assert lines["translated"].endswith("in order")


def test_too_many_wrong_words_are_not_ticked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = [text.replace("the", "a").replace("in", "on") for text in ORIGINALS]
    lines = checklist_after_the_speech(
        capsys, monkeypatch, {"en": heard, "es": ORIGINALS, "fr": ORIGINALS}
    )
    assert lines["captioned"].startswith("✗")


def test_no_captions_at_all_tick_nothing_but_the_speaking(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = checklist_after_the_speech(capsys, monkeypatch, {"en": [], "es": [], "fr": []})
    assert [line[0] for line in lines.values()] == ["✓", "✗", "✗"]


def test_a_lost_translation_is_not_ticked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = checklist_after_the_speech(
        capsys, monkeypatch, {"en": ORIGINALS, "es": ORIGINALS, "fr": ORIGINALS[:-1]}
    )
    assert lines["translated"].startswith("✗")


def test_a_refused_chunk_is_not_ticked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = frame(type="error", code="SERVICE_UNAVAILABLE", message="no slot is free")
    texts: dict[str, list[str]] = dict.fromkeys(("en", "es", "fr"), ORIGINALS)
    assert checklist_after_the_speech(capsys, monkeypatch, texts, refusal)["spoken"][0] == "✗"


def test_stand_ins_are_called_by_their_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = ["[1.9 seconds of speech in en-US]"] * len(SENTENCES)
    texts = {
        "en": measured,
        "es": measured,
        "fr": [f"[fr] {text}" for text in measured],
    }
    lines = checklist_after_the_speech(capsys, monkeypatch, texts)
    assert lines["captioned"].startswith("✓")
    assert "a placeholder text, not words: pocketsphinx is not installed" in lines["captioned"]
    assert "(fr marked, not translated" in lines["translated"]


class SpeakerOfASpeech:
    """A speaker of a session that has ended, who is given the link."""

    def speaker(self, name: str) -> Any:
        return self

    def ask(self, action: str, **fields: Any) -> Frame:
        assert (action, fields) == ("getTranscript", {"sessionId": "golden-river-482"})
        return frame(type="transcript", url="http://127.0.0.1/en.txt")


def shown_transcript(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, read: str | OSError
) -> str:
    """What the last scene prints, and its line in the checklist."""

    def reading(url: str, *, is_local: bool) -> str:
        if isinstance(read, OSError):
            raise read
        return read

    monkeypatch.setattr(speech_scene, "read_transcript", reading)
    stage = Stage()
    stage.keeps_transcripts = True
    stage.speech = KeptSession("golden-river-482", ["Hello.", "Good night."])
    transcript_of_the_speech(stage, SpeakerOfASpeech())  # pyright: ignore
    stage.checklist()
    return capsys.readouterr().out


def test_the_transcript_is_shown_and_ticked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = shown_transcript(capsys, monkeypatch, read="Hello.\nGood night.\n")
    assert "link     · Hello.\n" in shown
    assert f"✓ {EXPECTATIONS['transcript']}  (2 lines)" in shown


@pytest.mark.parametrize(
    "read", ["Hello.\n", OSError("403")], ids=["one caption is missing", "the link is refused"]
)
def test_a_transcript_that_is_not_whole_is_not_ticked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, read: str | OSError
) -> None:
    assert f"✗ {EXPECTATIONS['transcript']}" in shown_transcript(capsys, monkeypatch, read=read)


def test_a_stack_that_keeps_no_transcripts_is_not_asked_for_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage = Stage()
    transcript_of_the_speech(stage, FakeParticipants({}))  # pyright: ignore
    stage.checklist()
    assert f"✓ {EXPECTATIONS['transcript']}  (none: the stack's" in capsys.readouterr().out
