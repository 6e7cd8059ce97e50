"""DescribeAlarms in AWS's query protocol with all that AWS says of an alarm.

Terraform's and so Pulumi's AWS provider reads alarms in that protocol. MiniStack's answer leaves
out half of the fields, so that every preview would show every alarm as changed.
"""

import json
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import cloudwatch

Json = dict[str, Any]

_stock_describe_alarms = cloudwatch._describe_alarms
_stock_put_metric_alarm = cloudwatch._put_metric_alarm


def install() -> None:
    """Replace MiniStack's functions, which it looks up at each call."""
    cloudwatch._describe_alarms = _describe_alarms
    cloudwatch._put_metric_alarm = _put_metric_alarm


def _put_metric_alarm(params: Json, content: Json, is_cbor: bool, is_json: bool = False) -> Any:
    """An alarm has a statistic or an extended one; MiniStack adds the default statistic to both."""
    response = _stock_put_metric_alarm(params, content, is_cbor, is_json)
    for alarm in cloudwatch._alarms.values():
        if alarm.get("ExtendedStatistic"):
            alarm.pop("Statistic", None)
    return response


def _describe_alarms(params: Json, content: Json, is_cbor: bool, is_json: bool = False) -> Any:
    if is_cbor or is_json:
        return _stock_describe_alarms(params, content, is_cbor, is_json)
    status, _, body = _stock_describe_alarms(params, _asked(params), False, is_json=True)
    if status != 200:
        return _stock_describe_alarms(params, content, False)
    described = "".join(_elements(name, value) for name, value in json.loads(body).items())
    result = f"<DescribeAlarmsResult>{described}</DescribeAlarmsResult>"
    return cloudwatch._xml(200, "DescribeAlarmsResponse", result)


def _asked(params: Json) -> Json:
    """Return the request's parameters as the JSON protocol has them."""
    asked: Json = {}
    for key, (value, *_) in params.items():
        name, _, number = key.partition(".member.")
        if number:
            asked.setdefault(name, []).append(value)
        else:
            asked[name] = value
    return asked


def _elements(name: str, value: Any) -> str:
    """Return a value as an element; an absent one as none."""
    if value is None:
        return ""
    if isinstance(value, list):
        content = "".join(_elements("member", each) for each in value)
    elif isinstance(value, dict):
        content = "".join(_elements(key, each) for key, each in value.items())
    elif isinstance(value, bool):
        content = str(value).lower()
    elif name.endswith("Timestamp"):
        content = datetime.fromtimestamp(value, UTC).isoformat()
    else:
        content = escape(str(value))
    return f"<{name}>{content}</{name}>"
