"""Public access: only what is meant to be public is, and the authorizer decides on each client."""

from program.computed import ACCOUNT, COMPUTED, REGION
from program.engine import Engine
from tests.contracts.policy_documents import allowed, statements
from tests.contracts.program_runs import ProgramRun
from tests.contracts.resource_types import ANSWERS_EVERYBODY, OPENINGS

PAGES = f"live-sessions-staging-pages-{ACCOUNT}-{REGION}"


def buckets(engine: Engine) -> set[str]:
    return {each["bucket"] for each in engine.inputs("s3/bucket")}


def test_no_resource_type_makes_a_stack_public(stack: ProgramRun):
    types = {each.typ for each in stack.engine.registered}
    assert [typ for typ in types if typ.startswith(OPENINGS)] == []
    assert COMPUTED.keys() >= ANSWERS_EVERYBODY.keys(), (
        "a row is about a type that the program does not use"
    )


def test_the_buckets_of_transcripts_and_pages_are_private(engine: Engine):
    switches = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    blocked = engine.inputs("s3/bucketPublicAccessBlock")
    assert [[each[switch] for switch in switches] for each in blocked] == [[True] * 4] * 2
    owned = engine.inputs("s3/bucketOwnershipControls")
    assert [each["rule"] for each in owned] == [{"objectOwnership": "BucketOwnerEnforced"}] * 2
    assert len(buckets(engine)) == 2
    assert {each["bucket"] for each in (*blocked, *owned)} == buckets(engine)


def test_of_services_only_cloudfront_reads_a_bucket_and_only_for_the_pages(engine: Engine):
    reading = [each for each in allowed(engine) if each.carrier.typ.startswith("aws:s3/")]
    (statement,) = (each.statement for each in reading)
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert statement["Action"] == ["s3:GetObject"]
    assert [each for each in buckets(engine) if each in str(statement["Resource"])] == [PAGES]
    (source,) = statement["Condition"]["StringEquals"].values()
    assert source.endswith(":distribution/pages-distribution")


def test_no_policy_allows_everybody(stack: ProgramRun):
    for each in allowed(stack.engine):
        principal = each.statement.get("Principal", {})
        assert isinstance(principal, dict), f"{each.place} allows {principal}"
        assert "*" not in str(principal), each.place


def test_every_principal_is_named_only_where_plain_http_is_denied(engine: Engine):
    denying = [each for each in statements(engine) if each.statement["Effect"] == "Deny"]
    assert {each.statement["Sid"] for each in denying} == {"DenyPlainHttp"}
    for each in denying:
        assert each.statement["Principal"] == "*", each.place
        assert each.statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, each.place


def test_no_function_may_be_invoked_by_everybody(stack: ProgramRun):
    for each in stack.engine.inputs("lambda/permission"):
        assert "*" not in each["principal"]
        assert each["sourceArn"], f"{each['function']} could be invoked by another account's API"


def test_the_authorizer_decides_on_every_handshake(stack: ProgramRun):
    engine = stack.engine
    authorizer = engine.only("apigatewayv2/authorizer")
    assert authorizer["authorizerType"] == "REQUEST"
    assert "identitySources" not in authorizer, (
        "a handshake without a token would not reach the authorizer"
    )
    assert "authorizerCredentialsArn" not in authorizer
    routes = {each["routeKey"]: each for each in engine.inputs("apigatewayv2/route")}
    assert routes["$connect"]["authorizationType"] == "CUSTOM"
    assert routes["$connect"]["authorizerId"] == "api-routes-authorizer-id"
    # Messages come over sockets, which only an accepted handshake opens.
    others = {key: each for key, each in routes.items() if key != "$connect"}
    assert {each["authorizationType"] for each in others.values()} == {"NONE"}
    assert engine.only("apigatewayv2/api")["protocolType"] == "WEBSOCKET"


def test_only_an_operator_creates_speakers(stack: ProgramRun):
    pool = stack.engine.only("cognito/userPool")
    assert pool["adminCreateUserConfig"]["allowAdminCreateUserOnly"] is True
    client = stack.engine.only("cognito/userPoolClient")
    assert client["preventUserExistenceErrors"] == "ENABLED"
    signs_in_on_pages = {"allowedOauthFlows", "callbackUrls", "logoutUrls"}
    assert signs_in_on_pages & client.keys() == (
        signs_in_on_pages if stack.is_on("webPages") else set()
    )
    assert client.get("allowedOauthFlows", ["code"]) == ["code"], "no token is ever in a URL"


def test_only_the_local_cloud_accepts_plain_passwords(stack: ProgramRun):
    flows = stack.engine.only("cognito/userPoolClient")["explicitAuthFlows"]
    expected = {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    if stack.config["layerPlatform"] == "host":
        expected |= {"ALLOW_USER_PASSWORD_AUTH"}
    assert set(flows) == expected


def test_no_log_contains_messages_of_clients(stack: ProgramRun):
    settings = stack.engine.only("apigatewayv2/stage")["defaultRouteSettings"]
    assert settings["dataTraceEnabled"] is False
    assert settings["loggingLevel"] == "OFF"
