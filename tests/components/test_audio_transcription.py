from typing import Any

import pytest

from components.audio_transcription import AudioTranscription, AudioTranscriptionArgs
from components.connection_store import TableSafety
from program.engine import Engine
from tests.components import stack_parts

PREFIX = stack_parts.PREFIX
QUEUES = f"arn:aws:sqs:us-east-1:123456789012:{PREFIX}"
SLOTS = 3
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"


def run(
    *, external_function_arn: str = "", deletion_protection: bool = True, alarms: bool = True
) -> tuple[Engine, AudioTranscription]:
    engine = Engine()
    made: list[AudioTranscription] = []

    def program() -> None:
        store, api = stack_parts.store(), stack_parts.api()
        fan_out = stack_parts.fan_out(store, api)
        args = AudioTranscriptionArgs(
            platform=stack_parts.platform(),
            store=store,
            api=api,
            translation=stack_parts.translation(store, api, fan_out, external_function_arn),
            streaming_layer_arn="arn:streaming",
            table_safety=TableSafety(
                point_in_time_recovery=True, deletion_protection=deletion_protection
            ),
            slots=SLOTS,
            alarm_topic_arn=TOPIC if alarms else None,
        )
        made.append(AudioTranscription("audio", args))

    engine.run(program)
    return engine, made[0]


@pytest.fixture(scope="module")
def made() -> tuple[Engine, AudioTranscription]:
    return run()


@pytest.fixture
def engine(made: tuple[Engine, AudioTranscription]) -> Engine:
    return made[0]


@pytest.fixture
def audio(made: tuple[Engine, AudioTranscription]) -> AudioTranscription:
    return made[1]


def function(engine: Engine, entry: str) -> dict[str, Any]:
    return engine.of_type("lambda/function")[f"{entry}-function"].inputs


def variables(engine: Engine, entry: str) -> dict[str, str]:
    return function(engine, entry)["environment"]["variables"]


def test_an_accepted_chunk_has_no_reply(audio: AudioTranscription):
    (route,) = audio.routes
    assert (route.key, route.replies, route.timeout_milliseconds) == ("sendAudio", False, 10_000)
    assert route.function.entry == "audio_ingest"


def test_each_slot_has_a_queue_whose_messages_expire_within_a_minute(engine: Engine):
    queues = {each["name"]: each for each in engine.inputs("sqs/queue")}
    for slot in range(SLOTS):
        queue = queues[f"{PREFIX}-audio-{slot}"]
        assert queue["messageRetentionSeconds"] == 60
        assert queue["delaySeconds"] == 0
        assert queue["sqsManagedSseEnabled"] is True
        assert "redrivePolicy" not in queue, "late audio is of no use, so it is not kept"
    assert f"{PREFIX}-audio-{SLOTS}" not in queues


def test_what_a_dead_processor_had_received_is_visible_to_its_successor(engine: Engine):
    claim_seconds = 10
    queues = {each["name"]: each for each in engine.inputs("sqs/queue")}
    for slot in range(SLOTS):
        assert queues[f"{PREFIX}-audio-{slot}"]["visibilityTimeoutSeconds"] < claim_seconds


def test_only_the_processor_receives_audio_from_the_queues(engine: Engine):
    assert engine.inputs("lambda/eventSourceMapping") == []
    slots = [f"{QUEUES}-audio-{slot}" for slot in range(SLOTS)]
    sent = engine.statements(f"{PREFIX}-audio-ingest")["SendAudio"]
    assert (sent["Action"], sent["Resource"]) == (["sqs:SendMessage"], slots)
    received = engine.statements(f"{PREFIX}-audio-processor")["ReceiveAudio"]
    assert received["Resource"] == slots
    assert received["Action"] == ["sqs:ReceiveMessage", "sqs:DeleteMessage"]


def test_the_prefix_and_a_slots_number_are_its_queues_url(engine: Engine):
    urls = {
        each.inputs["queueUrl"]
        for name, each in engine.of_type("sqs/queuePolicy").items()
        if name.startswith("audio-queues-")
    }
    for entry in ("audio-ingest", "audio-processor"):
        prefix = variables(engine, entry)["AUDIO_QUEUE_URL_PREFIX"]
        assert {f"{prefix}{slot}" for slot in range(SLOTS)} == urls
    assert variables(engine, "audio-ingest")["AUDIO_SLOTS"] == str(SLOTS)


def test_each_slot_has_an_alarm_on_late_audio_that_has_not_expired_yet(engine: Engine):
    alarms = engine.inputs("cloudwatch/metricAlarm")
    assert {each["dimensions"]["QueueName"] for each in alarms} == {
        f"{PREFIX}-audio-{slot}" for slot in range(SLOTS)
    }
    for alarm in alarms:
        assert alarm["name"] == f"{alarm['dimensions']['QueueName']}-late"
        assert (alarm["namespace"], alarm["metricName"]) == (
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
        )
        assert alarm["statistic"] == "Maximum"
        assert alarm["comparisonOperator"] == "GreaterThanThreshold"
        assert alarm["threshold"] == 15 < 60, "no message gets older than the retention"
        assert alarm["treatMissingData"] == "notBreaching", "an idle queue reports nothing"
        assert alarm["alarmActions"] == alarm["okActions"] == [TOPIC]


