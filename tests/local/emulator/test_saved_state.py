"""An emulator that continues with the state of its last run."""

import os
import signal
import socket
from pathlib import Path

import pytest

from local.emulator.process import HOST, SAVED_MARK, Continued, Emulator, EmulatorError, new_keys
from tests.local.emulator.sockets import Route, SocketApi, deploy_socket_api


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def continued(tmp_path: Path) -> Continued:
    return Continued(tmp_path / "state", free_port(), *new_keys())


def test_the_next_emulator_serves_what_the_last_one_had(
    continued: Continued, tmp_path: Path
) -> None:
    with Emulator(tmp_path / "first", continued=continued) as first:
        api = deploy_socket_api(
            first, tmp_path / "notes", {"$default": Route(), "silent": Route(answers=False)}
        )
        sqs, dynamodb = first.client("sqs"), first.client("dynamodb")
        queue = sqs.create_queue(QueueName="kept")["QueueUrl"]
        sqs.send_message(QueueUrl=queue, MessageBody="kept too")
        dynamodb.create_table(
            TableName="kept",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.put_item(TableName="kept", Item={"id": {"S": "row"}})
        first.client("s3").create_bucket(Bucket="kept")
        first.client("s3").put_object(
            Bucket="kept", Key="assets/a.js", Body=b"kept", ContentType="text/javascript"
        )
    assert list((tmp_path / "first").iterdir()) == []
    with Emulator(tmp_path / "second", continued=continued) as second:
        assert second.url == first.url
        again = SocketApi(second, api.api_id, api.function_arn, api.notes)
        with again.connect() as client:
            assert again.ask(client)["routeKey"] == "$default"
            name = again.new_name()
            client.send(f'{{"action": "silent", "note": "{name}"}}')
            assert again.noted(name)["requestContext"]["routeKey"] == "silent"
        [message] = second.client("sqs").receive_message(QueueUrl=queue)["Messages"]
        assert message["Body"] == "kept too"
        items = second.client("dynamodb").scan(TableName="kept")["Items"]
        assert items == [{"id": {"S": "row"}}]
        file = second.client("s3").get_object(Bucket="kept", Key="assets/a.js")
        assert (file["Body"].read(), file["ContentType"]) == (b"kept", "text/javascript")


def test_state_is_marked_as_saved_only_while_nothing_changes_it(
    continued: Continued, tmp_path: Path
) -> None:
    mark = continued.state / SAVED_MARK
    with Emulator(tmp_path / "first", continued=continued):
        assert not mark.exists()
    assert mark.exists()
    with Emulator(tmp_path / "second", continued=continued):
        assert not mark.exists()


def test_an_emulator_that_was_killed_says_that_it_has_not_saved_its_state(
    continued: Continued, tmp_path: Path
) -> None:
    emulator = Emulator(tmp_path / "first", continued=continued)
    emulator.start()
    os.kill(emulator.process_id, signal.SIGKILL)
    with pytest.raises(EmulatorError, match="did not save its state"):
        emulator.stop()
    assert not (continued.state / SAVED_MARK).exists()
    assert list((tmp_path / "first").iterdir()) == []


def test_a_state_that_cannot_be_written_is_an_error(continued: Continued, tmp_path: Path) -> None:
    emulator = Emulator(tmp_path / "first", continued=continued)
    emulator.start()
    emulator.client("sqs").create_queue(QueueName="lost")
    # A folder in the file's place.
    (continued.state / "sqs.json.tmp").mkdir()
    with pytest.raises(EmulatorError, match="the state of sqs was not saved"):
        emulator.stop()
    assert not (continued.state / SAVED_MARK).exists()


def test_a_port_that_is_in_use_is_reported_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        emulator = Emulator(tmp_path, continued=Continued(tmp_path / "state", port, *new_keys()))
        with pytest.raises(EmulatorError, match=f"port {port} of {HOST} is not free"):
            emulator.start()
    assert list(tmp_path.iterdir()) == []
