"""Functions of the release before, in today's stack: with its roles, tables, queues and sockets.

An update leaves them at work for some seconds, a rollback for as long as it lasts.
"""

import io
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from client.people import Participants
from contract.functions import FUNCTIONS, LIVE
from local.cloud import LocalCloud
from tests.local.audio.spoken import sentence, wait_for_words
from tests.local.releases import archive_of, serving
from tests.patience import PATIENCE_SECONDS
from tests.recorded_releases import latest_release

WORDS = list(range(11, 31))
HANDSHAKE = "contract/handshake.py"
"""Releases without it answer no subprotocol."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    release = latest_release()
    if not release.unpack(tmp_path):
        pytest.skip(f"git has no commit {release.commit}: fetch the whole history")
    return tmp_path


@pytest.fixture
def before(cloud: LocalCloud, checkout: Path) -> Iterator[Participants]:
    """Clients of the shared cloud while every function of the release before is its version."""
    release = latest_release()
    functions = cloud.client("lambda")
    with ExitStack() as served:
        for entry, name in cloud.outputs["functionNames"].items():
            if (checkout / "handlers" / f"{entry}.py").exists():
                live = functions.get_function_configuration(FunctionName=name, Qualifier=LIVE)
                given = live["Environment"]["Variables"]
                variables = release.environment_of(FUNCTIONS[entry], given)
                served.enter_context(
                    serving(
                        functions,
                        name,
                        code=archive_of(checkout, entry),
                        Environment={"Variables": variables},
                    )
                )
        has_subprotocols = (checkout / HANDSHAKE).exists()
        yield served.enter_context(Participants(cloud.outputs, with_subprotocols=has_subprotocols))


def test_an_archive_has_each_package_that_its_own_release_has(checkout: Path) -> None:
    shutil.rmtree(checkout / "contract", ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(archive_of(checkout, "heartbeat"))) as archive:
        assert "live_sessions/__init__.py" in archive.namelist()
        assert not any(each.startswith("contract/") for each in archive.namelist())
    (checkout / "contract").mkdir()
    (checkout / "contract" / "facts.py").touch()
    with zipfile.ZipFile(io.BytesIO(archive_of(checkout, "heartbeat"))) as archive:
        assert "contract/facts.py" in archive.namelist()


def test_a_session_lives_on_functions_of_the_release_before(before: Participants) -> None:
    speaker, returned = before.speaker(), before.speaker()
    english, spanish, late = (before.listener() for _ in range(3))
    session_id = speaker.create_session("en")
    for listener, language in ((english, "en"), (spanish, "es")):
        joined = listener.ask("joinSession", sessionId=session_id, targetLanguage=language)
        assert joined.type == "sessionJoined"
    for action, change in (
        ("pauseBroadcast", "broadcastPaused"),
        ("resumeBroadcast", "broadcastResumed"),
    ):
        assert speaker.ask(action).type == change
        assert english.expect(change, PATIENCE_SECONDS)
    sequence = speaker.speak(sentence(WORDS))
    assert wait_for_words(english, WORDS, PATIENCE_SECONDS) == WORDS
    assert spanish.expect("caption", PATIENCE_SECONDS)["sessionId"] == session_id

    assert speaker.ask("heartbeat").type == "heartbeatAck"
    assert spanish.ask("changeLanguage", targetLanguage="de").type == "languageChanged"
    assert (
        late.ask("joinSession", sessionId=session_id, targetLanguage="fr").type == "sessionJoined"
    )
    status = speaker.ask("getSessionStatus")
    assert status["languageDistribution"] == {"en": 1, "de": 1, "fr": 1}
    assert english.ask("leaveSession").type == "sessionLeft"

    refreshed = returned.ask("refreshConnection", sessionId=session_id)
    assert refreshed.type in {"connectionRefreshComplete", "stateRestored"}
    speaker.close()
    assert returned.ask("muteBroadcast").type == "broadcastMuted"
    assert sequence
    assert returned.ask("endSession").type == "sessionEnded"
    for listener in (spanish, late):
        assert listener.expect("sessionEnded", PATIENCE_SECONDS)["reason"] == "speakerEnded"
