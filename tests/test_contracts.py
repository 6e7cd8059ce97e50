"""What must not change unseen: names, permissions, environments, and what the docs promise.

Statements that the local cloud does not enforce are held to these tables, so taking one away or
widening it fails here.
"""

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from components.layers.function_layers import CACHE, SHARED, STREAMING, TOKENS
from components.layers.packaging import build_layer
from components.layers.wheels import Target, host_architecture
from components.settings.audio_rules import MAXIMUM_SLOTS
from components.settings.config_fields import checks_by_key
from components.settings.stack_settings import FUNCTIONS, Settings
from live_sessions import environment
from live_sessions.protocol import ACTIONS
from local.program import run_program, stack_config
from tests.components.engine import ACCOUNT, COMPUTED, REGION, Engine, RecordingMonitor

ROOT = Path(__file__).resolve().parents[1]
URNS = Path(__file__).with_name("urns.txt")
PREFIX = "live-sessions-staging"

TABLES = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{PREFIX}"
SESSIONS, CONNECTIONS = f"{TABLES}-sessions", f"{TABLES}-connections"
ACTIVE_SESSIONS = f"{SESSIONS}/index/active-sessions-index"
LISTENERS = f"{CONNECTIONS}/index/sessionId-targetLanguage-index"
RATE_LIMITS = f"{TABLES}-rate-limits"
AUDIO_SLOTS = f"{TABLES}-audio-slots"
STAGE = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abc123/staging"
POST = ("execute-api:ManageConnections", f"{STAGE}/POST/@connections/*")
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{PREFIX}"
INVOKE = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}"
# Staging's five.
AUDIO_QUEUES = " ".join(f"{QUEUE}-audio-{slot}" for slot in range(5))
CONSUME = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes"

