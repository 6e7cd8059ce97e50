"""The settings of one stack: read from stack config, typed, and checked all at once.

This is the only reader of `pulumi.Config`. A key is its field's name in camelCase, whatever record
the field is in; a field's type and description are its rule. Pulumi.yaml holds the defaults.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, cast

import pulumi
from pulumi.runtime import config as runtime_config
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from components.cadence import problem_with_interval
from components.settings.problems import (
    CERTIFICATE_REGION,
    Problem,
    SettingsError,
    broken_rules,
    conflicts,
    provider_keys,
    unknown_keys,
)
from contract import functions
from contract.actions import ROUTED_ACTIONS

PROJECT = "live-sessions"
FUNCTIONS = tuple(functions.FUNCTIONS)
# All but $connect, $disconnect and $default, without which no API is published. A retired one is
# removed anyway, but a stack that lists it need not change for that.
REMOVABLE_ROUTES = tuple(ROUTED_ACTIONS)
PROGRAM_TAGS = ("Project", "Stack", "ManagedBy")
# The policy of a role that names each slot's queue holds 10,240 characters at most, even with the
# longest names: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAXIMUM_SLOTS = 75

_DOCS = "https://docs.aws.amazon.com"
_DELAY_PAGE = f"{_DOCS}/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html"
_RETENTION_PAGE = f"{_DOCS}/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
_TAGS_PAGE = f"{_DOCS}/tag-editor/latest/userguide/best-practices-and-strats.html"
_THROTTLING_PAGE = f"{_DOCS}/apigateway/latest/developerguide/websocket-api-protect.html"
_WEBSOCKET_LIMITS = f"{_DOCS}/apigateway/latest/developerguide/limits.html"
# fmt: off
_RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
]
# fmt: on
_MAXIMUM_TAGS = 50 - len(PROGRAM_TAGS)
_MAXIMUM_RATE = 1_000_000
# Who guesses for the eight hours of a session tries 480 times as many of a million passcodes.
_MAXIMUM_PASSCODE_MISSES = 1_000
# With the other variables within a function's 4 KB:
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MAXIMUM_AUDIENCES = 10
_LONGEST_AUDIENCE = 200
_AUDIENCES_RULE = (
    f"must be a list of at most {_MAXIMUM_AUDIENCES} audiences, each once, each of 1 to"
    f" {_LONGEST_AUDIENCE} printable ASCII characters without spaces"
)
# Of Cognito, which takes plain http from this machine alone:
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
_ORIGIN = r"https://[a-z0-9.-]+(:[0-9]{1,5})?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?"
_MAXIMUM_ORIGINS = 99
_ORIGINS_RULE = (
    f"must be a list of at most {_MAXIMUM_ORIGINS} origins, each once: https, or http of localhost,"
    " 127.0.0.1 or [::1], with no path, such as http://localhost:5173"
)
_ROUTES_RULE = f"must be a list of actions out of {', '.join(REMOVABLE_ROUTES)}, each once"


def _whole_number(minimum: int, maximum: int, unit: str, source: str = "") -> Any:
    """A range with both ends included; `source` is the page of the limit."""
    rule = f"must be a whole number of {unit} from {minimum} to {maximum}"
    return Field(ge=minimum, le=maximum, description=rule + (f" ({source})" if source else ""))


def _text(pattern: str, rule: str, *, optional: bool = False) -> Any:
    """A text that matches the pattern as a whole; an `optional` one may be empty."""
    empty, or_empty = ("|", " or empty") if optional else ("", "")
    return Field(pattern=f"^({pattern}{empty})$", description=f"must be {rule}{or_empty}")


def _pairs(items: object, example: str) -> dict[str, str]:
    """The pairs in a list of `name=value` (Pulumi.yaml has no type for maps)."""
    rule = f'must be a list of texts like "{example}", each name once'
    if not isinstance(items, list):
        raise ValueError(rule)
    pairs: dict[str, str] = {}
    for item in cast(list[object], items):
        name, equals, value = item.partition("=") if isinstance(item, str) else ("", "", "")
        if not equals or not name or name in pairs:
            raise ValueError(f"{rule}; {item!r} is not valid")
        pairs[name] = value
    return pairs


def _tags(items: object) -> dict[str, str]:
    tags = _pairs(items, "CostCentre=speech")
    if len(tags) > _MAXIMUM_TAGS:
        raise ValueError(f"must hold at most {_MAXIMUM_TAGS} tags ({_TAGS_PAGE})")
    for name, value in tags.items():
        if name in PROGRAM_TAGS or name.lower().startswith("aws:"):
            raise ValueError(f"must not set {name}: the program or AWS sets it")
        if not re.fullmatch(r"[\w .:/+\-@]{1,128}=[\w .:/=+\-@]{0,256}", f"{name}={value}"):
            raise ValueError(
                f"must not hold '{name}={value}': a name has 1 to 128 and a value at most 256"
                f" letters, digits, spaces and . : / = + - @ _ ({_TAGS_PAGE})"
            )
    return tags


def _reservations(items: object) -> dict[str, int]:
    reservations: dict[str, int] = {}
    for function, number in _pairs(items, "connection=50").items():
        if function not in FUNCTIONS:
            raise ValueError(f"must name functions of {', '.join(FUNCTIONS)}, not {function!r}")
        if not re.fullmatch("[0-9]{1,5}", number) or not 1 <= int(number) <= 10_000:
            rule = "must be a whole number of executions from 1 to 10000"
            raise ValueError(f"{function}={number}: {rule}")
        reservations[function] = int(number)
    return reservations


def _routes(routes: tuple[str, ...]) -> tuple[str, ...]:
    for route in routes:
        if route not in REMOVABLE_ROUTES:
            raise ValueError(f"{_ROUTES_RULE}; {route!r} is not one of them")
        if routes.count(route) > 1:
            raise ValueError(f"{_ROUTES_RULE}; {route!r} is listed twice")
    return routes


def _audiences(audiences: tuple[str, ...]) -> tuple[str, ...]:
    if len(audiences) > _MAXIMUM_AUDIENCES:
        raise ValueError(f"{_AUDIENCES_RULE}; there are {len(audiences)}")
    for audience in audiences:
        if not re.fullmatch(f"[!-~]{{1,{_LONGEST_AUDIENCE}}}", audience):
            raise ValueError(f"{_AUDIENCES_RULE}; {audience!r} is not valid")
        if audiences.count(audience) > 1:
            raise ValueError(f"{_AUDIENCES_RULE}; {audience!r} is listed twice")
    return audiences


def _origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if len(origins) > _MAXIMUM_ORIGINS:
        raise ValueError(f"{_ORIGINS_RULE}; there are {len(origins)}")
    for origin in origins:
        if not re.fullmatch(_ORIGIN, origin):
            raise ValueError(f"{_ORIGINS_RULE}; {origin!r} is not valid")
        if origins.count(origin) > 1:
            raise ValueError(f"{_ORIGINS_RULE}; {origin!r} is listed twice")
    return origins


def _domain_name(example: str) -> Any:
    return _text(
        r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
        f"a domain name in lower case such as {example}",
        optional=True,
    )


def _certificate_arn(where: str) -> Any:
    return _text(
        r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}",
        f"the ARN of a certificate of ACM, {where}",
        optional=True,
    )


def _hosted_zone_id() -> Any:
    return _text(
        "Z[0-9A-Z]{1,31}", "the id of a Route 53 hosted zone such as Z0123456789", optional=True
    )


def _schedulable(interval_seconds: int) -> int:
    if problem := problem_with_interval(interval_seconds):
        raise ValueError(problem)
    return interval_seconds


Switch = Annotated[bool, Field(description="must be true or false")]


class _Record(BaseModel, frozen=True, strict=True, alias_generator=to_camel, validate_by_name=True):
    """Frozen settings. The engine passes every value as text: all but texts are read as JSON."""

    @field_validator("*", mode="before")
    @classmethod
    def _from_text(cls, value: object, info: ValidationInfo) -> object:
        annotation = cls.model_fields[str(info.field_name)].annotation
        if not isinstance(value, str) or annotation is str or value != value.strip():
            return value
        try:
            return json.loads(value)
        except ValueError:
            return value


class SessionRules(_Record, frozen=True):
    """Limits of every session, and the change of its listeners that causes a status at once."""

    max_listeners_per_session: int = _whole_number(1, 10_000, "listeners")
    session_max_duration_hours: int = _whole_number(1, 24, "hours")
    speaker_grace_seconds: int = _whole_number(1, 900, "seconds", _DELAY_PAGE)
    listener_count_change_threshold_percent: int = _whole_number(1, 100, "percent")


class RateLimits(_Record, frozen=True):
    """What one user, source address or connection may do within an hour or minute of the clock.

    A speaker's chunks are counted by the second; a chunk holds 0.75 s of speech at most, so speech
    needs 2.
    """

    sessions_per_user_per_hour: int = _whole_number(1, _MAXIMUM_RATE, "sessions")
    joins_per_address_per_minute: int = _whole_number(1, _MAXIMUM_RATE, "joins")
    connections_per_address_per_minute: int = _whole_number(1, _MAXIMUM_RATE, "connections")
    join_misses_per_address_per_minute: int = _whole_number(1, _MAXIMUM_RATE, "misses")
    passcode_misses_per_session_per_minute: int = _whole_number(
        1, _MAXIMUM_PASSCODE_MISSES, "misses"
    )
    controls_per_connection_per_minute: int = _whole_number(1, _MAXIMUM_RATE, "controls")
    status_queries_per_speaker_per_minute: int = _whole_number(1, _MAXIMUM_RATE, "queries")
    audio_chunks_per_second: int = _whole_number(2, 1_000, "chunks")


class AudioRules(_Record, frozen=True):
    """`audio_slots`: sessions that may speak at once, each with a Transcribe stream;
    `audio_slots_per_user`: those of one user.

    `partial_captions`: the sessions whose listeners see words before their sentence has ended;
    `partial_results_stability`: how early Transcribe stops changing them.
    """

    audio_slots: int = _whole_number(1, MAXIMUM_SLOTS, "slots")
    audio_slots_per_user: int = _whole_number(1, MAXIMUM_SLOTS, "slots")
    partial_captions: Literal["never", "premium", "always"]
    partial_results_stability: Literal["off", "low", "medium", "high"]


class CaptionRules(_Record, frozen=True):
    """How long listeners can ask for the captions that they missed; 0 keeps none.

    `transcripts`: whether sessions may have their captions kept as a transcript;
    `keep_transcript_bucket`: whether those that are there can be read where no more are written.
    """

    caption_history_minutes: int = _whole_number(0, 60, "minutes")
    transcripts: Switch
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html
    transcript_retention_days: int = _whole_number(1, 3_650, "days")
    keep_transcript_bucket: Switch

    @property
    def keeps_captions(self) -> bool:
        """Whether captions are kept, for listeners or for transcripts."""
        return self.caption_history_minutes > 0 or self.transcripts

    @property
    def has_transcript_bucket(self) -> bool:
        """Whether there is a bucket of transcripts to read."""
        return self.transcripts or self.keep_transcript_bucket


class DomainRules(_Record, frozen=True):
    """The API's own domain name, empty for API Gateway's.

    `certificate_arn`: empty to have one made; `hosted_zone_id`: empty to keep DNS elsewhere.
    """

    domain_name: Annotated[str, Field(max_length=253)] = _domain_name("live.example.com")
    certificate_arn: str = _certificate_arn("of the stack's own Region")
    hosted_zone_id: str = _hosted_zone_id()

    @property
    def url(self) -> str:
        """The URL for clients; empty without a name."""
        return f"wss://{self.domain_name}" if self.domain_name else ""


class WebPagesRules(_Record, frozen=True):
    """Whether the pages are served, and under which name of their own, empty for CloudFront's.

    `web_pages_certificate_arn` and `web_pages_hosted_zone_id` are as in DomainRules.
    `web_pages_origins`: from where else they are served, so that speakers may sign in there too.
    `web_pages_client_id` and `web_pages_sign_in_origin`: for speakers who are not of the stack's
    own user pool.
    """

    web_pages: Switch
    web_pages_domain_name: Annotated[str, Field(max_length=253)] = _domain_name("talk.example.com")
    web_pages_certificate_arn: str = _certificate_arn(f"in {CERTIFICATE_REGION}")
    web_pages_hosted_zone_id: str = _hosted_zone_id()
    web_pages_origins: Annotated[tuple[str, ...], Strict(False), AfterValidator(_origins)] = Field(
        description=_ORIGINS_RULE
    )
    web_pages_client_id: str = _text(
        f"[!-~]{{1,{_LONGEST_AUDIENCE}}}",
        "a client id, of printable ASCII characters without spaces",
        optional=True,
    )
    web_pages_sign_in_origin: str = _text(
        r"https://[a-z0-9.-]+(:[0-9]{1,5})?",
        "an https origin such as https://example.auth.eu-central-1.amazoncognito.com, with no path",
        optional=True,
    )


class MonitoringRules(_Record, frozen=True):
    """`alarm_email`: the address subscribed to the alarms' topic, or empty.

    `route_metrics`: whether API Gateway reports metrics for each route; `tracing`: whether
    functions send traces to X-Ray.
    """

    alarms: Switch
    alarm_email: str = _text(
        r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address such as ops@example.com", optional=True
    )
    dashboard: Switch
    route_metrics: Switch
    tracing: Switch


class ReleaseRules(_Record, frozen=True):
    """How many releases are kept, the one that serves included: with one there is no way back.

    The program does not read it: `make release` does.
    """

    kept_versions: int = _whole_number(2, 50, "releases")


class Settings(_Record, frozen=True):
    """One stack's settings. Durations and sizes carry their unit in their name."""

    # `live-sessions-<stack>-<function>` must fit into the 64 characters of a function's name, with
    # room for new functions: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    stack: str = _text(
        "[A-Za-z0-9_-]{1,32}",
        "1 to 32 letters, digits, - and _, since live-sessions-<stack>-<function> has to fit"
        " into 64",
    )
    region: str = _text("[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS Region such as us-east-1")
    stage_name: str = _text("[A-Za-z0-9_-]{1,128}", "1 to 128 letters, digits, - and _")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    log_retention_days: _RetentionDays = Field(description=f" days ({_RETENTION_PAGE})")
    lambda_runtime: Literal["python3.11", "python3.12", "python3.13", "python3.14"]
    lambda_architecture: Literal["arm64", "x86_64"]
    snap_start: Switch
    layer_platform: Literal["lambda", "host"]
    layer_bytecode: Switch
    reserved_concurrency: Annotated[
        Mapping[str, int], BeforeValidator(_reservations, json_schema_input_type=list[str])
    ]
    # The shortest interval needs all five targets that a rule may have.
    status_interval_seconds: Annotated[
        int, _whole_number(12, 3_600, "seconds"), AfterValidator(_schedulable)
    ]
    periodic_status: Switch
    # One tick sends all shards to their queue within the function's 5 seconds.
    status_shards: int = _whole_number(1, 64, "shards")
    # The status function itself stops after 5 seconds.
    status_query_timeout_milliseconds: int = _whole_number(50, 4_000, "milliseconds")
    session_rules: SessionRules
    rate_limits: RateLimits
    audio_rules: AudioRules
    caption_rules: CaptionRules
    # https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    translation_function_arn: str = _text(
        r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}"
        r"(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?",
        "a function's ARN such as arn:aws:lambda:us-east-1:123456789012:function:captions",
        optional=True,
    )
    point_in_time_recovery: Switch
    deletion_protection: Switch
    throttling_rate_limit: int = _whole_number(1, 10_000, "requests per second", _WEBSOCKET_LIMITS)
    throttling_burst_limit: int = _whole_number(1, 5_000, "requests", _THROTTLING_PAGE)
    removed_routes: Annotated[tuple[str, ...], Strict(False), AfterValidator(_routes)] = Field(
        description=_ROUTES_RULE
    )
    domain_rules: DomainRules
    web_pages_rules: WebPagesRules
    monitoring_rules: MonitoringRules
    release_rules: ReleaseRules
    access_logs: Switch
    manage_api_gateway_account: Switch
    existing_user_pool_id: str = _text(
        r"[\w-]+_[0-9A-Za-z]+", "a user pool id such as us-east-1_AbCdEfGhI", optional=True
    )
    existing_user_pool_client_id: str = _text(
        r"[\w+]{1,128}", "a user pool client's id", optional=True
    )
    # https://openid.net/specs/openid-connect-core-1_0.html#IDToken: no query, no fragment.
    speaker_issuer: Annotated[str, Field(max_length=255)] = _text(
        r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)?",
        "an OIDC issuer such as https://login.example.com/tenant, exactly as its tokens have it in"
        " iss: an https URL of at most 255 characters, with no query",
        optional=True,
    )
    speaker_audiences: Annotated[tuple[str, ...], Strict(False), AfterValidator(_audiences)] = (
        Field(description=_AUDIENCES_RULE)
    )
    allow_password_authentication: Switch
    cognito_endpoint: str = _text(
        r"https?://[^\s/?#]+(/[^\s?#]*[^\s/?#])?",
        "an http(s) URL with no final /",
        optional=True,
    )
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    permissions_boundary_arn: str = _text(
        r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@/_-]+",
        "the ARN of an IAM policy such as arn:aws:iam::123456789012:policy/boundary",
        optional=True,
    )
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    role_path: Annotated[str, Field(max_length=512)] = _text(
        r"(/[A-Za-z0-9+=,.@_-]+)+/",
        "a path that begins and ends with / such as /live/",
        optional=True,
    )
    tags: Annotated[Mapping[str, str], BeforeValidator(_tags, json_schema_input_type=list[str])]

    @model_validator(mode="before")
    @classmethod
    def _group(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Stack config has no groups: each record in the settings is offered every key."""
        return {**dict.fromkeys(_records_in(cls), values), **values}

    @property
    def prefix(self) -> str:
        """The start of every physical name, so that two stacks live in one account."""
        return physical_prefix(self.stack)

    @classmethod
    def load(cls) -> Self:
        """Reads the running stack's config; raises `SettingsError` with all that is wrong."""
        config, everything, fields = pulumi.Config(PROJECT), all_config(), config_fields(cls)
        values = {key: value for key in fields if (value := config.get(key)) is not None}
        values["stack"] = pulumi.get_stack()
        stack_field = cls.model_fields["stack"]
        settings, broken = None, list[Problem]()
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            broken = [*broken_rules(error, {**fields, "stack": stack_field}, values)]
        valid = {key: values[key] for key in values.keys() - {each.key for each in broken}}
        problems = [
            *unknown_keys(PROJECT, everything, fields.keys()),
            *broken,
            *provider_keys(everything, valid.get("region")),
            *conflicts(valid),
        ]
        if problems or settings is None:
            raise SettingsError(values["stack"], problems)
        return settings


def physical_prefix(stack: str) -> str:
    """The start of every physical name of a stack."""
    return f"{PROJECT}-{stack}"


def config_fields(record: type[BaseModel]) -> dict[str, FieldInfo]:
    """Every config key of a record and of the records in it, with its field."""
    fields: dict[str, FieldInfo] = {}
    records = _records_in(record)
    for name, field in record.model_fields.items():
        if name in records:
            fields |= config_fields(records[name])
        elif name != "stack":
            fields[to_camel(name)] = field
    return fields


def all_config() -> Mapping[str, Any]:
    """Every config value there is, whatever its namespace, by its full key."""
    return {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}


def _records_in(record: type[BaseModel]) -> dict[str, type[BaseModel]]:
    return {
        name: field.annotation
        for name, field in record.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
