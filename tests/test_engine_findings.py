"""The findings of the tests on Pulumi's engine, without the engine.

What they overlook would never be found in an upgrade.
"""

from typing import Any

import pytest

from client.people import Listener
from client.sockets import Frame
from tests.engine.findings import CONTROL_FRAMES, FAILURES, Findings


class Received(Listener):
    """A listener who has received these frames, without a socket."""

    def __init__(self, *bodies: dict[str, Any]) -> None:
        self._bodies = bodies

    def received(self, frame_type: str | None = None) -> list[Frame]:
        frames = [Frame(body, received_at=0) for body in self._bodies]
        return [frame for frame in frames if frame_type in (None, frame.type)]


def caption(words: str, language: str = "en", **fields: Any) -> dict[str, Any]:
    """A final caption as the stand-in for Translate makes it."""
    is_translated = language != "en"
    return {
        "type": "caption",
        "sourceLanguage": "en",
        "targetLanguage": language,
        "originalText": words,
        "text": f"[{language}] {words}" if is_translated else words,
        "translated": is_translated,
        "isPartial": False,
        **fields,
    }


def control(version: int, frame_type: str = "volumeChanged") -> dict[str, Any]:
    return {"type": frame_type, "broadcastState": {"version": version}}


def found_in(findings: Findings) -> dict[str, list[str]]:
    return {name: cases for name, cases in vars(findings).items() if name != "done" and cases}


def of_captions(*bodies: dict[str, Any], language: str = "en") -> dict[str, list[str]]:
    findings = Findings()
    findings.add_captions(Received(*bodies), language, spoken=[1, 2, 3, 4])
    return found_in(findings)


def of_controls(*versions: int) -> dict[str, list[str]]:
    findings = Findings()
    findings.add_controls(Received(*map(control, versions)), versions=range(3, 6))
    return found_in(findings)


def of_ticks(*positions: int) -> dict[str, list[str]]:
    findings = Findings()
    findings.add_ticks("tick", positions)
    return found_in(findings)


@pytest.mark.parametrize("language", ["en", "es"])
def test_nothing_is_found_where_each_word_was_read_once_and_in_order(language: str) -> None:
    captions = (caption("1 2", language), caption("3 4", language))
    assert of_captions(*captions, language=language) == {}


def test_partial_captions_are_not_counted_as_read() -> None:
    partial = caption("1 2 3", isPartial=True)
    assert of_captions(partial, caption("1 2 3 4")) == {}
    assert of_captions(caption("1 2 3"), caption("4", isPartial=True)) == {
        "words_missing": ["4 in en"]
    }


def test_a_word_that_was_not_read_is_missing_also_in_the_middle_or_when_nothing_was_read() -> None:
    assert of_captions(caption("1"), caption("3 4")) == {"words_missing": ["2 in en"]}
    assert of_captions() == {"words_missing": [f"{word} in en" for word in (1, 2, 3, 4)]}


def test_a_word_that_was_read_twice_or_never_said_is_one_too_many() -> None:
    assert of_captions(caption("1 2"), caption("2 3 4")) == {"words_doubled": ["2 in en"]}
    assert of_captions(caption("1 2 3 4 5")) == {"words_doubled": ["5 in en"]}


def test_captions_in_another_order_are_wrong_though_each_word_was_read() -> None:
    assert of_captions(caption("3 4"), caption("1 2")) == {"captions_wrong": ["out of order in en"]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "1 2 3 4"},
        {"text": "[de] 1 2 3 4"},
        {"targetLanguage": "de"},
        {"translated": False},
    ],
    ids=str,
)
def test_a_caption_that_is_not_in_the_listeners_language_is_wrong(wrong: dict[str, Any]) -> None:
    captions = caption("1 2 3 4", "es") | wrong
    assert list(of_captions(captions, language="es")) == ["captions_wrong"]
    assert of_captions(caption("1 2 3 4", translated=True)).keys() == {"captions_wrong"}


def test_nothing_is_found_where_each_control_came_once_in_any_order() -> None:
    assert of_controls(3, 4, 5) == {}
    assert of_controls(5, 3, 4) == {}


def test_a_control_that_did_not_come_is_missing_and_one_that_came_twice_is_doubled() -> None:
    assert of_controls(3, 5) == {"controls_missing": ["version 4"]}
    assert of_controls(3, 4, 4, 5) == {"controls_doubled": ["version 4"]}
    assert of_controls(3, 3) == {
        "controls_missing": ["version 4", "version 5"],
        "controls_doubled": ["version 3"],
    }


def test_each_control_of_a_speaker_counts_and_no_other_frame_with_a_state() -> None:
    findings = Findings()
    frames = [control(version, name) for version, name in enumerate(sorted(CONTROL_FRAMES))]
    others = (control(0, "sessionStatus"), {"type": "sessionEnded", "reason": "operator"})
    findings.add_controls(Received(*frames, *others), range(len(CONTROL_FRAMES)))
    assert found_in(findings) == {}
    assert {"volumeChanged", "broadcastPaused"} <= CONTROL_FRAMES


@pytest.mark.parametrize("frame_type", sorted(FAILURES))
def test_each_frame_that_nobody_should_receive_is_found(frame_type: str) -> None:
    # API Gateway's own frames have no type.
    body = {"type": frame_type} if frame_type else {"message": "Internal server error"}
    findings = Findings()
    findings.add_frames(Received(caption("1"), body, control(1)))
    assert found_in(findings) == {"error_frames": [str(body)]}


def test_the_same_error_on_two_sockets_is_one_case_that_was_found_twice() -> None:
    findings = Findings()
    for name in ("one", "two"):
        error = {"type": "error", "code": "SERVICE_UNAVAILABLE"}
        own = {"connectionId": name, "requestId": name, "timestamp": len(name)}
        findings.add_frames(Received(error | own))
    assert len(set(findings.error_frames)) == 1
    assert "error_frames, 2 times: " in str(findings)


def test_ticks_are_missing_or_doubled_only_between_the_first_and_the_last() -> None:
    assert of_ticks(7, 8, 9) == {}
    assert of_ticks(9, 7) == {"ticks_missing": ["tick 8"]}
    assert of_ticks(7, 8, 8, 9) == {"ticks_doubled": ["tick 8"]}
    assert of_ticks(7) == {}


def test_the_report_counts_every_kind_also_those_that_were_not_found() -> None:
    findings = Findings()
    findings.done.update(heartbeat=3)
    findings.words_missing += ["1 in en", "1 in en", "2 in es"]
    lines = str(findings).splitlines()
    assert lines[0] == "done: 3 heartbeat"
    assert "words missing: 3" in lines
    assert "words doubled: 0" in lines
    assert "  words_missing, 2 times: 1 in en" in lines
