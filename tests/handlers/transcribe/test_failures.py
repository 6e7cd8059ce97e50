"""Which failures are transient, which are permanent, and what of them may be logged."""

from __future__ import annotations

import pytest

from live_sessions.audio.transcribe import FailureKind, TranscribeFailure

TRANSIENT, PERMANENT, NO_AUDIO = (
    FailureKind.TRANSIENT,
    FailureKind.PERMANENT,
    FailureKind.TIMED_OUT_WITHOUT_AUDIO,
)
NO_AUDIO_TEXT = "Your request timed out because no new audio was received for 15 seconds."
EXPIRED = "Signature expired: 20260301T000000Z is now earlier than 20260301T000500Z"
NOT_YET = "Signature not yet current: 20260301T001000Z is still later than 20260301T000500Z"


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("LimitExceededException", "", TRANSIENT),
        ("InternalFailureException", "", TRANSIENT),
        ("ServiceUnavailableException", "", TRANSIENT),
        ("ConflictException", "", TRANSIENT),
        ("ThrottlingException", "", TRANSIENT),
        ("SomethingNewException", "", TRANSIENT),
        ("LimitExceededException", NO_AUDIO_TEXT, TRANSIENT),
        ("BadRequestException", "", TRANSIENT),
        ("BadRequestException", "Unexpected WebSocket frame received.", TRANSIENT),
        ("SerializationException", "", TRANSIENT),
        ("ValidationException", "", TRANSIENT),
        ("BadRequestException", NO_AUDIO_TEXT, NO_AUDIO),
        ("AccessDeniedException", "", PERMANENT),
        ("UnrecognizedClientException", "", PERMANENT),
        ("ExpiredTokenException", "", PERMANENT),
        ("InvalidSignatureException", "The request signature does not match", PERMANENT),
        ("InvalidSignatureException", EXPIRED, TRANSIENT),
        ("BadRequestException", NOT_YET, TRANSIENT),
    ],
)
def test_an_exception_is_of_its_kind(name: str, text: str, kind: FailureKind) -> None:
    failure = TranscribeFailure.of_exception(name, text)
    assert failure.kind is kind
    assert failure.message.startswith(name)


@pytest.mark.parametrize(
    ("status", "name", "body", "kind"),
    [
        (429, "", "", TRANSIENT),
        (408, "", "", TRANSIENT),
        (500, "", "", TRANSIENT),
        (503, "ServiceUnavailableException", "", TRANSIENT),
        (400, "LimitExceededException", "", TRANSIENT),
        (400, "ThrottlingException", "", TRANSIENT),
        (400, "BadRequestException", "", PERMANENT),
        (403, "", "", PERMANENT),
        (403, "AccessDeniedException", "is not authorized to perform", PERMANENT),
        (403, "ExpiredTokenException", "The security token is expired", PERMANENT),
        (404, "", "", PERMANENT),
        (302, "", "", PERMANENT),
        (200, "", "", PERMANENT),
        (403, "InvalidSignatureException", f'{{"message":"{EXPIRED}"}}', TRANSIENT),
        (403, "", f"<Message>{NOT_YET}</Message>", TRANSIENT),
        (403, "", '{"message":"Request has expired"}', TRANSIENT),
        (403, "RequestExpired", "", TRANSIENT),
    ],
)
def test_a_refused_handshake_is_of_its_kind(
    status: int, name: str, body: str, kind: FailureKind
) -> None:
    failure = TranscribeFailure.of_handshake(status, name, body)
    assert failure.kind is kind
    assert str(status) in failure.message
    assert name in failure.message


@pytest.mark.parametrize(
    "code",
    [None, 1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009, 1011, 1012, 1013, 1014, 4000],
)
def test_a_close_that_another_stream_may_not_meet_is_transient(code: int | None) -> None:
    assert TranscribeFailure.of_close(code).kind is TRANSIENT


@pytest.mark.parametrize("code", [1008, 1010])
def test_a_close_for_a_policy_or_an_extension_is_permanent(code: int) -> None:
    assert TranscribeFailure.of_close(code).kind is PERMANENT


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "BadRequestException",
            NO_AUDIO_TEXT,
            f"BadRequestException: {NO_AUDIO_TEXT}",
        ),
        (
            "InvalidSignatureException",
            "The request signature does not match.\n\nThe Canonical String was 'GET\n/stream",
            "InvalidSignatureException: The request signature does not match.",
        ),
        ("BadRequestException", "see https://host/path?X-Amz-Signature=1", "BadRequestException"),
        ("BadRequestException", "key AKIAIOSFODNN7EXAMPLE unknown", "BadRequestException"),
        ("BadRequestException", "token IQoJb3JpZ2+/luX2Vj==", "BadRequestException"),
        ("BadRequestException", "arn:aws:iam::123456789012:role/x", "BadRequestException"),
        ("BadRequestException", "word " * 41, "BadRequestException"),
        ("BadRequestException", "", "BadRequestException"),
        ("BadRequestException", "\n\n", "BadRequestException"),
        ("wss://host/?X-Amz-Signature=1", "", "unnamed exception"),
        ("", "Plain words.", "unnamed exception: Plain words."),
    ],
)
def test_a_message_for_the_log_holds_plain_words_alone(name: str, text: str, message: str) -> None:
    assert TranscribeFailure.of_exception(name, text).message == message


def test_an_error_type_that_is_not_a_name_is_not_shown() -> None:
    failure = TranscribeFailure.of_handshake(403, "https://host/?X-Amz-Signature=1", "secret body")
    assert failure.message == "handshake refused: 403 unnamed exception"
    assert str(failure) == "permanent: handshake refused: 403 unnamed exception"
