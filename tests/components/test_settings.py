import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from components.settings import (
    PROJECT,
    AudioRules,
    RateLimits,
    SessionRules,
    Settings,
    SettingsError,
)
from components.settings.stack_settings import config_fields
from program.engine import Engine
from program.run import run_under_mocks
from program.stack_config import stack_config

STAGING = stack_config("staging")


def load(
    overrides: Mapping[str, Any] | None = None,
    *,
    stack: str = "test",
    base: Mapping[str, str] = STAGING,
) -> Settings:
    """The settings of a base config with overrides; a key without a namespace is the program's."""
    loaded: list[Settings] = []
    changed: dict[str, str] = {}
    for key, value in (overrides or {}).items():
        full_key = key if ":" in key else f"{PROJECT}:{key}"
        changed[full_key] = value if isinstance(value, str) else json.dumps(value)
    run_under_mocks(
        Engine(),
        lambda: loaded.append(Settings.load()),
        stack=stack,
        config={**base, **changed},
        project_name=PROJECT,
    )
    return loaded[0]


def problems(overrides: Mapping[str, Any], *, stack: str = "test") -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load(overrides, stack=stack)
    return str(raised.value).splitlines()[1:]


def test_pulumi_prints_what_is_wrong_without_a_traceback():
    with pytest.raises(pulumi.RunError, match="logLevel is 'LOUD': must be one of DEBUG, INFO"):
        load({"logLevel": "LOUD"})


def test_settings_arrive_typed_and_with_the_stack_in_the_prefix():
    settings = load({"tags": ["Team=speech"], "reservedConcurrency": ["connection=50"]})
    assert settings.prefix == "live-sessions-test"
    assert settings.status_interval_seconds == 30
    assert settings.access_logs is True
    assert settings.tags == {"Team": "speech"}
    assert settings.reserved_concurrency == {"connection": 50}


def test_settings_that_belong_together_arrive_as_one_record():
    settings = load({"speakerGraceSeconds": 20, "controlsPerConnectionPerMinute": 30})
    assert settings.session_rules == SessionRules(
        max_listeners_per_session=500,
        session_max_duration_hours=8,
        speaker_grace_seconds=20,
        listener_count_change_threshold_percent=10,
    )
    assert settings.rate_limits == RateLimits(
        sessions_per_user_per_hour=20,
        joins_per_address_per_minute=1_000,
        connections_per_address_per_minute=2_000,
        join_misses_per_address_per_minute=60,
        passcode_misses_per_session_per_minute=30,
        controls_per_connection_per_minute=30,
        status_queries_per_speaker_per_minute=60,
        audio_chunks_per_second=50,
    )
    assert settings.audio_rules == AudioRules(
        audio_slots=5,
        audio_slots_per_user=2,
        partial_captions="premium",
        partial_results_stability="medium",
    )


def test_the_engines_own_environment_variables_are_read_too(monkeypatch: pytest.MonkeyPatch):
    everything = {**STAGING, f"{PROJECT}:stageNam": "x"}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(everything))
    with pytest.raises(SettingsError, match="did you mean stageName"):
        load(base={})


# Staging's Region is this one.
FUNCTION = "arn:aws:lambda:eu-central-1:210987654321:function:captions"

