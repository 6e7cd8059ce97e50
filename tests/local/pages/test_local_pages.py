"""The pages of a local cloud: what this machine reaches, and what phones beside it do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from client.people import Participants
from client.sign_in import sign_in
from client.sockets import HandshakeRefused
from components.web_pages.headers import security_headers
from local.cloud import LocalCloud
from local.pages.listen_address import ListenAddressError, listen_address
from local.pages.local_pages import PORTS, LocalPages, not_built, not_installed
from tests.local.conftest import wide_cloud
from tests.local.pages.raw_http import HANDSHAKE, exchange, request, status_of

pytestmark = pytest.mark.skipif(not_installed() is not None, reason=str(not_installed()))
PHONES = "127.0.0.2"


class Served(NamedTuple):
    """Where the pages of a cloud are: on loopback and for phones."""

    cloud: LocalCloud
    own: str
    phones: str

    @property
    def phones_outputs(self) -> dict[str, Any]:
        """What a client of the protocol needs to know beside this machine."""
        config = json.loads(body_of(self.phones, "/config.json"))
        return {**self.cloud.outputs, "websocketUrl": config["websocketUrl"]}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    try:
        listen = listen_address(PHONES)
    except ListenAddressError:
        pytest.skip("this machine has one loopback address")
    assert not_built() is None
    with (
        LocalPages(listen) as pages,
        wide_cloud(tmp_path_factory.mktemp("cloud"), config=pages.settings) as cloud,
    ):
        pages.publish(cloud)
        lines = pages.described(cloud.outputs).splitlines()
        urls = {line.split()[0]: line.split()[1].rstrip("/") for line in lines if "//" in line}
        yield Served(cloud, urls["listen:"], urls["phones:"])


def body_of(url: str, path: str) -> bytes:
    answered = exchange(url, request(path))
    assert status_of(answered) == 200
    return answered.partition(b"\r\n\r\n")[2]


def headers_of(url: str, path: str) -> dict[str, str]:
    head = exchange(url, request(path)).partition(b"\r\n\r\n")[0].decode()
    return dict(line.split(": ", 1) for line in head.splitlines()[1:])


def test_this_machine_gets_the_pages_with_the_headers_of_the_distribution(served: Served) -> None:
    config = json.loads(body_of(served.own, "/config.json"))
    assert config["websocketUrl"] == served.cloud.outputs["websocketUrl"]
    sign_in_url = config["signIn"]["tokenEndpoint"]
    issuer = config["signIn"]["authority"]
    expected = security_headers([config["websocketUrl"], issuer, sign_in_url])
    headers = headers_of(served.own, "/")
    assert expected.items() <= headers.items()
    assert headers["Cache-Control"] == "no-cache"


def test_join_links_of_the_speaker_page_lead_to_where_phones_can_read(served: Served) -> None:
    config = json.loads(body_of(served.own, "/config.json"))
    assert config["listenerPage"] == f"{served.phones}/"
    assert body_of(served.phones, "/") == body_of(served.own, "/")


def test_phones_get_the_same_pages_and_a_config_without_sign_in(served: Served) -> None:
    for path in ("/", "/speak.html"):
        assert body_of(served.phones, path) == body_of(served.own, path)
    config = json.loads(body_of(served.phones, "/config.json"))
    assert config["signIn"] is None
    assert urlsplit(config["websocketUrl"]).netloc == urlsplit(served.phones).netloc
    policy = headers_of(served.phones, "/")["Content-Security-Policy"]
    assert urlsplit(served.cloud.outputs["emulatorUrl"]).netloc not in policy


def test_a_listener_beside_this_machine_joins_and_is_sent_the_captions(served: Served) -> None:
    speaker = served.cloud.speaker()
    session_id = speaker.create_session("en")
    with Participants(served.phones_outputs) as people:
        listener = people.listener()
        joined = listener.ask("joinSession", sessionId=session_id, targetLanguage="es")
        assert joined.type == "sessionJoined"
        speaker.pause()
        assert listener.expect("broadcastPaused")


@pytest.mark.parametrize("with_subprotocols", [True, False])
def test_a_speaker_beside_this_machine_is_refused_whatever_their_token(
    served: Served, with_subprotocols: bool
) -> None:
    token = sign_in(served.cloud.outputs)
    with (
        Participants(served.phones_outputs, with_subprotocols=with_subprotocols) as people,
        pytest.raises(HandshakeRefused) as refusal,
    ):
        people.speaker(token=token)
    assert refusal.value.status == 403


def emulator_paths(outputs: dict[str, Any]) -> list[str]:
    stage = urlsplit(outputs["websocketUrl"]).path
    bucket = outputs["webPagesBucketName"]
    return [
        "/login",
        "/logout",
        "/oauth2/authorize?response_type=code&client_id=x",
        "/oauth2/token",
        f"/{outputs['userPoolId']}/.well-known/jwks.json",
        "/_ministack/ready",
        "/_ministack/reset",
        "/health",
        "/?Action=ListUsers&Version=2010-05-08",
        f"/{bucket}/index.html",
        f"/{bucket}",
        stage,
        f"{stage}/@connections/abc=",
        "/live/@connections/abc=",
        "/2015-03-31/functions/",
        "/restapis",
        "/latest/meta-data/",
    ]


def test_phones_reach_nothing_else_of_the_emulator(served: Served) -> None:
    outputs = served.cloud.outputs
    hosts = [
        "here",
        urlsplit(outputs["emulatorUrl"]).netloc,
        outputs["webPagesDistributionDomain"],
        f"{outputs['webPagesBucketName']}.s3.amazonaws.com",
        "sts.amazonaws.com",
    ]
    signed = "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/sts/aws4_request"
    target = "X-Amz-Target: DynamoDB_20120810.ListTables"
    home = body_of(served.phones, "/")
    for host in hosts:
        for path in emulator_paths(outputs):
            lines = (f"GET {path} HTTP/1.1", f"Host: {host}", signed, target, "", "")
            answered = exchange(served.phones, "\r\n".join(lines).encode())
            if path.startswith("/?"):
                # The query is not looked at: it is the listener page.
                assert answered.endswith(home)
            else:
                assert status_of(answered) == 404, (host, path)
                assert b"Page not found" in answered
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        for path in emulator_paths(outputs):
            answered = exchange(served.phones, request(path, signed, target, method=method))
            assert status_of(answered) == 405, (method, path)


def test_phones_open_no_socket_but_the_stages(served: Served) -> None:
    for path in emulator_paths(served.cloud.outputs):
        answered = exchange(served.phones, request(path, *HANDSHAKE))
        assert status_of(answered) == 404, path


@pytest.mark.usefixtures("served")
def test_guesses_of_phones_are_limited_as_on_aws() -> None:
    with LocalPages(PHONES) as pages:
        assert pages.settings["joinMissesPerAddressPerMinute"] == 60
    with LocalPages() as pages:
        assert "joinMissesPerAddressPerMinute" not in pages.settings


def test_a_second_run_beside_it_has_the_next_port_and_both_names_of_this_machine(
    served: Served,
) -> None:
    with LocalPages() as pages:
        origins = pages.settings["webPagesOrigins"]
    ports = {urlsplit(origin).port for origin in origins}
    assert len(ports) == 1
    assert ports != {urlsplit(served.own).port}
    assert {urlsplit(origin).hostname for origin in origins} == {"127.0.0.1", "localhost"}


@pytest.mark.usefixtures("served")
def test_the_addresses_are_printed_with_a_qr_code_for_phones() -> None:
    outputs: dict[str, Any] = {"speakerUsername": "someone", "speakerPassword": "secret"}
    with LocalPages() as pages:
        assert pages.described(outputs).splitlines()[0].endswith("(sign in as someone with secret)")
        assert "phones" not in pages.described(outputs)
        assert pages.described({}).splitlines()[0].endswith("(sign in)")
    with LocalPages(PHONES) as pages:
        _, _, phones, *drawn = pages.described(outputs).splitlines()
    assert f"http://{PHONES}:" in phones
    assert len({len(line) for line in drawn if line}) == 1
    assert len(drawn) > 10


def test_where_every_usual_port_is_taken_any_free_one_is_used() -> None:
    with ExitStack() as running:
        beside = [running.enter_context(LocalPages()) for _ in range(len(PORTS) + 1)]
        urls = [pages.settings["webPagesOrigins"][0] for pages in beside]
    assert len(set(urls)) == len(urls)
    assert urlsplit(urls[-1]).port not in PORTS


def test_without_what_npm_installs_the_reason_says_how_to_try_again(tmp_path: Path) -> None:
    reason = not_installed(tmp_path)
    assert reason
    assert reason.endswith("rm web/node_modules/.installed && make setup")
