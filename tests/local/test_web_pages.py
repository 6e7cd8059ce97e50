"""The pages on the local cloud: served by its CloudFront, with a sign-in by the code flow."""

import base64
import hashlib
import http.client
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from client.web_pages import fetch_page
from components.web_pages.headers import security_headers
from local.cloud import LocalCloud
from tests.local.conftest import CloudWith
from tests.patience import PATIENCE_SECONDS

ORIGIN = "http://127.0.0.1:5173"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def cloud(cloud_with: CloudWith) -> LocalCloud:
    return cloud_with(webPages=True, webPagesOrigins=[ORIGIN])


def answer_to(
    cloud: LocalCloud, method: str, path: str, form: Mapping[str, str] | None = None
) -> http.client.HTTPResponse:
    """The emulator's answer, whose redirects are not followed."""
    connection = http.client.HTTPConnection(
        urlsplit(cloud.outputs["emulatorUrl"]).netloc, timeout=PATIENCE_SECONDS
    )
    connection.request(method, path, urlencode(form) if form else None, FORM if form else {})
    return connection.getresponse()


def config_json(cloud: LocalCloud) -> dict[str, Any]:
    return json.loads(fetch_page(cloud.outputs, "/config.json").body)


def test_pages_are_served_with_their_headers(cloud: LocalCloud) -> None:
    outputs = cloud.outputs
    wanted = security_headers(
        [outputs["websocketUrl"], outputs["speakerIssuer"], outputs["emulatorUrl"]]
    )
    for path, kind in (("/", "text/html"), ("/speak.html", "text/html"), ("/config.json", "app")):
        answer = fetch_page(outputs, path)
        assert answer.status == http.HTTPStatus.OK
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["cache-control"] == "no-cache"
        assert {name: answer.headers[name.lower()] for name in wanted} == wanted
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_what_is_not_there_is_a_page_that_says_so(cloud: LocalCloud) -> None:
    for path in ("/nothing/here", "/assets/", "/assets/index-old.js"):
        answer = fetch_page(cloud.outputs, path)
        assert (answer.status, b"Page not found" in answer.body) == (404, True)


def test_plain_http_is_sent_to_https(cloud: LocalCloud) -> None:
    connection = http.client.HTTPConnection(urlsplit(cloud.outputs["emulatorUrl"]).netloc)
    host = cloud.outputs["webPagesDistributionDomain"]
    connection.request("GET", "/speak.html", headers={"Host": host})
    answer = connection.getresponse()
    assert answer.status == http.HTTPStatus.MOVED_PERMANENTLY
    assert answer.getheader("Location") == f"https://{host}/speak.html"


def test_nobody_reads_the_bucket_itself(cloud: LocalCloud) -> None:
    bucket = cloud.outputs["webPagesBucketName"]
    for path in (f"/{bucket}/index.html", f"/{bucket}/"):
        assert answer_to(cloud, "GET", path).status == http.HTTPStatus.FORBIDDEN


def test_a_speaker_signs_in_by_the_code_flow_and_creates_a_session(cloud: LocalCloud) -> None:
    sign_in = config_json(cloud)["signIn"]
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    redirect = f"{ORIGIN}/speak.html"
    request = {
        "response_type": "code",
        "client_id": sign_in["clientId"],
        "redirect_uri": redirect,
        "scope": sign_in["scope"],
        "state": "the-state",
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    }
    path = urlsplit(sign_in["authorizationEndpoint"]).path
    assert answer_to(cloud, "GET", f"{path}?{urlencode(request)}").status == http.HTTPStatus.OK
    login = {
        **request,
        "username": cloud.outputs["speakerUsername"],
        "password": cloud.outputs["speakerPassword"],
    }
    location = answer_to(cloud, "POST", "/login", login).getheader("Location") or ""
    assert location.startswith(f"{redirect}?")
    returned = parse_qs(urlsplit(location).query)
    assert returned["state"] == ["the-state"]
    token_request = {
        "grant_type": "authorization_code",
        "client_id": sign_in["clientId"],
        "code": returned["code"][0],
        "redirect_uri": redirect,
        "code_verifier": verifier,
    }
    answer = answer_to(cloud, "POST", urlsplit(sign_in["tokenEndpoint"]).path, token_request)
    tokens = json.load(answer)
    assert cloud.speaker(token=tokens["id_token"]).create_session("en")


def test_a_page_that_is_not_the_stacks_gets_no_code(cloud: LocalCloud) -> None:
    sign_in = config_json(cloud)["signIn"]
    request = {
        "response_type": "code",
        "client_id": sign_in["clientId"],
        "redirect_uri": "http://127.0.0.1:6666/speak.html",
        "scope": sign_in["scope"],
    }
    path = urlsplit(sign_in["authorizationEndpoint"]).path
    answer = answer_to(cloud, "GET", f"{path}?{urlencode(request)}")
    assert answer.status == http.HTTPStatus.BAD_REQUEST


def test_another_origin_is_a_change_in_place(cloud_with: CloudWith) -> None:
    cloud = cloud_with(webPages=True, webPagesOrigins=[ORIGIN, "http://127.0.0.1:5174"])
    client_id = cloud.outputs["userPoolClientId"]
    cloud._config["webPagesOrigins"] = ["http://127.0.0.1:5175"]
    assert cloud.deploy() == ["identity-client"]
    assert cloud.outputs["userPoolClientId"] == client_id
    assert cloud.deploy() == []
