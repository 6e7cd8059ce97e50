"""The pages in a real browser, with the local cloud behind them.

`site` is the cloud, the served pages and a network between the two that a test can cut; `browse`
opens pages as different people would. Without Playwright, a browser or what the pages are built
from, these tests are skipped.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from local.pages.distribution import DistributionPages
from local.pages.local_pages import not_installed
from local.pages.server import PageServer
from tests.local.audio.network import Network
from tests.local.conftest import wide_cloud
from tests.patient_clouds import no_limit_is_met_by_a_busy_machine
from tests.web.browsing import Browse, Browsers, browser_program
from tests.web.site import PagesOverNetwork, Site

__all__ = ["no_limit_is_met_by_a_busy_machine"]

# The speaker's page is reloaded, and its network is cut, however busy the machine.
WITHOUT_BROWSER = ("test_reader_languages.py", "test_spoken_languages.py", "test_unit_tests.py")
CONFIG: dict[str, Any] = {"speakerGraceSeconds": 60}


def missing_for_browser_tests() -> str | None:
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: run `make setup`"
    if browser_program() is None:
        return "no Chromium on the PATH: install your system's package, such as `chromium`"
    return not_installed()


class SkippedModule(pytest.Module):
    """A file that is not imported, since it imports Playwright."""

    def collect(self) -> Any:
        pytest.skip(missing_for_browser_tests() or "", allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Any, parent: pytest.Collector) -> pytest.Module | None:
    if not SKIP_REASON or module_path.name in WITHOUT_BROWSER:
        return None
    return SkippedModule.from_parent(parent, path=module_path)


SKIP_REASON = missing_for_browser_tests()


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as running:
        server = running.enter_context(PageServer("127.0.0.1"))
        config = {**CONFIG, "webPages": True, "webPagesOrigins": [server.url]}
        cloud = running.enter_context(wide_cloud(tmp_path_factory.mktemp("cloud"), config=config))
        outputs = cloud.outputs
        network = running.enter_context(Network(outputs["websocketUrl"]))
        pages = DistributionPages(outputs["emulatorUrl"], outputs["webPagesDistributionDomain"])
        server.answer_with(PagesOverNetwork(pages, outputs["websocketUrl"], network.url))
        yield Site(cloud, server.url, network)


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """After the test, the Python clients' sockets are closed and IAM has denied nothing."""
    cloud = shared_site.cloud
    denied_before = len(cloud.denials())
    yield shared_site
    cloud.participants.close()
    denied = cloud.denials()[denied_before:]
    assert not denied, f"IAM denied what the functions need: {denied}"


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    with Browsers() as browsers:
        yield browsers


@pytest.fixture
def browse(browsers: Browsers, site: Site) -> Iterator[Browse]:
    """Opens pages; a page error, a console error or a violation of the policy fails the test,
    unless it is one of those that `browse.allow` names.
    """
    browse = Browse(browsers, site.url)
    yield browse
    browse.close()
    assert not browse.unexpected(), "\n".join(browse.unexpected())
