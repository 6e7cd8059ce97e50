"""Every name of MiniStack that the local cloud uses, each with the test that notices its change.

MiniStack promises no Python API, so each of these may change with any version. To move to another
version, change `MINISTACK_VERSION` in websocket_gateway and run tests/local/emulator; its
test_ministack_names.py checks that this list is complete and that the version has each name.
"""

from dataclasses import dataclass

API = "ministack.services.apigateway"
CLOUDWATCH = "ministack.services.cloudwatch"
IAM_ACTIONS = "ministack.core.iam_actions"
IAM = "ministack.core.iam_evaluator"
LAMBDA = "ministack.services.lambda_svc"
RESPONSES = "ministack.core.responses"
SIGV4 = "ministack.core.sigv4"
WORKERS = "ministack.core.lambda_runtime"


@dataclass(frozen=True)
class Name:
    """One name of MiniStack; `test` is `file::function` in tests/local."""

    module: str
    name: str
    used_for: str
    test: str


def _names(module: str, names: str, used_for: str, test_file: str, test: str) -> tuple[Name, ...]:
    return tuple(Name(module, name, used_for, f"{test_file}::{test}") for name in names.split())


NAMES: tuple[Name, ...] = (
    *_names(
        "ministack.app",
        "app",
        "the application that is served",
        "emulator/test_process.py",
        "test_two_emulators_do_not_disturb_each_other",
    ),
    *_names(
        "ministack.app",
        "pin_request_origin",
        "the loopback address counts as secure",
        "test_borrowed_roles.py",
        "test_a_batch_to_a_queue_needs_the_permission_of_a_single_message",
    ),
    *_names(
        API,
        "handle_websocket _api_owner",
        "sockets are served by websocket_gateway",
        "emulator/test_handshake.py",
        "test_a_connect_function_that_says_200_opens_the_socket",
    ),
    *_names(
        API,
        "handle_connections_api _post_to_connection_text",
        "@connections is answered by websocket_gateway",
        "emulator/test_connections_api.py",
        "test_a_post_reaches_its_client",
    ),
    *_names(
        API,
        "_create_api",
        "a WebSocket API names its ws:// endpoint",
        "emulator/test_descriptions.py",
        "test_the_sockets_of_a_websocket_api_are_opened_at_the_endpoint_that_it_names",
    ),
    *_names(
        API,
        "_create_authorizer",
        "a WebSocket API's authorizer has no fields of an HTTP API's",
        "emulator/test_descriptions.py",
        "test_an_authorizer_of_a_websocket_api_has_no_defaults_of_an_http_apis",
    ),
    *_names(
        CLOUDWATCH,
        "_alarms _describe_alarms _put_metric_alarm _xml",
        "alarms are described in full",
        "emulator/test_descriptions.py",
        "test_the_query_protocol_describes_all_of_an_alarm",
    ),
    *_names(
        "ministack.services.cognito",
        "_apply_pretoken_trigger",
        "a renewed token has the time of the sign-in",
        "emulator/test_sign_in_times.py",
        "test_a_renewed_token_has_the_time_of_the_sign_in",
    ),
    *_names(
        "ministack.app",
        "_build_persistence_save_dict",
        "state that outlives the server",
        "emulator/test_saved_state.py",
        "test_the_next_emulator_serves_what_the_last_one_had",
    ),
    *_names(
        "ministack.core.persistence",
        "PERSIST_STATE STATE_DIR save_all",
        "state that outlives the server",
        "emulator/test_saved_state.py",
        "test_the_next_emulator_serves_what_the_last_one_had",
    ),
    *_names(
        API,
        "_create_deployment _apis _routes _stages",
        "a deployment takes a snapshot of the API",
        "emulator/test_deployments.py",
        "test_a_route_is_live_from_its_deployment_on",
    ),
    *_names(
        API,
        "_integrations",
        "a snapshot's integrations",
        "emulator/test_deployments.py",
        "test_a_changed_integration_is_live_from_its_deployment_on",
    ),
    *_names(
        API,
        "_route_responses",
        "a snapshot's route responses",
        "emulator/test_deployments.py",
        "test_a_deleted_route_response_is_live_until_the_next_deployment",
    ),
    *_names(
        API,
        "_authorizers",
        "a snapshot's authorizers",
        "emulator/test_deployments.py",
        "test_a_changed_authorizer_is_live_from_its_deployment_on",
    ),
    *_names(
        API,
        "_request_authorizer_identity_sources",
        "the values that an authorizer needs",
        "emulator/test_handshake.py",
        "test_an_authorizer_without_identity_source_sees_clients_that_bring_nothing",
    ),
    *_names(
        API,
        "_evaluate_authorizer_policy",
        "what an authorizer's policy allows",
        "emulator/test_handshake.py",
        "test_an_authorizer_that_denies_refuses_with_403",
    ),
    *_names(
        "ministack.services.apigateway_v1",
        "_stringify_context",
        "an authorizer's context in events",
        "emulator/test_handshake.py",
        "test_every_later_event_carries_what_the_authorizer_said",
    ),
    *_names(
        "ministack.core.arn",
        "execute_api_route_arn",
        "the ARN that an authorizer is asked about",
        "emulator/test_handshake.py",
        "test_an_authorizer_that_denies_refuses_with_403",
    ),
    *_names(
        API,
        "_extract_lambda_ref_from_integration_uri",
        "an integration's function",
        "emulator/test_integrations.py",
        "test_messages_of_one_connection_are_handled_at_the_same_time",
    ),
    *_names(
        LAMBDA,
        "_get_func_record_for_ref_in_scope _execution_record_for_config",
        "an integration's function",
        "emulator/test_integrations.py",
        "test_messages_of_one_connection_are_handled_at_the_same_time",
    ),
    *_names(
        LAMBDA,
        "_execute_function_with_config_scope",
        "a socket's invocation is an ordinary one",
        "emulator/test_integrations.py",
        "test_a_socket_invocation_is_an_ordinary_one_with_a_log",
    ),
    *_names(
        "ministack.core.concurrency",
        "run_reentrant",
        "invocations run beside the server",
        "emulator/test_integrations.py",
        "test_messages_of_many_connections_are_handled_at_the_same_time",
    ),
    *_names(
        RESPONSES,
        "request_scope",
        "a socket belongs to its API's account and region",
        "emulator/test_handshake.py",
        "test_a_connect_function_that_says_200_opens_the_socket",
    ),
    *_names(
        LAMBDA,
        "acquire_worker release_worker",
        "few environments start at a time",
        "emulator/test_environments.py",
        "test_few_environments_start_at_a_time_and_any_number_runs",
    ),
    *_names(
        WORKERS,
        "acquire_worker release_worker _worker_key _workers Worker Worker._spawn Worker.in_use",
        "few environments start at a time",
        "emulator/test_environments.py",
        "test_few_environments_start_at_a_time_and_any_number_runs",
    ),
    *_names(
        WORKERS,
        "Worker.config",
        "time limits and layers of an environment",
        "emulator/test_environments.py",
        "test_an_emulator_can_raise_time_limits_that_are_too_short_for_a_slow_machine",
    ),
    *_names(
        WORKERS,
        "Worker._proc",
        "an environment's priority, and its end",
        "emulator/test_environments.py",
        "test_an_environment_has_a_lower_priority_than_the_server",
    ),
    *_names(
        WORKERS,
        "subprocess",
        "Python environments are forked",
        "emulator/test_environments.py",
        "test_a_forked_environment_is_like_one_that_was_started",
    ),
    *_names(
        LAMBDA,
        "_resolve_layer_zip",
        "a layer is unpacked once",
        "emulator/test_environments.py",
        "test_environments_of_a_function_read_its_layer_in_one_place",
    ),
    *_names(
        LAMBDA,
        "_execute_function_warm",
        "a failed start is logged",
        "emulator/test_environments.py",
        "test_a_failed_import_is_in_the_functions_log_and_not_sent_to_the_client",
    ),
    *_names(
        "ministack.services.cloudwatch_logs",
        "_log_groups",
        "old log streams are forgotten",
        "emulator/test_kept_logs.py",
        "test_the_oldest_lines_of_a_function_that_logs_much_are_forgotten",
    ),
    *_names(
        LAMBDA,
        "_emit_lambda_logs",
        "invocations and errors are counted",
        "emulator/test_metrics.py",
        "test_invocations_and_errors_are_counted_by_function",
    ),
    *_names(
        LAMBDA,
        "_emit_lambda_metrics",
        "throttles are counted",
        "emulator/test_metrics.py",
        "test_a_throttled_invocation_is_one_throttle_and_neither_invocation_nor_error",
    ),
    *_names(
        LAMBDA,
        "executions_in_flight",
        "ConcurrentExecutions",
        "emulator/test_metrics.py",
        "test_a_function_reports_its_concurrent_executions",
    ),
    *_names(
        LAMBDA,
        "invoke_async_with_retry _event_invoke_config",
        "an alias's asynchronous settings",
        "emulator/test_versions.py",
        "test_an_event_for_an_alias_is_retried_and_kept_as_the_alias_says",
    ),
    *_names(
        LAMBDA,
        "_reserved_concurrency _account_region_from_function_config _functions",
        "reserved concurrency of all versions together",
        "emulator/test_versions.py",
        "test_reserved_concurrency_is_shared_by_all_versions",
    ),
    *_names(
        LAMBDA,
        "_get_function serve_function_code",
        "where a version's code is",
        "emulator/test_versions.py",
        "test_the_code_of_each_version_can_be_downloaded",
    ),
    *_names(
        LAMBDA,
        "_add_permission",
        "a permission that is sent again",
        "emulator/test_versions.py",
        "test_a_permission_that_is_sent_again_is_there_once_and_another_one_is_refused",
    ),
    *_names(
        LAMBDA,
        "reap_idle_workers",
        "environments of old versions end",
        "emulator/test_versions.py",
        "test_an_idle_environment_of_an_old_version_ends_and_one_of_the_aliass_stays",
    ),
    *_names(
        WORKERS,
        "_LOCAL_WORKER_TTL _lock kill_workers Worker.in_use Worker.last_used",
        "environments of old versions end",
        "emulator/test_versions.py",
        "test_an_idle_environment_of_an_old_version_ends_and_one_of_the_aliass_stays",
    ),
    *_names(
        "ministack.services.cloudwatch_logs",
        "_append_log_events",
        "log lines become metrics",
        "emulator/test_metrics.py",
        "test_what_anybody_puts_into_a_log_becomes_a_metric_too",
    ),
    *_names(
        CLOUDWATCH,
        "_evict_old_metrics _store_datum _get_metric_statistics",
        "metrics are stored before they are read",
        "emulator/test_metrics.py",
        "test_what_a_function_prints_in_the_format_becomes_a_metric_at_its_own_time",
    ),
    *_names(
        CLOUDWATCH,
        "_get_metric_data",
        "queues are measured before metrics are read",
        "emulator/test_alarm_evaluation.py",
        "test_an_alarm_fires_when_its_period_is_over_with_its_reason",
    ),
    *_names(
        CLOUDWATCH,
        "_evaluate_alarm",
        "MiniStack evaluates no alarms",
        "emulator/test_metrics.py",
        "test_metrics_alone_change_no_alarms_state",
    ),
    *_names(
        "ministack.services.sqs",
        "_queues _refresh_counts",
        "queues are measured",
        "emulator/test_metrics.py",
        "test_a_queue_reports_how_many_messages_wait_and_for_how_long",
    ),
    *_names(
        CLOUDWATCH,
        "_dispatch_alarm_actions",
        "an alarm's actions need permission",
        "emulator/test_alarm_actions.py",
        "test_a_topic_whose_policy_does_not_is_not_notified",
    ),
    *_names(
        "ministack.services.sns",
        "_topics",
        "a topic's policy",
        "emulator/test_alarm_actions.py",
        "test_a_topic_whose_policy_does_not_is_not_notified",
    ),
    *_names(
        IAM,
        "EvalContext evaluate_resource_policy pin_request_origin",
        "a topic's policy",
        "emulator/test_alarm_actions.py",
        "test_a_topic_that_allows_cloudwatch_to_publish_is_notified_of_the_alarm_alone",
    ),
    *_names(
        "ministack.services.kms",
        "_resolve_key",
        "a key's policy",
        "emulator/test_alarm_actions.py",
        "test_a_topic_whose_key_does_not_is_not_notified",
    ),
    *_names(
        RESPONSES,
        "get_account_id get_region",
        "the account and region of a request",
        "emulator/test_alarm_actions.py",
        "test_a_topic_that_allows_cloudwatch_to_publish_is_notified_of_the_alarm_alone",
    ),
    *_names(
        IAM_ACTIONS,
        "extract_iam_action",
        "a batch call needs the single call's action",
        "test_borrowed_roles.py",
        "test_a_batch_to_a_queue_needs_the_permission_of_a_single_message",
    ),
    *_names(
        IAM_ACTIONS,
        "access_denied_response",
        "refusals are logged",
        "test_borrowed_roles.py",
        "test_a_function_acts_with_its_own_role_and_no_more",
    ),
    *_names(
        IAM_ACTIONS,
        "identity_denial_message",
        "the stand-ins' requests are authorised",
        "speech/test_authorisation.py",
        "test_without_the_permission_to_translate_the_call_is_denied",
    ),
    *_names(
        IAM_ACTIONS,
        "_auth_failure _AUTH_FAILURES",
        "the stand-ins' requests are authorised",
        "speech/test_authorisation.py",
        "test_a_wrong_secret_is_denied",
    ),
    *_names(
        IAM,
        "enforce resolve_credential AuthError CredentialResolutionError",
        "the stand-ins' requests are authorised",
        "speech/test_authorisation.py",
        "test_without_the_permission_to_translate_the_call_is_denied",
    ),
    *_names(
        IAM,
        "_resolve_condition_key",
        "a role's session has the role's ARN",
        "test_transcripts.py",
        "test_the_speaker_of_an_ended_session_fetches_its_subtitles_by_the_link",
    ),
    *_names(
        RESPONSES,
        "_account_from_sts_session",
        "the stand-ins' requests are authorised",
        "speech/test_authorisation.py",
        "test_whom_the_role_allows_gets_through",
    ),
    *_names(
        SIGV4,
        "HeaderSignature header_signature_failure parse_header_signature parse_query_signature "
        "presigned_request_is_expired request_time_failure",
        "the stand-ins' requests are signed",
        "speech/test_authorisation.py",
        "test_a_signature_of_another_time_is_denied",
    ),
)