BAD_VALUES: list[tuple[str, Any, str]] = [
    ("region", "frankfurt", "must be an AWS Region such as us-east-1"),
    ("stageName", "live/1", "must be 1 to 128 letters"),
    ("logLevel", "LOUD", "must be one of DEBUG, INFO"),
    ("logRetentionDays", 2, "must be one of 1, 3, 5, 7"),
    ("lambdaRuntime", "python3.10", "must be one of python3.11"),
    ("lambdaRuntime", "nodejs22.x", "must be one of python3.11"),
    ("lambdaArchitecture", "riscv", "must be one of arm64, x86_64"),
    ("snapStart", "on", "must be true or false"),
    ("layerPlatform", "mars", "must be one of lambda, host"),
    ("keptVersions", 1, "must be a whole number of releases from 2 to 50"),
    ("keptVersions", 51, "must be a whole number of releases from 2 to 50"),
    ("layerBytecode", "maybe", "must be true or false"),
    ("permissionsBoundaryArn", "boundary", "must be the ARN of an IAM policy such as arn:aws:iam"),
    ("rolePath", "live", "must be a path that begins and ends with / such as /live/ or empty"),
    ("reservedConcurrency", ["heartbeat=5", "nobody=5"], "not 'nobody'"),
    ("reservedConcurrency", ["connection=0"], "connection=0: must be"),
    ("reservedConcurrency", {"connection": 5}, "must be a list of texts"),
    ("statusIntervalSeconds", 25, "must divide 60"),
    ("statusIntervalSeconds", 90, "must divide 60"),
    ("statusIntervalSeconds", 10, "from 12 to 3600"),
    ("statusIntervalSeconds", "30s", "must be a whole number of seconds"),
    ("statusIntervalSeconds", 30.5, "must be a whole number of seconds"),
    ("statusShards", 0, "from 1 to 64"),
    *(
        ("statusShards", text, "must be a whole number of shards")
        for text in (
            "",
            " 4",
            "4 ",
            "+4",
            "4.0",
            "4e0",
            "0x4",
            "1_0",
            "04",
            '"4"',
            "null",
            "true",
            "NaN",
        )
    ),
    ("statusQueryTimeoutMilliseconds", 5000, "from 50 to 4000"),
    ("listenerCountChangeThresholdPercent", 101, "from 1 to 100"),
    ("maxListenersPerSession", -1, "from 1 to 10000"),
    ("sessionMaxDurationHours", 25, "from 1 to 24"),
    ("captionHistoryMinutes", 61, "must be a whole number of minutes from 0 to 60"),
    ("transcripts", "sometimes", "must be true or false"),
    ("transcriptRetentionDays", 0, "must be a whole number of days from 1 to 3650"),
    ("keepTranscriptBucket", 1, "must be true or false"),
    ("speakerGraceSeconds", 901, "from 1 to 900"),
    ("sessionsPerUserPerHour", 0, "must be a whole number of sessions from 1 to 1000000"),
    ("joinsPerAddressPerMinute", 1_000_001, "a whole number of joins from 1 to 1000000"),
    ("connectionsPerAddressPerMinute", "none", "a whole number of connections from 1"),
    ("joinMissesPerAddressPerMinute", 0, "a whole number of misses from 1 to 1000000"),
    ("passcodeMissesPerSessionPerMinute", 1_001, "a whole number of misses from 1 to 1000"),
    ("controlsPerConnectionPerMinute", -1, "a whole number of controls from 1"),
    ("statusQueriesPerSpeakerPerMinute", 0.5, "a whole number of queries from 1"),
    ("audioChunksPerSecond", 1, "must be a whole number of chunks from 2 to 1000"),
    ("audioSlotsPerUser", 76, "must be a whole number of slots from 1 to 75"),
    ("audioSlots", 0, "must be a whole number of slots from 1 to 75"),
    ("audioSlots", 76, "must be a whole number of slots from 1 to 75"),
    ("partialCaptions", "sometimes", "must be one of never, premium, always"),
    ("partialResultsStability", "", "must be one of off, low, medium, high"),
    ("translationFunctionArn", "captions", "must be a function's ARN such as arn:aws:lambda"),
    ("translationFunctionArn", f"{FUNCTION}:1:2", "must be a function's ARN"),
    ("translationFunctionArn", FUNCTION.replace("lambda", "sqs"), "must be a function's ARN"),
    ("translationFunctionArn", FUNCTION.replace("function", "layer"), "or empty"),
    ("translationFunctionArn", f"{FUNCTION}*", "must be a function's ARN"),
    ("pointInTimeRecovery", "yes", "must be true or false"),
    ("deletionProtection", "", "must be true or false"),
    ("throttlingRateLimit", 10001, "from 1 to 10000"),
    ("throttlingBurstLimit", 5001, "from 1 to 5000"),
    ("accessLogs", 1, "must be true or false"),
    *(
        ("accessLogs", text, "must be true or false")
        for text in ("True", " true", '"true"', "0", "null", "[]")
    ),
    ("periodicStatus", "off", "must be true or false"),
    ("removedRoutes", "sendAudio", "must be a list of actions out of createSession, "),
    ("removedRoutes", ["sendAudio", "$connect"], "each once; '$connect' is not one of them"),
    ("removedRoutes", ["sendAudio", "sendAudio"], "'sendAudio' is listed twice"),
    ("removedRoutes", [["sendAudio"]], "must be a list of actions out of"),
    ("domainName", "Live.example.com", "must be a domain name in lower case"),
    ("domainName", "localhost", "must be a domain name in lower case"),
    ("domainName", f"{'a' * 64}.example.com", "must be a domain name in lower case"),
    ("certificateArn", "arn:aws:iam::123456789012:server-certificate/x", "a certificate of ACM"),
    ("hostedZoneId", "example.com", "must be the id of a Route 53 hosted zone"),
    ("webPages", "both", "must be true or false"),
    ("webPagesDomainName", "Talk.example.com", "must be a domain name in lower case"),
    ("webPagesCertificateArn", "arn:aws:iam::123456789012:server-certificate/x", "in us-east-1"),
    ("webPagesHostedZoneId", "example.com", "must be the id of a Route 53 hosted zone"),
    ("webPagesOrigins", ["http://192.0.2.1:8080"], "'http://192.0.2.1:8080' is not valid"),
    ("webPagesOrigins", ["https://a.example.com/"], "'https://a.example.com/' is not valid"),
    ("webPagesOrigins", ["http://[::1]:1"] * 2, "'http://[::1]:1' is listed twice"),
    ("webPagesOrigins", [f"https://{n}.example.com" for n in range(100)], "there are 100"),
    ("webPagesClientId", "a client", "must be a client id"),
    ("webPagesSignInOrigin", "https://a.example.com/login", "must be an https origin"),
    ("alarms", "all", "must be true or false"),
    ("alarmEmail", "ops", "must be an e-mail address such as ops@example.com"),
    ("dashboard", 2, "must be true or false"),
    ("routeMetrics", "yes", "must be true or false"),
    ("tracing", "active", "must be true or false"),
    ("manageApiGatewayAccount", "on", "must be true or false"),
    ("existingUserPoolId", "pool", "must be a user pool id"),
    ("existingUserPoolClientId", "a client", "must be a user pool client's id"),
    ("speakerIssuer", "http://login.example.com", "must be an OIDC issuer"),
    ("speakerAudiences", ["a b"], "must be a list of at most 10 audiences"),
    ("allowPasswordAuthentication", "TRUE", "must be true or false"),
    ("cognitoEndpoint", "127.0.0.1:4566", "must be an http(s) URL"),
    ("cognitoEndpoint", "http://127.0.0.1:4566/", "must be an http(s) URL with no final /"),
    ("tags", "Team=speech", "must be a list of texts"),
    ("tags", ["Team=a", "Env"], "each name once; 'Env' is not valid"),
    ("tags", ["Team=a", "Team=b"], "each name once"),
    ("tags", ["Stack=other"], "must not set Stack"),
    ("tags", ["aws:team=a"], "must not set aws:team"),
    ("tags", [f"Tag{n}=x" for n in range(48)], "at most 47 tags"),
    ("tags", ["Team=a", "Te?am=x"], "must not hold 'Te?am=x'"),
    ("tags", [f"{'n' * 129}=x"], "a name has 1 to 128"),
    ("tags", [f"Team={'v' * 100}={'v' * 200}"], "a value at most 256"),
]


