"""config.json, beside the pages: the stack that they belong to. No Pulumi here.

`PageConfig` in web/src/config.ts is its type.
"""

from collections.abc import Mapping
from typing import Any

CONFIG_FILE = "config.json"


def page_config(
    *, websocket_url: Any, sign_in: Mapping[str, Any] | None, transcripts: bool
) -> dict[str, Any]:
    """The content of config.json; texts may be Pulumi outputs.

    `sign_in` is as `components.sign_in.SignIn.config` has it; None where nobody can sign in.
    """
    return {"websocketUrl": websocket_url, "signIn": sign_in, "transcripts": transcripts}