# Each role's statements besides WriteOwnLogs: Sid to (actions, resources).
STATEMENTS: dict[str, dict[str, tuple[str, str]]] = {
    "authorizer": {},
    "connection": {
        "ReadWriteSessions": (
            "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem",
            SESSIONS,
        ),
        "ReadWriteConnections": (
            "dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem",
            CONNECTIONS,
        ),
        "CountRateLimits": ("dynamodb:UpdateItem", RATE_LIMITS),
        "GetConnections": ("execute-api:ManageConnections", f"{STAGE}/GET/@connections/*"),
        "PostToConnections": POST,
        "InvokeFanOut": ("lambda:InvokeFunction", f"{FUNCTION}-fan-out"),
        "SendSessionChecks": ("sqs:SendMessage", f"{QUEUE}-session-checks"),
    },
    "disconnect": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "DeleteConnections": ("dynamodb:DeleteItem", CONNECTIONS),
        "PostToConnections": POST,
        "InvokeFanOut": ("lambda:InvokeFunction", f"{FUNCTION}-fan-out"),
        "SendSessionChecks": ("sqs:SendMessage", f"{QUEUE}-session-checks"),
        "ConsumeSessionChecks": (CONSUME, f"{QUEUE}-session-checks"),
    },
    "heartbeat": {
        "ReadConnections": ("dynamodb:GetItem", CONNECTIONS),
        "PostToConnections": POST,
    },
    "refresh": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "ReadWriteConnections": (
            "dynamodb:GetItem dynamodb:UpdateItem dynamodb:DeleteItem",
            CONNECTIONS,
        ),
        "PostToConnections": POST,
    },
    "session-status": {
        "ReadSessions": ("dynamodb:GetItem", SESSIONS),
        "NoteStatusRequests": ("dynamodb:UpdateItem", SESSIONS),
        "QueryActiveSessions": ("dynamodb:Query", ACTIVE_SESSIONS),
        "ReadConnections": ("dynamodb:GetItem", CONNECTIONS),
        "CountRateLimits": ("dynamodb:UpdateItem", RATE_LIMITS),
        "PostToConnections": POST,
        "SendSessionChecks": ("sqs:SendMessage", f"{QUEUE}-session-checks"),
        "SendShards": ("sqs:SendMessage", f"{QUEUE}-status-shards"),
        "ConsumeShards": (CONSUME, f"{QUEUE}-status-shards"),
        "ConsumeTicks30s": (CONSUME, f"{QUEUE}-status-ticks-30s"),
        "SendFailures": ("sqs:SendMessage", f"{QUEUE}-status-failures"),
    },
    "fan-out": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "ReleaseConnections": ("dynamodb:UpdateItem dynamodb:DeleteItem", CONNECTIONS),
        "QueryListeners": ("dynamodb:Query", LISTENERS),
        "PostToConnections": POST,
        "InvokeItself": ("lambda:InvokeFunction", f"{FUNCTION}-fan-out"),
        "SendFailures": ("sqs:SendMessage", f"{QUEUE}-fan-out-failures"),
    },
    "reconcile": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "QueryActiveSessions": ("dynamodb:Query", ACTIVE_SESSIONS),
        "ReadDeleteConnections": ("dynamodb:GetItem dynamodb:DeleteItem", CONNECTIONS),
        "QueryListeners": ("dynamodb:Query", LISTENERS),
        "InvokeFanOut": ("lambda:InvokeFunction", f"{FUNCTION}-fan-out"),
        "SendFailures": ("sqs:SendMessage", f"{QUEUE}-reconcile-failures"),
    },
    "audio-ingest": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "ReadConnections": ("dynamodb:GetItem", CONNECTIONS),
        "ClaimSlots": ("dynamodb:BatchGetItem dynamodb:UpdateItem", AUDIO_SLOTS),
        "SendAudio": ("sqs:SendMessage", AUDIO_QUEUES),
        "InvokeAudioProcessor": ("lambda:InvokeFunction", f"{FUNCTION}-audio-processor"),
        "PostToConnections": POST,
    },
    "audio-processor": {
        "UpdateSessions": ("dynamodb:UpdateItem", SESSIONS),
        "RenewSlots": ("dynamodb:UpdateItem", AUDIO_SLOTS),
        "ReceiveAudio": ("sqs:ReceiveMessage sqs:DeleteMessage", AUDIO_QUEUES),
        "StreamTranscription": (
            "transcribe:StartStreamTranscription transcribe:StartStreamTranscriptionWebSocket",
            "*",
        ),
        "InvokeTranslation": ("lambda:InvokeFunction", f"{FUNCTION}-translation"),
        "PostToConnections": POST,
        "DeleteConnections": (
            "execute-api:ManageConnections",
            f"{STAGE}/DELETE/@connections/*",
        ),
        "SendFailures": ("sqs:SendMessage", f"{QUEUE}-audio-failures"),
    },
    "translation": {
        "ReadUpdateSessions": ("dynamodb:GetItem dynamodb:UpdateItem", SESSIONS),
        "DeleteConnections": ("dynamodb:DeleteItem", CONNECTIONS),
        "QueryListeners": ("dynamodb:Query", LISTENERS),
        "TranslateText": ("translate:TranslateText", "*"),
        "PostToConnections": POST,
    },
}
CONDITIONS = {
    ("session-status", "NoteStatusRequests"): {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["sessionId", "statusRequestedAt"]},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
    }
}
# Sid of each statement that AWS offers no narrower resource than `*` for, with the reason.
STAR_RESOURCES = {
    "StreamTranscription": "a stream is no resource",
    "TranslateText": "its only resources are terminologies, and it uses none",
}

