"""What AWS refuses to answer becomes a verdict that names the missing permission."""

import re
from collections.abc import Callable, Iterable, Iterator

from botocore.exceptions import BotoCoreError, ClientError

from operations.verify.deployment import code_of
from operations.verify.verdicts import Verdict, unknown

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
_DENIED = re.compile(r"not authorized to perform:? (?P<action>[\w-]+:\w+)")

Question = tuple[str, Callable[[], Iterable[Verdict]]]


def asked(questions: Iterable[Question]) -> Iterator[Verdict]:
    """The verdicts of each question, by its subject; an unanswered one does not end the rest."""
    for subject, verdicts in questions:
        try:
            yield from verdicts()
        except ClientError as error:
            yield unknown(
                subject,
                f"{error.operation_name} failed with {code_of(error)}",
                f"allow {permission_of(error)} to the caller, or try again",
            )
        except BotoCoreError as error:
            yield unknown(subject, f"{type(error).__name__}: {error}", "try again")


def permission_of(error: ClientError) -> str:
    """The IAM action that the message names, such as `lambda:GetFunction`, or the operation."""
    found = _DENIED.search(error.response.get("Error", {}).get("Message", ""))
    return found["action"] if found else error.operation_name
