"""API Gateway's logging role, a setting of the account and Region that a stage with logs needs."""

from collections.abc import Iterator

from operations.verify.checks.routes import STAGE
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, right, wrong

ACCOUNT = "aws:apigateway/account:Account"
SUBJECT = "API Gateway's logging role"
# https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
_WAY_OUT = (
    "set manageApiGatewayAccount to true in one stack of the account and Region and deploy that "
    "one first, or set accessLogs to false"
)


def logging_role(context: Context) -> Iterator[Verdict]:
    """Without the role, API Gateway refuses a stage with access logs."""
    stages = context.declared.of(STAGE).values()
    if not any(each.get("accessLogSettings") for each in stages):
        yield right(SUBJECT, "not needed: accessLogs is false")
        return
    account = context.deployment.client("apigateway").get_account()
    arn = account.get("cloudwatchRoleArn", "")
    if context.declared.of(ACCOUNT):
        replaced = f"; now {arn}" if arn else ""
        yield right(SUBJECT, f"set by this stack (manageApiGatewayAccount){replaced}")
        return
    if not arn:
        yield wrong(SUBJECT, "is not set: the update would fail at the stage", _WAY_OUT)
        return
    iam = context.deployment.client("iam")
    try:
        iam.get_role(RoleName=arn.rpartition("/")[2])
    except iam.exceptions.NoSuchEntityException:
        yield wrong(SUBJECT, f"is {arn}, which does not exist", _WAY_OUT)
        return
    yield right(SUBJECT, arn)