COMMON_VARIABLES = {
    "ENV",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
}
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
LAMBDAS_OWN_VARIABLES = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
}
VARIABLES = {
    "authorizer": "TOKEN_ISSUER TOKEN_AUDIENCE JWKS_URL",
    "connection": "SESSIONS_TABLE CONNECTIONS_TABLE API_GATEWAY_ENDPOINT FAN_OUT_FUNCTION"
    " SESSION_CHECKS_QUEUE_URL MAX_LISTENERS_PER_SESSION SESSION_MAX_DURATION_HOURS STATUS_SHARDS"
    " LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT RATE_LIMITS_TABLE SESSIONS_PER_USER_PER_HOUR"
    " JOINS_PER_ADDRESS_PER_MINUTE CONNECTIONS_PER_ADDRESS_PER_MINUTE"
    " CONTROLS_PER_CONNECTION_PER_MINUTE",
    "disconnect": "SESSIONS_TABLE CONNECTIONS_TABLE API_GATEWAY_ENDPOINT FAN_OUT_FUNCTION"
    " SESSION_CHECKS_QUEUE_URL SPEAKER_GRACE_SECONDS LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT",
    "heartbeat": "CONNECTIONS_TABLE API_GATEWAY_ENDPOINT",
    "refresh": "SESSIONS_TABLE CONNECTIONS_TABLE API_GATEWAY_ENDPOINT"
    " LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT",
    "session_status": "SESSIONS_TABLE CONNECTIONS_TABLE API_GATEWAY_ENDPOINT"
    " RATE_LIMITS_TABLE STATUS_QUERIES_PER_SPEAKER_PER_MINUTE"
    " STATUS_QUERY_TIMEOUT_MS PERIODIC_UPDATE_INTERVAL_SECONDS"
    " LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT STATUS_SHARDS STATUS_SHARD_QUEUE_URL"
    " SESSION_CHECKS_QUEUE_URL SPEAKER_GRACE_SECONDS",
    "fan_out": "SESSIONS_TABLE CONNECTIONS_TABLE API_GATEWAY_ENDPOINT"
    " LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT",
    "reconcile": "SESSIONS_TABLE CONNECTIONS_TABLE FAN_OUT_FUNCTION STATUS_SHARDS"
    " SPEAKER_GRACE_SECONDS",
    "audio_ingest": "SESSIONS_TABLE CONNECTIONS_TABLE AUDIO_SLOTS_TABLE API_GATEWAY_ENDPOINT"
    " AUDIO_QUEUE_URL_PREFIX AUDIO_SLOTS AUDIO_PROCESSOR_FUNCTION",
    "audio_processor": "SESSIONS_TABLE AUDIO_SLOTS_TABLE API_GATEWAY_ENDPOINT"
    " AUDIO_QUEUE_URL_PREFIX TRANSLATION_FUNCTION AUDIO_CHUNKS_PER_SECOND PARTIAL_CAPTIONS"
    " PARTIAL_RESULTS_STABILITY",
    "translation": "SESSIONS_TABLE CONNECTIONS_TABLE API_GATEWAY_ENDPOINT"
    " LISTENER_COUNT_CHANGE_THRESHOLD_PERCENT",
}
# The layers of each function that has more than the shared one.
LAYERS = {"authorizer": ["shared", "tokens"], "audio_processor": ["shared", "streaming"]}

