"""boto3 clients for a local cloud, unaffected by this machine's own AWS configuration."""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

CREDENTIALS_FILE = "root-credentials.json"
CALL_TIMEOUT_SECONDS = 30

# botocore's session variables, each as (key in the config file, environment variable, default,
# conversion).
NO_HOST_CONFIGURATION = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}

# Loading the endpoints and the service models is the slowest part of creating a client, so all
# sessions share one loader.
_SHARED_LOADER = Loader()


def aws_session(
    *, region: str, access_key_id: str | None = None, secret_access_key: str | None = None
) -> boto3.Session:
    """Return a session that reads neither a profile nor the files in `~/.aws`."""
    session = botocore.session.Session(session_vars=NO_HOST_CONFIGURATION)
    session.register_component("data_loader", _SHARED_LOADER)
    return boto3.Session(
        access_key_id, secret_access_key, region_name=region, botocore_session=session
    )


@dataclass(frozen=True)
class Account:
    """The root user of a local cloud's emulated account; `url` is `http://127.0.0.1:PORT`."""

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
        """Return the boto3 client of the service, such as `sqs`; created once."""
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
        """Write the credentials to the cloud's folder, readable by this user only."""
        unfinished = folder / f"{CREDENTIALS_FILE}.new"
        unfinished.touch(mode=0o600)
        values = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        unfinished.write_text(json.dumps(values))
        unfinished.rename(folder / CREDENTIALS_FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises FileNotFoundError if there is nothing."""
        values: Mapping[str, str] = json.loads((folder / CREDENTIALS_FILE).read_text())
        return cls(**values)
