"""The captions table, and who may use it."""

import pytest

from components.grants import Grant
from program.engine import Engine
from tests.components import stack_parts


def run(*, is_shown: bool = True, is_kept: bool = True) -> tuple[Engine, dict[str, Grant]]:
    engine = Engine()
    grants: dict[str, Grant] = {}

    def program() -> None:
        history = stack_parts.history(is_shown=is_shown, is_kept=is_kept)
        grants.update(writing=history.writing(), reading=history.reading())

    engine.run(program)
    return engine, grants


@pytest.mark.parametrize("is_on", [True, False])
def test_a_session_and_a_language_make_a_partition_in_the_order_of_speech(is_on: bool):
    engine, _ = run(is_shown=is_on, is_kept=is_on)
    table = engine.only("dynamodb/table")
    assert (table["hashKey"], table["rangeKey"]) == ("sessionLanguage", "sequence")
    assert table["attributes"] == [
        {"name": "sessionLanguage", "type": "S"},
        {"name": "sequence", "type": "N"},
    ]
    assert table["ttl"] == {"attributeName": "ttl", "enabled": True}


@pytest.mark.parametrize("is_on", [True, False])
def test_the_table_has_no_point_in_time_recovery_whatever_the_others_have(is_on: bool):
    engine, _ = run(is_shown=is_on, is_kept=is_on)
    assert engine.only("dynamodb/table")["pointInTimeRecovery"] == {"enabled": False}


def test_captions_are_written_in_batches_and_read_by_queries_and_nothing_else():
    _, grants = run()
    actions = {use: grant.statements[0].actions for use, grant in grants.items()}
    assert actions == {"writing": ("dynamodb:BatchWriteItem",), "reading": ("dynamodb:Query",)}
    assert all(len(grant.statements) == 1 for grant in grants.values())


def test_without_a_history_nobody_has_a_right_to_the_table():
    _, grants = run(is_shown=False, is_kept=False)
    assert [grant.statements for grant in grants.values()] == [(), ()]
    assert all(grant.variables.keys() == {"CAPTIONS_TABLE"} for grant in grants.values())


def test_captions_that_are_kept_for_transcripts_alone_are_not_read_for_listeners():
    _, grants = run(is_shown=False)
    assert len(grants["writing"].statements) == 1
    assert grants["reading"].statements == ()