# Each function's routes by their integration timeout in milliseconds.
ROUTES = {
    "connection": {
        29_000: "$connect $default createSession joinSession leaveSession endSession",
        10_000: "pauseBroadcast resumeBroadcast muteBroadcast unmuteBroadcast setVolume"
        " speakerStateChange",
        5_000: "pausePlayback resumePlayback changeLanguage",
    },
    "disconnect": {29_000: "$disconnect"},
    "heartbeat": {10_000: "heartbeat"},
    "refresh": {29_000: "refreshConnection"},
    "session-status": {5_000: "getSessionStatus"},
    "audio-ingest": {10_000: "sendAudio"},
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The staging stack with everything in it, also what is off by default."""
    engine = Engine()
    everything = {"region": REGION, "manageApiGatewayAccount": True, "accessLogs": True}
    config = stack_config("staging", everything)
    run_program(engine, stack="staging", config=config, monitor=RecordingMonitor(engine))
    return engine


def documents(engine: Engine) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy statement of the stack, with the resource that carries it."""
    for typ, key in (
        ("iam/rolePolicy", "policy"),
        ("iam/role", "assumeRolePolicy"),
        ("sqs/queuePolicy", "policy"),
    ):
        for name, resource in engine.of_type(typ).items():
            for statement in json.loads(resource.inputs[key])["Statement"]:
                yield name, statement


def entry_functions(engine: Engine) -> dict[str, dict[str, Any]]:
    return {
        each["handler"].removesuffix(".handler"): each for each in engine.inputs("lambda/function")
    }


def test_no_resource_was_renamed_or_moved(engine: Engine):
    found = sorted(each.urn for each in engine.registered)
    assert found == URNS.read_text().splitlines(), (
        "AWS would replace what has another URN: give it an alias, then update tests/urns.txt"
    )


def test_every_resource_has_the_programs_own_provider(engine: Engine):
    for each in engine.registered:
        if each.typ != "pulumi:providers:aws":
            assert "::pulumi:providers:aws::aws::" in each.provider, each.urn


def test_every_resource_is_tagged_through_the_provider(engine: Engine):
    (provider,) = [each for each in engine.registered if each.typ == "pulumi:providers:aws"]
    assert json.loads(provider.inputs["defaultTags"]) == {
        "tags": {
            "Project": "live-sessions",
            "Stack": "staging",
            "ManagedBy": "pulumi",
            "Environment": "staging",
        }
    }
    overriding = [each.urn for each in engine.registered if "tags" in each.inputs]
    assert overriding == [], "a resource's own tags may hide the stack's"


def test_no_statement_allows_a_star_for_an_action(engine: Engine):
    for name, statement in documents(engine):
        assert isinstance(statement["Action"], list)
        assert not [action for action in statement["Action"] if "*" in action], name


def test_no_statement_is_about_every_resource_but_the_listed_ones(engine: Engine):
    starred = {
        statement["Sid"]
        for _, statement in documents(engine)
        if "*" in statement.get("Resource", [])
    }
    assert starred == STAR_RESOURCES.keys()


@pytest.mark.parametrize("function", STATEMENTS)
def test_each_function_may_do_exactly_what_the_table_says(engine: Engine, function: str):
    found = engine.statements(f"{PREFIX}-{function}")
    log_group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{PREFIX}-{function}"
    expected = {
        "WriteOwnLogs": ("logs:CreateLogStream logs:PutLogEvents", f"{log_group}:*"),
        **STATEMENTS[function],
    }
    assert {
        sid: (" ".join(each["Action"]), " ".join(each["Resource"])) for sid, each in found.items()
    } == expected
    assert {each["Effect"] for each in found.values()} == {"Allow"}


def test_every_role_keeps_within_its_limit_with_as_many_slots_and_as_long_names_as_can_be():
    engine = Engine()
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{'f' * 64}:{'a' * 128}"
    overrides = {
        "region": REGION,
        "audioSlots": MAXIMUM_SLOTS,
        "translationFunctionArn": arn,
        "statusIntervalSeconds": 12,
    }
    config = stack_config("staging", overrides)
    run_program(engine, stack="s" * 32, config=config, monitor=RecordingMonitor(engine))
    policies = engine.inputs("iam/rolePolicy")
    assert policies
    for policy in policies:
        text = re.sub(r"\s", "", policy["policy"])
        # The longest there are: https://docs.aws.amazon.com/general/latest/gr/rande.html
        text = text.replace("arn:aws:", "arn:aws-us-gov:").replace(REGION, "ap-southeast-1")
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        assert len(text) <= 10_240, policy["role"]


def test_conditions_are_exactly_those_of_the_table(engine: Engine):
    assert {
        (function, sid): each["Condition"]
        for function in STATEMENTS
        for sid, each in engine.statements(f"{PREFIX}-{function}").items()
        if "Condition" in each
    } == CONDITIONS


def test_every_function_has_a_row_in_the_tables(engine: Engine):
    entries = set(entry_functions(engine))
    assert entries == {name.replace("-", "_") for name in STATEMENTS}
    assert entries == VARIABLES.keys() == set(FUNCTIONS)


def test_no_role_has_permissions_from_anywhere_else(engine: Engine):
    attached = [(e["role"], e["policyArn"]) for e in engine.inputs("iam/rolePolicyAttachment")]
    logging = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    assert attached == [("api-access-role", logging)]
    for role in engine.inputs("iam/role"):
        assert not {"inlinePolicies", "managedPolicyArns"} & role.keys()


def test_each_role_trusts_one_service_and_lambda_for_this_account_alone(engine: Engine):
    for role in engine.inputs("iam/role"):
        (trusted,) = json.loads(role["assumeRolePolicy"])["Statement"]
        if "name" not in role:
            assert trusted["Principal"] == {"Service": "apigateway.amazonaws.com"}
        else:
            assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"}
            assert trusted["Condition"] == {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}


def test_every_invocation_by_a_service_is_permitted_for_one_source_alone(engine: Engine):
    rules = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}"
    api = STAGE.removesuffix("/staging")
    permitted = sorted(
        (each["function"].removeprefix(f"{PREFIX}-"), each["principal"], each["sourceArn"])
        for each in engine.inputs("lambda/permission")
    )
    gateway, events = "apigateway.amazonaws.com", "events.amazonaws.com"
    assert permitted == [
        ("audio-ingest", gateway, f"{STAGE}/*"),
        ("authorizer", gateway, f"{api}/authorizers/api-routes-authorizer-id"),
        ("connection", gateway, f"{STAGE}/*"),
        ("disconnect", gateway, f"{STAGE}/*"),
        ("heartbeat", gateway, f"{STAGE}/*"),
        ("reconcile", events, f"{rules}-reconcile"),
        ("refresh", gateway, f"{STAGE}/*"),
        ("session-status", gateway, f"{STAGE}/*"),
        ("session-status", events, f"{rules}-status"),
    ]


