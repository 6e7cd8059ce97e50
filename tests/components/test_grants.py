from dataclasses import dataclass

import pytest

from components.grants import Grant, environment_of
from contract.functions import Function


@dataclass(frozen=True)
class NotifyEnvironment:
    sessions_table: str
    queue_url: str
    retries: int


NOTIFY = Function("notify", NotifyEnvironment)
SETTINGS = {"RETRIES": "3", "STATUS_SHARDS": "16"}
SESSIONS = Grant(variables={"SESSIONS_TABLE": "sessions"})
QUEUE = Grant(variables={"QUEUE_URL": "https://queue"})


def test_an_environment_has_the_variables_of_grants_and_the_settings_that_the_function_reads():
    assert environment_of(NOTIFY, [SESSIONS, QUEUE], SETTINGS) == {
        "SESSIONS_TABLE": "sessions",
        "QUEUE_URL": "https://queue",
        "RETRIES": "3",
    }


def test_a_variable_may_come_with_several_grants_of_one_resource():
    environment = environment_of(NOTIFY, [SESSIONS, SESSIONS, QUEUE], SETTINGS)
    assert environment["SESSIONS_TABLE"] == "sessions"


def test_a_variable_that_the_function_does_not_read_cannot_be_granted():
    grants = [SESSIONS, QUEUE, Grant(variables={"AUDIO_SLOTS_TABLE": "slots"})]
    with pytest.raises(
        ValueError,
        match=r"notify is granted AUDIO_SLOTS_TABLE, which it does not read: add audio_slots_table"
        r" to NotifyEnvironment \(contract/functions.py\), or remove the grant",
    ):
        environment_of(NOTIFY, grants, SETTINGS)


def test_a_variable_that_the_function_reads_has_to_be_provided():
    with pytest.raises(ValueError, match="notify reads QUEUE_URL, which nothing provides: add"):
        environment_of(NOTIFY, [SESSIONS], SETTINGS)
    with pytest.raises(ValueError, match="notify reads QUEUE_URL, RETRIES, which nothing"):
        environment_of(NOTIFY, [SESSIONS], {})


@pytest.mark.parametrize(
    "other",
    [Grant(variables={"SESSIONS_TABLE": "others"}), Grant(variables={"RETRIES": "4"})],
    ids=["another grant's", "a setting's"],
)
def test_a_variable_cannot_have_two_values(other: Grant):
    name = next(iter(other.variables))
    with pytest.raises(ValueError, match=f"notify has two values for {name}"):
        environment_of(NOTIFY, [SESSIONS, QUEUE, other], SETTINGS)
