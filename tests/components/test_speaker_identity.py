import functools
from typing import Any

import pytest

from components.speaker_identity import SpeakerIdentity, SpeakerIdentityArgs
from program.computed import ACCOUNT
from program.engine import Engine
from tests.components import stack_parts


@functools.cache
def run(**changes: Any) -> Engine:
    engine = Engine()
    args = {
        "platform": stack_parts.platform(),
        "token_layer_arn": "arn:tokens",
        "deletion_protection": True,
        "allow_password_authentication": False,
        **changes,
    }
    engine.run(lambda: SpeakerIdentity("identity", SpeakerIdentityArgs(**args)))
    return engine


def variables(engine: Engine) -> dict[str, str]:
    return engine.only("lambda/function")["environment"]["variables"]


def test_only_an_operator_creates_speakers():
    pool = run().only("cognito/userPool")
    assert pool["adminCreateUserConfig"] == {"allowAdminCreateUserOnly": True}
    assert pool["passwordPolicy"]["minimumLength"] == 12


def test_the_pool_is_protected_as_config_says():
    for protection, word in ((True, "ACTIVE"), (False, "INACTIVE")):
        engine = run(deletion_protection=protection)
        (pool,) = engine.of_type("cognito/userPool").values()
        (client,) = engine.of_type("cognito/userPoolClient").values()
        assert (client.protect, client.retain_on_delete) == (protection, protection)
        assert pool.inputs["deletionProtection"] == word
        assert (pool.protect, pool.retain_on_delete) == (protection, protection)


def test_passwords_are_sent_only_if_config_allows_it():
    flows = run().only("cognito/userPoolClient")["explicitAuthFlows"]
    assert flows == ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    allowed = run(allow_password_authentication=True).only("cognito/userPoolClient")
    assert "ALLOW_USER_PASSWORD_AUTH" in allowed["explicitAuthFlows"]


def test_the_client_has_no_secret_and_does_not_reveal_which_users_exist():
    client = run().only("cognito/userPoolClient")
    assert client["generateSecret"] is False
    assert client["preventUserExistenceErrors"] == "ENABLED"
    assert (client["idTokenValidity"], client["tokenValidityUnits"]["idToken"]) == (60, "minutes")


def test_the_authorizer_knows_issuer_audience_and_keys():
    environment = variables(run())
    issuer = "https://cognito-idp.us-east-1.amazonaws.com/identity-pool-id"
    assert environment["TOKEN_ISSUER"] == issuer
    assert environment["TOKEN_AUDIENCES"] == "identity-client-id"
    assert environment["TOKEN_KEYS_URL"] == f"{issuer}/.well-known/jwks.json"


def test_keys_may_have_another_endpoint_while_the_issuer_stays_cognito():
    environment = variables(run(jwks_endpoint="http://127.0.0.1:4566"))
    keys_url = "http://127.0.0.1:4566/identity-pool-id/.well-known/jwks.json"
    assert environment["TOKEN_KEYS_URL"] == keys_url
    assert environment["TOKEN_ISSUER"].startswith("https://cognito-idp.us-east-1.amazonaws.com/")


def test_an_existing_pool_is_used_and_none_is_made():
    engine = run(
        existing_user_pool_id="us-east-1_AbCdEfGhI", existing_user_pool_client_id="client123"
    )
    assert engine.inputs("cognito/userPool") == engine.inputs("cognito/userPoolClient") == []
    assert variables(engine)["TOKEN_AUDIENCES"] == "client123"
    assert variables(engine)["TOKEN_ISSUER"].endswith("/us-east-1_AbCdEfGhI")


def test_an_existing_pool_of_another_region_is_used_in_that_region():
    issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
    engine = run(
        existing_user_pool_id="eu-west-1_AbCdEfGhI", existing_user_pool_client_id="client123"
    )
    assert variables(engine)["TOKEN_ISSUER"] == issuer
    assert variables(engine)["TOKEN_KEYS_URL"] == f"{issuer}/.well-known/jwks.json"


