"""A stack's functions as Lambda has them: what each alias is on, and which versions there are."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from components.settings import physical_prefix
from contract.functions import FUNCTIONS, LIVE

LATEST = "$LATEST"
# Lambda's control plane takes 15 requests per second and account, so more would only be throttled.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
CALLS_AT_ONCE = 8

Answer = TypeVar("Answer")
Versions = Mapping[str, str]
"""A version, such as `12`, by a function's physical name."""


class ReleaseError(Exception):
    """The command cannot go on; the message says why, and what to do."""


class NoAliasError(ReleaseError):
    """The stack's functions are not published: it was deployed by release 0.1.0 or earlier."""


@dataclass(frozen=True)
class Alias:
    """What an alias is on; `weights` are the shares of other versions, which only people set."""

    version: str
    revision_id: str
    weights: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class ReleasedStack:
    """A stack by its name, in the account and Region of `client`, which returns boto3's clients.

    `functions` are entry modules; a stack may lack some of them.
    """

    name: str
    client: Callable[[str], Any] = field(repr=False)
    functions: Collection[str] = tuple(FUNCTIONS)

    @property
    def prefix(self) -> str:
        """The start of the stack's physical names."""
        return physical_prefix(self.name)

    @property
    def function_names(self) -> tuple[str, ...]:
        """The physical names that its functions have."""
        return tuple(FUNCTIONS[each].name_in(self.prefix) for each in self.functions)

    def aliases(self, functions: Iterable[str] = ()) -> dict[str, Alias]:
        """What the alias of each function is on, also of these functions.

        Functions that do not exist are left out. Raises NoAliasError.
        """
        names = dict.fromkeys((*self.function_names, *functions))
        found = self.for_each(names, self._alias)
        return {name: alias for name, alias in found if alias is not None}

    def newest(self, functions: Iterable[str]) -> dict[str, str]:
        """The newest version of each function; of one without any, `$LATEST`."""
        found = self.for_each(functions, lambda name: max(self.versions(name), default=None))
        return {name: LATEST if number is None else str(number) for name, number in found}

    def versions(self, function: str) -> Iterator[int]:
        """The published versions of a function."""
        paginator = self.client("lambda").get_paginator("list_versions_by_function")
        for page in paginator.paginate(FunctionName=function):
            yield from (int(v["Version"]) for v in page["Versions"] if v["Version"] != LATEST)

    def for_each(
        self, functions: Iterable[str], call: Callable[[str], Answer]
    ) -> list[tuple[str, Answer]]:
        """The answer of a call for each function, several at once."""
        names = list(functions)
        self.client("lambda")  # boto3's sessions create no clients on several threads
        with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
            return list(zip(names, threads.map(call, names), strict=True))

    def _alias(self, function: str) -> Alias | None:
        client = self.client("lambda")
        try:
            return alias_in(client.get_alias(FunctionName=function, Name=LIVE))
        except client.exceptions.ResourceNotFoundException:
            pass
        try:
            client.get_function_configuration(FunctionName=function)
        except client.exceptions.ResourceNotFoundException:
            return None
        raise NoAliasError(
            f"{function} has no alias {LIVE}: the stack was deployed by release 0.1.0 or earlier, "
            "which publishes no versions; deploy it with this program, and release that, first"
        )


def alias_in(answer: Mapping[str, Any]) -> Alias:
    """The alias of an answer of Lambda's."""
    routing = answer.get("RoutingConfig") or {}
    return Alias(
        version=answer["FunctionVersion"],
        revision_id=answer["RevisionId"],
        weights=routing.get("AdditionalVersionWeights") or {},
    )


def behind(versions: Versions, newest: Versions) -> dict[str, str]:
    """The versions that are not their function's newest; `$LATEST` is no version."""
    return {
        name: version
        for name, version in versions.items()
        if version == LATEST or version != newest[name]
    }


def served(aliases: Mapping[str, Alias]) -> dict[str, str]:
    """The version that each alias is on."""
    return {name: alias.version for name, alias in aliases.items()}
