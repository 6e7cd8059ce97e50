"""The built pages with a config of their own."""

import json
from http import HTTPStatus
from pathlib import Path

import pytest

from components.web_pages import page_config
from local.pages.folder import FolderPages

WEBSOCKET_URL = "ws://192.0.2.7:8080/live"


@pytest.fixture
def pages(tmp_path: Path) -> FolderPages:
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    for name in ("index.html", "404.html", "assets/index-1a2b.js"):
        (built / name).write_text(name)
    (tmp_path / "secret.html").write_text("a secret")
    config = page_config(websocket_url=WEBSOCKET_URL, sign_in=None, transcripts=False)
    return FolderPages(built, config)


@pytest.mark.parametrize(
    ("path", "content", "kind", "caching"),
    [
        ("/", b"index.html", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", b"index.html", "text/html; charset=utf-8", "no-cache"),
        (
            "/assets/index-1a2b.js",
            b"assets/index-1a2b.js",
            "text/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
        ),
    ],
)
def test_a_file_is_sent_with_its_type_and_how_long_it_stays(
    pages: FolderPages, path: str, content: bytes, kind: str, caching: str
) -> None:
    answer = pages(path)
    assert (answer.status, answer.body) == (HTTPStatus.OK, content)
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (kind, caching)


def test_the_config_is_its_own_and_the_policy_names_its_sockets(pages: FolderPages) -> None:
    answer = pages("/config.json")
    config = {"websocketUrl": WEBSOCKET_URL, "signIn": None, "transcripts": False}
    assert json.loads(answer.body) == config
    assert answer.headers["Cache-Control"] == "no-cache"
    policy = answer.headers["Content-Security-Policy"]
    assert "connect-src 'self' ws://192.0.2.7:8080;" in policy
    assert "script-src 'self';" in policy
    for only_over_https in ("Strict-Transport-Security", "Cross-Origin-Opener-Policy"):
        assert only_over_https not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/secret.html", "/../secret.html", "/assets/", "/assets", "//index.html", "index.html", ""],
)
def test_any_other_path_is_not_found(pages: FolderPages, path: str) -> None:
    answer = pages(path)
    assert (answer.status, answer.body) == (HTTPStatus.NOT_FOUND, b"404.html")
