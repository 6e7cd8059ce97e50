"""An alarm notifies a topic only if the topic's policy, and its key's, allow CloudWatch to do so.

MiniStack notifies every topic. On AWS an action that is denied is lost, and only the alarm's
history shows it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import logging
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, kms, sns

SERVICE = "cloudwatch.amazonaws.com"
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
ACTION_LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")

_logger = logging.getLogger("alarms")
_dispatch_alarm_actions = cloudwatch._dispatch_alarm_actions


def install() -> None:
    """Replace MiniStack's function, which it looks up at each call."""
    cloudwatch._dispatch_alarm_actions = _dispatch_allowed


def _dispatch_allowed(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
    arn = alarm["AlarmArn"]
    allowed = {
        name: [each for each in alarm.get(name) or [] if _may_notify(each, arn)]
        for name in ACTION_LISTS
    }
    _dispatch_alarm_actions({**alarm, **allowed}, old_state, new_state, reason)


def _may_notify(topic_arn: str, alarm_arn: str) -> bool:
    iam_evaluator.pin_request_origin("127.0.0.1", True)
    topic = sns._topics.get(topic_arn)
    if topic is None:
        _logger.warning("%s notifies %s, which is not a topic", alarm_arn, topic_arn)
        return False
    key = topic["attributes"].get("KmsMasterKeyId")
    if not _allowed(topic["attributes"]["Policy"], "sns:Publish", topic_arn, alarm_arn):
        _logger.warning("the policy of %s does not allow CloudWatch to publish", topic_arn)
        return False
    if key and not _may_encrypt(key, alarm_arn):
        _logger.warning(
            "the policy of the key %s of %s does not allow CloudWatch to use it", key, topic_arn
        )
        return False
    return True


def _may_encrypt(key: str, alarm_arn: str) -> bool:
    record = kms._resolve_key(key)
    return record is not None and all(
        _allowed(record["Policy"], action, record["Arn"], alarm_arn) for action in KEY_ACTIONS
    )


def _allowed(policy: str, action: str, resource_arn: str, alarm_arn: str) -> bool:
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
        service_context={
            "aws:sourcearn": alarm_arn,
            "aws:sourceaccount": get_account_id(),
            "aws:sourceowner": get_account_id(),
        },
    )
    return iam_evaluator.evaluate_resource_policy(policy, context, SERVICE).decision == "Allow"
