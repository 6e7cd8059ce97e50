"""What a reader's phone loads before the first caption."""

from __future__ import annotations

import gzip

from playwright.sync_api import Response, expect

from tests.web.browsing import Browse

MOST_BYTES = 60 * 1024


def test_the_listener_page_loads_at_most_60_kb(browse: Browse) -> None:
    # A page without anything that could still be loading.
    page = browse("404.html")
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))
    page.goto("")
    expect(page.get_by_role("button", name="Join")).to_be_visible()
    sizes = {each.url: len(gzip.compress(each.body(), mtime=0)) for each in responses}
    names = [url.rpartition("/")[2] for url in sizes]
    assert {name.rpartition(".")[2] for name in names} >= {"", "js", "css", "json"}, names
    print(f"first load: {sum(sizes.values())} bytes, gzip: {sizes}")
    assert sum(sizes.values()) <= MOST_BYTES, sizes
