"""Functions of the release before, in today's stack: with its roles, tables, queues and sockets.

An update leaves them at work for some seconds, a rollback for as long as it lasts.
"""

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from client.people import Participants
from contract.functions import LIVE
from local.cloud import LocalCloud
from tests.local.audio.spoken import sentence, wait_for_words
from tests.local.releases import serving
from tests.patience import PATIENCE_SECONDS
from tests.recorded_releases import latest_release

WORDS = list(range(11, 31))
OWN_MODULES_FIRST = "import pathlib, sys; sys.path.insert(0, str(pathlib.Path(__file__).parent))\n"
"""As Lambda does it; MiniStack looks into the layers first."""


@pytest.fixture
def before(cloud: LocalCloud, tmp_path: Path) -> Iterator[Participants]:
    """Clients of the shared cloud while every function of the release before is its version."""
    release = latest_release()
    if not release.unpack(tmp_path, "handlers"):
        pytest.skip(f"git has no commit {release.commit}: fetch the whole history")
    functions = cloud.client("lambda")
    with ExitStack() as served:
        for entry, name in cloud.outputs["functionNames"].items():
            if (tmp_path / "handlers" / f"{entry}.py").exists():
                code = archive_of(tmp_path / "handlers", entry)
                variables = variables_before(functions, name)
                served.enter_context(serving(functions, name, code=code, Environment=variables))
        # 0.1.0 answers no subprotocol.
        yield served.enter_context(Participants(cloud.outputs, with_subprotocols=False))


def archive_of(handlers: Path, entry: str) -> bytes:
    """The entry with that release's own modules, which hide those in today's layer."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(f"{entry}.py", OWN_MODULES_FIRST + (handlers / f"{entry}.py").read_text())
        for path in (handlers / "live_sessions").rglob("*.py"):
            files.write(path, path.relative_to(handlers))
    return archive.getvalue()


def variables_before(functions: Any, name: str) -> dict[str, Any]:
    """Today's variables, with the functions named as before there were aliases."""
    live = functions.get_function_configuration(FunctionName=name, Qualifier=LIVE)
    given = live["Environment"]["Variables"]
    return {"Variables": {key: value.removesuffix(f":{LIVE}") for key, value in given.items()}}


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
