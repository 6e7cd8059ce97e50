from typing import Any

import pytest

from client.sockets import Frame
from local.timeline import summary

BROADCAST_FRAMES = [
    *("broadcastPaused", "broadcastMuted", "broadcastUnmuted", "volumeChanged"),
    *("speakerStateChanged", "stateRestored"),
]


def frame(**body: Any) -> Frame:
    return Frame(body, received_at=0.0)


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


def test_one_listener_is_shown_in_the_singular() -> None:
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


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, "broadcast on, volume 1, version 4"),
        ({"isPaused": True}, "broadcast paused, volume 1, version 4"),
        ({"isPaused": True, "isMuted": True}, "broadcast paused and muted, volume 1, version 4"),
        ({"volume": 0.25}, "broadcast on, volume 0.25, version 4"),
    ],
)
@pytest.mark.parametrize("frame_type", BROADCAST_FRAMES)
def test_a_control_is_shown_with_the_state_that_it_leaves(
    frame_type: str, changed: dict[str, Any], shown: str
) -> None:
    state = {"isPaused": False, "isMuted": False, "volume": 1.0, "version": 4, **changed}
    line = summary(frame(type=frame_type, sessionId="quiet-lake-001", broadcastState=state))
    assert line == f"{frame_type:<16} {shown}"


def test_a_frame_of_another_type_is_shown_with_all_its_fields() -> None:
    assert summary(frame(type="laughter", timestamp=1, text="haha")) == "laughter         text=haha"


def caption(**others: Any) -> Frame:
    usual = {
        "type": "caption",
        "sequence": 3,
        "sourceLanguage": "en",
        "targetLanguage": "es",
        "text": "hola",
        "originalText": "hello",
        "isPartial": False,
        "translated": True,
    }
    return frame(**{**usual, **others})


def test_a_caption_is_shown_with_its_language_and_number() -> None:
    assert summary(caption()) == "caption          es 3: hola"


def test_a_partial_caption_looks_different_from_the_final_one() -> None:
    assert summary(caption(isPartial=True)) == "caption          es 3: hola …"


def test_a_caption_that_should_have_been_translated_is_marked() -> None:
    text = "caption          es 3: hello (not translated)"
    assert summary(caption(text="hello", translated=False)) == text
    original = caption(text="hello", targetLanguage="en", translated=False)
    assert summary(original) == "caption          en 3: hello"
