"""The pages on Pulumi's engine: switched on in a stack that exists, loaded, and switched off."""

import http.client
import json
from collections.abc import Mapping

import pytest
from pulumi.automation import OpType

from components.web_pages.headers import security_headers
from local.emulator.process import HOST, Emulator
from tests.engine.conftest import StartStack
from tests.engine.inventory import inventory
from tests.engine.stack import EngineStack
from tests.patience import PATIENCE_SECONDS

NEW_KINDS = {"buckets", "distributions", "headers policies", "origin access controls"}


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> EngineStack:
    started = start_stack()
    started.up()
    return started


@pytest.fixture(scope="module")
def before(stack: EngineStack, emulator: Emulator) -> Mapping[str, set[str]]:
    """What the account has of the stack without pages."""
    return inventory(emulator)


def loaded(emulator: Emulator, host: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, and body, as the distribution's viewer gets them."""
    connection = http.client.HTTPConnection(HOST, emulator.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    body = answer.read()
    connection.close()
    return answer.status, headers, body


def test_pages_are_switched_on_in_place(
    stack: EngineStack, emulator: Emulator, before: Mapping[str, set[str]]
) -> None:
    stack.configure(webPages=True)
    steps = stack.up()
    assert {step.op for step in steps.changes} == {OpType.CREATE, OpType.UPDATE}
    # The user pool and its client are not replaced: their users can go on.
    assert steps.names(OpType.UPDATE) == {"identity-client"}
    assert inventory(emulator).keys() - before.keys() == NEW_KINDS
    again = stack.preview()
    assert again.names(OpType.SAME) >= {"pages-distribution", "pages-config.json"}
    assert again.changes == [], str(again)
    assert (refreshed := stack.preview(refresh=True)).changes == [], str(refreshed)


def test_the_pages_are_loaded_with_their_security_headers(
    stack: EngineStack, emulator: Emulator
) -> None:
    outputs = stack.outputs
    host = outputs["webPagesDistributionDomain"]
    assert outputs["webPagesUrl"] == f"https://{host}"
    status, headers, body = loaded(emulator, host, "/")
    assert status == http.HTTPStatus.OK
    assert b'<script type="module"' in body
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    issuer = outputs["speakerIssuer"]
    wanted = security_headers([outputs["websocketUrl"], issuer, emulator.url])
    assert {name: headers[name.lower()] for name in wanted} == wanted
    assert headers["strict-transport-security"] == "max-age=31536000"

    script = body.partition(b'src="./')[2].partition(b'"')[0].decode()
    status, headers, _ = loaded(emulator, host, f"/{script}")
    assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in headers["cache-control"]

    status, _, body = loaded(emulator, host, "/config.json")
    config = json.loads(body)
    assert (status, config["websocketUrl"]) == (200, outputs["websocketUrl"])
    assert config["signIn"]["clientId"] == outputs["userPoolClientId"]

    status, _, body = loaded(emulator, host, "/nothing/here")
    assert (status, b"Page not found" in body) == (http.HTTPStatus.NOT_FOUND, True)


def test_pages_are_switched_off_again(
    stack: EngineStack, emulator: Emulator, before: Mapping[str, set[str]]
) -> None:
    stack.configure(webPages=False)
    steps = stack.up()
    assert {step.op for step in steps.changes} <= {OpType.DELETE, OpType.UPDATE}
    assert steps.names(OpType.UPDATE) <= {"identity-client"}
    assert inventory(emulator) == before
    assert (again := stack.preview()).changes == [], str(again)