@pytest.mark.parametrize(("key", "value", "rule"), BAD_VALUES)
def test_a_bad_value_is_reported_with_key_value_and_rule(key: str, value: Any, rule: str):
    (line,) = problems({key: value})
    assert line.startswith(f"  - {key} is ")
    assert repr(value if isinstance(value, str) else json.dumps(value)) in line
    assert rule in line


def test_the_way_out_of_a_bad_value_is_the_stacks_own_file():
    bad_list, unknown = sorted(problems({"tags": ["Team"], "regoin": "x"}), key=len, reverse=True)
    assert bad_list.endswith("; set tags in Pulumi.test.yaml")
    assert unknown.endswith("If not, remove it from Pulumi.test.yaml")


def test_every_key_has_a_bad_value_in_these_tests():
    assert config_fields(Settings).keys() == {key for key, _, _ in BAD_VALUES}


def test_all_problems_come_in_one_message():
    lines = problems(
        {
            "regoin": "us-east-1",
            "lambdaRuntime": "python2.7",
            "statusIntervalSeconds": 45,
            "statusShards": "many",
            "existingUserPoolId": "us-east-1_AbCdEfGhI",
        },
        stack="a stack",
    )
    assert [line.split()[1] for line in lines] == [
        "regoin",
        "stack",
        "lambdaRuntime",
        "statusIntervalSeconds",
        "statusShards",
        "existingUserPoolClientId",
    ]
    assert "did you mean region?" in lines[0]


