"""Nothing of a stack answers everybody but what is meant to, and that judges whom it answers."""

from program.computed import COMPUTED
from program.engine import Engine
from tests.contracts.policy_documents import allowed, statements
from tests.contracts.program_runs import ProgramRun
from tests.contracts.resource_types import ANSWERS_EVERYBODY, OPENINGS


def test_no_type_opens_a_stack_to_everybody(stack: ProgramRun):
    types = {each.typ for each in stack.engine.registered}
    assert [typ for typ in types if typ.startswith(OPENINGS)] == []
    assert COMPUTED.keys() >= ANSWERS_EVERYBODY.keys(), "a row is about a type that is gone"


def test_no_policy_lets_everybody_in(stack: ProgramRun):
    for each in allowed(stack.engine):
        principal = each.statement.get("Principal", {})
        assert isinstance(principal, dict), f"{each.place} lets {principal} in"
        assert "*" not in str(principal), each.place


def test_everybody_is_named_only_where_plain_http_is_refused(engine: Engine):
    refusing = [each for each in statements(engine) if each.statement["Effect"] == "Deny"]
    assert {each.statement["Sid"] for each in refusing} == {"DenyPlainHttp"}
    for each in refusing:
        assert each.statement["Principal"] == "*", each.place
        assert each.statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, each.place


def test_no_function_may_be_invoked_by_everybody(stack: ProgramRun):
    for each in stack.engine.inputs("lambda/permission"):
        assert "*" not in each["principal"]
        assert each["sourceArn"], f"{each['function']} could be invoked by another account's API"


def test_every_handshake_is_judged_and_no_socket_opens_without_one(stack: ProgramRun):
    engine = stack.engine
    authorizer = engine.only("apigatewayv2/authorizer")
    assert authorizer["authorizerType"] == "REQUEST"
    assert "identitySources" not in authorizer, "a handshake without a token would not be judged"
    assert "authorizerCredentialsArn" not in authorizer
    routes = {each["routeKey"]: each for each in engine.inputs("apigatewayv2/route")}
    assert routes["$connect"]["authorizationType"] == "CUSTOM"
    assert routes["$connect"]["authorizerId"] == "api-routes-authorizer-id"
    # Messages come over sockets alone, and so from whom the handshake let in.
    others = {key: each for key, each in routes.items() if key != "$connect"}
    assert {each["authorizationType"] for each in others.values()} == {"NONE"}
    assert engine.only("apigatewayv2/api")["protocolType"] == "WEBSOCKET"


def test_speakers_are_made_by_an_operator_alone(stack: ProgramRun):
    pool = stack.engine.only("cognito/userPool")
    assert pool["adminCreateUserConfig"]["allowAdminCreateUserOnly"] is True
    client = stack.engine.only("cognito/userPoolClient")
    assert client["preventUserExistenceErrors"] == "ENABLED"
    assert "allowedOauthFlows" not in client


def test_only_the_local_cloud_takes_passwords_as_they_are(stack: ProgramRun):
    flows = stack.engine.only("cognito/userPoolClient")["explicitAuthFlows"]
    expected = {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    if stack.config["layerPlatform"] == "host":
        expected |= {"ALLOW_USER_PASSWORD_AUTH"}
    assert set(flows) == expected


def test_no_log_holds_what_clients_say(stack: ProgramRun):
    settings = stack.engine.only("apigatewayv2/stage")["defaultRouteSettings"]
    assert settings["dataTraceEnabled"] is False
    assert settings["loggingLevel"] == "OFF"