def test_a_queue_takes_messages_from_one_rule_or_from_roles_alone(engine: Engine):
    senders: dict[str, str] = {}
    for policy in engine.inputs("sqs/queuePolicy"):
        queue = policy["queueUrl"].rpartition("/")[2].removeprefix(f"{PREFIX}-")
        refused, *allowed = json.loads(policy["policy"])["Statement"]
        assert refused["Effect"] == "Deny", queue
        assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, queue
        for statement in allowed:
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}, queue
            assert statement["Resource"] == [f"{QUEUE}-{queue}"]
            senders[queue] = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    rules = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{PREFIX}"
    assert senders == {
        "status-failures": f"{rules}-status",
        "status-ticks-30s": f"{rules}-status",
        "reconcile-failures": f"{rules}-reconcile",
    }
    assert len(engine.inputs("sqs/queuePolicy")) == len(engine.inputs("sqs/queue"))


def test_every_queue_feeds_its_function_and_no_other_does(engine: Engine):
    mapped = {
        each["eventSourceArn"].removeprefix(f"{QUEUE}-"): (
            each["functionName"].removeprefix(f"{FUNCTION}-"),
            each["batchSize"],
        )
        for each in engine.inputs("lambda/eventSourceMapping")
    }
    assert mapped == {
        "session-checks": ("disconnect", 1),
        "status-shards": ("session-status", 1),
        "status-ticks-30s": ("session-status", 1),
    }


def test_every_delivery_by_a_rule_is_retried_twice_and_then_kept(engine: Engine):
    deliveries = {
        each["targetId"]: (
            each["retryPolicy"]["maximumRetryAttempts"],
            each["deadLetterConfig"]["arn"].removeprefix(f"{QUEUE}-"),
        )
        for each in engine.inputs("cloudwatch/eventTarget")
    }
    assert deliveries == {
        "tick-0s": (2, "status-failures"),
        "tick-30s": (2, "status-failures"),
        "reconcile": (2, "reconcile-failures"),
    }


@pytest.mark.parametrize("entry", VARIABLES)
def test_each_functions_environment_is_exactly_what_the_table_says(engine: Engine, entry: str):
    variables = entry_functions(engine)[entry]["environment"]["variables"]
    assert variables.keys() == COMMON_VARIABLES | set(VARIABLES[entry].split())
    assert all(isinstance(value, str) and value for value in variables.values())


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_every_functions_entry_module_exists_and_has_a_handler(entry: str):
    source = (ROOT / "handlers" / f"{entry}.py").read_text()
    assert re.search(r"(?m)^(def handler\(|handler\s*(:.*)?=)", source), f"{entry} has no handler"


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_every_function_is_given_what_it_reads(entry: str):
    record = "".join(word.capitalize() for word in entry.split("_")) + "Environment"
    fields = {field.name.upper() for field in dataclasses.fields(getattr(environment, record))}
    assert fields <= {*VARIABLES[entry].split(), *LAMBDAS_OWN_VARIABLES}


def test_every_action_has_a_route_and_every_route_an_action(engine: Engine):
    keys = {each["routeKey"] for each in engine.inputs("apigatewayv2/route")}
    assert keys == {"$connect", "$disconnect", "$default", *ACTIONS}


def test_each_route_has_the_function_and_the_timeout_of_the_table(engine: Engine):
    integrations = {
        f"integrations/{name}-id": each.inputs
        for name, each in engine.of_type("apigatewayv2/integration").items()
    }
    found: dict[str, tuple[str, int]] = {}
    for route in engine.inputs("apigatewayv2/route"):
        integration = integrations[route["target"]]
        timeout_milliseconds = integration["timeoutMilliseconds"]
        found[route["routeKey"]] = (integration["integrationUri"], timeout_milliseconds)
    assert found == {
        key: (f"{INVOKE}/{FUNCTION}-{function}/invocations", timeout_milliseconds)
        for function, routes in ROUTES.items()
        for timeout_milliseconds, keys in routes.items()
        for key in keys.split()
    }


