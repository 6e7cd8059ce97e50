"""Finding a stack's releases, its settings for them, and the commit of this checkout."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from client.account import Account
from components.settings import ReleaseRules
from operations.releases.records import FULL_COMMIT
from operations.releases.stack import ReleasedStack, ReleaseError
from operations.verify.deployment import aws_account, setting
from operations.verify.finding import is_local, local_cloud, require_committed
from program.stack_config import ROOT, stack_config

KEPT_VERSIONS = "keptVersions"


def released_stack(stack: str, cloud: str | None = None) -> ReleasedStack:
    """The stack in the account of the caller, or on a running local cloud, by its folder.

    Raises CannotVerify and StackConfigError.
    """
    if is_local(stack):
        folder, outputs = local_cloud(stack, cloud)
        return ReleasedStack(outputs["stack"], Account.load(folder).client)
    require_committed(stack)
    return ReleasedStack(stack, aws_account(stack, stack_config(stack)).client)


def kept_versions(stack: str) -> int:
    """The setting `keptVersions` of a stack. Raises ReleaseError and StackConfigError."""
    config: Mapping[str, str] = stack_config(stack)
    value = setting(config, KEPT_VERSIONS)
    try:
        return ReleaseRules.model_validate({KEPT_VERSIONS: value}).kept_versions
    except ValidationError:
        rule = ReleaseRules.model_fields["kept_versions"].description
        raise ReleaseError(
            f"{KEPT_VERSIONS} is {value!r}: {rule}; set it in Pulumi.{stack}.yaml"
        ) from None


def commit_to_release(given: str | None, root: Path = ROOT) -> str:
    """The commit `given`, or that of this checkout. Raises ReleaseError if there is none.

    A checkout with changes is no commit.
    """
    if given is not None:
        if not FULL_COMMIT.fullmatch(given):
            raise ReleaseError(
                f"--commit {given!r} is no full commit id of 40 hexadecimal digits, as "
                "`git rev-parse` prints it"
            )
        return given
    changed = _git(root, "status", "--porcelain").splitlines()
    if changed:
        raise ReleaseError(
            f"{len(changed)} files differ from the commit, {changed[0].strip()} among them, so no "
            "commit is what was deployed: commit them, deploy and verify, and release that; or "
            "name the commit that was deployed with --commit"
        )
    return _git(root, "rev-parse", "HEAD").strip()


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        reason = "git is not on the PATH"
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip()
    raise ReleaseError(f"the commit of this checkout is unknown ({reason}): name it with --commit")