def test_an_existing_pool_without_its_client_is_rejected():
    with pytest.raises(ValueError, match="needs its client too"):
        run(existing_user_pool_id="us-east-1_AbCdEfGhI")


@pytest.mark.parametrize(
    ("existing", "own"),
    [
        ({}, "identity-client-id"),
        (
            {
                "existing_user_pool_id": "us-east-1_AbCdEfGhI",
                "existing_user_pool_client_id": "client123",
            },
            "client123",
        ),
    ],
)
def test_further_clients_of_a_pool_are_accepted_beside_its_own(
    existing: dict[str, str], own: str
) -> None:
    environment = variables(run(audiences=("tablet", "kiosk"), **existing))
    assert environment["TOKEN_AUDIENCES"] == f"{own} tablet kiosk"


@pytest.mark.parametrize("issuer", ["https://login.example.com/t", "https://login.example.com/t/"])
def test_an_issuer_is_known_exactly_as_given_and_no_pool_is_made(issuer: str) -> None:
    # `make run` sets the endpoint of Cognito whatever the stack uses.
    engine = run(issuer=issuer, audiences=("https://api",), jwks_endpoint="http://127.0.0.1:1")
    assert engine.inputs("cognito/userPool") == engine.inputs("cognito/userPoolClient") == []
    environment = variables(engine)
    assert environment["TOKEN_ISSUER"] == issuer
    assert environment["TOKEN_AUDIENCES"] == "https://api"
    keys_url = "https://login.example.com/t/.well-known/openid-configuration"
    assert environment["TOKEN_KEYS_URL"] == keys_url


def test_an_issuer_without_audiences_or_beside_an_existing_pool_is_rejected() -> None:
    with pytest.raises(ValueError, match="needs audiences"):
        run(issuer="https://login.example.com")
    with pytest.raises(ValueError, match="set one of the two"):
        run(
            issuer="https://login.example.com",
            audiences=("a",),
            existing_user_pool_id="us-east-1_AbCdEfGhI",
            existing_user_pool_client_id="client123",
        )


def test_the_authorizer_alone_carries_the_token_layer():
    assert run().only("lambda/function")["layers"][1:] == ["arn:tokens"]


PAGES = ("https://talk.example.com/speak.html", "http://localhost:5173/speak.html")


def test_with_pages_the_pool_has_a_domain_and_its_client_the_code_flow_alone():
    engine = run(sign_in_pages=PAGES)
    domain = engine.only("cognito/userPoolDomain")
    assert domain == {"domain": f"live-sessions-test-{ACCOUNT}", "userPoolId": "identity-pool-id"}
    client = engine.only("cognito/userPoolClient")
    assert client["allowedOauthFlowsUserPoolClient"] is True
    assert client["allowedOauthFlows"] == ["code"], "the other flows put tokens into URLs"
    assert client["allowedOauthScopes"] == ["openid", "email"]
    assert client["supportedIdentityProviders"] == ["COGNITO"]
    assert client["callbackUrls"] == client["logoutUrls"] == list(PAGES)


def test_with_pages_the_pool_and_its_client_are_the_same_resources():
    without, with_pages = run(), run(sign_in_pages=PAGES)
    assert without.only("cognito/userPool") == with_pages.only("cognito/userPool")
    before, after = (each.only("cognito/userPoolClient") for each in (without, with_pages))
    assert before.items() <= after.items()
    urns = [{each.urn for each in engine.registered} for engine in (without, with_pages)]
    (added,) = urns[1] - urns[0]
    assert urns[0] < urns[1]
    assert added.endswith("::identity-domain")


def test_a_pool_that_exists_and_another_issuer_are_left_alone():
    existing = {
        "existing_user_pool_id": "eu-west-1_AbCdEf",
        "existing_user_pool_client_id": "client",
    }
    for given in (existing, {"issuer": "https://login.example.com", "audiences": ("client",)}):
        engine = run(**given, sign_in_pages=PAGES)
        for typ in ("cognito/userPool", "cognito/userPoolClient", "cognito/userPoolDomain"):
            assert engine.inputs(typ) == []
