"""A speaker at the speaker page, as the tests drive it: by what they see and press."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.web.browsing import Browse
from tests.web.site import Site

PAGE = "speak.html"
OIDC_USER = "Object.keys(sessionStorage).find((key) => key.startsWith('oidc.user:'))"


@dataclass(frozen=True)
class SpeakerPage:
    """The page, from its sign-in to the end of a session."""

    page: Page
    site: Site

    @classmethod
    def open(cls, browse: Browse, site: Site, **options: Any) -> SpeakerPage:
        return cls(browse(PAGE, **options), site)

    @classmethod
    def signed_in(cls, browse: Browse, site: Site, **options: Any) -> SpeakerPage:
        speaker = cls.open(browse, site, **options)
        speaker.sign_in()
        return speaker

    @classmethod
    def live(cls, browse: Browse, site: Site, *checked: str, **options: Any) -> SpeakerPage:
        """In a session, with these options besides those that are usual."""
        speaker = cls.signed_in(browse, site, **options)
        for label in checked:
            speaker.page.get_by_label(label).check()
        speaker.press("Start the session")
        speaker.expect_heading("You are live")
        return speaker

    def sign_in(self, password: str | None = None) -> None:
        """Sign in on the hosted page."""
        self.press("Sign in")
        self.fill_hosted_page(self.site.password if password is None else password)
        if password is None:
            self.expect_heading("Your session")

    def fill_hosted_page(self, password: str) -> None:
        self.page.locator("input[name=username]").fill(self.site.username)
        self.page.locator("input[type=password]").fill(password)
        self.page.keyboard.press("Enter")

    def press(self, name: str) -> None:
        self.button(name).click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def end(self) -> None:
        self.press("End the session")
        self.press("End for everyone")
        self.expect_heading("The session is over")

    def expect_heading(self, name: str) -> None:
        expect(self.page.get_by_role("heading", level=1, name=name, exact=True)).to_be_visible()

    def expect_alert(self, words: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("alert").filter(has_text=words)).to_be_visible()

    @property
    def understood(self) -> Locator:
        return self.page.get_by_role("region", name="What was understood", exact=True).get_by_role(
            "listitem"
        )

    @property
    def join_link(self) -> str:
        return self.page.get_by_label("Join link").input_value()

    @property
    def session_id(self) -> str:
        return parse_qs(urlsplit(self.join_link).query)["session"][0]

    @property
    def passcode(self) -> str:
        return parse_qs(urlsplit(self.join_link).fragment)["passcode"][0]

    def change_user(self, change: str) -> None:
        """Change what is kept of the sign-in: `change` is JavaScript on `user`."""
        self.page.evaluate(
            f"""() => {{
                const key = {OIDC_USER};
                const user = JSON.parse(sessionStorage.getItem(key));
                {change};
                sessionStorage.setItem(key, JSON.stringify(user));
            }}"""
        )

    @property
    def id_token(self) -> str:
        return self.page.evaluate(f"JSON.parse(sessionStorage.getItem({OIDC_USER})).id_token")


def expect_no_horizontal_scrolling(page: Page) -> None:
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], width
