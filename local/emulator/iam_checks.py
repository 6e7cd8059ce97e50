"""IAM as AWS checks it, where MiniStack differs, and a line in the log for every refusal.

AWS's endpoints speak TLS, for which the loopback address stands here; and it knows no IAM action
for SQS's batch calls, which need the action of the single ones.
"""

import logging
from typing import Any

import ministack.app
from ministack.core import iam_actions

REFUSAL = "denied %s %s on %s"

_logger = logging.getLogger("iam")
_extract_iam_action = iam_actions.extract_iam_action
_access_denied_response = iam_actions.access_denied_response
_pin_request_origin = ministack.app.pin_request_origin


def install() -> None:
    """Put these checks into MiniStack, which looks the functions up at each call."""
    iam_actions.extract_iam_action = _action_of_single_call
    iam_actions.access_denied_response = _logged_refusal
    ministack.app.pin_request_origin = _pin_secure_origin


def _action_of_single_call(*request: Any) -> str | None:
    action = _extract_iam_action(*request)
    return action.removesuffix("Batch") if action and action.startswith("sqs:") else action


def _pin_secure_origin(source_ip: str, _secure_transport: bool) -> None:
    _pin_request_origin(source_ip, True)


def _logged_refusal(
    service: str, action: str, principal_arn: str, request_id: str, **details: Any
) -> Any:
    _logger.warning(REFUSAL, principal_arn or "-", action or "-", details.get("resource_arn", "*"))
    return _access_denied_response(service, action, principal_arn, request_id, **details)