def test_without_a_topic_there_are_no_alarms():
    engine, _ = run(alarms=False)
    assert engine.inputs("cloudwatch/metricAlarm") == []


def test_audio_left_by_an_ended_session_raises_no_alarm(engine: Engine):
    for alarm in engine.inputs("cloudwatch/metricAlarm"):
        late_seconds = 60 - alarm["threshold"]
        assert alarm["period"] == 60, "SQS reports once a minute"
        assert (alarm["datapointsToAlarm"] - 1) * alarm["period"] >= late_seconds


def test_the_slots_table_has_the_number_as_its_key_and_the_protection_of_the_others(engine: Engine):
    table = engine.of_type("dynamodb/table")["audio-slots-table"]
    assert table.inputs == {
        "name": f"{PREFIX}-audio-slots",
        "billingMode": "PAY_PER_REQUEST",
        "attributes": [{"name": "slot", "type": "N"}],
        "hashKey": "slot",
        "globalSecondaryIndexes": [],
        "pointInTimeRecovery": {"enabled": True},
        "serverSideEncryption": {"enabled": True},
        "deletionProtectionEnabled": True,
    }
    assert (table.protect, table.retain_on_delete) == (True, True)


def test_without_protection_the_slots_table_is_deleted_with_the_stack():
    engine, _ = run(deletion_protection=False)
    table = engine.of_type("dynamodb/table")["audio-slots-table"]
    assert table.inputs["deletionProtectionEnabled"] is False
    assert (table.protect, table.retain_on_delete) == (False, False)


def test_a_failed_start_of_a_processor_is_kept_and_not_retried(engine: Engine):
    settings = {
        "functionName": f"{PREFIX}-audio-processor",
        "maximumRetryAttempts": 0,
        "maximumEventAgeInSeconds": 60,
        "destinationConfig": {"onFailure": {"destination": f"{QUEUES}-audio-failures"}},
    }
    made = [
        each
        for each in engine.inputs("lambda/functionEventInvokeConfig")
        if each["functionName"] == f"{PREFIX}-audio-processor"
    ]
    assert made == [settings, {**settings, "qualifier": "live"}]
    (failures,) = [q for q in engine.inputs("sqs/queue") if q["name"].endswith("audio-failures")]
    assert failures["messageRetentionSeconds"] == 14 * 24 * 3_600


@pytest.mark.parametrize(
    ("entry", "megabytes", "seconds"), [("audio-ingest", 256, 10), ("audio-processor", 1024, 900)]
)
def test_functions_have_the_memory_and_time_their_work_needs(
    engine: Engine, entry: str, megabytes: int, seconds: int
):
    inputs = function(engine, entry)
    assert (inputs["memorySize"], inputs["timeout"]) == (megabytes, seconds)
    assert "reservedConcurrentExecutions" not in inputs


def test_only_the_processor_has_the_layer_with_the_websocket_client(engine: Engine):
    assert function(engine, "audio-processor")["layers"][1:] == ["arn:streaming"]
    assert len(function(engine, "audio-ingest")["layers"]) == 1


def test_the_audio_rules_reach_the_processor(engine: Engine):
    processor = variables(engine, "audio-processor")
    assert processor["AUDIO_CHUNKS_PER_SECOND"] == "6"
    assert processor["PARTIAL_CAPTIONS"] == "premium"
    assert processor["PARTIAL_RESULTS_STABILITY"] == "medium"


def test_the_processor_may_invoke_the_stacks_own_translation_and_nothing_else(engine: Engine):
    statements = engine.statements(f"{PREFIX}-audio-processor")
    invoked = [each for each in statements.values() if "lambda:InvokeFunction" in each["Action"]]
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{PREFIX}-translation"
    assert [each["Resource"] for each in invoked] == [[arn, f"{arn}:live"]]
    name = variables(engine, "audio-processor")["TRANSLATION_FUNCTION"]
    assert name == f"{PREFIX}-translation:live"


def test_an_external_pipeline_changes_what_the_processor_invokes_and_nothing_else():
    arn = "arn:aws:lambda:us-east-1:210987654321:function:captions:live"
    external, _ = run(external_function_arn=arn)
    statement = external.statements(f"{PREFIX}-audio-processor")["InvokeTranslation"]
    assert statement["Resource"] == [arn]
    assert variables(external, "audio-processor")["TRANSLATION_FUNCTION"] == arn
    before, after = described(run()[0]), described(external)
    assert after.keys() < before.keys()
    assert {
        urn for urn in before.keys() - after.keys() if "TranslationPipeline$" not in urn
    } == set()
    changed = {urn.rpartition("::")[2] for urn in after if after[urn] != before[urn]}
    assert changed == {"audio-processor-policy", "audio-processor-function"}


def described(engine: Engine) -> dict[str, dict[str, Any]]:
    """Every resource's inputs but code, which is a new object in each run."""
    return {
        each.urn: {key: value for key, value in each.inputs.items() if key != "code"}
        for each in engine.registered
    }
