"""Usage calculated by hand: what one session hour, one tick and one caption use."""

from typing import Any

import pytest

from operations.cost import monitoring, serving, tables
from operations.cost.month import MINUTES_PER_MONTH, Month
from operations.cost.stack_facts import Function
from tests.operations.cost.worked import facts, load, month


def quantity(part: Any, of: Month, driver: str) -> float:
    """The quantity of the driver with that name."""
    (found,) = [usage.quantity for usage in part(of) if usage.driver == driver]
    return found


def test_an_hour_of_speech_has_its_chunks_captions_and_minutes():
    hour = month()
    assert hour.speaking_seconds == 3_600
    assert hour.chunks == 36_000
    assert hour.captions == 1_200
    assert quantity(serving.speech, hour, "speech") == 60
    assert hour.invocations["audio_processor"] == 4
    assert quantity(serving.functions, hour, "audio_processor, GB-s") == 3_600


def test_a_caption_to_a_hundred_listeners_is_a_hundred_messages():
    captions = quantity(serving.gateway, month(), "captions to listeners")
    assert captions == 1_200 * 100


def test_a_caption_is_translated_once_for_each_language_and_not_for_each_listener():
    # 1,200 captions of 45 characters into 5 languages.
    few, many = month(load(listeners=5)), month(load(listeners=500))
    assert quantity(serving.speech, few, "captions, per language") == 270_000
    assert quantity(serving.speech, many, "captions, per language") == 270_000


@pytest.mark.parametrize(
    ("whose", "premium_share", "transcripts"),
    [("never", 1, 1_200), ("premium", 0, 1_200), ("premium", 0.5, 3_600), ("always", 0, 6_000)],
)
def test_partial_captions_are_counted_if_the_stack_allows_them(
    whose: str, premium_share: float, transcripts: float
):
    # Four partial ones before each finished one.
    hour = month(load(premium_share=premium_share), facts(partial_captions=whose))
    assert hour.transcripts == transcripts
    assert quantity(serving.gateway, hour, "captions to listeners") == transcripts * 100


def test_a_tick_of_16_shards_is_17_invocations_8_reads_and_34_requests():
    hour = month()
    ticks = 2 * MINUTES_PER_MONTH
    assert hour.ticks == ticks
    assert hour.invocations["session_status"] == 17 * ticks
    assert quantity(tables.tables, hour, "ticks, reads") == 8 * ticks
    # Two batches sent, 16 received, 16 deleted; half of the ticks come through a queue: 3 more.
    requests = quantity(serving.queues, hour, "ticks and their shards")
    assert requests == 34 * ticks + 3 * ticks / 2


def test_ticks_continue_without_sessions_but_not_with_the_rule_disabled():
    silent = month(on=facts(ticks_per_minute=0))
    assert silent.invocations["session_status"] == 0
    assert quantity(serving.queues, silent, "ticks and their shards") == 0
    assert silent.status_pushes == 0
    # The rule of reconcile continues, every two minutes.
    assert quantity(serving.events, silent, "rule invocations") == MINUTES_PER_MONTH / 2


def test_several_ticks_in_a_minute_are_one_rule_invocation_and_long_intervals_need_fewer():
    assert quantity(serving.events, month(), "rule invocations") == MINUTES_PER_MONTH * 1.5
    rare = month(on=facts(ticks_per_minute=0.2))
    assert quantity(serving.events, rare, "rule invocations") == pytest.approx(
        MINUTES_PER_MONTH * 0.7
    )
    assert quantity(serving.queues, rare, "ticks and their shards") == pytest.approx(
        34 * 0.2 * MINUTES_PER_MONTH
    )


def test_a_round_of_reconcile_has_a_turn_for_each_shard_with_sessions():
    # 30 rounds an hour.
    one, many = month(), month(load(sessions=1_000))
    assert one.invocations["reconcile"] == MINUTES_PER_MONTH / 2 + 30
    assert many.invocations["reconcile"] == MINUTES_PER_MONTH / 2 + 30 * 16
    # A batch sent, a turn received and deleted; two batches for 16.
    assert quantity(serving.queues, one, "turns of reconcile") == 30 * 3
    assert quantity(serving.queues, many, "turns of reconcile") == 30 * 34


