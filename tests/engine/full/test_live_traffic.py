"""An upgrade and a rollback that nobody notices, while people use the stack without a pause.

In the upgrade, an entry, a layer and a variable of every function change at once. On a commit from
before versions and aliases the same is noticed. The figures of both runs are printed.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract.actions import ACTIONS
from contract.functions import LIVE
from local.emulator.process import Emulator
from local.services import Services
from operations.plan.checkout import revision_checkout
from operations.plan.recording import PlanError
from operations.releases.recording import release
from operations.releases.stack import ReleasedStack as RecordedStack
from operations.rollback.moving import rollback
from program.stack_config import ROOT
from tests import recorded_releases
from tests.engine.conftest import StartStack
from tests.engine.findings import Findings
from tests.engine.live_traffic import LiveTraffic
from tests.engine.programs import whole_program
from tests.engine.releases import NEW, OLD, Release
from tests.engine.stack import SMALL, EngineStack
from tests.engine.ticks import Ticks

COMMIT = "0" * 40
COMMIT_BEFORE = "HEAD^"
COMMIT_WITHOUT_ALIASES = recorded_releases.Release("0.1.0").commit
TICK_SECONDS = 30
NO_LIMIT = 1_000_000
CONFIG = {
    **SMALL,
    "controlsPerConnectionPerMinute": NO_LIMIT,
    "sessionsPerUserPerHour": NO_LIMIT,
    "statusIntervalSeconds": TICK_SECONDS,
    "statusQueryTimeoutMilliseconds": 4_000,  # a busy machine needs some of it
}
Versions = Mapping[str, str]
TempPaths = pytest.TempPathFactory


@pytest.fixture(scope="module")
def emulator(services: Services) -> Emulator:
    return services.emulator


@dataclass(frozen=True)
class ReleasedStack:
    """A stack that goes from one release to the next and back."""

    stack: EngineStack
    services: Services
    folder: Path

    def deploy(self, release: Release, checkout: Path) -> None:
        """`pulumi up` of a checkout, as this release."""
        root = release.made_of(checkout, self.folder)
        self.stack.configure(logLevel=release.log_level)
        self.stack.use(whole_program(root), root)
        self.stack.up()

    def live_versions(self) -> Versions:
        """The version that each function's alias is on."""
        return {
            name: self._lambda.get_alias(FunctionName=name, Name=LIVE)["FunctionVersion"]
            for name in self.function_names.values()
        }

    def record(self) -> None:
        """As `make release` does."""
        release(self._recorded, COMMIT, kept_versions=2, now=datetime.now(UTC))

    def roll_back(self) -> None:
        """As `make rollback` does: to the last release that was recorded."""
        rollback(self._recorded)

    def findings(self, *changes: Callable[[], object]) -> Findings:
        """What people found before, during, between and after the changes."""
        # As clients of every release connect.
        clients = self.stack.people(self.services.account, with_subprotocols=False)
        with clients as people, LiveTraffic(people) as traffic:
            for change in (lambda: None, *changes):
                change()
                traffic.wait_for_captions()
                traffic.wait_for_a_tick()
            found = traffic.end()
            log_group = f"/aws/lambda/{self.function_names['session_status']}"
            ticks = Ticks(self.services.emulator, log_group, TICK_SECONDS)
            found.add_ticks("handled", ticks.handled())
            found.add_ticks("received", ticks.received(traffic.speaker))
        print(found)
        return found

    @property
    def function_names(self) -> Mapping[str, str]:
        """The functions' names by their entries."""
        return self.stack.outputs["functionNames"]

    @property
    def _recorded(self) -> RecordedStack:
        return RecordedStack(self.stack.name, self.services.emulator.client)

    @property
    def _lambda(self) -> Any:
        return self.services.emulator.client("lambda")


@contextmanager
def checkout_of(revision: str) -> Iterator[Path]:
    with ExitStack() as checkouts:
        try:
            checkout = checkouts.enter_context(revision_checkout(ROOT, revision))
        except PlanError as error:
            pytest.skip(str(error))
        yield checkout.root


@pytest.fixture(scope="module")
def found(start_stack: StartStack, services: Services, tmp_path_factory: TempPaths) -> Findings:
    """What was found in an upgrade from the commit before to this checkout, and in its rollback."""
    folder = tmp_path_factory.mktemp("releases")
    released = ReleasedStack(start_stack(name="aliases", config=CONFIG), services, folder)
    with checkout_of(COMMIT_BEFORE) as before:
        released.deploy(OLD, before)
    released.record()
    old = released.live_versions()

    def upgrade() -> None:
        released.deploy(NEW, ROOT)
        new = released.live_versions()
        assert {name for name in old if new[name] != old[name]} == set(old)

    def roll_back() -> None:
        released.roll_back()
        assert released.live_versions() == old

    return released.findings(upgrade, roll_back)


def test_every_action_was_in_use(found: Findings) -> None:
    assert found.done.keys() >= ACTIONS.keys()


def test_nobody_gets_an_error_or_loses_a_socket(found: Findings) -> None:
    assert found.error_frames == []
    assert found.closed_sockets == []
    assert found.refused_handshakes == []
    assert found.without_answer == []


def test_each_word_is_read_once_in_each_language(found: Findings) -> None:
    assert found.done["words"] > 0
    assert found.words_missing == []
    assert found.words_doubled == []
    assert found.captions_wrong == []


def test_each_control_reaches_every_listener_once(found: Findings) -> None:
    assert found.controls_missing == []
    assert found.controls_doubled == []


def test_no_tick_is_missed_or_doubled(found: Findings) -> None:
    assert found.ticks_missing == []
    assert found.ticks_doubled == []


def test_without_aliases_the_same_change_is_noticed(
    start_stack: StartStack, services: Services, tmp_path: Path
) -> None:
    released = ReleasedStack(start_stack(name="bare", config=CONFIG), services, tmp_path)
    with checkout_of(COMMIT_WITHOUT_ALIASES) as checkout:
        released.deploy(OLD, checkout)
        found = released.findings(
            lambda: released.deploy(NEW, checkout), lambda: released.deploy(OLD, checkout)
        )
    assert found.error_frames
