"""Access to the emulated AWS account as its root user."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from botocore.config import Config

from client.aws_session import aws_session

CREDENTIALS_FILE = "root-credentials.json"
CALL_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Account:
    """The emulator's URL (`http://127.0.0.1:PORT`) and its root user's credentials."""

    url: str
    region: str
    account_id: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )

    def client(self, service: str) -> Any:
        """Return the boto3 client of the service; the same one at each call."""
        with self._lock:
            if service not in self._clients:
                session = aws_session(
                    region=self.region,
                    access_key_id=self.access_key_id,
                    secret_access_key=self.secret_access_key,
                )
                self._clients[service] = session.client(
                    service,  # pyright: ignore[reportCallIssue, reportArgumentType]
                    endpoint_url=self.url,
                    config=Config(
                        proxies={},
                        max_pool_connections=32,
                        connect_timeout=CALL_TIMEOUT_SECONDS,
                        read_timeout=CALL_TIMEOUT_SECONDS,
                    ),
                )
            return self._clients[service]

    def save(self, folder: Path) -> None:
        """Write the credentials for other commands, readable by this user alone."""
        path = folder / CREDENTIALS_FILE
        path.touch(mode=0o600)
        values = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        path.write_text(json.dumps(values))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read saved credentials; raises FileNotFoundError if there are none."""
        values: Mapping[str, str] = json.loads((folder / CREDENTIALS_FILE).read_text())
        return cls(**values)