def test_reconcile_reads_every_shard_each_session_and_each_listener():
    firings = MINUTES_PER_MONTH / 2
    # The session and its speaker, the index of 100 listeners, and half a unit for each one's row.
    reads = 32 * firings + 30 * (0.5 + 2 + 2 + 50)
    assert quantity(tables.tables, month(), "reconciling, reads") == pytest.approx(reads)


def test_a_socket_is_renewed_once_a_minute_at_most():
    assert quantity(tables.tables, month(), "heartbeats, writes") == 101 * 60
    often, seldom = month(load(heartbeat_minutes=0.1)), month(load(heartbeat_minutes=5))
    assert quantity(tables.tables, often, "heartbeats, writes") == 101 * 60
    assert quantity(tables.tables, seldom, "heartbeats, writes") == 101 * 12


def test_audio_queues_are_polled_only_while_someone_speaks():
    # A send for each of ten chunks a second, five receives, five deletes.
    assert quantity(serving.queues, month(), "audio through the slot queues") == 20 * 3_600
    mute = month(load(speaking_share=0))
    assert quantity(serving.queues, mute, "audio through the slot queues") == 0


def test_lambda_polls_its_source_queues_all_month():
    polls = quantity(serving.queues, month(load(speaking_share=0)), "Lambda's polls of queues")
    assert polls == 4 * 15 * MINUTES_PER_MONTH


def test_sockets_are_open_for_speaker_and_listeners():
    assert quantity(serving.gateway, month(), "open sockets") == 101 * 60


def test_every_message_is_counted_once():
    hour = month()
    drivers = [each for each in serving.gateway(hour) if each.price == "api-gateway-message"]
    # 100 joins, a create, an end, 10 controls, 101 clients' 60 heartbeats, 36,000 chunks.
    received = 100 + 2 + 10 + 101 * 60 + 36_000
    # A reply to all but chunks; 120 ticks; an end, 10 controls and 1,200 captions to 100 listeners.
    sent = 6_172 + 120 + (1 + 10 + 1_200) * 100
    assert hour.received_messages == received
    assert hour.sent_messages == sent
    assert sum(each.quantity for each in drivers) == received + sent
    assert serving.requests_per_second(hour) == (received + sent) / 3_600


@pytest.mark.parametrize(
    ("listeners", "tasks", "caption_pages"), [(500, 12, 0), (501, 36, 2), (1_500, 48, 3)]
)
def test_many_listeners_are_notified_in_pages(listeners: int, tasks: int, caption_pages: int):
    # Two passes at the end, and ten controls. Several pages need one more call to distribute them;
    # those of 1,200 captions are distributed by the translation function.
    assert month(load(listeners=listeners)).fan_outs == tasks + 1_200 * caption_pages


def test_an_external_pipeline_posts_its_captions_itself():
    functions = {entry: each for entry, each in facts().functions.items() if entry != "translation"}
    assert month(load(listeners=501), facts(functions=functions)).fan_outs == 36


def test_a_session_that_keeps_a_transcript_has_one_more_check_and_one_more_fan_out():
    plain = month()
    with_transcripts = {
        **facts().functions,
        "transcripts": Function(gigabytes=0.5, architecture="arm64"),
    }
    kept = month(load(), facts(functions=with_transcripts))
    for entry in ("disconnect", "fan_out"):
        assert kept.invocations[entry] - plain.invocations[entry] == plain.started_sessions


@pytest.mark.parametrize("entry", ["fan_out", "translation"])
def test_no_invocation_posts_to_more_than_a_page_of_listeners(entry: str):
    page, crowd = (month(load(listeners=listeners)) for listeners in (500, 5_000))
    assert crowd.milliseconds_of(entry) == page.milliseconds_of(entry)


def test_the_listeners_of_a_caption_are_read_in_units_of_4_kilobytes():
    # 100 rows of 150 bytes are 15,000: four begun 4 KB, each half a unit, and the session's row.
    assert tables.listeners_read(month()) == 2.0
    assert quantity(tables.tables, month(), "captions, reads") == 1_200 * 3


