"""The pages on Pulumi's engine: switched on in a stack that exists, loaded, and switched off."""

import http
import json
import uuid
from collections.abc import Mapping

import pytest
from pulumi.automation import OpType

from client.web_pages import fetch_page
from components.settings import CERTIFICATE_REGION
from components.web_pages.headers import security_headers
from local.emulator.process import Emulator
from tests.engine.conftest import StartStack
from tests.engine.inventory import inventory
from tests.engine.stack import EngineStack
from tests.engine.test_whole_stack import hosted_zone
from tests.patience import PATIENCE_SECONDS

NEW_KINDS = {"buckets", "distributions", "headers policies", "origin access controls"}
NAME = "talk.example.com"
# One that the program makes needs a provider of another Region, which a plugin that is attached to
# does not serve beside the first one. That is tested on mocks.
CERTIFICATE_ARN = f"arn:aws:acm:{CERTIFICATE_REGION}:123456789012:certificate/{uuid.uuid4()}"


@pytest.fixture(scope="module")
def stack(start_stack: StartStack) -> EngineStack:
    started = start_stack()
    started.up()
    return started


@pytest.fixture(scope="module")
def before(stack: EngineStack, emulator: Emulator) -> Mapping[str, set[str]]:
    """What the account has of the stack without pages."""
    return inventory(emulator)


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
    outputs = {**stack.outputs, "emulatorUrl": emulator.url}
    assert outputs["webPagesUrl"] == f"https://{outputs['webPagesDistributionDomain']}"
    page = fetch_page(outputs, "/", PATIENCE_SECONDS)
    assert page.status == http.HTTPStatus.OK
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    wanted = security_headers([outputs["websocketUrl"], outputs["speakerIssuer"], emulator.url])
    assert {name: page.headers[name.lower()] for name in wanted} == wanted
    assert page.headers["strict-transport-security"] == "max-age=31536000"

    script = page.body.partition(b' src="./')[2].partition(b'"')[0].decode()
    loaded = fetch_page(outputs, f"/{script}", PATIENCE_SECONDS)
    assert loaded.status == http.HTTPStatus.OK
    assert loaded.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in loaded.headers["cache-control"]

    config = json.loads(fetch_page(outputs, "/config.json", PATIENCE_SECONDS).body)
    assert config["websocketUrl"] == outputs["websocketUrl"]
    assert config["signIn"]["clientId"] == outputs["userPoolClientId"]
    missing = fetch_page(outputs, "/nothing/here", PATIENCE_SECONDS)
    assert (missing.status, b"Page not found" in missing.body) == (http.HTTPStatus.NOT_FOUND, True)


def test_the_pages_get_a_name_of_their_own_in_place(stack: EngineStack, emulator: Emulator) -> None:
    stack.configure(
        webPagesDomainName=NAME,
        webPagesHostedZoneId=hosted_zone(emulator),
        webPagesCertificateArn=CERTIFICATE_ARN,
    )
    steps = stack.up()
    assert {step.op for step in steps.changes} == {OpType.CREATE, OpType.UPDATE}
    assert steps.names(OpType.UPDATE) == {"pages-distribution", "identity-client"}
    assert steps.names(OpType.CREATE) == {"pages-record-a", "pages-record-aaaa"}
    assert stack.outputs["webPagesUrl"] == f"https://{NAME}"
    assert (again := stack.preview()).changes == [], str(again)


def test_pages_are_switched_off_again(
    stack: EngineStack, emulator: Emulator, before: Mapping[str, set[str]]
) -> None:
    stack.configure(
        webPages=False,
        webPagesDomainName="",
        webPagesHostedZoneId="",
        webPagesCertificateArn="",
    )
    steps = stack.up()
    assert {step.op for step in steps.changes} <= {OpType.DELETE, OpType.UPDATE}
    assert steps.names(OpType.UPDATE) <= {"identity-client"}
    assert inventory(emulator) == before
    assert (again := stack.preview()).changes == [], str(again)
