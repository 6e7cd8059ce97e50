"""What every check is given: the deployment, what is declared of it, and those who take part."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from operations.verify.declared import Declared
from operations.verify.deployment import Deployment
from operations.verify.guests import Guests
from operations.verify.verdicts import Verdict

FUNCTION = "aws:lambda/function:Function"
ROUTE = "aws:apigatewayv2/route:Route"


@dataclass(frozen=True)
class Scene:
    """`guests` is None where no check needs a speaker; `say` tells people how far a check is.

    `expired_token` and `foreign_token` are ID tokens of the stack's pool that must be refused.
    """

    deployment: Deployment
    declared: Declared
    guests: Guests | None
    say: Callable[[str], None]
    intervals: int = 2
    with_captions: bool = False
    expired_token: str | None = None
    foreign_token: str | None = None

    @property
    def company(self) -> Guests:
        """The guests; raises RuntimeError for a check that is not listed as needing them."""
        if self.guests is None:
            raise RuntimeError("this check needs a speaker: say so in operations/verify/checks")
        return self.guests

    @property
    def declared_routes(self) -> set[str]:
        return {each["routeKey"] for each in self.declared.of(ROUTE).values()}


Check = Callable[[Scene], Iterable[Verdict]]
