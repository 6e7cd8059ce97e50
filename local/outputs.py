"""outputs.json of a local cloud: the stack's outputs, where it runs, and a speaker's login."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from client.account import Account
from client.running_cloud import OUTPUTS_FILE
from client.sign_in import add_user, new_password

SPEAKER_USERNAME = "speaker@example.com"


class OutputsFile:
    """The outputs of one cloud's stack; `publish` also gives its user pool, if any, the speaker."""

    def __init__(self, folder: Path, account: Account, stack: str) -> None:
        self.path = folder / OUTPUTS_FILE
        self._account = account
        self._stack = stack
        # By the id of their user pool.
        self._passwords: dict[str, str] = {}

    def publish(self, exports: Mapping[str, Any]) -> dict[str, Any]:
        """Write and return the outputs. The file appears in one step: nobody reads half of it."""
        outputs = {
            **exports,
            "stack": self._stack,
            "region": self._account.region,
            "emulatorUrl": self._account.url,
        }
        # A stack with speakerIssuer has no user pool.
        if pool := exports.get("userPoolId"):
            outputs["speakerUsername"] = SPEAKER_USERNAME
            outputs["speakerPassword"] = self._password(pool)
        unfinished = self.path.with_suffix(".new")
        unfinished.write_text(json.dumps(outputs, indent=2) + "\n")
        unfinished.rename(self.path)
        return outputs

    def withdraw(self) -> None:
        """Remove the file, if there is one."""
        self.path.unlink(missing_ok=True)

    def _password(self, pool: str) -> str:
        """Return the speaker's password; the user may be left from an earlier run."""
        if pool not in self._passwords:
            cognito, password = self._account.client("cognito-idp"), new_password()
            try:
                add_user(cognito, pool, SPEAKER_USERNAME, password)
            except cognito.exceptions.UsernameExistsException:
                cognito.admin_set_user_password(
                    UserPoolId=pool, Username=SPEAKER_USERNAME, Password=password, Permanent=True
                )
            self._passwords[pool] = password
        return self._passwords[pool]
