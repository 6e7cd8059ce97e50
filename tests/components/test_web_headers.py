"""The headers of the pages, wherever they are served."""

import subprocess
import sys

import pytest

from components.web_pages.headers import (
    cache_control,
    content_security_policy,
    content_type,
    security_headers,
)


def directives(policy: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in map(str.split, policy.split(";"))}


def test_the_policy_allows_the_pages_own_files_and_nothing_inline():
    policy = directives(content_security_policy(["wss://a.example.com/live"]))
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert "unsafe" not in str(policy)
    assert "*" not in str(policy)


def test_the_policy_has_each_origin_once_and_no_path():
    urls = ["wss://a.example.com/live", "https://b.example.com/x", "https://b.example.com/y"]
    policy = directives(content_security_policy(urls))
    assert policy["connect-src"] == ["'self'", "wss://a.example.com", "https://b.example.com"]


def test_pages_that_connect_to_nothing_have_a_valid_policy():
    assert directives(content_security_policy([]))["connect-src"] == ["'self'"]


def test_the_microphone_and_the_wake_lock_are_the_pages_own():
    permissions = security_headers([])["Permissions-Policy"].split(", ")
    assert {"microphone=(self)", "screen-wake-lock=(self)", "camera=()"} <= set(permissions)


def test_headers_that_need_https_are_not_among_those_for_everyone():
    assert "Strict-Transport-Security" not in security_headers([])


def test_only_files_with_a_hash_in_their_name_are_kept_by_browsers():
    assert "immutable" in cache_control("assets/index-1a2b.js")
    for file in ("index.html", "speak.html", "config.json", "404.html", "robots.txt"):
        assert cache_control(file) == "no-cache"


def test_a_file_of_an_unknown_type_is_refused():
    with pytest.raises(ValueError, match=r"film\.mkv, whose type is not known"):
        content_type("assets/film.mkv")


def test_the_headers_are_known_without_pulumi():
    code = (
        "import sys, importlib.util as u;"
        "s = u.spec_from_file_location('headers', 'components/web_pages/headers.py');"
        "s.loader.exec_module(u.module_from_spec(s));"
        "sys.exit('pulumi' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
