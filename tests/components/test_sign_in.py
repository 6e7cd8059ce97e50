"""Where speakers sign in on the pages, and what config.json says of it."""

import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.sign_in import sign_in_addresses, user_pool_domain
from components.web_pages import page_config
from program.computed import ACCOUNT
from program.engine import Engine
from program.stack_config import ROOT

OWN_POOL: dict[str, Any] = {
    "prefix": "live-sessions-test",
    "region": "eu-central-1",
    "account_id": ACCOUNT,
    "existing_user_pool_id": "",
    "issuer": "",
    "sign_in_origin": "",
    "cognito_endpoint": "",
}
EXISTING = {
    "existing_user_pool_id": "eu-west-1_AbCdEf",
    "sign_in_origin": "https://people.auth.eu-west-1.amazoncognito.com",
}
ISSUER = "https://login.example.com/tenant"


def decided(**changes: Any) -> tuple[list[str], Mapping[str, str]]:
    """The URLs that the pages connect to, and signIn of config.json."""
    found: dict[str, Any] = {}

    def program() -> None:
        addresses = sign_in_addresses(**{**OWN_POOL, **changes})
        config = addresses.config(issuer="the-issuer", client_id="the-client")
        pulumi.Output.all(*addresses.connects_to).apply(lambda urls: found.update(urls=urls))
        pulumi.Output.all(**config).apply(lambda values: found.update(config=values))

    Engine().run(program)
    return found["urls"], found["config"]


def test_the_stacks_own_pool_has_its_pages_at_a_domain_with_stack_and_account():
    urls, config = decided()
    domain = f"https://live-sessions-test-{ACCOUNT}.auth.eu-central-1.amazoncognito.com"
    assert urls == ["https://cognito-idp.eu-central-1.amazonaws.com", domain]
    assert config == {
        "authority": "the-issuer",
        "clientId": "the-client",
        "scope": "openid email",
        "authorizationEndpoint": f"{domain}/oauth2/authorize",
        "tokenEndpoint": f"{domain}/oauth2/token",
        "logoutEndpoint": f"{domain}/logout",
        "revocationEndpoint": f"{domain}/oauth2/revoke",
    }


def test_an_existing_pool_has_its_pages_where_config_says_in_its_own_region():
    urls, config = decided(**EXISTING)
    assert urls == ["https://cognito-idp.eu-west-1.amazonaws.com", EXISTING["sign_in_origin"]]
    assert config["tokenEndpoint"] == f"{EXISTING['sign_in_origin']}/oauth2/token"
    assert config["revocationEndpoint"] == f"{EXISTING['sign_in_origin']}/oauth2/revoke"


def test_another_issuer_names_its_endpoints_itself():
    urls, config = decided(issuer=ISSUER)
    assert urls == [ISSUER]
    assert config.keys() == {"authority", "clientId", "scope"}
    urls, _ = decided(issuer=ISSUER, sign_in_origin="https://tokens.example.com")
    assert urls == [ISSUER, "https://tokens.example.com"]


@pytest.mark.parametrize("pool", [{}, EXISTING], ids=["own", "existing"])
def test_on_the_local_cloud_all_of_cognito_is_the_emulators(pool: dict[str, str]):
    endpoint = "http://127.0.0.1:4566"
    urls, config = decided(**pool, cognito_endpoint=endpoint)
    assert endpoint in urls
    assert config["authorizationEndpoint"] == f"{endpoint}/oauth2/authorize"
    assert "revocationEndpoint" not in config


@pytest.mark.parametrize("stack", ["production", "Dev_of_Zoe", "s" * 32, "aws-lab", "a"])
def test_every_stack_has_a_domain_that_cognito_allows(stack: str):
    domain = user_pool_domain(f"live-sessions-{stack}", ACCOUNT)
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?", domain)
    assert not [word for word in ("aws", "amazon", "cognito") if word in domain]
    assert domain.endswith(f"-{ACCOUNT}")


def test_two_stacks_have_two_domains():
    stacks = ("Dev", "dev", "aws-1", "aws-2")
    assert len({user_pool_domain(f"live-sessions-{each}", ACCOUNT) for each in stacks}) == 4


def interface(name: str) -> dict[str, bool]:
    """The fields of an interface in web/src/config.ts, and whether each has to be there."""
    source = (ROOT / "web/src/config.ts").read_text()
    (body,) = re.findall(
        rf"^export interface {name} {{\n(.*?)^}}", source, re.DOTALL | re.MULTILINE
    )
    fields = re.findall(r"^\s*(?:readonly )?(\w+)(\??):", body, re.MULTILINE)
    assert fields
    return {field: not optional for field, optional in fields}


def test_config_json_is_what_the_pages_read():
    config = page_config(websocket_url="wss://…", sign_in=None, transcripts=False)
    assert config.keys() == {
        field for field, is_needed in interface("PageConfig").items() if is_needed
    }
    _, of_own_pool = decided()
    _, of_an_issuer = decided(issuer=ISSUER)
    fields = interface("SignInConfig")
    assert of_own_pool.keys() == fields.keys()
    assert of_an_issuer.keys() == {field for field, is_needed in fields.items() if is_needed}
