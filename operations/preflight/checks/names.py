"""Physical names: each is free, or the name of this stack's own resource."""

from collections.abc import Iterator

from operations.preflight.answers import asked
from operations.preflight.names import FINDERS, Finder, Found
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
    """Remembers whether the stack has resources: a dashboard without tags is then its own, and a
    table in its state.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._owner = owner_of(context)
        self._stack_exists = False
        self._is_all_answered = True

    def verdicts(self, token: str) -> Iterator[Verdict]:
        finder = FINDERS[token]
        declared = finder.names_in(self._context.declared.of(token).values())
        was_all_answered, self._is_all_answered = self._is_all_answered, False
        found = finder.find(self._context, declared)
        self._is_all_answered = was_all_answered
        foreign = self._foreign(found, has_tags=finder.has_tags)
        for name, tags in foreign.items():
            yield self._is_foreign(finder, name, tags)
        own = found.keys() - foreign.keys()
        is_gone = self._is_all_answered and not self._stack_exists
        left = own if finder.stays and is_gone else set[str]()
        for name in sorted(left):
            yield wrong(
                f"{finder.kind} {name}",
                "was left by this stack when it was destroyed, and its state does not have it",
                "take it into the state with `pulumi import`, or delete it if nobody needs what is "
                "in it",
            )
        self._stack_exists |= bool(own) and not finder.stays
        counts = {
            "free": len(declared) - len(found),
            "this stack's own": len(own - left),
        }
        if seen := ", ".join(f"{count} {whose}" for whose, count in counts.items() if count):
            yield right(f"names of {finder.kinds}", seen)

    def _is_foreign(self, finder: Finder, name: str, tags: Tags) -> Verdict:
        whose = described(tags) if finder.has_tags else "nothing else of this stack exists"
        if finder.is_global and not tags:
            whose = "it has no tags, or is another account's"
        return wrong(
            f"{finder.kind} {name}",
            f"exists already and is not this stack's: {whose}",
            "delete it, or use another stack name; if it is this stack's, tag it "
            f"{', '.join(f'{key}={value}' for key, value in self._owner.items())} and take it "
            "into the state with `pulumi import`",
        )

    def _foreign(self, found: Found, *, has_tags: bool) -> dict[str, Tags]:
        if not has_tags:
            return {} if self._stack_exists else dict(found)
        return {name: tags for name, tags in found.items() if not is_owned(tags, self._owner)}