@pytest.mark.parametrize("stack", ["x" * 33, "feature/one", "über", "a.b"])
def test_a_stack_name_that_does_not_fit_into_physical_names_is_refused(stack: str):
    (line,) = problems({}, stack=stack)
    assert "has to fit into 64" in line


def test_a_value_that_is_text_is_not_read_as_a_number():
    assert load({"stageName": "12"}).stage_name == "12"


def test_settings_cannot_be_changed():
    settings = load()
    for record, name in ((settings, "region"), (settings.audio_rules, "audio_slots")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(record, name, getattr(record, name))


def test_a_user_pool_without_its_client_is_refused_and_the_reverse():
    (line,) = problems({"existingUserPoolClientId": "abc123"})
    assert line.startswith("  - existingUserPoolId is '': must be set, as existingUserPoolClientId")


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example.com",
        "https://tenant.eu.auth0.com/",
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
        "https://id.example.com:8443/realms/live%20one",
    ],
)
def test_an_issuer_is_kept_exactly_as_its_tokens_name_it(issuer: str):
    settings = load({"speakerIssuer": issuer, "speakerAudiences": ["live", "https://api/"]})
    assert settings.speaker_issuer == issuer
    assert settings.speaker_audiences == ("live", "https://api/")


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example.com",
        "login.example.com",
        "https://",
        "https://login.example.com?tenant=1",
        "https://login.example.com/#x",
        "https://user@login.example.com",
        "https://login.example.com/a b",
        "https://login.example.com/" + "x" * 255,
    ],
)
def test_an_issuer_that_is_no_https_url_is_refused(issuer: str):
    (line,) = problems({"speakerIssuer": issuer, "speakerAudiences": ["live"]})
    assert line.startswith("  - speakerIssuer is '")
    assert "must be an OIDC issuer such as https://login.example.com/tenant" in line


@pytest.mark.parametrize(
    ("audiences", "seen"),
    [
        (["a", "a"], "'a' is listed twice"),
        (["a b"], "'a b' is not valid"),
        ([""], "'' is not valid"),
        (["ü"], "'ü' is not valid"),
        (["x" * 201], "is not valid"),
        ([f"client-{number}" for number in range(11)], "there are 11"),
        ("one", "must be a list of at most 10 audiences"),
        ([1], "must be a list of at most 10 audiences"),
    ],
)
def test_audiences_that_no_token_can_name_are_refused(audiences: Any, seen: str):
    (line,) = problems({"speakerAudiences": audiences})
    assert line.startswith("  - speakerAudiences is ")
    assert seen in line


def test_an_issuer_without_audiences_and_an_existing_pool_beside_it_are_refused_together():
    first, second = problems(
        {
            "speakerIssuer": "https://login.example.com",
            "existingUserPoolId": "eu-central-1_AbCdEfGhI",
            "existingUserPoolClientId": "abc123",
        }
    )
    assert "speakerIssuer is 'https://login.example.com': needs audiences" in first
    assert "set speakerAudiences in" in first
    assert "existingUserPoolId is 'eu-central-1_AbCdEfGhI': has no effect beside" in second


