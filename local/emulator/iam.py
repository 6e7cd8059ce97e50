"""IAM as AWS applies it, where MiniStack differs; one log line for every refusal.

- AWS's endpoints use TLS, so conditions on `aws:SecureTransport` count the loopback address as
  secure.
- `aws:PrincipalArn` of a role's session is the role's ARN, which MiniStack has as the session's.
- IAM has no actions for SQS's batch calls; they need the action of the single call.
- Services that listen beside MiniStack, such as the stand-ins for Transcribe and Translate, ask it
  to authorise a request: `POST /_local/authorise` with JSON of `service` (as signatures name it),
  `action`, `method`, `url` (from the path on), `headers` (names in lower case) and `bodySha256`.
  The answer is `{"principal": ARN}`, or `{"code": …, "message": …}` with the status that AWS's JSON
  services use.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import ministack.app
from ministack.core import iam_actions, iam_evaluator, sigv4
from ministack.core.responses import _account_from_sts_session, get_account_id, get_region

AUTHORISE_PATH = "/_local/authorise"
ALGORITHM = "AWS4-HMAC-SHA256"
# Where a signature itself names no expiry; requests signed longer ago are refused before.
HEADER_SIGNATURE_SECONDS = 300
# process.py reads these lines.
REFUSAL = "denied %s %s on %s"

Json = dict[str, Any]
Application = Callable[[Json, Any, Any], Awaitable[None]]
Signature = sigv4.HeaderSignature

_logger = logging.getLogger("iam")
_extract_iam_action = iam_actions.extract_iam_action
_resolve_condition_key = iam_evaluator._resolve_condition_key
_access_denied_response = iam_actions.access_denied_response
_pin_request_origin = ministack.app.pin_request_origin


class Refused(Exception):
    """The request is not signed correctly, or its signer may not make it."""

    def __init__(self, code: str, message: str, principal: str = "-") -> None:
        self.code = code
        self.message = message
        self.principal = principal


def install() -> None:
    """Replace MiniStack's functions, which it looks up at each call."""
    iam_actions.extract_iam_action = _action_of_single_call
    iam_actions.access_denied_response = _logged_refusal
    iam_evaluator._resolve_condition_key = _with_role_of_session
    ministack.app.pin_request_origin = _pin_secure_origin


def with_authorise_endpoint(application: Application) -> Application:
    """Return MiniStack's ASGI application with `POST /_local/authorise` added."""

    async def answer(scope: Json, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != AUTHORISE_PATH:
            await application(scope, receive, send)
            return
        content = b""
        while (message := await receive())["type"] == "http.request":
            content += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, verdict = _verdict(json.loads(content))
        body = json.dumps(verdict).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def _action_of_single_call(*request: Any) -> str | None:
    action = _extract_iam_action(*request)
    return action.removesuffix("Batch") if action and action.startswith("sqs:") else action


def _with_role_of_session(key: str, context: Any) -> Any:
    value = _resolve_condition_key(key, context)
    if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
        return value
    _, partition, _, _, account, session = str(value).split(":", 5)
    return f"arn:{partition}:iam::{account}:role/{session.split('/')[1]}"


def _pin_secure_origin(source_ip: str, _secure_transport: bool) -> None:
    _pin_request_origin(source_ip, True)


def _logged_refusal(
    service: str, action: str, principal_arn: str, request_id: str, **details: Any
) -> Any:
    _logger.warning(REFUSAL, principal_arn or "-", action or "-", details.get("resource_arn", "*"))
    return _access_denied_response(service, action, principal_arn, request_id, **details)


def _verdict(request: Json) -> tuple[int, Json]:
    try:
        return 200, {"principal": _authorise(request)}
    except Refused as refused:
        _logger.warning(REFUSAL, refused.principal, request["action"], "*")
        code, status, message = refused.code, 400, refused.message
        if code in iam_actions._AUTH_FAILURES:
            code, status, message = iam_actions._auth_failure(
                request["service"], code, message, request["headers"]
            )
        return status, {"code": code, "message": message}


def _authorise(request: Json) -> str:
    """Return the signer's ARN; raises Refused."""
    path, _, query = request["url"].partition("?")
    parameters = parse_qs(query, keep_blank_values=True)
    # The digest of the body that arrived replaces the one that the client claims.
    headers = {**request["headers"], "x-amz-content-sha256": request["bodySha256"]}
    is_presigned = "authorization" not in headers
    signature = _signature(headers, parameters, is_presigned)
    _check_scope(signature, request["service"])
    _check_time(signature, parameters, is_presigned)
    token = parameters.get("X-Amz-Security-Token", [""])[0] if is_presigned else ""
    credential = iam_evaluator.resolve_credential(
        signature.access_key_id,
        _account_from_sts_session(signature.access_key_id) or get_account_id(),
        token or headers.get("x-amz-security-token", ""),
    )
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        raise Refused(credential.code, credential.message)
    failure = sigv4.header_signature_failure(
        signature,
        credential.secret_access_key,
        request["method"],
        path,
        parameters,
        headers,
        b"",
        presigned=is_presigned,
    )
    if failure:
        raise Refused(*failure)
    return _allowed(signature, request["service"], request["action"], credential.principal_arn)


def _signature(headers: Json, parameters: Json, is_presigned: bool) -> Signature:
    if is_presigned and "X-Amz-Signature" not in parameters:
        raise Refused("MissingAuthenticationToken", "Missing Authentication Token")
    parse = sigv4.parse_query_signature if is_presigned else sigv4.parse_header_signature
    signature = parse(parameters if is_presigned else headers)
    if not isinstance(signature, Signature):
        raise Refused(*signature)
    algorithm = (
        parameters.get("X-Amz-Algorithm", [""])[0]
        if is_presigned
        else headers["authorization"].partition(" ")[0]
    )
    if algorithm != ALGORITHM or "host" not in signature.signed_headers.split(";"):
        raise Refused("IncompleteSignature", f"A signature by {ALGORITHM} of the host is needed.")
    return signature


def _check_scope(signature: Signature, service: str) -> None:
    for given, right in ((signature.service, service), (signature.region, get_region())):
        if given != right:
            message = f"Credential should be scoped to '{right}', not '{given}'."
            raise Refused("SignatureDoesNotMatch", message)


def _check_time(signature: Signature, parameters: Json, is_presigned: bool) -> None:
    failure = sigv4.request_time_failure(signature)
    if failure:
        raise Refused(*failure)
    expires = parameters.get("X-Amz-Expires", [""])[0] if is_presigned else HEADER_SIGNATURE_SECONDS
    try:
        is_expired = sigv4.presigned_request_is_expired(signature.amz_date, expires)
    except (ValueError, OverflowError):
        raise Refused("IncompleteSignature", "X-Amz-Date or X-Amz-Expires is malformed.") from None
    if is_expired:
        raise Refused("SignatureDoesNotMatch", f"Signature expired: {signature.amz_date}")


def _allowed(signature: Signature, service: str, action: str, principal: str) -> str:
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    denied = iam_evaluator.enforce(signature.access_key_id, action, service, get_region())
    if isinstance(denied, iam_evaluator.AuthError):
        raise Refused(denied.code, denied.message)
    if denied:
        message = iam_actions.identity_denial_message(
            action, denied.principal_arn, "*", denied.decision == "Deny"
        )
        raise Refused("AccessDeniedException", message, denied.principal_arn)
    return principal
