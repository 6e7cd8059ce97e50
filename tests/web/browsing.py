"""Chromium, and the pages that people open in it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from local.sample_speech import WAV
from program.stack_config import ROOT
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

PACKAGES = ROOT / ".ci/debian-packages"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE_MILLISECONDS = PATIENCE_SECONDS * 1000


class Beside(NamedTuple):
    """An address of this machine beside 127.0.0.1, with a name that Chromium finds there.

    As a phone's address, the name is not one that browsers trust without https.
    """

    name: str
    address: str


BESIDE = Beside("phones.test", "127.0.0.2")
PHONE = (320, 640)
LAPTOP = (1280, 800)


def browser_program() -> str | None:
    """The path of the machine's Chromium; None without one."""
    [line] = re.findall(r"^chromium.*$", PACKAGES.read_text(), re.MULTILINE)
    found = (shutil.which(name) for name in line.split())
    return next((path for path in found if path), None)


class Browsers:
    """Chromium, once for each recording that its microphone plays; it starts at the first use."""

    def __init__(self) -> None:
        self._started: dict[Path, Browser] = {}
        self._playwright: Playwright | None = None

    def hearing(self, recording: Path) -> Browser:
        """The browser whose microphone plays this WAV file, again and again."""
        from playwright.sync_api import expect, sync_playwright

        if self._playwright is None:
            self._playwright = sync_playwright().start()
            expect.set_options(timeout=PATIENCE_MILLISECONDS)
        if recording not in self._started:
            self._started[recording] = self._playwright.chromium.launch(
                executable_path=browser_program(),
                args=[
                    "--use-fake-device-for-media-stream",
                    f"--host-resolver-rules=MAP {BESIDE.name} {BESIDE.address}",
                    f"--use-file-for-fake-audio-capture={recording}",
                ],
            )
        return self._started[recording]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for browser in self._started.values():
            browser.close()
        if self._playwright is not None:
            self._playwright.stop()


class Browse:
    """Opens pages of one site, each in a profile of its own unless a `context` says otherwise."""

    def __init__(self, browsers: Browsers, url: str) -> None:
        self.problems: list[str] = []
        """What went wrong in the pages so far: page errors, console errors, violations."""
        self._browsers = browsers
        self._url = url
        # Chromium asks for it by itself where a page names no icon.
        self._allowed = [r"/favicon\.ico:"]
        self._contexts: list[BrowserContext] = []

    def __call__(
        self,
        path: str = "",
        *,
        recording: Path = WAV,
        may_use_microphone: bool = True,
        context: BrowserContext | None = None,
        viewport: tuple[int, int] = LAPTOP,
        color_scheme: Literal["light", "dark"] = "light",
        **options: Any,
    ) -> Page:
        """Open a page by its path, such as `speak.html`, or by its URL, and return it.

        `recording` is what its microphone plays. With `context`, that of another page, it is one
        more tab. `options` are those of Playwright's `new_context`, such as `locale` and
        `reduced_motion`.
        """
        if context is None:
            context = self._browsers.hearing(recording).new_context(
                base_url=f"{self._url}/",
                permissions=["microphone"] if may_use_microphone else [],
                viewport={"width": viewport[0], "height": viewport[1]},
                color_scheme=color_scheme,
                **options,
            )
            context.set_default_timeout(PATIENCE_MILLISECONDS)
            context.on("console", self._console)
            context.on("weberror", lambda error: self.problems.append(f"page error: {error.error}"))
            self._contexts.append(context)
        page = context.new_page()
        page.goto(path)
        return page

    def allow(self, pattern: str) -> None:
        """Do not fail the test for a problem in which this is found, such as a lost socket."""
        self._allowed.append(pattern)

    def unexpected(self) -> list[str]:
        """The problems that are not allowed."""
        return [
            problem
            for problem in self.problems
            if not any(re.search(pattern, problem) for pattern in self._allowed)
        ]

    def close(self) -> None:
        """Close every page."""
        for context in self._contexts:
            context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = message.location
            self.problems.append(f"console: {message.text} ({place['url']}:{place['lineNumber']})")


def assert_accessible(page: Page) -> None:
    """axe finds nothing: https://dequeuniversity.com/rules/axe."""
    if not page.evaluate("'axe' in window"):
        # Evaluated by the debugger, to which the page's policy does not apply.
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        "tags => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", AXE_TAGS
    )
    violations = [
        f"{each['id']} ({each['impact']}): {each['help']}: "
        + "; ".join(f"{node['html']}: {node['failureSummary']}" for node in each["nodes"])
        for each in found["violations"]
    ]
    assert not violations, "\n".join(violations)
