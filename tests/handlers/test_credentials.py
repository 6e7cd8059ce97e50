"""Keys of Lambda's variables, or of the endpoint of functions that start from a snapshot."""

from __future__ import annotations

import datetime
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType

import pytest

from live_sessions.audio.transcribe import FailureKind, TranscribeFailure
from live_sessions.audio.transcribe_socket import TranscribeStream
from live_sessions.aws import credentials, runtime
from live_sessions.aws.credentials import Keys, KeysUnavailable, keys_of
from live_sessions.aws.http import AwsHttp, NoAnswer, Signer
from live_sessions.aws.runtime import SYSTEM_CLOCK, AwsEnvironment

RESTORED = AwsEnvironment("eu-central-1")
# botocore renews keys within fifteen minutes of their end, and refuses to use those that ended.
SOON, LATER = datetime.timedelta(minutes=1), datetime.timedelta(hours=6)


@dataclass
class Endpoint:
    """Lambda's credentials endpoint: each answer has the next keys."""

    url: str
    token: str = "the-functions-own"
    valid_for: list[datetime.timedelta] = field(default_factory=list)
    is_down: bool = False
    answers: int = 0


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if made.is_down or self.headers["Authorization"] != made.token:
                self.send_error(500)
                return
            made.answers += 1
            valid_for = made.valid_for.pop(0) if made.valid_for else LATER
            ends_at = datetime.datetime.now(datetime.UTC) + valid_for
            body = {
                "AccessKeyId": f"ASIA{made.answers}",
                "SecretAccessKey": f"secret-{made.answers}",
                "Token": f"token-{made.answers}",
                "Expiration": ends_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = Endpoint(f"http://127.0.0.1:{server.server_port}/credentials")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", made.url)
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", made.token)
        credentials._renewed.cache_clear()
        yield made
        credentials._renewed.cache_clear()
        server.shutdown()


def test_the_keys_of_the_environment_are_used_as_they_are(endpoint: Endpoint) -> None:
    aws = AwsEnvironment("eu-central-1", "AKID", "secret", "token")
    assert keys_of(aws) == Keys("AKID", "secret", "token")
    assert keys_of(AwsEnvironment("eu-central-1", "AKID", "secret")).session_token is None
    assert endpoint.answers == 0


def test_a_function_that_starts_from_a_snapshot_gets_its_keys_from_the_endpoint_once(
    endpoint: Endpoint,
) -> None:
    expected = Keys("ASIA1", "secret-1", "token-1")
    assert [keys_of(RESTORED) for _ in range(3)] == [expected] * 3
    assert endpoint.answers == 1


def test_keys_that_end_soon_are_renewed_and_sign_the_next_request(endpoint: Endpoint) -> None:
    # Those that end soon are renewed before they are used.
    endpoint.valid_for = [SOON, SOON, LATER]
    signer = Signer(RESTORED, "dynamodb", "host")

    def signed(by: Signer) -> dict[str, str]:
        return by.signed("POST", "/", {}, b"", at_seconds=1_800_000_000)

    first, second, third = (signed(signer) for _ in range(3))
    assert first["x-amz-security-token"] == "token-2"
    assert second["x-amz-security-token"] == third["x-amz-security-token"] == "token-3"
    for one, number in ((first, 2), (second, 3), (third, 3)):
        keys = (f"ASIA{number}", f"secret-{number}", f"token-{number}")
        assert one == signed(Signer(AwsEnvironment("eu-central-1", *keys), "dynamodb", "host"))


def test_a_request_that_cannot_be_signed_was_not_sent(endpoint: Endpoint) -> None:
    endpoint.is_down = True
    http = AwsHttp("http://127.0.0.1:1", "dynamodb", RESTORED, timeout_seconds=1)
    with pytest.raises(NoAnswer, match="not signed: KeysUnavailable") as failure:
        http.request("POST", "/")
    assert not failure.value.may_have_arrived


def test_a_stream_that_cannot_be_signed_may_be_tried_again(endpoint: Endpoint) -> None:
    endpoint.is_down = True
    with pytest.raises(TranscribeFailure, match="no keys to sign with") as failure:
        TranscribeStream.open(RESTORED, "en-US", 16_000, stability=None, clock=SYSTEM_CLOCK)
    assert failure.value.kind is FailureKind.TRANSIENT


def test_an_environment_without_any_keys_is_named(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path_factory.mktemp("none") / "none"))
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    with pytest.raises(KeysUnavailable, match="AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        keys_of(RESTORED)
    assert endpoint.answers == 0


@pytest.mark.parametrize(("how", "hooks"), [("snap-start", 1), ("on-demand", 0), ("", 0)])
def test_environments_of_one_snapshot_draw_different_random_numbers(
    how: str, hooks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[object] = []
    managed_runtime = ModuleType("snapshot_restore_py")
    managed_runtime.register_after_restore = registered.append  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", managed_runtime)
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", how)
    runtime.draw_anew_after_restore()
    assert registered == [runtime.random.seed] * hooks
