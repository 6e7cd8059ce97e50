"""getCaptions: what a listener who joined late, or was away, reads of what was said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from live_sessions.captions.missed_captions import FRAME_LIMIT_BYTES
from live_sessions.wire.frames import Caption, KeptCaption
from tests.handlers.captions.audience import SPOKEN_AT, Audience, gathered
from tests.handlers.conftest import Stage
from tests.handlers.translate_service import refused

MINUTE_MS = 60_000


@pytest.fixture
def now_ms(stage: Stage) -> list[int]:
    """The stage's clock: a list with the time, to be changed."""
    now_ms = [stage.clock.now_ms()]
    stage.clock = replace(stage.clock, now_ms=lambda: now_ms[0])
    return now_ms


@pytest.fixture
def audience(stage: Stage, now_ms: list[int]) -> Iterator[Audience]:
    with gathered(stage) as audience:
        yield audience


def asked(audience: Audience, listener: str, **fields: Any) -> dict[str, Any]:
    frame = audience.stage.send(listener, "getCaptions", **fields)
    assert frame["type"] == "captionHistory", frame
    return frame


def sequences(frame: dict[str, Any]) -> list[int]:
    return [caption["sequence"] for caption in frame["captions"]]


def texts(frame: dict[str, Any]) -> list[str]:
    return [caption["text"] for caption in frame["captions"]]


# ---- which captions


def test_who_joins_late_reads_what_was_said_before_in_their_language(audience: Audience) -> None:
    audience.join("es")
    audience.say("One.")
    audience.say("Two.")
    late = audience.stage.join(audience.session_id, "es")
    frame = asked(audience, late, requestId="r1")
    assert texts(frame) == ["[es] One.", "[es] Two."]
    assert frame["isComplete"] is True
    assert (frame["sessionId"], frame["targetLanguage"]) == (audience.session_id, "es")
    assert frame["requestId"] == "r1"


def test_a_kept_caption_says_what_its_frame_said(audience: Audience) -> None:
    (listener,) = audience.join("es")
    audience.stage.open_socket(listener, {"role": "listener"})
    audience.say()
    (posted,) = audience.captions(listener)
    (kept,) = asked(audience, listener)["captions"]
    assert kept == {
        name: value
        for name, value in posted.items()
        if name not in ("type", "timestamp", "sessionId")
    }


def test_the_fields_of_a_kept_caption_are_those_of_its_frame() -> None:
    fields = {each.encode_name for each in msgspec.structs.fields(Caption)}
    kept = {each.encode_name for each in msgspec.structs.fields(KeptCaption)}
    assert kept == fields - {"timestamp", "requestId", "sessionId"}


