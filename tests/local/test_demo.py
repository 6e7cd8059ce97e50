from typing import Any

import pytest

from local.client import Frame, FrameMissing, Participants
from local.demo import EXPECTATIONS, Stage, play, summary


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


def test_a_status_is_shown_with_its_counts() -> None:
    status = frame(
        type="sessionStatus",
        updateReason="periodic",
        listenerCount=3,
        languageDistribution={"fr": 1, "es": 2},
    )
    assert summary(status) == "sessionStatus    periodic: 3 listeners (es 2, fr 1)"


def test_a_status_without_listeners_has_no_empty_brackets() -> None:
    status = frame(
        type="sessionStatus", updateReason="requested", listenerCount=0, languageDistribution={}
    )
    assert summary(status) == "sessionStatus    requested: 0 listeners"


def test_one_listener_is_no_listeners() -> None:
    status = frame(
        type="sessionStatus",
        updateReason="newLanguage",
        listenerCount=1,
        languageDistribution={"es": 1},
    )
    assert summary(status) == "sessionStatus    newLanguage: 1 listener (es 1)"


def test_a_resume_is_shown_with_the_length_of_the_pause() -> None:
    resumed = frame(type="broadcastResumed", pausedSeconds=1.523, broadcastState={})
    assert summary(resumed) == "broadcastResumed after 1.5 s"


def test_the_grace_period_is_told_with_its_tolerance() -> None:
    assert EXPECTATIONS["kept"].endswith("for 10 s, and for at most 8 s more")


def test_a_frame_of_another_type_is_shown_with_all_its_fields() -> None:
    assert (
        summary(frame(type="captionDue", timestamp=1, text="hola")) == "captionDue       text=hola"
    )


def test_a_scene_that_cannot_go_on_does_not_keep_the_next_from_being_played(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played: list[str] = []

    def missing(stage: Stage, people: Participants) -> None:
        raise FrameMissing("nothing came")

    def complete(stage: Stage, people: Participants) -> None:
        played.append("the next")

    monkeypatch.setattr("local.demo.SCENES", (missing, complete))
    play(Stage(), {})
    assert played == ["the next"]
    assert "nothing came" in capsys.readouterr().out