def test_a_pool_may_have_further_clients():
    assert load({"speakerAudiences": ["tablet"]}).speaker_audiences == ("tablet",)


def test_managing_the_logging_role_without_access_logs_is_refused():
    (line,) = problems({"manageApiGatewayAccount": True, "accessLogs": False})
    assert "manageApiGatewayAccount is 'true'" in line


def test_snapshots_of_a_runtime_that_has_none_are_refused():
    assert load({"snapStart": True, "lambdaRuntime": "python3.12"}).snap_start is True
    (line,) = problems({"snapStart": True, "lambdaRuntime": "python3.11"})
    assert line.startswith("  - snapStart is 'true': needs python3.12 or later")
    # `make plan` and `make verify` run on this machine's Python for a stack on AWS.
    assert load({"snapStart": True, "lambdaRuntime": "python3.11", "layerPlatform": "host"})


@pytest.mark.parametrize("qualifier", ["", ":live", ":7", ":$LATEST"])
def test_a_translation_function_may_be_of_another_account_and_have_a_qualifier(qualifier: str):
    arn = f"{FUNCTION}{qualifier}"
    assert load({"translationFunctionArn": arn}).translation_function_arn == arn


def test_a_translation_function_of_another_region_is_refused():
    (line,) = problems({"translationFunctionArn": FUNCTION.replace("eu-central-1", "us-east-1")})
    assert "must be a function in the stack's own Region, eu-central-1" in line


def test_reserved_concurrency_of_a_translation_function_that_is_not_made_is_refused():
    reserved = ["translation=5", "connection=5"]
    assert load({"reservedConcurrency": reserved}).reserved_concurrency["translation"] == 5
    (line,) = problems({"reservedConcurrency": reserved, "translationFunctionArn": FUNCTION})
    assert line.startswith("  - reservedConcurrency is 'translation=5': must not name translation")


CERTIFICATE = (
    "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
)


@pytest.mark.parametrize(
    "proof", [{"certificateArn": CERTIFICATE}, {"hostedZoneId": "Z0123456789"}]
)
def test_a_domain_name_needs_a_certificate_or_a_zone_to_validate_one(proof: dict[str, str]):
    assert load({"domainName": "live.example.com", **proof}).domain_rules.domain_name
    (line,) = problems({"domainName": "live.example.com"})
    assert line.startswith("  - domainName is 'live.example.com': needs a certificate")
    (line,) = problems(proof)
    assert "has an effect only with a domainName" in line


def test_a_certificate_of_another_region_is_refused():
    other = CERTIFICATE.replace("eu-central-1", "us-east-1")
    (line,) = problems({"domainName": "live.example.com", "certificateArn": other})
    assert "must be a certificate in the stack's own Region, eu-central-1" in line


OF_CLOUDFRONT = CERTIFICATE.replace("eu-central-1", "us-east-1")
PAGES_NAME = {"webPages": True, "webPagesDomainName": "talk.example.com"}


@pytest.mark.parametrize(
    "proof", [{"webPagesCertificateArn": OF_CLOUDFRONT}, {"webPagesHostedZoneId": "Z0123456789"}]
)
def test_a_name_of_the_pages_needs_a_certificate_or_a_zone_to_validate_one(proof: dict[str, str]):
    assert load({**PAGES_NAME, **proof}).web_pages_rules.web_pages_domain_name
    (line,) = problems(PAGES_NAME)
    assert line.startswith("  - webPagesDomainName is 'talk.example.com': needs a certificate")
    (line,) = problems({"webPages": True, **proof})
    assert "has an effect only with a webPagesDomainName" in line


def test_a_certificate_of_the_pages_is_cloudfronts_whatever_the_stacks_region():
    (line,) = problems({**PAGES_NAME, "webPagesCertificateArn": CERTIFICATE})
    assert "must be a certificate in us-east-1, whatever the stack's Region" in line


