"""The variables with which the Pulumi CLI works on a cloud, and the file that sets them."""

import shlex
from pathlib import Path

from client.account import Account
from local.pulumi_cloud.kept_folder import pulumi_backend

ENV_FILE = "env"
# The host's own settings, which would win or be mixed with the cloud's.
UNSET = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_CA_BUNDLE",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
)


def pulumi_variables(folder: Path, account: Account) -> dict[str, str]:
    """Return the variables for the Pulumi CLI, its AWS plugin and every other AWS client.

    The passphrase is empty: nothing in this stack is worth encrypting.
    """
    return {
        "AWS_ENDPOINT_URL": account.url,
        "AWS_ACCESS_KEY_ID": account.access_key_id,
        "AWS_SECRET_ACCESS_KEY": account.secret_access_key,
        "AWS_REGION": account.region,
        "AWS_DEFAULT_REGION": account.region,
        "PULUMI_BACKEND_URL": f"file://{pulumi_backend(folder)}",
        "PULUMI_CONFIG_PASSPHRASE": "",
    }


def write_env_file(folder: Path, account: Account) -> Path:
    """Write the file for `source`, readable by this user only; return its path."""
    path = folder / ENV_FILE
    exports = [
        f"export {name}={shlex.quote(value)}"
        for name, value in pulumi_variables(folder, account).items()
    ]
    path.touch(mode=0o600)
    path.write_text("\n".join([f"unset {' '.join(UNSET)}", *exports]) + "\n")
    return path
