"""TranslateText, as boto3 sees it."""

import json
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from local.emulator.process import HOST
from local.speech.apertium import Translator
from local.speech.authorisation import Authorisation
from local.speech.faults import Faults, TranslationFault
from local.speech.process import SpeechServices
from local.speech.translate import TranslateServer
from tests.local.speech.callers import PATIENCE_SECONDS, Caller, error_code_of, status_of


def error_code(caller: Caller, text: str, source: str, target: str) -> str:
    with pytest.raises(ClientError) as refusal:
        caller.translate_client(parameter_validation=False).translate_text(
            Text=text, SourceLanguageCode=source, TargetLanguageCode=target
        )
    assert status_of(refusal.value) == 400
    return error_code_of(refusal.value)


def test_text_comes_back_with_both_codes(ada: Caller) -> None:
    answer = ada.translate_client().translate_text(
        Text="¡grüß dich, \n 世界! \x07", SourceLanguageCode="de", TargetLanguageCode="zh-TW"
    )
    answer.pop("ResponseMetadata")
    assert answer == {
        "TranslatedText": "[zh-TW] ¡grüß dich, \n 世界! \x07",
        "SourceLanguageCode": "de",
        "TargetLanguageCode": "zh-TW",
    }


@pytest.mark.skipif(not shutil.which("apertium"), reason="Apertium is not installed")
def test_english_and_spanish_are_really_translated() -> None:
    translator = Translator()
    if "eng-spa" in translator.modes:
        translated = translator.translate("the history of music", "en", "es-MX")
        assert translated == "La historia de música"
        unknown = translator.translate("Xqzzyl -- [sic] ^weird$ @words", "en", "es")
        assert "Xqzzyl" in unknown
        assert "*" not in unknown
    if "spa-eng" in translator.modes:
        translated = translator.translate("la historia de la música", "es", "en")
        assert translated == "The history of the music"
    assert translator.translate("the history", "en", "ja") == "[ja] the history"


def test_text_is_marked_where_apertium_is_missing_or_not_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    not_wanted = Translator(is_real=False)
    monkeypatch.setenv("PATH", "/nowhere")
    for translator in (not_wanted, Translator()):
        assert not translator.modes
        assert translator.translate("the history", "en", "es") == "[es] the history"


@pytest.mark.parametrize(
    ("source", "target"), [("en", "xx"), ("xx", "en"), ("en", "en"), ("en-US", "es"), ("en", "")]
)
def test_an_unsupported_pair_is_refused(ada: Caller, source: str, target: str) -> None:
    assert error_code(ada, "x", source, target) == "UnsupportedLanguagePairException"


def test_10000_bytes_are_translated_and_no_more(ada: Caller) -> None:
    assert ada.translate("é" * 5_000, "fr", "de")
    assert error_code(ada, "é" * 5_000 + "x", "fr", "de") == "TextSizeLimitExceededException"


def test_empty_text_is_refused(ada: Caller) -> None:
    with pytest.raises(ParamValidationError):
        ada.translate("")
    assert error_code(ada, "", "en", "es") == "ValidationException"


def test_an_operation_that_is_not_there_is_refused(ada: Caller) -> None:
    with pytest.raises(ClientError) as refusal:
        ada.translate_client().list_languages()
    assert error_code_of(refusal.value) == "UnknownOperationException"


def test_ordered_faults_hit_as_often_as_ordered_and_the_language_they_name(
    speech: SpeechServices, ada: Caller
) -> None:
    speech.order(TranslationFault(times=2, target="fr", error="ThrottlingException"))
    speech.order(TranslationFault(target="it", error="InternalServerException", status=500))
    assert ada.translate("x", "en", "de")
    for _ in range(2):
        assert error_code(ada, "x", "en", "fr") == "ThrottlingException"
    with pytest.raises(ClientError) as refusal:
        ada.translate("x", "en", "it")
    assert status_of(refusal.value) == 500
    assert ada.translate("x", "en", "fr")
    assert ada.translate("x", "en", "it")


def test_an_ordered_delay_is_over_before_the_answer(speech: SpeechServices, ada: Caller) -> None:
    speech.order(TranslationFault(target="fr", delay_seconds=0.2))
    asked_at = time.monotonic()
    assert ada.translate("x", "en", "fr") == "[fr] x"
    assert time.monotonic() - asked_at >= 0.2


class Anyone(Authorisation):
    def check(self, *_: Any, **__: Any) -> str:
        return "arn:aws:iam::000000000000:root"


class FrenchHeldBack(Translator):
    """Sets `is_asked` on a request for French, and answers it once `is_let_go` is set."""

    def __init__(self) -> None:
        super().__init__(is_real=False)
        self.is_asked, self.is_let_go = threading.Event(), threading.Event()

    def translate(self, text: str, source: str, target: str) -> str:
        if target == "fr":
            self.is_asked.set()
            assert self.is_let_go.wait(PATIENCE_SECONDS), "no other request was served meanwhile"
        return super().translate(text, source, target)


def test_a_slow_translation_does_not_hold_up_others(ada: Caller) -> None:
    translator = FrenchHeldBack()
    listener = socket.create_server((HOST, 0))
    server = TranslateServer(listener, Anyone(""), Faults(), translator)
    caller = ada.but(translate_url=f"http://{HOST}:{listener.getsockname()[1]}")
    with server, ThreadPoolExecutor() as threads, ExitStack() as at_the_end:
        threads.submit(server.serve_forever)
        at_the_end.callback(server.shutdown)
        slow = threads.submit(caller.translate, "x", "en", "fr")
        assert translator.is_asked.wait(PATIENCE_SECONDS)
        other = threads.submit(caller.translate, "x", "en", "de")
        other.add_done_callback(lambda _: translator.is_let_go.set())
        assert slow.result(PATIENCE_SECONDS) == "[fr] x"
        assert other.result(PATIENCE_SECONDS) == "[de] x"


def test_what_was_served_is_counted_and_never_kept(speech: SpeechServices, ada: Caller) -> None:
    before = speech.served()["translations"].get("pt", 0)
    ada.translate("a very private remark", "en", "pt")
    assert speech.served()["translations"]["pt"] == before + 1
    assert "private" not in json.dumps(speech.served()) + speech.log()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"Text": "x"}',
        b'{"Text": 1, "SourceLanguageCode": "en", "TargetLanguageCode": "es"}',
    ],
)
def test_a_body_that_is_not_json_or_not_a_request_is_refused(ada: Caller, body: bytes) -> None:
    client = ada.translate_client()

    def send_this(request: Any, **_: object) -> None:
        request.data = body

    client.meta.events.register("before-sign.translate.TranslateText", send_this)
    with pytest.raises(ClientError) as refusal:
        client.translate_text(Text="x", SourceLanguageCode="en", TargetLanguageCode="es")
    assert error_code_of(refusal.value) == "SerializationException"