def test_the_pages_and_the_api_have_two_names():
    zones = {"webPagesHostedZoneId": "Z0123456789", "hostedZoneId": "Z0123456789"}
    (line,) = problems({**PAGES_NAME, **zones, "domainName": "talk.example.com"})
    assert "webPagesDomainName is 'talk.example.com': must not be the domainName" in line


@pytest.mark.parametrize(
    "setting",
    [
        {"webPagesDomainName": "talk.example.com", "webPagesHostedZoneId": "Z0123456789"},
        {"webPagesOrigins": ["http://localhost:5173"]},
        {"webPagesClientId": "pages", "speakerAudiences": ["pages"]},
        {"webPagesSignInOrigin": "https://people.auth.eu-west-1.amazoncognito.com"},
    ],
    ids=lambda each: next(iter(each)),
)
def test_settings_of_the_pages_without_pages_are_refused(setting: dict[str, Any]):
    pool = {"existingUserPoolId": "eu-west-1_AbCdEf", "existingUserPoolClientId": "client"}
    others = pool if "webPagesSignInOrigin" in setting else {}
    assert load({"webPages": True, **others, **setting}).web_pages_rules.web_pages
    (line,) = problems(setting)
    assert "has an effect only with webPages; set webPages to true or unset" in line


def test_the_stacks_own_users_sign_in_at_the_domain_of_their_own_pool():
    origin = {"webPagesSignInOrigin": "https://people.auth.eu-west-1.amazoncognito.com"}
    (line,) = problems({"webPages": True, **origin})
    assert "has an effect only with existingUserPoolId or speakerIssuer" in line


def test_the_pages_sign_in_with_a_client_whose_tokens_are_accepted():
    (line,) = problems({"webPages": True, "webPagesClientId": "pages"})
    assert "webPagesClientId is 'pages': must be one of speakerAudiences" in line


def test_pages_for_users_of_a_pool_that_exists_need_to_know_where_they_sign_in():
    pool = {"existingUserPoolId": "eu-west-1_AbCdEf", "existingUserPoolClientId": "client"}
    origin = {"webPagesSignInOrigin": "https://people.auth.eu-west-1.amazoncognito.com"}
    assert load({"webPages": True, **pool, **origin}).existing_user_pool_id
    assert load(pool).existing_user_pool_id
    (line,) = problems({"webPages": True, **pool})
    assert "needs a domain with webPages, where its users sign in; set webPagesSignIn" in line


def test_an_alarm_email_without_alarms_is_refused():
    assert load({"alarmEmail": "ops@example.com"}).monitoring_rules.alarm_email
    (line,) = problems({"alarmEmail": "ops@example.com", "alarms": False})
    assert line.startswith("  - alarmEmail is 'ops@example.com': has an effect only with alarms")


def test_a_key_that_is_not_set_is_reported():
    without_region = {key: value for key, value in STAGING.items() if "region" not in key}
    with pytest.raises(SettingsError, match="region is not set: must be set; see region in Pul"):
        load(base=without_region)


def test_a_region_that_only_the_default_provider_reads_is_refused():
    (line,) = problems({"aws:region": "us-west-2"})
    assert line == (
        "  - aws:region is 'us-west-2': is not the stack's Region, eu-central-1;"
        " set region instead and remove it from Pulumi.test.yaml"
    )


@pytest.mark.parametrize("key", ["aws:profile", "aws:assumeRoles", "aws:defaultTags"])
def test_a_key_that_only_the_default_provider_reads_is_refused_and_not_ignored(key: str):
    (line,) = problems({key: "production"})
    assert line.startswith(f"  - {key} is 'production': has no effect")
    assert "AWS_PROFILE" in line


@pytest.mark.parametrize("key", ["aws:region", "pulumi:tags", "other:key"])
def test_the_stacks_own_region_and_keys_of_other_namespaces_are_accepted(key: str):
    load({key: STAGING[f"{PROJECT}:region"]})


def test_settings_are_the_only_reader_of_stack_config():
    components = Path(__file__).resolve().parents[2] / "components"
    readers = [
        path.name for path in components.rglob("*.py") if "pulumi.Config(" in path.read_text()
    ]
    assert readers == ["stack_settings.py"]