@pytest.fixture(scope="module")
def lambda_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The layers unpacked, and a folder with what Lambda's own Python brings: boto3."""
    runtime = f"python3.{sys.version_info[1]}"
    host = Target(runtime=runtime, architecture=host_architecture(), is_host=True)
    folders: dict[str, Path] = {}
    for source in (SHARED, TOKENS, STREAMING):
        folders[source.name] = tmp_path_factory.mktemp(source.name)
        archive = build_layer(source, host, CACHE)
        zipfile.ZipFile(archive).extractall(folders[source.name])
    folders["runtime"] = tmp_path_factory.mktemp("runtime")
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"):
        installed = Path(boto3.__file__).parents[1] / name
        (folders["runtime"] / name).symlink_to(installed)
    return folders


@pytest.mark.parametrize("entry", FUNCTIONS)
def test_every_handler_imports_with_its_layers_alone(
    engine: Engine, lambda_folders: dict[str, Path], tmp_path: Path, entry: str
):
    function = entry_functions(engine)[entry]
    shutil.copy(ROOT / "handlers" / f"{entry}.py", tmp_path)
    names = [layer.split(":")[6].removeprefix(f"{PREFIX}-") for layer in function["layers"]]
    assert names == LAYERS.get(entry, ["shared"])
    path = [tmp_path, *(lambda_folders[name] / "python" for name in names)]
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import {entry}; print(callable({entry}.handler))"],
        env={
            **function["environment"]["variables"],
            **dict.fromkeys(LAMBDAS_OWN_VARIABLES, "given by Lambda"),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "PYTHONPATH": ":".join(str(folder) for folder in [*path, lambda_folders["runtime"]]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr


def test_every_log_group_has_retention(engine: Engine):
    groups = engine.inputs("cloudwatch/logGroup")
    assert {each["retentionInDays"] for each in groups} == {7}
    names = {each["name"] for each in groups}
    functions = {f"/aws/lambda/{each['name']}" for each in engine.inputs("lambda/function")}
    assert names == {*functions, f"/aws/apigateway/{PREFIX}"}


def test_every_route_that_replies_has_a_response(engine: Engine):
    replying = {
        f"{name}-id"
        for name, each in engine.of_type("apigatewayv2/route").items()
        if "routeResponseSelectionExpression" in each.inputs
    }
    assert {each["routeId"] for each in engine.inputs("apigatewayv2/routeResponse")} == replying
    silent = {
        each["routeKey"]
        for each in engine.inputs("apigatewayv2/route")
        if "routeResponseSelectionExpression" not in each
    }
    assert silent == {"$connect", "$disconnect", "sendAudio"}


def test_nothing_of_a_stack_is_unencrypted_at_rest(engine: Engine):
    assert all(each["sqsManagedSseEnabled"] is True for each in engine.inputs("sqs/queue"))
    tables = engine.inputs("dynamodb/table")
    assert all(each["serverSideEncryption"] == {"enabled": True} for each in tables)


def test_the_engine_of_these_tests_knows_no_type_that_the_program_does_not_use(engine: Engine):
    assert {each.typ for each in engine.registered if each.custom} == COMPUTED.keys()


def declared_config() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]


def test_every_config_key_is_documented_and_every_documented_key_is_read():
    assert declared_config().keys() == checks_by_key(Settings).keys()


@pytest.mark.parametrize("key", checks_by_key(Settings))
def test_each_config_key_has_type_default_and_description(key: str):
    declared = declared_config()[key]
    check = checks_by_key(Settings)[key][1]
    assert declared["type"] == check.config_type
    assert declared["description"].endswith("."), "a description is a sentence"
    default = declared["default"]
    assert isinstance(
        default, {"string": str, "integer": int, "boolean": bool, "array": list}[declared["type"]]
    )
    check.read(default if isinstance(default, str) else json.dumps(default))
    if declared["type"] == "array":
        assert declared["items"] == {"type": "string"}


def test_stack_configs_set_declared_keys_alone():
    for path in ROOT.glob("Pulumi.*.yaml"):
        config = yaml.safe_load(path.read_text())["config"]
        assert {key.removeprefix("live-sessions:") for key in config} <= declared_config().keys()


def test_production_is_protected_by_default():
    defaults = {key: each["default"] for key, each in declared_config().items()}
    assert defaults["deletionProtection"] is True
    assert defaults["pointInTimeRecovery"] is True
    assert defaults["allowPasswordAuthentication"] is False
    assert defaults["logRetentionDays"] == 1
