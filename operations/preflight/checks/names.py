"""Physical names: each is free, or the name of this stack's own resource."""

from collections.abc import Iterator

from operations.preflight.answers import asked
from operations.preflight.names import FINDERS, Found
from operations.preflight.ownership import Tags, described, is_owned, owner_of
from operations.verify.context import Context
from operations.verify.verdicts import Verdict, right, wrong


def names(context: Context) -> Iterator[Verdict]:
    """Look for each declared name: a foreign resource would fail the update, or be overwritten."""
    search = _Search(context)
    return asked(
        (f"names of {finder.kinds}", lambda token=token: search.verdicts(token))
        for token, finder in FINDERS.items()
        if context.declared.of(token)
    )


class _Search:
    """Remembers whether the stack has resources, which tells whose a dashboard without tags is."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._owner = owner_of(context)
        self._stack_exists = False

    def verdicts(self, token: str) -> Iterator[Verdict]:
        finder = FINDERS[token]
        declared = finder.names_in(self._context.declared.of(token).values())
        found = finder.find(self._context, declared)
        foreign = self._foreign(found, has_tags=finder.has_tags)
        for name, tags in foreign.items():
            whose = described(tags) if finder.has_tags else "nothing else of this stack exists"
            yield wrong(
                f"{finder.kind} {name}",
                f"exists already and is not this stack's: {whose}",
                "delete it, or use another stack name; if it is this stack's, tag it "
                f"{', '.join(f'{key}={value}' for key, value in self._owner.items())} and take it "
                "into the state with `pulumi import`",
            )
        self._stack_exists |= len(found) > len(foreign)
        counts = {
            "free": len(declared) - len(found),
            "this stack's own": len(found) - len(foreign),
        }
        if seen := ", ".join(f"{count} {whose}" for whose, count in counts.items() if count):
            yield right(f"names of {finder.kinds}", seen)

    def _foreign(self, found: Found, *, has_tags: bool) -> dict[str, Tags]:
        if not has_tags:
            return {} if self._stack_exists else dict(found)
        return {name: tags for name, tags in found.items() if not is_owned(tags, self._owner)}
