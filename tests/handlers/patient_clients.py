"""AWS clients as aws/clients.py builds them, at another endpoint and without time limits."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session

from tests.patience import OUT_OF_REACH_SECONDS


def client_at(
    url: str, service: str, *, read_timeout_seconds: float = OUT_OF_REACH_SECONDS, **config: Any
) -> Any:
    return _session().create_client(
        service,
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(
            connect_timeout=OUT_OF_REACH_SECONDS,
            read_timeout=read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": 1},
            **config,
        ),
    )


@cache
def _session() -> Session:
    """One for all tests: it reads a service's description once."""
    return Session()