def test_without_since_the_last_captions_are_sent_the_oldest_first(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    for number in range(1, 6):
        audience.say(f"{number}.")
    assert sequences(asked(audience, listener, limit=3)) == [3, 4, 5]
    assert sequences(asked(audience, listener)) == [1, 2, 3, 4, 5]


def test_since_names_the_last_caption_that_was_seen(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    for number in range(1, 6):
        audience.say(f"{number}.")
    assert sequences(asked(audience, listener, since=2)) == [3, 4, 5]
    assert sequences(asked(audience, listener, since=5)) == []
    assert sequences(asked(audience, listener, since=0)) == [1, 2, 3, 4, 5]


def test_who_asks_on_until_the_history_is_complete_reads_all_of_it_once(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    for number in range(1, 8):
        audience.say(f"{number}.")
    read: list[int] = []
    frame: dict[str, Any] = {"isComplete": False}
    while not frame["isComplete"]:
        frame = asked(audience, listener, since=read[-1] if read else 0, limit=3)
        read += sequences(frame)
    assert read == [1, 2, 3, 4, 5, 6, 7]


def test_the_frame_before_the_last_one_does_not_say_that_it_is_complete(
    audience: Audience,
) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    for number in range(1, 5):
        audience.say(f"{number}.")
    assert asked(audience, listener, since=0, limit=3)["isComplete"] is False
    assert asked(audience, listener, since=0, limit=4)["isComplete"] is True


def test_what_nobody_read_in_a_language_comes_in_the_source_language(audience: Audience) -> None:
    audience.say("One.")
    audience.join("fr")
    audience.say("Two.")
    late = audience.stage.join(audience.session_id, "fr")
    audience.say("Three.")
    frame = asked(audience, late)
    assert texts(frame) == ["One.", "[fr] Two.", "[fr] Three."]
    first = frame["captions"][0]
    assert (first["targetLanguage"], first["translated"]) == ("fr", False)
    assert (first["sourceLanguage"], first["originalText"]) == ("en", "One.")


def test_a_session_that_nobody_listens_to_keeps_the_source_alone(audience: Audience) -> None:
    audience.say("One.")
    late = audience.stage.join(audience.session_id, "en")
    assert texts(asked(audience, late)) == ["One."]
    assert audience.service.requests == []


def test_a_caption_that_was_not_translated_is_kept_as_it_was_posted(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    audience.service.answers["es"] = lambda _: refused("InvalidRequestException")
    audience.say("One.")
    (kept,) = asked(audience, listener)["captions"]
    assert (kept["text"], kept["originalText"], kept["translated"]) == ("One.", "One.", False)


def test_partial_captions_are_not_kept(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    audience.say("Good", isPartial=True, sequence=1)
    assert sequences(asked(audience, listener)) == []
    audience.say("Good evening.", sequence=1)
    assert texts(asked(audience, listener)) == ["[es] Good evening."]


def test_the_caption_zero_of_a_session_of_release_0_1_0_is_among_the_last_ones(
    audience: Audience,
) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    audience.say("Zero.", sequence=0)
    assert sequences(asked(audience, listener)) == [0]


def test_captions_of_another_session_are_not_shown(audience: Audience) -> None:
    other = audience.stage.create_session(audience.stage.connect_speaker("user-2"))
    audience.say("One.")
    stranger = audience.stage.join(other, "es")
    assert sequences(asked(audience, stranger)) == []


# ---- how long


def test_after_the_minutes_of_the_setting_a_caption_is_gone_whenever_ttl_deletes_it(
    audience: Audience, now_ms: list[int]
) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    audience.say("One.")
    now_ms[0] += MINUTE_MS
    audience.say("Two.")
    now_ms[0] += MINUTE_MS
    assert sequences(asked(audience, listener)) == [1, 2]
    now_ms[0] += 1
    assert sequences(asked(audience, listener)) == [2]
    assert sequences(asked(audience, listener, since=0)) == [2]


def test_rows_expire_after_the_minutes_of_the_setting(
    audience: Audience, now_ms: list[int]
) -> None:
    audience.join("es")
    audience.say("One.")
    rows = list(audience.stage.tables.items["captions"].values())
    assert [row["ttl"] for row in rows] == [{"N": str(now_ms[0] // 1000 + 120)}] * 2


def test_captions_of_an_earlier_session_with_the_same_id_are_not_shown(
    audience: Audience, now_ms: list[int]
) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    audience.say("Of the earlier session.")
    now_ms[0] += 1
    audience.stage.change("sessions", {"sessionId": audience.session_id}, createdAt=now_ms[0])
    audience.say("Of this one.")
    assert texts(asked(audience, listener)) == ["[es] Of this one."]


def test_with_no_minutes_nothing_is_written_or_read(stage: Stage) -> None:
    stage.environment["CAPTION_HISTORY_MINUTES"] = "0"
    with gathered(stage) as audience:
        listener = stage.join(audience.session_id, "es")
        stage.tables.items.pop("captions")  # A call that names it would fail.
        audience.say("One.")
        assert audience.texts(listener) == ["[es] One."]
        frame = asked(audience, listener, since=0)
    assert (frame["captions"], frame["isComplete"]) == ([], True)


# ---- how much


def sizes(frame: dict[str, Any]) -> int:
    return len(msgspec.json.encode(frame["captions"]))


def test_a_frame_has_as_many_captions_as_fit_and_the_next_one_the_rest(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    for _ in range(8):
        audience.say("ñ" * 1000)
    first = asked(audience, listener, since=0)
    assert sequences(first) == list(range(1, len(first["captions"]) + 1))
    assert FRAME_LIMIT_BYTES - 5000 < sizes(first) <= FRAME_LIMIT_BYTES + 1
    assert first["isComplete"] is False
    second = asked(audience, listener, since=sequences(first)[-1])
    assert sequences(first) + sequences(second) == list(range(1, 9))
    assert second["isComplete"] is True


def test_of_the_last_captions_those_that_do_not_fit_are_the_oldest(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    for _ in range(8):
        audience.say("ñ" * 1000)
    frame = asked(audience, listener)
    assert sequences(frame) == list(range(9 - len(frame["captions"]), 9))
    assert 1 < len(frame["captions"]) < 8
    assert frame["isComplete"] is True


def test_a_caption_too_large_for_a_frame_comes_alone(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    audience.say("語" * 5000)
    audience.say("Two.")
    frame = asked(audience, listener, since=0)
    assert sequences(frame) == [1]
    assert frame["isComplete"] is False


# ---- who may ask, and how


def test_a_listener_of_no_session_and_of_one_that_ended_is_refused(audience: Audience) -> None:
    stage = audience.stage
    stranger = stage.connect_listener()
    assert stage.send(stranger, "getCaptions")["code"] == "CONNECTION_NOT_FOUND"
    listener = stage.join(audience.session_id, "es")
    audience.say("One.")
    stage.change(
        "sessions", {"sessionId": audience.session_id}, endedAt=1, endReason="speakerEnded"
    )
    assert stage.send(listener, "getCaptions")["code"] == "SESSION_ENDED"


def test_a_speaker_is_refused(audience: Audience) -> None:
    speaker = audience.stage.connect_speaker("user-3")
    assert audience.stage.send(speaker, "getCaptions")["code"] == "UNAUTHORIZED_ACTION"


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({"since": -1}, "since"),
        ({"since": "1"}, "since"),
        ({"since": 2**53}, "since"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": 1.5}, "limit"),
    ],
)
def test_a_value_out_of_its_range_is_named(
    audience: Audience, fields: dict[str, Any], parameter: str
) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    frame = audience.stage.send(listener, "getCaptions", **fields)
    assert (frame["code"], frame["details"]["parameter"]) == ("INVALID_PARAMETER", parameter)


def test_spoken_at_is_when_the_first_word_began(audience: Audience) -> None:
    listener = audience.stage.join(audience.session_id, "es")
    audience.say("One.")
    (kept,) = asked(audience, listener)["captions"]
    assert kept["spokenAt"] == SPOKEN_AT
