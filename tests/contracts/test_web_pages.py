"""What webPages adds to a stack and to its user pool, and that nothing else changes."""

import json
from typing import Any

import pytest

from program.engine import Engine, Registered
from tests.contracts.graph_difference import difference
from tests.contracts.program_runs import LEAN, ProgramRun, run

NAME = {"webPagesDomainName": "talk.example.com", "webPagesHostedZoneId": "Z0123456789"}
EXISTING_POOL = {
    "existingUserPoolId": "eu-west-1_AbCdEf",
    "existingUserPoolClientId": "poolclient",
    "webPagesSignInOrigin": "https://people.auth.eu-west-1.amazoncognito.com",
}
ISSUER = {
    "speakerIssuer": "https://login.example.com/tenant",
    "speakerAudiences": ["api", "pages"],
    "webPagesClientId": "pages",
}


def staging(**changes: Any) -> ProgramRun:
    return run("staging", {**LEAN, **changes})


def config_json(engine: Engine) -> dict[str, Any]:
    objects = engine.inputs("s3/bucketObjectv2")
    (content,) = [each["content"] for each in objects if each["key"] == "config.json"]
    return json.loads(content)


def is_of_pages(each: Registered) -> bool:
    return each.urn.startswith("live-sessions:web_pages:WebPages")


def test_nothing_but_the_client_changes_and_nothing_else_is_added():
    with_pages = staging(webPages=True, **NAME).engine
    found = difference(staging().engine, with_pages)
    assert found.removed == set()
    others = {each.name for each in with_pages.registered if not is_of_pages(each)}
    assert found.added & others == {"identity-domain"}
    assert found.changed == {
        "identity-client": {
            *("allowedOauthFlows", "allowedOauthFlowsUserPoolClient", "allowedOauthScopes"),
            *("callbackUrls", "logoutUrls", "supportedIdentityProviders"),
        }
    }


def test_without_pages_there_is_nothing_of_them():
    stack = staging()
    assert not [each.urn for each in stack.engine.registered if is_of_pages(each)]
    for typ in ("cognito/userPoolDomain", "cloudfront/distribution", "s3/bucket"):
        assert stack.engine.inputs(typ) == []
    assert not [name for name in stack.outputs if name.startswith("webPages")]


def test_the_pages_know_their_stack():
    stack = staging(webPages=True, transcripts=True, **NAME)
    config = config_json(stack.engine)
    assert config["websocketUrl"] == stack.outputs["websocketUrl"]
    assert config["transcripts"] is True
    assert config["signIn"]["authority"] == stack.outputs["speakerIssuer"]
    assert config["signIn"]["clientId"] == stack.outputs["userPoolClientId"]
    assert stack.outputs["webPagesUrl"] == "https://talk.example.com"


def test_pages_connect_to_the_apis_own_name():
    api = {"domainName": "live.example.com", "hostedZoneId": "Z0123456789"}
    stack = staging(webPages=True, **api)
    assert config_json(stack.engine)["websocketUrl"] == "wss://live.example.com"
    security = stack.engine.only("cloudfront/responseHeadersPolicy")["securityHeadersConfig"]
    policy = security["contentSecurityPolicy"]["contentSecurityPolicy"]
    assert "connect-src 'self' wss://live.example.com https://cognito-idp." in policy


def test_speakers_come_back_to_each_place_where_the_page_is_served():
    client = staging(webPages=True, webPagesOrigins=["http://localhost:5173"]).engine.only(
        "cognito/userPoolClient"
    )
    assert client["callbackUrls"] == [
        "https://dpages-distribution.cloudfront.net/speak.html",
        "http://localhost:5173/speak.html",
    ]


@pytest.mark.parametrize(
    ("settings", "client_id"), [(EXISTING_POOL, "poolclient"), (ISSUER, "pages")]
)
def test_speakers_of_another_pool_or_issuer_sign_in_there(settings: Any, client_id: str):
    engine = staging(webPages=True, **settings).engine
    assert engine.inputs("cognito/userPoolDomain") == []
    assert config_json(engine)["signIn"]["clientId"] == client_id


@pytest.mark.parametrize("settings", [{}, EXISTING_POOL, ISSUER])
def test_the_pages_may_connect_to_every_address_that_they_are_given(settings: Any):
    engine = staging(webPages=True, **settings).engine
    security = engine.only("cloudfront/responseHeadersPolicy")["securityHeadersConfig"]
    policy = security["contentSecurityPolicy"]["contentSecurityPolicy"]
    (connect,) = [each for each in policy.split("; ") if each.startswith("connect-src ")]
    allowed = connect.split()[2:]
    config = config_json(engine)
    endpoints = ("authority", "tokenEndpoint", "revocationEndpoint")
    urls = [config["signIn"][name] for name in endpoints if name in config["signIn"]]
    for url in (config["websocketUrl"], *urls):
        assert any(url.startswith(f"{origin}/") for origin in allowed), url


def test_a_preview_of_a_stack_with_pages_plans_what_an_update_makes():
    config = {**LEAN, "webPages": True}
    planned, made = (run("staging", config, preview=preview) for preview in (True, False))
    urns = [{each.urn for each in stack.engine.registered} for stack in (planned, made)]
    assert urns[0] == urns[1]
