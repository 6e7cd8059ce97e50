"""Takes the pictures of the docs anew: `SCREENSHOTS=1 pytest tests/web/test_screenshots.py`."""

from __future__ import annotations

import base64
import os
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from program.stack_config import ROOT
from tests.web.browsing import Browse
from tests.web.site import Site
from tests.web.speaking import SpeakerPage
from tests.web.talk import Talk, Wire

IMAGES = ROOT / "docs/images"
SESSION = "golden-river-482-917"
PHONE_AND_SCALE = ((390, 780), 2)
LAPTOP_AND_SCALE = ((1280, 800), 1)
SPANISH = """
    Buenos días y bienvenidos a la reunión anual de la fundación del río.
    Antes de empezar, unas palabras sobre los subtítulos que están leyendo.
    Siguen lo que se dice; desplácense hacia arriba cuando quieran releer algo.
    Nuestra primera ponente lleva veinte años contando martines pescadores.
    El primer invierno encontramos once aves. El invierno pasado eran cuarenta y tres.
    El agua está más clara y nadie toca las orillas.
    Queda mucho por hacer: dos presas impiden que vuelvan las anguilas.
""".strip().splitlines()
LISTENERS = ["es", "es", "es", "fr", "fr", "de"]
PARTIAL = "Les mostraré tres mapas y"

pytestmark = pytest.mark.skipif(
    "SCREENSHOTS" not in os.environ, reason="only with SCREENSHOTS=1, which writes docs/images"
)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "laptop"])
def test_the_listener_page_has_its_picture_taken(
    browse: Browse, site: Site, theme: Literal["light", "dark"], device: str
) -> None:
    viewport, scale = PHONE_AND_SCALE if device == "phone" else LAPTOP_AND_SCALE
    talk = Talk(site)
    page = browse("speak.html", viewport=viewport, color_scheme=theme, device_scale_factor=scale)
    wire = Wire(page)
    page.goto(talk.link("es"))
    expect(page.get_by_role("log")).to_be_attached()
    for sequence, text in enumerate(SPANISH, 1):
        wire.send_caption(talk.session_id, sequence, text.strip())
    wire.send_caption(talk.session_id, len(SPANISH) + 1, PARTIAL, is_partial=True)
    expect(page.get_by_text(PARTIAL)).to_be_in_viewport()
    # The same id in each picture.
    page.evaluate(
        """([found, shown]) => {
            const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (words.nextNode())
                words.currentNode.data = words.currentNode.data.replace(found, shown);
        }""",
        [talk.session_id, SESSION],
    )
    picture = page.screenshot(animations="disabled")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"listener-{device}-{theme}.webp").write_bytes(as_webp(picture, page))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("device", ["phone", "laptop"])
def test_the_speaker_page_has_its_picture_taken(
    browse: Browse, site: Site, theme: Literal["light", "dark"], device: str
) -> None:
    viewport, scale = PHONE_AND_SCALE if device == "phone" else LAPTOP_AND_SCALE
    speaker = SpeakerPage.live(
        browse,
        site,
        "Listeners need a passcode",
        viewport=viewport,
        color_scheme=theme,
        device_scale_factor=scale,
    )
    page = speaker.page
    for language in LISTENERS:
        listener = site.cloud.listener()
        listener.join(speaker.session_id, language, passcode=speaker.passcode)
    expect(
        page.get_by_role("status").filter(has_text=f"{len(LISTENERS)} listeners")
    ).to_be_visible()
    expect(speaker.understood.nth(1)).to_be_attached()
    page.evaluate("document.activeElement.blur()")
    picture = page.screenshot(animations="disabled")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / f"speaker-{device}-{theme}.webp").write_bytes(as_webp(picture, page))


def as_webp(png: bytes, page: Page) -> bytes:
    """The picture in a third of the bytes, by the browser."""
    blank = page.context.new_page()
    data_url: str = blank.evaluate(
        """async (picture) => {
            const bytes = Uint8Array.from(atob(picture), (each) => each.charCodeAt(0));
            const bitmap = await createImageBitmap(new Blob([bytes]));
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
            canvas.getContext("2d").drawImage(bitmap, 0, 0);
            return canvas.toDataURL("image/webp", 0.9);
        }""",
        base64.b64encode(png).decode(),
    )
    blank.close()
    return base64.b64decode(data_url.partition(",")[2])
