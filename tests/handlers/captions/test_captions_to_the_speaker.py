"""receiveCaptions: the speaker reads what was understood, and nothing changes for anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.handlers.captions.audience import SPOKEN_AT, TEXT, Audience, gathered
from tests.handlers.conftest import Stage


@pytest.fixture
def audience(stage: Stage) -> Iterator[Audience]:
    with gathered(stage) as audience:
        yield audience


def speaking(audience: Audience, **fields: Any) -> str:
    """Another session of the audience, with these fields; returns its speaker."""
    speaker = audience.stage.connect_speaker()
    created = audience.stage.send(speaker, "createSession", sourceLanguage="en", **fields)
    assert created["type"] == "sessionCreated", created
    audience.session_id = created["sessionId"]
    return speaker


def test_the_speaker_reads_each_final_caption_in_the_source_language(audience: Audience) -> None:
    speaker = speaking(audience, receiveCaptions=True)
    audience.join("es", 2)
    audience.say()
    (caption,) = audience.captions(speaker)
    assert caption.pop("timestamp") >= audience.stage.connected_at
    assert caption == {
        "type": "caption",
        "sessionId": audience.session_id,
        "sequence": 1,
        "sourceLanguage": "en",
        "targetLanguage": "en",
        "text": TEXT,
        "originalText": TEXT,
        "isPartial": False,
        "spokenAt": SPOKEN_AT,
        "translated": False,
    }


def test_a_session_without_listeners_still_shows_the_speaker_what_was_understood(
    audience: Audience,
) -> None:
    speaker = speaking(audience, receiveCaptions=True)
    audience.say()
    assert audience.texts(speaker) == [TEXT]
    assert audience.service.requests == []


def test_partial_captions_reach_the_speaker_as_they_reach_listeners(audience: Audience) -> None:
    speaker = speaking(audience, receiveCaptions=True)
    audience.say("Good", isPartial=True, sequence=1)
    audience.say("Good evening.", sequence=1)
    assert [each["isPartial"] for each in audience.captions(speaker)] == [True, False]


@pytest.mark.parametrize("fields", [{}, {"receiveCaptions": False}])
def test_who_did_not_ask_is_sent_none_and_it_costs_no_post(
    audience: Audience, fields: dict[str, Any]
) -> None:
    speaker = speaking(audience, **fields)
    (listener,) = audience.join("en")
    audience.stage.sockets.requests.clear()
    audience.say()
    assert audience.captions(speaker) == []
    assert audience.stage.sockets.requests == {listener: 1}


def test_after_a_refresh_the_captions_go_to_the_new_socket(audience: Audience) -> None:
    old = speaking(audience, receiveCaptions=True)
    new = audience.stage.connect_speaker()
    audience.stage.send(new, "refreshConnection", sessionId=audience.session_id)
    audience.say()
    assert (len(audience.captions(old)), len(audience.captions(new))) == (0, 1)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_refresh_can_turn_them_on_and_off(audience: Audience, wanted: bool) -> None:
    speaking(audience, receiveCaptions=not wanted)
    new = audience.stage.connect_speaker()
    for _ in range(2):
        audience.stage.send(
            new, "refreshConnection", sessionId=audience.session_id, receiveCaptions=wanted
        )
    audience.say()
    assert len(audience.captions(new)) == int(wanted)


def test_a_speaker_who_is_lost_is_not_posted_to_and_their_session_goes_on(
    audience: Audience,
) -> None:
    speaker = speaking(audience, receiveCaptions=True)
    (listener,) = audience.join("en")
    audience.stage.disconnect(speaker)
    audience.stage.sockets.requests.clear()
    audience.say()
    assert audience.stage.sockets.requests == {listener: 1}


def test_a_speaker_whose_socket_is_gone_keeps_the_session(audience: Audience) -> None:
    speaker = speaking(audience, receiveCaptions=True)
    (listener,) = audience.join("en")
    audience.stage.sockets.open.discard(speaker)
    audience.say()
    assert audience.texts(listener) == [TEXT]
    assert audience.stage.connection(speaker)["sessionId"] == audience.session_id
    assert "endedAt" not in audience.stage.session(audience.session_id)


def test_the_speakers_caption_is_not_counted_among_the_listeners(
    audience: Audience, capsys: pytest.CaptureFixture[str]
) -> None:
    speaking(audience, receiveCaptions=True)
    audience.join("en", 2)
    capsys.readouterr()
    audience.say()
    assert '"CaptionsPosted":[2.0]' in capsys.readouterr().out.replace(" ", "")


def test_another_value_is_refused(audience: Audience) -> None:
    speaker = audience.stage.connect_speaker()
    refused = audience.stage.send(
        speaker, "createSession", sourceLanguage="en", receiveCaptions="yes"
    )
    assert refused["code"] == "INVALID_PARAMETER"
    assert refused["details"]["parameter"] == "receiveCaptions"
