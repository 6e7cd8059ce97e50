"""The pages: they answer with their security headers, belong to this stack, and are read there
alone.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

from client.web_pages import PageAnswer, fetch_page
from components.web_pages.config import CONFIG_FILE
from components.web_pages.headers import (
    CONTENT_SECURITY_POLICY_HEADER,
    STRICT_TRANSPORT_SECURITY_SECONDS,
    cache_control,
    origin_of,
    security_headers,
)
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, differences, right, wrong

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
PAGES = ("index.html", "speak.html")
MISSING = "verify/nothing-here.html"
CONNECT = "connect-src"
UNSIGNED_TIMEOUT_SECONDS = 20
FORBIDDEN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def web_pages(context: Context) -> Iterator[Verdict]:
    """Check what a stack with `webPages` serves; nothing for one without."""
    if not context.declared.of(DISTRIBUTION):
        return
    config, verdict = _config(context)
    yield verdict
    for page in PAGES:
        yield _page(context, page, config)
    yield _missing(context)
    yield _bucket(context)


def _config(context: Context) -> tuple[Mapping[str, Any], Verdict]:
    subject, outputs = CONFIG_FILE, context.deployment.outputs
    answer = _answer(context, CONFIG_FILE)
    if isinstance(answer, str):
        return {}, wrong(subject, answer, context.deployment.repair)
    config: dict[str, Any] = json.loads(answer.body)
    sign_in = config.get("signIn") or {}
    fault = differences(
        {"websocketUrl": outputs["websocketUrl"], "authority": outputs["speakerIssuer"]},
        {**config, **sign_in},
    )
    if not fault and (client := sign_in.get("clientId")) not in outputs["speakerAudiences"]:
        fault = f"clientId is {client!r}, whose tokens are refused"
    if fault:
        return config, wrong(subject, fault, context.deployment.repair)
    return config, right(subject, "of this stack: its sockets, its issuer and a client of its own")


def _page(context: Context, page: str, config: Mapping[str, Any]) -> Verdict:
    answer = _answer(context, page)
    if isinstance(answer, str):
        return wrong(page, answer, context.deployment.repair)
    faults = [*_header_faults(page, answer.headers), *_connect_faults(answer.headers, config)]
    if faults:
        return wrong(page, "; ".join(faults), context.deployment.repair)
    return right(page, "answers, with its security headers")


def _header_faults(page: str, headers: Mapping[str, str]) -> Iterator[str]:
    declared = {
        **security_headers([]),
        "Strict-Transport-Security": f"max-age={STRICT_TRANSPORT_SECURITY_SECONDS}",
        "Cache-Control": cache_control(page),
    }
    declared[CONTENT_SECURITY_POLICY_HEADER] = _without_origins(
        declared[CONTENT_SECURITY_POLICY_HEADER]
    )
    live = {name: headers.get(name.lower()) for name in declared}
    if policy := live[CONTENT_SECURITY_POLICY_HEADER]:
        live[CONTENT_SECURITY_POLICY_HEADER] = _without_origins(policy)
    if fault := differences(declared, live):
        yield fault


def _connect_faults(headers: Mapping[str, str], config: Mapping[str, Any]) -> Iterator[str]:
    """The page may connect to each address that its config.json has."""
    policy = headers.get(CONTENT_SECURITY_POLICY_HEADER.lower(), "")
    (connect,) = [each for each in policy.split("; ") if each.startswith(CONNECT)] or [""]
    sign_in = config.get("signIn") or {}
    urls = (config.get("websocketUrl"), sign_in.get("authority"), sign_in.get("tokenEndpoint"))
    for url in urls:
        if url and origin_of(url) not in connect.split():
            yield f"its Content-Security-Policy does not allow {origin_of(url)}"


def _without_origins(policy: str) -> str:
    return "; ".join(CONNECT if each.startswith(CONNECT) else each for each in policy.split("; "))


def _missing(context: Context) -> Verdict:
    subject = "a page that does not exist"
    answer = _answer(context, MISSING, wanted=HTTPStatus.NOT_FOUND)
    if isinstance(answer, str):
        return wrong(subject, answer, context.deployment.repair)
    return right(subject, "is answered with 404")


def _bucket(context: Context) -> Verdict:
    """Ask S3 itself for a page, as anybody may."""
    outputs, bucket = context.deployment.outputs, context.deployment.outputs["webPagesBucketName"]
    region = context.deployment.identity.region
    service = outputs.get("emulatorUrl") or f"https://s3.{region}.amazonaws.com"
    proxies = urllib.request.ProxyHandler({} if context.deployment.is_local else None)
    opener = urllib.request.build_opener(proxies)
    try:
        with opener.open(f"{service}/{bucket}/index.html", timeout=UNSIGNED_TIMEOUT_SECONDS) as it:
            status = it.status
    except urllib.error.HTTPError as error:
        status = error.code
    subject = f"bucket {bucket} without a signature"
    if status in FORBIDDEN:
        return right(subject, f"refused with {status}")
    seen = f"returned {status} instead of {FORBIDDEN[0]} or {FORBIDDEN[1]}"
    return wrong(subject, seen, context.deployment.repair)


def _answer(context: Context, file: str, wanted: int = HTTPStatus.OK) -> PageAnswer | str:
    """The answer, or why it is wrong."""
    try:
        answer = fetch_page(context.deployment.outputs, f"/{file}")
    except (OSError, HTTPException) as error:
        return f"cannot be fetched: {error}"
    return answer if answer.status == wanted else f"returned {answer.status} instead of {wanted}"
