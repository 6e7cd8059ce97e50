"""Only who is signed well, in time, and allowed by its role gets through to a stand-in."""

import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import InvalidStatus

from local.emulator.process import Denial, Emulator
from local.speech.process import SpeechServices
from tests.local.speech.callers import Caller, caller, error_code_of, signing_at

STREAM, TRANSLATE = "transcribe:StartStreamTranscriptionWebSocket", "translate:TranslateText"


def stream_refusal(attempt: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as refusal:
        attempt()
    response = refusal.value.response
    return response.status_code, response.headers["x-amzn-ErrorType"]


def translate_refusal(attempt: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as refusal:
        attempt()
    return error_code_of(refusal.value)


def last_denial(emulator: Emulator) -> Denial:
    return emulator.denials()[-1]


def test_whom_the_role_allows_gets_through(ada: Caller) -> None:
    with ada.open_stream():
        pass
    assert ada.translate("good morning", "en", "fr") == "[fr] good morning"


def test_without_the_permission_to_stream_the_handshake_is_denied(
    emulator: Emulator, speech: SpeechServices
) -> None:
    other = caller(emulator, speech, ["translate:TranslateText", "transcribe:ListVocabularies"])
    assert stream_refusal(other.open_stream) == (403, "AccessDeniedException")
    denial = last_denial(emulator)
    assert (denial.role, denial.action, denial.resource) == (other.role, STREAM, "*")


def test_without_the_permission_to_translate_the_call_is_denied(
    emulator: Emulator, speech: SpeechServices
) -> None:
    other = caller(emulator, speech, [STREAM])
    assert translate_refusal(lambda: other.translate("x")) == "AccessDeniedException"
    denial = last_denial(emulator)
    assert (denial.role, denial.action, denial.resource) == (other.role, TRANSLATE, "*")


def test_a_permission_taken_away_is_missed_at_once(
    emulator: Emulator, speech: SpeechServices
) -> None:
    other = caller(emulator, speech)
    assert other.translate("x")
    emulator.client("iam").delete_role_policy(RoleName=other.role, PolicyName="permissions")
    assert translate_refusal(lambda: other.translate("x")) == "AccessDeniedException"


def test_a_wrong_secret_is_denied(emulator: Emulator, ada: Caller) -> None:
    forger = ada.but(secret_access_key="guessed")
    before = len(emulator.denials())
    assert stream_refusal(forger.open_stream) == (403, "InvalidSignatureException")
    assert translate_refusal(lambda: forger.translate("x")) == "InvalidSignatureException"
    denied = [(each.principal, each.action) for each in emulator.denials()[before:]]
    assert denied == [("-", STREAM), ("-", TRANSLATE)]


def test_an_expired_session_is_denied(emulator: Emulator, speech: SpeechServices) -> None:
    other = caller(emulator, speech, session_seconds=1)
    time.sleep(1.1)
    assert stream_refusal(other.open_stream) == (403, "ExpiredTokenException")
    assert translate_refusal(lambda: other.translate("x")) == "ExpiredTokenException"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_time_is_denied(ada: Caller, minutes: float) -> None:
    with signing_at(minutes):
        assert stream_refusal(ada.open_stream) == (403, "InvalidSignatureException")
        assert translate_refusal(lambda: ada.translate("x")) == "InvalidSignatureException"


def test_a_url_is_good_as_long_as_it_says(ada: Caller) -> None:
    with signing_at(-1):
        expired, lasting = ada.stream_url(expires=30), ada.stream_url(expires=300)
    with ada.open_stream(lasting):
        pass
    assert stream_refusal(lambda: ada.open_stream(expired))[0] == 403


@pytest.mark.parametrize("expires", [0, 301, -1])
def test_a_url_that_would_last_longer_than_five_minutes_is_denied(
    ada: Caller, expires: int
) -> None:
    assert stream_refusal(lambda: ada.open_stream(expires=expires))[0] == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"session_token": "another"},
        {"session_token": None},
        {"access_key_id": "ASIAUNKNOWNUNKNOWN00"},
        {"region": "eu-central-1"},
    ],
)
def test_credentials_that_do_not_belong_together_are_denied(
    ada: Caller, changes: dict[str, str | None]
) -> None:
    forger = ada.but(**changes)
    assert stream_refusal(forger.open_stream)[0] == 403
    assert translate_refusal(lambda: forger.translate("x")) in (
        "UnrecognizedClientException",
        "InvalidSignatureException",
    )


def test_a_url_that_was_changed_after_signing_is_denied(ada: Caller) -> None:
    url = ada.stream_url().replace("language-code=en-US", "language-code=de-DE")
    assert stream_refusal(lambda: ada.open_stream(url))[0] == 403


@pytest.mark.parametrize("hash_header", [None, hashlib.sha256(b"").hexdigest()])
def test_a_body_that_was_changed_after_signing_is_denied(
    ada: Caller, hash_header: str | None
) -> None:
    """Also one that is signed with the hash of another body in its header."""
    client = ada.translate_client()

    def hash_another(request: Any, **_: object) -> None:
        if hash_header:
            request.headers["X-Amz-Content-SHA256"] = hash_header

    def change(request: Any, **_: object) -> None:
        request.body = request.body.replace(b"mine", b"thin")

    client.meta.events.register("before-sign.translate.TranslateText", hash_another)
    client.meta.events.register("before-send.translate.TranslateText", change)
    refusal = translate_refusal(
        lambda: client.translate_text(Text="mine", SourceLanguageCode="en", TargetLanguageCode="fr")
    )
    assert refusal == "InvalidSignatureException"


def test_a_url_without_a_signature_is_denied(ada: Caller) -> None:
    url = ada.stream_url().partition("?")[0] + "?language-code=en-US&X-Amz-Expires=300"
    assert stream_refusal(lambda: ada.open_stream(url.replace("http", "ws")))[0] == 403


def test_the_roots_name_alone_opens_nothing(emulator: Emulator, ada: Caller) -> None:
    for key in (emulator.access_key_id, emulator.account_id, "test"):
        forger = ada.but(access_key_id=key, secret_access_key="guessed", session_token=None)
        assert stream_refusal(forger.open_stream)[0] == 403
        assert translate_refusal(lambda forger=forger: forger.translate("x"))
