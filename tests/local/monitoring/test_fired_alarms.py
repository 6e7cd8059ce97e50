"""The program's own alarms, brought to fire by what really happens to its functions.

Each test looks twice at the same minutes, before and after. Ticks come by themselves, and how long
something takes is for the machine to say: such alarms are left to their own tests.
"""

import json
import time
from typing import Any

from contract.functions import LIVE
from local.alarms import State
from local.function_logs import LogLine
from tests.local.monitoring.watching import MINUTE_SECONDS, Notice, Watching, fired, this_minute
from tests.local.permissions import without_statement

# In which the ticks of a minute are, and some minutes more.
AHEAD_OF_SILENCE = 8


def test_at_rest_nothing_but_missing_ticks_is_an_alarm(watched: Watching) -> None:
    pages = watched.cloud.client("cloudwatch").get_paginator("describe_alarms").paginate()
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    firing = {alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"}
    assert firing == {"live-sessions-local-status-ticks-missed"}
    assert {alarm["StateValue"] for alarm in alarms} == {"ALARM", "OK"}


def test_a_function_that_raises_fires_its_own_alarm_and_notifies_the_subscriber(
    watched: Watching,
) -> None:
    watched.evaluate(1)
    watched.heard()
    function = watched.cloud.outputs["functionNames"]["translation"]
    client = watched.cloud.client("lambda")
    answer = client.invoke(
        FunctionName=f"{function}:{LIVE}", Payload=json.dumps({"no": "transcript"})
    )
    assert answer["FunctionError"]
    assert fired(watched.evaluate(1)) == {"translation-errors"}
    assert Notice("translation-errors", "OK", "ALARM") in watched.heard()
    assert watched.evaluate(10)["translation-errors"] is State.OK
    assert Notice("translation-errors", "ALARM", "OK") in watched.heard()


def test_an_error_sent_to_a_client_fires_the_functions_own_metrics_alarm(
    watched: Watching,
) -> None:
    watched.evaluate(1)
    watched.heard()
    listener = watched.cloud.listener()
    with without_statement(watched.cloud, "heartbeat", "ReadConnections"):
        assert listener.ask("heartbeat")["code"] == "INTERNAL_ERROR"
    listener.close()
    assert fired(watched.evaluate(1)) == {"heartbeat-internal-errors"}
    assert Notice("heartbeat-internal-errors", "OK", "ALARM") in watched.heard()


def test_what_clients_do_and_do_wrong_fires_nothing(watched: Watching) -> None:
    watched.evaluate(1)
    speaker, listener = watched.cloud.speaker(), watched.cloud.listener()
    listener.join(speaker.create_session(), "es")
    assert listener.ask("endSession")["code"] == "UNAUTHORIZED_ACTION"
    assert speaker.ask("joinSession")["code"] == "UNAUTHORIZED_ACTION"
    assert listener.ask("doWhatIWant")["code"] == "INVALID_ACTION"
    assert listener.ask("changeLanguage", targetLanguage="xx")["code"] == "UNSUPPORTED_LANGUAGE"
    speaker.end_session()
    watched.cloud.participants.close()
    assert fired(watched.evaluate(1)) == set()


def test_a_message_among_the_failures_fires_its_queues_alarm_until_it_is_gone(
    watched: Watching,
) -> None:
    sqs = watched.cloud.client("sqs")
    watched.evaluate(1)
    url = sqs.get_queue_url(QueueName="live-sessions-local-fan-out-failures")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    assert fired(watched.evaluate(1)) == {"fan-out-failures-not-empty"}
    sqs.purge_queue(QueueUrl=url)
    assert watched.evaluate(5)["fan-out-failures-not-empty"] is State.OK


def test_ticks_that_no_longer_come_fire_the_alarm_that_was_quiet_while_they_came(
    watched: Watching,
) -> None:
    tick = a_tick(watched)
    rule, events = watched.cloud.outputs["statusRule"], watched.cloud.client("events")
    now = this_minute()
    write_again(watched, tick, minutes=range(now - 5, now), times=2)
    assert watched.evaluate_at(now)["status-ticks-missed"] is State.OK
    watched.heard()
    events.disable_rule(Name=rule)
    try:
        assert "status-ticks-missed" not in watched.evaluate_at(now + 1), "one may lack"
        changes = watched.evaluate_at(now + AHEAD_OF_SILENCE)
    finally:
        events.enable_rule(Name=rule)
    assert changes["status-ticks-missed"] is State.ALARM
    assert Notice("status-ticks-missed", "OK", "ALARM") in watched.heard()


def a_tick(watched: Watching) -> LogLine:
    """The line of metrics with which the function itself has counted a tick."""
    scheduled_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    payload = {"tick": {"scheduledAt": scheduled_at, "offsetSeconds": 0}}
    answer = watched.cloud.client("lambda").invoke(
        FunctionName=f"{watched.cloud.outputs['functionNames']['session_status']}:{LIVE}",
        Payload=json.dumps(payload),
    )
    assert "FunctionError" not in answer
    lines = watched.cloud.function_log("session_status")
    return next(line for line in lines if line.is_metrics and "Ticks" in line.fields)


def write_again(watched: Watching, line: LogLine, minutes: range, times: int) -> None:
    """Put the line into its log as if it had been written so often in each of these minutes."""
    messages: list[dict[str, Any]] = []
    for minute in minutes:
        at_ms = minute * MINUTE_SECONDS * 1000
        fields = {**line.fields, "_aws": {**line.fields["_aws"], "Timestamp": at_ms}}
        messages += [{"timestamp": at_ms, "message": json.dumps(fields)}] * times
    watched.cloud.client("logs").put_log_events(
        logGroupName=watched.cloud.outputs["logGroupNames"]["session_status"],
        logStreamName=line.stream,
        logEvents=messages,
    )