def test_a_stack_without_the_audio_route_pays_for_no_speech():
    hour = month(on=facts(takes_audio=False))
    assert hour.chunks == hour.transcripts == 0
    assert quantity(serving.speech, hour, "speech") == 0


def test_another_pipeline_than_the_stacks_own_translates_on_its_own_bill():
    own = dict(facts().functions)
    del own["translation"]
    hour = month(on=facts(functions=own))
    assert "translation" not in hour.invocations
    assert {each.service for each in serving.speech(hour)} == {"Transcribe"}
    # Its captions pass through this API all the same.
    assert quantity(serving.gateway, hour, "captions to listeners") == 120_000


def test_an_existing_user_pool_costs_nothing_here():
    assert [each.quantity for each in serving.users(month(load(speakers=7)))] == [7]
    assert list(serving.users(month(on=facts(own_user_pool=False)))) == []


def test_logs_cost_by_volume_and_retention():
    loud, quiet = month(), month(on=facts(access_logs=False, function_lines=False))
    assert quantity(monitoring.monitoring, quiet, "access log") == 0
    assert quantity(monitoring.monitoring, quiet, "function logs") == pytest.approx(
        quantity(monitoring.monitoring, loud, "function logs") * 350 / 750
    )
    month_kept = quantity(monitoring.monitoring, loud, "logs stored for 30 days")
    year_kept = quantity(
        monitoring.monitoring,
        month(on=facts(log_retention_days=360)),
        "logs stored for 360 days",
    )
    assert year_kept == pytest.approx(12 * month_kept)


def test_snapshots_cost_by_the_memory_of_every_function_all_month():
    driver = "snapshots of the versions that serve"
    gigabytes = sum(each.gigabytes for each in facts().functions.values())
    assert quantity(serving.functions, month(), driver) == 0
    cached = quantity(serving.functions, month(on=facts(snap_start=True)), driver)
    assert cached == gigabytes * MINUTES_PER_MONTH * 60


def test_optional_features_cost_only_if_enabled():
    bare = month(on=facts(tracing=False, alarm_mails=False, measured_routes=0, dashboards=0))
    for driver in ("traces", "alarm emails", "route metrics", "dashboard"):
        assert quantity(monitoring.monitoring, bare, driver) == 0
    full = month(on=facts(tracing=True, alarm_mails=True, measured_routes=20))
    assert quantity(monitoring.monitoring, full, "traces") > 0
    assert quantity(monitoring.monitoring, full, "alarm emails") == 100
    assert quantity(monitoring.monitoring, full, "route metrics") == 100


def test_the_first_request_of_each_second_and_5_percent_of_the_rest_are_traced():
    # 36,000 chunks in 3,600 seconds: one of each second, and 5% of the other nine.
    assert month().traces_of("audio_ingest") == pytest.approx(3_600 + 0.05 * 32_400)
    # Rare ones are alone in their second: all are traced.
    assert month().traces_of("audio_processor") == 4
    assert month().traces_of("reconcile") == MINUTES_PER_MONTH / 2 + 30
    # A tick and its 16 shards in two seconds, so two of 17.
    assert month().traces_of("session_status") == pytest.approx(87_600 * (2 + 0.05 * 15))
    assert month(on=facts(ticks_per_minute=0)).traces_of("session_status") == 0


def test_a_stack_that_traces_pays_for_the_traces_of_every_function():
    tracing = month(on=facts(tracing=True))
    each = [tracing.traces_of(entry) for entry in tracing.facts.functions]
    assert quantity(monitoring.monitoring, tracing, "traces") == pytest.approx(sum(each))


def test_a_final_caption_is_kept_once_for_each_language_and_once_in_the_source_language():
    of_writes = "kept captions, writes"
    assert quantity(tables.tables, month(), of_writes) == 1_200 * (5 + 1)
    without = month(on=facts(keeps_captions=False))
    assert quantity(tables.tables, without, of_writes) == 0


def test_each_socket_is_of_a_page_where_the_stack_serves_pages():
    served = month(on=facts(web_pages=True))
    usage = {each.driver: each.quantity for each in serving.pages(served)}
    assert usage == {
        "pages, requests": served.connections * 6,
        "pages, data transfer": pytest.approx(served.connections * 60_000 / 1e9),
    }
    assert list(serving.pages(month())) == []
